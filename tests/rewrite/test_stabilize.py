"""`stabilize`: every spelling of every pattern, against mpmath; and what it leaves alone."""

import functools
import itertools
import warnings

import mix_oracle
import numpy as np
import pytest
import spellings
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mix_cases import REGIMES
from mpmath import mp

import tinygrad_lossmix as lm
from tinygrad_lossmix.engine.graph import groups, names, nodes
from tinygrad_lossmix.rewrite.matching.patterns import PATTERNS
from tinygrad_lossmix.rewrite.stabilize import rewritten
from tinygrad_lossmix.testing import strategies

SMALLEST = 1e-290  # below, products of two factors underflow
PAIRS = list(itertools.product(spellings.OUTPUTS, spellings.COSTS))
UP_TO_10_000 = hnp.arrays(float, 3, elements=st.floats(-1e4, 1e4))
rows = st.one_of([make(3, np.float64) for make in REGIMES.values()] + [UP_TO_10_000])
each_pair = pytest.mark.parametrize("pair", PAIRS, ids=" ".join)


def quietly(function, *args):
    """The recording, whatever overflows in it."""
    with np.errstate(all="ignore"):
        return function(*args)


def patterns_in(cost):
    return [each.pattern for each in rewritten(cost).replacements]


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
@given(data=st.data())
def test_any_spelling_at_any_logits_is_right_to_the_tails(pair, data):
    layer, cost = data.draw(st.sampled_from(spelled(pair)))
    z = np.array(data.draw(st.lists(rows, min_size=1, max_size=2)))
    y = np.eye(3)[data.draw(st.lists(st.integers(0, 2), min_size=len(z), max_size=len(z)))]
    assert_right(pair, layer, cost, z, y)


@pytest.mark.parametrize("z", [[40.0, 0.0, -3.0], [1e4, -1e4, 9999.0]], ids=str)
@each_pair
def test_every_spelling_is_right_where_the_plain_graph_is_not(pair, z):
    z, y = np.array([z, [1.0, 2.0, 0.5]]), np.eye(3)[[0, 1]]
    for layer, cost in spelled(pair):
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


@pytest.mark.parametrize(
    ("output", "name"),
    [(output, name) for output in spellings.OUTPUTS for name in spellings.OUTPUTS[output]],
)
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


@pytest.mark.parametrize("axis", [0, 1, 2, -2, (0, 2), (2, 1), (0, 1, 2), None])
@pytest.mark.parametrize(
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


LEFT_ALONE = {
    "another row's total": lambda z, e: e / e.sum(axis=1),
    "another axis": lambda z, e: e.T / e.sum(axis=1)[:, None],
    "another exponential": lambda z, e: e / np.exp(z * 2.0).sum(axis=1, keepdims=True),
    "rows in another order": lambda z, e: e[[1, 0, 2]] / e.sum(axis=1, keepdims=True),
    "something added": lambda z, e: e / (e.sum(axis=1, keepdims=True) + 1e-9),
    "other weights": lambda z, e: e * np.arange(3.0) / e.sum(axis=1, keepdims=True),
    "e^u/(2 + e^u)": lambda z, e: e / (2 + e),
    "a clipped logarithm": lambda z, e: np.log(np.maximum(z * z, 1e-7)),
    "logits of others": lambda z, e: z[[1, 0, 2], [0, 1, 2]] - z.max(axis=1),
    "a plain sum": lambda z, e: np.log(2.0 + e.sum()),
    "e^u - 1": lambda z, e: np.expm1(z) / np.expm1(z).sum(axis=1, keepdims=True),
    "the mean for the sum": lambda z, e: e / e.mean(axis=1, keepdims=True),
    "stable already": lambda z, e: lm.log_softmax(z) * np.arange(3.0),
    "maximum": lambda z, e: np.maximum(z, 0.0) @ z,
}


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_what_only_looks_like_it_stays_the_very_same_object(name):
    z = lm.Tensor(np.random.default_rng(0).normal(size=(3, 3)))
    cost = LEFT_ALONE[name](z, np.exp(z))
    before = cost.data.tobytes(), [node.order for node in nodes(cost)]
    assert lm.stabilize(cost) is cost
    assert (cost.data.tobytes(), [node.order for node in nodes(cost)]) == before


@given(strategies.programs())
@settings(max_examples=200)
def test_random_programs_keep_value_and_gradient(drawn):
    program, leaves = drawn
    tensors = [lm.Tensor(leaf) for leaf in leaves]
    cost = program(*tensors)
    after = lm.stabilize(cost)
    if not patterns_in(cost):
        assert after is cost
    np.testing.assert_allclose(after.data, cost.data, rtol=1e-12, atol=1e-12)
    for got, plain in zip(lm.grad(after, tensors), lm.grad(cost, tensors), strict=True):
        np.testing.assert_allclose(got, plain, rtol=1e-9, atol=1e-11)


OUTPUT_LAYERS = [*spellings.SOFTMAXES.values(), *spellings.SIGMOIDS.values()]
BETWEEN = [np.tanh, lambda a: a * 3.0 - 1.0, lambda a: np.log(a), lambda a: 1 - a, lambda a: a.T]


@given(
    st.lists(st.sampled_from(OUTPUT_LAYERS), min_size=1, max_size=3),
    st.lists(st.sampled_from(BETWEEN), min_size=3, max_size=3),
    st.integers(0, 100),
)
def test_layers_on_layers_keep_value_and_gradient(layers, between, seed):
    z = lm.Tensor(np.random.default_rng(seed).normal(size=(3, 3)))
    x = z
    for layer, then in zip(layers, between, strict=False):
        x = then(layer(x))
    weights = np.random.default_rng(seed + 1).normal(size=(3, 3))
    cost = (x * weights).sum()
    after = rewritten(cost).after
    np.testing.assert_allclose(after.data, cost.data, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(lm.grad(after, z), lm.grad(cost, z), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
def test_stabilising_again_changes_nothing(pair):
    z, y = lm.Tensor([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]]), np.eye(3)[[0, 1]]
    for layer, cost in spelled(pair):
        after = lm.stabilize(recording(pair, layer, cost, z, y))
        assert lm.stabilize(after) is after
        a = lm.stabilize(spellings.OUTPUTS[pair[0]][layer](z))
        assert lm.stabilize(a) is a


@pytest.mark.parametrize("name", spellings.LOG_SUMS)
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


@pytest.mark.parametrize(
    "function",
    [np.log, lambda a: np.log(1 - a), lambda a: 1 - a, lambda a: a, lambda a: np.log(a).T],
)
@pytest.mark.parametrize("layer", [lm.book.softmax, lm.book.sigmoid])
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
def test_the_dtype_is_kept(pair, dtype):
    z = lm.Tensor(np.array([[9.0, 2.0, 0.5]], dtype))
    y = np.eye(3, dtype=dtype)[[0]]
    exact = lm.Mix(*pair).delta(z.data.astype(float), y.astype(float))
    for layer, cost in spelled(pair):
        if dtype == np.float16 and layer.startswith("shifted by"):
            continue  # a shift is rounded before it is taken away
        recorded = quietly(recording, pair, layer, cost, z, y)
        after = lm.stabilize(recorded)
        gradient = lm.grad(after, z)
        assert (after.dtype, gradient.dtype) == (recorded.dtype, dtype)
        np.testing.assert_allclose(gradient, exact, rtol=40 * np.finfo(dtype).eps, atol=1e-6)


def test_a_chain_of_a_hundred_thousand_nodes_is_no_trouble():
    z = lm.Tensor([[1.0, 2.0], [3.0, 4.0]])
    plain = z
    for i in range(25_000):
        plain = np.tanh(plain * 1.5 + 0.25) if i % 2 else plain.T.reshape(2, 2)
    assert lm.stabilize(plain) is plain
    deep = lm.stabilize(np.log(lm.book.softmax(plain)))
    assert deep.function.__name__ == "log_softmax"
    a = lm.book.softmax(z)
    for i in range(50_000):
        a = a.reshape(4) if i % 2 == 0 else a.reshape(2, 2)
    np.testing.assert_allclose(lm.stabilize(np.log(a)).data, lm.log_softmax(z.data))
    layers = [lm.book.softmax(z * (0.1 * i)) for i in range(1000)]
    costs = sum(lm.book.log_likelihood(layer, [0, 1]) for layer in layers)
    np.testing.assert_allclose(lm.stabilize(costs).data, costs.data)


def test_names_of_functions_and_groups_count_for_nothing(own_table):
    exp = lm.derivative(lambda x: x * x, lambda g, z, x: 2 * g * x)
    exp.recorded.__name__ = "exp"
    z = lm.Tensor([1.0, 2.0], name="softmax")
    softmax = lm.engine.graph.group("softmax")(lambda z: z * z / (z * z).sum())
    cost = -np.log(softmax(z))[0] + np.log(exp(z) / exp(z).sum())[0]
    assert lm.stabilize(cost) is cost


def test_a_users_function_may_give_another_value_each_time(own_table):
    masks = iter([np.array([1.0, 0.0]), np.array([0.0, 1.0])])
    dropped = lm.derivative(lambda x: x * next(masks), lambda g, z, x: g)
    z = lm.Tensor([1.0, 2.0])
    cost = np.exp(dropped(z)) / np.exp(dropped(z)).sum()
    assert lm.stabilize(cost) is cost


def test_a_shift_that_is_a_leaf_gets_no_gradient_of_rounding():
    z, shift = lm.Tensor([40.0, 0.0]), lm.Tensor(3.0)
    e = np.exp(z - shift)
    after = lm.stabilize(-np.log(e / e.sum())[0])
    assert lm.grad(after, shift) == 0.0
    np.testing.assert_array_equal(lm.grad(after, z), lm.Mix("softmax", "ll").delta([40.0, 0.0], 0))


def test_masked_logits_are_no_trouble_where_they_were_none():
    z = lm.Tensor([0.0, 1.0, -np.inf])
    for recorded in (
        lm.log_likelihood(lm.softmax(z), 0),
        lm.xlogy(np.array([1.0, 0.0, 0.0]), lm.softmax(z)) * 2.0,
        np.log((lm.book.softmax(z) * np.array([1.0, 0.0, 0.0])).sum()),
        lm.book.softmax(z),
    ):
        after = lm.stabilize(recorded)
        assert after is not recorded or not patterns_in(recorded)
        np.testing.assert_allclose(after.data, recorded.data, rtol=1e-14)


def test_the_leaves_are_the_same_and_nothing_is_written_to_them():
    w, x = lm.Tensor([[1.0, 0.0], [0.5, 2.0]], name="w"), np.array([1.0, 2.0])
    cost = lm.book.log_likelihood(lm.book.softmax(w @ x), 1)
    after = lm.stabilize(cost)
    assert [n for n in nodes(after) if n.function is None] == [w]
    assert w.grad is None
    np.testing.assert_allclose(lm.grad(after, w), lm.grad(cost, w), rtol=1e-13)


def test_names_and_groups_are_kept_where_they_make_sense():
    z = lm.Tensor([1.0, 2.0], name="z")
    a = lm.book.softmax(z)
    a.name = "a"
    cost = (a * np.array([1.0, 3.0])).sum()
    cost.name = "mean"
    after = lm.stabilize(cost)
    assert [names(after)[node] for node in nodes(after)] == ["z", "a", "n2", "mean"]
    assert [(g.name, g.inputs, g.output.name) for g in groups(after)] == [("softmax", (z,), "a")]


def test_a_group_without_its_inputs_is_left_out_with_the_outputs_that_are_gone():
    @lm.engine.graph.group("my loss")
    def loss(z):
        return lm.book.log_likelihood(lm.book.softmax(z), 0)

    z = lm.Tensor([1.0, 2.0])
    after = lm.stabilize(loss(z))
    assert [(g.name, g.inputs, g.members) for g in groups(after)] == [("my loss", (z,), (after,))]


def test_a_name_is_not_given_to_what_was_there_before():
    z = lm.Tensor([1.0, 2.0])
    again = np.log(np.exp(z))
    again.name = "again"
    assert lm.stabilize(again) is z
    assert z.name is None


@pytest.mark.parametrize("cost", [3.0, np.ones(2), None])
def test_only_tensors_are_stabilised(cost):
    with pytest.raises(TypeError, match="not a Tensor"):
        lm.stabilize(cost)


def test_nothing_is_warned_of_that_the_recording_has_warned_of():
    z = lm.Tensor([1000.0, 0.0])
    cost = quietly(lambda: lm.book.cross_entropy(lm.book.softmax(z), 1) + np.log(np.exp(z)).sum())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(lm.stabilize(cost).data)


def test_mix_costs_in_a_recording_are_kept_with_what_they_know():
    z = lm.Tensor([1.0, 2.0])
    inner = lm.Mix("softmax", "ll").cost(lm.book.sigmoid(z) * 3.0, 0)
    after = lm.stabilize(inner * 2.0)
    assert after.args[0].residual is not None
    np.testing.assert_allclose(lm.grad(after, z), lm.grad(inner * 2.0, z), rtol=1e-13)


@functools.cache
def found_by_the_spellings():
    z, y = lm.Tensor([[1.0, 2.0, 0.5]]), np.eye(3)[[0]]
    costs = [recording(pair, layer, cost, z, y) for pair in PAIRS for layer, cost in spelled(pair)]
    parts = [f(z) for f in (*spellings.LOG_SUMS.values(), *spellings.SOFTPLUSES.values())]
    parts += [np.log(np.exp(z)), 1 - lm.softmax(z), np.log(1 - np.tanh(z))]
    parts += [np.log1p(-lm.sigmoid(z)), np.log(2.0 - 2.0 * lm.sigmoid(z))]
    return {pattern for cost in (*costs, *parts) for pattern in patterns_in(cost)}


def test_every_row_of_the_published_table_is_found_in_these_tests():
    assert found_by_the_spellings() == set(PATTERNS)
