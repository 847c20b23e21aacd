"""What a compiled function is called with: arrays, and constants compared by value."""

import collections
import copy

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.networks import close
from tests.helpers.quick import in_one
from tinygrad_lossmix.compiler.compile import compile as compiled


def test_python_values_are_constants_of_a_form_each():
    def f(t, power, name, flag=None):
        return (t**power).sum() if name == "p" else t.sum()

    g = compiled(f)
    for args in [(2.0, "p"), (3.0, "p"), (3.0, "q"), (2.0, "p", True)]:
        t = np.array([1.0, 2.0])
        close(g(t, *args), lm.value_and_grad(f)(t, *args))


def test_lists_and_numbers_are_taken_as_value_and_grad_takes_them():
    def f(t, u):
        return (t * u).sum()

    close(compiled(f)([1.0, 2.0], [3, 4]), lm.value_and_grad(f)([1.0, 2.0], np.array([3, 4])))
    close(compiled(f)(2.0, 3), lm.value_and_grad(f)(2.0, 3))
    close(compiled(f, wrt=-1)([1, 2], [3.0, 4.0])[1], np.array([1.0, 2.0]))


def test_arguments_by_keyword_are_as_for_value_and_grad():
    def loss(w, x, *, y, scale=1.0):
        z = x @ w
        return scale * lm.Mix("softmax", "ll").cost(z, y)

    rng = np.random.default_rng(0)
    w, x, y = rng.normal(size=(2, 3)), rng.normal(size=(4, 2)), np.array([0, 1, 2, 0])
    g, interpreted = compiled(loss), lm.value_and_grad(loss)
    for options in ({"y": y}, {"y": y[::-1]}, {"y": y, "scale": 2.0}, {"scale": 0.5, "y": y}):
        close(g(w, x, **options), interpreted(w, x, **options))
    assert "z = dot(x, w" in g.source


def test_a_position_from_the_end_does_not_count_arguments_by_keyword():
    def f(a, b, *, y):
        return (a * b * y).sum()

    arrays, y = (np.ones(2), np.full(2, 3.0)), np.full(2, 5.0)
    for wrt in (-1, (-2, 1), -2):
        close(compiled(f, wrt)(*arrays, y=y), lm.value_and_grad(f, wrt)(*arrays, y=y))
    for transform in (compiled, lm.value_and_grad):
        with pytest.raises(ValueError, match="wrt=2, but the function got 2 arguments"):
            transform(f, wrt=2)(*arrays, y=y)


Pair = collections.namedtuple("Pair", "a b")


class Mutable:
    """Hashable, and yet it can change."""

    k = 1.0


APART = {
    "an int and a float in a tuple": [(2,), (2.0,)],
    "a truth value and a number": [(True,), (1,)],
    "signs of zero": [0.0, -0.0],
    "signs of zero within": [((0.0,),), ((-0.0,),)],
    "signs of zero in a complex number": [0j, complex(0.0, -0.0)],
    "precisions": [(np.float32(0.1),), (np.float64(np.float32(0.1)),)],
    "a named tuple and a plain one": [Pair(1, 2), (1, 2)],
    "slices": [slice(0, 2), slice(0, 2.0)],
    "text and bytes": ["a", b"a"],
    "functions": [np.exp, np.log],
    "a number and an array of it": [2.0, np.array(2.0)],
    "an array and a NumPy number": [np.array(2.0), np.float64(2.0)],
    "an array and a list": [np.array([2.0]), [2.0]],
    "mixes": [lm.MIXES[0], lm.MIXES[1]],
    "types": [(float,), (np.float64,)],
}


@in_one("name", APART)
def test_arguments_that_only_compare_equal_are_recorded_apart(name):
    seen = []

    def f(t, u):
        seen.append(u)
        return t.sum()

    g = compiled(f)
    for u in (*APART[name], *APART[name]):
        g(np.ones(2), u)
    assert len(g._specialisations) == 2


@pytest.mark.parametrize(
    "same",
    [float("nan"), (float("nan"), None), (1, (2.5, "x", slice(None))), Pair(1.5, ...), 10**30],
    ids=str,
)
def test_equal_constants_share_their_code(same):
    g = compiled(lambda t, u: t.sum())
    g(np.ones(2), same)
    g(np.ones(2), copy.deepcopy(same))
    assert len(g._specialisations) == 1


@in_one(
    ("bad", "named"),
    [
        ({}, "dict cannot"),
        (Mutable(), "Mutable cannot"),
        ((1, [2.0]), "list in a tuple cannot"),
        ((np.ones(2),), "ndarray in a tuple cannot"),
        ((1, (2, {})), "dict in a tuple cannot"),
        (lm.Tensor(1.0), "Tensor cannot"),
        (np.random.default_rng(0), "Generator cannot"),
        (np.rec.array([(1.0,)], [("a", float)]), "recarray of"),
        (np.array([None]), "ndarray of object"),
        (["a", "b"], "list of <U1"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_what_may_change_unseen_is_refused_in_one_sentence(bad, named):
    for backend in ("numpy", "numba"):
        with pytest.raises(TypeError, match=named) as error:
            compiled(lambda t, u: t.sum(), backend=backend)(np.ones(2), bad)
        assert "\n" not in str(error.value)
