"""A product as two factors, whose product it is."""

import numpy as np
import pytest
from hypothesis import given

import tinygrad_lossmix as lm
from tests.helpers.programs import programs
from tinygrad_lossmix.debugger.chain_rule import entrywise
from tinygrad_lossmix.debugger.factors import factors

rng = np.random.default_rng(0)


def tensor(*shape, name="x"):
    return lm.Tensor(rng.normal(size=shape), name=name)


def found(cost, argument):
    """The factors of the products that go to an argument."""
    return [factors(each) for each in lm.Stepper(cost).products if each.argument is argument]


def multiplied(part):
    sign, left, right, _ = part
    return left @ right if sign == "@" else left * right


def summed(x, shape):
    """A product entry by entry, summed over what was broadcast."""
    extra = x.ndim - len(shape)
    x = x.sum(axis=tuple(range(extra)))
    axes = tuple(i for i, n in enumerate(shape) if n == 1 and x.shape[i] != 1)
    return x.sum(axis=axes, keepdims=True)


@given(programs())
def test_the_factors_of_every_product_give_its_downstream_gradient(program):
    for product in lm.Stepper(program(*map(lm.Tensor, program.arrays()))).products:
        if (part := factors(product)) is None:
            continue
        sign, left, right, local = part
        expected = product.contribution
        upstream = (left, right)[1 - local]
        np.testing.assert_array_equal(np.ravel(upstream), np.ravel(product.g))
        with np.errstate(all="ignore"):
            given_back = multiplied(part)
        if sign == "@":
            given_back = given_back.reshape(expected.shape)
        else:
            given_back = summed(given_back, expected.shape)
        np.testing.assert_allclose(given_back, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("left", "right", "first", "second"),
    [
        ((4, 3), (3, 5), "(4, 5) @ (5, 3)", "(3, 4) @ (4, 5)"),
        ((3,), (3, 5), "(1, 5) @ (5, 3)", "(3, 1) @ (1, 5)"),
        ((4, 3), (3,), "(4, 1) @ (1, 3)", "(3, 4) @ (4, 1)"),
    ],
)
def test_a_matrix_product_goes_back_as_a_matrix_product(left, right, first, second):
    x, y = tensor(*left), tensor(*right, name="y")
    shapes = []
    for argument in (x, y):
        (part,) = found((x @ y).sum(), argument)
        shapes.append(f"{part.left.shape} {part.sign} {part.right.shape}")
        other = y if argument is x else x
        local = (part.left, part.right)[part.local]
        np.testing.assert_array_equal(local, other.data.reshape(local.shape[::-1]).T)
    assert shapes == [first, second]


@pytest.mark.parametrize(
    ("f", "shapes"),
    [
        (lambda x: np.sum(x), ((1, 1), (40, 30))),
        (lambda x: np.sum(x, axis=0).sum(), ((1, 30), (40, 30))),
        (lambda x: np.sum(x, axis=-1, keepdims=True).sum(), ((40, 1), (40, 30))),
        (lambda x: np.max(x), ((1, 1), (40, 30))),
        (lambda x: np.exp(x).sum(), ((40, 30), (40, 30))),
    ],
)
def test_what_reduces_repeats_the_gradient_whatever_the_size(f, shapes):
    x = tensor(40, 30)
    (part,) = found(f(x), x)
    assert (part.sign, part.left.shape, part.right.shape) == ("∘", *shapes)


def test_a_bias_is_the_sum_of_what_comes_entry_by_entry():
    x, b = tensor(4, 5), tensor(5, name="b")
    (part,) = found((np.tanh(x) + b).sum(), b)
    assert (part.sign, part.right.shape) == ("∘", (4, 5))
    np.testing.assert_array_equal(part.right, entrywise((np.tanh(x) + b), 1))


def test_what_is_neither_has_a_jacobian_where_it_fits_and_else_nothing():
    small, large = tensor(4), tensor(40)
    (part,) = found(small[::-1].sum(), small)
    assert (part.sign, part.left.shape, part.right.shape) == ("@", (1, 4), (4, 4))
    assert found(large[::-1].sum(), large) == [None]
