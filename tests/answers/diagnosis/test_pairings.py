"""Which pairing reported a loss: frameworks' formulas, in their dtype."""

import numpy as np
import pytest

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
    N,
    bce,
    keras_bce,
    keras_cce,
    nll,
    sigmoid,
    softmax,
)
from tests.helpers.quick import in_one
from tinygrad_lossmix.answers.diagnosis import pairings
from tinygrad_lossmix.answers.diagnosis.pairings import PAIRINGS, Candidate, reproducing

REPORTED = [
    # what was handed over, labels, loss, kind, transform, cost, reduction, layers in all, fine
    (LOGITS, CLASSES, nll(np.log(SOFT)), "logits", "softmax", "ll", PER_EXAMPLE, "softmax", True),
    (LOGITS, CLASSES, N * nll(np.log(SOFT)), "logits", "softmax", "ll", "sum", "softmax", True),
    (
        *(SOFT, CLASSES, nll(np.log(softmax(SOFT))), "probabilities"),
        *("softmax", "ll", PER_EXAMPLE, "softmax twice", False),
    ),
    (
        *(LOGITS, CLASSES, nll(np.log(softmax(SOFT))), "logits"),
        *("softmax twice", "ll", PER_EXAMPLE, "softmax twice", False),
    ),
    (
        *(SIG, CLASSES, nll(np.log(softmax(SIG))), "probabilities"),
        *("softmax", "ll", PER_EXAMPLE, "softmax of sigmoid", False),
    ),
    (
        *(np.log(SOFT), CLASSES, nll(np.log(SOFT)), "log-probabilities"),
        *("softmax", "ll", PER_EXAMPLE, "softmax", True),
    ),
    (SOFT, CLASSES, nll(SOFT), "probabilities", "none", "nll", PER_EXAMPLE, "softmax", False),
    (LOGITS, CLASSES, nll(LOGITS), "logits", "none", "nll", PER_EXAMPLE, "none", False),
    (SIG, ONE_HOT, bce(SIG, ONE_HOT), "probabilities", "none", "ce", EVERYTHING, "sigmoid", True),
    (SIG, SEVERAL, bce(SIG, SEVERAL), "probabilities", "none", "ce", EVERYTHING, "sigmoid", True),
    (LOGITS, SEVERAL, bce(SIG, SEVERAL), "logits", "sigmoid", "ce", EVERYTHING, "sigmoid", True),
    (
        *(SIG, ONE_HOT, bce(sigmoid(SIG), ONE_HOT), "probabilities"),
        *("sigmoid", "ce", EVERYTHING, "sigmoid twice", False),
    ),
    (
        *(SOFT, ONE_HOT, bce(sigmoid(SOFT), ONE_HOT), "probabilities"),
        *("sigmoid", "ce", EVERYTHING, "sigmoid of softmax", False),
    ),
    (
        SOFT,
        ONE_HOT,
        bce(SOFT, ONE_HOT),
        "probabilities",
        "none",
        "ce",
        EVERYTHING,
        "softmax",
        False,
    ),
    (
        *(SIG, CLASSES, nll(np.log(SIG)), "probabilities"),
        *("none", "ll", PER_EXAMPLE, "sigmoid", False),
    ),
    (
        *(SIG, ONE_HOT, ((SIG - ONE_HOT) ** 2).mean(), "probabilities"),
        *("none", "squared error", EVERYTHING, "sigmoid", False),
    ),
    (
        *(SIG, ONE_HOT, ((SIG - ONE_HOT) ** 2).sum() / N / 2, "probabilities"),
        *("none", "quadratic", PER_EXAMPLE, "sigmoid", False),
    ),
    (
        *(LOGITS, CLASSES, nll(np.log(softmax(LOGITS, 0))), "logits"),
        *("softmax over the examples", "ll", PER_EXAMPLE, "softmax over the examples", False),
    ),
]


@in_one("case", REPORTED, ids=lambda case: " ".join(map(str, case[3:8])))
def test_the_pairing_that_reported_a_loss_comes_first(case):
    outputs, labels, loss, kind, transform, cost, reduction, in_all, fine = case
    found = lm.diagnose(outputs, labels, loss)
    first = found.matches[0]
    assert found.outputs.name == kind
    assert (first.candidate.pairing.transform, first.candidate.pairing.cost) == (transform, cost)
    assert first.candidate.reduction == reduction
    assert first.candidate.pairing.quirk is None
    assert (first.in_all, first.remedy.fine) == (in_all, fine)
    assert first.candidate.value == pytest.approx(float(loss), rel=1e-5)


QUIRKS = [
    (SIG, ONE_HOT, keras_cce(SIG, ONE_HOT), "renormalised", "sigmoid", False),
    (sigmoid(SURE), ONE_HOT, bce(sigmoid(SURE), ONE_HOT), "clamped at -100", "sigmoid", True),
    (sigmoid(SURE), ONE_HOT, keras_bce(sigmoid(SURE), ONE_HOT), "1e-7", "sigmoid", True),
    (softmax(SURE), ONE_HOT, keras_cce(softmax(SURE), ONE_HOT), "1e-7", "softmax", True),
    (LOGITS, ONE_HOT, keras_bce(LOGITS, ONE_HOT), "1e-7", "none", False),
    (LOGITS, ONE_HOT, keras_cce(LOGITS, ONE_HOT), "renormalised", "none", False),
    (
        *(LOGITS, CLASSES, -((0.9 * ONE_HOT + 0.02) * np.log(SOFT)).sum(axis=-1).mean()),
        *("smoothed by 0.1", "softmax", True),
    ),
]


@pytest.mark.parametrize("case", QUIRKS, ids=lambda case: case[3] + " " + case[4])
def test_what_a_framework_does_besides_is_named(case):
    outputs, labels, loss, quirk, in_all, fine = case
    first = lm.diagnose(outputs, labels, loss).matches[0]
    assert quirk in first.candidate.pairing.quirk
    assert (first.in_all, first.remedy.fine) == (in_all, fine)
    assert first.candidate.value == pytest.approx(float(loss), rel=1e-5)


def test_what_is_right_to_all_digits_comes_before_what_is_only_close():
    far, near = (Candidate(PAIRINGS[0], ("sum",), value) for value in (0.52, 0.5))
    assert reproducing([far, near], "0.5", np.float64) == [near, far]
    assert reproducing([far, near], "0.50", np.float64) == [near]


def test_a_quirk_that_changes_nothing_is_not_listed():
    for loss in (nll(np.log(SOFT)), bce(SOFT, ONE_HOT)):
        matches = lm.diagnose(SOFT, ONE_HOT, loss).matches
        assert [m.candidate.pairing.quirk for m in matches] == [None]


def test_with_two_classes_all_that_is_the_same_number_is_listed():
    z = LOGITS[:, :2]
    y = CLASSES % 2
    loss = -np.log(softmax(z))[np.arange(N), y].mean()
    names = [m.candidate.name for m in lm.diagnose(softmax(z), y, loss).matches]
    assert names == [f"log-likelihood, {PER_EXAMPLE}", f"cross-entropy, {EVERYTHING}"]


def test_digits_are_how_exact_a_loss_is():
    loss = float(nll(np.log(SOFT)))
    assert lm.diagnose(LOGITS, CLASSES, round(loss, 4)).matches[0].in_all == "softmax"
    assert lm.diagnose(LOGITS, CLASSES, f"{loss + 0.0004:.4f}").matches == ()
    few = lm.diagnose(LOGITS, CLASSES, f"{loss:.0f}").matches
    assert len(few) > 1
    assert all(abs(m.candidate.value - round(loss)) <= 0.5 for m in few)


def test_a_function_is_named_with_the_reduction_that_it_was_called_with():
    for loss, called in (
        (bce(SIG, ONE_HOT), "PyTorch BCEWithLogitsLoss, Keras binary_crossentropy"),
        (bce(SIG, ONE_HOT) * N * K, 'reduction="sum"'),
        (bce(SIG, ONE_HOT) * K, ""),
    ):
        first = lm.diagnose(LOGITS, ONE_HOT, loss).matches[0].candidate
        assert called in first.called
        assert bool(first.called) == bool(called)


def test_half_precision_allows_for_its_rounding():
    half = LOGITS.astype(np.float16)
    loss = nll(np.log(softmax(half.astype(np.float32)))).astype(np.float16)
    assert lm.diagnose(half, CLASSES, loss).matches[0].in_all == "softmax"


def test_pytorch_agrees():
    torch = pytest.importorskip("torch")
    z, c, y = torch.tensor(LOGITS), torch.tensor(CLASSES), torch.tensor(ONE_HOT)
    nn = torch.nn
    for loss, expected in (
        (nn.CrossEntropyLoss()(z, c), ("softmax", "ll", PER_EXAMPLE, None)),
        (nn.BCEWithLogitsLoss()(z, y), ("sigmoid", "ce", EVERYTHING, None)),
        (nn.CrossEntropyLoss()(z.softmax(-1), c), ("softmax twice", "ll", PER_EXAMPLE, None)),
        (nn.BCEWithLogitsLoss()(z.sigmoid(), y), ("sigmoid twice", "ce", EVERYTHING, None)),
        (nn.MSELoss(reduction="sum")(z.sigmoid(), y), ("sigmoid", "squared error", "sum", None)),
        (
            nn.CrossEntropyLoss(label_smoothing=0.1)(z, c),
            ("softmax", "ll", PER_EXAMPLE, "labels smoothed by 0.1"),
        ),
    ):
        first = lm.diagnose(z, c, loss).matches[0].candidate
        pairing = first.pairing
        assert (pairing.transform, pairing.cost, first.reduction, pairing.quirk) == expected
    with pytest.raises(TypeError, match=r"outputs\.detach\(\)\.cpu\(\)\.numpy\(\)"):
        lm.diagnose(z.clone().requires_grad_(), c)


def test_a_batch_in_blocks_reports_what_it_does_at_once(monkeypatch):
    outputs = SOFT.astype(np.float64)
    at_once = pairings.candidates(outputs, SEVERAL)
    monkeypatch.setattr(pairings, "BLOCK", 2 * K)
    for one, other in zip(at_once, pairings.candidates(outputs, SEVERAL), strict=True):
        assert one.name == other.name
        np.testing.assert_allclose(one.value, other.value, rtol=1e-13)
