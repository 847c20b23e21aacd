"""Machine code for value and gradients: exact, and where there is none, NumPy and a warning."""

import gc
import itertools
import linecache
import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given

import tinygrad_lossmix as lm
from tests.helpers import mix_oracle as oracle
from tests.helpers.mix_cases import pair_of
from tests.helpers.networks import close, close_to_interpreted, disturbed, network, parameters
from tests.helpers.quick import share, thinned
from tinygrad_lossmix.compiler.compile import compile as compiled
from tinygrad_lossmix.compiler.loops.backend import KEPT_LOOPS, NotCompiledWarning, machine_code
from tinygrad_lossmix.testing import strategies

BOUND = {np.float64: 1e-13, np.float32: 1e-5}


@pytest.fixture(autouse=True, scope="module")
def _a_cache_of_its_own(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NUMBA_CACHE_DIR", str(tmp_path_factory.mktemp("numba")))
        yield


def looped(f, wrt=0):
    return compiled(f, wrt, backend="numba")


def drawn(dtype, count, k=4):
    """Examples of every kind, the same at every run."""
    rng = np.random.default_rng(0)
    spread = [s * rng.normal(size=(count, k)) for s in (1e-300, 0.1, 3.0, 30.0, 250.0)]
    ties = rng.integers(0, 2, (count, k)) * rng.choice([1.0, 40.0, 300.0], (count, 1))
    dominant = np.eye(k)[rng.integers(0, k, count)] * rng.uniform(-300, 300, (count, 1))
    z = np.concatenate([*spread, ties, dominant]).astype(dtype)
    labels = [np.eye(k)[rng.integers(0, k, len(z))], rng.dirichlet(np.ones(k), len(z))]
    labels += [rng.integers(0, 2, z.shape).astype(float)]
    return z, np.choose(rng.integers(0, 3, (len(z), 1)), labels).astype(dtype)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", BOUND)
@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
def test_every_example_is_as_exact_as_the_closed_form_allows(mix, dtype):
    z, y = drawn(dtype, 4)
    info = np.finfo(dtype)
    g = looped(mix.cost)
    _, gradient = g(z, y)
    assert gradient.dtype == dtype
    for row, label, got in zip(z, y, gradient, strict=True):
        exact = oracle.reference(pair_of(mix), row, label)
        for value, truth, size in zip(got, exact.delta, exact.delta_sizes, strict=True):
            if size / len(z) > info.tiny / info.eps:
                assert abs(float(value) - truth / len(z)) <= BOUND[dtype] * size / len(z)
    for row, label in zip(z, y, strict=True):
        exact = oracle.reference(pair_of(mix), row, label)
        if exact.cost_size > info.tiny / info.eps:
            error = abs(float(g(row[None], label[None])[0]) - exact.cost)
            assert error <= BOUND[dtype] * exact.cost_size


@pytest.mark.filterwarnings("ignore:NumPy runs instead of numba")
@share(10)
@given(strategies.programs())
def test_random_programs_are_as_interpreted(program):
    close_to_interpreted(looped, program)


LONG = (100_000, 10), (3000, 300), (1_000_000,)


@pytest.mark.parametrize("shape", thinned(zip(LONG, strict=True), 3), ids=str)
def test_long_sums_of_float32_are_taken_in_double_precision(shape):
    x = np.full(shape, 0.1, np.float32)
    value, _ = looped(lambda x: (x * x).sum())(x)
    assert value.dtype == np.float32
    np.testing.assert_allclose(value, x.size * float(x.flat[0]) ** 2, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("classes", [False, True])
def test_the_gradient_is_the_only_large_array(classes):
    z = np.random.default_rng(0).normal(size=(500, 1000)).astype(np.float32)
    y = np.arange(500) if classes else np.full_like(z, 0.001)
    for mix in (lm.MIXES[0], lm.MIXES[3], lm.MIXES[4]):
        g = looped(mix.cost)
        g(z, y)
        tracemalloc.start()
        g(z, y)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert z.nbytes <= peak < 1.1 * z.nbytes


@pytest.mark.slow
@pytest.mark.parametrize("mix", [*lm.MIXES, lm.Mix("lml", "ce")], ids=str)
def test_classes_are_labels(mix):
    z, y = np.linspace(-2, 3, 12).reshape(4, 3), np.array([0, 2, 1, 1])
    close(looped(mix.cost)(z, y), lm.value_and_grad(mix.cost)(z, y))


@pytest.mark.parametrize(
    ("mix", "dtype"),
    thinned(itertools.product((lm.MIXES[4], lm.MIXES[3], lm.MIXES[0]), (float, np.float32)), 6),
    ids=str,
)
def test_a_training_step_is_as_interpreted(mix, dtype):
    rng = np.random.default_rng(0)
    g = looped(network(mix), wrt=(0, 1, 2, 3))
    for n in (6, 6, 0):
        arrays = parameters(rng, n=n, dtype=dtype)
        tolerance = {np.float32: 1e-5, float: 1e-12}[dtype]
        with np.errstate(invalid="ignore"):
            expected = lm.value_and_grad(network(mix), wrt=(0, 1, 2, 3))(*arrays)
        close(g(*arrays), expected, tolerance, tolerance)


@pytest.mark.parametrize("mix", thinned(lm.MIXES, 6), ids=str)
def test_infinite_logits_are_answered_as_interpreted(mix):
    g = looped(mix.cost)
    for z in ([np.inf, 0.0, -1.0], [-np.inf, 0.0, 2.0], [1000.0, -1000.0, 0.0], [1e4, 0.0, -1e4]):
        for y in (0, 1, 2):
            z, y = np.array(z), np.array(y)
            close(g(z, y), lm.value_and_grad(mix.cost)(z, y))


SHAPES = [(1,), (1, 1), (3, 2), (0, 4), (1, 4), (2, 40)]


@pytest.mark.parametrize("shape", thinned(zip(SHAPES, strict=True), 6), ids=str)
def test_any_number_of_classes_and_examples(shape):
    mix = lm.Mix("softmax", "ll")
    z, y = np.arange(float(np.prod(shape))).reshape(shape), np.full(shape, 0.5)
    with np.errstate(invalid="ignore"):
        close(looped(mix.cost)(z, y), lm.value_and_grad(mix.cost)(z, y))


def test_any_layout_of_memory_and_new_results():
    arrays = list(parameters(np.random.default_rng(2)))
    g = looped(network(lm.MIXES[4]), wrt=(0, 1, 2, 3))
    expected = g(*arrays)
    kept = [x.copy() for x in expected[1]]
    arrays[0] = np.asfortranarray(arrays[0])
    arrays[2] = arrays[2][::-1].copy()[::-1]
    arrays[4] = np.repeat(arrays[4], 2, axis=1)[:, ::2]
    arrays[1].flags.writeable = False
    close(g(*arrays), expected)
    close(expected[1], tuple(kept), 0, 0)


@pytest.mark.slow
def test_a_transposed_array_takes_another_shape():
    x = np.arange(6.0).reshape(3, 2) / 6
    close_to_interpreted(looped, (lambda x: np.exp(np.outer(x.T, x)).sum(), (x,)))


def test_entries_are_looked_up_in_an_array_that_is_complete():
    x, w = np.arange(1.0, 4.0).reshape(1, 3), np.array([2.0, 3.0, 5.0])
    close_to_interpreted(looped, (lambda x: (np.roll(x[0], 1) * np.exp(w)).sum(), (x,)))


def test_threads_do_not_disturb_each_other():
    assert not disturbed(looped)


def test_what_numpy_makes_of_arguments_alone_is_made_before_the_loops():
    cube = lm.derivative(lambda x: x**3, lambda g, z, x: 3.0 * g * x * x)
    f = lambda t, u: (t * cube(u)).sum() + (np.argmax(u) * t).sum()
    for u in (np.arange(3.0), np.array([5.0, 1.0, 2.0])):
        close(looped(f)(np.ones(3), u), lm.value_and_grad(f)(np.ones(3), u))


def test_calls_on_arguments_alone_may_be_written_in_every_way_that_numpy_has():
    def f(t, u):
        calls = [np.einsum("ii", u), np.einsum("ij,jk", u, u), np.einsum("ij, kj -> ik", u, u)]
        calls += [np.einsum("...i,...i->...", u, u), np.einsum(u, [0, 1], u, [1, 2], [0, 2])]
        calls += [np.take(u, [0, 7], mode="wrap"), np.roll(u, (1, 2), axis=(0, 1)) * u]
        return (np.exp(t) * sum([(i + 1) * np.sum(x) for i, x in enumerate(calls)])).sum()

    u = np.random.default_rng(0).normal(size=(3, 3))
    close(looped(f)(np.ones(3), u), lm.value_and_grad(f)(np.ones(3), u))


def test_errors_of_the_labels_are_those_of_the_cost():
    g = looped(lm.MIXES[4].cost)
    with pytest.raises(ValueError, match="classes are 0 … 2"):
        g(np.zeros((2, 3)), np.array([0, 3]))
    with pytest.raises(ValueError, match="do not belong"):
        g(np.zeros((2, 3)), np.zeros((2, 4)))
    with pytest.raises(ValueError, match="NaN or infinity"):
        g(np.zeros((2, 3)), np.full((2, 3), np.nan))


@pytest.mark.parametrize(
    ("f", "dtype", "reason"),
    [
        (lambda t: np.einsum("ii->i", np.outer(t, t)).sum(), float, "no loops for einsum"),
        (lambda t: (t * t).sum(), np.float16, "no loops for"),
        (lambda t: (t * t).sum(), np.longdouble, "no loops for"),
    ],
)
def test_numpy_runs_with_a_warning_where_there_are_no_loops(f, dtype, reason):
    t = np.ones(3, dtype)
    with pytest.warns(NotCompiledWarning, match=reason):
        result = looped(f)(t)
    close(result, lm.value_and_grad(f)(t))


def test_a_function_of_the_users_own_without_loops_is_named():
    def cube(x):
        return x**3

    cubed = lm.derivative(cube, lambda g, z, x: 3.0 * g * x * x)
    with pytest.warns(NotCompiledWarning, match=r"no loops for .*cube$"):
        looped(lambda t: cubed(np.exp(t)).sum())(np.ones(3))


@pytest.mark.parametrize("module", thinned(["numba", "scipy"], 2))
def test_a_missing_library_is_named_with_its_extra(module):
    program = f"""
import sys, warnings
sys.modules["{module}"] = None
import numpy as np
with warnings.catch_warnings(record=True) as found:
    warnings.simplefilter("always")
    from tinygrad_lossmix.compiler.compile import compile
    print(compile(lambda w: (w @ w).sum(), backend="numba")(np.eye(2))[0])
print(*[w.message for w in found])
"""
    result = python(program)
    assert result.stdout.startswith("2.0\n")
    assert "tinygrad_lossmix[fast]" in result.stdout


SQUARES = """
import numpy as np
from tinygrad_lossmix.compiler.compile import compile
print(compile(lambda w: (w * w).sum(), backend="numba")(np.ones(3))[0])
"""


def python(program, **environment):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.mark.slow
def test_shapes_and_numbers_share_their_machine_code():
    def loss(w, x, y, decay):
        return lm.Mix("softmax", "ll").cost(x @ w, y) + decay * (w * w).sum()

    rng = np.random.default_rng(0)

    def texts():
        return [name for name in linecache.cache if name.startswith("<compiled")]

    gc.collect()
    lines = len(texts())
    g, interpreted = looped(loss), lm.value_and_grad(loss)
    before = machine_code.cache_info().misses
    for i, n in enumerate([5, 6, 7, 9, 11, 37, 300, 5, 6]):
        w, x, y = rng.normal(size=(4, 3)), rng.normal(size=(n, 4)), rng.integers(0, 3, n)
        close(g(w, x, y, 0.1 + 0.01 * i), interpreted(w, x, y, 0.1 + 0.01 * i))
    assert len(g._specialisations) == 9
    assert machine_code.cache_info().misses == before + 1
    assert machine_code.cache_info().maxsize == KEPT_LOOPS
    several = looped(lambda w, factor: factor * (w * w).sum())
    for i in range(80):
        several(w, 2.0 + i)
    gc.collect()
    assert len(texts()) <= lines + 9 + 64
    del g, several
    gc.collect()
    assert len(texts()) <= lines


@pytest.mark.parametrize(
    ("power", "dtype"), thinned(itertools.product([-1.5, 3.0, 0.5, 2.0, 7], BOUND), 10), ids=str
)
def test_numbers_are_parameters_of_the_loops_in_any_precision(power, dtype):
    def f(x, a):
        mixed = np.where(x > 0.3, x / 3.0, 0.7 * np.exp(-1.3 * x)) + np.maximum(x, 0.25)
        return (mixed * a + np.sign(x - 0.4) + (x * x + 0.1) ** power).sum()

    x = np.linspace(0.05, 1.0, 15).reshape(3, 5).astype(dtype)
    for a in (0.3, 1.7, -2.0, float(np.float32(1e-30)), 12345.678):
        close(looped(f)(x, a), lm.value_and_grad(f)(x, a), 20 * np.finfo(dtype).eps)


@pytest.mark.slow
def test_machine_code_is_kept_and_what_is_broken_is_made_again(tmp_path):
    def run():
        assert python(SQUARES, NUMBA_CACHE_DIR=str(tmp_path)).stdout == "3.0\n"
        return {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}

    made = run()
    assert {path.suffix for path in made} == {".py", ".nbi", ".nbc"}
    assert run() == made
    for path in made:
        if path.suffix == ".nbc":
            path.write_bytes(b"cut off")
    run()


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_does_no_harm(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    assert python(SQUARES, NUMBA_CACHE_DIR=str(path)).stdout == "3.0\n"
