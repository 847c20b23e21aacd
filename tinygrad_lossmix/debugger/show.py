"""Answers of the prompt as text, coloured where that helps; how numbers and arrays stand in them.

Names are the recording's; gradients are written as in the book: dC/dz, and delta at the logits.
Each product has its upstream gradient, a local Jacobian, and the downstream gradient they give.

>>> print(aligned([("z", "2"), ("cost", "3")], (NAME, FLOW)))
  z     2
  cost  3
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any

from rich.text import Text

from tinygrad_lossmix.debugger.chain_rule import (
    Local,
    Product,
    count_paths,
    paths,
    products_along,
)
from tinygrad_lossmix.debugger.lockstep import Lockstep
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import shaped, short, shorten

NAME, FLOW, BOOK, QUIET = "cyan", "yellow", "green", "bright_black"
MOST = 10  # entries of an array that are shown without leaving some out
NEAR = 8  # nodes that are listed on each side of the current one
LINKS = 20  # parts of a path that are listed
PATHS = 8  # paths that are listed
STATIONS = 60  # letters of such a line
MANY = 1_000_000  # paths; beyond, their number says nothing


def aligned(rows: Sequence[tuple[str, ...]], styles: tuple[str, ...], indent: str = "  ") -> Text:
    """Rows of cells, each column flush left and in a style of its own."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(styles) - 1)]
    lines = []
    for row in rows:
        line = Text(indent)
        for cell, width, style in zip(row, [*widths, 0], styles, strict=True):
            line.append(cell, style).append(" " * (width - len(cell) + 2))
        line.rstrip()
        lines.append(line)
    return lined(*lines)


def lined(*parts: Text) -> Text:
    """One below the other."""
    return Text("\n").join(parts)


def count(number: int, noun: str) -> str:
    """`1 node`, `2 nodes`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def entries(x: Any) -> str:
    """An array or number as a part of an answer."""
    return short(x, MOST)


def sized(x: Any, most: int = MOST) -> str:
    """The same, with its shape where that cannot be seen."""
    return shaped(x, most)


def jacobian(local: Local | None) -> str:
    """A local Jacobian on one line."""
    if local is None:
        return "too large to show"
    values = entries(local.values)
    return f"diag({values[1:-1]})" if local.diagonal else values


def parts(product: Product) -> list[tuple[str, str]]:
    """What came, what it was multiplied by, what went on, and what has come together there."""
    return [
        ("upstream", entries(product.g)),
        ("local", jacobian(product.local)),
        ("downstream", entries(product.contribution)),
        ("accumulated", entries(product.total)),
    ]


def introduction(steps: Walk | Lockstep) -> Text:
    """What is to be walked."""
    if isinstance(steps, Lockstep):
        words = "in lock-step, the first at a or z waits; `part` goes to where the gradients differ"
        return Text(words)
    nodes = count(len(steps.reading.nodes), "node")
    products = count(len(steps), "vector-Jacobian product")
    return Text(f"{steps.reading.title}; {nodes}, {products}. `help` lists the commands.")


def here(steps: Walk | Lockstep) -> Text:
    """Where we are; in lock-step a column for each side."""
    return _both(steps) if isinstance(steps, Lockstep) else _stop(steps)


def _stop(walk: Walk) -> Text:
    """The gradient upstream and downstream of a node, and what its argument has now."""
    stop, reading, call = walk.stop, walk.reading, walk.reading.call
    here, to, node, reached = f"{walk.place} ", "", walk.current, walk.current
    if walk.computed is not None:
        args = dict.fromkeys(arg for arg in node.args if isinstance(arg, Tensor))
        rows = [("from", call(arg), sized(arg.data)) for arg in args]
        rows.append(("value", call(node), sized(node.data)))
    elif stop is None:
        rows = [("seed", reading.derivative(node), short(walk.gradient(node)))]
    else:
        node, to = stop.node, f"  → {call(reached)}"
        complete = stop.received == stop.expected
        part = "complete" if complete else f"{stop.received} of {stop.expected}"
        so_far = f"{reading.derivative(reached)} ({part})"
        slope = f"d{call(node)}/d{call(reached)}"
        names = reading.derivative(node), slope, f"→ {call(reached)}", so_far
        rows = [(part, name, x) for name, (part, x) in zip(names, parts(stop), strict=True)]
    text = Text.assemble((here, QUIET), (reading.defined(node), NAME), to)
    if equation := reading.equation(reached) or reading.equation(node):
        text.append(f"  {equation}", BOOK)
    return lined(text, aligned(rows, (QUIET, "", FLOW), " " * len(here)))


def _both(steps: Lockstep) -> Text:
    cells = []
    for walk in (steps.left, steps.right):
        stop, reading = walk.stop, walk.reading
        column = {"": f"{walk.place} {reading.defined(walk.cost)}", "upstream": "1"}
        if stop is not None:
            way = f"{reading.defined(stop.node)} → {reading.call(stop.argument)}"
            column = {"": f"{walk.place} {way}", **dict(parts(stop))}
        cells.append({f"[{steps.position}/{len(steps)}]": mix_of(walk), **column})
    rows = [(part, *(side.get(part, "") for side in cells)) for part in cells[0] | cells[1]]
    text = aligned([row for row in rows if any(row[1:])], (QUIET, FLOW, FLOW), "")
    if (meeting := steps.meeting) is not None:
        text.append(f"\n{meeting}")
    return text


def mix_of(walk: Walk) -> str:
    """The mix that is walked; '' where there is none."""
    return str(walk.reading.symbols.mix) if walk.reading.symbols else ""


def listing(walk: Walk) -> Text:
    """The nodes around the current one in the order they were computed: values and gradients."""
    nodes, current = walk.reading.nodes, walk.current
    middle = bisect_left(nodes, current.order, key=lambda node: node.order)
    first, last = max(middle - NEAR, 0), min(middle + NEAR + 1, len(nodes))
    rows = [("", "", "value", "gradient so far")]
    for node in nodes[first:last]:
        gradient = walk.gradient(node)
        received, expected = walk.progress(node)
        part = f"  {received} of {expected}" if 0 < received < expected else ""
        mark = "->" if node is current else ""
        value = "-" if walk.value(node) is None else shaped(node.data)
        so_far = "-" if gradient is None else short(gradient) + part
        rows.append((mark, walk.reading.defined(node), value, so_far))
    text = aligned(rows, (NAME, "", "", FLOW), "")
    if last - first < len(nodes):
        text.append(f"\n... nodes {first:,} to {last - 1:,} of {len(nodes):,}", QUIET)
    return text


def path_to_cost(walk: Walk) -> Text:
    """The path from here to the cost, the local Jacobians along it, and their product."""
    links, call = walk.where(), walk.reading.call
    cost = call(walk.cost)
    if walk.computed is not None:
        return Text("in the forward pass: no gradients yet; type `start` for the backward pass")
    if not links:
        return Text(f"at the cost {cost}: type `next` for the first product")
    rows = [("", "", "local Jacobian", "", f"product from {cost} down")]
    for link, product in zip(links[:LINKS], products_along(links, walk.seed), strict=False):
        slope = f"d{call(link.node)}/d{call(link.argument)}"
        way = call(link.argument), f"→ {walk.reading.defined(link.node)}"
        rows.append((*way, slope, jacobian(link.local), entries(product)))
    text = Text(f"from {call(links[0].argument)} to {cost}:\n")
    text.append(aligned(rows, (NAME, "", QUIET, FLOW, FLOW)))
    if len(links) > LINKS:
        text.append(f"\n  ... and {len(links) - LINKS:,} more, up to {cost}")
    return text.append(_other_paths(walk, links[0].argument))


def _other_paths(walk: Walk, node: Tensor) -> Text:
    """That the gradient is the sum over all paths; nothing where there is only one."""
    end = walk.at(len(walk))
    so_far, in_all = (count_paths(at.taken, node, walk.cost) for at in (walk, end))
    if in_all == 1:
        return Text()
    rows = []
    if so_far <= PATHS:
        for links, product in paths(walk.taken, node, walk.seed):
            stations = " > ".join(walk.reading.call(link.node) for link in links)
            rows.append((shorten(stations, STATIONS), entries(product)))
    rows.append(("sum", entries(walk.gradient(node))))
    part = "" if so_far == in_all else " so far"
    many = count(so_far, "path") if so_far < MANY else f"more than {MANY:,} paths"
    text = Text(f"\n{walk.reading.derivative(node)}{part} is the sum over {many}:\n")
    return text.append(aligned(rows, (QUIET, FLOW)))


def on_both(steps: Lockstep, answer: Callable[[Walk], Text]) -> Text:
    """What is said about each walk, one below the other."""
    texts = []
    for side, walk in (("left", steps.left), ("right", steps.right)):
        heading = f"{side}: {mix_of(walk)}" if mix_of(walk) else side
        texts += [Text(f"{heading}  {walk.place}", QUIET), answer(walk)]
    return lined(*texts)
