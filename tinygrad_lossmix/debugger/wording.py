"""What the prompt says: each function puts one thing into lines of text, coloured where that helps.

Names are the recording's; gradients are written as in the book: dC/dz, and delta at the logits.
Each product has its upstream gradient, a local Jacobian, and the downstream gradient they give.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from rich.text import Text

from tinygrad_lossmix.debugger.chain import Local, Stop, along, every, number
from tinygrad_lossmix.debugger.walk import Delta, Walk
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import IN_FULL, shaped, short, shorten
from tinygrad_lossmix.views.reading import Symbols

NAME, FLOW, BOOK, QUIET = "cyan", "yellow", "green", "bright_black"
MOST = 10  # entries of an array that are shown without leaving some out
NEAR = 8  # nodes that are listed on each side of the current one
LINKS = 20  # parts of a path that are listed
PATHS = 8  # paths that are listed
STATIONS = 60  # letters of such a line
MANY = 1_000_000  # paths; beyond, their number says nothing

LETTERS = {"S": "S = sum of y", "e": "e = a - y", "r": "r = a/(1 - a)"}  # in formulas of delta


def columns(rows: Sequence[tuple[str, ...]], styles: tuple[str, ...], indent: str = "  ") -> Text:
    """Rows of cells, aligned, in one style a column."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(styles) - 1)]
    lines = []
    for row in rows:
        line = Text(indent)
        for cell, width, style in zip(row, [*widths, 0], styles, strict=True):
            line.append(cell, style).append(" " * (width - len(cell) + 2))
        line.rstrip()
        lines.append(line)
    return Text("\n").join(lines)


def introduction(walk: Walk) -> Text:
    """What is to be walked."""
    nodes = count(len(walk.reading.nodes), "node")
    products = count(len(walk), "vector-Jacobian product")
    return Text(f"{walk.reading.title}; {nodes}, {products}. `help` lists the commands.")


def view(walk: Walk) -> Text:
    """The current stop: gradient upstream and downstream of a node, what its argument has now."""
    stop, reading, call = walk.stop, walk.reading, walk.reading.call
    here, to, node, reached = f"{walk.place} ", "", walk.current, walk.current
    if walk.computed is not None:
        args = dict.fromkeys(arg for arg in node.args if isinstance(arg, Tensor))
        rows = [("from", call(arg), shaped(arg.data, MOST)) for arg in args]
        rows.append(("value", call(node), shaped(node.data, MOST)))
    elif stop is None:
        rows = [("seed", reading.derivative(node), short(walk.gradient(node)))]
    else:
        node, to = stop.node, f"  → {call(reached)}"
        complete = stop.received == stop.expected
        part = "complete" if complete else f"{stop.received} of {stop.expected}"
        so_far = f"{reading.derivative(reached)} ({part})"
        slope = f"d{call(node)}/d{call(reached)}"
        names = reading.derivative(node), slope, f"→ {call(reached)}", so_far
        rows = [(part, name, x) for name, (part, x) in zip(names, product(stop), strict=True)]
    text = Text.assemble((here, QUIET), (reading.defined(node), NAME), to)
    if equation := reading.equation(reached) or reading.equation(node):
        text.append(f"  {equation}", BOOK)
    return text.append("\n").append(columns(rows, (QUIET, "", FLOW), " " * len(here)))


def product(stop: Stop) -> list[tuple[str, str]]:
    """The parts of a product: what came, what it was multiplied by, what went on."""
    return [
        ("upstream", short(stop.g, MOST)),
        ("local", local_text(stop.local)),
        ("downstream", short(stop.contribution, MOST)),
        ("accumulated", short(stop.total, MOST)),
    ]


def where(walk: Walk) -> Text:
    """The path from here to the cost, the local Jacobians along it, and their product."""
    links, call = walk.where(), walk.reading.call
    cost = call(walk.cost)
    if walk.computed is not None:
        return Text("in the forward pass: no gradients yet; type `start` for the backward pass")
    if not links:
        return Text(f"at the cost {cost}: type `next` for the first product")
    rows = [("", "", "local Jacobian", "", f"product from {cost} down")]
    for link, product in zip(links[:LINKS], along(links, walk.seed), strict=False):
        slope = f"d{call(link.node)}/d{call(link.argument)}"
        way = call(link.argument), f"→ {walk.reading.defined(link.node)}"
        rows.append((*way, slope, local_text(link.local), short(product, MOST)))
    text = Text(f"from {call(links[0].argument)} to {cost}:\n")
    text.append(columns(rows, (NAME, "", QUIET, FLOW, FLOW)))
    if len(links) > LINKS:
        text.append(f"\n  ... and {len(links) - LINKS:,} more, up to {cost}")
    return text.append(_other_paths(walk, links[0].argument))


def _other_paths(walk: Walk, node: Tensor) -> Text:
    """That the gradient is the sum over all paths; nothing where there is only one."""
    ways, in_all = (number(at.taken, node, walk.cost) for at in (walk, walk.at(len(walk))))
    if in_all == 1:
        return Text()
    many = count(ways, "path") if ways < MANY else f"more than {MANY:,} paths"
    part = "" if ways == in_all else " so far"
    total = short(np.asarray(walk.gradient(node)), MOST)
    text = Text(f"\n{walk.reading.derivative(node)}{part} is the sum over {many}:")
    rows = []
    if ways <= PATHS:
        for way, product in every(walk.taken, node, walk.seed):
            stations = " > ".join(walk.reading.call(link.node) for link in way)
            rows.append((shorten(stations, STATIONS), short(product, MOST)))
    return text.append("\n").append(columns([*rows, ("sum", total)], (QUIET, FLOW)))


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
    text = columns(rows, (NAME, "", "", FLOW), "")
    if last - first < len(nodes):
        text.append(f"\n... nodes {first:,} to {last - 1:,} of {len(nodes):,}", QUIET)
    return text


def value(name: str, x: Array, about: str) -> Text:
    """A value that was asked for."""
    text = Text.assemble((name, NAME), f" = {shaped(x, IN_FULL)}")
    return text.append(f"  {about}", BOOK) if about else text


def gradient(walk: Walk, node: Tensor) -> Text:
    """The gradient of a node at this position, or when it gets its first contribution."""
    text = Text().append(walk.reading.derivative(node), NAME)
    found = walk.gradient(node)
    if found is None:
        arrival = walk.arrival(node)
        return text.append(
            f": none, no derivative of {walk.reading.call(walk.cost)} reaches it"
            if arrival is None
            else f": not computed yet, the first contribution comes at [{arrival}/{len(walk)}]"
        )
    received, expected = walk.progress(node)
    part = f"  {received} of {count(expected, 'contribution')}" if received < expected else ""
    return text.append(f" = {shaped(found, IN_FULL)}{part}")


def delta(walk: Walk) -> Text:
    """The gradient of the logits so far, and a - y beside it: both over n for n examples."""
    found, symbols = walk.delta(), walk.reading.symbols
    if found is None or symbols is None:
        return Text(
            "no delta: the recording has no sigmoid or softmax layer with one of the costs "
            "cross_entropy, log_likelihood, quadratic"
        )
    if found.gradient is None:
        rest = f"; {symbols.scaled('a - y')} = {short(found.a_minus_y, MOST)}{symbols.n}"
        return gradient(walk, found.logits).append(rest)
    complete = found.received == found.expected
    part = f"{found.received} of {count(found.expected, 'contribution')} so far"
    about = walk.reading.equation(found.logits) if complete else part
    apart = _difference(walk, found, symbols) if complete else ""
    rows = [
        (walk.reading.derivative(found.logits), short(found.gradient, MOST), about),
        (symbols.scaled("a - y"), short(found.a_minus_y, MOST), apart),
    ]
    return columns(rows, (NAME, FLOW, BOOK), "")


def question(walk: Walk) -> Text:
    """What is asked about a product: all that goes into it, not its result."""
    stop, call = walk.stop, walk.reading.call
    assert stop is not None
    shape = stop.contribution.shape
    numbers = count(max(stop.contribution.size, 1), "number")
    return Text.assemble(
        (walk.reading.defined(stop.node), NAME),
        f" = {short(stop.node.data, MOST)}, "
        f"{call(stop.argument)} = {short(stop.argument.data, MOST)}; "
        f"upstream gradient {walk.reading.derivative(stop.node)} = ",
        (short(stop.g, MOST), FLOW),
        f".\nWhich gradient goes downstream to {call(stop.argument)}? "
        f"Type `answer` and {numbers}, shape {shape}",
    )


def changed(before: Walk, after: Walk) -> Text:
    """The cost and the inputs of two recordings with their gradients, one above the other."""
    rows = [("", "", "value", "gradient")]
    order = [before.reading.call(node) for node in before.reading.nodes]
    for when, walk in (("before", before), ("after", after)):
        end = walk.at(len(walk))
        inputs = [node for node in walk.reading.nodes if node.function is None]
        names = {node: walk.reading.call(node) for node in inputs}
        inputs.sort(key=lambda node: order.index(names[node]) if names[node] in order else -1)
        for node in [walk.cost, *inputs[:NEAR]]:
            found = end.gradient(node)
            gradient = "-" if found is None else short(found, MOST)
            rows.append((when, walk.reading.call(node), shaped(node.data, MOST), gradient))
    return columns(rows, (QUIET, NAME, "", FLOW), "")


def _difference(walk: Walk, found: Delta, symbols: Symbols) -> str:
    gap = float(np.max(np.abs(found.gradient - found.a_minus_y), initial=0.0))
    size = float(np.max(np.abs(found.a_minus_y), initial=0.0))
    if not np.isfinite(gap):
        return "the graph gives NaN or infinity: `forward;;break nan;;continue` finds where"
    if gap <= 16 * np.finfo(found.a_minus_y.dtype).eps * size:
        return f"equal, max difference {gap:.4g}"
    if symbols.cost is not walk.cost:
        cost = walk.reading.call(walk.cost)
        return f"max difference {gap:.4g}; {cost} is more than the cost of {symbols.mix}"
    formula = found.mix.formula
    letters = [meaning for letter, meaning in LETTERS.items() if letter in formula]
    return f"max difference {gap:.4g}; delta is {', '.join([formula, *letters])}"


def local_text(local: Local | None) -> str:
    """A local Jacobian on one line."""
    if local is None:
        return "too large to show"
    values = short(local.values, MOST)
    return f"diag({values[1:-1]})" if local.diagonal else values


def count(number: int, noun: str) -> str:
    """`1 node`, `2 nodes`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
