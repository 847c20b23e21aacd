"""A value that a loss gets stuck at, and which such values a loss fits, as exactly as its digits
tell.

>>> guess = Constant("guessing", "softmax + log-likelihood", "ln K", np.log, "Nothing is learnt.")
>>> [first, *_], _ = matches(Question(2.3026, 5e-5), [guess])
>>> first.equation, first.classes
('ln K = 2.3026', 10)
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.records import attributes

NEAR = 0.01  # of the value: as far off as a loss measured on mini-batches may be
FLOAT32 = 2.0**-22  # of the value: what a mean in float32 may have lost
NOISE = 0.002  # of the loss, and two units of its last digit: within it, a usual K is taken
GUESS = 0.1  # as far off as an accuracy may be from the one that goes with a value
USUAL = np.array(  # numbers of classes: of data sets, alphabets and vocabularies
    [
        *range(2, 21),
        *(26, 27, 50, 62, 65, 80, 91, 100, 128, 200, 256, 365, 400, 500, 512, 1000, 1024, 2000),
        *(5000, 10_000, 20_000, 21_841, 30_000, 30_522, 32_000, 50_000, 50_257, 50_304, 65_536),
        *(100_000, 128_000, 128_256, 151_936, 200_000, 250_000, 256_000),
    ],
    float,
)
NOT_FINITE = (
    "an infinite loss comes of ln 0, an output that is exactly 0 or 1",
    "NaN comes of 0 log 0, inf - inf or the log of a negative number",
)


Number = Callable[[Any], Any]  # of K, one or an array of them


def always(value: float) -> Number:
    """The same for any K."""
    return lambda k: value


BELOW_ALL, ABOVE_ALL = always(-math.inf), always(math.inf)


@dataclass(frozen=True)
class Convention:
    """How frameworks report a cost per example: a factor, and how it is written."""

    name: str
    factor: Number
    written: str  # around the formula of the sum


SUM = Convention("summed over the K outputs, mean over the examples", lambda k: 1.0, "{}")
MEAN = Convention("mean over everything", lambda k: 1.0 / k, "({})/K")
NO_HALF = Convention(f"{SUM.name}, without the 1/2", lambda k: 2.0, "2 ({})")
MSE = Convention(f"{MEAN.name}, without the 1/2 (MSELoss)", lambda k: 2.0 / k, "2 ({})/K")
EACH = Convention("mean over the examples", lambda k: 1.0, "{}")
EITHER, SQUARED = (SUM, MEAN), (SUM, MSE, NO_HALF)


@dataclass(frozen=True)
class Constant:
    """A value that a loss gets stuck at, per example with one label, summed over the K outputs."""

    name: str
    cost: str
    formula: str
    value: Number
    meaning: str
    conventions: tuple[Convention, ...] = EITHER
    accuracy: Number | None = None  # that goes with it, where not any may
    slope: float = 0.0  # how much it changes with the accuracy it was computed from
    lowest: Number = BELOW_ALL  # what the loss can be at all, if it is stuck for this reason
    highest: Number = ABOVE_ALL
    fewest: int = 2  # classes
    most: int = 100  # classes that are tried when K is not known
    single: bool = False  # of one output alone
    common: bool = False  # so that even then it is what a near miss is taken for

    @property
    def is_floor(self) -> bool:
        """Whether no loss of this pair is lower."""
        return self.lowest is self.value

    def depends_on_k(self, convention: Convention) -> bool:
        """Whether what is reported is another value for another number of classes."""
        few, many = (float(self.value(k) * convention.factor(k)) for k in (3.0, 7.0))
        return abs(few - many) > 1e-9

    def reductions(self, classes: int | None) -> Iterator[tuple[Convention, str]]:
        """The conventions and their names; those that are one for this K as one."""
        same: dict[float, list[Convention]] = {}
        for i, each in enumerate(self.conventions):
            key = -1.0 - i if classes is None else float(each.factor(float(classes)))
            same.setdefault(key, []).append(each)
        yield from ((one[0], ", or ".join(each.name for each in one)) for one in same.values())


def fixed(
    name: str, cost: str, formula: str, value: float, meaning: str, bound: str = "", **more: Any
) -> Constant:
    """A constant for any K; `bound`, lowest or highest, if no loss of the pair crosses it."""
    at = always(value)
    more = {"fewest": 1} | more | ({bound: at} if bound else {})
    return Constant(name, cost, formula, at, meaning, (EACH,), **more)


def half_unit(number: Any) -> float:
    """Half a unit of the last digit of a number, as text or as it prints; a 0 has two decimals.

    Raises:
        ValueError: not a finite number.

    >>> half_unit("2.30"), half_unit("1.5e-3"), half_unit(0.25)
    (0.005, 5e-05, 0.005)
    """
    text = str(number).strip()
    try:
        given = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a number") from None
    exponent = given.as_tuple().exponent
    if not isinstance(exponent, int) or not math.isfinite(float(given)):
        why = NOT_FINITE[given.is_nan()]
        raise ValueError(
            f"a finite number is needed, not {text}; {why}: compute the cost from the logits "
            "(lm.stabilize)"
        )
    return float(Decimal(5).scaleb((exponent if given else min(exponent, -2)) - 1))


@dataclass(frozen=True)
class Question:
    """A loss and what is known about it."""

    loss: float
    digits: float  # how far off its digits allow it to be
    classes: int | None = None
    accuracy: float | None = None
    slack: float = 0.0  # how far off the digits of the accuracy allow that to be

    def allowed(self, constant: Constant, values: Array) -> Array:
        """How far the loss may be off the values of a constant and be them exactly."""
        rounding = self.digits + FLOAT32 * abs(self.loss)
        most = np.maximum(NEAR * np.abs(values), rounding) if constant.slope else rounding
        return np.minimum(rounding + constant.slope * self.slack, most) + 0.0 * values


@dataclass(frozen=True)
class Match:
    """A constant that a loss fits."""

    name: str
    cost: str
    formula: str  # of what was reported: the reduction is in it
    reduction: str
    value: float
    difference: float  # the loss minus the value
    exact: bool  # no further off than the digits of the loss, or float32, allow
    classes: int | None  # the K that fits best; None: it fits any
    range: tuple[int, int] | None  # the smallest and the largest K that fit
    usual: bool  # others fit the loss as well as this K, or better, but this one is usual
    contradicted: bool  # the accuracy does not go with it
    accuracy: float | None  # that does, if one must
    meaning: str

    @property
    def hit(self) -> bool:
        """Exact, but for a usual K that is taken before a closer one."""
        return self.exact or self.usual

    @property
    def equation(self) -> str:
        """The formula and its value, to the digits of a printed loss."""
        small = 0.0 < abs(self.value) < 0.01
        return f"{self.formula} = {self.value:{'.4g' if small else '.4f'}}"

    def __str__(self) -> str:
        doubt = ""
        if self.contradicted and self.accuracy is not None:
            doubt = f" But it goes with an accuracy of {self.accuracy:.4g}."
        return f"{self!r}\n{self.cost}, {self.reduction}\n{self.meaning}{doubt}"

    def __repr__(self) -> str:
        low, high = self.range or (0, 0)
        k = f", K = {self.classes}" if self.range else ""
        if low < high:
            others = "a usual number; {} to {} come as close" if self.usual else "{} to {} fit"
            k += f" ({others.format(low, high)})"
        off = "" if self.exact else f"; the loss is {self.difference:+.4g} off"
        return f"{self.name}: {self.equation}{k}{off}"


@dataclass(frozen=True)
class Values:
    """What a constant with a reduction is for each K that comes into question."""

    constant: Constant
    formula: str
    reduction: str
    any_k: bool
    ks: Array
    values: Array
    possible: Array  # whether the loss can be what it is for this reason


def matches(asked: Question, constants: Iterable[Constant]) -> tuple[tuple[Match, ...], float]:
    """Every constant that fits, the best first; and how likely a coincidence is.

    In order: what is exact, goes with the accuracy, singles out K, is right to a further digit, is
    common. Beside exact matches, near ones are kept only if they are more common.
    """
    values = [*candidates(asked, constants)]
    found = [match for each in values for match in fits(asked, each)]
    sure = [i for i, m in enumerate(found) if m.hit and not m.contradicted]
    kept = [m for i, m in enumerate(found) if m.exact or not sure or i <= sure[0]]

    def rank(m: Match) -> tuple[bool, ...]:
        vague = len({*(m.range or ())}) > 1 and not m.usual
        return not m.hit, m.contradicted, vague, abs(m.difference) > asked.digits / 10

    return tuple(sorted(kept, key=rank)), coincidence(asked, values)


def coincidence(asked: Question, found: Sequence[Values]) -> float:
    """The share of numbers of about this size and as many digits that are some constant exactly."""
    known: list[tuple[float, float]] = []
    about = 0.25 * abs(asked.loss)
    for each in found:
        values = each.values[np.abs(each.values - asked.loss) <= 1.1 * about]
        known += zip(values, asked.allowed(each.constant, values), strict=True)
    if not known or not asked.digits or abs(asked.loss) <= asked.digits:
        return 0.0
    values, allowed = np.array(sorted(known)).T
    unit = 2.0 * asked.digits
    numbers = np.unique(np.round((asked.loss + about * np.linspace(-1, 1, 401)) / unit)) * unit
    i = np.searchsorted(values, numbers).clip(1, max(len(values) - 1, 1))
    hit = [np.abs(numbers - values[j]) <= allowed[j] for j in (i - 1, i.clip(max=len(values) - 1))]
    return float(np.logical_or(*hit).mean())


def candidates(asked: Question, constants: Iterable[Constant]) -> Iterator[Values]:
    """Every constant by every reduction, for the K that is known or all that are tried."""
    zero = abs(asked.loss) <= asked.digits
    for constant in constants:
        for convention, reduction in constant.reductions(asked.classes):
            any_k = not constant.depends_on_k(convention)
            ks = tried(constant, asked.classes, any_k)
            factor = convention.factor(ks)
            values = constant.value(ks) * factor + 0.0 * ks
            slack = asked.digits + asked.allowed(constant, values)  # digits may be cut off
            possible = (values == 0.0) | (not zero)  # what is below its digits is not a 0
            possible &= asked.loss >= constant.lowest(ks) * factor - slack
            possible &= asked.loss <= constant.highest(ks) * factor + slack
            formula = convention.written.format(constant.formula)
            yield Values(constant, formula, reduction, any_k, ks, values, possible)


def tried(constant: Constant, classes: int | None, any_k: bool) -> Array:
    """Numbers of classes."""
    if classes is not None:
        fit = classes == 1 if constant.single else classes >= constant.fewest
        return np.array([float(classes)] if fit else [])
    first = constant.fewest if constant.single else max(constant.fewest, 2)
    return np.arange(first, first + 1.0 if any_k else constant.most + 1.0)


def fits(asked: Question, found: Values) -> Iterator[Match]:
    """The numbers of classes for which a constant fits, neighbours as one match."""
    constant, ks, values = found.constant, found.ks, found.values
    off = asked.loss - values
    searched = asked.classes is None and not found.any_k
    close = (np.abs(off) <= NEAR * np.abs(values)) & found.possible
    exact = (np.abs(off) <= asked.allowed(constant, values)) & found.possible
    noise = max(asked.digits, min(4.0 * asked.digits, NOISE * abs(asked.loss)))
    quiet = np.flatnonzero(close & (np.abs(off) <= noise))
    usual = np.intersect1d(ks[quiet], USUAL) if searched and constant.common else np.empty(0)
    chosen = np.union1d(np.flatnonzero(exact), quiet if len(usual) else []).astype(int)
    if not len(chosen):
        chosen = np.flatnonzero(close)
        if searched and not (constant.common and len(chosen) == 1):
            return  # where K was searched, a near miss tells nothing
    for run in np.split(chosen, np.flatnonzero(np.diff(chosen) > 1) + 1):
        if not len(run):
            return
        likely = run[np.isin(ks[run], usual)]
        best = likely if len(likely) else run
        i = best[np.argmin(np.abs(off[best]))]
        needed = None if constant.accuracy is None else float(constant.accuracy(ks[i]))
        known = needed is not None and asked.accuracy is not None
        yield Match(
            **attributes(constant, "name", "cost", "meaning"),
            formula=found.formula,
            reduction=found.reduction,
            value=float(values[i]),
            difference=float(off[i]),
            exact=bool(exact[i]),
            classes=None if found.any_k else int(ks[i]),
            range=None if found.any_k else (int(ks[run[0]]), int(ks[run[-1]])),
            usual=len(likely) > 0 and len(run) > 1,
            contradicted=known and abs((needed or 0.0) - (asked.accuracy or 0.0)) > GUESS,
            accuracy=needed,
        )
