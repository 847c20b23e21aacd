"""Which cost goes with an output layer: the layers whose answer is known, and the cost itself."""

import functools
import itertools

import numpy as np
import pytest
from scipy.special import erf

import tinygrad_lossmix as lm
from tests.helpers.quick import thinned
from tinygrad_lossmix.answers.match.general_rule import Asymmetry, Circulation
from tinygrad_lossmix.answers.match.partners import sparsemax
from tinygrad_lossmix.testing import gradcheck


def gate(z):
    return np.where(z[..., ::-1] > 0, z, 0.0)


def vortex(z):
    square = (z[..., :2] ** 2).sum(axis=-1, keepdims=True)
    turned = np.concatenate([-z[..., 1:2], z[..., :1]], axis=-1) / square
    return np.concatenate([turned, 0.0 * z[..., 2:]], axis=-1)


def over(a):
    return a / a.sum(axis=-1, keepdims=True)


GRADIENTS = {  # the layer; its potential, 0 at 0; convex; the labels of which it is a function of a
    "identity": (np.positive, lambda z: 0.5 * z @ z, True, "any y"),
    "sigmoid": ("sigmoid", lambda z: np.logaddexp(0, z).sum() - 3 * np.log(2), True, "any y"),
    "softmax": ("softmax", lambda z: np.logaddexp.reduce(z) - np.log(3), True, "y0 + y1 + y2 = 1"),
    "softmax(z/T)": (
        lambda z: lm.softmax(z / 2.5),
        lambda z: 2.5 * (np.logaddexp.reduce(z / 2.5) - np.log(3)),
        True,
        "y0 + y1 + y2 = 1",
    ),
    "tanh": (np.tanh, lambda z: np.log(np.cosh(z)).sum(), True, "any y"),
    "exp": (np.exp, lambda z: np.expm1(z).sum(), True, "any y"),
    "ReLU": (
        lambda z: np.maximum(z, 0.0),
        lambda z: 0.5 * (np.maximum(z, 0) ** 2).sum(),
        True,
        "y0 = 0, y1 = 0, y2 = 0",
    ),
    "z/|z|": (
        lambda z: z / np.sqrt((z * z).sum(axis=-1, keepdims=True)),
        np.linalg.norm,
        True,
        "no y",
    ),
    "clip": (
        lambda z: np.clip(z, 0.0, 1.0),
        lambda z: (np.where(z < 1, 0.5 * np.maximum(z, 0) ** 2, z - 0.5)).sum(),
        True,
        "no y",
    ),
    "sparsemax": (sparsemax, None, True, "no y"),
    "swish": (lambda z: z * lm.sigmoid(z), None, False, "no y"),
    "one linear layer": (
        lambda z: z @ np.array([[2.0, 1, 0], [1, 2, 0], [0, 0, 0]]),
        lambda z: z[0] ** 2 + z[1] ** 2 + z[0] * z[1],
        True,
        "y2 = 0",
    ),
}
OTHERS = {
    "softmax of softmax": lambda z: lm.softmax(lm.softmax(z)),
    "softmax of sigmoid": lambda z: lm.softmax(lm.sigmoid(z)),
    "sigmoid of softmax": lambda z: lm.sigmoid(lm.softmax(z)),
    "sigmoid over its sum": lambda z: over(lm.sigmoid(z)),
    "softplus over its sum": lambda z: over(lm.softplus(z)),
    "a temperature per class": lambda z: lm.softmax(z * np.arange(1.0, z.shape[-1] + 1)),
    "gate": gate,
    "vortex": vortex,
}


@functools.cache
def found(name):
    layer = OTHERS[name] if name in OTHERS else GRADIENTS[name][0]
    return lm.matching_cost(layer, 3)


@pytest.mark.parametrize("name", GRADIENTS)
def test_a_gradient_has_a_cost_and_its_kind_is_told(name):
    _, _, convex, condition = GRADIENTS[name]
    match = found(name)
    assert match
    assert match.witness is None
    assert (match.convex, match.condition) == (convex, condition)


@pytest.mark.parametrize("name", OTHERS)
def test_a_layer_that_is_no_gradient_has_none_and_the_witness_holds(name):
    match = found(name)
    assert not match
    assert "no cost whatever gives a - y here" in str(match)
    layer = OTHERS[name]
    if isinstance(match.witness, Asymmetry):
        z, j, k, jk, kj = match.witness
        h = 1e-5 * np.eye(3)
        differences = [(layer(z + step) - layer(z - step)) / 2e-5 for step in h]
        np.testing.assert_allclose([jk, kj], [differences[k][j], differences[j][k]], atol=1e-8)
        assert abs(jk - kj) > 1e-3
    else:
        assert isinstance(match.witness, Circulation)
        corners = [*match.witness.path, match.witness.path[0]]
        t = (np.arange(20_000)[:, None] + 0.5) / 20_000
        total = sum(
            (layer(a + t * (b - a)) @ (b - a)).mean() for a, b in itertools.pairwise(corners)
        )
        assert match.witness.work == pytest.approx(total, rel=1e-2)
        assert abs(total) > 0.1


def test_softmax_of_softmax_is_a_gradient_with_two_classes():
    assert lm.matching_cost(OTHERS["softmax of softmax"], 2)


def test_an_erf_layer_has_its_cost():
    def probit(z):
        return np.asarray(0.5 * (1 + erf(z / np.sqrt(2))))

    probit = lm.derivative(probit, lambda g, z, x: g * np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi))
    match = lm.matching_cost(probit, 3)
    assert match
    assert match.convex


@pytest.mark.parametrize("name", [name for name in GRADIENTS if GRADIENTS[name][1]])
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_the_potential_is_that_of_the_formula(name, scale):
    formula, match = GRADIENTS[name][1], found(name)
    if name in ("exp", "tanh"):
        scale = min(scale, 5.0)
    for z in scale * np.random.default_rng(0).normal(size=(5, 3)):
        size = abs(formula(z)) + np.abs(match.layer(z) * z).sum()
        assert match.potential(z) == pytest.approx(formula(z), abs=1e-13 * size)


@pytest.mark.parametrize("name", GRADIENTS)
def test_delta_is_a_minus_y_and_the_gradient_of_the_cost(name):
    match = found(name)
    z = 3 * np.random.default_rng(1).normal(size=(4, 3))
    y = np.eye(3)[[0, 2, 1, 1]]
    t = lm.Tensor(z)
    cost = match.cost(t, y)
    delta = match.delta(z, y)
    if match.known is None:
        assert (delta == match.layer(z) - y).all()
    np.testing.assert_allclose(delta, match.layer(z) - y, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(lm.grad(cost, t), delta / 4, rtol=1e-15)
    assert cost.item() == pytest.approx(match.cost(z, y))


@pytest.mark.parametrize(
    "name", thinned([n for n in GRADIENTS if n not in ("sparsemax", "swish")] + ["swish"], 5)
)
def test_its_cost_passes_the_gradient_check_to_the_second_order(name):
    match = found(name)
    y = np.array([0.2, 0.7, 0.1])
    z = np.array([1.3, 0.4, -0.8])
    assert gradcheck(lambda z: match.cost(z, y), z, order=2)


def test_a_known_cost_is_exact_in_the_tails():
    z, y = np.array([40.0, 0.0, -1.0]), np.array([1.0, 0.0, 0.0])
    mix = lm.Mix("softmax", "ll")
    match = lm.matching_cost(lm.book.softmax, 3)
    assert (match.delta(z, y) == mix.delta(z, y)).all()
    assert match.cost(z, y) == mix.cost(z, y) > 0
    cooler = lm.matching_cost(lambda z: lm.softmax(z / 4), 3)
    np.testing.assert_allclose(cooler.delta(4 * z, y), mix.delta(z, y), rtol=1e-15)
    assert cooler.cost(4 * z, y) == pytest.approx(4 * mix.cost(z, y), rel=1e-15)


def test_classes_may_stand_for_labels():
    match = found("tanh")
    z = np.array([[1.0, 0.0, -1.0], [0.5, 0.5, 2.0]])
    one_hot = np.eye(3)[[2, 0]]
    assert match.cost(z, [2, 0]) == match.cost(z, one_hot)
    assert (match.delta(z, [2, 0]) == match.delta(z, one_hot)).all()


def refused(z):
    raise AssertionError


def doubling(z):
    if isinstance(z, np.ndarray):
        z *= 2
    return +z


@pytest.mark.parametrize(
    ("layer", "error", "said"),
    [
        ("tanh", ValueError, "no output layer 'tanh'"),
        (3, TypeError, "a name or a function of logits, not 3"),
        (lambda z: 1 / 0, ValueError, "the layer raises ZeroDivisionError at z ="),
        (refused, ValueError, r"refused raises AssertionError at z = \(.*\d\)$"),
        (lambda z: z.sum(), ValueError, r"^the layer gives shape \(\), not \(3,\)$"),
        (lambda z: z / 0.0, ValueError, "the layer is not finite, at z ="),
        (lambda z: z + np.random.default_rng().normal(), ValueError, "another answer each time"),
        (lambda z: z.astype("f4").astype(float), ValueError, "computes in float32, too few digits"),
        (lambda z: z if isinstance(z, lm.Tensor) else -z, ValueError, "answer for a Tensor, at z"),
        (lambda z: np.sign(z), TypeError, "an array for a Tensor: compute it by NumPy"),
        (doubling, ValueError, "doubling changes its input"),
    ],
)
def test_what_is_no_layer_gets_one_sentence(layer, error, said):
    with pytest.raises(error, match=said):
        lm.matching_cost(layer, 3)


@pytest.mark.parametrize("classes", [0, 51, 2.0, True])
def test_classes_are_a_whole_number_in_range(classes):
    with pytest.raises(ValueError, match="classes"):
        lm.matching_cost("softmax", classes)


def test_a_layer_without_a_cost_has_nothing_to_compute():
    match = found("gate")
    for ask in (match.cost, match.delta):
        with pytest.raises(ValueError, match="no cost whatever gives a - y with gate: round"):
            ask(np.zeros(3), 0)
    with pytest.raises(ValueError, match="no cost whatever"):
        match.potential(np.zeros(3))


def test_logits_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r"logits of 3 classes, not of shape \(2,\)"):
        found("tanh").cost(np.zeros(2), np.zeros(2))


@pytest.mark.parametrize("layer", [np.positive, "sigmoid", "softmax"])
@pytest.mark.parametrize("classes", [1, 2, 7])
def test_every_number_of_classes_is_served(layer, classes):
    assert lm.matching_cost(layer, classes)


def test_elementwise_layers_and_book_softmax_are_proved_others_searched():
    assert found("tanh").proved
    assert lm.matching_cost(lm.book.softmax, 3).by == "by symbols, at all logits"
    searched = found("sparsemax")
    assert not searched.proved
    assert "closed paths were found, which is no proof" in str(searched).replace("\n", " ")


def test_labels_are_those_that_the_outputs_reach():
    assert [lm.matching_cost(f, 3).labels for f in ("softmax", "sigmoid", np.tanh)] == [
        "simplex",
        "cube",
        "reals",
    ]
    assert lm.matching_cost("softmax", 3, labels="cube").labels == "cube"
    with pytest.raises(ValueError, match="labels are from one of"):
        lm.matching_cost("softmax", 3, labels="sphere")


def test_a_layer_for_one_example_is_applied_row_by_row():
    def layer(z):
        return z / np.sqrt((z * z).sum())

    match = lm.matching_cost(layer, 3)
    z = np.array([[3.0, 4.0, 0.0], [0.0, 0.0, 2.0]])
    t = lm.Tensor(z)
    y = np.zeros((2, 3))
    assert match.cost(z, y) == pytest.approx((5 + 2) / 2)
    np.testing.assert_allclose(
        lm.grad(match.cost(t, y), t), [[0.3, 0.4, 0], [0, 0, 0.5]], atol=1e-16
    )


def test_the_record_is_plain():
    record = found("a temperature per class").to_dict()
    assert record["exists"] is False
    assert set(record["witness"]) == {"z", "j", "k", "jk", "kj"}
    assert found("softmax").to_dict()["name"] == "log-likelihood"
