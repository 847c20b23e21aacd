"""Which output layer goes with a cost: the costs whose answer is known."""

import functools

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.quick import thinned


def smoothed(z, y, s=0.1):
    return -(((1 - s) * y + s / y.size) * lm.log_softmax(z)).sum()


def focal(z, y):
    return -(y * (1 - lm.softmax(z)) ** 2 * lm.log_softmax(z)).sum()


def squentropy(z, y):
    return lm.Mix("softmax", "ll").cost(z, y) + (z * z * (1 - y)).sum() / (y.size - 1)


COSTS = {  # the cost; by set of labels c, or None where there is no layer; the layer's name
    "softmax + ll": (lm.Mix("softmax", "ll").cost, {"simplex": 1.0}, "softmax"),
    "sigmoid + ce": (
        lm.Mix("sigmoid", "ce").cost,
        dict.fromkeys(("reals", "cube", "simplex"), 1.0),
        "sigmoid",
    ),
    "mean over classes": (
        lambda z, y: lm.Mix("sigmoid", "ce").cost(z, y) / y.size,
        dict.fromkeys(("reals", "cube", "simplex"), 1 / 3),
        "sigmoid",
    ),
    "counts": (
        lambda z, y: (np.exp(z) - z * y).sum(),
        dict.fromkeys(("reals", "cube", "simplex"), 1.0),
        "exp",
    ),
    "squares": (
        lambda z, y: 0.5 * ((z - y) ** 2).sum(),
        dict.fromkeys(("reals", "cube", "simplex"), 1.0),
        "identity",
    ),
    "mean of squares": (
        lambda z, y: ((z - y) ** 2).mean(),
        dict.fromkeys(("reals", "cube", "simplex"), 2 / 3),
        "identity",
    ),
    "log-cosh": (
        lambda z, y: (np.logaddexp(z, -z) - z * y).sum(),
        dict.fromkeys(("reals", "cube", "simplex"), 1.0),
        "tanh",
    ),
    "smoothed labels": (smoothed, {"simplex": 0.9}, None),
    "softmax + ce": (lm.Mix("softmax", "ce").cost, {}, None),
    "sigmoid + ll": (lm.Mix("sigmoid", "ll").cost, {}, None),
    "softmax twice": (lambda z, y: lm.Mix("softmax", "ll").cost(lm.softmax(z), y), {}, None),
    "focal": (focal, {}, None),
    "squentropy": (squentropy, {}, None),
}


LONG = "counts", "squares", "log-cosh", "softmax twice", "focal", "squentropy"


def those_with(layer):
    """The costs with a layer, or those without one; some are slow."""
    return [
        pytest.param(name, marks=[pytest.mark.slow] * (name in LONG))
        for name, (_, factors, _) in COSTS.items()
        if bool(factors) == layer
    ]


@functools.cache
def found(name):
    return lm.matching_output(COSTS[name][0], 3)


@pytest.mark.parametrize("name", those_with(True) + those_with(False))
def test_the_layer_of_a_cost_by_its_labels(name):
    _, expected, layer = COSTS[name]
    match = found(name)
    assert {each: one.factor for each, one in match.by_labels.items() if one} == (
        pytest.approx(expected)
    )
    assert (match.exists, match.name) == (bool(expected), layer)
    assert match.labels == next(iter(expected), "simplex")


@pytest.mark.parametrize("name", those_with(True))
def test_delta_of_the_cost_is_c_times_the_layer_minus_y(name):
    cost, match = COSTS[name][0], found(name)
    z = lm.Tensor(np.array([0.3, -1.2, 2.0]))
    y = np.array([0.1, 0.3, 0.6])
    delta = lm.grad(cost(z, y), z)
    np.testing.assert_allclose(delta, match.factor * (match.output(z.data) - y), atol=1e-14)
    batch = match.output(np.tile(z.data, (2, 3, 1)))
    assert batch.shape == (2, 3, 3)
    assert (batch == match.output(z.data)).all()


@pytest.mark.parametrize("name", those_with(False))
def test_without_a_layer_two_labels_disagree_at_the_witness(name):
    cost, match = COSTS[name][0], found(name)
    assert match.output is None
    z = lm.Tensor(match.witness.z)
    each = [lm.grad(cost(z, y), z) / match.factor + y for y in match.witness.y]
    np.testing.assert_allclose(each, match.witness.layers)
    assert np.abs(each[0] - each[1]).max() > 0.1
    assert "no output layer goes with it; at z = (" in str(match).replace("\n", " ")


def test_with_two_classes_softmax_goes_with_cross_entropy_twice():
    match = lm.matching_output(lm.Mix("softmax", "ce").cost, 2)
    assert (match.factor, match.name, match.labels) == (2.0, "softmax", "simplex")


def test_what_the_factor_shows_is_said():
    names = "mean over classes", "mean of squares", "smoothed labels"
    said = [found(name).reduction for name in names]
    assert said[:2] == [
        "The factor is that of the mean over classes.",
        "The factor is that of the mean of squares.",
    ]
    assert said[2] == (
        "Labels are smoothed by s = 0.1000: the layer is (a - s/K)/(1 - s) of a = softmax."
    )


def test_labels_can_be_asked_for():
    match = lm.matching_output(lm.Mix("softmax", "ll").cost, 3, labels="cube")
    assert not match
    assert set(match.by_labels) == {"cube"}


def shifting(z, y):
    y += 1.0
    return (z * z - z * y).sum()


def drawing(z, y):
    return (z * np.random.default_rng().normal(size=z.shape) - z * y).sum()


@pytest.mark.parametrize(
    ("cost", "error", "said"),
    [
        (3, TypeError, "a function of logits and labels, not 3"),
        (lambda z, y: z[y], ValueError, "the cost raises IndexError at z = .* real numbers here"),
        (lambda z, y: z - y, ValueError, r"^the cost gives shape \(3,\), not \(\)$"),
        (lambda z, y: None, TypeError, "^the cost gives None, not a number$"),
        (lambda z, y: 3.0, TypeError, "the cost gives float for a Tensor: compute it by NumPy"),
        (lambda z, y: ((z - y) * np.nan).sum(), ValueError, "the cost is not finite, at z ="),
        (shifting, ValueError, "shifting changes its input"),
        (drawing, ValueError, "another answer each"),
    ],
)
def test_what_is_no_cost_gets_one_sentence(cost, error, said):
    with pytest.raises(error, match=said):
        lm.matching_output(cost, 3)


def rooted(z, y):
    """A cost that has no slope at labels below 0."""
    return -(np.sqrt(y) * lm.log_softmax(z)).sum()


def test_a_cost_that_takes_no_labels_of_a_larger_set_is_judged_on_the_smaller():
    found = lm.matching_output(rooted)
    assert (found.exists, found.labels) == (False, "simplex")
    assert [*found.by_labels] == ["cube", "simplex"]
    with pytest.raises(
        ValueError, match=r"nowhere finite .* from the reals: a cost is given logits"
    ):
        lm.matching_output(rooted, labels="reals")


def test_sets_of_labels_have_names():
    with pytest.raises(ValueError, match="labels are from one of reals, cube, simplex, not 'all'"):
        lm.matching_output(focal, 3, labels="all")


def test_the_record_is_plain():
    record = lm.matching_output(lm.Mix("softmax", "ll").cost).to_dict()
    assert (record["exists"], record["factor"], record["labels"]) == (True, 1.0, "simplex")
    assert record["by_labels"]["cube"]["exists"] is False


@pytest.mark.parametrize("scale", thinned([1e9, 1.0], 2))
def test_a_large_layer_does_not_hide_the_factor(scale):
    match = lm.matching_output(lambda z, y: (scale * np.exp(z * z) - z * y).sum())
    assert (match.factor, match.labels) == (1.0, "reals")


def test_one_logit_answers_yes_or_no():
    mean = lm.matching_output(lambda z, y: (lm.softplus(z) - z * y).mean(), 1, "simplex")
    assert (mean.factor, mean.name) == (1.0, "sigmoid")
    assert "the cost, one logit, labels from the simplex: sigmoid" in str(mean)
    assert not lm.matching_output(lm.Mix("softmax", "ll").cost, 1)


def test_a_negative_factor_and_a_temperature_are_said():
    match = lm.matching_output(lambda z, y: (z * y - 0.5 * z * z).sum())
    assert "delta = -(a - y). Descent on it drives the" in str(match).replace("\n", " ")
    third = lm.matching_output(lambda z, y: lm.Mix("softmax", "ll").cost(z / 3, y))
    assert (third.name, third.reduction) == ("softmax(0.3333 z)", "The factor is that of z.")
