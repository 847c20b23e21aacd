"""What is typed behind a command: names, numbers, comparisons. Nothing is evaluated as Python.

What is not there, or not what was asked for, is a CommandError that says so.

>>> z = Tensor([2.0, 1.0], name="z")
>>> walk = Walk((z * z).sum())
>>> find_node("zz", walk)
Traceback (most recent call last):
tinygrad_lossmix.debugger.expressions.CommandError: there is no zz here: did you mean z?
>>> holds("z.grad >= 4 and position > 1", walk)
False
>>> holds("z.grad >= 4 and position > 1", walk.at(len(walk)))
True
>>> numbers("2, 1, 0", (3,)), numbers("[[1 2] [3 4]]", (2, 2)).tolist(), numbers("7", (2,))
(array([2., 1., 0.]), [[1.0, 2.0], [3.0, 4.0]], array([7., 7.]))
>>> assignment("z 2,1,0", ["z"]), assignment("z[0, -1] = 5", ["z"])
(('z', '', '2,1,0'), ('z', '0, -1', '5'))
"""

import difflib
import operator
import re
from collections.abc import Callable, Container, Iterable
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.printing import brief, shorten

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
HERE: dict[str, Callable[[Walk], Any]] = {
    "position": lambda walk: walk.position,
    "upstream": lambda walk: walk.stop and walk.stop.g,
    "downstream": lambda walk: walk.stop and walk.stop.contribution,
    "accumulated": lambda walk: walk.stop and walk.stop.total,
}
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?|[+-]?inf", re.ASCII | re.IGNORECASE)
SIGN = re.compile(r"[^\w\s]")  # that no word has
FIGURES = re.compile(r"[\s\[]*[+-]?\.?\d")  # that an answer begins with
WORDS = re.compile(r"[^\W\d]\w*\s+\w")  # that a command and what it takes begin with
PLACE = r"\s*([+-]?\d{1,9}|:)\s*"
ENTRY = re.compile(rf"(?P<name>.*\S)\s*\[(?P<place>{PLACE}(,{PLACE})*)\]", re.ASCII | re.DOTALL)
VALUE = re.compile(
    rf"(\[(?P<place>{PLACE}(,{PLACE})*)\])?\s*=?\s*(?P<value>[^\s=].*)", re.ASCII | re.DOTALL
)


class CommandError(Exception):
    """A command that cannot be carried out, in words for the one who typed it."""


def find_node(text: str, walk: Walk) -> Tensor:
    """The node of that name, or of a gradient of it."""
    name = named(text, walk)
    found = walk.known.get(name)
    if isinstance(found, Tensor):
        return found
    if found is not None:
        raise CommandError(f"{name} is a constant: it has no gradient")
    raise unknown(text, walk)


def named(text: str, walk: Walk) -> str:
    """What is named in `h`, `h.grad` or `dC/dh`; '' where that is not known."""
    bare = text.removesuffix(".grad").removeprefix(f"d{walk.reading.call(walk.cost)}/d")
    return next((name for name in (text, bare) if name in walk.known), "")


def is_quantity(text: str, walk: Walk) -> bool:
    """Whether `print` is meant where it stands alone: it is more than words, or a known one."""
    called = (name for node in walk.reading.nodes for name, *_ in node.groups)
    sign = SIGN.search(text) and (is_condition(text) or not FIGURES.match(text))
    words = WORDS.match(text) and not text.startswith(tuple(f"{name} " for name in walk.known))
    return bool(named(text, walk) or text in HERE or text in called or (sign and not words))


def node_or_current(text: str, walk: Walk) -> Tensor:
    """The node of that name; without a name the one we are at."""
    return find_node(text, walk) if text else walk.current


def operation(text: str, walk: Walk) -> Tensor:
    """The node of that name, or the last of that function; without, that of the last product."""
    nodes = [] if text in walk.known else walk.reading.nodes[::-1]
    called = (node for node in nodes if node.function and node.function.__name__ == text)
    last = walk.stop.node if walk.stop and not text else next(called, None)
    return node_or_current(text, walk) if last is None else last


def unknown(text: str, walk: Walk) -> CommandError:
    """The error of a name that is not there, with the nearest that is."""
    near = difflib.get_close_matches(text, walk.known, 1)
    advice = f"did you mean {near[0]}?" if near else "`list` shows the names"
    return CommandError(f"there is no {brief(text)} here: {advice}")


def quantity(text: str, walk: Walk) -> Any:
    """A number, a name, NAME.grad, what is here, an entry, a comparison; None: no value yet."""
    if text in walk.known:
        found = walk.known[text]
        return walk.value(found) if isinstance(found, Tensor) else found
    if named(text, walk):
        return walk.gradient(find_node(text, walk))
    if text.endswith(".T") and named(text[:-2], walk):
        whole = quantity(text[:-2], walk)
        return whole if whole is None else np.transpose(whole)
    if NUMBER.fullmatch(text):
        return float(text)
    if text in HERE:
        return HERE[text](walk)
    if is_condition(text):
        first, *others = [_compared(walk, *sides) for sides in _comparisons(text)]
        return all(map(np.any, (first, *others))) if others else first
    if (entry := ENTRY.fullmatch(text)) and (entry[1] in walk.known or entry[1][-1] != "]"):
        if (whole := quantity(entry[1], walk)) is None:
            return None
        return np.asarray(whole)[place_in(entry[1], np.shape(whole), entry["place"])]
    if SIGN.search(text):
        words = "type NAME, NAME.grad, NAME.T, NAME[0, :] or a comparison, as in z.grad > 1"
        words = "`set` changes a value, as in `set z 0`" if "=" in text else words
        raise CommandError(f"{brief(text)} is not evaluated: {words}")
    raise unknown(text, walk)


def entry_in(text: str, walk: Walk) -> tuple[str, tuple[int, ...]]:
    """A node and the place of an entry in it, `W1[2, 3]`."""
    if found := ENTRY.fullmatch(text):
        node = find_node(found["name"], walk)
        place = place_in(found["name"], node.shape, found["place"])
        if len(place) == node.ndim and ":" not in found["place"]:
            return walk.reading.call(node), place
    raise CommandError("entry takes a node and the place of an entry, as in W1[2,3], or off")


def place_in(name: str, shape: tuple[int, ...], typed: str) -> tuple[Any, ...]:
    """The place of an entry, `2,3`, counted from 0; that of a row where it is shorter or `2,:`."""
    at = [each.strip() for each in typed.split(",")]
    inside = (each == ":" or -n <= int(each) < n for each, n in zip(at, shape, strict=False))
    if len(at) > len(shape) or not all(inside):
        raise CommandError(f"{shorten(name)} has the shape {shape}: it has no [{', '.join(at)}]")
    ends = zip(at, shape, strict=False)
    return tuple(slice(None) if each == ":" else int(each) % n for each, n in ends)


def is_condition(text: str) -> bool:
    """Whether there is a comparison in it."""
    return any(symbol in text for symbol in OPERATORS)


def holds(text: str, walk: Walk) -> bool:
    """Whether every comparison holds here; of an array it is enough that one entry fulfils one."""
    return bool(np.any(quantity(text, walk)))


@lru_cache
def _comparisons(text: str) -> list[list[str]]:
    parts = [re.split("(<=|>=|==|!=|<|>)", part) for part in re.split(r"\sand\b", text)]
    comparisons = [[side.strip() for side in sides] for sides in parts]
    if not all(len(sides) == 3 and all(sides) for sides in comparisons):
        raise CommandError("a condition compares names and numbers: z.grad > 1 and position < 5")
    return comparisons


def _compared(walk: Walk, before: str, symbol: str, behind: str) -> Array | None:
    """True or False for each entry; None as long as a side has no value."""
    left, right = quantity(before, walk), quantity(behind, walk)
    if left is None or right is None:
        return None
    try:
        return np.asarray(OPERATORS[symbol](left, right))
    except ValueError:
        shapes = f"{np.shape(left)} and {np.shape(right)}"
        raise CommandError(f"arrays of shapes {shapes} cannot be compared") from None


def whole_number(text: str, allowed: Container[int], otherwise: str) -> int:
    """A number that is counted or pointed at; one of more than nine digits is not even read."""
    if text.isascii() and text.isdecimal() and len(text) <= 9 and int(text) in allowed:
        return int(text)
    raise CommandError(otherwise)


def numbers(text: str, shape: tuple[int, ...]) -> Array:
    """`2,1,0`, or as an array is printed, in a shape, row by row; a single number fills it."""
    values, size = _listed(text), int(np.prod(shape))
    if values.size not in (1, size):
        many = f"{values.size} numbers where the shape {shape} takes {size}"
        raise CommandError(many + ", or one for all" * (size > 1))
    return np.broadcast_to(values, size).reshape(shape)


def label_numbers(text: str, shape: tuple[int, ...]) -> Array:
    """Labels for logits: a class, a class for each example, or a label for each logit."""
    values, rows, classes = _listed(text), int(np.prod(shape[:-1])), shape[-1]
    if values.size == rows * classes:
        return values.reshape(shape)
    if classes > 1 and values.size in (1, rows) and np.isin(values, np.arange(classes)).all():
        return np.broadcast_to(values.astype(int), rows).reshape(shape[:-1])
    kinds = [f"a class, 0 to {classes - 1}"] if classes > 1 else []
    kinds += [f"{rows} classes, one for each example"] if classes > 1 and rows > 1 else []
    kinds += [f"{rows * classes} labels, one for each logit"]
    raise CommandError(f"y takes {', or '.join(kinds)}")


def _listed(text: str) -> Array:
    parts = re.split(r"[\s,]+", text.translate({ord(c): " " for c in "[]()"}).strip(" ,"))
    try:
        return np.array([float(Fraction(part) if "/" in part else part) for part in parts])
    except (ValueError, ArithmeticError):
        raise CommandError("a value is numbers separated by commas, as in 2,1,0") from None


def mix(text: str) -> Mix:
    """The mix of two words."""
    try:
        return Mix(*text.split(maxsplit=1))
    except (ValueError, TypeError):
        raise CommandError(f"there is no mix {brief(text)}: choose one as in softmax ce") from None


def assignment(text: str, known: Iterable[str]) -> tuple[str, str, str]:
    """A name, the place of an entry or a row of it ('': the whole), and what it is set to.

    A name that is known may hold anything; the longest that fits is meant.
    """
    fitting = [name for name in known if re.match(re.escape(name) + r"[\s=\[]", text)]
    name = max(fitting, key=len, default=re.split(r"[\s=\[]", text, maxsplit=1)[0])
    found = VALUE.fullmatch(text.removeprefix(name))
    entry = ENTRY.fullmatch(text) and text.startswith(f"{name}[")  # and no value
    if found is None or not name or entry:
        words = "set takes an input and its value, `y` and labels, or `mix` and two words"
        raise CommandError(words)
    return name, found["place"] or "", found["value"]
