"""lml, the layer of sigmoids whose outputs sum to 1, and its three mixes: mpmath is the judge."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mpmath import mp

import tinygrad_lossmix as lm
from tests.helpers import mix_oracle as oracle
from tests.helpers.mix_cases import dense, examples, pair_of
from tests.helpers.once import verdict_on
from tests.helpers.quick import in_one
from tinygrad_lossmix import Mix, Tensor, grad
from tinygrad_lossmix.mixes.lml import lml_parts
from tinygrad_lossmix.views.reading import Reading

LML = [Mix("lml", cost) for cost in ("ce", "ll", "quadratic")]
CE = LML[0]
each_mix = pytest.mark.parametrize("mix", LML, ids=str)
rng = np.random.default_rng(11)
HOSTILE = [
    *([1000.0, 0.0, 0.0], [4000.0, 0.0, 0.0], [0.0, 0.0], [1000.0, -1000.0], [7.1, 7.1, 0.3]),
    *([1e3, 999.5, 0.0], [0.0, 700.0, -700.0], [1000.0] * 3, [1 / 3, 1e3 + 1 / 3, -1e3]),
    *([5.0, -1e3, -1e3, -1e3], [1e3 - 0.1, *[0.3] * 9], [*[0.0] * 9, 4.0], [1e3, 0.3, 0.1]),
    *([0.1, 0.3, -680.7], [0.1, 0.1, -690.0 - 1 / 3, -500.7]),
    *(rng.normal(size=k) * size for k in (2, 3, 10, 100) for size in (1, 30)),
    *(rng.uniform(-1e3, 1e3, k) for k in (2, 3, 3, 10, 10, 100)),
    *(pytest.param(z, marks=pytest.mark.slow) for z in rng.normal(size=(2, 1000)) * [[1], [300]]),
]


def assert_relative(got, exact, bound):
    """Each component, where it is a normal float."""
    for value, truth in zip(got, exact, strict=True):
        if abs(truth) > 1e-307:
            assert abs(float(value) - truth) <= bound * abs(truth)


@in_one("z", HOSTILE, ids=lambda z: f"{len(z)} from {z[0]:.4g}")
def test_outputs_their_complements_and_weights_are_right_to_the_last_digits(z):
    """Measured: 1.5e-15 at most."""
    x, *parts = lml_parts(np.array(z))
    with mp.workdps(60):
        a, b = oracle.outputs("lml", oracle.exact(z))
        for got, exact in zip(parts, (a, b, oracle.weights(a, b)), strict=True):
            assert_relative(got, exact, 1e-14)
        odds = [mp.log(p / q) for p, q in zip(a, b, strict=True)]
        np.testing.assert_allclose(x, np.array(odds, float), rtol=1e-14, atol=1e-14)


@in_one("k", [3, 1000, 100_000])
@in_one("dtype", [np.float16, np.float32, np.float64])
def test_many_classes_sum_to_one(k, dtype):
    z = np.stack([np.zeros(k), rng.normal(size=k) * 3, 9.0 * (np.arange(k) == 1)]).astype(dtype)
    a = lm.lml(z)
    assert a.dtype == dtype
    np.testing.assert_allclose(a[0].astype(float), 1 / k, rtol=np.finfo(dtype).eps, atol=6e-8)
    bound = 5e-4 + k * 6e-8 if dtype is np.float16 else 16 * np.finfo(dtype).eps
    np.testing.assert_allclose(a.sum(axis=-1, dtype=float), 1.0, rtol=0, atol=bound)


def test_a_step_of_newton_s_squares_the_error(monkeypatch):
    z = 2 * np.random.default_rng(1).normal(size=(50, 6))
    settled, errors = lml_parts(z)[1], []
    for steps in (1, 2, 3):
        monkeypatch.setattr("tinygrad_lossmix.mixes.lml.STEPS", steps)
        errors.append(np.abs(lml_parts(z)[1] - settled).max())
    assert errors[2] < errors[1] ** 2 < errors[0] ** 4 < 1e-11


@given(hnp.arrays(float, (3, 2), elements=st.floats(-700, 700)))
def test_of_two_classes_it_is_a_softmax_of_half_the_logits(z):
    np.testing.assert_allclose(lm.lml(z), lm.softmax(z / 2), rtol=1e-13)


def test_of_one_class_it_is_constant():
    for x in (3.0, np.inf, -np.inf):
        assert lm.lml([x]) == 1
        assert lm.softmax([x]) == 1
    assert np.isnan(lm.lml([np.nan])).all()
    t = Tensor([3.0])
    assert grad(lm.lml(t), t, seed=[1.0]) == 0
    assert CE.cost([3.0], [1.0]) == 0
    assert CE.cost([3.0], [0.0]) == np.inf
    assert not CE.delta([3.0], [1.0]).any()


LABELS = [1, [0.2, 0.7, 0.1], [1.0, 1.0, 0.0], [2.0, -1.0, 0.5], [0.0, 0.0, 0.0], 0]
FAR = [[300.0, 0.0, 0.0], [5.0, 5.0, 5.0], [0.0, 700.0, 1.0], [-40.0, 39.0, 40.0]]


@each_mix
@pytest.mark.parametrize(
    ("points", "labels"),
    [([[2.0, 20.0, 20.0]], LABELS[:4]), pytest.param(FAR, LABELS, marks=pytest.mark.slow)],
)
def test_cost_delta_and_hessian_have_the_digits_of_mpmath(mix, points, labels):
    for z in points:
        for label in labels:
            z, y = np.array(z), dense(label, np.zeros(3))
            exact = oracle.reference(pair_of(mix), z, y)
            assert abs(float(mix.cost(z, label)) - exact.cost) <= 1e-14 * exact.cost_size
            for value, truth, size in zip(
                mix.delta(z, label), exact.delta, exact.delta_sizes, strict=True
            ):
                assert abs(float(value) - truth) <= 2e-14 * size
            columns = [oracle.derivative(pair_of(mix), z, y, unit) for unit in np.eye(3)]
            np.testing.assert_allclose(
                mix.hessian(z, label), np.array(columns, float).T, rtol=0, atol=1e-14
            )


@each_mix
def test_the_third_derivative_is_that_of_mpmath(mix):
    z, y, u, v = np.array([1.5, -0.5, 0.2]), np.array([0.2, 1.0, 0.5]), *rng.normal(size=(2, 3))
    t = Tensor(z)
    once = grad(mix.cost(t, y), t, create_graph=True)
    twice = grad(once, t, seed=u, create_graph=True)
    exact = np.array(oracle.derivative(pair_of(mix), z, y, u, v), float)
    np.testing.assert_allclose(grad(twice, t, seed=v), exact, rtol=0, atol=1e-14)


@each_mix
@given(data=st.data())
def test_the_node_and_the_book_s_cost_differentiated_twice_give_the_hessian(mix, data):
    z, y = data.draw(examples("moderate", fewest=2, most=6))
    hessian, limit = mix.hessian(z, y), 1e-12 * (1 + np.abs(dense(y, z)).sum())
    for cost in (mix.cost, mix.composed):
        t = Tensor(z)
        delta = grad(cost(t, y), t, create_graph=True)
        np.testing.assert_allclose(delta.data, mix.delta(z, y), rtol=0, atol=limit)
        rows = np.array([grad(delta, t, seed=unit) for unit in np.eye(len(z))])
        np.testing.assert_allclose(rows, hessian, rtol=0, atol=limit)
    np.testing.assert_allclose(hessian, hessian.T, rtol=0, atol=limit)


@given(examples("up to 300", "class", fewest=2) | examples(labels="soft", fewest=2))
def test_with_cross_entropy_delta_is_a_minus_y_and_the_cost_convex(example):
    z, y = example[0], dense(example[1], example[0])
    a, rest = lml_parts(z)[1:3]
    exact = (1.0 - y) * a - y * rest
    slack = np.abs(y.sum() - 1.0) + 1e-300
    np.testing.assert_allclose(CE.delta(z, example[1]), exact, rtol=1e-13, atol=slack)
    assert np.linalg.eigvalsh(CE.hessian(z, example[1])).min() > -1e-15


def test_tails_are_exact_where_a_minus_y_is_zero():
    delta = CE.delta(np.array([1000.0, 0.0, 0.0]), 0)
    with mp.workdps(500):
        a, rest = oracle.outputs("lml", oracle.exact([1000, 0, 0]))
        assert_relative(delta, [-rest[0], *a[1:]], 1e-14)
    assert CE.cost(np.array([1000.0, 0.0, 0.0]), 0) == pytest.approx(2 * a[1], rel=1e-14)


def test_infinite_logits_have_their_limits():
    assert CE.cost([np.inf, 0.0, 1.0], 0) == 0
    assert CE.cost([np.inf, 0.0, 1.0], 1) == np.inf
    np.testing.assert_array_equal(CE.delta([np.inf, 0.0, 1.0], 1), [1.0, -1.0, 0.0])
    np.testing.assert_array_equal(CE.delta([1e308, -1e308, 0.0], 0), [0.0, 0.0, 0.0])


@each_mix
def test_classes_batches_and_other_dtypes(mix):
    z, y = rng.normal(size=(2, 3, 4)) * 5, rng.integers(0, 4, (2, 3))
    t, each = Tensor(z), mix.delta(z, y)
    np.testing.assert_array_equal(each, mix.delta(z, np.eye(4)[y]))
    np.testing.assert_allclose(each[1, 2], mix.delta(z[1, 2], y[1, 2]), rtol=1e-15)
    np.testing.assert_allclose(grad(mix.cost(t, y), t), each / 6, rtol=1e-15)
    wide = mix.cost(z, y)
    for dtype, bound in ((np.float16, 5e-3), (np.float32, 1e-5), (np.longdouble, 1e-14)):
        t = Tensor(z.astype(dtype))
        cost = mix.cost(t, y)
        once = grad(cost, t, create_graph=True)
        assert {cost.dtype, once.dtype, grad(once.sum(), t).dtype} == {np.dtype(dtype)}
        assert float(cost) == pytest.approx(wide, rel=bound)


@pytest.mark.parametrize("mix", [CE, *(pytest.param(m, marks=pytest.mark.slow) for m in LML[1:])])
def test_it_passes_gradcheck_to_the_second_order(mix):
    z = np.array([[2.0, 1.0], [30.0, -30.0]])
    for cost in (mix.cost, mix.composed):
        report = lm.testing.gradcheck(lambda t, cost=cost: cost(t, [1]), z[:1], order=2)
        report.raise_if_failed()
        assert report.method == "mp"
    lm.testing.gradcheck(
        lambda t: mix.cost(t, [1, 1]), np.pad(z, [(0, 0), (0, 1)])
    ).raise_if_failed()


@each_mix
def test_it_is_compiled_as_one_call(mix):
    w, x, y = rng.normal(size=(4, 3)), rng.normal(size=(5, 4)), [0, 1, 2, 0, 1]
    for cost in (mix.cost, mix.composed):

        def f(w, x, y, cost=cost):
            return cost(x @ w, y)

        compiled = lm.compile(f)
        for got, expected in zip(compiled(w, x, y), lm.value_and_grad(f)(w, x, y), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-13)
        assert compiled.source.count("lml") - compiled.source.count("import lml") <= 2
        looped = lm.compile(f, backend="numba")
        with pytest.warns(UserWarning, match="NumPy runs instead of numba"):
            _, gradient = looped(w, x, y)
        np.testing.assert_allclose(gradient, compiled(w, x, y)[1], rtol=1e-13)


def test_its_squared_error_is_made_one_node():
    z, y = Tensor([[3.0, 1.0, 0.0], [0.0, 2.0, 1.0]]), np.eye(3)[[0, 2]]
    cost = lm.stabilize(((lm.lml(z) - y) ** 2).sum())
    assert "lml_quadratic" in lm.tree(cost)
    np.testing.assert_allclose(cost.data, 4 * LML[2].cost(z.data, y), rtol=1e-14)


def test_of_outputs_it_is_warned_of_with_its_floor():
    z = Tensor([3.0, 1.0, 0.0])
    for cost in (lm.lml(lm.softmax(z)).sum(), CE.cost(lm.sigmoid(z), 1)):
        with pytest.warns(UserWarning, match=r"lml of s\w+: .* stops at 1.3185 for one of K = 3"):
            lm.stabilize(cost)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lm.stabilize(lm.cross_entropy(lm.lml(z), 0))


def test_the_answers_about_it():
    found = verdict_on(CE, 3)
    assert (found.proper, found.convex, found.a_minus_y) == (True, True, True)
    assert found.condition == "only where the labels sum to 1"
    reports = [lm.delta_report(mix, [2.0, 1.0, 0.0], [0.0, 0.3, 0.7]) for mix in LML]
    assert [report.is_a_minus_y for report in reports] == [True, False, False]
    assert all(report.engine_agrees and report.differences_agree for report in reports)
    assert "What the cost divides by, the Jacobian cancels." in reports[0].why
    assert lm.matching_cost("lml").name == "cross-entropy"
    assert not lm.delta_report(CE, [2.0, 1.0, 0.0], [1.0, 1.0, 0.0]).is_a_minus_y
    with pytest.raises(ValueError, match='prove it for "all"'):
        lm.testing.prove("lml", "ce")


def test_it_is_seen_as_a_mix():
    z = Tensor([2.0, 1.0, 0.0], name="z")
    for cost in (CE.composed(z, 0), CE.cost(z, 0)):
        assert Reading(cost).symbols.mix == CE
        assert "lml" in lm.draw(cost).dot
        assert "lml" in lm.tree(cost)
