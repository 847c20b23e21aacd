"""Proofs: is the output delta of a mix a - y, and for which labels?

The engine's own table of derivatives runs on formulas in place of numbers, through a recording of
the book's output layer and cost; what comes out is the delta of that code at all logits at once.

>>> print(prove("softmax", "ll", 2))
softmax + log-likelihood, 2 classes
delta = a - y exactly where y0 + y1 = 1.
<BLANKLINE>
delta0 = a0 - y0 + a0*(y0 + y1 - 1)
delta1 = a1 - y1 + a1*(y0 + y1 - 1)
<BLANKLINE>
a outputs, y labels; derived for all logits by the engine's table, run on symbols.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, overload

from tinygrad_lossmix.mixes import book as book
from tinygrad_lossmix.mixes.layers import LAYERS
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.printing import AsPrinted, how_many
from tinygrad_lossmix.proof.derivation import (
    Counterexample,
    Derivation,
    Formula,
    Output,
    derive,
    sympy,
    written,
)
from tinygrad_lossmix.proof.every_class import ProofForAll, prove_for_all

SYMBOLS = "{} y labels; derived for all logits by the engine's table, run on symbols."
Cost = Callable[[Any, Any], Any]
MOST = 6  # classes: one more takes a minute


@dataclass(frozen=True, repr=False)
class Proof(AsPrinted):
    """What was proved about the output delta of a mix; formulas are SymPy expressions.

    True where it holds: `assert prove("sigmoid", "ce", 3)`.
    """

    mix: Mix
    classes: int
    a: tuple[Formula, ...]  # symbols for the outputs, or for the logits of a layer of one's own
    y: tuple[Formula, ...]  # symbols for the labels
    delta: tuple[Formula, ...]  # δ of each logit, in terms of a and y
    holds: bool  # δ = a - y for all labels that the outputs can match: any, or of sum 1 for softmax
    equations: tuple[Formula, ...]  # 0 exactly for the labels with δ = a - y at all logits
    multiple: Formula | None  # c ≠ 1 with δ = c(a - y) for all labels that outputs can match
    ignores_wrong_classes: bool  # δ is 0 for every class of label 0
    counterexample: Counterexample | None  # None where it holds
    distribution: bool  # the outputs add up to 1

    def __bool__(self) -> bool:
        return self.holds

    @property
    def condition(self) -> str:
        """The labels for which δ = a - y at all logits: `y0 + y1 = 1`, `any y` or `no y`."""
        if not self.equations:
            return "any y"
        return "no y" if self.equations == (1,) else ", ".join(_equations(self.equations))

    @property
    def latex(self) -> str:
        """δ, and the labels for which it is a - y, as LaTeX for a line of its own."""
        lines = [f"\\delta_{{{k}}} &= {text}" for k, text in enumerate(self._written(sympy.latex))]
        end = f"\\text{{ at all logits for {self.condition[:-1]}}} y"
        if self.condition not in ("any y", "no y"):
            end = "\\iff " + ",\\ ".join(_equations(self.equations, sympy.latex))
        lines.append(f"\\delta &= a - y {end}")
        if self.multiple is not None:
            where = self._matched("\\text{ where }", sympy.latex)
            lines.append(f"\\delta &= {sympy.latex(self.multiple)}\\,(a - y){where}")
        body = " \\\\\n".join(lines)
        return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex}$"

    def __str__(self) -> str:
        lines = [f"{self.mix}, {how_many(self.classes)}", *self._verdict(), ""]
        lines += [f"delta{k} = {text}" for k, text in enumerate(self._written())]
        lines += [""]
        if any("T" in map(str, each.free_symbols) for each in self.delta):
            lines += ["T is the sum of e^z."]
        given = "a outputs," if self.mix.layer in LAYERS.values() else "z logits,"
        return "\n".join([*lines, SYMBOLS.format(given)])

    def _written(self, text: Callable[[Formula], str] = str) -> list[str]:
        each = zip(self.delta, self.a, self.y, strict=True)
        return [written(delta, a, y, text) for delta, a, y in each]

    def _verdict(self) -> list[str]:
        if self.holds:
            where = f"exactly where {self.condition}" if self.equations else "for any y"
            return [f"delta = a - y {where}."]
        lines = ["delta is not a - y."]
        if self.multiple is not None:
            lines += [f"It is exactly {self.multiple}(a - y){self._matched(' where')}."]
        if self.ignores_wrong_classes:
            lines += ["It is 0 for every wrong class, one of label 0, whatever the logits."]
        if self.equations != (1,):
            lines += [f"Both agree at all logits only where {self.condition}."]
        if self.counterexample is not None:
            lines += [f"For example {self.counterexample}."]
        return lines

    def _matched(self, where: str, text: Callable[[Formula], str] = str) -> str:
        """The labels that softmax can match, as the end of a sentence."""
        equations = _equations([sum(self.y) - 1], text)
        return f"{where} {equations[0]}" if self.distribution else ""

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values, formulas as text: ready for JSON."""
        point = self.counterexample
        return {
            "output": self.mix.output,
            "cost": self.mix.cost_name,
            "classes": self.classes,
            "holds": self.holds,
            "condition": self.condition,
            "delta": self._written(),
            "multiple": None if self.multiple is None else str(self.multiple),
            "ignores_wrong_classes": self.ignores_wrong_classes,
            "counterexample": point
            and {name: [str(x) for x in values] for name, values in point._asdict().items()},
            "latex": self.latex,
        }


@overload
def prove(output: str | Output, cost: str | Cost, K: int = 3) -> Proof: ...
@overload
def prove(output: str | Output, cost: str | Cost, K: Literal["all"]) -> ProofForAll: ...
def prove(output: str | Output, cost: str | Cost, K: int | str = 3) -> Proof | ProofForAll:
    """Derive δ of a mix of K classes for all logits and labels, and compare it with a - y.

    Args:
        output: "sigmoid" or "softmax"; with K="all" also "lml". Or a function of your own, in
            NumPy's +, -, *, /, **, exp, log, tanh and sums: formulas are in z and e^z.
        cost: "ce" (eq. 63 of the book), "ll" (eq. 80) or "quadratic" (eq. 6), or the long name.
            Or a function of your own, of outputs and labels.
        K: how many classes, 1 to 6; five take seconds. "all": any number of them, δ of class k.

    Returns:
        a `Proof`, for all K a `ProofForAll`: true where δ = a - y for all labels that the outputs
        can match, with δ as formulas and the condition on the labels; else a counterexample. Eq.
        (66) and (84).

    Raises:
        ImportError: SymPy is not installed.
        TypeError: the layer or the cost uses what formulas do not know, which is named.
        ValueError: no such mix, K out of range, or softmax with cross-entropy on one class, where
            ln(1 - a) is infinite.

    >>> proof = prove("softmax", "ll", 3)
    >>> proof.holds, proof.condition
    (True, 'y0 + y1 + y2 = 1')
    >>> crossed = prove("softmax", "ce", 2)
    >>> crossed.holds, crossed.multiple
    (False, 2)
    """
    mix = Mix(output, cost)
    own = LAYERS.get(mix.output) is not mix.layer
    if K == "all" and own:
        raise ValueError(
            f"for all K a proof starts at {' or '.join(LAYERS)}, whose logits follow from the "
            f"outputs, not at {mix.output}: give a number of classes, K=3"
        )
    if K == "all":
        return prove_for_all(mix)
    if mix.output == "lml":
        raise ValueError('τ of lml has no formula for a number of classes: prove it for "all"')
    if type(K) is not int or not 1 <= K <= MOST:
        raise ValueError(f'a proof is for 1 to {MOST} classes or for "all", not {K!r}')
    if (mix.output, mix.cost_name, K) == ("softmax", "ce", 1):
        raise ValueError("softmax of one class is 1, and ln(1 - 1) infinite: take two or more")
    if own:
        return _of_own(mix, derive(mix.layer.stable, mix.book_cost, K))
    found = derive(mix.output, mix.book_cost, K)
    if not all(each.is_rational_function(*found.a, *found.y) for each in found.error):
        raise TypeError(
            f"delta of {mix} holds roots or logarithms of the outputs, and a proof for {K} classes "
            'takes fractions: for "all" of them it is derived'
        )
    return _proof(mix, found, found.a, readable(found))


def _proof(
    mix: Mix, found: Derivation, symbols: Sequence[Formula], delta: Sequence[Formula]
) -> Proof:
    """For which labels δ is a - y, with its formulas in these symbols."""
    equations, ignores = found.equations(found.error), found.ignores_wrong_classes()
    holds = found.of_every_label(equations)
    multiple, point = (None, None) if holds else (found.multiple(), found.counterexample())
    k, a, delta = len(found.a), tuple(symbols), tuple(delta)
    answer = holds, equations, multiple, ignores, point, found.distribution
    return Proof(mix, k, a, found.y, delta, *answer)


def _of_own(mix: Mix, found: Derivation) -> Proof:
    """For a layer of a user's own, with formulas in z and e^z.

    Raises:
        TypeError: δ is no fraction in them; the message names what is in the way.
    """
    for error in found.error:
        plain = error.xreplace({each: sympy.Dummy() for each in error.atoms(sympy.log)})
        if not plain.is_rational_function():
            names = [each.func.__name__ for each in plain.atoms(sympy.Function)]
            blamed = min(names, default="a root, of z or of e^z,")
            raise TypeError(
                f"{blamed} stands in the way of a proof: delta of {mix} is no fraction in z, e^z"
            )
    z = sympy.symbols(f"z:{len(found.a)}", real=True)
    logits = {sympy.log(e): each for e, each in zip(found.a, z, strict=True)}
    powers = {e: sympy.exp(each) for e, each in zip(found.a, z, strict=True)}
    gaps = zip(found.a_minus_y, found.error, strict=True)
    forms = [(gap + sympy.factor(error), sympy.factor(gap + error)) for gap, error in gaps]
    shortest = [min(each, key=sympy.count_ops).xreplace(logits) for each in forms]
    return _proof(mix, found, z, [each.xreplace(powers) for each in shortest])


def _equations(formulas: Sequence[Formula], text: Callable[[Formula], str] = str) -> list[str]:
    """`formula = 0`, with the number on the right: y0 + y1 = 1."""
    parts = [formula.as_coeff_Add() for formula in formulas]
    return [f"{text(left)} = {text(-number)}" for number, left in parts]


def readable(derivation: Derivation) -> tuple[Formula, ...]:
    """δ of each logit, as a - y and what is left, unless another form is clearly shorter.

    >>> readable(derive("sigmoid", book.quadratic, 1))
    (a0*(1 - a0)*(a0 - y0),)
    """
    _, a, y, total, *formulas = derivation
    wanted = [1 - each for each in (*a, *y)]  # differences written this way round
    wanted += [out - label for out, label in zip(a, y, strict=True)]
    signs = {-each: sympy.Mul(-1, each, evaluate=False) for each in wanted}
    found = []
    for raw, a_minus_y, error in zip(*formulas, strict=True):
        rest = [sympy.factor(error).xreplace(signs), _in_parts(error, a, signs)]
        whole = [sympy.factor(a_minus_y + error)]
        if total not in error.free_symbols:  # then it may have any value
            whole.append(raw.subs(total, 1))
        whole = [form for form in whole if not form.is_Add and form.is_polynomial(*a)]
        forms = [a_minus_y + each for each in rest] + [form.xreplace(signs) for form in whole]
        found.append(min(forms, key=sympy.count_ops))
    return tuple(found)


def _in_parts(error: Formula, a: Sequence[Formula], signs: dict[Any, Any]) -> Formula:
    """A common factor times a sum of fractions, each with one of the outputs in its divisor."""
    factors = sympy.Mul.make_args(sympy.factor(error))
    common = sympy.Mul(*[factor for factor in factors if factor in a])
    parts = [sympy.cancel(error / common)]
    for each in a:
        parts = [part for term in parts for part in sympy.Add.make_args(sympy.apart(term, each))]
    rest = sympy.Add(*parts).xreplace(signs)
    return -common * -rest if rest.as_coeff_Add()[0] < 0 else common * rest
