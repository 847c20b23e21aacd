"""A verdict: its text, its record, and what it is asked for."""

import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.helpers.once import verdict_on
from tinygrad_lossmix import Mix
from tinygrad_lossmix.answers.verdict.verdict import verdict


def right() -> Any:
    return verdict_on(Mix("softmax", "ce"), 2)


def wrong() -> Any:
    return verdict_on(Mix("sigmoid", "ll"), 3)


def exact(text: str) -> str:
    """The text with what is only rounding taken out."""
    return re.sub(r"-?\d\.\d+e-\d\d", "(tiny)", text)


def test_the_text_of_a_verdict_without_fault() -> None:
    assert (
        exact(str(right()))
        == """\
softmax + cross-entropy, 2 classes: no problems
  strictly proper  yes, with labels drawn from (0.9000, 0.1000) the expected cost is
                   least at outputs (0.9000, 0.1000); 8 searches end within (tiny) of
                   the truth
  convex in z      yes, the smallest eigenvalue of 294 Hessians is (tiny)
  delta = a - y    no, never: delta = 2 (a - y) for one-hot labels
  multi-label      no, with labels drawn from (0.8000, 0.4000) the expected cost is
                   least at outputs (0.7000, 0.3000)
  why              for 2 classes softmax is lml(2 z), with lml goes cross-entropy, and 2
                   comes out in front of a - y
  its layer        with softmax goes log-likelihood
  its cost         with cross-entropy goes sigmoid and lml (one class of K), which is
                   softmax(0.5 z)
  advice           use it with the learning rate divided by 2, or softmax with
                   log-likelihood, or lml with cross-entropy: proper, convex, delta = a
                   - y"""
    )


def test_the_text_of_a_verdict_with_faults() -> None:
    assert (
        exact(wrong().text(60))
        == """\
sigmoid + log-likelihood, 3 classes: drives every output to
1; the cost only approaches its infimum, as z → ∞; no wrong
class is ever pushed down
  strictly proper  no, with labels drawn from (0.9000,
                   0.05000, 0.05000) the expected cost
                   decreases without reaching a minimum
  convex in z      yes, the smallest eigenvalue of 214
                   Hessians is 0
  delta = a - y    no, never: ‖delta‖ / ‖a - y‖ ranges from
                   0.0001941 to 1 (maximum norm)
  multi-label      no, with labels drawn from (0.8000,
                   0.4000, 0.2667) the expected cost
                   decreases without reaching a minimum
  problem          drives every output to 1; the cost only
                   approaches its infimum, as z → ∞: at z =
                   t (1, 0.9446, 0.9359) the expected cost
                   is 0.3149, (tiny), (tiny) for t =
                   1, 10, 100
  problem          no wrong class is ever pushed down: the
                   highest delta of a wrong class is 0
  why              delta = -y(1 - a); on average delta is
                   0.5037 times as long as a - y
  its layer        with sigmoid goes cross-entropy
  its cost         with log-likelihood goes softmax (one
                   class of K)
  advice           sigmoid with cross-entropy, or for one
                   class out of K softmax with
                   log-likelihood: proper, convex, delta = a
                   - y"""
    )


def test_a_verdict_reads_as_text_at_a_prompt_and_says_the_cause_first() -> None:
    assert repr(wrong()) == str(wrong())
    assert repr(wrong()).startswith("sigmoid + log-likelihood, 3 classes: drives every output to 1")


def test_a_text_is_never_narrower_than_its_names_need() -> None:
    found = wrong()
    assert found.text(10) == found.text(40)
    assert max(map(len, found.text(40).splitlines())) == 40
    assert found.text() == found.text(88) != found.text(89)


def test_one_output_has_no_line_for_several_labels() -> None:
    text = str(verdict_on(Mix("sigmoid", "ce"), 1))
    assert text.startswith("sigmoid + cross-entropy, one output: no problems\n  strictly")
    assert "multi-label" not in text
    assert "  problem " not in text


def test_the_worst_of_the_searches_is_told() -> None:
    found = right()
    first, second, *rest = found.evidence.minima
    far = replace(second, outputs=second.truth.mean + np.array([0.25, 0.0]))
    off = replace(found, evidence=replace(found.evidence, minima=(first, far, *rest)))
    assert "; 8 searches end within 0.2500 of the truth" in " ".join(str(off).split())


@pytest.mark.parametrize("of", [right, wrong])
def test_a_record_is_plain_values_and_holds_everything(of: Any) -> None:
    found = of()
    record = found.record()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["faults"] == [{"name": f.name, "shown": f.shown} for f in found.faults]
    for name in ("mix", "classes", "proper", "convex", "a_minus_y", "several", "condition",
                 "failure", "advice"):  # fmt: skip
        assert record[name] == getattr(found, name)
    least = found.evidence.minima[1]
    assert record["evidence"]["minima"][1]["z"] == least.z.tolist()
    assert record["evidence"]["minima"][1]["ray"] == list(least.ray)
    assert record["evidence"]["minima"][1]["truth"]["labels"] == least.truth.labels.tolist()
    assert record["evidence"]["curvature"]["count"] == found.evidence.curvature.count


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, np.float64(np.nan)])
def test_what_is_not_finite_is_none_in_a_record(value: float) -> None:
    found = wrong()
    off = replace(found, evidence=replace(found.evidence, disagreement=value))
    assert off.record()["evidence"]["disagreement"] is None


def test_a_failure_names_every_fault() -> None:
    found = wrong()
    assert right().failure == "nothing"
    assert found.failure == "; ".join(fault.name for fault in found.faults)
    assert len(found.faults) == 2


@pytest.mark.parametrize(
    ("classes", "sentence"),
    [
        (0, "a verdict is for 1 to 50 classes, not 0"),
        (-1, "a verdict is for 1 to 50 classes, not -1"),
        (51, "a verdict is for 1 to 50 classes, not 51"),
        (2.0, "classes are a whole number, not 2.0"),
        (True, "classes are a whole number, not True"),
        ("3", "classes are a whole number, not '3'"),
        (None, "classes are a whole number, not None"),
    ],
)
def test_other_numbers_of_classes_are_refused(classes: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        verdict(Mix("softmax", "ll"), classes)


@pytest.mark.parametrize("classes", [np.int32(3), np.uint8(3)])
def test_numpy_integers_are_numbers_of_classes(classes: Any) -> None:
    again = verdict(Mix("sigmoid", "ll"), classes)
    assert type(again.classes) is int
    assert again.record() == wrong().record()


@pytest.mark.slow
def test_fifty_classes_are_not_too_many() -> None:
    assert verdict(Mix("sigmoid", "ll"), 50).classes == 50


@pytest.mark.slow
def test_a_cost_that_has_no_value_at_the_outputs_is_said():
    found = verdict(Mix(np.tanh, "ce"), 2)  # log of negative outputs
    assert found.faults[0].name == "the cost is not finite at outputs that the layer gives"
    assert not found.proper


def test_where_delta_has_no_value_it_is_as_long_as_nothing():
    text = str(verdict(Mix(lambda z: np.maximum(z, 0.0) ** 0.5, "ll"), 3))
    assert "delta has no value" in text
    assert "nan times" not in text
    assert "its layer" in text


def test_a_cost_that_overflows_is_not_proper():
    def overflowing(a: Any, y: Any) -> Any:
        return (np.exp(9e3 * (a - 0.6)) * y).sum()

    assert not verdict(Mix("sigmoid", overflowing), 1).proper


def test_a_mix_that_computes_in_fewer_digits_is_not_judged_by_their_rounding() -> None:
    def narrow(z: Any) -> Any:
        return z.astype(np.float32)

    def likelihood(a: Any, y: Any) -> Any:
        return -(y * np.log(a.astype(np.float32))).sum(axis=-1).mean()

    for mix in (Mix(narrow, "quadratic"), Mix("softmax", likelihood)):
        with pytest.raises(ValueError, match="computes in float32, too few digits to judge it by"):
            verdict(mix, 3)
