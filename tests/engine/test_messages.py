"""What the engine says when it refuses: what was wrong, what was expected, what to do."""

import copy
import math
from types import SimpleNamespace

import numpy as np
import pytest

from tests.helpers.quick import in_one
from tinygrad_lossmix import Tensor, derivative, grad, value_and_grad
from tinygrad_lossmix.engine.table import spelling


@in_one(
    ("call", "sentence"),
    [
        (
            lambda t, m: Tensor("1.5"),
            "a Tensor is made of a number, a list of numbers or a float array, not of str: "
            "convert it first, e.g. np.asarray(x, dtype=float)",
        ),
        (
            lambda t, m: Tensor(t),
            "a Tensor is made of a number, a list of numbers or a float array, not of Tensor: "
            "take t.data first, e.g. np.asarray(x, dtype=float)",
        ),
        (
            lambda t, m: Tensor(np.ma.array([1.0])),
            "a Tensor is made of a number, a list of numbers or a float array, not of "
            "MaskedArray: fill the masked entries first, e.g. np.asarray(x, dtype=float)",
        ),
        (
            lambda t, m: Tensor(np.array([1, 2])),
            "a Tensor holds floats, not int64: convert with x.astype(float), or leave it a "
            "plain array if it is a constant (labels, indices, a mask)",
        ),
        (
            lambda t, m: Tensor([1.0, None]),
            "a Tensor holds floats, not object: convert with x.astype(float), or leave it a "
            "plain array if it is a constant (labels, indices, a mask)",
        ),
        (lambda t, m: Tensor(1.0, name=1), "a Tensor's name is a str, not int"),
        (
            lambda t, m: type("Own", (Tensor,), {}),
            "Tensor cannot be subclassed: write functions of Tensors instead",
        ),
        (lambda t, m: t.astype(int), "a Tensor holds floats; int64 is not a float dtype"),
        (
            lambda t, m: t.__setitem__(0, 1.0),
            "a Tensor cannot be assigned to; build a new one: np.where(mask, x, t)",
        ),
        (
            lambda t, m: np.asarray(t),
            "a Tensor does not turn into an array by itself, the gradient would be lost: use "
            "t.data for its values, np.stack([t, u]) to join Tensors, np.where(mask, t, x) to "
            "assign, and for SciPy's: lm.softmax, lm.log_softmax, lm.logsumexp",
        ),
        (
            lambda t, m: np.clip(t, least=0.0),
            "np.clip() got an unexpected keyword argument 'least'",
        ),
        (
            lambda t, m: copy.copy(t),
            "a Tensor is not copied or pickled, its recording is not part of it: use t.data",
        ),
        (
            lambda t, m: t + "a",
            "a Tensor can be combined with real numbers and plain arrays of them, not with str",
        ),
        (
            lambda t, m: t + None,
            "a Tensor can be combined with real numbers and plain arrays of them, not with "
            "NoneType (a .grad is None until backward() has filled it)",
        ),
        (
            lambda t, m: t + np.array([1j]),
            "a Tensor can be combined with real numbers and plain arrays of them, not with "
            "ndarray of complex128",
        ),
        (
            lambda t, m: np.add(t, [[1.0, 2.0], [3.0]]),
            "a list of numbers must be rectangular: its rows differ in length",
        ),
        (
            lambda t, m: t[t],
            "a Tensor cannot be an index: use integers, or a mask such as t > 0 in t[t > 0]",
        ),
        (lambda t, m: np.sum(t, axis=t), "a Tensor cannot be an option: pass operands by position"),
        (
            lambda t, m: np.exp(t, out=np.empty(2)),
            "np.exp(…, out=…) would overwrite values that gradients need: drop out=, or work on"
            " t.data",
        ),
        (
            lambda t, m: np.sum(t, out=np.empty(())),
            "np.sum(…, out=…) would overwrite values that gradients need: drop out=, or work on"
            " t.data",
        ),
        (lambda t, m: np.exp(t, where=[True, False]), "np.exp on a Tensor does not take where"),
        (lambda t, m: np.sum(t, where=[True, False]), "np.sum on a Tensor does not take where"),
        (
            lambda t, m: np.add.accumulate(t),
            "np.add.accumulate has no derivative rule: spell it out in functions that have one,"
            " or compute a plain value of t.data",
        ),
        (
            lambda t, m: np.spacing(t),
            "np.spacing has no derivative rule: add one with lm.derivative(np.spacing, lambda g, "
            "z, x: …), where g is the gradient arriving at the output z, or compute a plain "
            "value with np.spacing(t.data)",
        ),
        (
            lambda t, m: np.nextafter(t, t),
            "np.nextafter has no derivative rule: add one with lm.derivative(np.nextafter, lambda "
            "g, z, x, y: …, lambda g, z, x, y: …), where g is the gradient arriving at the "
            "output z, or compute a plain value with np.nextafter of t.data",
        ),
        (
            lambda t, m: np.linalg.inv(m),
            "np.linalg.inv has no derivative rule: add one with lm.derivative(np.linalg.inv, "
            "lambda g, z, x: …), where g is the gradient arriving at the output z, or compute a"
            " plain value with np.linalg.inv(t.data)",
        ),
        (
            lambda t, m: np.einsum(m, [0, 1], [0]),
            "np.einsum on Tensors takes letters, then operands: 'ij,jk->ik', t, u",
        ),
        (
            lambda t, m: np.take_along_axis(m, np.array([0, 1]), -1),
            "np.take_along_axis: indices of shape (2,) for an array of shape (2, 2): give as many "
            "axes, labels[:, None]",
        ),
        (
            lambda t, m: np.pad(t, 1, "mean"),
            "np.pad on a Tensor does not take mode='mean': it takes constant, edge, reflect, "
            "symmetric, wrap; join others, np.append(u, t)",
        ),
        (
            lambda t, m: np.linalg.norm(m, 2),
            "np.linalg.norm on a Tensor does not take ord=2: it takes None, 'fro' and, over one "
            "axis, 1, 2, inf, -inf; write another as a formula, np.sum(abs(t) ** p) ** (1 / p)",
        ),
        (
            lambda t, m: np.einsum("...i->i", m),
            "np.einsum: the output of '...i->i' must include the ellipsis",
        ),
        (
            lambda t, m: np.broadcast_to(m, (2,)),
            "an array of shape (2, 2) cannot be broadcast to (2,)",
        ),
        (
            lambda t, m: derivative(1, 2),
            "derivative(function, *rules) takes functions, a rule per positional argument, lambda "
            "g, z, x: …; None stands for no rule",
        ),
        (
            lambda t, m: derivative(np.arctan),
            "derivative(function, *rules) takes functions, a rule per positional argument, lambda "
            "g, z, x: …; None stands for no rule",
        ),
        (
            lambda t, m: derivative(lambda x: x, lambda g, z, x: g)(t, 1.0),
            "<lambda> has 1 derivative rules for 2 positional arguments: give one for each, None: "
            "not differentiated",
        ),
        (
            lambda t, m: derivative(len, lambda g, z, x: g)(t),
            "len gave int, but a Tensor holds floats: return an array of floats, or call it on "
            "t.data",
        ),
        (
            lambda t, m: derivative(np.sort_complex, lambda g, z, x: g)(t),
            "np.sort_complex gave complex128, but a Tensor holds floats: return an array of "
            "floats, or call it on t.data",
        ),
        (
            lambda t, m: grad(1.0, t),
            "the cost is a float, not a Tensor: wrap what you differentiate, z = Tensor(z), and "
            "keep float(), .item(), .data and math functions out of the cost; of a function, "
            "value_and_grad(f)(x) gives value and gradient",
        ),
        (lambda t, m: grad(t.sum(), 1.0), "wrt is a Tensor or a list of them, not float"),
        (
            lambda t, m: grad(t, t),
            "the cost has shape (2,): take its sum or mean, or give a seed of that shape",
        ),
        (
            lambda t, m: grad(t.sum(), t, seed=np.ones(3)),
            "the seed has shape (3,), the cost (): give that shape",
        ),
        (
            lambda t, m: grad(derivative(np.arctan, lambda g, z, x: 1j * g)(t).sum(), t),
            "the derivative rule of np.arctan gave complex128: return an array of floats",
        ),
        (
            lambda t, m: grad(derivative(np.arctan, lambda g, z, x: np.ones(3))(t).sum(), t),
            "the derivative rule of np.arctan gave a gradient of shape (3,) for an argument of "
            "shape (2,); a rule returns the shape of g, before broadcasting is undone",
        ),
        (lambda t, m: value_and_grad(1.0), "value_and_grad takes a function of arrays, not float"),
        (
            lambda t, m: value_and_grad(np.sum, ()),
            "wrt is empty: give the position of an argument, or a tuple of them",
        ),
        (
            lambda t, m: value_and_grad(np.sum, 0.5),
            "wrt is the position of an argument or a tuple of them, not 0.5",
        ),
        (
            lambda t, m: value_and_grad(np.sum, (0, 3))(np.ones(2)),
            "wrt=(0, 3), but the function got 1 arguments",
        ),
        (
            lambda t, m: np.sum(t, axis=(i for i in [0])),
            "an option such as an axis is not generator",
        ),
        (lambda t, m: t.transpose(1.5), "integers or a tuple of them, not float"),
        (
            lambda t, m: value_and_grad(np.sum)(t),
            "value_and_grad takes arrays and gives arrays, no gradient would reach a Tensor: pass "
            "t.data, or differentiate a call of the function itself, grad(f(w, t), [w, t])",
        ),
        (
            lambda t, m: value_and_grad(lambda w: w.sum().item())(np.ones(2)),
            "the value is of type float, not a Tensor: float(t), t.item(), t.data, math.log(t), "
            "comparisons and np.sign(t) leave the recording, and no gradient flows through them; "
            "return what NumPy makes of the arguments, such as np.log(t).sum()",
        ),
        (
            lambda t, m: derivative(np.hypot, lambda g, z, x, y: g * x / z),
            "np.hypot takes 2 arguments: give a rule for each, None: not differentiated",
        ),
        (
            lambda t, m: np.ones(2).__iadd__(t),
            "an array holds no Tensors: write a = np.add(a, t), not in place as a += t does",
        ),
        (
            lambda t, m: np.sum(t, where=[True, True], initial=0.0),
            "np.sum on a Tensor does not take initial, where",
        ),
    ],
)
def test_a_refusal_is_one_whole_sentence(call, sentence):
    with pytest.raises((TypeError, ValueError)) as refused:
        call(Tensor([1.0, 2.0]), Tensor(np.eye(2)))
    assert str(refused.value) == sentence


def test_generated_methods_say_which_function_they_are():
    assert Tensor.exp.__doc__ == "`np.exp`."
    assert Tensor.sum.__doc__ == "`np.sum` over an axis, several, or all."
    assert Tensor.take.__doc__ == "`np.take`."


def test_out_may_be_said_to_be_none():
    t = Tensor([-1.0, 2.0])
    assert np.clip(t, 0.0, 1.0, out=None).data.tolist() == [0.0, 1.0]


def test_options_of_a_plain_answer_are_heeded():
    assert np.equal(Tensor([1.0]), 1.0, dtype=object).dtype == object


def test_an_option_that_no_rule_takes_is_named():
    with pytest.raises(TypeError, match=r"np\.add on a Tensor does not take dtype, where"):
        np.add(Tensor([1.0]), 1.0, dtype=float, where=True)
    with pytest.raises(TypeError, match=r"np\.nextafter has no derivative rule"):
        np.nextafter(Tensor([1.0]), 1.0, dtype=float)


def test_private_modules_of_numpy_are_not_part_of_a_name():
    def norm():
        pass

    norm.__module__ = "numpy.linalg._linalg"
    assert spelling(norm) == "np.linalg.norm"
    norm.__module__ = None
    assert spelling(norm) == "norm"
    assert spelling(SimpleNamespace(__name__="f")) == "f"


def test_a_ufunc_of_another_library_is_not_called_numpys():
    expit = np.frompyfunc(math.exp, 1, 1)
    assert spelling(expit) == "exp (vectorized)"
    with pytest.raises(TypeError, match=r"^exp \(vectorized\) has no derivative rule"):
        expit(Tensor(1.0))
