"""The report on a loss: the pairing, its delta, its floor, and the line to change."""

import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lossmix as lm
from tests.helpers.frameworks import (
    CLASSES,
    EVERYTHING,
    LOGITS,
    ONE_HOT,
    PER_EXAMPLE,
    SEVERAL,
    SIG,
    SOFT,
    SURE,
    K,
    bce,
    nll,
    sigmoid,
    softmax,
)
from tests.helpers.quick import in_one, thinned
from tinygrad_lossmix.answers.diagnosis.diagnose import remedy


def test_a_matched_pair_that_is_clamped_is_better_computed_from_logits():
    a = sigmoid(SURE)
    [first] = lm.diagnose(a, ONE_HOT, bce(a, ONE_HOT)).matches
    assert "clamped pass no gradient" in first.remedy.verdict
    assert "BCEWithLogitsLoss" in first.remedy.pytorch


def test_outputs_are_counted_by_the_threshold_of_their_kind():
    expected = ((SIG > 0.5) == (ONE_HOT > 0.5)).mean()
    assert lm.diagnose(SIG, CLASSES).right.outputs == expected
    assert lm.diagnose(LOGITS, CLASSES).right.outputs == expected
    expected = ((SOFT > 0.5) == (ONE_HOT > 0.5)).mean()
    assert lm.diagnose(np.log(SOFT), CLASSES).right.outputs == expected


def test_log_softmax_twice_is_harmless_and_said_so():
    report = lm.diagnose(np.log(SOFT), CLASSES, nll(np.log(SOFT)))
    assert "harmless" in str(report)
    assert [match.remedy.fine for match in report.matches] == [True, True]
    for match in report.matches:
        np.testing.assert_allclose(match.delta.delta, SOFT - ONE_HOT, atol=1e-6)


def layers(kind, transform):
    """A network's output layer and what a loss applies to it, as functions of logits."""
    first = {"logits": lambda z: z, "softmax": softmax, "sigmoid": sigmoid}[kind]
    then = {"none": lambda a: a, "softmax": softmax, "sigmoid": sigmoid}[transform]
    return lambda z: then(first(z))


@in_one(
    ("kind", "transform"),
    [
        (kind, transform)
        for kind in ("logits", "softmax", "sigmoid")
        for transform in ("none", "softmax", "sigmoid")
        if (kind, transform) != ("logits", "none")
    ],
)
@in_one("cost", ["ll", "ce"])
def test_delta_is_the_slope_of_the_whole_by_the_logits(kind, transform, cost):
    z = LOGITS[:6].astype(float)
    y = ONE_HOT[:6].astype(float)
    whole = layers(kind, transform)

    def costs(z):
        a = whole(z)
        on = -(y * np.log(a)).sum(axis=-1)
        return on - ((1 - y) * np.log(1 - a)).sum(axis=-1) if cost == "ce" else on

    outputs = layers(kind, "none")(z)
    matches = lm.diagnose(outputs, y, costs(z).mean()).matches
    match = next(m for m in matches if m.candidate.pairing.transform == transform)
    h = 1e-6
    slope = np.stack([(costs(z + h * e) - costs(z - h * e)) / (2 * h) for e in np.eye(K)], axis=-1)
    np.testing.assert_allclose(match.delta.delta, slope, atol=1e-7)
    a = softmax(z) if "softmax" in (kind, transform) and kind != "sigmoid" else sigmoid(z)
    np.testing.assert_allclose(match.delta.a_minus_y, a - y, atol=1e-12)
    assert match.delta.equal == (match.in_all + " " + cost in ("softmax ll", "sigmoid ce"))


def test_the_report_names_the_fault_its_floor_and_the_line_to_change():
    text = str(lm.diagnose(SOFT, CLASSES, nll(np.log(softmax(SOFT)))))
    floor = math.log1p((K - 1) / math.e)
    for words in (
        "probabilities",
        "every row sums to 1",
        "softmax twice",
        f"= {floor:.4f}",
        "PyTorch: loss = nn.CrossEntropyLoss()(logits, classes)",
        "Keras: ",
        "a - y",
    ):
        assert words in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 100


def test_of_two_classes_a_multiple_of_a_minus_y_is_said():
    a = softmax(LOGITS[:6, :2].astype(float))
    y = np.eye(2)[np.arange(6) % 2]
    loss = -(y * np.log(a) + (1 - y) * np.log(1 - a)).sum(axis=-1).mean()
    text = " ".join(str(lm.diagnose(a, y, loss)).split())
    assert "softmax + cross-entropy: sound, but delta = 2 (a - y) for one-hot labels." in text


def test_a_floor_is_below_the_loss():
    for outputs, loss in ((SOFT, nll(np.log(softmax(SOFT)))), (SIG, bce(sigmoid(SIG), ONE_HOT))):
        [first] = lm.diagnose(outputs, CLASSES, loss).matches
        assert 0 < first.floor < first.candidate.value * (K if first.cost == "ce" else 1)


def test_a_matched_pair_has_nothing_to_change():
    text = str(lm.diagnose(LOGITS, CLASSES, nll(np.log(SOFT))))
    assert text.count("nothing to change") == 2
    assert "delta = a - y; measured so" in text


def test_several_labels_are_not_for_a_softmax():
    loss = -(SEVERAL * np.log(SOFT)).sum(axis=-1).mean()
    first = lm.diagnose(LOGITS, SEVERAL, loss).matches[0]
    assert not first.remedy.fine
    assert "BCEWithLogitsLoss" in first.remedy.pytorch
    np.testing.assert_allclose(
        first.delta.delta, SEVERAL.sum(axis=-1, keepdims=True) * SOFT - SEVERAL, atol=1e-5
    )


def test_nothing_reproduces_a_wrong_number_and_the_nearest_are_shown():
    found = lm.diagnose(LOGITS, CLASSES, 123.456)
    assert found.matches == ()
    assert "Nothing reproduces the loss 123.456" in str(found)
    assert "class weights" in str(found)
    near = str(lm.diagnose(LOGITS, CLASSES, float(nll(np.log(SOFT))) + 0.002))
    line = near.split("The nearest:\n")[1].splitlines()[0]
    assert line.endswith(f"softmax + log-likelihood, {PER_EXAMPLE}")


def test_without_a_loss_every_pairing_says_what_it_would_report():
    found = lm.diagnose(LOGITS, CLASSES)
    assert found.matches == ()
    values = {c.name: c.value for c in found.candidates}
    assert values[f"softmax + log-likelihood, {PER_EXAMPLE}"] == pytest.approx(nll(np.log(SOFT)))
    assert values[f"sigmoid + cross-entropy, {EVERYTHING}"] == pytest.approx(bce(SIG, ONE_HOT))
    text = str(found)
    row = next(line for line in text.splitlines() if line.endswith("  softmax + log-likelihood"))
    assert row.split()[0] == f"{nll(np.log(SOFT)):.6g}"


def test_one_output_and_one_example():
    a, y = SIG[:, :1], SEVERAL[:, 0]
    [first] = lm.diagnose(a, y, bce(a[:, 0], y)).matches
    assert (first.in_all, first.cost) == ("sigmoid", "ce")
    assert {c.reduction for c in lm.diagnose(a[:1], y[:1]).candidates} == {"one output"}
    one = lm.diagnose(LOGITS[0], CLASSES[0], -np.log(SOFT[0, CLASSES[0]]))
    assert one.examples == 1
    assert one.matches[0].in_all == "softmax"


@given(st.integers(2, 6), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_leading_axes_are_examples_and_nothing_is_changed(k, n, seed):
    rng = np.random.default_rng(seed)
    z, y = rng.normal(size=(2, n, k)), rng.integers(0, k, (2, n))
    before = z.copy(), y.copy()
    flat = lm.diagnose(z.reshape(-1, k), y.ravel())
    deep = lm.diagnose(z, y)
    assert [c.value for c in flat.candidates] == [c.value for c in deep.candidates]
    np.testing.assert_array_equal(z, before[0])
    np.testing.assert_array_equal(y, before[1])


def test_the_record_is_json_without_nan():
    for found in (
        lm.diagnose(SOFT, CLASSES, nll(np.log(softmax(SOFT))), accuracy="0.5"),
        lm.diagnose(np.eye(3), [0, 1, 1]),
    ):
        record = json.loads(json.dumps(found.to_dict(), allow_nan=False))
        assert record["outputs"]["name"] == "probabilities"
        assert len(record["matches"]) == len(found.matches)
        assert len(record["candidates"]) == len(found.candidates)
    infinite = [c["value"] for c in record["candidates"] if c["name"].startswith("log-likeli")]
    assert None in infinite


def test_bce_80_percent_but_cce_50_percent():
    k = 5
    y = np.eye(k)[[0, 1, 2, 3]]
    a = np.full((4, k), 0.1)
    a[0, 0] = a[1, 1] = a[2, 4] = a[3, 4] = 0.9
    text = " ".join(str(lm.diagnose(a, y, accuracy="0.80")).split())
    assert "in 0.5000 of the examples the largest output is the right class" in text
    assert "0.8000 of the outputs are right" in text
    assert "The reported 0.80 counts outputs one by one" in text
    assert "categorical_accuracy" in text
    assert "is the first" in " ".join(str(lm.diagnose(a, y, accuracy=0.5)).split())
    assert "is neither" in " ".join(str(lm.diagnose(a, y, accuracy=0.33)).split())


def test_classes_that_are_never_predicted_are_named():
    a = softmax(np.array([[3.0, 0, 0], [3.0, 1, 0], [0.0, 0, 3]]))
    assert "Never the largest output: 1." in str(lm.diagnose(a, [0, 1, 2]))


@pytest.mark.parametrize(
    ("loss", "accuracy", "says"),
    [
        (float("nan"), None, "finite"),
        (float("inf"), None, "finite"),
        (1.0, 1.5, "between 0 and 1"),
        (1.0, float("nan"), "finite"),
        ("x", None, "x"),
    ],
)
def test_numbers_that_are_none_get_one_clear_error(loss, accuracy, says):
    with pytest.raises(ValueError, match=says):
        lm.diagnose(LOGITS, CLASSES, loss, accuracy)


ONE = {"sigmoids": SIG[:4, :1], "logits": LOGITS[:4, :1], "ones": np.ones((4, 1))}


@pytest.mark.parametrize("name", thinned(ONE, 3))
def test_one_output_is_never_told_to_take_a_softmax(name):
    outputs = ONE[name]
    labels = np.array([[1.0], [0.0], [1.0], [1.0]])
    for candidate in lm.diagnose(outputs, labels).candidates:
        if not np.isfinite(candidate.value):
            continue
        for match in lm.diagnose(outputs, labels, repr(candidate.value)).matches:
            advice = match.remedy.pytorch + match.remedy.keras
            assert "softmax" not in advice.replace("no softmax", "")
            assert "CrossEntropyLoss" not in advice
            assert match.remedy.fine == (match.in_all + match.cost == "sigmoidce")


def test_a_softmax_over_one_output_is_the_fault():
    found = lm.diagnose([[2.0], [-1.0]], [[1.0], [0.0]], 0)
    first = found.matches[0]
    assert lm.diagnose([[2.0]], [[1.0]], 0).to_dict()["matches"][0]["delta"]["ratio"] is None
    assert first.candidate.pairing.transform == "softmax"
    assert "a softmax over one output is 1 at every logit" in first.remedy.verdict
    assert first.remedy.delta == "0"
    np.testing.assert_array_equal(first.delta.delta, 0)
    told = {match.remedy for match in found.matches}
    assert str(found).count("PyTorch: ") == len(told) < len(found.matches)
    assert max(match.candidate.value for match in found.matches) <= 0.005


def test_a_diagnosis_reads_as_a_report_at_a_prompt():
    found = lm.diagnose(SOFT, CLASSES, nll(np.log(softmax(SOFT))))
    assert repr(found) == str(found)
    assert repr(found.matches[0]).endswith("in all, softmax twice + log-likelihood")


GIVEN = itertools.product(
    [LOGITS[:4], SOFT[:4], SIG[:4], np.log(SOFT[:4])], [ONE_HOT[:4], SEVERAL[:4]]
)


@pytest.mark.parametrize(("outputs", "labels"), thinned(GIVEN, 9))
def test_every_pairing_that_reproduces_a_loss_is_explained(outputs, labels):
    for candidate in lm.diagnose(outputs, labels).candidates:
        found = lm.diagnose(outputs, labels, repr(candidate.value))
        assert candidate.pairing in [match.candidate.pairing for match in found.matches]
        json.dumps(found.to_dict(), allow_nan=False)
        for match in found.matches:
            assert f"delta = {match.remedy.delta}; " in str(match)
            assert ("cannot fall below" in str(match)) == (match.floor is not None)


COSTS = ("ce", "ll", "quadratic", "squared error", "nll")
QUIRKS = (None, "renormalised", "clamped", "smoothed")


@pytest.mark.parametrize("cost", COSTS)
def test_layers_that_no_framework_has_together_are_told_so(cost):
    for layers in [("log-softmax",), ("log-softmax", "sigmoid"), ("softmax", "log-softmax")]:
        found = remedy(layers, cost)
        assert not found.fine
        assert found.delta == "not a - y"


@pytest.mark.slow
@pytest.mark.parametrize("cost", COSTS)
def test_every_pair_has_one(cost):
    known = ("softmax", "sigmoid", "log-softmax", "softmax over the examples")
    for layers in (it for n in range(4) for it in itertools.product(known, repeat=n)):
        for quirk, one_choice, classes in itertools.product(QUIRKS, (True, False), (1, 3)):
            found = remedy(layers, cost, quirk, one_choice, classes)
            assert all((found.verdict, found.delta, found.pytorch, found.keras))
