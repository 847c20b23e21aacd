"""`gradcheck`: right gradients pass, wrong ones do not, and the report says what is wrong."""

import json
import subprocess
import sys
from itertools import product

import numpy as np
import pytest
from hypothesis import given

import tinygrad_lossmix as lm
from tests.helpers.faults import PAIRS, RULES, V, X, squares
from tests.helpers.programs import programs
from tests.helpers.quick import share, thinned
from tinygrad_lossmix.engine.table import Row, derivative, spelling
from tinygrad_lossmix.testing import gradcheck

METHODS = ["central", "richardson", "complex", "mp"]


def softplus_sum(x):
    return np.log(1.0 + np.exp(x)).sum()


def test_there_are_at_least_thirty_different_faults():
    assert len(RULES) >= 30
    assert len(PAIRS) >= 30


@pytest.mark.parametrize("name", thinned(RULES, 3))
def test_a_fault_in_a_rule_is_caught_and_the_rule_is_named(name, own_table):
    function, rules, f, inputs = RULES[name]
    assert gradcheck(f, *inputs)
    own_table[function] = Row(rules, own_table[function].forward)
    report = gradcheck(f, *inputs)
    assert not report
    assert spelling(function) in report.blame


@pytest.mark.parametrize("name", thinned(PAIRS, 3))
def test_a_fault_in_a_gradient_by_hand_is_caught_and_its_cause_guessed(name):
    f, by_hand, x, word = PAIRS[name]
    before = x.copy()
    report = gradcheck((f, by_hand), x)
    assert not report
    assert word is None or any(word in cause for cause in report.causes)
    np.testing.assert_array_equal(x, before)


@given(programs())
def test_no_false_alarm_on_random_programs(program):
    gradcheck(program, *program.arrays()).raise_if_failed()


@share(2)
@given(programs(max_steps=4))
def test_no_false_alarm_in_second_derivatives_of_random_programs(program):
    gradcheck(program, *program.arrays(), order=2, mode="project").raise_if_failed()


REGIMES = {
    "moderate": [0.3, -1.2, 2.0],
    "saturated": [40.0, -40.0, 38.5],
    "extreme": [1000.0, -1000.0, 0.0],
    "ties": [2.0, 2.0, 2.0],
    "near ties": [1.0, 1.0 + 1e-9, 1.0 - 1e-12],
    "subnormal": [5e-324, -1e-310, 0.0],
    "a tail of two": [300.0, 299.0, 300.0],
}
LABELS = {
    "one-hot": [0.0, 1.0, 0.0],
    "smoothed": [0.05, 0.9, 0.05],
    "multi-hot": [1.0, 1.0, 0.0],
    "zeros": [0.0, 0.0, 0.0],
    "not summing to one": [0.3, 2.0, 1.1],
}


@pytest.mark.parametrize(("mix", "regime"), thinned(product(lm.MIXES, REGIMES), 11), ids=str)
def test_no_false_alarm_on_a_mix_in_any_regime(mix, regime):
    z = REGIMES[regime]
    for y in map(np.array, LABELS.values()):
        gradcheck(lambda t, y=y: mix.cost(t, y), z).raise_if_failed()
        by_hand = (lambda t, y=y: mix.cost(t, y)), (lambda t, y=y: mix.delta(t, y))
        gradcheck(by_hand, z).raise_if_failed()


PRECISIONS = [np.float16, np.float32, np.float64, np.longdouble]


@pytest.mark.parametrize(("mix", "dtype"), thinned(product(lm.MIXES, PRECISIONS), 5), ids=str)
def test_no_false_alarm_in_another_precision(mix, dtype):
    z = np.array([[0.5, -1.25, 2.0], [3.0, 0.25, -0.5]], dtype=dtype)
    gradcheck(lambda t: mix.composed(t, np.array([0, 2])), z).raise_if_failed()
    gradcheck(lambda t: mix.cost(t, np.array([0, 2])), z).raise_if_failed()


@pytest.mark.parametrize("mix", thinned(lm.MIXES, 2), ids=str)
def test_second_derivatives_of_every_mix(mix):
    for z in REGIMES["moderate"], REGIMES["saturated"]:
        gradcheck(lambda t: mix.cost(t, 1), z, order=2).raise_if_failed()


@pytest.mark.parametrize("method", METHODS)
def test_every_method_says_its_name_and_passes_what_is_right(method):
    report = gradcheck(softplus_sum, V, method=method)
    assert report
    assert report.method == method
    assert gradcheck(softplus_sum, V, method=method, mode="project")


@pytest.mark.parametrize("method", METHODS)
def test_every_method_sees_a_coarse_fault(method):
    assert not gradcheck((squares, lambda x: 2.001 * x), V, method=method)
    assert not gradcheck((squares, lambda x: 2.001 * x), V, method=method, mode="project")


@pytest.mark.parametrize("method", ["richardson", "complex", "mp"])
def test_the_sharper_methods_see_a_relative_error_of_a_billionth(method):
    assert not gradcheck((squares, lambda x: 2 * x * (1 + 1e-9)), V, method=method)


def test_auto_takes_the_sharpest_method_that_applies():
    assert gradcheck(softplus_sum, V).method == "mp"
    plain = (lambda x: np.linalg.det(x), lambda x: np.linalg.det(x) * np.linalg.inv(x).T)
    report = gradcheck(plain, np.array([[2.0, 1.0], [0.5, 3.0]]))
    assert (report.method, bool(report)) == ("complex", True)
    assert "not mp" in report.why
    absolute = (lambda x: float(np.linalg.norm(x)), lambda x: x / np.linalg.norm(x))
    assert gradcheck(absolute, V).method == "richardson"


def test_a_complex_step_through_something_not_analytic_is_not_believed():
    with pytest.raises(ValueError, match="'complex' cannot be used"):
        gradcheck(lambda x: np.abs(x).sum(), V, method="complex")


def test_only_mpmath_sees_a_saturated_tail():
    cost = lambda z: lm.book.log_likelihood(lm.softmax(z), 0)
    wrong = (cost, lambda z: 3.0 * lm.Mix("softmax", "ll").delta(z, 0))
    assert gradcheck(wrong, [80.0, 0.0], method="central")
    report = gradcheck(wrong, [80.0, 0.0], method="mp", atol=0.0)
    assert not report
    assert report.mismatches[0].numeric == pytest.approx(1.8048513878454153e-35, rel=1e-12)


def test_a_difference_that_cancels_is_named_when_no_absolute_error_is_allowed():
    pair = (lambda z: lm.Mix("softmax", "ll").cost(z, 0), lambda z: lm.softmax(z) - [1, 0])
    assert gradcheck(pair, [40.0, 0.0])
    report = gradcheck(pair, [40.0, 0.0], atol=0.0)
    assert not report
    assert "cancellation" in report.causes[0]


def test_a_true_zero_is_no_alarm():
    x = np.array([0.1, 0.7, -0.3])
    assert gradcheck(lambda t: (0.1 * t + 0.2 * t - 0.3 * t).sum(), x)
    assert gradcheck(lambda t: lm.softmax(t).sum(), x)


def test_the_book_s_figure_lacks_a_factor():
    """It takes dC/da = 1/(1 - a) for dC/dz."""
    cost = lambda z: lm.book.cross_entropy(lm.book.sigmoid(z), np.zeros(1))
    report = gradcheck((cost, lambda z: 1 / (1 - lm.sigmoid(z))), [4.0])
    assert not report
    assert report.causes[0].startswith("the factor sigma'(z) = a(1 - a) is missing")
    assert gradcheck((cost, lm.sigmoid), [4.0])


@pytest.mark.parametrize(
    ("f", "x", "kinks"),
    [
        (lambda t: np.maximum(t, 0.0).sum(), [-1.0, 0.0, 2.0], [(1,)]),
        (lambda t: np.abs(t).sum(), [0.0, 1.0], [(0,)]),
        (lambda t: t.max(), [1.0, 3.0, 3.0], [(1,), (2,)]),
        (lambda t: (t * t).sum(), [0.0, 1.0], []),
        (lambda t: np.sin(t).sum(), [0.0, np.pi / 2], []),
    ],
)
@pytest.mark.parametrize("method", ["central", "richardson", "mp"])
def test_kinks_are_reported_and_no_failure(f, x, kinks, method):
    report = gradcheck(f, x, method=method)
    assert report
    assert [kink.index for kink in report.kinks] == kinks
    assert ("kink" in str(report)) == bool(kinks)


TIES = {
    "max": (np.max, lambda x: (x == x.max()) * 1.0, [1.0, 1.0, 0.0]),
    "maximum": (lambda x: np.maximum(x[0], x[1]), lambda x: (x > x[::-1]) * 1.0, [1.0, 1.0]),
    "norm": (
        lambda x: abs(x).max(),
        lambda x: np.sign(x) * (abs(x) == abs(x).max()),
        [1.0, -1.0, 0.2],
    ),
    "difference": (
        lambda x: abs(x[0] - x[1]),
        lambda x: np.sign(x - x[::-1]) if x[0] != x[1] else np.ones(2),
        [1.0, 1.0],
    ),
}


@pytest.mark.parametrize("name", TIES)
def test_of_two_that_tie_one_has_it_all_or_both_share_it(name):
    f, wrong, x = TIES[name]
    assert [c.name for c in gradcheck((f, wrong), x).checks if not c.passed] == ["at kinks"]
    assert gradcheck(f, x)


def test_where_the_function_is_not_finite_around_there_is_a_note():
    report = gradcheck((lambda x: np.sqrt(x).sum(), lambda x: 0.5 / np.sqrt(x)), [1.0, 1e-300])
    assert report or "no reference" in str(report)
    assert not gradcheck(lambda t: np.log(t).sum(), [0.0])
    for f in (np.cbrt, np.sqrt, lambda t: np.sqrt(np.abs(t))):
        report = gradcheck(f, [0.0, 1.0])
        assert not report
        assert (report.blame, report.mismatches) == (None, []), "no rule is wrong there"
    assert not gradcheck(lambda t: lm.Mix("softmax", "ll").composed(t, 0), [1000.0, 0.0])


def test_constants_are_not_differentiated():
    assert gradcheck(lambda t: (t * lm.constant(t)).sum(), V)
    assert gradcheck(lambda t: (t * lm.constant(t)).sum(), V, method="richardson")


def test_functions_of_any_shape_of_several_inputs_and_of_none_of_them():
    w = np.linspace(-1, 1, 6).reshape(3, 2)
    assert gradcheck(lambda x, w: np.tanh(x @ w), X, w, mode="project", order=2)
    assert gradcheck(lambda x, w: np.tanh(x @ w), X, w, wrt=1).entries == 6
    assert gradcheck(lambda x, w: np.tanh(x @ w), X, w).entries == 12
    assert gradcheck(lambda x: 3.0, V)
    assert gradcheck(lambda z, y: lm.Mix("softmax", "ll").cost(z, y), X, np.array([0, 2]))
    assert gradcheck(lambda x: x * x, 3)
    assert gradcheck(lambda x: x * x, lm.Tensor(3.0))
    assert gradcheck((lambda x, y: (x * y).sum(), lambda x, y: (y.copy(), x.copy())), V, V + 1)


def test_a_function_of_one_s_own_without_an_oracle_is_checked_too():
    cube = derivative(lambda x: x**3, lambda g, z, x: 3 * g * x * x)
    report = gradcheck(lambda t: cube(t).sum(), V)
    assert report
    assert "no oracle" in report.why
    wrong = derivative(lambda x: x**3, lambda g, z, x: 3 * g * x)
    report = gradcheck(lambda t: np.exp(wrong(t)).sum(), V)
    assert not report
    assert "<lambda>" in report.blame


def test_a_wrong_value_is_seen(own_table):
    own_table[np.exp] = Row(own_table[np.exp].rules, lambda x: np.exp(x) * (1 + 1e-9))
    report = gradcheck(lambda t: np.exp(t).sum(), V)
    assert [check.name for check in report.checks if not check.passed][-1] == "value"


def test_the_report_can_be_read_raised_and_written_as_json():
    good = gradcheck(softplus_sum, V)
    good.raise_if_failed()
    assert str(good).startswith("gradcheck passed (3 entries, mpmath reference)")
    bad = gradcheck((squares, lambda x: -2 * x), V)
    with pytest.raises(AssertionError, match="likely cause: the sign"):
        bad.raise_if_failed()
    found = json.loads(json.dumps(bad.to_dict(), allow_nan=False))
    assert (found["passed"], found["mismatches"][0]["index"]) == (False, [2])
    nan = gradcheck((squares, lambda x: x * np.nan), V).to_dict()
    assert json.loads(json.dumps(nan, allow_nan=False))["mismatches"][0]["analytic"] is None


SHOWN = 118  # characters of the beginning of a long repr that pytest shows of a failure


def test_what_a_prompt_a_notebook_and_pytest_show_begins_with_the_cause(own_table):
    sign = gradcheck((squares, lambda x: -2 * x), V)
    assert "likely cause: the sign" in repr(sign)[:SHOWN]
    assert repr(sign) == str(sign)
    own_table[np.exp] = Row([lambda g, z, x: 1.5 * g * z], own_table[np.exp].forward)
    rule = gradcheck(lambda x: (2.0 * np.exp(x)).sum(), V)
    assert "np.exp" in repr(rule)[:SHOWN]
    assert repr(gradcheck((squares, lambda x: None), V)) == (
        "gradcheck FAILED, dtype: argument 0: the gradient is None, not an array of float64"
    )


def test_the_parts_of_a_report_are_texts_too():
    report = gradcheck(lambda t: np.maximum(t, 0.0).sum(), [0.0, 1.0])
    (kink,) = report.kinks
    assert repr(kink) == ("argument 0[0]: slope 0 on one side, 1 on the other; the gradient is 0.5")
    assert repr(report.checks[0]) == "shape: ok"
    bad = gradcheck((squares, lambda x: -2 * x), 3.0)
    assert repr(bad.mismatches[0]).startswith("argument 0: analytic -6, numeric 6; error 12")
    assert "values: not the derivative at 1 of 1 entry" in map(repr, bad.checks)


def test_a_mismatch_is_located_and_measured():
    def by_hand(x):
        g = 2 * x
        g[1, 2] *= 1.5
        return g

    for mode in ("full", "project"):
        (wrong,) = gradcheck((squares, by_hand), X, mode=mode).mismatches
        assert (wrong.argument, wrong.index) == (0, (1, 2))
        assert (wrong.analytic, wrong.numeric) == pytest.approx((-1.8, -1.2))
        assert wrong.absolute == pytest.approx(0.6)
        assert wrong.relative == pytest.approx(0.5)
        assert wrong.ulp == pytest.approx(0.6 / np.spacing(1.2))


def test_the_same_seed_gives_the_same_report():
    f = lambda x: np.tanh(x @ x.T)
    assert gradcheck(f, X, seed=3).to_dict() == gradcheck(f, X, seed=3).to_dict()


def test_the_tolerances_of_the_user_take_the_place_of_the_default():
    off = (squares, lambda x: 2 * x * (1 + 1e-6))
    assert gradcheck(off, V, rtol=1e-5)
    assert gradcheck(off, V, atol=1e-5)
    assert not gradcheck(off, V, rtol=1e-7)


def test_what_is_not_differentiated_is_handed_on_as_it_is():
    mask = np.ma.array(V, mask=V > 1)
    f = lambda x, m: (x * np.asarray(m.mask, float)).sum()
    assert gradcheck(f, V, mask, wrt=0)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: gradcheck(3, V), TypeError, "a function or a pair"),
        (lambda: gradcheck((squares,), V), TypeError, "tuple of two functions"),
        (lambda: gradcheck(squares), ValueError, "inputs to check at"),
        (lambda: gradcheck(squares, V, method="exact"), ValueError, "the method is one of"),
        (lambda: gradcheck(squares, V, mode="some"), ValueError, "the mode is"),
        (lambda: gradcheck(squares, V, order=3), ValueError, "the order is 1"),
        (lambda: gradcheck((squares, squares), V, order=2), ValueError, "the order is 1"),
        (lambda: gradcheck(squares, V, wrt=1), ValueError, "there are 1 inputs"),
        (lambda: gradcheck(squares, V, wrt="x"), TypeError, "wrt is the position"),
        (lambda: gradcheck(squares, V, rtol=-1), ValueError, "rtol is a number"),
        (lambda: gradcheck(squares, V, atol=np.nan), ValueError, "atol is a number"),
        (lambda: gradcheck(squares, V + 1j), TypeError, "made of real numbers"),
        (lambda: gradcheck(squares, "abc"), TypeError, "made of real numbers"),
        (lambda: gradcheck(squares, np.ma.array(V, mask=V > 1)), TypeError, "not a masked array"),
        (lambda: gradcheck((lambda x: x, lambda x: x), V), ValueError, "returns a number"),
    ],
)
def test_bad_input_gets_one_clear_error(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_no_input_at_all_to_differentiate_is_no_entry():
    assert gradcheck(lambda x: x.sum(), np.zeros(0)).entries == 0


def test_importing_it_loads_none_of_the_optional_libraries():
    code = "import sys, tinygrad_lossmix as lm; lm.testing.gradcheck; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"mpmath", "sympy", "hypothesis"} & set(done.stdout.split())
