"""The rule of a node written out: what it passes back to an argument, in the reader's names.

There is no table of texts. The rule in the table of derivatives runs once more, on arrays that note
what is done with them; what they noted is written as NumPy.

>>> x, w = Tensor(np.ones((4, 3)), name="x"), Tensor(np.ones((3, 5)), name="w")
>>> z = x @ w
>>> reading = Reading(z.sum(), {"z": z})
>>> product(reading, z, 0), product(reading, z, 1)
('dn3/dz @ w.T', 'x.T @ dn3/dz')
>>> in_letters(z, 0)
'g @ y.T'
"""

import inspect
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from tinygrad_lossmix.compiler.calls import uniform
from tinygrad_lossmix.compiler.ir.canonical import canonical
from tinygrad_lossmix.compiler.ir.inference import kind_of, of_shapes
from tinygrad_lossmix.compiler.ir.trace import Traced, operands
from tinygrad_lossmix.engine.rules import astype, getitem, scatter
from tinygrad_lossmix.engine.table import TABLE, spelling
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import clean
from tinygrad_lossmix.views.reading import Reading, subscript, written

SHORT = 6  # calls of a rule that are written out, even where its docstring is shorter
LONGEST = 400  # calls of a rule that are noted; a tenth of them is written out
ATOM, SIGN, TIMES, PLUS = 8, 6, 5, 4  # how tightly an expression holds together, as in Python
INFIX = {
    np.power: ("**", 7),
    np.multiply: ("*", TIMES),
    np.divide: ("/", TIMES),
    np.matmul: ("@", TIMES),
    np.add: ("+", PLUS),
    np.subtract: ("-", PLUS),
    np.bitwise_and: ("&", 3),
    np.bitwise_or: ("|", 2),
    np.equal: ("==", 1),
    np.not_equal: ("!=", 1),
    np.less: ("<", 1),
    np.less_equal: ("<=", 1),
    np.greater: (">", 1),
    np.greater_equal: (">=", 1),
}
REGROUPED = {np.multiply: (np.multiply, np.divide), np.add: (np.add, np.subtract)}  # a * (b * c)
VIEWS = (np.reshape, np.broadcast_to, np.transpose)  # written with everything that they mean
UNSAID = (None, False, np._NoValue)  # options that are as they would be anyway


class Noted(Traced):
    """An array that notes every call as it is made, those of our own functions by their names."""

    __slots__ = ()

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        answer = of_shapes(func, args, kwargs)
        return self.program.call(func, args, kwargs) if answer is None else answer


class Notebook:
    """What `Noted` hands its calls to: none is simplified, or made once for several."""

    noted = 0

    def call(self, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Noted:
        self.noted += 1
        if getattr(function, "nout", 1) > 1 or self.noted > LONGEST:
            raise TypeError(f"{function.__name__}: several results, or a rule that is a long loop")
        if function in VIEWS:
            function, args, kwargs = canonical(function, args, kwargs)
        return Noted(self, function, args, kwargs, *kind_of(function, args, kwargs), 0, 0)

    def leaf(self, name: str, like: Any) -> Noted:
        """What the rule is given: of like's shape and dtype, called so."""
        return Noted(self, None, (), {}, like.shape, like.dtype, 0, 0, like, name)


def product(reading: Reading, node: Tensor, place: int) -> str:
    """What a node passes back to the argument at a place: `dC/dz @ W2.T`.

    Where an argument was broadcast, the sum that undoes it: `sum of dC/dz over axis 0`. A rule that
    is long, or cannot be run like this, is said by the first line of its docstring.
    """
    gradient = f"d{reading.call(reading.cost)}/d{reading.call(node)}"
    args = [reading.call(arg) or written(arg) for arg in node.args]
    return _said(node, place, (gradient, reading.call(node), *args))


def in_letters(node: Tensor, place: int) -> str:
    """The same in the letters of the table: `g @ y.T`."""
    return _said(node, place, letters(node, place))


def letters(node: Tensor, place: int) -> tuple[str, ...]:
    """What a rule calls the gradient, the node and, where it reads them, its arguments."""
    parameters = inspect.signature(TABLE[node.function].rules[place]).parameters.values()
    return tuple(each.name for each in parameters if each.default is each.empty)


def differentiated(node: Tensor) -> list[tuple[int, Tensor]]:
    """The arguments by which a node is differentiated, with their places."""
    return [
        (i, arg)
        for i, arg in enumerate(node.args)
        if isinstance(arg, Tensor) and TABLE[node.function].rules[i] is not None
    ]


def _said(node: Tensor, place: int, names: tuple[str, ...]) -> str:
    """The rule for the argument at a place, with names for the gradient, the node, its arguments"""
    rule: Any = TABLE[node.function].rules[place]
    described, longest = description(node, place, names).partition(";")[0], SHORT
    try:
        found = _noted(rule, node, names)
    except Exception:  # of a rule that asks for numbers, or does what only arrays can
        longest = 0
    if longest == 0 or _is_longer(found, longest if described else LONGEST // 10):
        return described or f"what the rule of {clean(spelling(node.function))} gives"
    text, axes = _text(found), repeated(np.shape(found), node.args[place].shape)
    if not axes:
        return text
    which = f"axis {axes[0]}" if len(axes) == 1 else f"axes {', '.join(map(str, axes))}"
    return f"sum of {text} over {which}"


def _noted(rule: Callable[..., Any], node: Tensor, names: tuple[str, ...]) -> Any:
    book, gradient, values = Notebook(), np.broadcast_to(node.dtype.type(1), node.shape), []
    for name, value in zip(names[2:], node.values, strict=False):
        array = isinstance(value, np.ndarray) or hasattr(value, "dtype")
        values.append(book.leaf(name, value) if array else value)
    with np.errstate(all="ignore"):
        return rule(book.leaf(names[0], gradient), book.leaf(names[1], node.data), *values,
                    **node.kwargs)  # fmt: skip


def description(node: Tensor, place: int, names: tuple[str, ...]) -> str:
    """The first line of a rule's docstring, with names in place of its letters; '' without one."""
    rule: Any = TABLE[node.function].rules[place]
    source = rule.func if isinstance(rule, partial) else rule
    line = (inspect.getdoc(source) or "").partition("\n")[0].removesuffix(".")
    options = inspect.signature(rule).parameters.values()
    said = {each.name: str(each.default) for each in options if each.default is not each.empty}
    said |= {key: _option(value) for key, value in node.kwargs.items()}
    said |= zip(letters(node, place), map(_closed, names), strict=False)
    return re.sub(r"(?<![\w.])[A-Za-z_]\w*(?!=)\b", lambda word: said.get(word[0], word[0]), line)


def _is_longer(x: Any, calls: int) -> bool:
    """Whether more calls than that are written for it."""
    waiting = [x]
    while waiting and calls >= 0:
        last = waiting.pop()
        if isinstance(last, Traced) and last.function is not None:
            waiting += operands(last)
            calls -= 1
    return calls < 0


def repeated(given: tuple[int, ...], shape: tuple[int, ...]) -> list[int]:
    """The axes over which a product of one shape is summed for an argument of another."""
    extra = len(given) - len(shape)
    return [i for i, n in enumerate(given) if i < extra or n != shape[i - extra]]


def _closed(name: str) -> str:
    """A name that holds together."""
    return f"({name})" if " " in name and name[0] not in "[(" else name


def _text(x: Any, around: int = 0) -> str:
    """What was noted, as NumPy; in parentheses where `around` holds more tightly."""
    text, level = _text_and_level(x)
    return f"({text})" if level < around else text


def _text_and_level(x: Any) -> tuple[str, int]:
    if not isinstance(x, Traced):
        text = _option(x if (same := uniform(x)) is None else same)
        return text, SIGN if text.startswith("-") else ATOM
    function, args = x.function, x.args
    if function is None:
        name = x.name or ""
        return name, ATOM if _closed(name) == name else 0
    if function is np.negative:
        return f"-{_text(args[0], SIGN)}", SIGN
    if function in INFIX:
        return _infix(function, *args)
    if function is astype:
        return _text_and_level(args[0])
    if function is np.reshape:
        return f"{_text(args[0], ATOM)}.reshape({str(x.shape or '(())')[1:-1].rstrip(',')})", ATOM
    if function is scatter:
        key, shape = x.kwargs["key"], x.kwargs["shape"]
        return f"{_text(args[0])} added at [{subscript(key)}] of zeros({shape})", 0
    if function is getitem:
        return f"{_text(args[0], ATOM)}[{subscript(x.kwargs['key'])}]", ATOM
    if function in (np.transpose, np.swapaxes) and _is_transposed(x):
        return f"{_text(args[0], ATOM)}.T", ATOM
    name, options = clean(getattr(function, "__name__", "function")), x.kwargs.items()
    if isinstance(ufunc := getattr(function, "__self__", None), np.ufunc):
        name = f"{ufunc.__name__}.{name}"
    if function is np.broadcast_to:
        return f"{name}({_text(args[0])}, {x.shape})", ATOM
    given = [f"{k}={_option(v)}" for k, v in options if not any(v is each for each in UNSAID)]
    return f"{name}({', '.join([*map(_text, args), *given])})", ATOM


def _infix(function: Any, left: Any, right: Any) -> tuple[str, int]:
    sign, level = INFIX[function]
    for x, other, unchanged in ((right, left, ("*", "/", "**")), (left, right, ("*",))):
        if sign in unchanged and not isinstance(x, Traced) and uniform(np.atleast_1d(x)) == 1:
            return _text_and_level(other)
    regrouped = getattr(right, "function", None) in REGROUPED.get(function, ())
    before, behind = level + (sign in ("**", "@")), level + (not regrouped)
    return f"{_text(left, before)} {sign} {_text(right, behind)}", level


def _is_transposed(x: Traced) -> bool:
    """Whether it is a matrix with its axes exchanged."""
    axes = x.kwargs.get("axes", x.args[1:])
    return x.ndim == 2 and tuple(axes) in ((1, 0), (-1, -2), (0, 1) * (x.function is np.swapaxes))


def _option(x: Any) -> str:
    if isinstance(x, tuple):
        return f"({', '.join(map(_option, x))}{',' * (len(x) == 1)})"
    if isinstance(x, np.ndarray | np.generic | float):
        return written(x)
    return "..." if x is Ellipsis else clean(repr(x))
