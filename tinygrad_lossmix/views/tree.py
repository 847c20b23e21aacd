"""A recording as a tree of text, from the cost to its inputs.

What an operation was computed from stands below it; only where there are several arguments does the
tree branch. A node that is used twice is shown once and referred to.

>>> z = Tensor([2.0, 1.0], name="z")
>>> cost = (z.exp() * z).sum()
>>> cost.backward()
>>> print(tree(cost))
                   value           gradient
cost = sum(n2)     17.5            1               cost
n2 = n1 * z        [14.78, 2.718]  [1, 1]
├─ n1 = exp(z)     [7.389, 2.718]  [2, 1]
│  z               [2, 1]          [22.17, 5.437]  input; from n1: [14.78, 2.718]
└─ z, shown above                                  from n2: [7.389, 2.718]
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import brief, shaped, short
from tinygrad_lossmix.views.reading import Gradients, Reading, gradients, is_array

MOST_LINES = 200
DEEPEST = 16  # branchings
WIDEST = 48  # letters of the first column


def tree(cost: Tensor, names: Mapping[str, Any] | None = None) -> str:
    """A recording as text: formulas, values, gradients.

    Args:
        cost: a Tensor of any shape; call `cost.backward()` first to see gradients.
        names: names for Tensors and constant arrays, in place of the caller's variables.

    Raises:
        TypeError: cost is not a Tensor.
    """
    return tree_of(Reading(cost, names), gradients(cost))


def tree_of(reading: Reading, known: Gradients) -> str:
    """`tree`, of what is read already, with the gradients that are known."""
    rows = list(itertools.islice(_rows(reading, known), MOST_LINES + 1))
    rows.insert(0, ("", "value", "gradient", ""))
    widths = [min(max(len(row[i]) for row in rows), WIDEST) for i in range(3)]
    text = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)).rstrip()
        for row in rows[: MOST_LINES + 1]
    ]
    if len(rows) > MOST_LINES + 1:
        text.append(f"… {len(reading.nodes):,} nodes in all; call tree() on a node further in")
    return "\n".join(text)


class Branch(NamedTuple):
    """Something still to be written: an argument of a node."""

    arg: Any  # a Tensor or a constant array
    through: str  # the name of the node
    downstream: Array | None  # what `through` contributes to its gradient
    first: str  # what stands before its line
    rest: str  # what stands before the lines below


Row = tuple[str, str, str, str]  # formula, value, gradient, what it is


def _rows(reading: Reading, known: Gradients) -> Iterator[Row]:
    found, downstream = known
    parts = Counter(node.args[position] for node, position in downstream)
    seen: set[Tensor] = set()
    waiting = [Branch(reading.cost, "", None, "", "")]
    while waiting:
        branch = waiting.pop()
        node, before = branch.arg, branch.first
        name = reading.call(node)
        if not isinstance(node, Tensor):
            yield f"{before}{name or 'constant'}", shaped(node), "", "constant" if name else ""
            continue
        words = []
        if branch.downstream is not None and parts[node] > 1:
            words = [f"from {branch.through}: {short(branch.downstream)}"]
        if node in seen:
            yield f"{before}{name}, shown above", "", "", "; ".join(words)
            continue
        if len(branch.rest) > 3 * DEEPEST:
            yield f"{before}{name} = …, too deep to show", shaped(node.data), "", "; ".join(words)
            continue
        seen.add(node)
        yield (
            f"{before}{reading.defined(node)}",
            shaped(node.data),
            short(found[node]) if node in found else "not computed",
            "; ".join([*_about(reading, node), *words]),
        )
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
    kind = "input" if node.function is None else "cost" if node is reading.cost else ""
    return [kind, *words] if kind and not (words and kind == "cost") else words
