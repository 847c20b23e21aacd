"""Values that a loss gets stuck at, the most common first: the table of `plateau` and `diagnose`.

A softmax of outputs that are probabilities already gives its largest at most e/(e + K - 1), and a
sigmoid of them stays between .5 and .7311: floors that no training crosses.

>>> round(float(UNIFORM.value(10)), 4)
2.3026
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

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


perfect = always(1.0)  # the accuracy on a floor
SMOOTHING = 0.1
ON, OFF = math.log1p(1.0 / math.e), math.log(2.0)  # -ln σ(1) and -ln(1 - σ(0))
KERAS = "Keras: from_logits=False, or drop the activation of the last layer."
SOFTMAX_REPAIR = f"PyTorch: hand the logits to CrossEntropyLoss, the softmax is inside it. {KERAS}"
SIGMOID_REPAIR = f"PyTorch: hand the logits to BCEWithLogitsLoss, the sigmoid is inside it. {KERAS}"
NO_LOGARITHM = (
    "NLLLoss takes log-probabilities and was given probabilities. Put a log_softmax before it, or "
    "hand the logits to CrossEntropyLoss."
)
ONE_OUTPUT = (
    "A softmax over one output is 1 at every logit: the cost is constant, its gradient 0. One "
    "output takes a sigmoid: BCEWithLogitsLoss on the logit."
)


def softmax_floor(k: Any) -> Any:
    return np.log1p((k - 1.0) / math.e)


def sigmoid_floor(k: Any) -> Any:
    return ON + (k - 1.0) * OFF


def smoothed(k: Any) -> Any:
    """The entropy of a label smoothed by SMOOTHING."""
    on, off = 1.0 - SMOOTHING + SMOOTHING / k, SMOOTHING / k
    return -on * np.log(on) - (k - 1.0) * off * np.log(off)


# Each by its name, the cost, the formula and its value, and what it means.
# fmt: off
UNIFORM = Constant(
    "uniform predictions", "softmax + log-likelihood", "ln K", np.log,
    "Every class gets about 1/K: nothing is learnt yet beyond the number of classes. Look at the "
    "learning rate (too small, or so large that units died), at inputs that are not scaled and at "
    "labels that do not belong to them; can the network fit ten examples? Softmax twice also "
    "starts here, and learns slowly from it.",
    most=300_000, common=True,
)
HALF = Constant(
    "sigmoid outputs all at one half", "sigmoid + cross-entropy", "K ln 2", lambda k: k * OFF,
    "No output has moved from 1/2: nothing is learnt yet. Or sigmoid twice, whose outputs cannot "
    "go below 1/2.",
    fewest=1, most=20,
)
PRIOR = Constant(
    "the prior 1/K on every output", "sigmoid + cross-entropy, or softmax + cross-entropy",
    "ln K + (K - 1) ln(K/(K - 1))", lambda k: np.log(k) + (k - 1.0) * np.log(k / (k - 1.0)),
    "Every output gives the share of its class, 1/K, and ignores the input: only the biases are "
    "learnt. Under softmax the same is a uniform prediction.",
)
HALF_LL = fixed(
    "sigmoid outputs at one half, with log-likelihood", "sigmoid + log-likelihood", "ln 2", OFF,
    "The log-likelihood of sigmoids before they all go to 1: an improper pair, use cross-entropy.",
)

of_softmax = partial(
    Constant, cost="softmax of softmax (or of sigmoid) + log-likelihood",
    lowest=softmax_floor, highest=lambda k: np.log(math.e + k - 1.0),
)
of_sigmoid = partial(
    Constant, cost="sigmoid of sigmoid (or of softmax) + cross-entropy",
    lowest=sigmoid_floor, highest=lambda k: OFF + (k - 1.0) * (1.0 + ON),
)
of_one_sigmoid = partial(
    fixed, cost="sigmoid of sigmoid + cross-entropy", bound="lowest", highest=always(1.0 + ON),
    meaning="An output that has been through the sigmoid twice lies between .5 and .7311. "
    f"{SIGMOID_REPAIR}",
)
SOFTMAX_FLOOR = of_softmax(
    name="softmax twice, on its floor", formula="ln(1 + (K - 1)/e)", value=softmax_floor,
    meaning="What went into the softmax of the cost were probabilities already: at best the right "
    f"class gets e/(e + K - 1), however well the network does. {SOFTMAX_REPAIR}",
    accuracy=perfect, most=1000, common=True,
)
ONE_SIGMOID = "sigmoid twice, on its floor, one output"
SIGMOID_FLOORS = (
    of_sigmoid(
        name="sigmoid twice, on its floor",
        formula="ln(1 + 1/e) + (K - 1) ln 2", value=sigmoid_floor,
        meaning="What went into the sigmoid of the cost were probabilities already: at best the "
        f"right class gets .7311 and each other .5. {SIGMOID_REPAIR}",
        accuracy=perfect,
    ),
    of_one_sigmoid(f"{ONE_SIGMOID}, label 1", formula="ln(1 + 1/e)", value=ON),
    of_one_sigmoid(f"{ONE_SIGMOID}, label 0", formula="ln 2", value=OFF),
    of_one_sigmoid(
        f"{ONE_SIGMOID}, half of the labels 1",
        formula="(ln(1 + 1/e) + ln 2)/2", value=(ON + OFF) / 2.0,
    ),
)
SIGMOID_OF_UNIFORM = of_sigmoid(
    name="sigmoid of uniform softmax outputs",
    formula="ln(1 + e^(-1/K)) + (K - 1) ln(1 + e^(1/K))",
    value=lambda k: np.log1p(np.exp(-1.0 / k)) + (k - 1.0) * np.log1p(np.exp(1.0 / k)),
    meaning=f"Softmax outputs, all 1/K, go into the sigmoid of the cost. {SIGMOID_REPAIR}",
)
CLASSES_LEFT_OUT = tuple(  # off the floor, the accuracy not known: softmax twice does so for long
    of_softmax(
        name=f"softmax twice, outputs saturated, {classes} never predicted",
        formula=f"ln(e + K - 1) - (1 - {m}/K)",
        value=lambda k, m=m: np.log(math.e + k - 1.0) - 1.0 + m / k,  # type: ignore[misc]
        meaning=f"All right but for {classes}: an accuracy of 1 - {m}/K; give --accuracy to check. "
        f"{SOFTMAX_REPAIR}",
        conventions=(SUM,), fewest=m + 2, most=20,
    )
    for m, classes in ((1, "one class"), (2, "two classes"))
)

of_quadratic = partial(Constant, conventions=SQUARED)
EITHER_LAYER, SIGMOID = "softmax or sigmoid + quadratic", "sigmoid + quadratic"
UNLOGGED = "NLLLoss of probabilities"
RARER = (
    of_quadratic(
        "uniform or prior predictions", EITHER_LAYER,
        "(1 - 1/K)/2", lambda k: (1.0 - 1.0 / k) / 2.0,
        "Every output is 1/K, whatever the input: nothing but the share of the classes is learnt.",
    ),
    of_quadratic(
        "sigmoid outputs all at one half", SIGMOID, "K/8", lambda k: k / 8.0,
        "No output has moved from 1/2: nothing is learnt yet.",
        fewest=1, most=20,
    ),
    of_quadratic(
        "all sigmoid outputs at 0", SIGMOID, "1/2", always(0.5),
        "Every output has been pushed to 0, which is right for all classes but one; the saturated "
        "sigmoid keeps it there.",
    ),
    Constant(
        "uniform predictions, in bits", "softmax + log-likelihood with log2", "log2 K", np.log2,
        "Every class gets 1/K: nothing is learnt yet.",
        (SUM,), most=1000,
    ),
    Constant(
        f"label smoothing of {SMOOTHING}, on its floor", "softmax + log-likelihood",
        "-(.9 + .1/K) ln(.9 + .1/K) - (K - 1) (.1/K) ln(.1/K)", smoothed,
        "The entropy of the smoothed label; no prediction costs less: nothing is wrong.",
        (SUM,), accuracy=perfect, lowest=smoothed,
    ),
    Constant(
        "uniform softmax outputs without a logarithm", UNLOGGED, "-1/K", lambda k: -1.0 / k,
        NO_LOGARITHM, (SUM,),
    ),
    fixed(
        "softmax outputs without a logarithm, on their floor", UNLOGGED, "-1", -1.0,
        NO_LOGARITHM, "lowest", accuracy=perfect, fewest=2,
    ),
    fixed(
        "softmax over one output", "softmax + log-likelihood", "-ln 1", 0.0,
        ONE_OUTPUT, single=True,
    ),
    fixed("softmax over one output", UNLOGGED, "-1", -1.0, ONE_OUTPUT, single=True),
    fixed(
        "the labels are fitted", "any of the costs", "-ln 1", 0.0,
        "Every output is its label, to these digits. If that is too good: are the labels among the "
        "inputs, is the data a few examples, are all labels masked?",
        accuracy=perfect,
    ),
    fixed(
        "all sigmoid outputs at 1", "sigmoid + log-likelihood", "-ln 1", 0.0,
        "The log-likelihood of sigmoids approaches 0 as all outputs go to 1, whatever the "
        "accuracy: an improper pair, use cross-entropy.",
        fewest=2,
    ),
)


def doubled(accuracy: float) -> tuple[Constant, ...]:
    """Off the floor: outputs of 0 and 1, the share `accuracy` of the examples right."""
    return (
        of_softmax(
            name="softmax twice, outputs saturated",
            formula="ln(e + K - 1) - accuracy",
            value=lambda k: np.log(math.e + k - 1.0) - accuracy,
            meaning="An example costs ln(e + K - 1) if its class is wrong and 1 less if it is "
            "right, a little more while outputs are not quite 0 and 1: what went into the softmax "
            f"of the cost were probabilities already. {SOFTMAX_REPAIR}",
            conventions=(SUM,), slope=1.0, common=True,
        ),
        of_sigmoid(
            name="sigmoid twice, outputs saturated",
            formula="ln(1 + 1/e) + (K - 1) ln 2 + 1 - accuracy",
            value=lambda k: sigmoid_floor(k) + 1.0 - accuracy,
            meaning="A wrong example costs 1 more than the floor: what went into the sigmoid of "
            f"the cost were probabilities already. {SIGMOID_REPAIR}",
            slope=1.0,
        ),
    )


def beside(accuracy: float) -> tuple[Constant, ...]:
    """Outputs of 0 and 1, the share `accuracy` of the examples right."""
    return (
        of_quadratic(
            "outputs saturated", EITHER_LAYER, "1 - accuracy", always(1.0 - accuracy),
            "An example costs 1 if its class is wrong and 0 if it is right; where an output is "
            "saturated the quadratic cost hardly learns.",
            slope=1.0,
        ),
        fixed(
            "softmax outputs without a logarithm, saturated", UNLOGGED, "-accuracy", -accuracy,
            NO_LOGARITHM, slope=1.0, lowest=always(-1.0), fewest=2,
        ),
    )
# fmt: on


def by_pair(accuracy: float | None) -> tuple[tuple[Constant, ...], tuple[Constant, ...]]:
    """The common ones and the rarer ones; some are known only beside an accuracy."""
    twice = CLASSES_LEFT_OUT if accuracy is None else doubled(accuracy)
    common = (UNIFORM, SOFTMAX_FLOOR, *twice, HALF, PRIOR, *SIGMOID_FLOORS, SIGMOID_OF_UNIFORM)
    return (*common, HALF_LL), (RARER if accuracy is None else RARER + beside(accuracy))
