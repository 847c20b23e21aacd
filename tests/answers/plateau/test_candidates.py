"""Which constants a stuck loss fits, and in which order they come."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.quick import in_one, thinned
from tinygrad_lossmix.answers.plateau.candidates import half_unit
from tinygrad_lossmix.answers.plateau.constants import constants
from tinygrad_lossmix.answers.plateau.plateau import plateau


@in_one(
    ("loss", "classes", "accuracy", "name", "k"),
    [
        ("2.3026", 10, None, "uniform predictions", 10),
        ("2.30", None, None, "uniform predictions", 10),
        ("2.31", 10, None, "uniform predictions", 10),
        ("6.9078", None, None, "uniform predictions", 1000),
        ("0.3133", 2, None, "softmax twice, on its floor", 2),
        ("0.5514", 3, None, "softmax twice, on its floor", 3),
        ("0.74", None, None, "softmax twice, on its floor", 4),
        (".7437", 4, None, "softmax twice, on its floor", 4),
        ("1.4612", 10, None, "softmax twice, on its floor", 10),
        ("1.4612", None, None, "softmax twice, on its floor", 10),
        ("1.5592", 10, ".91", "softmax twice, outputs saturated", 10),
        ("1.56", 10, ".90", "softmax twice, outputs saturated", 10),
        ("1.56", 10, None, "softmax twice, outputs saturated, one class never predicted", 10),
        ("3.2508", 10, None, "the prior 1/K on every output", 10),
        ("0.32508", 10, None, "the prior 1/K on every output", 10),
        ("6.9315", 10, None, "sigmoid outputs all at one half", 10),
        ("6.5515", 10, None, "sigmoid twice, on its floor", 10),
        ("0.65515", 10, None, "sigmoid twice, on its floor", 10),
        ("0.5032", 1, None, "sigmoid twice, on its floor, one output, half of the labels 1", None),
        ("16.118", None, None, "clamp, every example wrong", None),
        ("27.6310", None, None, "clamp, every example wrong", None),
        ("100", None, None, "clamp, every example wrong", None),
        ("14.5063", 10, None, "clamp, the same class predicted for all", 10),
        ("8.0590", 2, ".5", "clamp, the same class predicted for all", 2),
        ("-0.9100", 10, ".91", "softmax outputs without a logarithm, saturated", None),
        ("0.0900", 10, None, "uniform or prior predictions", 10),
        ("0.5003", 10, None, "label smoothing of 0.1, on its floor", 10),
    ],
)
def test_the_best_match_comes_first(loss, classes, accuracy, name, k):
    first = plateau(loss, classes, accuracy).matches[0]
    assert (first.name, first.classes) == (name, k)
    assert abs(first.value - float(loss)) == pytest.approx(abs(first.difference))


def test_all_causes_of_ln_2_are_listed():
    names = {match.name for match in plateau("0.6931").matches if match.exact}
    assert names >= {
        "uniform predictions",
        "sigmoid outputs all at one half",
        "the prior 1/K on every output",
        "sigmoid twice, on its floor, one output, label 0",
        "sigmoid outputs at one half, with log-likelihood",
    }
    with_ten = {match.name for match in plateau("0.6931", 10).matches}
    assert "uniform predictions" not in with_ten
    assert "sigmoid outputs all at one half" in with_ten


@given(st.integers(2, 2000))
def test_uniform_predictions_are_recognised_for_any_number_of_classes(k):
    text = f"{math.log(k):.6f}"
    for found in (plateau(text), plateau(text, k)):
        uniform = [m for m in found.matches if m.name == "uniform predictions" and m.exact]
        assert any(m.range[0] <= k <= m.range[1] for m in uniform)
    assert plateau(text, k).matches[0].classes in (k, None)


@given(st.integers(2, 99), st.sampled_from([0.5, 0.62, 0.75, 0.9, 0.99]))
def test_softmax_twice_is_recognised_off_its_floor(k, accuracy):
    found = plateau(f"{math.log(math.e + k - 1) - accuracy:.4f}", k, accuracy)
    assert "softmax twice, outputs saturated" in [m.name for m in found.matches if m.exact]


@given(st.floats(0.01, 200), st.sampled_from([None, 1, 2, 3, 10, 100]))
def test_an_exact_match_is_within_the_digits_and_a_near_one_within_a_hundredth(loss, classes):
    text = f"{loss:.4f}"
    for match in plateau(text, classes).matches:
        off = abs(float(text) - match.value)
        assert off == pytest.approx(abs(match.difference), abs=1e-12)
        assert match.exact == (off <= half_unit(text) * (1 + 1e-6) + 2**-22 * abs(loss))
        assert off <= max(0.01 * abs(match.value), half_unit(text) + 1e-6)
        assert classes is None or match.classes in (classes, None)


def test_digits_are_how_exact_a_loss_is():
    assert plateau("4.595").matches[0].classes == 99
    assert plateau("4.605").matches[0].classes == 100
    vague = next(m for m in plateau("6.9").matches if m.name == "uniform predictions")
    assert vague.range == (944, 1043)


def test_a_value_that_fits_many_numbers_of_classes_comes_after_one_that_fits_one():
    names = [match.name for match in plateau("8.059").matches]
    assert names == ["clamp, the same class predicted for all", "uniform predictions"]


def test_an_accuracy_is_as_exact_as_its_digits():
    twice = "softmax twice, outputs saturated"
    for accuracy, exact in ((".90", True), (".900", False)):
        first = plateau("1.5642", 10, accuracy).matches[0]
        assert (first.name, first.exact) == (twice, exact)


def test_what_fits_any_number_of_classes_names_none():
    mean = next(m for m in plateau("0.6931").matches if m.formula == "(K ln 2)/K")
    assert (mean.classes, mean.range) == (None, None)


def test_beside_an_exact_match_only_a_more_common_one_may_be_near():
    assert [m.exact for m in plateau("15.4249").matches] == [True]
    near = [m for m in plateau("15.3332").matches if not m.exact]
    assert [m.formula for m in near] == ["-ln 2e-7"]


def test_an_accuracy_that_does_not_go_with_a_match_puts_it_last():
    found = plateau("1.4612", 10, ".5").matches
    assert found[-1].name == "softmax twice, on its floor"
    assert found[-1].contradicted
    assert not plateau("1.4612", 10, "1.0").matches[0].contradicted


@in_one(
    ("text", "half"),
    [
        ("2.30", 0.005),
        ("2", 0.5),
        (".7437", 5e-5),
        ("1e-3", 5e-4),
        ("1.50E2", 0.5),
        ("-0.9", 0.05),
        ("0", 0.005),
        ("0.0", 0.005),
        ("0.0000", 5e-5),
        (0.0, 0.005),
    ],
)
def test_half_a_unit_of_the_last_digit(text, half):
    assert half_unit(text) == pytest.approx(half)


FLOORS = [constant for constant in constants() if constant.is_floor]


@pytest.mark.parametrize(
    ("floor", "k"),
    thinned(itertools.product(FLOORS, [2, 10, 3, 100]), 7),
    ids=lambda of: str(of) if isinstance(of, int) else f"{of.name} {of.cost}",
)
def test_a_loss_below_a_floor_is_not_on_it(floor, k):
    k = 1 if floor.single else k
    for convention in floor.conventions:
        value = float(floor.value(float(k)) * convention.factor(float(k)))
        for accuracy in (None, "0.999"):
            below = plateau(f"{value - 0.005 * abs(value):.6f}", k, accuracy).matches
            above = plateau(f"{value + 0.005 * abs(value):.6f}", k, accuracy).matches
            pairs = [(m.name, m.cost) for m in below if abs(m.value - value) < 1e-9]
            assert (floor.name, floor.cost) not in pairs
            assert accuracy or not above or above[0].hit or floor.name in [m.name for m in above]


def test_no_softmax_twice_is_named_below_its_floor_at_any_accuracy():
    for accuracy in (None, ".999", ".99", ".95"):
        found = plateau("1.455", 10, accuracy)
        assert not any("twice" in match.name for match in found.matches)
    assert "the softmax is not applied twice" in " ".join(plateau("1.455", 10).notes)
    assert plateau("1.4611", 10).matches[0].name == "softmax twice, on its floor"  # cut off


def test_a_clamp_is_not_exceeded():
    assert plateau("16.05", 10).matches[0].name == "clamp, every example wrong"
    assert "clamp, every example wrong" not in [m.name for m in plateau("16.210", 10).matches]


def test_nearly_uniform_outputs_have_any_accuracy():
    for accuracy in (None, ".5", ".7", "1.0", "0"):
        first = plateau(".6931", 2, accuracy).matches[0]
        assert (first.name, first.contradicted) == ("uniform predictions", False)
    for accuracy in (".1", ".3", ".99"):
        assert plateau("2.3026", 10, accuracy).matches[0].name == "uniform predictions"


@pytest.mark.parametrize("k", thinned([10, 2, 7, 100, 1000, 50257], 6))
def test_a_value_computed_in_float32_is_exact(k):
    for constant in constants():
        if constant.single or not constant.fewest <= k <= constant.most:
            continue
        value = np.float32(constant.value(float(k)))
        if value != 0:
            found = plateau(float(value), k).matches
            assert constant.formula in [m.formula for m in found if m.exact]


def test_the_issues_values_in_float32():
    assert plateau("2.3025851249694824").matches[0].formula == "ln K"
    for text in ("14.5063", "14.506287", "14.50628662109375"):
        first = plateau(text, 10).matches[0]
        assert (first.formula, first.exact) == ("(1 - 1/K) (-ln 1e-7)", True)


@pytest.mark.parametrize("loss", ["6.906", "6.907", "6.908", "6.909", "6.91", "6.9"])
def test_noise_around_a_usual_number_of_classes_is_that_number(loss):
    first = plateau(loss).matches[0]
    assert (first.name, first.classes) == ("uniform predictions", 1000)
    assert first.range[0] <= 1000 <= first.range[1]
    assert ("a usual number" in str(first)) == (first.range[0] < first.range[1])


def test_digits_that_rule_a_usual_number_out_do():
    assert plateau("6.90675").matches[0].classes == 999
    assert plateau("2.398").matches[0].classes == 11


def test_exact_matches_come_before_near_ones():
    for loss in ("0.6931", "1.56", "2.4", "8.059", "15.3332", "6.907", "0.5003", "3.25"):
        for classes in (None, 10):
            hits = [match.hit for match in plateau(loss, classes, ".7").matches]
            assert hits == sorted(hits, reverse=True)


@pytest.mark.parametrize("loss", ["0", "0.0", "0.0000", "-0.0", "1e-9", 0, 0.0])
def test_a_loss_of_0_is_one_output_under_a_softmax_or_fitted_labels(loss):
    names = [m.name for m in plateau(loss).matches]
    if loss != "1e-9":
        assert names == ["softmax over one output", "the labels are fitted",
                         "all sigmoid outputs at 1"]  # fmt: skip
    assert not any(m.formula == "ln K" for m in plateau(loss).matches)
    assert plateau("0", 1).matches[0].name == "softmax over one output"
    assert plateau("0", 10).matches[0].name == "the labels are fitted"
    assert plateau("0", 10, "0.2").matches[0].name == "all sigmoid outputs at 1"


@pytest.mark.slow
def test_how_likely_a_coincidence_is():
    two, four = plateau("1.46"), plateau("1.4612")
    assert two.coincidence > 0.3 > four.coincidence > plateau("1.4612", 10).coincidence
    assert f"{two.coincidence:.0%} are a known value for some K" in " ".join(two.notes)
    assert "coincidence" not in str(plateau("1.4612", 10))
    exact = [any(m.exact for m in plateau(f"{1.1 + i / 100:.2f}").matches) for i in range(0, 74, 3)]
    assert two.coincidence == pytest.approx(sum(exact) / len(exact), abs=0.1)
