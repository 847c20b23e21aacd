"""What is said of a loss that does not move."""

import itertools
import json
import re

import numpy as np
import pytest

from tests.helpers.formulas import evaluated
from tests.helpers.quick import in_one, thinned
from tinygrad_lossmix.answers.plateau.plateau import plateau


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


def test_one_name_per_value_where_two_reductions_are_the_same():
    for match in plateau("0.6931", 1).matches:
        assert match.classes in (1, None)
    names = [m.name for m in plateau("0.6931", 1).matches]
    assert len(names) == len(set(names))


@in_one(
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
        ("-5.5", 10, None, "None of the costs is below 0"),
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


@in_one(
    ("loss", "classes", "accuracy", "says"),
    [
        ("abc", None, None, "'abc' is not a number"),
        ("nan", None, None, "finite number is needed, not nan; NaN comes of 0 log 0"),
        ("inf", None, None, "finite number is needed, not inf; .* ln 0"),
        ("1e400", None, None, "finite number is needed, not 1e400"),
        (10**400, None, None, "finite number is needed"),
        ("1", 0, None, "at least one class"),
        ("1", "10", None, "a whole number of them, not '10'"),
        ("1", 2.5, None, "a whole number of them, not 2.5"),
        ("1", True, None, "a whole number of them, not True"),
        ("1", 10, "1.5", "between 0 and 1"),
        ("1", 10, "x", "'x' is not a number"),
    ],
)
def test_what_is_no_number_gets_one_clear_error(loss, classes, accuracy, says):
    with pytest.raises(ValueError, match=says):
        plateau(loss, classes, accuracy)


def test_a_minus_before_a_0_is_explained():
    assert plateau("-0.0").notes[0] == "-0.0 is 0; the minus is that of -y ln 1."
    assert plateau(-0.0).notes == plateau("-0.0").notes
    assert not any("minus is" in note for note in plateau("0.0").notes)


@in_one("loss", ["-5.5", "-0.3721", "-120"])
@in_one("classes", [None, 1, 10])
def test_a_negative_loss_is_explained(loss, classes):
    found = plateau(loss, classes)
    assert "not between 0 and 1" in " ".join(found.notes)
    assert "worse than guessing" not in str(found)


def test_one_output_is_never_told_to_take_a_softmax():
    for loss in ("0", "-1", "0.6931", "0.3133", "0.5032", "16.118", "100", "0.125", "-0.5"):
        text = str(plateau(loss, 1))
        assert "log_softmax" not in text
        assert "hand the logits to CrossEntropyLoss" not in text


def printed_equations(text):
    """`formula = value, K = 10` of each match."""
    pattern = r"^\d+\. .*?: (.*?) = (-?[\d.e-]+)(?:, K = (\d+))?"
    return re.findall(pattern, text, flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("classes", "accuracy"), thinned(itertools.product([10, None, 1, 2], [".75", None]), 5)
)
def test_printed_equations_are_true(classes, accuracy, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr("tinygrad_lossmix.printing.width", lambda: 300)
    for loss in ("1.0000", "0.6931", "0.06931", "2.30", "0.9", "2.4", "0.25", "100", "0", "-.75"):
        found = plateau(loss, classes, accuracy)
        equations = printed_equations(str(found))
        assert len(equations) == len(found.matches)
        for formula, value, k in equations:
            expected = evaluated(formula, int(k or classes or 7), float(accuracy or 0))
            assert float(value) == pytest.approx(expected, abs=6e-5, rel=1e-3)


def test_the_sum_s_formula_is_not_beside_the_mean_s_value():
    [first] = [m for m in plateau("1.0000", 10).matches if m.cost.endswith("quadratic")]
    assert first.equation == "2 (1/2) = 1.0000"
    [first] = [m for m in plateau("0.6931", 10).matches if m.cost == "sigmoid + cross-entropy"]
    assert first.equation == "(K ln 2)/K = 0.6931"


@pytest.mark.parametrize("loss", ["1e308", "1e-300", "5e-324", "1e-400", 7, np.float32(2)])
def test_a_number_of_any_size_has_an_answer(loss):
    assert 0.0 <= plateau(loss).coincidence <= 1.0
    assert 0.0 <= plateau(loss, np.int64(10)).coincidence <= 1.0


def test_a_plateau_reads_as_a_report_at_a_prompt():
    found = plateau("1.4612", 10)
    assert repr(found) == str(found)
    assert repr(found.matches[0]) == (
        "softmax twice, on its floor: ln(1 + (K - 1)/e) = 1.4612, K = 10"
    )


@pytest.mark.parametrize(
    ("loss", "accuracy"),
    [
        ("1.9", None),
        ("5.1", None),
        ("1.455", None),
        ("0.05", ".18"),
        ("1.56", ".9"),
        ("147.365", None),
    ],
)
def test_equations_in_what_else_is_told_are_true(loss, accuracy):
    pattern = r"(\(1 - accuracy\) ln 2|ln K|ln\(1 \+ \(K - 1\)/e\)|1 - 1/K) = ([\d.]+\d)"
    told = re.findall(pattern, " ".join(plateau(loss, 10, accuracy).notes))
    assert told
    for formula, value in told:
        assert float(value) == pytest.approx(evaluated(formula, 10, float(accuracy or 0)), abs=6e-5)
