"""What is typed behind a command: names, numbers, comparisons. Nothing is evaluated as Python.

>>> z = Tensor([2.0, 1.0], name="z")
>>> walk = Walk((z * z).sum())
>>> names = Names(walk.reading)
>>> names.node("zz")
Traceback (most recent call last):
tinygrad_lossmix.debugger.expressions.Mistake: there is no zz here: did you mean z?
>>> condition = Condition("z.grad >= 4 and position > 1")
>>> condition.holds(walk, names), condition.holds(walk.at(len(walk)), names)
(False, True)
>>> numbers("2, 1, 0", (3,)), numbers("[[1 2] [3 4]]", (2, 2)).tolist(), numbers("7", (2,))
(array([2., 1., 0.]), [[1.0, 2.0], [3.0, 4.0]], array([7., 7.]))
>>> assignment("z 2,1,0", ["z"]), assignment("z[0, -1] = 5", ["z"])
(('z', (), '2,1,0'), ('z', (0, -1), '5'))
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import brief
from tinygrad_lossmix.views.reading import Reading, constants

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
HERE = {
    "position": lambda walk: walk.position,
    "upstream": lambda walk: walk.stop and walk.stop.g,
    "downstream": lambda walk: walk.stop and walk.stop.contribution,
    "accumulated": lambda walk: walk.stop and walk.stop.total,
}
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?|[+-]?inf", re.ASCII | re.IGNORECASE)
Shape = tuple[int, ...]
Place = tuple[int, ...]  # of an entry; () means all of them

PLACE = r"\s*[+-]?\d{1,9}\s*"
VALUE = re.compile(
    rf"(\[(?P<place>{PLACE}(,{PLACE})*)\])?\s*=?\s*(?P<value>[^\s=].*)", re.ASCII | re.DOTALL
)


class Mistake(Exception):
    """A command that cannot be carried out, in words for the one who typed it."""


class Names:
    """The nodes and constant arrays of a recording by the names they are shown under.

    Attributes:
        known: what each name stands for.
    """

    def __init__(self, reading: Reading) -> None:
        arrays = constants(reading)
        self.known: dict[str, Any] = {name: x for x in arrays if (name := reading.call(x))}
        self.known |= {name: node for node, name in reading.names.items()}

    def node(self, text: str) -> Tensor:
        """The node of that name.

        Raises:
            Mistake: there is none.
        """
        found = self.known.get(text)
        if isinstance(found, Tensor):
            return found
        if found is not None:
            raise Mistake(f"{text} is a constant: it has no gradient")
        raise self.missing(text)

    def missing(self, text: str) -> Mistake:
        """The mistake of a name that is not there, with the nearest that is."""
        near = difflib.get_close_matches(text, self.known, 1)
        advice = f"did you mean {near[0]}?" if near else "`list` shows the names"
        return Mistake(f"there is no {brief(text)} here: {advice}")


class Comparison(NamedTuple):
    """`left symbol right`."""

    left: str
    symbol: str
    right: str

    def result(self, walk: Walk, names: Names) -> Array | None:
        """True or False for each entry; None as long as a side has no value.

        Raises:
            Mistake: a side is not known, or the shapes do not belong together.
        """
        left, right = quantity(self.left, walk, names), quantity(self.right, walk, names)
        if left is None or right is None:
            return None
        try:
            return np.asarray(OPERATORS[self.symbol](left, right))
        except ValueError:
            shapes = f"{np.shape(left)} and {np.shape(right)}"
            raise Mistake(f"arrays of shapes {shapes} cannot be compared") from None


class Condition:
    """Comparisons joined by `and`; of an array it is enough that one entry fulfils one.

    Raises:
        Mistake: not made of comparisons.
    """

    def __init__(self, text: str) -> None:
        self.comparisons = [comparison(part) for part in re.split(r"\sand\b", text)]

    def result(self, walk: Walk, names: Names) -> Array | bool | None:
        """What a single comparison gives; of several, whether all hold."""
        if len(self.comparisons) > 1:
            return self.holds(walk, names)
        return self.comparisons[0].result(walk, names)

    def holds(self, walk: Walk, names: Names) -> bool:
        """Whether every comparison holds here; not as long as a quantity has no value."""
        results = [each.result(walk, names) for each in self.comparisons]
        return all(result is not None and bool(result.any()) for result in results)


def is_condition(text: str) -> bool:
    """Whether there is a comparison in it."""
    return any(symbol in text for symbol in OPERATORS)


def comparison(text: str) -> Comparison:
    """`z.grad > 1` in its parts.

    Raises:
        Mistake: not one comparison.
    """
    parts = [part.strip() for part in re.split("(<=|>=|==|!=|<|>)", text)]
    if len(parts) != 3 or not parts[0] or not parts[2]:
        raise Mistake("a condition compares names and numbers: z.grad > 1 and position < 5")
    return Comparison(*parts)


def quantity(text: str, walk: Walk, names: Names) -> Any:
    """A number, a name, NAME.grad, or what is at this stop; None as long as it has no value.

    Raises:
        Mistake: none of these.
    """
    if text in names.known:
        found = names.known[text]
        return walk.value(found) if isinstance(found, Tensor) else found
    if text.endswith(".grad") and text.removesuffix(".grad") in names.known:
        return walk.gradient(names.node(text.removesuffix(".grad")))
    if NUMBER.fullmatch(text):
        return float(text)
    if text in HERE:
        return HERE[text](walk)
    raise names.missing(text)


def numbers(text: str, shape: Shape) -> Array:
    """`2,1,0` as an array of a shape, row by row; a single number fills it.

    Brackets and spaces are as an array is printed.

    Raises:
        Mistake: not numbers, or not as many as the shape has.
    """
    values, size = _listed(text), int(np.prod(shape))
    if values.size not in (1, size):
        raise Mistake(f"{values.size} numbers where the shape {shape} takes {size}, or one for all")
    return np.broadcast_to(values, size).reshape(shape)


def labels(text: str, shape: Shape) -> Array:
    """Labels for logits of a shape: a class, a class for each example, or a label for each logit.

    Raises:
        Mistake: none of these.
    """
    values, rows, classes = _listed(text), int(np.prod(shape[:-1])), shape[-1]
    if values.size == rows * classes:
        return values.reshape(shape)
    if classes > 1 and values.size in (1, rows) and np.isin(values, np.arange(classes)).all():
        return np.broadcast_to(values.astype(int), rows).reshape(shape[:-1])
    kinds = [f"a class, 0 to {classes - 1}"] if classes > 1 else []
    kinds += [f"{rows} classes, one for each example"] if classes > 1 and rows > 1 else []
    kinds += [f"{rows * classes} labels, one for each logit"]
    raise Mistake(f"y takes {', or '.join(kinds)}")


def assignment(text: str, known: Iterable[str]) -> tuple[str, Place, str]:
    """A name, the place of one of its entries (none: the whole), and what it is set to.

    A name that is known may hold anything; the longest that fits is meant.

    Raises:
        Mistake: there is no name or no value.
    """
    fitting = [name for name in known if re.match(re.escape(name) + r"[\s=\[]", text)]
    name = max(fitting, key=len, default=re.split(r"[\s=\[]", text, maxsplit=1)[0])
    found = VALUE.fullmatch(text.removeprefix(name))
    if found is None or not name:
        raise Mistake("set takes an input and its value, `y` and labels, or `mix` and two words")
    place = found["place"].split(",") if found["place"] else []
    return name, tuple(map(int, place)), found["value"]


def _listed(text: str) -> Array:
    parts = re.split(r"[\s,]+", text.translate({ord(c): " " for c in "[]()"}).strip(" ,"))
    try:
        return np.array([float(part) for part in parts])
    except ValueError:
        raise Mistake("a value is numbers separated by commas, as in 2,1,0") from None
