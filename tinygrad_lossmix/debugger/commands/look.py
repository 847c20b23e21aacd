"""Commands that look: at values, gradients, contributions, the whole as a picture or page; and
those after which all answers keep to one example, one class or one entry.

>>> from tinygrad_lossmix import Tensor
>>> w = Tensor([[1.0, 2.0], [3.0, 4.0]], name="w")
>>> walk = Walk((w @ np.eye(2)).sum())
>>> print(entry(Session(walk.at(2), {}), "w[0,1]"))
w[0, 1] = 2
dn2/dw[0, 1] = dn2/dn1[0] @ constant.T[:, 1]
  dn2/dn1[0, 0]  1  *  constant.T[0, 1]  0  =  0
  dn2/dn1[0, 1]  1  *  constant.T[1, 1]  1  =  1
  sum                                       =  1
>>> print(row(Session(walk, {}), "1").split()[0])
all answers keep to row 1; `row off` ends that
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.text import Text

from tinygrad_lossmix.debugger import show
from tinygrad_lossmix.debugger.commands.session import Session, command
from tinygrad_lossmix.debugger.expressions import (
    CommandError,
    entry_in,
    find_node,
    named,
    node_or_current,
    operation,
    quantity,
    whole_number,
)
from tinygrad_lossmix.debugger.layout import aligned, by_itself, lined, shown
from tinygrad_lossmix.debugger.lockstep import Lockstep, Meeting, walks_of
from tinygrad_lossmix.debugger.page import page_of
from tinygrad_lossmix.debugger.show import at, batch, of_product, of_value
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.graph import groups
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.layers import explained
from tinygrad_lossmix.printing import brief, clean, count, short
from tinygrad_lossmix.views.drawing import drawing
from tinygrad_lossmix.views.reading import Symbols

TERMS = 20  # contributions that are listed
CALLS = 4  # of a named function that are looked at


@command("look", "p", takes="name")
def print_(session: Session[Walk], arg: str) -> Text:
    """print NAME: its value; print NAME.grad: its gradient so far; print z.grad > 0"""
    walk, reading = session.steps, session.steps.reading
    found = walk.known.get(arg)
    if isinstance(found, Tensor):
        if walk.value(found) is None:
            return Text(f"{arg} is not computed yet")
        text = _alone(session, arg, found.data, reading.equation(found))
        if whole := reading.full_name(found):
            text.append(f"\nits name in full: {whole}", "quiet")
        return text
    if found is not None:
        return _alone(session, arg, found, "constant")
    if named(arg, walk):
        return gradient_so_far(session, find_node(arg, walk))
    if not arg:
        raise CommandError("print takes NAME or NAME.grad; `list` shows the names")
    if calls := [each.output for each in groups(walk.cost) if each.name == arg]:
        return lined(*(_alone(session, reading.call(node), node.data) for node in calls[:CALLS]))
    if (seen := quantity(arg, walk)) is None:
        return Text(f"{brief(arg)} has no value yet")
    return _alone(session, brief(arg), seen)


def _alone(session: Session[Walk], name: str, x: Any, about: str = "") -> Text:
    return by_itself(*session.focus.row_of(session.steps.reading, "", name, x, about)[1:])


def gradient_so_far(session: Session[Walk], node: Tensor) -> Text:
    """The gradient of a node at this position, or when it gets its first contribution."""
    walk, name = session.steps, session.steps.reading.derivative(node)
    if (found := walk.gradient(node)) is None:
        arrival = walk.arrival(node)
        return (
            Text()
            .append(name, "name")
            .append(
                f": none, no derivative of {walk.reading.call(walk.cost)} reaches it"
                if arrival is None
                else f": not computed yet, the first contribution comes at [{arrival}/{len(walk)}]"
            )
        )
    received, expected = walk.progress(node)
    part = f"{received} of {count(expected, 'contribution')}" if received < expected else ""
    return _alone(session, name, found, part)


@command("look", "w", on="either")
def where(session: Session[Any], arg: str) -> Text:
    """the path from here to the cost, the product of its local Jacobians, the other paths"""
    return show.of_each(session.steps, show.path_to_cost, session.focus)


@command("look", "l", on="either")
def list_(session: Session[Any], arg: str) -> Text:
    """the nodes with values and gradients; -> marks the current one"""
    return show.of_each(session.steps, show.listing, session.focus)


@command("look", "a", takes="name")
def args(session: Session[Walk], arg: str) -> Text:
    """args NAME: what a node was computed from; without a name, the current node"""
    node, reading = operation(arg, session.steps), session.steps.reading
    if node.function is None:
        return Text(f"{reading.call(node)} is an input: it has no arguments")
    row = partial(session.focus.row_of, reading)
    rows = [row("", reading.defined(node), node.data)]
    for each in node.args:
        tensor = isinstance(each, Tensor)
        name = reading.defined(each) if tensor else reading.call(each)
        value, about = (each.data, "") if tensor else (each, "constant")
        rows.append(row("", f"  {name or short(value)}", value, about))
    return shown(rows)


@command("look", takes="name")
def contrib(session: Session[Walk], arg: str) -> Text:
    """contrib NAME: the contributions to its gradient, by node"""
    walk, reading = session.steps, session.steps.reading
    node = node_or_current(arg, walk)
    received, expected = walk.progress(node)
    if not expected:
        own = "it is the seed" if node is walk.cost else "nothing contributes to it"
        return Text(f"{reading.derivative(node)}: {own}")
    row = partial(session.focus.row_of, reading)
    rows = [
        row(walk.at(at).place, f"from {reading.defined(stop.node)}", stop.contribution)
        for at, stop in walk.terms(node)[:TERMS]
    ]
    if received > TERMS:
        rows.append(("", f"and {received - TERMS:,} more", "", ""))
    so_far = f"{received} of {count(expected, 'contribution')}"
    total = walk.gradient(node)
    rows.append(row("accumulated", so_far, "none yet" if total is None else total))
    return lined(Text(reading.derivative(node), "name"), shown(rows, "  "))


@command("look", "d")
def delta(session: Session[Walk], arg: str) -> Text:
    """the gradient of the logits so far, and a - y beside it"""
    walk, symbols = session.steps, session.steps.reading.symbols
    if symbols is None:
        return Text(
            "no delta: the recording has no sigmoid or softmax layer with one of the costs "
            "cross_entropy, log_likelihood, quadratic"
        )
    gradient, a_minus_y = walk.gradient(symbols.z), symbols.a_minus_y
    name = symbols.scaled("a - y")  # over n for n examples, as the gradient is
    if gradient is None:
        alone = _alone(session, name, a_minus_y, symbols.n.removeprefix(", "))
        return lined(gradient_so_far(session, symbols.z), alone)
    received, expected = walk.progress(symbols.z)
    about, apart = f"{received} of {count(expected, 'contribution')} so far", ""
    if received == expected:
        about = walk.reading.equation(symbols.z).partition(f"{symbols.scaled('delta')}, ")[2]
        apart = _difference(walk, Meeting("z", a_minus_y, gradient), symbols)
    row = partial(session.focus.row_of, walk.reading, "")
    found = row(walk.reading.derivative(symbols.z), gradient, about)
    return shown([found, row(name, a_minus_y, apart)])


def _difference(walk: Walk, meeting: Meeting, symbols: Symbols) -> str:
    gap = meeting.gap
    if not np.isfinite(gap):
        return "the graph gives NaN or infinity: `forward;;break nan;;continue` finds where"
    if meeting.same:
        return f"equal, max difference {gap:.4g}"
    if symbols.cost is not walk.cost:
        cost = walk.reading.call(walk.cost)
        return f"max difference {gap:.4g}; {cost} is more than the cost of {symbols.mix}"
    return f"max difference {gap:.4g}; delta is {explained(symbols.mix.formula)}"


@command("look", repeats=True, on="two")
def part(session: Session[Lockstep], arg: str) -> Text:
    """go on to the next quantity, C, a or z, whose gradients differ"""
    return session.moved(session.steps.part(), "no further gradients differ")


@command("look", "p", takes="name", on="two")
def print__(session: Session[Any], arg: str) -> Text:
    """print NAME: its value on both sides; print NAME.grad: its gradient so far"""
    errors = list[CommandError]()

    def answer(walk: Walk, focus: show.Focus) -> Text:
        try:
            return print_(replace(session, steps=walk), arg)
        except CommandError as error:
            errors.append(error)
            return Text(str(error))

    text = show.of_each(session.steps, answer, session.focus)
    if len(errors) == 2:
        raise errors[0]
    return text


@command("look", "d", on="two")
def delta_(session: Session[Lockstep], arg: str) -> Text:
    """the gradients of C, a and z on both sides, and their max difference"""
    steps, rows = session.steps, [("", "left", "right", "difference")]
    for each in steps.met.values():
        apart = "equal" if each.same else f"{each.gap:.4g}"
        left, right = (session.focus.on(steps.left.reading, x) for x in (each.left, each.right))
        rows.append((f"dC/d{each.name}", left, right, apart))
    return aligned(rows, ("quiet", "flow", "flow", ""), "")


@command("look", takes="text")
def draw(session: Session[Walk], arg: str) -> Text:
    """draw FILE: the picture with the gradients so far, as .svg, .png, .pdf, .dot, .mmd or .txt"""
    walk = session.steps
    save: Any = lambda path: drawing(walk.reading, walk.gradients()).save(path)
    return _written("draw graph.svg", arg, save)


@command("look", takes="text")
def page(session: Session[Walk], arg: str) -> Text:
    """page FILE: an HTML page that steps through this recording in a browser"""
    walk = session.steps
    return _written("page steps.html", arg, lambda path: page_of(walk.at(0)).save(path))


def _written(example: str, path: str, write: Callable[[str], Path]) -> Text:
    if not path:
        raise CommandError(f"{example[:4]} takes the file to write, as in `{example}`")
    try:
        return Text(f"wrote {clean(str(write(path)))}")
    except ValueError as error:
        raise CommandError(clean(str(error))) from None
    except OSError as error:
        raise CommandError(f"{clean(path)} cannot be written: {error.strerror}") from None


@command("look", takes="text", on="either")
def row(session: Session[Any], arg: str) -> Text:
    """row 2: keep to that example in all answers; row off: all examples again"""
    return _keep_to(session, "row", "row", 0, arg)


@command("look", takes="text", on="either")
def class_(session: Session[Any], arg: str) -> Text:
    """class 0: keep to that class in all answers; class off: all classes again"""
    return _keep_to(session, "class", "column", -1, arg)


def _keep_to(session: Session[Any], name: str, field: str, axis: int, arg: str) -> Text:
    """Keep to what has that number along an axis."""
    steps, said = session.steps, Text()
    shape = batch(walks_of(steps)[0].reading)
    if not shape:
        raise CommandError("nothing here has two axes, one for examples and one for classes")
    kept: dict[str, Any] = {field: None}
    if arg != "off":
        words = f"{name} takes a number, 0 to {shape[axis] - 1}, or off"
        kept[field] = whole_number(arg, range(shape[axis]), words)
        said = Text(f"all answers keep to {name} {arg}; `{name} off` ends that\n")
    session.focus = replace(session.focus, **kept)
    return said + session.here()


@command("look", takes="name")
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
