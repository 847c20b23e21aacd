"""The output delta of a mix for every number of classes at once: the engine's sweep on class k.

A `Generic` array stands for K numbers by the formula of the one with index k; its length is a
stand-in that no formula sees. A sum over the classes is linear: what does not depend on k is taken
out of it, and what is left is a symbol.

>>> print(prove_for_all(Mix("softmax", "ll")))
softmax + log-likelihood, any number of classes
delta = a - y exactly where sum(y) = 1.
<BLANKLINE>
delta_k = a_k*sum(y) - y_k
<BLANKLINE>
a outputs, y labels; derived for all logits and any K by the engine's table, run on class k.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from tinygrad_lossmix.engine.table import dispatched, row, spelling
from tinygrad_lossmix.engine.tensor import Tensor, node
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.printing import AsPrinted
from tinygrad_lossmix.proof.derivation import Formula, formulas, gradient_at, sympy, written

A, Y = sympy.Symbol("a_k", positive=True), sympy.Symbol("y_k", real=True)
T, COUNT = sympy.Symbol("T", positive=True), sympy.Symbol("K", positive=True)
LENGTHS = 7, 11  # of the stand-in: a formula that depends on it is wrong
ABOUT = (
    "a outputs, y labels; derived for all logits and any K by the engine's table, run on class k."
)
WAY = "stands in the way of a proof for every K: give a number of classes, K=3"
SUM_OF_Y = sympy.Symbol("sum(y)", real=True)
ELEMENTWISE = {  # those of which a sum over the classes can be taken
    np.add, np.subtract, np.multiply, np.divide, np.power, np.negative,
    np.square, np.sqrt, np.exp, np.log,
}  # fmt: skip


class Generic(NDArrayOperatorsMixin):
    """K numbers, or one, by a formula in a_k and y_k; NumPy's calls are made on the formula."""

    dtype = np.dtype(np.float64)

    def __init__(self, formula: Formula, shape: tuple[int, ...], distribution: bool) -> None:
        self.formula, self.shape, self.distribution = sympy.cancel(formula), shape, distribution

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """An array's, as the engine asks of what it takes for a constant."""
        return np.ndarray

    ndim = property(lambda self: len(self.shape), doc="The number of axes.")
    size = property(lambda self: math.prod(self.shape), doc="Of entries.")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(type(x) is Tensor for x in inputs):
            return NotImplemented
        if ufunc is np.add and method == "reduce":
            shape = (1,) * self.ndim if kwargs.get("keepdims") else ()
            return Generic(self.total(), shape, self.distribution)
        if method != "__call__" or ufunc not in ELEMENTWISE:
            raise TypeError(
                f"{spelling(ufunc)} stands in the way of a proof: formulas know +, -, *, /, **, "
                "exp, log and sums"
            )
        if any(np.ndim(x) for x in inputs if type(x) is not Generic):
            raise TypeError(f"a number for each class {WAY}")
        of_k = [x.formula if type(x) is Generic else sympy.nsimplify(x) for x in inputs]
        shape = np.broadcast_shapes(*map(np.shape, inputs))
        return Generic(ufunc(*map(formulas, of_k)).item(), shape, self.distribution)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function is np.broadcast_to:
            return Generic(args[0].formula, tuple(args[1]), self.distribution)
        if function is np.shape:
            return args[0].shape
        raise TypeError(f"{spelling(function)} {WAY}")

    def __getitem__(self, key: Any) -> Generic:
        raise TypeError(f"the index {key} stands in the way of a proof: formulas know no indices")

    def reshape(self, *shape: Any) -> Generic:
        """The same formula in another shape."""
        return Generic(self.formula, np.empty(self.shape).reshape(*shape).shape, self.distribution)

    def copy(self) -> Generic:
        """Itself: nothing changes it."""
        return self

    def sum(self) -> Generic:
        """Over the classes."""
        return Generic(self.total(), (), self.distribution)

    def mean(self, *axis: Any, **options: Any) -> Generic:
        """One number is its own mean; that of K would have the stand-in's length in it."""
        if self.size > 1:
            raise TypeError(f"a mean over the classes {WAY}")
        return self

    def total(self) -> Formula:
        """The sum over the classes."""
        return summed(self.formula, self.distribution) if self.size > 1 else self.formula


@dispatched
def one_of_k(z: Any) -> Generic:
    """lml, whose τ has no formula: outputs that add up to 1, with its Jacobian in closed form."""
    return Generic(A, z.shape, True)


def _turned(g: Any, a: Any, z: Any) -> Any:
    """diag(s)·g - s wᵀ·g with s = a(1 - a), w = s/Σs."""
    s = a * (1.0 - a)
    return s * (g - (s * g).sum() / s.sum())


row(one_of_k, _turned)


def summed(formula: Formula, distribution: bool) -> Formula:
    """Σ_k of a formula: linear, in partial fractions of a_k; what holds no a_k or y_k is taken out.

    >>> summed(3 * A + T * Y, True), summed(A / (1 - A), True)
    (T*sum(y) + 3, -K + sum(1/(1 - a)))
    """
    if not (formula.is_rational_function(A) and formula.is_polynomial(Y)):
        parts = sympy.Add.make_args(sympy.expand(formula))
    else:
        parts = [
            term * Y**i
            for (i,), factor in sympy.Poly(formula, Y).terms()
            for term in sympy.Add.make_args(sympy.expand(sympy.apart(factor, A)))
        ]
    found = sympy.S.Zero
    for part in parts:
        outer, inner = sympy.factor(part).as_independent(A, Y)
        if sympy.denom(inner).subs(A, 0).is_negative:  # written 1 - a
            outer, inner = -outer, sympy.numer(inner) / -sympy.denom(inner)
        found += outer * atom(inner, distribution)
    return found


def atom(inner: Formula, distribution: bool) -> Formula:
    """A sum over the classes that stands for itself; of the outputs of a distribution it is 1."""
    if inner == 1:
        return COUNT
    if inner == A and distribution:
        return sympy.S.One
    text = str(inner).replace("a_k", "a").replace("y_k", "y")
    return sympy.Symbol(f"sum({text})", real=True)


@dataclass(frozen=True, repr=False)
class ProofForAll(AsPrinted):
    """δ of class k of a mix, for every number of classes; true where it is a - y."""

    mix: Mix
    delta: Formula  # in a_k, y_k and sums over the classes
    holds: bool  # δ = a - y for all labels that the outputs can match
    condition: str  # any y; sum(y) = 1; no y
    ignores_wrong_classes: bool

    def __bool__(self) -> bool:
        return self.holds

    def __str__(self) -> str:
        where = "for any y" if self.condition == "any y" else f"exactly where {self.condition}"
        said = f"delta = a - y {where}." if self.holds else "delta is not a - y."
        lines = [f"{self.mix}, any number of classes", said]
        if self.ignores_wrong_classes:
            lines += ["It is 0 for every wrong class, one of label 0, whatever the logits."]
        if self.mix.output == "lml":
            lines += ["The Jacobian of lml is taken in closed form."]
        return "\n".join([*lines, "", f"delta_k = {written(self.delta, A, Y)}", "", ABOUT])

    @property
    def latex(self) -> str:
        """δ_k as LaTeX for a line of its own."""
        return f"\\delta_k = {sympy.latex(self.delta)}"

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values, formulas as text: ready for JSON."""
        return {
            "output": self.mix.output,
            "cost": self.mix.cost_name,
            "classes": "all",
            "holds": self.holds,
            "condition": self.condition,
            "delta": written(self.delta, A, Y),
            "ignores_wrong_classes": self.ignores_wrong_classes,
            "latex": self.latex,
        }


def prove_for_all(mix: Mix) -> ProofForAll:
    """δ of a mix for every K, and for which labels it is a - y.

    Raises:
        TypeError: the cost is no formula of one class and sums, or depends on the number of them.
    """
    delta, other = (derived(mix, (length,)) for length in LENGTHS)
    if delta != other:
        raise TypeError(f"the number of classes {WAY}")
    error = sympy.factor(delta - (A - Y))
    matched = sympy.simplify(error.subs(SUM_OF_Y, 1)) == 0
    condition = "any y" if error == 0 else "sum(y) = 1" if matched else "no y"
    ignores = sympy.simplify(delta.subs(Y, 0)) == 0
    apart = error.has(1 / (A - 1)) and error.is_rational_function(A)
    parted = A * sympy.apart(sympy.cancel(error / A), A) if apart else error
    shortest = min([A - Y + error, sympy.factor(delta), A - Y + parted], key=sympy.count_ops)
    return ProofForAll(mix, shortest, error == 0 or matched, condition, ignores)


def derived(mix: Mix, shape: tuple[int]) -> Formula:
    """δ_k, by arrays of that shape."""
    distribution = mix.layer.distribution
    logit = sympy.log(A * T) if distribution else sympy.log(A / (1 - A))
    start: Any = Generic(logit, shape, distribution)
    z = node(None, (), (), (), False, value=start)
    y = Generic(Y, shape, distribution)
    layer = one_of_k if mix.output == "lml" else mix.layer.book
    recorded = mix.book_cost(layer(z), y)
    return sympy.cancel(gradient_at(z, recorded, Generic(sympy.S.One, (), distribution)).formula)
