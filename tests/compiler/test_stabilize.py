"""`stabilize`: every spelling of every pattern, against mpmath."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mpmath import mp

import tinygrad_lossmix as lm
from tests.helpers import mix_oracle, spellings
from tests.helpers.mix_cases import REGIMES
from tests.helpers.quick import every, in_one, share
from tests.helpers.spellings import patterns_in, quietly
from tinygrad_lossmix.compiler.patterns.published import PATTERNS
from tinygrad_lossmix.engine.graph import nodes

SMALLEST = 1e-290  # below, products of two factors underflow
PAIRS = list(itertools.product(spellings.OUTPUTS, spellings.COSTS))
UP_TO_10_000 = hnp.arrays(float, 3, elements=st.floats(-1e4, 1e4))
rows = st.one_of([make(3, np.float64) for make in REGIMES.values()] + [UP_TO_10_000])
each_pair = pytest.mark.parametrize("pair", PAIRS, ids=" ".join)


def spelled(pair):
    """The names of the spellings of an output layer and of a cost.

    Rows joined before the square is taken are several softmaxes, each of them stable: a - y is not.
    """
    outputs, costs = spellings.OUTPUTS[pair[0]], spellings.COSTS[pair[1]]
    return [
        each
        for each in itertools.product(outputs, costs)
        if pair[1] != "quadratic" or each[0] != "row by row"
    ]


def recording(pair, layer, cost, z, y):
    return spellings.COSTS[pair[1]][cost](spellings.OUTPUTS[pair[0]][layer](z), y)


def assert_right(pair, layer, cost, z, y):
    t = lm.Tensor(z)
    recorded = quietly(recording, pair, layer, cost, t, y)
    after = lm.stabilize(recorded)
    gradient = lm.grad(after, t)
    exact = [mix_oracle.reference(pair, *row) for row in zip(z, y, strict=True)]
    size = sum(float(each.cost_size) for each in exact) / len(z)
    value = float(sum(each.cost for each in exact) / len(z))
    assert abs(float(after) - value) <= 1e-12 * size + SMALLEST
    for got, row in zip(gradient, exact, strict=True):
        for found, delta, size in zip(got, row.delta, row.delta_sizes, strict=True):
            with mp.workdps(60):
                assert abs(found * len(z) - delta) <= 1e-12 * size + SMALLEST


@each_pair
@share(3)
@given(data=st.data())
def test_any_spelling_at_any_logits_is_right_to_the_tails(pair, data):
    layer, cost = data.draw(st.sampled_from(spelled(pair)))
    z = np.array(data.draw(st.lists(rows, min_size=1, max_size=2)))
    y = np.eye(3)[data.draw(st.lists(st.integers(0, 2), min_size=len(z), max_size=len(z)))]
    assert_right(pair, layer, cost, z, y)


@pytest.mark.parametrize("z", [[40.0, 0.0, -3.0], [1e4, -1e4, 9999.0]], ids=str)
@each_pair
@every(163)
def test_every_spelling_is_right_where_the_plain_graph_is_not(pair, z, every):
    z, y = np.array([z, [1.0, 2.0, 0.5]]), np.eye(3)[[0, 1]]
    for layer, cost in spelled(pair)[::every]:
        assert_right(pair, layer, cost, z, y)


def test_the_tail_of_the_seed_case():
    z = lm.Tensor([40.0, 0.0])
    a = np.exp(z) / np.exp(z).sum()
    exact = np.exp(-40.0) / (1 + np.exp(-40.0))
    gradient = lm.grad(lm.stabilize(-np.log(a[0])), z)
    np.testing.assert_allclose(gradient, [-exact, exact], rtol=1e-13)


@pytest.mark.parametrize("name", spellings.LOG_SUMS)
@given(z=st.lists(rows, min_size=1, max_size=2).map(np.array))
def test_log_sums_are_logsumexp_and_their_gradient_the_softmax(name, z):
    t = lm.Tensor(z)
    after = lm.stabilize(quietly(spellings.LOG_SUMS[name], t))
    np.testing.assert_allclose(after.data, lm.logsumexp(z), rtol=1e-15, atol=1e-14)
    np.testing.assert_array_equal(lm.grad(after.sum(), t), lm.softmax(z))


@pytest.mark.parametrize("name", spellings.SOFTPLUSES)
@given(z=rows)
def test_softplus_and_its_gradient(name, z):
    t = lm.Tensor(z)
    after = lm.stabilize(quietly(spellings.SOFTPLUSES[name], t))
    np.testing.assert_array_equal(after.data, lm.softplus(z))
    np.testing.assert_array_equal(lm.grad(after.sum(), t), lm.sigmoid(z))


@in_one(
    ("output", "name"),
    [(output, name) for output in spellings.OUTPUTS for name in spellings.OUTPUTS[output]],
)
@share(5)
@given(z=st.lists(rows, min_size=1, max_size=2).map(np.array), data=st.data())
def test_an_output_layer_alone_is_ours(output, name, z, data):
    t, ours = lm.Tensor(z), getattr(lm, output)
    a = lm.stabilize(quietly(spellings.OUTPUTS[output][name], t))
    np.testing.assert_allclose(a.data, ours(z), rtol=1e-12, atol=SMALLEST)
    seed = data.draw(hnp.arrays(float, z.shape, elements=st.sampled_from([-1.0, 0.0, 0.5, 2.0])))
    got, expected = lm.grad(a, t, seed=seed), lm.grad(ours(t), t, seed=seed)
    size = np.abs(seed) * ours(z) * lm.sigmoid(-z)
    if output == "softmax":
        others = 1 - np.eye(3)
        size = ours(z) * (np.abs(seed) * (ours(z) @ others) + np.abs(seed * ours(z)) @ others)
    assert (np.abs(got - expected) <= 1e-12 * size + SMALLEST).all()


@in_one("axis", [0, 1, 2, -2, (0, 2), (2, 1), (0, 1, 2), None])
@in_one(
    "log",
    [
        lambda a: a,
        np.log,
        lambda a: np.log(1 - a),
        lambda a: 1 - a,
        lambda a: -np.log1p(-a)[1],
        lambda a: np.log(a.T).T,
        lambda a: np.log(3.0 * a[:, ::2]),
    ],
)
def test_any_axes(axis, log):
    z = lm.Tensor(np.random.default_rng(0).normal(size=(2, 3, 4)))
    recorded = log(np.exp(z) / np.exp(z).sum(axis=axis, keepdims=True))
    after = lm.stabilize(recorded)
    np.testing.assert_allclose(after.data, recorded.data, rtol=1e-13)
    seed = np.random.default_rng(1).normal(size=after.shape)
    np.testing.assert_allclose(
        lm.grad(after, z, seed=seed), lm.grad(recorded, z, seed=seed), atol=1e-13
    )
    far = lm.Tensor(z.data * 1e4)
    away = lm.stabilize(quietly(lambda: log(np.exp(far) / np.exp(far).sum(axis, keepdims=True))))
    assert np.isfinite(away.data).all()
    assert np.isfinite(lm.grad(away, far, seed=seed)).all()


REINDEXED = {
    "one entry of a row": lambda z, e: np.log(e[0][1] / e[0].sum()),
    "one entry of all": lambda z, e: np.log(e[0, 1] / e.sum()),
    "a column": lambda z, e: e[:, 1] / e.sum(axis=1),
    "classes before the division": lambda z, e: e[[0, 1, 2], [2, 0, 0]] / e.sum(axis=1),
    "classes of logits": lambda z, e: np.log(e.sum(axis=1)) - z[np.arange(3), [2, 0, 0]],
    "logits less their sum": lambda z, e: z - np.log(e.sum(axis=1, keepdims=True)),
    "their negative": lambda z, e: np.log(e.sum(axis=1))[:, None] - z,
    "minus added": lambda z, e: np.log(e.sum()) + -z,
}


@pytest.mark.parametrize("name", REINDEXED)
def test_entries_beside_the_total_of_their_own_row(name):
    def recorded(z):
        return REINDEXED[name](z, np.exp(z))

    z = lm.Tensor(np.random.default_rng(0).normal(size=(3, 3)))
    after = lm.stabilize(recorded(z))
    np.testing.assert_allclose(after.data, recorded(z).data, rtol=1e-13)
    assert any("softmax" in node.function.__name__ for node in nodes(after)[1:])
    far = lm.Tensor(z.data * 1e4)
    assert np.isfinite(lm.stabilize(quietly(recorded, far)).data).all()


@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
@every(29)
def test_stabilising_again_changes_nothing(pair, every):
    z, y = lm.Tensor([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]]), np.eye(3)[[0, 1]]
    for layer, cost in spelled(pair)[::every]:
        after = lm.stabilize(recording(pair, layer, cost, z, y))
        assert lm.stabilize(after) is after
        a = lm.stabilize(spellings.OUTPUTS[pair[0]][layer](z))
        assert lm.stabilize(a) is a


@in_one("name", spellings.LOG_SUMS)
def test_stabilising_a_log_sum_again_changes_nothing(name):
    after = lm.stabilize(spellings.LOG_SUMS[name](lm.Tensor([[1.0, 2.0], [0.0, 3.0]])))
    assert lm.stabilize(after) is after


@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
def test_second_derivatives_are_those_of_the_mix(pair):
    rng = np.random.default_rng(0)
    values, y = rng.normal(size=(1, 3)) * 10, np.eye(3)[[1]]
    hessian = lm.Mix(*pair).hessian(values[0], y[0])
    for layer, cost in [("ours", "ours"), ("the book's", "the book's"), spelled(pair)[1]]:
        z = lm.Tensor(values)
        after = lm.stabilize(recording(pair, layer, cost, z, y))
        gradient = lm.grad(after, z, create_graph=True)
        found = [lm.grad(gradient[0, i], z)[0] for i in range(3)]
        np.testing.assert_allclose(found, hessian, rtol=1e-9, atol=1e-16)


@in_one(
    "function",
    [np.log, lambda a: np.log(1 - a), lambda a: 1 - a, lambda a: a, lambda a: np.log(a).T],
)
@in_one("layer", [lm.book.softmax, lm.book.sigmoid])
def test_second_derivatives_of_parts(function, layer):
    values = np.random.default_rng(0).normal(size=(2, 3))
    v = np.random.default_rng(1).normal(size=(2, 3))

    def twice(stabilised):
        z = lm.Tensor(values)
        x = function(layer(z))
        x = stabilised(x)
        w = np.arange(x.size).reshape(x.shape) - 1.5
        return lm.grad((lm.grad((x * w).sum(), z, create_graph=True) * v).sum(), z)

    np.testing.assert_allclose(twice(lm.stabilize), twice(lambda x: x), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
@every(29)
def test_the_dtype_is_kept(pair, dtype, every):
    z = lm.Tensor(np.array([[9.0, 2.0, 0.5]], dtype))
    y = np.eye(3, dtype=dtype)[[0]]
    exact = lm.Mix(*pair).delta(z.data.astype(float), y.astype(float))
    for layer, cost in spelled(pair)[::every]:
        if dtype == np.float16 and layer.startswith("shifted by"):
            continue  # a shift is rounded before it is taken away
        recorded = quietly(recording, pair, layer, cost, z, y)
        after = lm.stabilize(recorded)
        gradient = lm.grad(after, z)
        assert (after.dtype, gradient.dtype) == (recorded.dtype, dtype)
        np.testing.assert_allclose(gradient, exact, rtol=40 * np.finfo(dtype).eps, atol=1e-6)


PICKS = {
    "an index array": np.array([2, 0]),
    "an index array of two axes": np.array([[0, 1], [2, 2]]),
    "negative indices": np.array([-1, 0]),
    "repeated": [1, 1, 0],
    "a list": [0, 2],
    "a mask": np.array([True, False, True]),
    "a list of truth values": [False, True, True],
    "a slice": slice(0, 2),
    "a number": 1,
    "a NumPy number": np.int64(1),
    "nothing": np.array([], int),
}


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
@in_one("name", PICKS)
def test_entries_picked_from_a_log_softmax_by_any_index(name):
    def cost(z):
        return -(z[PICKS[name]] - lm.logsumexp(z)).sum() + (z[PICKS[name]] * 0.5).mean() * 0.0

    z = lm.Tensor([0.3, 1.0, 2.0])
    recorded = quietly(cost, z)
    after = lm.stabilize(recorded)
    np.testing.assert_allclose(after.data, recorded.data, rtol=1e-14)
    ours, plain = quietly(lm.grad, after, z), quietly(lm.grad, recorded, z)
    np.testing.assert_allclose(ours, plain, rtol=1e-14, atol=1e-15)


@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:Degrees of freedom")
@pytest.mark.parametrize(
    "f",
    [
        lambda x: (x - x.mean(axis=0)).sum(),
        lambda x: np.log(np.exp(x).mean(axis=0)).sum(),
        lambda x: np.log(np.exp(x).mean(axis=1)).sum(),
        lambda x: -lm.book.log_likelihood(lm.book.softmax(x), np.zeros((0, 3))),
        lambda x: (np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)).mean(),
        lambda x: (x / np.exp(x).mean(axis=0)).var(axis=1).sum(),
    ],
)
def test_an_empty_batch_is_as_it_was(f):
    x = lm.Tensor(np.zeros((0, 3)))
    recorded = quietly(f, x)
    after = lm.stabilize(recorded)
    np.testing.assert_array_equal(after.data, recorded.data)
    assert quietly(lm.grad, after, x).shape == (0, 3)


def test_the_entropy_of_a_masked_softmax():
    def entropy(z):
        p = lm.softmax(z)
        return -lm.xlogy(p, p).sum()

    z = lm.Tensor([0.3, 1.0, -np.inf])
    after = lm.stabilize(entropy(z))
    p = lm.softmax(z.data)[:2]
    np.testing.assert_allclose(after.data, 0.6354546083677417, rtol=1e-14)
    expected = [*(-p * (np.log(p) - p @ np.log(p))), 0.0]
    np.testing.assert_allclose(lm.grad(after, z), expected, rtol=1e-13)
    hidden = lm.Tensor([np.nan, 1.0])
    weighted = -lm.xlogy(np.array([0.0, 1.0]), lm.softmax(hidden)).sum()
    assert np.isnan(lm.stabilize(weighted).data)


NOISY_OR = [
    lambda a: -np.log(1 - np.prod(1 - a)),
    lambda a: -np.log1p(-np.prod(1 - a)),
    lambda a: -np.log(3.0 - 3.0 * (1 - a).prod()) + np.log(3.0),
    lambda a: -np.log(1 - np.prod((1 - a).reshape(1, 2), axis=1)).sum(),
]


@in_one("cost", NOISY_OR)
@in_one("z", [[-88.0, -37.0], [-700.0, -40.0], [0.5, 1.0], [30.0, 40.0]])
def test_one_minus_a_product_of_outputs(cost, z):
    t = lm.Tensor(z)
    after = lm.stabilize(quietly(lambda: cost(lm.sigmoid(t))))
    with mp.workdps(400):
        rest = [1 - 1 / (1 + mp.exp(-mp.mpf(x))) for x in z]
        one = 1 - rest[0] * rest[1]
        expected = -mp.log(one)
        slope = [-rest[0] * rest[1] * (1 - r) / one for r in rest]
    np.testing.assert_allclose(float(after), float(expected), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(lm.grad(after, t), [float(x) for x in slope], rtol=1e-12, atol=1e-30)


TINY = (1e-200, 2e-200)


def bernoulli(z, scale):
    a = lm.sigmoid(z)
    return -(0.25 * np.log(a) / scale + 0.75 * np.log(1 - a) / (2.0 * scale)).sum()


LOST = {
    "a factor": (lambda z: 1e300 * (1e-200 * (1e-200 * -lm.log_softmax(z)[0] * 1e100)), 1.0),
    "a divisor": (lambda z: -lm.log_softmax(z)[0] / 1e200 / 1e200 * 1e300 * 1e100, 1.0),
    "a factor within": (lambda z: np.log(np.exp(z).sum() * 1e-200 * 1e-200 * 1e300), 300.0),
    "divisors of a sum": (lambda z: 1e-300 * sum(-x / 1e-200 for x in lm.log_softmax(z)), 1.0),
    "divisors of one sum": (
        lambda z: 1e-300 * sum(-lm.log_softmax(z).sum() / c for c in TINY),
        1.0,
    ),
    "labels that are numbers": (lambda z: 1e-200 * (bernoulli(z, 3e-200) + z[0]), 1.0),
    "a small number added": (lambda z: np.log((1.0 - lm.softmax(z)[0]) + 1e-17), 300.0),
}


@pytest.mark.parametrize("name", LOST)
def test_no_constant_is_lost(name):
    cost, largest = LOST[name]
    recorded = cost(lm.Tensor([largest, 1.5]))
    after = lm.stabilize(recorded)
    assert np.isfinite(after.data)
    np.testing.assert_allclose(after.data, recorded.data, rtol=1e-13)


def test_masks_on_the_same_outputs_are_added_as_numbers():
    masks = np.array([True, False, True]), np.array([True, True, False])
    weights = np.array([100, 100, 1], np.int8)
    for cost in (
        lambda log: (np.where(masks[0], log, 0.0) + np.where(masks[1], log, 0.0)).sum(),
        lambda log: (log * masks[0] * masks[1] + log * masks[1]).sum(),
        lambda log: (log * weights + log * weights).sum(),
        lambda log: (log * weights * weights).sum(),
        lambda log: (log[[0, 0, 1]] * masks[0]).sum(),
    ):
        recorded = cost(lm.log_softmax(lm.Tensor([0.1, 0.5, 2.0])))
        np.testing.assert_allclose(lm.stabilize(recorded).data, recorded.data, rtol=1e-14)


@every(3)
def test_every_row_of_the_published_table_is_found_in_these_tests(every):
    z, y = lm.Tensor([[1.0, 2.0, 0.5]]), np.eye(3)[[0]]
    costs = (recording(pair, *each, z, y) for pair in PAIRS for each in spelled(pair)[::every])
    parts = [f(z) for f in (*spellings.LOG_SUMS.values(), *spellings.SOFTPLUSES.values())]
    parts += [np.log(np.exp(z)), 1 - lm.softmax(z), np.log(1 - np.tanh(z))]
    parts += [1 - np.prod(lm.sigmoid(z)), ((lm.lml(z) - y) ** 2).sum()]
    parts += [np.log1p(-lm.sigmoid(z)), np.log(2.0 - 2.0 * lm.sigmoid(z))]
    found = {pattern for cost in (*costs, *parts) for pattern in patterns_in(cost)}
    assert found == set(PATTERNS)
