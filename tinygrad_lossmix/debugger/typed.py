"""Values as they are typed: numbers, labels, one entry of an array. Nothing is evaluated.

>>> numbers("2, 1, 0", (3,)), numbers("[[1 2] [3 4]]", (2, 2)).tolist(), numbers("7", (2,))
(array([2., 1., 0.]), [[1.0, 2.0], [3.0, 4.0]], array([7., 7.]))
>>> assignment("z 2,1,0", ["z"]), assignment("z[0, -1] = 5", ["z"])
(('z', (), '2,1,0'), ('z', (0, -1), '5'))
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from tinygrad_lossmix.debugger.names import Mistake
from tinygrad_lossmix.engine.table import Array

Shape = tuple[int, ...]
Place = tuple[int, ...]  # of an entry; () means all of them

PLACE = r"\s*[+-]?\d{1,9}\s*"
VALUE = re.compile(
    rf"(\[(?P<place>{PLACE}(,{PLACE})*)\])?\s*=?\s*(?P<value>[^\s=].*)", re.ASCII | re.DOTALL
)


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
    raise Mistake(f"y is set to {', or '.join(kinds)}")


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
        raise Mistake("set takes an input and its value, y and labels, or mix and two words")
    place = found["place"].split(",") if found["place"] else []
    return name, tuple(map(int, place)), found["value"]


def _listed(text: str) -> Array:
    parts = re.split(r"[\s,]+", text.translate({ord(c): " " for c in "[]()"}).strip(" ,"))
    try:
        return np.array([float(part) for part in parts])
    except ValueError:
        raise Mistake("a value is numbers separated by commas, as in 2,1,0") from None
