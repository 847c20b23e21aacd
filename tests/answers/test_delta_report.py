"""The delta report: its numbers against formulas written here, its words against its numbers."""

import json
import math
import re
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_lossmix as lm
from tests.helpers.quick import in_one, thinned

MATCHED = [("sigmoid", "ce"), ("softmax", "ll")]
examples = st.integers(2, 6).flatmap(
    lambda k: st.tuples(hnp.arrays(float, k, elements=st.floats(-4, 4)), st.integers(0, k - 1))
)


def outputs(name, z):
    return 1 / (1 + np.exp(-z)) if name == "sigmoid" else np.exp(z) / np.exp(z).sum()


def jacobian(name, a):
    return np.diag(a * (1 - a)) if name == "sigmoid" else np.diag(a) - np.outer(a, a)


def on_outputs(name, a, y):
    return {"ce": -y / a + (1 - y) / (1 - a), "ll": -y / a, "quadratic": a - y}[name]


@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
@given(example=examples)
def test_delta_is_the_product_of_the_factors_shown(mix, example):
    z, label = example
    y = np.eye(len(z))[label]
    report = lm.delta_report(mix, z, label)
    a = outputs(mix.output, z)
    np.testing.assert_allclose(report.a, a, rtol=1e-12)
    np.testing.assert_allclose(report.jacobian, jacobian(mix.output, a), rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(report.dc_da, on_outputs(mix.cost_name, a, y), rtol=1e-9)
    product = on_outputs(mix.cost_name, a, y) @ jacobian(mix.output, a)
    for delta in (report.engine, report.closed_form):
        np.testing.assert_allclose(delta, product, rtol=1e-8, atol=1e-11)
    np.testing.assert_allclose(report.finite_differences, product, rtol=1e-5, atol=1e-8)
    assert report.engine_agrees
    assert report.differences_agree


@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
def test_only_the_matched_pairs_are_a_minus_y(mix):
    report = lm.delta_report(mix, [2.0, 1.0, 0.0], 0)
    matched = (mix.output, mix.cost_name) in MATCHED
    assert report.is_a_minus_y == matched
    assert ("delta is a - y here" in str(report)) == matched
    assert ("delta is not a - y here" in str(report)) != matched


def test_labels_that_do_not_sum_to_one_are_named_as_the_reason():
    report = lm.delta_report(lm.Mix("softmax", "ll"), [2.0, 1.0, 0.0], [1, 1, 0])
    assert not report.is_a_minus_y
    np.testing.assert_allclose(report.closed_form, 2 * report.a - [1, 1, 0])
    assert "the labels sum to 2, not 1" in str(report)
    assert lm.delta_report(lm.Mix("sigmoid", "ce"), [2.0, 1.0], [1, 1]).is_a_minus_y


def test_labels_that_sum_to_one_by_rounding_do():
    assert lm.delta_report(lm.Mix("softmax", "ll"), [2.0, 1.0, 0.0], [0.1, 0.2, 0.7]).is_a_minus_y


def test_two_classes_double_softmax_with_cross_entropy_even_in_the_tail():
    for z in ([1.0, 0.0], [40.0, 0.0]):
        report = lm.delta_report(lm.Mix("softmax", "ce"), z, 0)
        assert not report.is_a_minus_y
        assert "delta = 2(a - y)" in str(report)


def test_sigmoid_with_log_likelihood_says_that_wrong_classes_get_nothing():
    report = lm.delta_report(lm.Mix("sigmoid", "ll"), [2.0, 1.0, 0.0], 0)
    assert (report.closed_form[1:] == 0).all()
    assert "Wrong classes get exactly 0" in str(report)
    assert "[0.7311, 0.5000]" in str(report)


def test_a_wrong_class_that_is_pushed_up_is_named():
    z = np.log([0.01, 0.98, 0.01])
    report = lm.delta_report(lm.Mix("softmax", "ce"), z, 0)
    assert report.closed_form == pytest.approx([-1.480, 1.950, -0.470], abs=5e-4)
    assert "class 2 (-0.4700)" in str(report)
    assert "wrong class too" not in str(lm.delta_report(lm.Mix("softmax", "ll"), z, 0))


def test_an_overflow_of_the_book_is_reported_and_the_closed_form_stands():
    report = lm.delta_report(lm.Mix("softmax", "ll"), [1000.0, 0.0, -1000.0], 1)
    assert math.isnan(report.book_cost)
    assert report.cost == 1000
    assert np.isnan(report.engine).all()
    np.testing.assert_array_equal(report.closed_form, [1, -1, 0])
    assert report.breakdown == "exp gives inf, then divide gives nan"
    assert "nan on the book's graph" in str(report)
    assert "The engine's delta on it is not right" in report.why[-1]
    assert "finite differences confirm it" in report.why[-1]


def test_an_overflow_only_on_the_way_back_is_found_there():
    report = lm.delta_report(lm.Mix("sigmoid", "quadratic"), [0.0, -1000.0], 0)
    assert math.isfinite(report.book_cost)
    assert "going back, the derivative of exp gives nan" in report.breakdown


@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
def test_a_saturated_output_that_the_graph_has_rounded_is_noticed(output):
    report = lm.delta_report(lm.Mix(output, "ce"), [36.5, 0.0, -5.0], 1)
    assert report.breakdown is None
    assert not report.engine_agrees
    assert report.differences_agree
    assert "has rounded a saturated output" in report.why[-1]


def test_logits_too_large_for_differences_are_not_blamed_on_the_closed_form():
    report = lm.delta_report(lm.Mix("softmax", "ll"), [1e17, 1e17 - 16], 0)
    np.testing.assert_allclose(report.closed_form, [-np.exp(-16), np.exp(-16)], rtol=1e-6)
    assert not report.differences_agree
    assert "finite differences cannot tell" in report.why[-1]


def huber(a, y):
    return np.where(abs(a - y) < 1.0, 0.5 * (a - y) ** 2, abs(a - y) - 0.5).sum(axis=-1).mean()


@pytest.mark.parametrize(
    ("layer", "z", "said", "unsaid"),
    [
        (lambda z: 1.0 / z, [2.0, 1.0, 0.0], "dC/da = [-0.5000, 1.000, nan]; the", "confirm it"),
        (lambda z: 1.0 / z, [1e-200, 1.0, 2.0], "right where the cost is smooth", "confirm it"),
        (lambda z: z * 0.0, [2.0, 1.0, 0.0], "the Jacobian has nothing but 0", "entries beside"),
    ],
)
def test_a_layer_without_a_slope_is_said_to_have_none(layer, z, said, unsaid):
    text = " ".join(str(lm.delta_report(lm.Mix(layer, huber), z, 0)).split())
    assert said in text
    assert unsaid not in text


def test_labels_all_positive_leave_no_wrong_class():
    report = lm.delta_report(lm.Mix("sigmoid", "ll"), [1.0, 0.0], [0.5, 0.5])
    assert "rong class" not in str(report)
    assert "lost its tail" not in str(report)  # 1/2 - 1/2 is 0, and has none


def test_what_subtraction_rounds_away_is_shown():
    report = lm.delta_report(lm.Mix("softmax", "ll"), [40.0, 0.0], 0)
    assert report.a_minus_y[0] == 0
    assert report.is_a_minus_y
    assert "-4.248e-18" in str(report)
    assert "lost its tail" in str(report)


def test_outputs_that_are_exactly_right_prove_nothing():
    report = lm.delta_report(lm.Mix("softmax", "ce"), [2000.0, 0.0, 0.0], 0)
    assert "both exactly 0" in report.why[0]


@in_one("mix", lm.MIXES, ids=str)
@in_one("z", [[2.0, 1.0, 0.0], [1000.0, 0.0, -1000.0]])
def test_the_record_is_json_without_nan_and_holds_the_numbers(mix, z):
    report = lm.delta_report(mix, z, 0)
    record = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert (record["output"], record["cost"]) == (mix.output, mix.cost_name)
    assert record["C"] == report.cost
    np.testing.assert_array_equal(record["delta"]["closed_form"], report.closed_form)
    np.testing.assert_array_equal(record["jacobian"], report.jacobian)
    engine = [x if math.isfinite(x) else None for x in report.engine]
    assert record["delta"]["engine"] == engine
    assert record["why"] == report.why


def test_numbers_have_an_ascii_minus_and_four_digits():
    text = str(lm.delta_report(lm.Mix("softmax", "ll"), [2.0, 1.0, 0.0], 0))
    assert "-0.3348" in text
    assert "0.09003" in text
    assert "\N{MINUS SIGN}" not in text


def test_a_jacobian_that_does_not_fit_is_left_to_the_record():
    text = str(lm.delta_report(lm.Mix("softmax", "ll"), np.linspace(-1, 1, 40), 0))
    assert "too wide to print" in text
    assert max(map(len, text.splitlines())) <= 100


def test_a_tensor_and_float32_are_taken_as_values():
    z = np.array([2, 1, 0], np.float32)
    for logits in (z, lm.Tensor(z), [2, 1, 0]):
        report = lm.delta_report(lm.Mix("softmax", "ll"), logits, 0)
        assert report.closed_form.dtype == np.float64
        assert report.differences_agree


@in_one(
    ("args", "error", "says"),
    [
        (("softmax", [1.0, 2.0], 0), TypeError, "Mix"),
        ((lm.MIXES[0], [[1.0, 2.0]], [0]), ValueError, "one example"),
        ((lm.MIXES[0], [], 0), ValueError, "one e|at least one"),
        ((lm.MIXES[0], 1.0, 0), ValueError, "axis"),
        ((lm.MIXES[0], [1.0, np.nan], 0), ValueError, "finite"),
        ((lm.MIXES[0], [1.0, np.inf], 0), ValueError, "finite"),
        ((lm.MIXES[0], ["a", "b"], 0), TypeError, "real numbers"),
        ((lm.MIXES[0], [1.0, 2.0], 2), ValueError, "0 … 1"),
        ((lm.MIXES[0], [1.0, 2.0], [1, 0, 0]), ValueError, "shape"),
        ((lm.MIXES[0], [1.0, 2.0], [np.nan, 0]), ValueError, "finite"),
    ],
)
def test_what_does_not_fit_gets_one_clear_error(args, error, says):
    with pytest.raises(error, match=says):
        lm.delta_report(*args)


@pytest.mark.parametrize("mix", thinned(lm.MIXES, 6), ids=str)
def test_many_classes_take_no_time_and_are_shown_by_the_largest_delta(mix):
    z = np.random.default_rng(0).normal(size=1500)
    start = time.perf_counter()
    found = lm.delta_report(mix, z, 7)
    text, record = str(found), json.dumps(found.to_dict(), allow_nan=False)
    assert time.perf_counter() - start < 10  # a sweep and a text per class take longer
    assert found.engine_agrees
    assert found.differences_agree
    rows = [line.split()[0] for line in text.splitlines() if re.match(r" *\d+  ", line)]
    assert len(rows) == 20
    largest = np.argsort(-np.abs(found.closed_form), kind="stable")[:20]
    assert rows == [str(k) for k in sorted(largest)]
    assert "The 20 of 1500 classes with the largest delta." in text
    assert len(text) < 4000
    assert json.loads(record)["jacobian"] is None


def test_more_classes_than_a_report_takes_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match=r"up to 5000 classes, not 5001: .* Mix.delta"):
        lm.delta_report(lm.Mix("softmax", "ll"), np.zeros(5001), 0)


@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
def test_the_jacobian_is_that_of_one_sweep_per_output(mix):
    z = np.array([2.0, -1.0, 0.5, 800.0])
    t = lm.Tensor(z)
    a = mix.activate(t)
    rows = [lm.grad(a, t, seed=row) for row in np.eye(4)]
    np.testing.assert_array_equal(lm.delta_report(mix, z, 0).jacobian, rows)


def test_a_report_reads_as_text_at_a_prompt():
    found = lm.delta_report(lm.Mix("softmax", "ll"), [2.0, 1.0, 0.0], 0)
    assert repr(found) == str(found)


def test_of_a_layer_that_has_no_slope_there_it_is_said_and_no_closed_form_is_spoken_of():
    def rooted(z):
        return np.sqrt(np.maximum(z, 0.0))

    text = " ".join(str(lm.delta_report(lm.Mix(rooted, "quadratic"), [0.5, -1.0], 0)).split())
    assert "delta has no value here: going back, the derivative of sqrt gives nan." in text
    assert "Finite differences stand alone" in text
    assert "the Jacobian has entries without a value" in text
    for misleading in ("difference is nan", "closed form", "book's graph", "nothing cancels"):
        assert misleading not in text
