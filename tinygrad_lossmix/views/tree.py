"""A recording as a tree of text, from the cost to its inputs.

What an operation was computed from stands below it; only where there are several arguments does the
tree branch. A node that is used twice is shown once and referred to.

>>> z = Tensor([2.0, 1.0], name="z")
>>> cost = (z.exp() * z).sum()
>>> cost.backward()
>>> tree(cost)
                   value           gradient
cost = sum(n2)     17.5            1               cost
n2 = n1 * z        [14.78, 2.718]  [1, 1]
├─ n1 = exp(z)     [7.389, 2.718]  [2, 1]
│  z, input        [2, 1]          [22.17, 5.437]  from n1: [14.78, 2.718]
└─ z, shown above                                  from n2: [7.389, 2.718]
"""

import itertools
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import FEW, FITS, AsPrinted, brief, paragraph, shorten
from tinygrad_lossmix.views.grids import on_one_line
from tinygrad_lossmix.views.reading import Gradients, Reading, gradients, is_array

MOST_LINES = 200
LEAST = 24  # letters of the formulas, and of values and gradients together


class Tree(AsPrinted, str):
    """What `tree` returns: text."""


def tree(cost: Tensor, names: Mapping[str, Any] | None = None) -> str:
    """A recording as text: formulas, values, gradients.

    Args:
        cost: a Tensor of any shape; call `cost.backward()` first to see gradients.
        names: names for Tensors and constant arrays, in place of the caller's variables.

    Raises:
        TypeError: cost is not a Tensor.
    """
    return Tree(tree_of(Reading(cost, names), gradients(cost)))


def tree_of(reading: Reading, known: Gradients) -> str:
    """`tree`, of what is read already, with the gradients that are known."""
    wide = max(shutil.get_terminal_size().columns, 2 * LEAST)
    rows = list(itertools.islice(_rows(reading, known, wide), MOST_LINES + 1))
    text = _lines([Line("", "", "value", "gradient", ""), *rows[:MOST_LINES]], wide)
    if len(rows) > MOST_LINES:
        text.append(f"… {len(reading.nodes):,} nodes in all; call tree() on a node further in")
    return "\n".join(text)


class Line(NamedTuple):
    """A node or constant, with the value and the gradient as arrays or text."""

    before: str  # the branches
    formula: str
    value: Any
    gradient: Any
    about: str


def _lines(rows: list[Line], wide: int) -> list[str]:
    """Columns that share the width; what a node is stands below where it does not fit behind."""
    formula = max(len(row.before) + len(row.formula) for row in rows)
    value, gradient = (max(len(_cell(row[i], wide)) for row in rows) for i in (2, 3))
    deepest = max(len(row.before) for row in rows)
    formula = min(formula, max(wide - value - gradient - 4, deepest + LEAST // 2, LEAST))
    value = min(value, max((wide - formula - 4) // 2, wide - formula - 4 - gradient))
    gradient = min(gradient, wide - formula - 4 - value)
    lines = []
    for row in rows:
        cells = (
            row.before + shorten(row.formula, formula - len(row.before)),
            _cell(row.value, value),
            _cell(row.gradient, gradient),
        )
        widths = formula, value, gradient
        line = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        if len(line) + 2 + len(row.about) <= wide:
            lines.append(f"{line}  {row.about}".rstrip())
        else:
            below = row.before.replace("├", "│").replace("└", " ").replace("─", " ") + "   "
            lines += [line.rstrip(), *paragraph(row.about, below, wide=wide).splitlines()]
    return lines


def _cell(x: Any, width: int) -> str:
    return x if isinstance(x, str) else on_one_line(x, width, FEW)


class Branch(NamedTuple):
    """Something still to be written: an argument of a node."""

    arg: Any  # a Tensor or a constant array
    through: str  # the name of the node
    downstream: Array | None  # what `through` contributes to its gradient
    first: str  # what stands before its line
    rest: str  # what stands before the lines below


def _rows(reading: Reading, known: Gradients, wide: int) -> Iterator[Line]:
    found, downstream = known
    parts = Counter(node.args[position] for node, position in downstream)
    seen: set[Tensor] = set()
    waiting = [Branch(reading.cost, "", None, "", "")]
    while waiting:
        branch = waiting.pop()
        node, before = branch.arg, branch.first
        name = reading.call(node)
        if not isinstance(node, Tensor):
            yield Line(before, f"{name}, constant" if name else "constant", node, "", "")
            continue
        words = []
        if branch.downstream is not None and parts[node] > 1:
            words = [f"from {branch.through}: {on_one_line(branch.downstream, FITS, FEW)}"]
        if node in seen:
            yield Line(before, f"{name}, shown above", "", "", "; ".join(words))
            continue
        if node.function and len(branch.rest) > wide // 2 - LEAST // 2:
            yield Line(before, f"{name} = …, too deep to show", node.data, "", "; ".join(words))
            continue
        seen.add(node)
        gradient = found.get(node, "not computed")
        about = "; ".join([*_about(reading, node), *words])
        formula = f"{name}, input" if node.function is None else reading.defined(node)
        yield Line(before, formula, node.data, gradient, about)
        waiting += reversed(_branches(node, name, branch.rest, downstream))


def _branches(
    node: Tensor, name: str, rest: str, downstream: dict[tuple[Tensor, int], Array]
) -> list[Branch]:
    """One for each argument that is shown; a single one continues below without an indent."""
    shown = [
        (arg, downstream.get((node, position)))
        for position, arg in enumerate(node.args)
        if isinstance(arg, Tensor) or is_array(arg)
    ]
    marks = [("├─ ", "│  ")] * (len(shown) - 1) + [("└─ ", "   ") if len(shown) > 1 else ("", "")]
    return [
        Branch(arg, name, back, rest + first, rest + below)
        for (arg, back), (first, below) in zip(shown, marks, strict=False)
    ]


def _about(reading: Reading, node: Tensor) -> list[str]:
    words = [reading.equation(node)] if reading.equation(node) else []
    words = words or [brief(name) for name, *_ in node.groups]
    return words or ["cost"] * (node is reading.cost and node.function is not None)
