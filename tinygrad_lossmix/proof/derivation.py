"""The output delta of a mix as formulas: the engine's own sweep on a recording of symbols.

>>> derive("sigmoid", book.log_likelihood, 1).error
(a0*y0 - a0,)
>>> x = variable(sympy.symbols("x:2", positive=True))
>>> expressions(np.log(x * x / 2.0))
[log(x0**2/2), log(x1**2/2)]
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator, Sequence
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.sweep import accumulated, sweep
from tinygrad_lossmix.engine.table import NUMPYS, spelling
from tinygrad_lossmix.engine.tensor import Tensor, node
from tinygrad_lossmix.installation import needing
from tinygrad_lossmix.mixes import book
from tinygrad_lossmix.mixes.own import result_of

with needing("prove", "proofs are computed by SymPy"):
    import sympy as sympy

Formula = Any  # SymPy's
Output = Callable[[Any], Any]  # a layer of a user's own

PLAIN = ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh")
FUNCTIONS = {name: getattr(sympy, name) for name in PLAIN}  # by NumPy's names
FUNCTIONS |= {f"arc{name}": getattr(sympy, f"a{name}") for name in (*PLAIN[3:6], *PLAIN[7:])}
WAY = (
    "stands in the way of a proof: formulas know +, -, *, /, **, exp, log, tanh and sums; for "
    "sigmoid and softmax write lm.book's"
)
ARITHMETIC = {  # what NumPy computes of objects by their own operators
    np.add, np.subtract, np.multiply, np.divide, np.power, np.negative, np.positive, np.square,
    np.reciprocal, np.matmul, np.equal, np.not_equal,
}  # fmt: skip


class Formulas(np.ndarray):
    """An array of SymPy expressions, on which NumPy's functions are SymPy's."""

    def __array_ufunc__(self, ufunc: Any, method: Any, *inputs: Any, **options: Any) -> Any:
        known = ufunc in ARITHMETIC or ufunc.__name__ in FUNCTIONS
        if not known or any(type(x) is Tensor for x in inputs):
            return NotImplemented
        of = ufunc if ufunc in ARITHMETIC else np.frompyfunc(FUNCTIONS[ufunc.__name__], 1, 1)
        exact = [np.frompyfunc(_exact, 1, 1)(np.asarray(x)) for x in inputs]
        options.pop("out", None)
        return formulas(getattr(of, method)(*exact, **options))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return formulas(super().__array_function__(function, types, args, kwargs))


def formulas(found: Any) -> Any:
    """Expressions, one or an array of them, as such an array; anything else as it is."""
    found = np.asarray(found, object) if isinstance(found, sympy.Basic) else found
    objects = isinstance(found, np.ndarray) and found.dtype.kind == "O"
    return found.view(Formulas) if objects else found


def _exact(number: Any) -> Formula:
    """The expression, or the fraction that a float is, 9/10 of 0.9."""
    exact = isinstance(number, sympy.Basic)
    return number if exact else sympy.nsimplify(number, rational=True)


def variable(entries: Sequence[Formula]) -> Tensor:
    """A Tensor of one axis with these entries; `Tensor(…)` takes floats only."""
    return node(None, (), (), (), False, value=formulas(np.array([*entries], object)))


def expressions(array: Any) -> list[Formula]:
    """The entries of an array of expressions, or of a Tensor of them."""
    values = array._value if isinstance(array, Tensor) else array
    return [_exact(entry) for entry in values]


class Counterexample(NamedTuple):
    """One point at which δ is not a - y; exact numbers, one for each class."""

    z: tuple[Formula, ...]
    y: tuple[Formula, ...]
    delta: tuple[Formula, ...]
    a_minus_y: tuple[Formula, ...]

    def __str__(self) -> str:
        z, y, delta, a_minus_y = (f"({', '.join(map(str, values))})" for values in self)
        return f"at z = {z}, y = {y}: delta = {delta}, a - y = {a_minus_y}"


class Derivation(NamedTuple):
    """δ of one example, in terms of its outputs and labels, and for which labels it is a - y."""

    output: str  # empty for a layer of a user's own, of which a stands for e^z
    a: tuple[Formula, ...]  # the outputs, as symbols: all positive, 1 together under softmax
    y: tuple[Formula, ...]  # the labels, as symbols: any real numbers
    total: Formula  # Σ e^z, as a symbol: what the outputs of softmax do not tell about z
    raw: tuple[Formula, ...]  # δ as the table gives it
    a_minus_y: tuple[Formula, ...]  # of the outputs that the output layer computed
    error: tuple[Formula, ...]  # δ - (a - y), in lowest terms

    def equations(self, formulas: Sequence[Formula]) -> tuple[Formula, ...]:
        """What the labels must satisfy for these formulas to be 0 at all logits: each = 0.

        A fraction is 0 everywhere where every coefficient of its numerator is, as a polynomial in
        the outputs, or in z and e^z; a Gröbner basis says it in the shortest way. None: any labels
        do; 1: none does.
        """
        fits = {self.a[-1]: 1 - sum(self.a[:-1])} if self.output == "softmax" else {}
        free = [each for each in self.a if each not in fits]
        numerators = [sympy.numer(sympy.cancel(formula.subs(fits))) for formula in formulas]
        z = {each for formula in numerators for each in formula.atoms(sympy.log)}
        polynomials = [sympy.Poly(each, *free, self.total, *z) for each in numerators]
        wanted = [c for each in polynomials for c in each.coeffs() if c != 0]
        return tuple(sympy.groebner(wanted, *self.y).exprs) if wanted else ()

    @property
    def distribution(self) -> bool:
        """Whether the outputs add up to 1, as labels do that they can match."""
        total = sum(self.a_minus_y) + sum(self.y)
        return self.output == "softmax" or sympy.cancel(total) == 1

    def of_every_label(self, equations: Sequence[Formula]) -> bool:
        """Whether all labels that the outputs can match satisfy them."""
        fits = {self.y[-1]: 1 - sum(self.y[:-1])} if self.distribution else {}
        return all(sympy.expand(each.subs(fits)) == 0 for each in equations)

    def multiple(self) -> Formula | None:
        """The number c other than 1 with δ = c(a - y) for all such labels, if there is one."""
        _, point = next(self._points())
        error, a_minus_y = self.error[0].subs(point), self.a_minus_y[0].subs(point)
        c = 1 + error / a_minus_y if a_minus_y else sympy.S.One
        if c == 1 or not c.is_number:
            return None
        rest = [e - (c - 1) * d for e, d in zip(self.error, self.a_minus_y, strict=True)]
        return c if self.of_every_label(self.equations(rest)) else None

    def ignores_wrong_classes(self) -> bool:
        """Whether a wrong class, one of label 0, has δ = 0 at all logits."""
        each = zip(self.error, self.a_minus_y, self.y, strict=True)
        return all(sympy.cancel((e + d).subs(y, 0)) == 0 for e, d, y in each)

    def counterexample(self) -> Counterexample | None:
        """A point with simple numbers where δ is not a - y: z = 0 and class 0 if it is one."""
        for z, point in self._points():
            error, a_minus_y, y = (
                [each.subs(point) for each in formulas]
                for formulas in (self.error, self.a_minus_y, self.y)
            )
            if any(error) and all(each.is_finite for each in (*error, *a_minus_y)):
                delta = [e + d for e, d in zip(error, a_minus_y, strict=True)]
                return Counterexample(z, tuple(y), tuple(delta), tuple(a_minus_y))
        return None

    def _points(self) -> Iterator[tuple[tuple[Formula, ...], dict[Formula, Formula]]]:
        """Logits that are logarithms of 1, 2, 3, and their outputs with labels: simple numbers."""
        k = len(self.a)
        labels = [[sympy.Integer(i == c) for i in range(k)] for c in range(k)]
        labels += [[sympy.Rational(1, k)] * k]
        labels += [[sympy.S.Zero] * k] if self.output == "sigmoid" else []
        for powers in itertools.product(map(sympy.Integer, (1, 2, 3)), repeat=k):
            total = sum(powers)
            parts = {"softmax": total, "": 1}  # what e^z is divided by
            outputs = [e / parts.get(self.output, 1 + e) for e in powers]
            for y in labels:
                numbers = (total, *outputs, *y)
                point = dict(zip((self.total, *self.a, *self.y), numbers, strict=True))
                yield tuple(map(sympy.log, powers)), point


def derive(output: str | Output, cost: Callable[[Any, Any], Any], classes: int) -> Derivation:
    """Run the table of derivatives on an output layer of the book, or one's own, and a cost.

    The logits are z = ln E with E > 0, so that all is rational in E; then E is replaced by what it
    is in terms of the outputs a: a/(1 - a) for sigmoid, a·ΣE for softmax. Of a layer of one's own
    E stays, and logits ln E; TypeError if it uses what formulas do not know.
    """
    e, a = (sympy.symbols(f"{name}:{classes}", positive=True) for name in "Ea")
    y = sympy.symbols(f"y:{classes}", real=True)
    total = sympy.Symbol("T", positive=True)
    z, labels = variable([sympy.log(each) for each in e]), variable(y)
    known: dict[Any, Any] = {each: out / (1 - out) for each, out in zip(e, a, strict=True)}
    if output == "softmax":
        known = {each: out * total for each, out in zip(e, a, strict=True)}
        known |= {sum(e): total, -sum(e): -total}
    name = output if isinstance(output, str) else ""
    if isinstance(output, str):
        outputs = getattr(book, output)(z)
    else:
        known, a, outputs = {}, e, _of_symbols(output, "the output layer", (z,), (classes,))
    delta = gradient_at(z, _cost(cost, outputs, labels), formulas(sympy.S.One))
    raw = [entry.xreplace(known) for entry in map(_rational, expressions(delta))]
    layer = [sympy.cancel(_rational(entry).xreplace(known)) for entry in expressions(outputs)]
    a_minus_y = [out - label for out, label in zip(layer, y, strict=True)]
    error = [sympy.cancel(d - e) for d, e in zip(raw, a_minus_y, strict=True)]
    return Derivation(name, a, y, total, tuple(raw), tuple(a_minus_y), tuple(error))


def _rational(formula: Formula) -> Formula:
    """In exponentials, where it is in hyperbolic functions."""
    return formula.rewrite((sympy.tanh, sympy.sinh, sympy.cosh), sympy.exp)


def _of_symbols(
    function: Callable[..., Any], what: str, args: tuple[Tensor, ...], shape: tuple[int, ...]
) -> Any:
    """What a user's layer or cost makes of symbols, if its graph is one of formulas.

    Raises TypeError, which names the first operation that is none; NotRecorded.
    """
    numbers = [Tensor(np.linspace(0.6, 0.4, x.size)) for x in args]
    symbols: dict[Any, Any] = dict(zip(numbers, args, strict=True))
    for each in nodes(result_of(function, what, tuple(numbers), shape)):
        if each.function is None:
            continue
        known = [symbols.get(x, x) if isinstance(x, Tensor) else x for x in each.args]
        try:
            symbols[each] = each.function(*known, **each.kwargs)
            if not isinstance(each.function, NUMPYS):
                raise TypeError
        except Exception:
            compared = any(isinstance(x, np.ndarray) and x.dtype == bool for x in each.args)
            blamed = f"a comparison in {what}" if compared else spelling(each.function)
            raise TypeError(f"{blamed} {WAY}") from None
    try:
        return function(*args)
    except Exception:  # symbols have no numbers to be asked for
        raise TypeError(f"a comparison, branch or float() in {what} {WAY}") from None


def gradient_at(z: Tensor, cost: Any, one: Any) -> Any:
    """What z receives from a cost on symbols, the sweep started with their 1.

    Raises ValueError where it does not depend on z.
    """
    found = accumulated(cost, one, sweep(cost, one))
    if z not in found:
        raise ValueError("the cost does not depend on the outputs: delta is 0")
    return found[z]


def _cost(cost: Callable[[Any, Any], Any], outputs: Any, labels: Tensor) -> Any:
    """A cost of the book, its very code, but with labels taken as they are; a user's own as it is.

    Symbols are no numbers, which labels are checked to be, and no constant that can be recorded:
    they enter as a variable.
    """
    code = getattr(inspect.unwrap(cost), "__code__", None)
    if code is None or cost.__module__ != book.__name__:
        return _of_symbols(cost, "the cost", (outputs, labels), ())
    return FunctionType(code, vars(book) | {"dense": lambda y, a: y})(outputs, labels)


def written(formula: Formula, a: Formula, y: Formula, text: Callable[[Formula], str] = str) -> str:
    """A formula as text, beginning with a - y where it is a part of it.

    >>> a, b, y = sympy.symbols("a b y")
    >>> str(a - y - b), written(a - y - b, a, y)
    ('a - b - y', 'a - y - b')
    """
    if not {a, -y} <= set(sympy.Add.make_args(formula)):
        return text(formula)
    rest = formula - (a - y)
    sign = "-" if rest.could_extract_minus_sign() else "+"
    end = "" if rest == 0 else f" {sign} {text(-rest if sign == '-' else rest)}"
    return f"{text(a)} - {text(y)}{end}"
