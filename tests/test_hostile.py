"""Whatever is handed to a public name: a value, or one error that says what was wrong.

A new public name without an entry below fails. An entry lists calls; each is made with every
hostile argument in place of `x`. Nothing that was handed in may be changed by it.
"""

import copy
import inspect
import io
import os
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

import tinygrad_lossmix as lm
from tests.helpers.hostile import INTERNAL, hostile
from tests.helpers.quick import every
from tinygrad_lossmix.testing import strategies
from tinygrad_lossmix.views.drawing import NoRenderer

REFUSALS = (TypeError, ValueError, IndexError, OverflowError, OSError, NoRenderer)
REFUSALS += (DeprecationWarning,)  # NumPy warns of what a later version refuses
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
    "claims": [],  # takes nothing
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
        lambda x: lm.draw(cost(), direction=x),
        lambda x: lm.draw(cost(), collapse=x),
        lambda x: lm.draw(cost(), open=x),
        lambda x: lm.draw(cost(), values=x),
        lambda x: lm.draw(cost(), beside=x),
    ],
    "field": [
        lambda x: lm.field(x),
        lambda x: lm.field(lm.MIXES[0], y=x),
    ],
    "grad": [
        lambda x: lm.grad(x, vector()),
        lambda x: lm.grad(cost(), x),
        lambda x: lm.grad(vector() * 2.0, vector(), seed=x),
        lambda x: lm.grad(cost(), [vector(), x]),
    ],
    "group": [
        lm.group,
        lambda x: lm.group("f")(x),
        lambda x: lm.group(x)(np.exp)(vector()),
        lambda x: lm.draw(lm.group("f")(lambda z, y: z * 2.0)(vector(), x)),
    ],
    "lml": [*unary(lm.lml), lambda x: lm.lml(Z, axis=x)],
    "log_likelihood": on_outputs(lm.log_likelihood),
    "log_sigmoid": unary(lm.log_sigmoid),
    "log_softmax": [*unary(lm.log_softmax), lambda x: lm.log_softmax(Z, axis=x)],
    "logsumexp": [
        *unary(lm.logsumexp),
        lambda x: lm.logsumexp(Z, axis=x),
        lambda x: lm.logsumexp(vector(), axis=x),
    ],
    "names": [],  # takes nothing
    "page": [
        lambda x: lm.page(x, os.devnull),
        lambda x: lm.page(vector().sum(), x),
        lambda x: lm.page(vector().sum(), os.devnull, x),
    ],
    "plateau": [
        lm.plateau,
        lambda x: lm.plateau(0.7, x),
        lambda x: lm.plateau(0.7, accuracy=x),
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
    "matching_cost": [
        lambda x: lm.matching_cost(x),
        lambda x: lm.matching_cost("softmax", x),
        lambda x: lm.matching_cost("softmax", 2, labels=x),
    ],
    "matching_output": [
        lambda x: lm.matching_output(x),
        lambda x: lm.matching_output(MIX.cost, x),
        lambda x: lm.matching_output(MIX.cost, 2, labels=x),
    ],
    "verdict": [
        lambda x: lm.verdict(x, 3),
        lambda x: lm.verdict(MIX, x),
        lambda x: lm.verdict(MIX, 2, labels=x),
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
    "Tensor.cumprod": [lambda x: vector().cumprod(x)],
    "Tensor.cumsum": [lambda x: vector().cumsum(x)],
    "Tensor.diagonal": [lambda x: lm.Tensor(Z).diagonal(x)],
    "Tensor.repeat": [lambda x: vector().repeat(x), lambda x: vector().repeat(2, axis=x)],
    "Tensor.std": [lambda x: vector().std(x), lambda x: vector().std(ddof=x)],
    "Tensor.trace": [lambda x: lm.Tensor(Z).trace(x)],
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
    "Drawing.svg": [lambda x: lm.draw(cost()).svg(animate=x)],
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
    "testing.property_test": [
        lambda x: lm.testing.property_test(x),
        lambda x: lm.testing.property_test((np.sum, x)),
        lambda x: lm.testing.property_test(np.sum, labels=x),
        lambda x: lm.testing.property_test(np.sum, output=x),
        lambda x: lm.testing.property_test(np.sum, reduction=x),
        lambda x: lm.testing.property_test(np.sum, delta=x),
        lambda x: lm.testing.property_test(np.sum, classes=x),
        lambda x: lm.testing.property_test(np.sum, batch=x),
        lambda x: lm.testing.property_test(np.sum, examples=x),
    ],
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


@every(9)
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_whatever_is_handed_in_gets_a_value_or_one_clear_error(name, every, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    faults = []
    for i, call in enumerate(CALLS[name]):
        for kind, x in list(hostile().items())[i % every :: every]:
            if wrong := fault(call, x):
                faults.append(f"call {i}, {kind}: {wrong[:200]}")
    assert faults == []
    np.testing.assert_array_equal((Z, Y), ([2.0, 1.0, 0.0], [1.0, 0.0, 0.0]))
