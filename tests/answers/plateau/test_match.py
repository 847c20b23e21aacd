"""What a stuck loss says: the right match first, all of them, and none where there is none."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_lossmix.answers.digits import half_unit
from tinygrad_lossmix.answers.plateau.match import plateau


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
    ("loss", "whose"),
    [
        ("16.118", "Keras"),
        ("15.942", "Keras"),
        ("15.333", "Keras 2"),
        ("100", "BCELoss"),
        ("27.6310", "MXNet"),
        ("36.0437", "scikit-learn"),
        ("34.5388", "scikit-learn"),
        ("18.4207", "by hand"),
        ("103.279", "float32"),
    ],
)
def test_a_clamp_names_whose_it_is(loss, whose):
    first = plateau(loss).matches[0]
    assert "clamp" in first.name
    assert whose in first.cost


@pytest.mark.parametrize(
    ("loss", "classes", "accuracy"),
    [
        ("1.2345", None, None),
        ("1.2345", 10, None),
        ("1.9", 10, None),
        ("0.0203", 10, ".9967"),
        ("42", 10, None),
        ("0.1234", None, None),
        ("2.3026", 100, None),
    ],
)
def test_it_says_plainly_when_nothing_fits(loss, classes, accuracy):
    found = plateau(loss, classes, accuracy)
    assert found.matches == ()
    assert "nothing fits" in str(found)


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
        assert match.exact == (off <= half_unit(text) * (1 + 1e-6) + 1e-9 * abs(loss))
        assert off <= max(0.01 * abs(match.value), half_unit(text) + 1e-6)
        assert classes is None or match.classes in (classes, None)


def test_digits_are_how_exact_a_loss_is():
    assert [m.classes for m in plateau("4.6").matches[:1]] != [100]
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
    mean = next(m for m in plateau("0.6931").matches if m.formula == "K ln 2")
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


def test_one_name_per_value_where_two_reductions_are_the_same():
    for match in plateau("0.6931", 1).matches:
        assert match.classes in (1, None)
    names = [m.name for m in plateau("0.6931", 1).matches]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("loss", "classes", "accuracy", "says"),
    [
        ("1.9", 10, None, "At an accuracy of 0.5612 it would be softmax twice"),
        ("1.9", 10, None, "below ln K = 2.3026"),
        ("5.1", 10, None, "above ln K = 2.3026"),
        ("2.3026", 100, None, "It is ln 10"),
        ("0.05", 10, ".18", "less than (1 - accuracy) ln 2 = 0.5684"),
        ("1.56", 10, ".90", "binary_accuracy"),
        ("147.365", 10, None, "sum over 64 examples"),
        ("0.035978", 10, None, "mean divided once more by 64 examples"),
        ("1.2345", None, None, "Give --classes"),
        ("-5.5", 10, None, "A cost below 0"),
    ],
)
def test_what_else_the_numbers_tell(loss, classes, accuracy, says):
    assert says in " ".join(plateau(loss, classes, accuracy).notes)


def test_hints_are_not_given_where_they_do_not_hold():
    assert plateau("2.3026", 10).notes == ()
    assert not any("(1 - accuracy) ln 2" in note for note in plateau("0.6", 10, ".18").notes)


def test_the_record_is_json():
    found = plateau("0.6931", 2, ".5")
    record = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert (record["loss"], record["classes"], record["accuracy"]) == (0.6931, 2, 0.5)
    assert [m["name"] for m in record["matches"]] == [m.name for m in found.matches]
    assert record["matches"][0]["formula"] == "ln K"


@pytest.mark.parametrize("loss", [2.3026, "2.3026", " 2.3026 "])
def test_a_number_and_its_text_are_the_same(loss):
    assert plateau(loss, 10).matches == plateau("2.3026", 10).matches


@pytest.mark.parametrize(
    ("loss", "classes", "accuracy", "says"),
    [
        ("abc", None, None, "'abc' is not a number"),
        ("nan", None, None, "finite"),
        ("inf", None, None, "finite"),
        ("1", 0, None, "at least one class"),
        ("1", 10, "1.5", "between 0 and 1"),
        ("1", 10, "x", "'x' is not a number"),
    ],
)
def test_what_is_no_number_gets_one_clear_error(loss, classes, accuracy, says):
    with pytest.raises(ValueError, match=says):
        plateau(loss, classes, accuracy)


@pytest.mark.parametrize(
    ("text", "half"),
    [("2.30", 0.005), ("2", 0.5), (".7437", 5e-5), ("1e-3", 5e-4), ("1.50E2", 0.5), ("-0.9", 0.05)],
)
def test_half_a_unit_of_the_last_digit(text, half):
    assert half_unit(text) == pytest.approx(half)
