"""Nodes as lines of mathematics."""

import numpy as np
import pytest

from tinygrad_lossmix import Tensor, derivative
from tinygrad_lossmix.views.reading import Reading

x = Tensor([[1.0, 2.0], [3.0, 4.0]], name="x")
w = Tensor([1.0, 2.0], name="w")


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (1.0 - w, "1 - w"),
        (w * np.array([0.5, 1.0]), "w * [0.5, 1]"),
        (w / -2, "w / -2"),
        (x @ w, "x @ w"),
        (w**2, "w ** 2"),
        (-w, "-w"),
        (np.exp(w), "exp(w)"),
        (x.sum(axis=0, keepdims=True), "sum(x, axis=0, keepdims=True)"),
        (x.sum(), "sum(x)"),
        (x[0], "x[0]"),
        (x[..., 1:], "x[..., 1:]"),
        (x[::2, [0, 1]], "x[::2, [0, 1]]"),
        (x.reshape(2, 2), "reshape(x, shape=(2, 2))"),
        (np.concatenate([w, w]), "concatenate(w, w, axis=0)"),
        (np.where([True, False], w, 0.0), "where([1, 0], w, 0)"),
        (x * np.ones((2, 2)), "x * array of (2, 2)"),
        (w, ""),
    ],
)
def test_a_formula_reads_like_the_code_that_was_run(node, text):
    assert Reading(node).formula(node) == text


def test_a_function_of_the_users_is_called_by_its_name(own_table):
    def cube(x):
        return x**3

    node = derivative(cube, lambda g, z, x: 3 * g * x * x)(w)
    assert Reading(node).formula(node) == "cube(w)"
