"""What the mixes say when they refuse: what was wrong, what was expected, what to do."""

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.quick import in_one
from tinygrad_lossmix import Mix, Tensor

Z = np.array([0.5, -1.0, 2.0])


@in_one(
    ("call", "sentence"),
    [
        (
            lambda mix: Mix("softmax", "hinge"),
            "there is no mix 'softmax' with 'hinge': choose one of sigmoid ce, sigmoid ll, "
            "sigmoid quadratic, softmax ce, softmax ll, softmax quadratic, lml ce, lml ll, "
            "lml quadratic, or a function, at the shell as numpy:exp",
        ),
        (
            lambda mix: mix.cost(1.0, 0),
            "logits have at least one axis, the last one over the K ≥ 1 classes: z of (K,), not ()",
        ),
        (
            lambda mix: mix.cost([1j, 0], 0),
            "logits are real numbers, not complex128: convert with x.astype(float)",
        ),
        (
            lambda mix: mix.cost([[1.0], [2.0, 3.0]], 0),
            "logits are a rectangular list: its rows differ in length",
        ),
        (
            lambda mix: mix.cost(np.ma.array(Z), 0),
            "logits cannot be masked: fill the masked entries, x.filled(0)",
        ),
        (
            lambda mix: Mix(lambda z: z.data, "ll").composed(Tensor(Z), 0),
            "the output layer gives an array for a Tensor: compute it by NumPy's operators and "
            "functions that have a derivative, without float(), .data and math functions",
        ),
        (lambda mix: mix.cost(Z, 3), "classes are 0 … 2 for 3 outputs, but y holds 3"),
        (lambda mix: mix.cost(Z, -1), "classes are 0 … 2 for 3 outputs, but y holds -1"),
        (
            lambda mix: mix.cost([1.0], 0),
            "classes need K ≥ 2 outputs, not 1: give labels of shape (1,)",
        ),
        (
            lambda mix: mix.cost(Z, [1.0, 0.0]),
            "labels of shape (2,) do not belong to outputs of shape (3,): expected (3,), or "
            "integer classes of shape ()",
        ),
        (
            lambda mix: mix.cost(Z, 1.0),
            "classes are integers, not float64: use y.astype(int), or labels of shape (3,)",
        ),
        (
            lambda mix: mix.cost(Z.reshape(3, 1), [[0.0], [1.0], [0.0]]),
            "softmax runs over the last axis, which has one entry in z of shape (3, 1): every "
            "output is 1. Classes go along the last axis: z[:, 0] of a column of logits, z.T of "
            "several side by side",
        ),
        (
            lambda mix: Mix("softmax", "crossentropy"),
            "'crossentropy' is two costs: ce, the book's eq. 63 (PyTorch's BCELoss), or ll, "
            "eq. 80 (PyTorch's CrossEntropyLoss, with softmax): choose ce or ll",
        ),
        (
            lambda mix: mix.cost(Z, "cat"),
            "labels are real numbers, not <U3: use np.unique(y, return_inverse=True)[1]",
        ),
        (
            lambda mix: mix.cost(Z, 1j),
            "labels are real numbers, not complex128: use y.astype(float)",
        ),
        (
            lambda mix: mix.cost(Z, Tensor([0.0, 0.0, 1.0])),
            "labels are constants, not a Tensor: pass y.data",
        ),
        (
            lambda mix: mix.cost(Z, [Tensor(0.0), Tensor(0.0), Tensor(1.0)]),
            "labels are constants, not a list of Tensors: pass t.data of each",
        ),
        (
            lambda mix: mix.cost(Z, np.ma.array([0.0, 0.0, 1.0])),
            "labels cannot be masked: fill the masked entries, y.filled(0)",
        ),
        (
            lambda mix: mix.cost(Z, [[0.0], [1.0, 2.0]]),
            "labels are a rectangular list: its rows differ in length",
        ),
        (
            lambda mix: mix.cost(Z, [0.0, 0.0, np.nan]),
            "labels are finite numbers, but y holds NaN or infinity: leave such rows out",
        ),
        (
            lambda mix: mix.hessian([Z, Z], 0),
            "the Hessian is of one example, z of shape (K,), not (2, 3)",
        ),
        (lambda mix: mix.verdict(0), "a verdict is for 1 to 50 classes, not 0"),
        (
            lambda mix: lm.quadratic(0.5, [1.0]),
            "labels of shape (1,) do not belong to outputs of shape (): expected ()",
        ),
        (
            lambda mix: lm.quadratic([1j], [1.0]),
            "outputs are real numbers, not complex128: convert with x.astype(float)",
        ),
        (
            lambda mix: lm.book.softmax([1j]),
            "logits are real numbers, not complex128: convert with x.astype(float)",
        ),
        (
            lambda mix: lm.sigmoid([1j]),
            "logits are real numbers, not complex128: convert with x.astype(float)",
        ),
        (
            lambda mix: lm.softplus([1j]),
            "logits are real numbers, not complex128: convert with x.astype(float)",
        ),
        (
            lambda mix: lm.log_sigmoid([1j]),
            "logits are real numbers, not complex128: convert with x.astype(float)",
        ),
        (
            lambda mix: lm.logsumexp(["3"]),
            "logits are real numbers, not <U1: convert with x.astype(float)",
        ),
        (
            lambda mix: lm.softmax(np.ma.array(Z)),
            "logits cannot be masked: fill the masked entries, x.filled(0)",
        ),
        (
            lambda mix: lm.log_softmax([[1.0], [2.0, 3.0]]),
            "logits are a rectangular list: its rows differ in length",
        ),
    ],
)
def test_a_refusal_is_one_whole_sentence(call, sentence):
    with pytest.raises((TypeError, ValueError)) as refused:
        call(Mix("softmax", "ce"))
    assert str(refused.value) == sentence
