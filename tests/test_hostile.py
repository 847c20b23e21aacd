"""Whatever is handed to a public name: a value, or one error that says what was wrong.

A new public name without an entry below fails. An entry lists calls; each is made with every
hostile argument in place of `x`. Nothing that was handed in may be changed by it.
"""

import copy
import inspect
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, Phase, given, settings

import tinygrad_lossmix as lm
from tinygrad_lossmix import atomic
from tinygrad_lossmix.cli import COMMANDS, main
from tinygrad_lossmix.testing import strategies
from tinygrad_lossmix.views.render import NoRenderer

REFUSALS = (TypeError, ValueError, IndexError, OverflowError, OSError, NoRenderer)
INTERNAL = (  # of a message that speaks of our inside, not of what was handed in
    *("has no attribute", "not subscriptable", "to unpack", "takes 1 positional", "unhashable"),
    *("object is not iterable", "unexpected keyword", "object is not callable", "cannot pickle"),
)


def hostile():
    """Each thing by a name; made anew, so that one test cannot spoil it for another."""
    structured = np.zeros(3, [("a", float), ("b", float)])
    read_only = np.ones(3)
    read_only.flags.writeable = False
    return {
        "None": None,
        "text": "softmax",
        "empty text": "",
        "long text": "x" * 10_000,
        "surrogate": "\ud800\x00",
        "bytes": b"bytes",
        "object": object(),
        "type": int,
        "function": lambda *args, **kwargs: None,
        "module": sys,
        "exception": ValueError("mine"),
        "generator": (i for i in range(3)),
        "set": {1, 2},
        "dict": {"a": 1},
        "empty list": [],
        "empty tuple": (),
        "ragged": [[1.0], [1.0, 2.0]],
        "strings": ["a", "b", "c"],
        "Nones": [None, None, None],
        "true": True,
        "zero": 0,
        "minus one": -1,
        "hundred": 100,
        "huge integer": 10**400,
        "half": 0.5,
        "huge": 1e308,
        "NaN": float("nan"),
        "infinity": float("inf"),
        "complex": 1j,
        "slice": slice(None),
        "ellipsis": ...,
        "0-d": np.array(2.0),
        "empty array": np.array([]),
        "no columns": np.zeros((2, 0)),
        "no rows": np.zeros((0, 3)),
        "other shape": np.ones((7, 5)),
        "many axes": np.ones((1,) * 10),
        "NaNs": np.full(3, np.nan),
        "infinities": np.array([np.inf, -np.inf, 0.0]),
        "huge numbers": np.array([1e308, -1e308, 1e308]),
        "negative integers": np.array([-1, -2, -3]),
        "large integers": np.full(3, 2**62),
        "unsigned": np.arange(3, dtype=np.uint64),
        "truth values": np.array([True, False, True]),
        "half precision": np.ones(3, np.float16),
        "big endian": np.ones(3, ">f8"),
        "complex array": np.ones(3, complex),
        "objects": np.array([1.0, "a", None], object),
        "texts": np.array(["a", "b", "c"]),
        "dates": np.array(["2020-01-01"] * 3, "datetime64[D]"),
        "structured": structured,
        "record": structured.view(np.recarray),
        "masked": np.ma.masked_array(np.ones(3), [True, False, False]),
        "matrix": np.asfortranarray(np.eye(3)),
        "read-only": read_only,
        "reversed": np.arange(3.0)[::-1],
        "number": lm.Tensor(1.0),
        "vector": lm.Tensor([1.0, 2.0, 3.0]),
        "NaN Tensor": lm.Tensor([np.nan, 1.0, 2.0]),
        "empty Tensor": lm.Tensor(np.zeros((0, 3))),
        "computed": np.exp(lm.Tensor([1.0, 2.0, 3.0])).sum(),
        "Tensors": [lm.Tensor(1.0), lm.Tensor(2.0)],
        "Tensor in objects": [lm.Tensor(1.0), None],
        "Mix": lm.MIXES[0],
    }


Z = np.array([2.0, 1.0, 0.0])
Y = np.array([1.0, 0.0, 0.0])
MIX = lm.Mix("softmax", "ll")


def vector():
    return lm.Tensor(Z, name="z")


def cost():
    return MIX.composed(vector(), 0)


def drawn(strategy):
    """One example of a strategy: that is where its arguments are looked at."""

    @settings(
        max_examples=1,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def take(example):
        pass

    take()


def prompted(*args, **kwargs):
    """A prompt that is left at once."""
    stdin, sys.stdin = sys.stdin, io.StringIO("")
    stdout, sys.stdout = sys.stdout, io.StringIO()
    try:
        lm.step(*args, **kwargs)
    finally:
        sys.stdin, sys.stdout = stdin, stdout


def unary(function):
    return [function, lambda x: function([x, x])]


def on_outputs(function):
    return [lambda x: function(x, Y), lambda x: function(Y, x), lambda x: function(vector(), x)]


CALLS = {
    "MIXES": [lambda x: lm.MIXES[x]],
    "Mix": [lambda x: lm.Mix(x, "ll"), lambda x: lm.Mix("softmax", x)],
    "Stepper": [
        lm.Stepper,
        lambda x: lm.Stepper(cost(), x),
        lambda x: lm.Stepper(cost(), {"z": x}),
    ],
    "Tensor": [
        lm.Tensor,
        lambda x: lm.Tensor(Z, name=x),
        lambda x: lm.Tensor(Z, copy=x),
        lambda x: lm.Tensor([x, 1.0]),
    ],
    "compile": [
        lm.compile,
        lambda x: lm.compile(x)(Z),
        lambda x: lm.compile(lambda z: MIX.cost(z, 0))(x),
        lambda x: lm.compile(lambda z: MIX.cost(z, 0), x),
        lambda x: lm.compile(lambda z: MIX.cost(z, 0), backend=x),
        lambda x: lm.compile(lambda z: x)(Z),
    ],
    "constant": [lm.constant],
    "cross_entropy": on_outputs(lm.cross_entropy),
    "delta_report": [
        lambda x: lm.delta_report(x, Z, 0),
        lambda x: lm.delta_report(MIX, x, 0),
        lambda x: lm.delta_report(MIX, Z, x),
    ],
    "derivative": [
        lambda x: lm.derivative(x, lambda g, z, x: g),
        lambda x: lm.derivative(np.arctan, x),
        lambda x: lm.derivative(x),
    ],
    "diagnose": [
        lambda x: lm.diagnose(x, [0], 0.5),
        lambda x: lm.diagnose([[0.5, 0.3, 0.2]], x, 0.5),
        lambda x: lm.diagnose([[0.5, 0.3, 0.2]], [0], x),
        lambda x: lm.diagnose([[0.5, 0.3, 0.2]], [0], 0.5, x),
    ],
    "draw": [
        lm.draw,
        lambda x: lm.draw(cost(), x),
        lambda x: lm.draw(cost(), {"z": x}),
        lambda x: lm.draw(cost(), collapse=x),
    ],
    "grad": [
        lambda x: lm.grad(x, vector()),
        lambda x: lm.grad(cost(), x),
        lambda x: lm.grad(vector() * 2.0, vector(), seed=x),
        lambda x: lm.grad(cost(), [vector(), x]),
    ],
    "log_likelihood": on_outputs(lm.log_likelihood),
    "log_sigmoid": unary(lm.log_sigmoid),
    "log_softmax": [*unary(lm.log_softmax), lambda x: lm.log_softmax(Z, axis=x)],
    "logsumexp": [
        *unary(lm.logsumexp),
        lambda x: lm.logsumexp(Z, axis=x),
        lambda x: lm.logsumexp(vector(), axis=x),
    ],
    "page": [
        lambda x: lm.page(x, os.devnull),
        lambda x: lm.page(vector().sum(), x),
        lambda x: lm.page(vector().sum(), os.devnull, x),
    ],
    "quadratic": on_outputs(lm.quadratic),
    "rewriting": [lm.rewriting],
    "sigmoid": unary(lm.sigmoid),
    "softmax": [
        *unary(lm.softmax),
        lambda x: lm.softmax(Z, axis=x),
        lambda x: lm.softmax(vector(), axis=x),
    ],
    "softplus": unary(lm.softplus),
    "stabilize": [lm.stabilize],
    "step": [
        prompted,
        lambda x: prompted(cost(), x),
        lambda x: prompted(cost(), beside=x),
    ],
    "tree": [lm.tree, lambda x: lm.tree(cost(), x)],
    "value_and_grad": [
        lambda x: lm.value_and_grad(x)(Z),
        lambda x: lm.value_and_grad(np.sum, x)(Z),
        lambda x: lm.value_and_grad(np.sum)(x),
        lambda x: lm.value_and_grad(lambda z: x)(Z),
    ],
    "xlogy": [lambda x: lm.xlogy(x, Y), lambda x: lm.xlogy(Y, x), lambda x: lm.xlogy(vector(), x)],
    "book.sigmoid": unary(lm.book.sigmoid),
    "book.softmax": unary(lm.book.softmax),
    "book.cross_entropy": on_outputs(lm.book.cross_entropy),
    "book.log_likelihood": on_outputs(lm.book.log_likelihood),
    "book.quadratic": on_outputs(lm.book.quadratic),
    "Mix.activate": [MIX.activate, lm.Mix("sigmoid", "ce").activate],
    **{
        f"Mix.{name}": [
            lambda x, name=name: getattr(MIX, name)(x, 0),
            lambda x, name=name: getattr(MIX, name)(Z, x),
            lambda x, name=name: getattr(lm.Mix("sigmoid", "quadratic"), name)(x, [x]),
        ]
        for name in ("composed", "cost", "delta", "hessian")
    },
    "Mix.verdict": [MIX.verdict],
    "Tensor.backward": [lambda x: (vector() * 2.0).backward(x)],
    "Tensor.astype": [lambda x: vector().astype(x)],
    "Tensor.clip": [lambda x: vector().clip(x, 1.0), lambda x: vector().clip(0.0, x)],
    "Tensor.dot": [lambda x: vector().dot(x)],
    "Tensor.reshape": [lambda x: vector().reshape(x), lambda x: vector().reshape(x, x)],
    "Tensor.swapaxes": [lambda x: vector().swapaxes(x, 0)],
    "Tensor.take": [lambda x: vector().take(x), lambda x: vector().take([0], axis=x)],
    "Tensor.transpose": [lambda x: vector().transpose(x)],
    **{
        f"Tensor.{name}": [lambda x, name=name: getattr(vector(), name)(x)]
        for name in (
            *("argmax", "argmin", "squeeze"),
            *("max", "mean", "min", "prod", "sum", "var"),
        )
    },
    "Stepper.at": [lambda x: str(lm.Stepper(cost()).at(x))],
    "Stepper.goto": [lambda x: lm.Stepper(cost()).goto(x)],
    "Stepper.run": [lambda x: lm.Stepper(cost()).run(x)],
    **{
        f"Stepper.{name}": [lambda x, name=name: getattr(lm.Stepper(cost()), name)(x)]
        for name in ("arrival", "complete", "gradient", "progress", "terms", "until", "value")
    },
    "Drawing.save": [lambda x: lm.draw(cost()).save(x)],
    "testing.gradcheck": [
        lambda x: lm.testing.gradcheck(x, Z),
        lambda x: lm.testing.gradcheck(np.sum, x),
        lambda x: lm.testing.gradcheck((np.sum, x), Z),
        lambda x: lm.testing.gradcheck(lambda z: x, Z),
        lambda x: lm.testing.gradcheck(np.sum, Z, wrt=x),
        lambda x: lm.testing.gradcheck(np.sum, Z, method=x),
        lambda x: lm.testing.gradcheck(np.sum, Z, mode=x),
        lambda x: lm.testing.gradcheck(np.sum, Z, order=x),
        lambda x: lm.testing.gradcheck(np.sum, Z, rtol=x),
        lambda x: lm.testing.gradcheck(np.sum, Z, seed=x),
    ],
    "testing.GradcheckReport": [],  # what gradcheck returns; nobody makes one
    "testing.prove": [
        lambda x: lm.testing.prove(x, "ll", 2),
        lambda x: lm.testing.prove("softmax", x, 2),
        lambda x: lm.testing.prove("softmax", "ll", x),
    ],
    "strategies.Program": [strategies.Program],
    "strategies.arrays": [
        lambda x: drawn(strategies.arrays(x)),
        lambda x: drawn(strategies.arrays((2,), dtype=x)),
        lambda x: drawn(strategies.arrays((2,), layouts=x)),
    ],
    "strategies.broadcastable": [lambda x: drawn(strategies.broadcastable(x))],
    "strategies.examples": [
        lambda x: drawn(strategies.examples(x)),
        lambda x: drawn(strategies.examples(labels=x)),
        lambda x: drawn(strategies.examples(classes=x)),
        lambda x: drawn(strategies.examples(batch=x)),
    ],
    "strategies.indices": [lambda x: drawn(strategies.indices(x))],
    "strategies.labels": [
        lambda x: drawn(strategies.labels(x)),
        lambda x: drawn(strategies.labels((3,), x)),
    ],
    "strategies.laid_out": [
        lambda x: strategies.laid_out(x, "C"),
        lambda x: strategies.laid_out(Z, x),
    ],
    "strategies.logits": [
        lambda x: drawn(strategies.logits(x)),
        lambda x: drawn(strategies.logits((3,), x)),
    ],
    "strategies.matmul_shapes": [lambda x: drawn(strategies.matmul_shapes(x))],
    "strategies.mixes": [],
    "strategies.programs": [lambda x: drawn(strategies.programs(x))],
    "strategies.separated": [
        lambda x: drawn(strategies.separated(x)),
        lambda x: drawn(strategies.separated((2,), gap=x)),
    ],
    "strategies.shapes": [lambda x: drawn(strategies.shapes(x))],
    "strategies.tensors": [lambda x: drawn(strategies.tensors(x))],
}


def public():
    """Every public name that takes arguments."""
    names = {name for name in lm.__all__ if callable(getattr(lm, name)) or name == "MIXES"}
    names |= {f"testing.{name}" for name in lm.testing.__all__ if name != "strategies"}
    names |= {f"book.{n}" for n, f in vars(lm.book).items() if _own(f) and n[0] != "_"}
    names |= {f"strategies.{n}" for n in strategies.__all__ if callable(getattr(strategies, n))}
    for kind in (lm.Tensor, lm.Mix, lm.Stepper, type(lm.draw(vector()))):
        methods = {n for n in dir(kind) if callable(getattr(kind, n)) and not n.startswith("_")}
        taking = {n for n in methods if len(inspect.signature(getattr(kind, n)).parameters) > 1}
        names |= {f"{kind.__name__}.{n}" for n in taking}
    return names


def _own(function):
    """Whether it is one of the book's."""
    return callable(function) and function.__module__ == lm.book.__name__


def test_every_public_name_has_an_entry():
    assert public() == set(CALLS)


def frozen(x):
    """What can be seen of a thing, to tell whether it has been changed."""
    if isinstance(x, lm.Tensor):
        return x.data.tobytes(), x.shape, x.dtype, x.name, x.grad
    if isinstance(x, np.ndarray):
        return (
            x.tobytes() if x.dtype != object else list(x.flat),
            x.shape,
            x.dtype,
            x.flags.writeable,
        )
    if isinstance(x, list | tuple):
        return [frozen(each) for each in x]
    return copy.copy(x) if isinstance(x, dict | set) else id(x)


def fault(call, x):
    """What is wrong with how a call takes an argument; '' for nothing."""
    before = frozen(x)
    try:
        call(x)
    except REFUSALS as error:
        words = str(error)
        if not words.strip():
            return f"{type(error).__name__} without a word"
        if any(part in words for part in INTERNAL):
            return f"{type(error).__name__} of our inside: {words}"
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return "" if frozen(x) == before else "changed its argument"


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_whatever_is_handed_in_gets_a_value_or_one_clear_error(
    name, own_table, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    faults = []
    for i, call in enumerate(CALLS[name]):
        for kind, x in hostile().items():
            if wrong := fault(call, x):
                faults.append(f"call {i}, {kind}: {wrong[:200]}")
    assert faults == []
    np.testing.assert_array_equal((Z, Y), ([2.0, 1.0, 0.0], [1.0, 0.0, 0.0]))


TEXTS = [
    *("", " ", "x" * 10_000, "--", "-", "-1", "0", "nan", "inf", "1e400", "1,2,", ",", "½", "٣"),
    *("\udcff", "\u202e", "..", "/dev/null/x", "0x10", "None", "softmax;ll", "$(id)"),
    *("9" * 30, "0.5", "{}", "[]", "a:b", "os:nothing", "no.such:thing", "\r\n", "*", "~", "%s"),
]
QUICK = ("--mixes", "softmax ll", "--seeds", "1", "--epochs", "1", "--data", "few.csv")
MIXED = [("X", "ll"), ("softmax", "X"), ("softmax", "ll", "X")]
ON_Z = [*MIXED, ("softmax", "ll", "--z", "X"), ("softmax", "ll", "--y", "X")]
COMMAND_LINES = {
    "compare": [
        ("X",),
        *[(*QUICK, option, "X") for option in ("--mixes", "--seeds", "--epochs", "--hidden")],
        *[(*QUICK, option, "X") for option in ("--eta", "--batch", "--data", "--dtype")],
    ],
    "verdict": [("X",), ("softmax", "X"), ("softmax", "ll", "--classes", "X")],
    "claims": [("X",), ("--X",)],
    "names": [("X",)],
    "delta": [*ON_Z, ("softmax", "ll", "--beside", "X", "ll")],
    "prove": [*MIXED, ("softmax", "ll", "--classes", "X")],
    "step": [
        *[(*line, "--batch") for line in ON_Z],
        ("softmax", "ll", "--batch", "-c", "X"),
        ("softmax", "ll", "--batch", "-c", "print X"),
        ("softmax", "ll", "--batch", "-c", "draw X"),
        ("softmax", "ll", "--batch", "--beside", "softmax", "X"),
    ],
    "draw": [*ON_Z, ("softmax", "ll", "-o", "X"), ("softmax", "ll", "-o", "X.svg")],
    "page": [*[(*line, "-o", "p.html") for line in ON_Z], ("softmax", "ll", "-o", "X")],
    "check": [
        ("X",),
        *MIXED,
        *[("softmax", "ll", option, "X") for option in ("--input", "--method", "--mode")],
        *[("softmax", "ll", option, "X") for option in ("--order", "--seed")],
        ("math:sin", "--input", "X"),
    ],
    "diagnose": [
        ("X",),
        *[("0.5", option, "X") for option in ("--npz", "--classes", "--accuracy")],
    ],
    "plateau": [("X",), *[("0.5", option, "X") for option in ("--classes", "--accuracy")]],
    "doctor": [("X",)],
}


def test_every_command_has_an_entry():
    assert {name for group in COMMANDS.values() for name in group} == set(COMMAND_LINES)


def few(folder):
    """A few examples to train on."""
    rows = [f"{i % 3},{i % 5},{i % 2}" for i in range(40)]
    (folder / "few.csv").write_text("\n".join(rows))


def trouble(args):
    """What is wrong with how the command line takes its arguments; '' for nothing."""
    done = CliRunner().invoke(main, args, input="")
    if done.exception and not isinstance(done.exception, SystemExit):
        return f"{type(done.exception).__name__}: {done.exception}"
    if done.exit_code not in (0, 1, 2) or "Traceback" in done.output:
        return f"exit code {done.exit_code}: {done.stderr}"
    messages = len(re.findall(r"^(Error: |\*\*\* )", done.stderr, re.MULTILINE))
    if done.exit_code == 2 and messages != 1:
        return f"{messages} messages: {done.stderr}"
    if done.exit_code and not done.output.strip():
        return f"exit code {done.exit_code} without a word"
    if any(part in done.stderr for part in INTERNAL):
        return f"speaks of our inside: {done.stderr}"
    return ""


@pytest.mark.parametrize("command", COMMAND_LINES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_whatever_is_typed_gets_an_answer_or_one_clear_error(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    few(tmp_path)
    troubles = []
    for line in COMMAND_LINES[command]:
        for text in TEXTS:
            args = [command, *(word.replace("X", text) for word in line)]
            if wrong := trouble(args):
                troubles.append(f"{' '.join(args)[:100]!r}: {wrong[:300]}")
    assert troubles == []


WRITES = {
    "draw svg": ("draw", "softmax", "ll", "-o", "{}.svg"),
    "draw dot": ("draw", "softmax", "ll", "-o", "{}.dot"),
    "page": ("page", "softmax", "ll", "-o", "{}.html"),
    "step draw": ("step", "softmax", "ll", "--batch", "-c", "draw {}.svg"),
    "step page": ("step", "softmax", "ll", "--batch", "-c", "page {}.html"),
    "compare": ("compare", *QUICK, "--out", "{}"),
}


@pytest.mark.parametrize("name", WRITES)
def test_what_cannot_be_written_is_one_error_and_leaves_nothing(name, tmp_path, monkeypatch):
    *args, target = WRITES[name]
    monkeypatch.chdir(tmp_path)
    few(tmp_path)
    (tmp_path / "file").write_text("kept")
    (tmp_path / "taken.svg").mkdir()
    for suffix in (".dot", ".html"):
        (tmp_path / f"taken{suffix}").mkdir()
    before = sorted(tmp_path.rglob("*"))
    places = [tmp_path / "file" / "under"]
    places += [] if name == "compare" else [tmp_path / "missing" / "x", tmp_path / "taken"]
    for place in places:
        done = CliRunner().invoke(main, [*args, target.format(place)])
        assert (done.exit_code, type(done.exception)) in ((1, SystemExit), (2, SystemExit))
        assert len(re.findall(r"^(Error: |\*\*\* )", done.stderr, re.MULTILINE)) == 1
        assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device here")
@pytest.mark.parametrize(
    "args",
    [("delta", "softmax", "ll"), ("draw", "softmax", "ll"), ("plateau", "2.3", "--json")],
    ids=" ".join,
)
def test_a_full_disk_is_one_error(args):
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "tinygrad_lossmix", *args]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device here")
def test_a_full_device_as_the_file_is_an_error_and_stays_a_device():
    done = CliRunner().invoke(main, ["draw", "softmax", "ll", "-o", "/dev/full"])
    assert done.exit_code == 2  # no suffix
    with pytest.raises(OSError, match="No space"):
        atomic.write(Path("/dev/full"), b"x" * 100)
    assert Path("/dev/full").is_char_device()
