"""For which labels is the output delta a - y? Solved, and refuted at a point where it is not."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tinygrad_lossmix.testing.derivation import Derivation, Expression, sympy

Formulas = Sequence[Expression]


class Counterexample(NamedTuple):
    """One point at which δ is not a - y; exact numbers, one for each class."""

    z: tuple[Expression, ...]
    y: tuple[Expression, ...]
    delta: tuple[Expression, ...]
    a_minus_y: tuple[Expression, ...]

    def __str__(self) -> str:
        z, y, delta, a_minus_y = (f"({', '.join(map(str, values))})" for values in self)
        return f"at z = {z}, y = {y}: delta = {delta}, a - y = {a_minus_y}"


def equations(derivation: Derivation, formulas: Formulas) -> tuple[Expression, ...]:
    """What the labels must satisfy for these formulas to be 0 at all logits: each = 0.

    A fraction is 0 everywhere where every coefficient of its numerator is, as a polynomial in the
    outputs; a Gröbner basis says so in the shortest way. None: any labels do; 1: no labels do.
    """
    *free, last = derivation.a
    if derivation.output == "softmax":
        formulas = [formula.subs(last, 1 - sum(free)) for formula in formulas]
    else:
        free.append(last)
    coefficients: list[Expression] = []
    for formula in formulas:
        numerator, _ = sympy.fraction(sympy.cancel(formula))
        coefficients += sympy.Poly(numerator, *free, derivation.total).coeffs()
    wanted = [each for each in coefficients if each != 0]
    return tuple(sympy.groebner(wanted, *derivation.y).exprs) if wanted else ()


def of_every_label(derivation: Derivation, conditions: Formulas) -> bool:
    """Whether all labels that the outputs can match satisfy them: softmax's add up to 1."""
    *free, last = derivation.y
    fits = {last: 1 - sum(free)} if derivation.output == "softmax" else {}
    return all(sympy.expand(condition.subs(fits)) == 0 for condition in conditions)


def multiple(derivation: Derivation) -> Expression | None:
    """The number c other than 1 with δ = c(a - y) for all such labels, if there is one."""
    point = next(_points(derivation))
    error, a_minus_y = derivation.error[0].subs(point), derivation.a_minus_y[0].subs(point)
    c = 1 + error / a_minus_y if a_minus_y else sympy.S.One
    if c == 1 or not c.is_number:
        return None
    rest = [
        error - (c - 1) * difference
        for error, difference in zip(derivation.error, derivation.a_minus_y, strict=True)
    ]
    return c if of_every_label(derivation, equations(derivation, rest)) else None


def ignored(derivation: Derivation) -> bool:
    """Whether a wrong class, one of label 0, has δ = 0 at all logits."""
    return all(
        sympy.cancel((difference + error).subs(y, 0)) == 0
        for difference, error, y in zip(
            derivation.a_minus_y, derivation.error, derivation.y, strict=True
        )
    )


def counterexample(derivation: Derivation) -> Counterexample | None:
    """A point with simple numbers where δ is not a - y, z = 0 and the first class if it is one."""
    for point in _points(derivation):
        error = [each.subs(point) for each in derivation.error]
        if any(error):
            a_minus_y = [each.subs(point) for each in derivation.a_minus_y]
            delta = [e + difference for e, difference in zip(error, a_minus_y, strict=True)]
            z = [_logit(derivation, point, a) for a in derivation.a]
            y = [point[each] for each in derivation.y]
            return Counterexample(tuple(z), tuple(y), tuple(delta), tuple(a_minus_y))
    return None


Point = dict[Expression, Expression]


def _points(derivation: Derivation) -> Iterator[Point]:
    """Outputs and labels with simple numbers: logits are logarithms of 1, 2, 3."""
    k = len(derivation.a)
    labels = [[sympy.Integer(i == c) for i in range(k)] for c in range(k)]
    labels += [[sympy.Rational(1, k)] * k]
    labels += [[sympy.S.Zero] * k] if derivation.output == "sigmoid" else []
    for powers in itertools.product(map(sympy.Integer, (1, 2, 3)), repeat=k):
        total = sum(powers)
        divisors = [total if derivation.output == "softmax" else 1 + e for e in powers]
        outputs = [e / divisor for e, divisor in zip(powers, divisors, strict=True)]
        for y in labels:
            yield {
                derivation.total: total,
                **dict(zip(derivation.a, outputs, strict=True)),
                **dict(zip(derivation.y, y, strict=True)),
            }


def _logit(derivation: Derivation, point: Point, a: Expression) -> Expression:
    if derivation.output == "softmax":
        return sympy.log(point[a] * point[derivation.total])
    return sympy.log(point[a] / (1 - point[a]))
