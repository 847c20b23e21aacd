"""The text of the loops, run by Python: what it computes is as interpreted."""

import operator

import numpy as np
import pytest
from hypothesis import given

import tinygrad_lossmix as lm
from tests.helpers.array_calls import OF_ARRAYS
from tests.helpers.array_calls import compiled as agrees
from tests.helpers.networks import close, close_to_interpreted
from tests.helpers.quick import in_one, thinned
from tinygrad_lossmix.compiler.compile import compile as compiled
from tinygrad_lossmix.compiler.ir.program import TracedProgram
from tinygrad_lossmix.compiler.ir.trace import needed
from tinygrad_lossmix.compiler.loops import backend, statements, threads
from tinygrad_lossmix.compiler.loops.schedule import Schedule
from tinygrad_lossmix.compiler.loops.statements import loops
from tinygrad_lossmix.testing import strategies

SIZED = {
    f"{name}{bits}": getattr(np, name) for name in ("exp", "log", "log1p") for bits in (32, 64)
}
PLAIN = {
    "choose": lambda mask, x, y: x if mask else y,
    "plus": operator.add,
    "larger": np.maximum,
    "smaller": np.minimum,
    "dot": lambda a, b, out: np.dot(a, b, out=out),
    **{name: getattr(np, name) for name in ("sqrt", "sin", "cos", "tanh", "expm1")},
    **SIZED,
}


@pytest.fixture(autouse=True, scope="module")
def _python_instead_of_machine_code():
    def entry(function, types, numbers, cache):
        function.__globals__.update(PLAIN)
        return np.errstate(all="ignore")(function)

    kept = backend._entry, backend._cached
    backend._entry, backend._cached = entry, lambda source: None
    backend.machine_code.cache_clear()
    yield
    backend._entry, backend._cached = kept
    backend.machine_code.cache_clear()


def looped(f, wrt=0):
    return compiled(f, wrt, backend="numba")


@pytest.fixture(params=["whole", "in blocks"])
def blocks(request, monkeypatch):
    """Loops on whole arrays, and on blocks of rows where there are rows to share."""
    if request.param == "in blocks":
        monkeypatch.setattr(statements, "BLOCK", 1)
        monkeypatch.setattr(threads, "BLOCK", 4)
    return request.param


def as_interpreted(f, *arrays, wrt=0):
    g = looped(f, wrt)
    close(g(*arrays), lm.value_and_grad(f, wrt)(*arrays))
    return g.source


@pytest.mark.filterwarnings("ignore:NumPy runs instead of numba")
@given(strategies.programs())
def test_random_programs_are_as_interpreted(program):
    close_to_interpreted(looped, program)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:NumPy runs instead of numba")
@given(strategies.programs())
def test_random_programs_in_blocks_are_as_interpreted(program):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statements, "BLOCK", 1)
        patch.setattr(threads, "BLOCK", 2)
        close_to_interpreted(looped, program)


@pytest.mark.filterwarnings("ignore:NumPy runs instead of numba.*(argsort|cumsum|einsum|matmul)")
@in_one("call", thinned(OF_ARRAYS, 6), ids=str)
def test_every_function_of_arrays_has_loops_or_it_is_said_that_it_has_none(call):
    assert agrees(call, "numba")


@pytest.mark.parametrize(
    ("f", "shared"),
    [
        (lambda x: (np.exp(x) * x.max(axis=1, keepdims=True)).sum() + (x * x).mean(), True),
        (lambda x: (x / x.sum(axis=-1, keepdims=True)).max(), False),  # no sum over the rows
        (lambda x: np.exp(x.sum(axis=0)).sum(), False),  # one of another shape
        (lambda x: np.exp(x).sum() * x[0, 0], False),  # a row that is in one block
        (lambda x: (np.exp(x[1:]) * x[:-1]).sum(), False),  # rows of two blocks at once
        (lambda x: (np.exp(x) * x.T).sum(), False),
        (lambda x: np.exp(x)[np.arange(4), [0, 3, 1, 1]].sum(), False),
    ],
)
def test_rows_are_shared_where_each_is_used_alone(f, shared, monkeypatch):
    monkeypatch.setattr(statements, "BLOCK", 1)
    monkeypatch.setattr(threads, "BLOCK", 4)
    text = as_interpreted(f, np.cos(np.arange(16.0)).reshape(4, 4) + 2.0)
    assert ("by_blocks(loops, (4, 1)" in text) == shared


@given(strategies.mixes(), strategies.examples(regime="moderate"))
def test_every_mix_is_as_interpreted(mix, example):
    as_interpreted(mix.cost, *example)
    close(looped(mix.composed)(*example), lm.value_and_grad(mix.cost)(*example), 1e-10, 1e-12)


X = np.arange(24.0).reshape(2, 3, 4) / 10 - 1
ONE_EACH = np.arange(6.0).reshape(2, 3, 1)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.exp(x[0].T[1:3, ::2]).sum(),
        lambda x: (np.exp(x)[..., :2] * x[..., 2:]).sum() + np.exp(x)[0, ::-1, -3:-1].max(),
        lambda x: (x[..., None, 1] * x.transpose(2, 0, 1)[1, :, None, :]).sum(),
        lambda x: (x / x.sum(axis=(0, 2), keepdims=True)).max(),
        lambda x: (x.max(axis=0) * x.min(axis=(1,), keepdims=True)).sum(),
        lambda x: np.prod(x[0, :2, :2] + 3.0, axis=1).mean(),
        lambda x: (x.reshape(6, 4) @ x.reshape(4, 6)).sum() + x.reshape(2, 12).T.sum(axis=1).max(),
        lambda x: np.dot(x[0, 0], x[1, 2]) + (x[0] * x[1]).sum(),
        lambda x: (np.where(np.isfinite(x) & ~(x > 0.5), np.sign(x), np.abs(x)) * x).sum(),
        lambda x: (np.maximum(x, 0.1) * np.minimum(x, x[:1])).sum() + np.sqrt(x * x + 1).sum(),
        lambda x: np.logaddexp(x, x[:, :1]).sum() + np.square(x).sum(axis=-1).max(),
        lambda x: (x.sum(axis=0).sum(axis=0) * x[0, 0]).sum() * x.mean(),
        lambda x: (lm.softmax(x) * lm.log_softmax(x, axis=1)).sum(),
        lambda x: (x.sum(axis=2, keepdims=True).max(axis=2, keepdims=True) * ONE_EACH).sum(),
    ],
)
@pytest.mark.filterwarnings("ignore:NumPy runs instead of numba")
def test_axes_views_and_reductions(f, blocks):
    with np.errstate(all="ignore"):
        as_interpreted(f, X)


CLASSES = np.array([2, 0, -1, 2, 3, 0])


@pytest.mark.parametrize("by", ["numpy", "numba"])
@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: np.square(np.exp(x[0]).T[np.arange(4), y[:4] % 3]).sum(),
        lambda x, y: (np.exp(x)[:, y % 3] ** 2).sum() + x[y % 2, 1].sum() + x[0, y[0]].sum(),
        lambda x, y: np.exp(np.take(np.exp(x), y, axis=-1)).sum() + np.take(x, y).sum(),
        lambda x, y: np.square(np.exp(x)[y.reshape(2, 1, 3) % 2, None, [[0, 2, 2]]]).sum(),
        lambda x, y: np.exp(x)[0, [True, False, True]].sum() + x[[0, 0, 1]].max(),
        lambda x, y: lm.log_softmax(x[0])[y[:3] % 3, y[3:] % 4].sum(),
        lambda x, y: np.exp(x[None]).sum() + np.square(x).sum(),
        lambda x, y: lm.log_softmax(x[0])[np.arange(3)[:, None], y[:3]].sum(),
        lambda x, y: lm.log_softmax(x[0, :2])[[[0, 1]], y[:2][None]].sum() - x[1, 0][y[0]],
    ],
)
def test_entries_at_integers_repeated_and_negative_ones_too(by, f):
    close(compiled(f, 0, by)(X, CLASSES), lm.value_and_grad(f)(X, CLASSES))
    g = compiled(lambda x, y: np.exp(x).reshape(-1)[y].sum(), 0, by)
    g(X, CLASSES)
    for wrong in (24, -25):
        with pytest.raises(IndexError, match=f"index {wrong} is out of bounds for axis 0"):
            g(X, np.full(6, wrong))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.square(np.concatenate([x * 2.0, np.exp(x[:, :1]), x], axis=1)).sum(),
        lambda x: np.square(np.stack([x[0].T, np.exp(x[1]).T, np.ones((4, 3))], axis=-1)).sum(),
        lambda x: np.exp(np.einsum("aij,ij->aj", np.exp(x), x[0])).sum(),
        lambda x: np.exp(np.einsum("ij,kj", np.exp(x[0]), x[1])).sum(),
        lambda x: np.square(np.einsum("aij,jk->kai", np.exp(x), x[0].T)).sum(),
        lambda x: np.square(np.einsum("aij,akj->aik", np.exp(x), x)).sum(),
        lambda x: np.square(np.einsum("ij,kl->ikjl", np.exp(x[0]), x[1])).sum(),
        lambda x: np.einsum("ij,ij->", np.exp(x[0]), x[1]) * np.einsum("a...->...", x).max(),
        lambda x: np.square(np.einsum("ij,jk->ik", np.exp(x[0, :, :1]), x[1].T @ x[0])).sum(),
        lambda x: np.square(np.einsum("i,j->ij", np.exp(x[0, 0, :0]), x[0, 0])).sum(),
    ],
)
def test_arrays_put_together_and_products_as_einsum(f):
    as_interpreted(f, X)


def test_a_softmax_takes_one_loop_over_the_rows():
    def f(x):
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        return np.square(e / e.sum(axis=-1, keepdims=True)).sum()

    text = as_interpreted(f, np.arange(12.0).reshape(4, 3) % 5)
    assert text.count("for i in range(") == 1


def test_an_elementwise_function_of_short_rows_takes_one_loop():
    text = as_interpreted(lambda x, y: (np.exp(x) * y).sum(), np.ones((4, 3)), np.ones((4, 3)))
    assert text.count("for ") == 1
    assert "for j in range(" in text


def test_no_whole_array_is_kept_but_the_gradient():
    text = as_interpreted(lm.MIXES[4].cost, np.ones((4, 3)), np.full((4, 3), 0.2))
    assert text.count("empty((4, 3), ") == 1
    assert not [line for line in text.splitlines() if "[i, j] = " in line and "dz" not in line]


def doors(y):
    """The same cost of a class for each row, the classes an argument or a constant."""
    rows = np.arange(len(y))
    forms = {
        "cost": lambda z, y: lm.Mix("softmax", "ll").cost(z, y),
        "composed": lambda z, y: lm.Mix("softmax", "ll").composed(z, y),
        "book": lambda z, y: lm.book.log_likelihood(lm.book.softmax(z), y),
        "safe": lambda z, y: lm.log_likelihood(lm.softmax(z), y),
        "gather": lambda z, y: -np.log(lm.book.softmax(z))[rows, y].mean(),
        "gather along": lambda z, y: -np.take_along_axis(lm.log_softmax(z), y[:, None], 1).mean(),
        "axes": lambda z, y: lm.Mix("softmax", "ll").composed(z.reshape(3, 2, -1), y.reshape(3, 2)),
    }
    given = {f"{name}, given": f for name, f in forms.items()}
    return given | {name: lambda z, _, f=f: f(z, y) for name, f in forms.items()}


@pytest.mark.parametrize("by", ["numpy", "numba"])
@pytest.mark.parametrize("door", doors(np.zeros(6, int)))
def test_classes_are_never_made_dense(by, door):
    z, y = np.cos(np.arange(6.0 * 50)).reshape(6, 50) * 9, np.array([1, 49, 0, 1, 7, 30])
    f = doors(y)[door]
    g = compiled(f, 0, by)
    close(g(z, y), lm.value_and_grad(f)(z, y))
    assert "one_hot" not in g.source
    if by == "numba":
        assert "* float64" not in g.source  # no label is multiplied with
    if "given" in door:
        close(g(z, y[::-1]), lm.value_and_grad(f)(z, y[::-1]))
        for wrong in (-51, 50):
            with pytest.raises(IndexError if "gather" in door else ValueError, match=str(wrong)):
                g(z, np.full(6, wrong))


@pytest.mark.parametrize("by", ["numpy", "numba"])
def test_a_negative_index_is_a_class_counted_from_the_end(by):
    f = doors(np.zeros(2, int))["gather, given"]
    z = np.array([[1.0, 2.0, 4.0], [0.0, 3.0, -1.0]])
    close(compiled(f, 0, by)(z, np.array([-1, -3])), lm.value_and_grad(f)(z, [2, 0]))


@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
def test_classes_of_every_mix_are_as_interpreted(mix, blocks):
    z, y = np.cos(np.arange(12.0)).reshape(4, 3) * 5, np.array([0, 2, 1, 1])
    text = as_interpreted(mix.cost, z, y)
    assert "[i]" in text
    assert ("by_blocks" in text) == (blocks == "in blocks")
    assert "one_hot" not in text


def test_the_text_of_a_program_is_always_the_same():
    def text():
        program = TracedProgram()
        x = program.argument("x", np.zeros((4, 3)))
        sums = [(x * float(k)).sum(axis=0) for k in range(3, 9)]
        value = sum(s.max() for s in sums)
        return loops(program, "loops", Schedule(needed([value]), value))[0]

    assert len({text() for _ in range(20)}) == 1
