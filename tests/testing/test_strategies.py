"""Strategies: each draws what it says, all of it, quickly, and shrinks to something small."""

import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

import tinygrad_lossmix as lm
from tests.helpers.quick import share, thinned
from tests.helpers.reference import gradients
from tinygrad_lossmix.testing import strategies
from tinygrad_lossmix.testing.strategies.programs import ANY, ANY_TWO, TOGETHER, WITH_AXES

SHAPES = strategies.shapes(min_dims=1, max_dims=2)
DRAWN = settings(max_examples=2000, database=None, phases=[Phase.generate])
SHRUNK = settings(max_examples=2000, database=None)


@given(strategies.shapes(min_dims=1, max_dims=2, min_side=0, max_side=3))
def test_shapes_are_of_that_many_axes_of_that_length(shape):
    assert 1 <= len(shape) <= 2
    assert all(0 <= n <= 3 for n in shape)


@given(st.integers(1, 4).flatmap(strategies.broadcastable))
def test_broadcastable_shapes_broadcast(shapes):
    np.broadcast_shapes(*shapes)


@given(strategies.matmul_shapes())
def test_matmul_takes_the_shapes_of_a_product(shapes):
    x, y = map(np.ones, shapes)
    assert (x @ y).size >= 1


@pytest.mark.parametrize(
    "seen",
    [
        lambda x, y: len(x) == 1,
        lambda x, y: len(y) == 1,
        lambda x, y: len(x) == len(y) == 2,
        lambda x, y: len(x) > 2 and len(x) != len(y),
    ],
)
def test_every_signature_of_matmul_is_drawn(seen):
    find(strategies.matmul_shapes(), lambda shapes: seen(*shapes), settings=DRAWN)


@pytest.mark.parametrize("layout", strategies.LAYOUTS)
@given(strategies.arrays(SHAPES))
def test_another_layout_has_the_same_values(layout, array):
    found = strategies.laid_out(array, layout)
    np.testing.assert_array_equal(found, array)
    assert (found.shape, found.dtype) == (array.shape, array.dtype)
    assert not np.shares_memory(found, array)


LAID_OUT = {
    "C": lambda x: x.flags.c_contiguous and x.flags.writeable,
    "Fortran": lambda x: x.flags.f_contiguous and not x.flags.c_contiguous,
    "strided": lambda x: min(x.strides) > x.itemsize,
    "negative stride": lambda x: max(x.strides) < 0,
    "read-only": lambda x: not x.flags.writeable,
}


@pytest.mark.parametrize("layout", strategies.LAYOUTS)
def test_each_layout_is_one(layout):
    assert LAID_OUT[layout](strategies.laid_out(np.arange(6.0).reshape(2, 3), layout))
    assert strategies.laid_out(np.array(2.5), layout) == 2.5
    assert strategies.laid_out([1, 2], layout).tolist() == [1, 2]


@pytest.mark.parametrize(
    "seen", [*LAID_OUT.values(), lambda x: not x.size], ids=[*LAID_OUT, "empty"]
)
def test_every_layout_is_drawn_of_tensors_too(seen):
    def hit(x):
        return x.ndim and (not x.size if not seen(np.ones(2)) and not x.size else seen(x))

    find(strategies.arrays(), hit, settings=DRAWN)
    find(strategies.tensors(), lambda t: hit(t._value), settings=DRAWN)


def test_arrays_without_axes_are_drawn():
    find(strategies.arrays(), lambda x: x.ndim == 0, settings=DRAWN)


def test_an_unknown_layout_is_refused():
    with pytest.raises(ValueError, match="Fortran, strided"):
        strategies.laid_out(np.ones(2), "columns")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@given(st.data())
def test_arrays_and_tensors_are_of_the_dtype(dtype, data):
    array = data.draw(strategies.arrays(dtype=dtype))
    tensor = data.draw(strategies.tensors(shape=(2, 3), dtype=dtype))
    assert array.dtype == tensor.dtype == dtype
    assert (np.abs(array) <= 3).all()
    assert type(tensor) is lm.Tensor
    assert tensor.shape == (2, 3)


@given(strategies.separated(SHAPES, gap=0.25, kink=1.0))
def test_separated_values_keep_their_distance(x):
    values = np.sort(np.append(x.ravel(), 1.0))
    assert np.diff(values).min() >= 0.25 - 1e-12


@given(st.data(), strategies.shapes(max_dims=3) | strategies.shapes(min_dims=1, min_side=0))
def test_indices_are_taken_by_arrays_and_tensors_of_the_shape(data, shape):
    x = np.arange(np.prod(shape, dtype=int), dtype=float).reshape(shape)
    key = data.draw(strategies.indices(shape))
    t = lm.Tensor(x)
    np.testing.assert_array_equal(t[key].data, x[key])
    counts = np.zeros(shape)
    np.add.at(counts, key, 1.0)
    np.testing.assert_array_equal(lm.grad(t[key].sum(), t), counts)


def parts(key):
    return key if isinstance(key, tuple) else (key,)


@pytest.mark.parametrize(
    "kind",
    [
        lambda k: isinstance(k, int) and k < 0,
        lambda k: isinstance(k, slice) and k.step is not None and k.step < 0,
        lambda k: k is None,
        lambda k: k is Ellipsis,
        lambda k: isinstance(k, np.ndarray) and k.dtype == bool and k.any(),
        lambda k: isinstance(k, np.ndarray) and k.dtype != bool and len({*k.flat}) < k.size,
    ],
    ids=["negative", "backwards", "new axis", "ellipsis", "mask", "repeated"],
)
def test_every_kind_of_index_is_drawn(kind):
    find(strategies.indices((3, 4)), lambda key: any(map(kind, parts(key))), settings=DRAWN)


def near(z, ulps):
    return np.abs(z - 1.25).max() <= ulps * np.spacing(z.dtype.type(1.25))


def tied(z):
    ordered = np.sort(z, axis=-1)
    return z.shape[-1] == 1 or (ordered[..., 1:] == ordered[..., :-1]).any(axis=-1).all()


REGIMES = {
    "moderate": lambda z: (np.abs(z) <= 8).all(),
    "saturated": lambda z: ((np.abs(z) >= 30) & (np.abs(z) <= 40)).all(),
    "extreme": lambda z: ((np.abs(z) >= 300) & (np.abs(z) <= 1000)).all(),
    "ties": tied,
    "equal": lambda z: (z == z[..., :1]).all(),
    "near ties": lambda z: near(z, 3),
    "subnormal": lambda z: (np.abs(z) < np.finfo(z.dtype).tiny).all(),
    "infinite": lambda z: np.isinf(z).any(axis=-1).all(),
}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("regime", strategies.REGIMES)
@share(5)
@given(st.data())
def test_logits_are_of_their_regime(regime, dtype, data):
    z = data.draw(strategies.logits(SHAPES, regime, dtype))
    assert z.dtype == dtype
    assert REGIMES[regime](z)
    assert regime == "infinite" or np.isfinite(z).all()


@pytest.mark.parametrize(
    ("regime", "seen"),
    [
        ("near ties", lambda z: len({*z.flat}) > 1),
        ("subnormal", lambda z: (z > 0).any() and (z < 0).any()),
        ("saturated", lambda z: (z > 0).any() and (z < 0).any()),
        ("infinite", lambda z: (z == np.inf).any()),
        ("infinite", lambda z: (z == -np.inf).any()),
        (None, lambda z: np.abs(z).max() > 300),
        (None, lambda z: 0 < np.abs(z).max() < 1e-300),
        (None, lambda z: 30 <= np.abs(z).min() <= 40),
    ],
)
def test_what_makes_a_regime_hard_is_drawn(regime, seen):
    find(strategies.logits((3,), regime), seen, settings=DRAWN)


@given(strategies.logits((2, 3)))
def test_logits_of_no_named_regime_are_finite(z):
    assert z.shape == (2, 3)
    assert np.isfinite(z).all()


KINDS = {
    "one-hot": lambda y: ((y == 0) | (y == 1)).all() and (y.sum(axis=-1) == 1).all(),
    "smoothed": lambda y: (
        np.allclose(np.sort(y)[..., -1], 0.9 + 0.1 / y.shape[-1]) and np.allclose(y.sum(axis=-1), 1)
    ),
    "soft": lambda y: (y >= 0).all() and np.allclose(y.sum(axis=-1), 1),
    "multi-hot": lambda y: ((y == 0) | (y == 1)).all(),
    "unnormalised": lambda y: ((y >= 0) & (y <= 3)).all(),
    "zeros": lambda y: not y.any(),
}


@pytest.mark.parametrize("kind", KINDS)
@share(3)
@given(st.data(), SHAPES)
def test_labels_are_of_their_kind(kind, data, shape):
    y = data.draw(strategies.labels(shape, kind))
    assert y.shape == shape
    assert KINDS[kind](y)


@given(st.data(), st.sampled_from([(2,), (3, 2), (2, 2, 4)]))
def test_integer_labels_are_classes(data, shape):
    y = data.draw(strategies.labels(shape, "integer"))
    assert (y.shape, y.dtype.kind) == (shape[:-1], "i")
    assert ((y >= 0) & (y < shape[-1])).all()


@pytest.mark.parametrize(
    ("kind", "seen"),
    [
        ("multi-hot", lambda y: y.sum() == 2),
        ("multi-hot", lambda y: y.sum() == 0),
        ("soft", lambda y: len({*y.flat}) == 3 and (y > 0.05).all()),
        ("unnormalised", lambda y: 1.5 < y.sum() < 2.5),
        ("integer", lambda y: y == 2),
        (None, lambda y: not y.any()),
    ],
)
def test_what_makes_a_kind_of_its_own_is_drawn(kind, seen):
    find(strategies.labels((3,), kind), seen, settings=DRAWN)


def test_there_is_a_property_for_every_regime_kind_and_layout():
    assert set(REGIMES) == set(strategies.REGIMES)
    assert {*KINDS, "integer"} == set(strategies.KINDS)
    assert set(LAID_OUT) == set(strategies.LAYOUTS)


def test_an_unknown_regime_or_kind_is_refused():
    with pytest.raises(ValueError, match="moderate, saturated"):
        strategies.logits((3,), "large")
    with pytest.raises(ValueError, match="one-hot, smoothed"):
        strategies.labels((3,), "hard")
    with pytest.raises(ValueError, match="two outputs or more"):
        strategies.labels((3, 1), "integer")


@given(st.data(), SHAPES)
def test_labels_are_as_dense_as_the_logits_unless_classes_are_asked_for(data, shape):
    assert data.draw(strategies.labels(shape)).shape == shape
    z, y = data.draw(strategies.examples())
    assert z.shape == y.shape


@given(strategies.examples() | strategies.examples(labels="integer"), strategies.mixes())
def test_every_mix_takes_every_example(example, mix):
    z, y = example
    assert mix.delta(z, y).shape == z.shape
    assert np.isfinite(mix.delta(z, y)).all()


@given(strategies.examples("saturated", "one-hot", classes=(4, 4), batch=0, dtype=np.float32))
def test_examples_are_of_what_was_asked_for(example):
    z, y = example
    assert (z.shape, y.shape, z.dtype) == ((4,), (4,), np.float32)
    assert REGIMES["saturated"](z)
    assert KINDS["one-hot"](y)


def test_both_single_examples_and_batches_are_drawn():
    for ndim in (1, 2):
        find(strategies.examples(), lambda example, n=ndim: example[0].ndim == n, settings=DRAWN)


@given(strategies.programs())
def test_a_program_is_a_number_on_arrays_and_the_same_on_tensors(drawn):
    f, inputs = drawn
    assert 1 <= len(inputs) <= 3
    value = f(*inputs)
    assert value.ndim == 0
    assert max(np.abs(v).max() for v in f.values(*inputs)) < 100
    np.testing.assert_allclose(f(*map(lm.Tensor, inputs)).item(), value, rtol=1e-13)


@given(strategies.programs())
def test_the_gradient_of_a_program_is_that_of_the_naive_engine(drawn):
    f, inputs = drawn
    tensors = [lm.Tensor(x) for x in inputs]
    expected = gradients(f, *inputs)
    for found, right in zip(lm.grad(f(*tensors), tensors), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-9, atol=1e-11)


@given(strategies.programs())
def test_the_source_of_a_program_computes_it(drawn):
    f, inputs = drawn
    first, *lines = repr(f).splitlines()
    assert first == "Program"
    names = {"np": np, "soft": lambda x: np.tanh(0.5 * x)}
    names["odd"] = lambda x: np.arange(x.shape[-1]) % 2 == 1 if x.ndim else False
    names |= {f"v{i}": x for i, x in enumerate(inputs)}
    for line, value in zip(lines[len(inputs) :], f.values(*inputs)[len(inputs) :], strict=True):
        name, source = line.strip().split(" = ", 1)
        names[name] = np.asarray(eval(source, names))
        np.testing.assert_array_equal(names[name], value)


def used(f):
    return [i for _, _, operands in f.steps for i in operands]


@pytest.mark.parametrize(
    "seen",
    [
        lambda f: len(f.steps) == 8,
        lambda f: any(used(f).count(i) > 2 for i in used(f)),
        lambda f: any(len(set(operands)) == 2 for _, _, operands in f.steps),
        lambda f: max(used(f), default=0) > len(f.inputs) + 3,
    ],
    ids=["long", "reuse", "two operands", "deep"],
)
def test_programs_are_graphs_with_reuse(seen):
    find(strategies.programs(), lambda drawn: seen(drawn[0]), settings=DRAWN)


def test_every_operation_is_drawn():
    drawn = set()

    @given(strategies.programs())
    @settings(max_examples=300, database=None, derandomize=True)
    def collect(program):
        drawn.update(text for text, _, _ in program[0].steps)

    collect()
    assert drawn == {*ANY, *WITH_AXES, *TOGETHER, *ANY_TWO}


@pytest.mark.parametrize(
    ("strategy", "smallest"),
    [
        (strategies.arrays((2, 3)), np.zeros((2, 3))),
        (strategies.logits((3,)), np.zeros(3)),
        (strategies.labels((3,)), np.zeros(3)),
        (strategies.labels((3,), "one-hot"), np.array([1.0, 0.0, 0.0])),
        (strategies.labels((2, 3), "integer"), np.array([0, 0])),
    ],
)
def test_arrays_shrink_to_zeros_and_the_first_class(strategy, smallest):
    found = find(strategy, lambda x: True, settings=SHRUNK)
    np.testing.assert_array_equal(found, smallest)
    assert found.flags.c_contiguous


@pytest.mark.slow
def test_programs_shrink_to_the_step_that_matters():
    f, inputs = find(
        strategies.programs(),
        lambda drawn: any(text.startswith("np.maximum") for text, _, _ in drawn[0].steps),
        settings=SHRUNK,
    )
    assert repr(f) == "Program\n  v0: ()\n  v1 = np.maximum(v0, v0)"
    assert len(inputs) == 1


@pytest.mark.parametrize(
    "strategy",
    thinned(
        [
            strategies.examples(),
            strategies.arrays(),
            strategies.tensors(),
            strategies.separated(SHAPES),
            strategies.programs(),
            strategies.indices((3, 4)),
            strategies.logits((2, 3)),
            strategies.labels((2, 3)),
        ],
        8,
    ),
    ids=["examples", "arrays", "tensors", "separated", "programs", "indices", "logits", "labels"],
)
def test_a_hundred_examples_take_less_than_three_seconds_of_the_processor(strategy):
    @given(strategy)
    @settings(max_examples=100, database=None)
    def draw(_):
        pass

    started = time.process_time()
    draw()
    assert time.process_time() - started < 3


def test_without_hypothesis_the_extra_is_named():
    code = (
        "import sys; sys.modules['hypothesis'] = None; import tinygrad_lossmix.testing.strategies"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == (
        'ImportError: strategies are for hypothesis: pip install "tinygrad_lossmix[verify]"'
    )
