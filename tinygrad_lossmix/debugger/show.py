"""Answers of the prompt as text, coloured where that helps.

Names are the recording's; gradients are written as in the book: dC/dz, and delta at the logits.
Each product has its upstream gradient, a local Jacobian, and the downstream gradient they give; an
entry of it is a sum of products of numbers.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.text import Text

from tinygrad_lossmix.compiler.calls import uniform
from tinygrad_lossmix.debugger import rule
from tinygrad_lossmix.debugger.chain_rule import (
    Local,
    Product,
    count_paths,
    downstream,
    entrywise,
    gathered,
    local_jacobian,
    paths,
    products_along,
    rowwise,
)
from tinygrad_lossmix.debugger.layout import Row, aligned, compared, lined, screen, shown
from tinygrad_lossmix.debugger.lockstep import Lockstep
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.refusals import plain
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import count, number
from tinygrad_lossmix.views.grids import column_of
from tinygrad_lossmix.views.reading import Reading, subscript

NEAR = 8  # nodes that are listed on each side of the current one
PATHS = 4  # paths that are listed
MANY = 1_000_000  # paths; beyond, their number says nothing
TERMS = 12  # products that an entry is the sum of, that are listed
PROBED = 256  # entries of a node whose local derivatives are taken one by one
Place = tuple[Any, ...]  # of an entry; with slices, of a row or column
Term = tuple[str, Any, str, Any]  # two numbers to be multiplied, each behind its name


def at(name: str, place: Place) -> str:
    """`dC/dW2[2, 1]`; a row and a column are `h[2]`, `h[:, 1]`."""
    return re.sub(r"(, :)+]$", "]", f"{name}[{subscript(place)}]")


def is_matrix_product(node: Tensor) -> bool:
    """Whether it is one of two matrices."""
    return node.function is np.matmul and all(np.ndim(arg) == 2 for arg in node.args)


def named_array(reading: Reading, arg: Any) -> tuple[str, Any]:
    """The name and the values of an argument."""
    return reading.call(arg) or "constant", plain(arg)


@dataclass(frozen=True)
class Focus:
    """What answers keep to: one example, one class, one entry of a node; None is all of them."""

    row: int | None = None
    column: int | None = None  # of a class
    entry: tuple[str, tuple[int, ...]] | None = None  # of the node of that name

    def row_of(self, reading: Reading, part: str, name: str, x: Any, about: str = "") -> Row:
        """A part of an answer: of what has a row for each example and a column for each class, only
        the row and the column that are kept to.
        """
        if isinstance(x, str | Local) or np.ndim(x) < 2 or self.row is self.column is None:
            return part, name, x, about
        place: list[Any] = [slice(None)] * np.ndim(x)
        for axis, kept in ((0, self.row), (-1, self.column)):
            if kept is not None and np.shape(x)[axis] == batch(reading)[axis]:
                place[axis] = kept
        narrower = at(name, tuple(place)) if any(map(np.isscalar, place)) else name
        return part, narrower, x[tuple(place)], about

    def on(self, reading: Reading, x: Any) -> Any:
        """An array, narrowed so."""
        return self.row_of(reading, "", "", x)[2]


ALL = Focus()


def batch(reading: Reading) -> tuple[int, ...]:
    """The shape of the logits, else that of the last node with as many rows as most have: what is
    computed of weights, such as a penalty, has others; () where nothing has two axes.
    """
    if reading.symbols is not None and reading.symbols.z.ndim > 1:
        return reading.symbols.z.shape
    found = [node for node in reversed(reading.nodes) if node.ndim > 1]
    rows = Counter(node.shape[0] for node in found if node.args)
    return max((x.shape for x in found), key=lambda n: (rows[n[0]], n[-1] > 1), default=())


def local(reading: Reading, node: Tensor, place: int) -> tuple[str, Any]:
    """What the upstream gradient is multiplied by, with its name: a Jacobian, an array or text."""
    argument = node.args[place]
    name = reading.quotient(node, argument)
    if max(node.ndim, argument.ndim) < 2 and (found := local_jacobian(node, place)) is not None:
        return name, found
    if node.function is np.matmul and (min(map(np.ndim, node.args)) > 1 or node.ndim == place == 1):
        other, values = named_array(reading, node.args[1 - place])
        if values.ndim == 1:
            return f"{other}[:, None]", values[:, None]
        return f"{other}.{'T' if values.ndim == 2 else 'mT'}", np.swapaxes(values, -1, -2)
    if node.function is np.einsum and len(node.args) == 2:
        return named_array(reading, node.args[1 - place])
    ways = (derivatives(node, place) for derivatives in (entrywise, gathered, rowwise))
    each = next((values for values in ways if values is not None), None)
    if each is None:
        moved = node.function in rule.MOVED
        return name, "1 where an entry goes, else 0" if moved else "too large to show"
    same = uniform(each)
    return name, each if same is None else f"{number(same)} everywhere"


def progress(product: Product) -> str:
    """How much of the gradient of its argument has come with it."""
    all_of_it = product.received == product.expected
    return "complete" if all_of_it else f"{product.received} of {product.expected}"


def parts(reading: Reading, product: Product, focus: Focus = ALL) -> list[Row]:
    """What came, what it was multiplied by, what went on, and what has come together there."""
    node, place, argument, g, contribution, total, received, _ = product
    factor = ("local", *local(reading, node, place), "")
    accumulated = focus.row_of(reading, "accumulated", reading.derivative(argument), total)
    part, name, so_far, about = accumulated
    if received == 1 and np.ndim(so_far) > 1:
        so_far = "as downstream"
    return [
        focus.row_of(reading, "upstream", reading.derivative(node), g),
        factor if node.function in (np.matmul, np.einsum) else focus.row_of(reading, *factor),
        focus.row_of(reading, "downstream", f"→ {reading.call(argument)}", contribution),
        (part, f"{name} ({progress(product)})", so_far, about),
    ]


def here(steps: Walk | Lockstep, focus: Focus = ALL) -> Text:
    """Where we are; in lock-step a column for each side."""
    return _both(steps, focus) if isinstance(steps, Lockstep) else _stop(steps, focus)


def _stop(walk: Walk, focus: Focus) -> Text:
    """The gradient upstream and downstream of a node, and what its argument has now."""
    stop, reading, call = walk.stop, walk.reading, walk.reading.call
    here, to, node, reached = f"{walk.place} ", "", walk.current, walk.current
    if walk.computed is not None:
        args = dict.fromkeys(arg for arg in node.args if isinstance(arg, Tensor))
        rows = [focus.row_of(reading, "from", call(arg), arg.data) for arg in args]
        rows.append(focus.row_of(reading, "value", call(node), node.data))
    elif stop is None:
        rows = [("seed", reading.derivative(node), walk.gradient(node), "")]
    else:
        node, to, rows = stop.node, f"  → {call(reached)}", parts(reading, stop, focus)
    lines = [Text.assemble((here, "quiet"), (reading.defined(node), "name"), to)]
    if equation := reading.equation(reached) or reading.equation(node):
        lines[0].append(f"  {equation}", "book")
    lines[0].append(line_of(reading, node))
    if stop is not None:
        said = product(reading, node, stop.place, "=" if stop.received == 1 else "+=")
        lines.append(Text(" " * len(here)).append(said, "flow"))
    name, place = focus.entry or ("", ())
    if name and reached is walk.known.get(name):
        if stop is not None:
            total = f"{at(reading.derivative(reached), place)} ({progress(stop)})"
            rows = [("accumulated", total, stop.total[place], "")]
            lines.append(of_product(reading, stop, place))
            here = ""
        elif (value := of_value(reading, node, place)) is not None:
            return lined(*lines, value)
    return lined(*lines, shown(rows, " " * len(here)))


def line_of(reading: Reading, node: Tensor) -> Text:
    """The line in the user's code behind a node; nothing where it is not known."""
    return Text(f"  {reading.line(node)}" if node.line else "", "quiet")


def product(reading: Reading, node: Tensor, place: int, sign: str = "=") -> str:
    """The rule of a product with the reader's names: `dC/dh = dC/dz @ W2.T`."""
    gradient = reading.quotient(reading.cost, node.args[place])
    return f"{gradient} {sign} {rule.product(reading, node, place)}"


def _both(steps: Lockstep, focus: Focus) -> Text:
    sides = list[dict[str, Any]]()
    for walk in (steps.left, steps.right):
        stop, reading, way = walk.stop, walk.reading, walk.reading.defined(walk.cost)
        values = {"upstream": walk.seed}
        if stop is not None:
            way = f"{reading.defined(stop.node)} → {reading.call(stop.argument)}"
            values = {part: x for part, _, x, _ in parts(reading, stop, focus)}
        heading = f"[{steps.position}/{len(steps)}]"
        sides.append({heading: mix_of(walk), "": f"{walk.place} {way}", **values})
    left, right = sides
    text = compared([(part, left.get(part, ""), right.get(part, "")) for part in left | right])
    if (meeting := steps.meeting) is not None:
        text.append(f"\n{meeting}")
    return text


def mix_of(walk: Walk) -> str:
    """The mix that is walked; '' where there is none."""
    return str(walk.reading.symbols.mix) if walk.reading.symbols else ""


def listing(walk: Walk, focus: Focus = ALL) -> Text:
    """The nodes around the current one in the order they were computed: values and gradients."""
    nodes, current = walk.reading.nodes, walk.current
    middle = bisect_left(nodes, current.order, key=lambda node: node.order)
    first, last = max(middle - NEAR, 0), min(middle + NEAR + 1, len(nodes))
    line = walk.reading.line
    rows: list[tuple[Any, ...]] = [("", "", "", "value", "gradient so far", "")]
    for node in nodes[first:last]:
        gradient, (received, expected) = walk.gradient(node), walk.progress(node)
        part = f"{received} of {expected}" if 0 < received < expected else ""
        mark = "->" if node is current else ""
        value, so_far = (
            "-" if x is None else focus.on(walk.reading, x) for x in (walk.value(node), gradient)
        )
        rows.append((mark, walk.reading.defined(node), line(node), value, so_far, part))
    styles = ("name", "", "quiet", "", "flow", "quiet")
    if not any(map(line, nodes)):
        *rows, styles = ((*each[:2], *each[3:]) for each in (*rows, styles))
    text = aligned(rows, styles, "")
    if last - first < len(nodes):
        text.append(f"\n... nodes {first:,} to {last - 1:,} of {len(nodes):,}", "quiet")
    return text


def path_to_cost(walk: Walk, focus: Focus = ALL) -> Text:
    """The path from here to the cost, the local Jacobians along it, and their product."""
    links, call = walk.where(), walk.reading.call
    cost = call(walk.cost)
    if walk.computed is not None:
        return Text("in the forward pass: no gradients yet; type `start` for the backward pass")
    if not links:
        return Text(f"at the cost {cost}: type `next` for the first product")
    rows: list[tuple[Any, ...]] = [("", "", "local", f"product from {cost} down")]
    others = _other_paths(walk, links[0].argument, focus, min(len(links), PATHS) + 3)
    most = max(screen()[1] - others.plain.count("\n") - 2, PATHS)
    for link, product in zip(links[:most], products_along(links, walk.seed), strict=False):
        way = call(link.argument), f"→ {walk.reading.defined(link.node)}"
        name, slope = local(walk.reading, *link)
        matrix = isinstance(slope, np.ndarray) and slope.ndim > 1
        rows.append(
            (*way, f"{name} {slope.shape}" if matrix else slope, focus.on(walk.reading, product))
        )
    text = Text(f"from {call(links[0].argument)} to {cost}:\n")
    text.append(aligned(rows, ("name", "", "flow", "flow")))
    if len(links) > most:
        text.append(f"\n  ... and {len(links) - most:,} more, up to {cost}")
    return text.append(others)


def _other_paths(walk: Walk, node: Tensor, focus: Focus, above: int) -> Text:
    """That the gradient is the sum over all paths; nothing where there is only one."""
    end, gradient = walk.at(len(walk)), walk.gradient(node)
    so_far, in_all = (count_paths(at.taken, node, walk.cost) for at in (walk, end))
    if in_all == 1:
        return Text()
    rows = list[Row]()
    if so_far <= PATHS:
        for i, (links, product) in enumerate(paths(walk.taken, node, walk.seed), start=1):
            stations = " > ".join(walk.reading.call(link.node) for link in links)
            rows.append(focus.row_of(walk.reading, "", f"path {i}", product, stations))
    rows.append(focus.row_of(walk.reading, "", "sum", gradient))
    part = "" if so_far == in_all else " so far"
    many = count(so_far, "path") if so_far < MANY else f"more than {MANY:,} paths"
    text = Text(f"\n{walk.reading.derivative(node)}{part} is the sum over {many}:\n")
    return text.append(shown(rows, "  ", above))


def of_each(
    steps: Walk | Lockstep, answer: Callable[[Walk, Focus], Text], focus: Focus = ALL
) -> Text:
    """What is said about a walk; in lock-step about both, one below the other."""
    if isinstance(steps, Walk):
        return answer(steps, focus)
    texts = []
    for side, walk in (("left", steps.left), ("right", steps.right)):
        heading = f"{side}: {mix_of(walk)}" if mix_of(walk) else side
        texts += [Text(f"{heading}  {walk.place}", "quiet"), answer(walk, focus)]
    return lined(*texts)


def of_value(reading: Reading, node: Tensor, place: Place) -> Text | None:
    """An entry of a product of two matrices; None of another node."""
    if not is_matrix_product(node):
        return None
    left, right = (named_array(reading, arg) for arg in node.args)
    return _row_by_column(reading.call(node), left, right, place)


def of_product(reading: Reading, product: Product, place: Place) -> Text:
    """An entry of what one product gives to the gradient of its argument."""
    node, argument = product.node, product.argument
    upstream, name = (reading.quotient(reading.cost, x) for x in (node, argument))
    if is_matrix_product(node):
        left, right = (upstream, product.g), local(reading, node, product.place)
        if product.place:
            left, right = right, left
        return _row_by_column(name, left, right, place)
    if node.size > PROBED:
        return Text(f"{at(name, place)} is a sum over {node.size:,} entries, too many to list")
    slope, terms = reading.quotient(node, argument), list[Term]()
    for each in np.ndindex(node.shape):
        unit = np.zeros_like(node.data)
        unit[each] = 1.0
        factor = downstream(node, product.place, unit)[place]
        if factor or (each == place and node.shape == argument.shape):
            terms.append((at(upstream, each), product.g[each], slope, factor))
    return _sum(at(name, place), "upstream * local", terms)


def _row_by_column(name: str, left: tuple[str, Any], right: tuple[str, Any], place: Place) -> Text:
    (a, x), (b, y), (i, j) = left, right, place
    terms = [(at(a, (i, k)), x[i, k], at(b, (k, j)), y[k, j]) for k in range(len(y))]
    every = slice(None)
    return _sum(at(name, place), f"{at(a, (i, every))} @ {at(b, (every, j))}", terms)


def _sum(name: str, formula: str, terms: list[Term]) -> Text:
    products = [x * y for _, x, _, y in terms]
    total = number(np.sum(products, dtype=float))
    rows: list[tuple[str, ...]] = [
        (a, number(x), f"*  {b}", number(y), number(product))
        for (a, x, b, y), product in zip(terms, products, strict=True)
    ]
    if len(rows) > TERMS:
        rows[TERMS // 2 : -(TERMS // 2)] = [(f"... {len(rows) - TERMS:,} more", "", "", "", "")]
    if len(terms) != 1:
        rows.append(("sum", "", "", "", total))
    columns = [*zip(*rows, strict=True)]
    for i in (1, 3, 4):
        columns[i] = tuple(column_of("", columns[i])[1:])
    columns[4] = tuple(f"=  {each}" if each.strip() else "" for each in columns[4])
    styles = "name", "", "name", "", "flow"
    return lined(Text(f"{name} = {formula}"), aligned([*zip(*columns, strict=True)], styles))
