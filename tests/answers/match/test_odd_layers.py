"""Layers and costs that mislead a search: jumps, saturation, rounding, one example, odd labels."""

import pickle

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.quick import thinned
from tinygrad_lossmix.answers.match.general_rule import circulation, largest
from tinygrad_lossmix.answers.match.layer import Layer
from tinygrad_lossmix.answers.match.quadrature import integral

SYMMETRIC = np.array([[2.0, 1.0, 0.0], [1.0, 3.0, 0.5], [0.0, 0.5, 1.0]])
SKEW = np.eye(3)[[1, 2, 0]]


def plain_softmax(z):
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)


def test_steps_of_equal_height_do_not_look_like_work():
    assert circulation(Layer(lambda z: np.floor(z) + z, 3))[0] is None
    steps = integral(lambda t: (t > 0.48269) + 1.0 * (t > 0.61903))  # mirrored in 0.4 … 0.7
    assert steps.value == pytest.approx(2 - 0.48269 - 0.61903, abs=1e-14)


@pytest.mark.parametrize("z", [[1e-9, -1e-9, 0.0], [1.0, -1.0, 0.5]])
def test_what_rounding_leaves_of_an_integral_is_not_cut_for_ever(z):
    """Of softmax along (x, -x) all but a part x of the terms cancels; float32 is a noise."""

    def narrow(z):
        return np.tanh(z.astype(np.float32)).astype(float)

    z = np.array(z)
    small = lm.matching_cost(lambda z: lm.softmax(z) + 0.0 * z, 3).potential(z)
    assert small == pytest.approx(np.logaddexp.reduce(z) - np.log(3), abs=1e-15)
    noisy = integral(lambda t: narrow(t[..., None] * z) * z)
    assert noisy.value == pytest.approx(np.log(np.cosh(z)).sum(), abs=1e-6)


def test_a_matrix_product_is_not_taken_for_an_elementwise_function():
    assert lm.matching_cost(lambda z: z @ SYMMETRIC).by == "by symbols, at all logits"
    assert not lm.matching_cost(lambda z: z @ (SYMMETRIC + 1e-9 * SKEW))


def test_a_small_asymmetry_is_told_as_a_difference():
    match = lm.matching_cost(lambda z: z @ (SYMMETRIC + 1e-6 * SKEW))
    assert "∂a_0/∂z_1 = 1, but ∂a_1/∂z_0 = 1.000, which differs by 1.000e-06" in (
        str(match).replace("\n", " ")
    )


def test_of_places_alike_to_rounding_the_first_is_shown():
    for noise in np.random.default_rng(0).uniform(0, 1e-12, (20, 3, 3)):
        assert largest(np.array([[0, 1, 2], [2, 0, 1], [2, 2, 0]]) * (1 + noise)) == (0, 2)


NAMED = [
    (lm.sigmoid, "cross-entropy", "any y"),
    (plain_softmax, "log-likelihood", "y0 + y1 + y2 = 1"),
    (np.tanh, "log-cosh", "any y"),
]
SLOPES = [1e6, 30.0, 1 / 3, 1e-6, -2.0]


@pytest.mark.parametrize(
    ("layer", "name", "labels", "slope"),
    thinned([(*named, slope) for named in NAMED for slope in SLOPES], 4),
)
def test_steep_and_flat_layers_keep_their_cost_and_labels(layer, name, labels, slope):
    if layer is plain_softmax and slope > 1:  # it overflows
        layer = lm.softmax
    match = lm.matching_cost(lambda z: layer(slope * z))
    known = f"{1 / slope:.4g} × {name}" if slope > 0 else None  # below it is minus that cost
    assert (match.name, match.condition, match.convex) == (known, labels, slope > 0)


def test_the_sign_is_not_a_steep_tanh():
    match = lm.matching_cost(lambda z: np.sign(z) + 0.0 * z)
    assert match.name is None
    assert match.potential([0.5, -2.0, 0.0]) == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("layer", "labels"),
    thinned(
        [
            (lambda z: 2 * lm.sigmoid(30 * z), "any y"),
            (lambda z: lm.sigmoid(50 * z) + lm.sigmoid(20 * z), "any y"),
            (lambda z: z / (1 + np.abs(z)), "any y"),
            (lambda z: np.arctan(1e6 * z), "any y"),
            (lambda z: 3 * lm.softmax(40 * z), "y0 + y1 + y2 = 3"),
            (lambda z: np.clip(30 * z, 0, 1), "no y"),
            (lambda z: np.maximum(z, 0) ** 2, "y0 = 0, y1 = 0, y2 = 0"),
        ],
        3,
    ),
)
def test_outputs_that_stand_still_in_floats_alone_ask_nothing_of_labels(layer, labels):
    """What fades has no equal outputs; a kink and a square of it have."""
    assert lm.matching_cost(layer).condition == labels


def test_rounding_in_the_tails_is_no_negative_curvature():
    match = lm.matching_cost(lambda z: plain_softmax(z) + plain_softmax(0.5 * z))
    assert match.convex


@pytest.mark.parametrize("slope", [5.0, 20.0, 30.0])
def test_underflow_in_the_tails_is_no_asymmetry(slope):
    assert lm.matching_cost(lambda z: 2 * plain_softmax(slope * z))


def test_a_layer_that_is_nan_at_some_logits_is_answered():
    assert lm.matching_cost(lambda z: np.log(z + 4.0)).condition == "any y"


@pytest.mark.slow
def test_of_swish_many_logits_share_outputs_however_many_classes():
    assert lm.matching_cost(lambda z: z * lm.sigmoid(z), 8).condition == "no y"


@pytest.mark.parametrize(
    ("layer", "condition"),
    [
        (lambda z: np.clip(z, 0, 6), "no y"),  # flat below, y = 0, and above, y = 6
        (lambda z: np.clip(0.2 * z + 0.5, 0, 1), "no y"),
        (lambda z: np.minimum(z, 4), "y0 = 4, y1 = 4, y2 = 4"),
        (lambda z: np.sign(z) * np.maximum(np.abs(z) - 1, 0), "y0 = 0, y1 = 0, y2 = 0"),
        (lambda z: 2 * lm.sigmoid(30 * (z - 2)), "any y"),
        (lambda z: np.tanh(5 * z), "any y"),
        (np.exp, "any y"),
        (lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))), "any y"),
    ],
)
def test_outputs_that_stand_still_beyond_a_kink_ask_for_labels_and_fading_ones_do_not(
    layer, condition
):
    assert lm.matching_cost(layer, 3).condition == condition


@pytest.mark.parametrize(
    "layer",
    [lambda z: np.where(z > 0, z - 1, z), lambda z: z * (z == z.max(axis=-1, keepdims=True))],
    ids=["step down", "the largest alone"],
)
def test_a_layer_that_falls_where_its_jacobian_does_not_show_it_has_no_convex_cost(layer):
    found = lm.matching_cost(layer, 3)
    assert found.exists
    assert not found.convex
    assert "Convex in z: no, between z = (" in str(found)


def test_many_terms_are_abbreviated():
    assert lm.matching_cost("softmax", 13).condition == "y0 + y1 + ... + y12 = 1"
    assert lm.matching_cost(lambda z: z - z.mean(axis=-1, keepdims=True), 2).condition == (
        "y0 + y1 = 0"
    )


def test_more_axes_are_examples_also_of_a_layer_that_knows_two():
    def layer(z):
        return (np.exp(z).T / (1 + np.exp(z).sum(axis=-1)).T).T

    match = lm.matching_cost(layer)
    z = np.random.default_rng(0).normal(size=(3, 3, 3))
    rows = [[layer(x) for x in each] for each in z]
    np.testing.assert_allclose(match.delta(z, np.zeros((3, 3, 3))), rows, rtol=1e-14)
    for empty in (np.zeros((0, 3)), np.zeros((2, 0, 3))):
        assert match.delta(empty, empty).shape == empty.shape
        assert np.isnan(match.cost(empty, empty))


def test_delta_has_the_dtype_of_the_logits_and_takes_classes():
    z = np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 3.0]], np.float32)
    one_hot = np.eye(3)[[0, 1]]
    for layer in (np.positive, lambda z: z * np.array([1.0, 2.0, 3.0])):
        match = lm.matching_cost(layer)
        for logits in (z, lm.Tensor(z)):
            delta = match.delta(logits, [0, 1])
            assert delta.dtype == np.float32
            np.testing.assert_array_equal(getattr(delta, "data", delta), layer(z) - one_hot)
    match = pickle.loads(pickle.dumps(lm.matching_cost(np.positive)))
    assert match.cost(z, z) == 0.0


def test_with_labels_of_any_sum_softmax_keeps_a_minus_y():
    match = lm.matching_cost("softmax", 3, "cube")
    z, y = np.array([1.0, 2.0, 0.0]), np.array([1.0, 1.0, 0.0])
    np.testing.assert_allclose(match.delta(z, y), lm.softmax(z) - y, rtol=1e-15)
    assert (match.name, lm.matching_cost("softmax").name) == (None, "log-likelihood")


@pytest.mark.parametrize(
    ("layer", "error", "said"),
    [
        (lambda z: [1.0, 2.0, 3.0], TypeError, r"gives list, not an array of shape \(3,\)"),
        (lambda z: None, TypeError, r"the layer gives None, not an array of shape \(3,\)"),
        (lambda z: 1j * z, ValueError, "the layer gives no real numbers, at z ="),
    ],
)
def test_what_gives_no_array_is_no_layer(layer, error, said):
    with pytest.raises(error, match=said):
        lm.matching_cost(layer)


@pytest.mark.parametrize("backend", ["numpy", pytest.param("numba", marks=pytest.mark.slow)])
def test_a_cost_by_quadrature_is_compiled(backend):
    match, y = lm.matching_cost(lambda z: z * lm.sigmoid(z)), np.eye(3)[:2]
    z = np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 3.0]])
    cost, gradient = lm.compile(lambda z: match.cost(z, y), backend=backend)(z)
    assert cost == pytest.approx(match.cost(z, y), rel=1e-15)
    np.testing.assert_allclose(gradient, match.delta(z, y) / 2, rtol=1e-15)
