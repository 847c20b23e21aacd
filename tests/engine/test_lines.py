"""A node that was asked to knows the file and the line of the user's code that made it."""

import gc
import inspect
import weakref

import numpy as np
import pytest
from hypothesis import given

import tinygrad_lossmix as lm
from tests.helpers.quick import in_one
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.sweep import sweep
from tinygrad_lossmix.testing import strategies
from tinygrad_lossmix.testing.strategies.programs import odd, soft

HERE = __file__


def here():
    """The number of the line that calls."""
    return inspect.currentframe().f_back.f_lineno


def run(source, **names):
    """Variables of a program, run as a file of the user's."""
    exec(compile(source, "/home/user/net.py", "exec"), names)
    return names


@given(strategies.programs(max_steps=12))
def test_the_lines_of_random_programs(example):
    program, leaves = example
    names = [f"v{i}" for i in range(len(leaves) + len(program.steps))]
    lines = [f"{name} = lm.Tensor(leaves[{i}], lines=True)" for i, name in enumerate(names)]
    for at, (text, _, operands) in enumerate(program.steps, len(leaves)):
        lines[at] = f"{names[at]} = {text.format(*[names[i] for i in operands])}"
    found = run("\n".join(lines), lm=lm, np=np, leaves=leaves, soft=soft, odd=odd)
    seen = set()
    for number, name in enumerate(names, 1):
        if isinstance(found[name], lm.Tensor):
            fresh = set(nodes(found[name])) - seen
            assert {node.line for node in fresh} == {("/home/user/net.py", number)}
            seen |= fresh


def test_a_leaf_that_was_not_asked_knows_nothing_and_passes_nothing_on():
    x = lm.Tensor([1.0, 2.0])
    assert {node.line for node in nodes(lm.softmax(np.exp(x)).sum())} == {None}
    y = x * lm.Tensor(2.0, lines=True)
    assert y.line == (HERE, here() - 1)
    assert x.line is None
    y = lm.Tensor(2.0, lines=True) * x
    assert y.line == (HERE, here() - 1)


@in_one(
    "call",
    [
        lambda t: t.sum(),
        lambda t: t[0],
        lambda t: t.T,
        lambda t: t.mT,
        lambda t: t.reshape(-1),
        lambda t: t.astype(np.float32),
        lambda t: -t,
        lambda t: 1.0 / t,
        lambda t: t @ np.ones((2, 3)),
        lambda t: np.ones((3, 2)) @ t,
        lambda t: np.concatenate([np.ones((2, 2)), t]),
        lambda t: np.stack([t, t]),
        lambda t: np.where(t > 1.0, t, 0.0),
        lambda t: np.add.reduce(t),
        lambda t: np.einsum("ij->i", t),
        lambda t: np.polynomial.polynomial.polyval(t, [1.0, 2.0]),
        lambda t: lm.constant(t),
        lambda t: lm.softmax(t),
        lambda t: lm.logsumexp(t),
        lambda t: lm.book.softmax(t),
        lambda t: lm.cross_entropy(lm.sigmoid(t), [0, 1]),
        lambda t: lm.Mix("softmax", "ll").cost(t, [0, 1]),
        lambda t: lm.Mix("sigmoid", "ce").composed(t, [0, 1]),
        lambda t: lm.xlogy(np.ones((2, 2)), t),
        lambda t: next(iter(t)),
    ],
)
def test_every_way_to_make_a_node_passes_the_line_on(call):
    t = lm.Tensor([[1.0, 2.0], [3.0, 4.0]], lines=True)
    made = set(nodes(call(t))) - {t}
    assert {node.line for node in made} == {(HERE, call.__code__.co_firstlineno)}


def test_a_line_in_a_function_of_the_users_is_that_of_the_function():
    source = """
@lm.group("layer")
def layer(x):
    return np.tanh(
        2.0 *
        x
    )
h = layer(lm.Tensor(1.0, lines=True))
"""
    h = run(source, lm=lm, np=np)["h"]
    assert [node.line[1] for node in nodes(h)] == [8, 5, 4]


def test_a_derivative_of_a_derivative_has_the_line_that_asked_for_it():
    x = lm.Tensor([1.0, 2.0], lines=True)
    slope = lm.grad((x**3).sum(), x, create_graph=True)
    assert slope.line == (HERE, here() - 1)


def test_what_stabilize_puts_in_the_place_of_a_node_has_its_line():
    z = lm.Tensor([1000.0, 0.0], lines=True)
    with np.errstate(all="ignore"):
        a = np.exp(z) / np.exp(z).sum()
        cost = -np.log(a[1])
    stable = lm.stabilize(cost)
    assert stable is not cost
    assert {node.line[1] for node in nodes(stable)} <= {node.line[1] for node in nodes(cost)}


def test_an_error_in_a_rule_says_where_its_node_was_recorded():
    def cube(x):
        return x**3

    def rule(g, z, x):
        raise ZeroDivisionError("mine")

    cube = lm.derivative(cube, rule)
    for lines, words in ((True, f"{HERE}, line {here() + 1}"), (False, "rule of cube")):
        cost = cube(lm.Tensor(2.0, lines=lines))
        with pytest.raises(ZeroDivisionError) as caught:
            list(sweep(cost, 1.0))
        assert len(caught.value.__notes__) == 1
        assert caught.value.__notes__[0].endswith(words)


def test_no_frame_is_kept():
    gc.disable()
    try:
        x = lm.Tensor([1.0, 2.0], lines=True)
        cost = (x * x).sum()
        watched = {1}
        dying = weakref.ref(watched), weakref.ref(cost)
        del watched, cost
        assert [ref() for ref in dying] == [None, None]
    finally:
        gc.enable()
