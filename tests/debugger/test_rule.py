"""Rules read from the table."""

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tinygrad_lossmix.debugger.rule import rule_of

x, y = lm.Tensor([2.0, 1.0]), lm.Tensor([3.0, 5.0])


@pytest.mark.parametrize(
    ("node", "place", "text"),
    [
        (np.exp(x), 0, "g * z"),
        (x / y, 0, "g / y"),
        (x / y, 1, "g * z / -y"),
        (-x, 0, "-g"),
        (x - y, 1, "-g"),
        (
            np.logaddexp(x, y),
            1,
            "logaddexp_right: g·e^y/(e^x + e^y), and g/2 where x and y are the same infinity.",
        ),
        (x.reshape(2, 1), 0, "g.reshape(x.shape)"),
        (x.sum(), 0, "sum_rule: g, for every entry."),
    ],
)
def test_a_rule_is_what_stands_in_the_table(node, place, text):
    assert rule_of(node, place).text == text


def test_letters_are_those_of_gradient_node_and_arguments():
    assert rule_of(x / y, 0).letters == ("g", "z", "x", "y")
    assert rule_of(x.sum(), 0).letters == ("g", "z", "x")
    assert rule_of(np.concatenate([x, y]), 1).letters == ("g", "z")


def test_every_mix_has_rules_that_can_be_read():
    for mix in lm.MIXES:
        assert rule_of(mix.cost(x, 0), 0).text


def test_a_rule_without_a_source_says_so(own_table):
    made = {}
    exec("rule = lambda g, z, x: 3 * g * x * x", made)
    cube = lm.derivative(lambda x: x**3, made["rule"])
    assert "not at hand" in rule_of(cube(x), 0).text
