"""Mixes of a user's own layer or cost: the same answers as those of the names, by the engine."""

import functools
import pickle

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.quick import in_one
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.mixes.mix import MIXES
from tinygrad_lossmix.mixes.own import called
from tinygrad_lossmix.testing import gradcheck

Z = np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 3.0]])
Y = np.array([[0.0, 1.0, 0.0], [0.2, 0.3, 0.5]])


def hot(z):
    return lm.softmax(3.0 * z)


def focal(a, y):
    return -(y * (1.0 - a) ** 2 * np.log(a)).sum(axis=-1).mean()


def squares(a, y):
    return 0.5 * ((a - y) ** 2).sum(axis=-1).mean()


def plain_softmax(z):
    e = np.exp(z)
    return e / e.sum(axis=-1, keepdims=True)


def plain_sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def likelihood(a, y):
    return -(y * np.log(a)).sum(axis=-1).mean()


def entropy(a, y):
    return -(y * np.log(a) + (1.0 - y) * np.log(1.0 - a)).sum(axis=-1).mean()


LAYERS = {"softmax": plain_softmax, "sigmoid": plain_sigmoid}
COSTS = {"ll": likelihood, "ce": entropy, "quadratic": squares}


@in_one("mix", MIXES, ids=lambda mix: mix.words)
@in_one("own", ["layer", "cost", "both"])
def test_spelled_out_by_a_user_each_of_the_six_gives_the_same(mix, own):
    output = mix.output if own == "cost" else LAYERS[mix.output]
    cost = mix.cost_name if own == "layer" else COSTS[mix.cost_name]
    mine = lm.Mix(output, cost)
    t = lm.Tensor(Z)
    assert mine.cost(Z, Y) == pytest.approx(mix.cost(Z, Y), rel=1e-13)
    assert mine.cost(t, Y).item() == pytest.approx(mix.cost(Z, Y), rel=1e-13)
    assert mine.composed(t, Y).item() == pytest.approx(mix.cost(Z, Y), rel=1e-13)
    np.testing.assert_allclose(mine.activate(Z), mix.activate(Z), rtol=1e-14)
    np.testing.assert_allclose(mine.delta(Z, Y), mix.delta(Z, Y), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(mine.hessian(Z[0], Y[0]), mix.hessian(Z[0], Y[0]), atol=1e-13)


@pytest.mark.parametrize("mix", [lm.Mix("softmax", focal), lm.Mix(hot, "ce"), lm.Mix(hot, focal)])
def test_delta_and_hessian_are_the_derivatives_of_the_cost(mix):
    t = lm.Tensor(Z)
    np.testing.assert_allclose(lm.grad(mix.cost(t, Y), t), mix.delta(Z, Y) / 2, rtol=1e-13)
    assert gradcheck(lambda z: mix.cost(z, Y), Z)
    delta = mix.delta(lm.Tensor(Z[0]), Y[0])
    assert isinstance(delta, lm.Tensor)
    h, steps = 1e-6, np.eye(3)
    columns = [mix.delta(Z[0] + h * e, Y[0]) - mix.delta(Z[0] - h * e, Y[0]) for e in steps]
    np.testing.assert_allclose(mix.hessian(Z[0], Y[0]), np.array(columns).T / (2 * h), atol=1e-8)


def test_the_cost_is_stable_where_the_composition_is_not():
    z = np.array([1000.0, 0.0, -1000.0])
    mine = lm.Mix(plain_softmax, likelihood)
    assert mine.cost(z, 1) == 1000.0
    assert mine.delta(z, 1).tolist() == [1.0, -1.0, 0.0]
    with np.errstate(all="ignore"):
        assert not np.isfinite(mine.composed(lm.Tensor(z), 1).item())


def test_classes_stand_for_labels():
    mine = lm.Mix("softmax", focal)
    assert mine.cost(Z, [1, 2]) == mine.cost(Z, np.eye(3)[[1, 2]])
    assert (mine.delta(Z, [1, 2]) == mine.delta(Z, np.eye(3)[[1, 2]])).all()


def test_delta_is_per_example_whatever_the_reduction():
    def total(a, y):
        return ((a - y) ** 2).sum()

    mine = lm.Mix(np.tanh, total)
    each = [mine.delta(z, y) for z, y in zip(Z, Y, strict=True)]
    assert (mine.delta(Z, Y) == each).all()
    assert mine.delta(np.zeros((0, 3)), np.zeros((0, 3))).shape == (0, 3)
    assert mine.delta(np.stack([Z, Z]), np.stack([Y, Y])).shape == (2, 2, 3)


def test_it_is_called_by_the_names_of_the_functions():
    mine = lm.Mix(hot, focal)
    assert (repr(mine), str(mine), mine.words) == ("Mix(hot, focal)", "hot + focal", "hot focal")
    assert repr(lm.Mix(hot, "cross-entropy")) == "Mix(hot, 'ce')"
    assert str(lm.Mix(lambda z: z, lambda a, y: a.sum())) == "layer + cost"


@pytest.mark.parametrize(
    ("mix", "drawn"),
    [
        (lm.Mix(hot, focal), ["hot", "focal"]),
        (lm.Mix(lambda z: 2.0 * z, lambda a, y: (a * y).sum()), ["layer", "cost"]),
    ],
    ids=str,
)
def test_it_is_drawn_with_the_names_of_the_functions(mix, drawn):
    cost = mix.composed(lm.Tensor(Z[0]), Y[0])
    names = [name for node in nodes(cost) for name, *_ in node.groups]
    assert [name for name in names if name in drawn] == drawn


def test_functions_of_ours_are_their_names():
    for layer in (lm.softmax, lm.book.softmax):
        for cost in (lm.log_likelihood, lm.book.log_likelihood):
            assert lm.Mix(layer, cost) == lm.Mix("softmax", "ll")


def test_mixes_of_functions_are_compared_hashed_and_pickled():
    one, other = lm.Mix(hot, focal), lm.Mix(hot, focal)
    assert one == other
    assert hash(one) == hash(other)
    assert one != lm.Mix(hot, "ll")
    assert pickle.loads(pickle.dumps(one)) == one


@pytest.mark.parametrize(
    ("output", "cost", "error", "said"),
    [
        (lambda z: z.data, "ll", TypeError, "the output layer gives an array for a Tensor"),
        (lambda z: None, "ll", TypeError, r"layer gives None, not an array of shape \(2, 3\)"),
        (lambda z: np.ma.masked_less(z.data, 0), "ll", TypeError, "gives MaskedArray, not an"),
        (lambda z: (z, z), "ll", TypeError, r"layer gives tuple, not an array of shape \(2, 3\)"),
        (
            lambda z: z.sum(),
            "ll",
            ValueError,
            r"the output layer gives shape \(\), not \(2, 3\)",
        ),
        ("softmax", lambda a, y: 3.0, TypeError, "the cost gives float for a Tensor"),
        ("softmax", lambda a, y: a - y, ValueError, r"the cost gives shape \(2, 3\), not \(\)"),
        ("softmax", lambda a, y: {}, TypeError, "the cost gives dict, not a number"),
    ],
)
def test_what_leaves_the_recording_or_the_shape_is_refused(output, cost, error, said):
    with pytest.raises(error, match=said):
        lm.Mix(output, cost).cost(Z, Y)


class Cooled:
    """A layer with a parameter, equal to any other, without a hash."""

    def __call__(self, z):
        return np.tanh(z / 2.0)

    def __eq__(self, other):
        return isinstance(other, Cooled)

    __hash__ = None


def test_an_axis_of_batches_alone_gets_advice_once():
    mix = lm.Mix(lambda z: z - z.max(axis=1, keepdims=True), "quadratic")
    assert mix.cost(np.zeros((2, 3)), [0, 1]) == 0.5
    for around in (mix.activate, lambda z: called(mix.activate, z)):
        with pytest.raises(np.exceptions.AxisError) as caught:
            around(np.zeros(3))
        assert caught.value.__notes__ == [
            "one example comes as (K,), a batch as (…, K): write axis=-1"
        ]


def test_an_object_and_a_partial_are_layers_and_called_what_they_are():
    mix, names = lm.Mix(Cooled(), squares), ("Mix(Cooled, squares)", "Cooled squares")
    assert (repr(mix), mix.words) == names
    assert mix == lm.Mix(Cooled(), squares)
    assert mix.activate(Z)[0, 1] == np.tanh(1.0)
    assert lm.Mix(functools.partial(np.clip, a_min=0, a_max=1), squares).output == "clip"
    assert repr(lm.Mix(lambda z: z, lambda a, y: a.sum())) == "Mix(layer, cost)"
