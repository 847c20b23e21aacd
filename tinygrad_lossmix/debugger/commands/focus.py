"""Commands that narrow: all answers keep to one example, one class or one entry.

>>> from tinygrad_lossmix import Tensor
>>> w = Tensor([[1.0, 2.0], [3.0, 4.0]], name="w")
>>> walk = Walk((w @ w).sum())
>>> print(row(Session(walk, {}), "1"))
all answers keep to row 1; `row off` ends that
[0/3] n2 = sum(n1)
      seed  dn2/dn2  1
>>> print(entry(Session(walk.at(3), {}), "w[0,1]"))
w[0, 1] = 2
dn2/dw[0, 1] = dn2/dn1[0] @ w.T[:, 1]
  dn2/dn1[0, 0]  1  *  w.T[0, 1]  3  =  3
  dn2/dn1[0, 1]  1  *  w.T[1, 1]  4  =  4
  sum                                =  7
dn2/dw[0, 1] = w.T[0] @ dn2/dn1[:, 1]
  w.T[0, 0]  1  *  dn2/dn1[0, 1]  1  =  1
  w.T[0, 1]  3  *  dn2/dn1[1, 1]  1  =  3
  sum                                =  4
dn2/dw[0, 1] = 11  2 of 2 contributions
"""

from dataclasses import replace
from typing import Any

from rich.text import Text

from tinygrad_lossmix.debugger.commands.look import TERMS, gradient_so_far
from tinygrad_lossmix.debugger.commands.session import Session, Topic, command
from tinygrad_lossmix.debugger.entry import at, of_product, of_value
from tinygrad_lossmix.debugger.expressions import CommandError, entry_in, find_node, whole_number
from tinygrad_lossmix.debugger.layout import by_itself, lined
from tinygrad_lossmix.debugger.lockstep import Lockstep
from tinygrad_lossmix.debugger.show import batch, count
from tinygrad_lossmix.debugger.walk import Walk

ROWS = Topic("look")  # on one walk or two


@command(ROWS, takes="text")
def row(session: Session[Any], arg: str) -> Text:
    """row 2: keep to that example in all answers; row off: all examples again"""
    return _keep_to(session, "row", "row", 0, arg)


@command(ROWS, takes="text")
def class_(session: Session[Any], arg: str) -> Text:
    """class 0: keep to that class in all answers; class off: all classes again"""
    return _keep_to(session, "class", "column", -1, arg)


def _keep_to(session: Session[Any], name: str, field: str, axis: int, arg: str) -> Text:
    """Keep to what has that number along an axis."""
    steps, said = session.steps, Text()
    shape = batch((steps.left if isinstance(steps, Lockstep) else steps).reading)
    if not shape:
        raise CommandError("nothing here has two axes, one for examples and one for classes")
    kept: dict[str, Any] = {field: None}
    if arg != "off":
        words = f"{name} takes a number, 0 to {shape[axis] - 1}, or off"
        kept[field] = whole_number(arg, range(shape[axis]), words)
        said = Text(f"all answers keep to {name} {arg}; `{name} off` ends that\n")
    session.focus = replace(session.focus, **kept)
    return said + session.here()


ENTRY = Topic("look")


@command(ENTRY, takes="name")
def entry(session: Session[Walk], arg: str) -> Text:
    """entry W1[2,3]: that entry number by number, here and at all stops; entry off: no more"""
    walk = session.steps
    if arg == "off":
        session.focus = replace(session.focus, entry=None)
        return session.here()
    name, place = entry_in(arg, walk)
    session.focus = replace(session.focus, entry=(name, place))
    node = find_node(name, walk)
    lines, terms, gradient = list[Text](), walk.terms(node), walk.gradient(node)
    if walk.value(node) is not None:
        value = of_value(walk.reading, node, place)
        lines.append(value or by_itself(at(name, place), node.data[place]))
    lines += [of_product(walk.reading, stop, place) for _, stop in terms[:TERMS]]
    if gradient is None:
        lines.append(gradient_so_far(session, node))
    elif len(terms) != 1:
        so_far = f"{len(terms)} of {count(walk.progress(node)[1], 'contribution')}" if terms else ""
        lines.append(by_itself(at(walk.reading.derivative(node), place), gradient[place], so_far))
    return lined(*lines)
