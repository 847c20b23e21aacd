"""Where `continue` stops."""

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tinygrad_lossmix.debugger.commands.stop import breakpoint, watchpoint
from tinygrad_lossmix.debugger.expressions import CommandError


def softmax_ll(z=(2.0, 1.0, 0.0)):
    with np.errstate(all="ignore"):
        return lm.Stepper(lm.Mix("softmax", "ll").composed(lm.Tensor(list(z), name="z"), 0))


def fires(kind, text, walk, forward=False):
    """All positions at which it stops."""
    stops = kind(text, walk)
    if forward:
        walk.forward()
    found = [walk.position] if stops(walk) else []
    while walk.run(stops):
        found.append(walk.position)
    back = []
    while walk.run(stops, -1):
        back.append(walk.position)
    assert back[::-1] == [at for at in found if at != len(walk)]
    return found


@pytest.mark.parametrize(
    ("text", "positions"),
    [
        ("n1", [7]),
        ("a", [4]),
        ("C", [0]),
        ("exp", [8]),
        ("divide", [5]),
        ("softmax", [5]),
        ("log_likelihood", [1]),
        ("backward", [0]),
        ("nan", []),
        ("position > 6", [7, 8]),
        ("z.grad < 0", [8]),
    ],
)
def test_a_breakpoint_stops_where_it_says_in_both_directions(text, positions):
    assert fires(breakpoint, text, softmax_ll()) == positions


def test_a_breakpoint_stops_at_values_too():
    walk = softmax_ll()
    nodes = len(walk.reading.nodes)
    assert fires(breakpoint, "n1", walk, forward=True) == [1 - nodes, 7]
    assert fires(breakpoint, "forward", softmax_ll(), forward=True) == [-nodes]
    assert fires(breakpoint, "softmax", softmax_ll(), forward=True) == [1 - nodes, 5]


def test_nan_is_met_where_it_is_made_and_not_where_it_is_passed_on():
    walk = softmax_ll((1000.0, 0.0))
    first = fires(breakpoint, "nan", walk, forward=True)[0]
    assert walk.at(first).computed.function is np.divide


def test_a_watched_gradient_stops_at_each_who_writes_it():
    assert fires(watchpoint, "n1.grad", softmax_ll()) == [5, 7]
    assert fires(watchpoint, "n1", softmax_ll()) == [5, 7]


def test_a_watched_condition_stops_where_it_changes():
    walk = lm.Stepper((lm.Tensor(2.0, name="x") * 3.0).exp())
    assert walk.run(watchpoint("x.grad > 1", walk))
    assert walk.position == 2


@pytest.mark.parametrize("text", ["", "q", "z.grad >", "q > 1"])
@pytest.mark.parametrize("kind", [breakpoint, watchpoint])
def test_what_is_not_known_is_a_mistake(kind, text):
    walk = softmax_ll()
    with pytest.raises(CommandError):
        kind(text, walk)
