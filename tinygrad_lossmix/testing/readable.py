"""Formulas for a reader: the shortest of several ways to write the same delta.

>>> from tinygrad_lossmix.testing.derivation import derive
>>> readable(derive("sigmoid", "quadratic", 1))
(a0*(1 - a0)*(a0 - y0),)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tinygrad_lossmix.testing.derivation import Derivation
from tinygrad_lossmix.testing.symbolic import Expression, sympy

Signs = Mapping[Expression, Expression]


def readable(derivation: Derivation) -> tuple[Expression, ...]:
    """δ of each logit, as a - y and what is left, unless another form is clearly shorter."""
    return tuple(_shortest(derivation, k) for k in range(len(derivation.a)))


def _shortest(derivation: Derivation, k: int) -> Expression:
    signs = _signs(derivation)
    a_minus_y, error = derivation.a_minus_y[k], derivation.error[k]
    rest = [sympy.factor(error).xreplace(signs), _in_parts(error, derivation.a, signs)]
    whole = [sympy.factor(a_minus_y + error)]
    if derivation.total not in error.free_symbols:  # then it may have any value
        whole.append(derivation.raw[k].subs(derivation.total, 1))
    whole = [form for form in whole if not form.is_Add and form.is_polynomial(*derivation.a)]
    forms = [a_minus_y + each for each in rest] + [form.xreplace(signs) for form in whole]
    return min(forms, key=sympy.count_ops)


def _in_parts(error: Expression, a: Sequence[Expression], signs: Signs) -> Expression:
    """A common factor times a sum of fractions, each with one of the outputs in its divisor."""
    factors = sympy.Mul.make_args(sympy.factor(error))
    common = sympy.Mul(*[factor for factor in factors if factor in a])
    parts = [sympy.cancel(error / common)]
    for each in a:
        parts = [part for term in parts for part in _terms(sympy.apart(term, each))]
    rest = sympy.Add(*parts).xreplace(signs)
    return -common * -rest if rest.as_coeff_Add()[0] < 0 else common * rest


def _terms(expression: Expression) -> Sequence[Expression]:
    terms: Sequence[Expression] = sympy.Add.make_args(expression)
    return terms


def _signs(derivation: Derivation) -> Signs:
    """How differences are written: 1 - a, 1 - y and a - y, not the other way round."""
    wanted = [1 - each for each in (*derivation.a, *derivation.y)]
    wanted += [a - y for a, y in zip(derivation.a, derivation.y, strict=True)]
    return {-each: sympy.Mul(-1, each, evaluate=False) for each in wanted}


def written(formula: Expression, a: Expression, y: Expression, latex: bool = False) -> str:
    """A formula as text, beginning with a - y where it is a part of it.

    >>> a, b, y = sympy.symbols("a b y")
    >>> str(a - y - b), written(a - y - b, a, y)
    ('a - b - y', 'a - y - b')
    """
    text = sympy.latex if latex else str
    if not {a, -y} <= set(_terms(formula)):
        return str(text(formula))
    rest = formula - (a - y)
    sign = "-" if rest.could_extract_minus_sign() else "+"
    end = "" if rest == 0 else f" {sign} {text(-rest if sign == '-' else rest)}"
    return f"{text(a)} - {text(y)}{end}"
