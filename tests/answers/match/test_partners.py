"""What goes with the layer and with the cost of a mix, in a verdict and alone."""

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.quick import thinned
from tinygrad_lossmix.answers.match.partners import partners


def poisson(a, y):
    return (a - y * np.log(a)).sum(axis=-1).mean()


def focal(a, y):
    return -(y * (1 - a) ** 2 * np.log(a)).sum(axis=-1).mean()


def twice(z):
    return lm.softmax(lm.softmax(z))


@pytest.mark.parametrize(
    ("mix", "of_layer", "of_cost"),
    [
        (lm.Mix("sigmoid", "ll"), "with sigmoid goes cross-entropy", "softmax (one class of K)"),
        (lm.Mix("softmax", "ce"), "with softmax goes log-likelihood", "sigmoid"),
        (lm.Mix(np.tanh, "quadratic"), "with tanh goes log-cosh", "quadratic goes identity"),
        (lm.Mix(np.exp, poisson), "with exp goes Poisson", "and exp"),
        (lm.Mix(twice, "ll"), "no cost whatever gives a - y with twice: at z", "softmax"),
        (lm.Mix("softmax", focal), "log-likelihood", "no layer with a name goes with focal"),
    ],
)
def test_both_halves_of_a_mix_have_their_partner_or_none(mix, of_layer, of_cost):
    found = partners(mix, 3)
    assert of_layer in found.of_layer
    assert of_cost in found.of_cost


def test_with_two_classes_lml_is_softmax_of_half_the_logits():
    found = partners(lm.Mix("softmax", "ce"), 2)
    assert found.of_cost.endswith("and lml (one class of K), which is softmax(0.5 z)")


def test_a_layer_of_real_outputs_is_judged_by_real_labels():
    found = lm.Mix(np.tanh, "quadratic").verdict(2)
    assert found.evidence.labels == "reals"
    assert (found.proper, found.convex, found.a_minus_y) == (True, False, False)
    assert found.failure == "not convex in z"
    assert "sigmoid" not in str(found)
    assert found.advice.startswith("tanh with log-cosh, or identity with quadratic: ")


@pytest.mark.slow
def test_a_matched_mix_of_functions_is_sound():
    found = lm.Mix(np.exp, poisson).verdict(2)
    assert (found.proper, found.convex, found.a_minus_y) == (True, True, True)
    assert (found.failure, found.condition) == ("nothing", "for every y")
    assert found.advice == "use it for targets that the outputs reach"


@pytest.mark.slow
def test_a_cost_of_ones_own_on_softmax_is_judged_by_classes():
    found = lm.Mix("softmax", focal).verdict(2)
    assert found.evidence.labels == "simplex"
    assert not found.proper
    assert "the outputs at its minimum are not the probabilities" in found.failure


@pytest.mark.parametrize(
    ("mix", "said"),
    [
        (lm.Mix(np.exp, poisson), "What the cost divides by, the Jacobian cancels."),
        (lm.Mix(np.tanh, "quadratic"), "For a - y dC/da would have to be [-0.5092, 1.813, 0.000]."),
        (lm.Mix(twice, "ll"), "For a - y dC/da would have to be"),
        (lm.Mix("softmax", focal), "All of it is one multiple: delta = "),
        (lm.Mix("softmax", "ce"), "up to what the Jacobian takes to 0."),
    ],
)
def test_a_delta_report_says_what_the_cost_would_have_to_give(mix, said):
    report = lm.delta_report(mix, [2.0, 1.0, 0.0], 0)
    assert said in str(report).replace("\n", " ")
    assert report.engine_agrees
    assert report.differences_agree


def clipped(a, y):
    a = np.clip(a, 1e-7, 1 - 1e-7)
    return -(y * np.log(a) + (1 - y) * np.log(1 - a)).sum(axis=-1).mean()


def test_a_cost_that_is_cut_off_far_out_is_neither_a_minus_y_nor_convex():
    text = " ".join(str(lm.verdict(lm.Mix("sigmoid", clipped), 3)).split())
    assert "delta = a - y no, not where learning stalls multi-label" in text
    flat = "convex in z no, at z = (-20, -20, 20), class 0, it is flat, and lower elsewhere"
    assert flat in text
    assert "advice sigmoid with cross-entropy, or for one class" in text


def weighted(a, y):
    return -(np.array([1.0, 2.0, 5.0]) * y * np.log(a)).sum(axis=-1).mean()


def batchwise(z):
    return np.exp(z) / np.exp(z).sum()


CONTRADICTIONS = [
    (lm.Mix(lambda z: -z, "quadratic"), "delta = -1 (a - y)", "learning rate"),
    (lm.Mix(lambda z: -z, "quadratic"), "with layer goes Ψ(z) - y·z", "layer goes quadratic"),
    (lm.Mix(lambda z: lm.softmax(z / 2), "ll"), "divided by 0.5, or softmax with", "or layer"),
    (lm.Mix("softmax", weighted), "2.6 times as long as a - y", "the right class gives a - y"),
    (lm.Mix(lambda z: z * 0.0 + 1.0, "ce"), "an output layer that depends on z", "two softmax"),
    (lm.Mix(lambda z: np.exp(30 * z), "quadratic"), "goes 0.03333 × Poisson", "closed forms"),
    (lm.Mix(lambda z: 1e6 * z, "quadratic"), "strictly proper yes", "not the mean labels"),
    (lm.Mix(lambda z: 1.0 / z, "quadratic"), "identity with quadratic", "fsum"),
]


@pytest.mark.parametrize(("mix", "said", "unsaid"), thinned(CONTRADICTIONS, 6))
def test_no_advice_contradicts_what_was_found(mix, said, unsaid):
    text = " ".join(str(lm.verdict(mix, 3)).split())
    assert said in text
    assert unsaid not in text


def test_a_layer_that_mixes_the_rows_of_a_batch_is_refused():
    assert lm.matching_cost(batchwise).name == "log-likelihood"
    with pytest.raises(ValueError, match="batchwise gives an example other outputs in a batch"):
        lm.verdict(lm.Mix(batchwise, "ll"), 3)


def test_no_slope_of_a_cost_gets_through_a_flat_layer():
    report = lm.delta_report(
        lm.Mix(lambda z: np.clip(z, 0.0, 1.0), "quadratic"), [2.0, 0.5, -1.0], 1
    )
    assert "No dC/da whatever gives a - y" in str(report).replace("\n", " ")


def test_the_set_of_labels_can_be_asked_for():
    soft, sigmoids = (
        lm.verdict(lm.Mix(*pair), 3, labels="cube")
        for pair in (("softmax", "ll"), ("sigmoid", "ce"))
    )
    assert (soft.proper, sigmoids.proper) == (False, True)
    assert soft.advice.startswith("sigmoid with cross-entropy")
    assert "labels           any number of them hold" in str(soft)
    with pytest.raises(ValueError, match="labels are from one of reals, cube, simplex, not 'all'"):
        lm.verdict(lm.Mix("softmax", "ll"), 3, labels="all")
