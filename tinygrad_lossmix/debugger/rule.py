"""The rule of a node written out, in the reader's names: what it passes back, and why.

There is no table of texts. The rule in the table of derivatives runs once more, on arrays that note
what is done with them; what they noted is written as NumPy.

>>> x, w = Tensor(np.ones((4, 3)), name="x"), Tensor(np.ones((3, 5)), name="w")
>>> z = x @ w
>>> reading = Reading(z.sum(), {"z": z})
>>> product(reading, z, 0), product(reading, z, 1)
('dn3/dz @ w.T', 'x.T @ dn3/dz')
>>> in_letters(z, 0), slope(reading, reading.nodes[3], 0)
('g @ y.T', '1')
>>> reason(reading, z, 1).partition(": ")[0]
'z[i, j] = Σ_k x[i, k] w[k, j], so w[k, j] gets Σ_i dn3/dz[i, j] x[i, k]'
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np

from tinygrad_lossmix.compiler.calls import parts, reduced, repeated, uniform
from tinygrad_lossmix.compiler.ir.canonical import canonical
from tinygrad_lossmix.compiler.ir.trace import Traced, kind_of, of_shapes, operands
from tinygrad_lossmix.debugger.chain_rule import gathered, is_elementwise
from tinygrad_lossmix.engine.rules import astype, getitem, scatter
from tinygrad_lossmix.engine.table import TABLE, spelling
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.layers import PAIR_OF, PAIRS, explained
from tinygrad_lossmix.mixes.outputs import sum_of_others
from tinygrad_lossmix.printing import FEW, clean
from tinygrad_lossmix.views.grids import LEFT_OUT, picked
from tinygrad_lossmix.views.reading import Reading, is_array, subscript, written

SHORT = 6  # calls of a rule that are written out, even where its docstring is shorter
LONGEST = 40  # calls that are written out where it has none
SIGNS: dict[Any, Any] = {
    np.add: ast.Add(), np.subtract: ast.Sub(), np.multiply: ast.Mult(), np.divide: ast.Div(),
    np.matmul: ast.MatMult(), np.power: ast.Pow(), np.equal: ast.Eq(), np.not_equal: ast.NotEq(),
    np.less: ast.Lt(), np.less_equal: ast.LtE(), np.greater: ast.Gt(), np.greater_equal: ast.GtE(),
    np.bitwise_and: ast.BitAnd(), np.bitwise_or: ast.BitOr(), np.floor_divide: ast.FloorDiv(),
}  # fmt: skip
BY_ONE = {np.multiply: (0, 1), np.divide: (1,), np.power: (1,)}  # operands that change nothing
VIEWS = (np.reshape, np.broadcast_to, np.transpose)  # written with everything that they mean
Names = tuple[str | None, ...]
UNSAID = (None, False, np._NoValue)  # options that are as they would be anyway
REDUCED = {
    np.sum: "every entry summed has derivative 1, and gets the gradient of its sum",
    np.mean: "every entry has derivative 1/{n}, and gets the gradient of its mean over {n}",
    np.max: "only the largest moves it, and gets its gradient; the others get 0",
    np.min: "only the smallest moves it, and gets its gradient; the others get 0",
}
BRACKETED = re.compile(r"\[.*?\]|^\(.*?\)")
MOVED = (np.reshape, np.transpose, np.concatenate, np.roll, scatter, getitem)


class Noted(Traced):
    """An array that notes each call as it is made: not simplified, our functions by their names."""

    __slots__ = ()

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        answer = of_shapes(func, args, kwargs)
        return self.call(func, args, kwargs) if answer is None else answer

    @classmethod
    def call(cls, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Noted:
        """What a `TracedProgram` has a method for; here `order` is how many calls are written."""
        if function in VIEWS:
            function, args, kwargs = canonical(function, args, kwargs)
        made = cls(cls, function, args, kwargs, *kind_of(function, args, kwargs), 0, 0)
        length = SHORT if function is sum_of_others else 1  # which is no name of a reader's
        made.order = length + sum(x.order for x in operands(made))
        if made.order > LONGEST or getattr(function, "nout", 1) > 1:
            raise TypeError("a rule too long to be written, or a function with several results")
        return made


def product(reading: Reading, node: Tensor, place: int) -> str:
    """What a node passes back to the argument at a place: `dC/dz @ W2.T`.

    Where an argument was broadcast, the sum that undoes it: `sum of dC/dz over axis 0`. A rule that
    is long, or cannot be run like this, is said by the first line of its docstring.
    """
    text, axes = said(node, place, (reading.quotient(reading.cost, node), *_names(reading, node)))
    return f"sum of {text} {over(axes)}" if axes else text


def slope(reading: Reading, node: Tensor, place: int) -> str:
    """The local derivative of a node that is elementwise: `1 - h * h`."""
    return said(node, place, (None, *_names(reading, node)))[0].removeprefix("1 * ")


def in_letters(node: Tensor, place: int) -> str:
    """The rule in the letters of the table: `g @ y.T`; the sum that undoes broadcasting is none."""
    return said(node, place, _letters(node, place))[0]


def differentiated(node: Tensor) -> list[int]:
    """The places of the arguments by which a node is differentiated."""
    return [i for i in node.positions if TABLE[node.function].rules[i] is not None]


def over(axes: tuple[int, ...]) -> str:
    """`over axis 0`, `over axes 0, 1`."""
    return f"over ax{'i' if len(axes) == 1 else 'e'}s {', '.join(map(str, axes))}"


def said(node: Tensor, place: int, names: Names) -> tuple[str, tuple[int, ...]]:
    """The rule for the argument at a place, and the axes that what it gives is summed over.

    Args:
        names: of the gradient (None for a gradient of ones), the node and its arguments.
    """
    described, found, axes = _described(node, place, names), None, tuple[int, ...]()
    with contextlib.suppress(Exception):  # of a rule that asks for numbers, or is a long loop
        found = _noted(TABLE[node.function].rules[place], node, names)
        axes = repeated(np.shape(found), node.args[place].shape)
    if found is None or (described and getattr(found, "order", 0) > SHORT):
        return described or f"what the rule of {clean(spelling(node.function))} gives", axes
    return ast.unparse(_tree(found)), axes


def _names(reading: Reading, node: Tensor) -> list[str]:
    return [reading.call(node), *(reading.call(arg) or written(arg) for arg in node.args)]


def _noted(rule: Callable[..., Any], node: Tensor, names: Names) -> Any:
    ones = np.broadcast_to(node.dtype.type(1), node.shape)
    values = [
        Noted(Noted, None, (), {}, x.shape, x.dtype, 0, 0, x, name)
        if name is not None and hasattr(x, "dtype") else x
        for name, x in zip(names, [ones, node.data, *node.values], strict=False)
    ]  # fmt: skip
    with np.errstate(all="ignore"):
        return rule(*values, **node.kwargs)


def _letters(node: Tensor, place: int) -> tuple[str, ...]:
    """What a rule calls the gradient, the node and, where it reads them, its arguments."""
    names = list[str]()
    for each in inspect.signature(TABLE[node.function].rules[place]).parameters.values():
        if each.kind is each.VAR_POSITIONAL:
            names += [f"{each.name}[{i}]" for i in range(len(node.args))]
        elif each.kind is each.POSITIONAL_OR_KEYWORD and each.default is each.empty:
            names.append(each.name)
    return tuple(names)


def _described(node: Tensor, place: int, names: Names) -> str:
    """The first line of a rule's docstring up to a semicolon, with names in place of letters."""
    rule: Any = TABLE[node.function].rules[place]
    source = rule.func if isinstance(rule, partial) else rule
    line = (inspect.getdoc(source) or "").partition("\n")[0].partition(";")[0].removesuffix(".")
    options = inspect.signature(rule).parameters.values()
    meant = {each.name: str(each.default) for each in options if each.default is not each.empty}
    meant |= {key: _option(value) for key, value in node.kwargs.items()}
    meant |= zip(_letters(node, place), [_closed(name or "1") for name in names], strict=False)
    return re.sub(r"(?<![\w.])[A-Za-z_]\w*(?!=)\b", lambda word: meant.get(word[0], word[0]), line)


def _closed(name: str) -> str:
    """A name that holds together."""
    return f"({name})" if " " in BRACKETED.sub("", name) else name


def _tree(x: Any) -> ast.expr:
    """What was noted, as Python's own syntax tree: it knows where parentheses belong."""
    if isinstance(x, list | tuple) and any(isinstance(each, Traced) for each in x):
        return ast.List([*map(_tree, x)])
    if not isinstance(x, Traced):
        text = _option(x if (same := uniform(x)) is None else same)
        return ast.UnaryOp(ast.USub(), ast.Name(text[1:])) if text[0] == "-" else ast.Name(text)
    function, args, options = x.function, x.args, x.kwargs
    if _is_leaf(x):
        return ast.Name(_closed(str(x.name)))
    if function in SIGNS:
        return _infix(function, *args)
    first = _tree(args[0])
    if function is astype:
        return first
    if function is np.negative:
        return ast.UnaryOp(ast.USub(), first)
    if function is getitem:
        at, taken = subscript(options["key"]), [k for k in parts(options["key"]) if k is not None]
        column: Any = args[0].args[1] if args[0].function is np.matmul else None
        made = subscript(getattr(column, "kwargs", {}).get("key"))
        if (at, made, x.ndim) == ("..., 0", "..., None", 1):  # of a vector
            left, vector = args[0].args[0], column.args[0]
            if _is_leaf(left):  # as for a row of a matrix
                return ast.BinOp(_tree(vector), ast.MatMult(), ast.Attribute(_tree(left), "T"))
            return _infix(np.matmul, left, vector)
        nothing = "..., " * (len(taken) > args[0].ndim)
        return ast.Subscript(first, ast.Name(at.removeprefix(nothing)))
    if function is scatter:
        return ast.Name(_scattered(ast.unparse(first), **options))
    axes = tuple(options.get("axes") or args[1:]) if function in (np.transpose, np.swapaxes) else ()
    if axes == (-1, -2) or (axes == (1, 0) and x.ndim == 2):
        return ast.Attribute(first, "T" if x.ndim == 2 else "mT")
    if function is np.reshape:
        method = ast.Attribute(first, "reshape")
        return ast.Call(method, [*map(ast.Constant, x.shape)] or [ast.Name("()")], [])
    name = clean(getattr(function, "__name__", "function"))
    trees = [ast.Name(arg.name) if _is_leaf(arg) else _tree(arg) for arg in args]
    if function is np.broadcast_to:
        trees, options = [*trees, ast.Name(str(x.shape))], {}
    if isinstance(ufunc := getattr(function, "__self__", None), np.ufunc):
        name = f"{ufunc.__name__}.{name}"
    given = {k: v for k, v in options.items() if not any(v is each for each in UNSAID)}
    keywords = [ast.keyword(key, _tree(value)) for key, value in given.items()]
    return ast.Call(ast.Name(name), trees, keywords)


def _scattered(g: str, key: Any, shape: tuple[int, ...]) -> str:
    """`g added at [0, 2], [1, 0]; 0 elsewhere`: the places that arrays stand for, in order."""
    index, text = parts(key), f"[{subscript(key)}]"
    if any(map(is_array, index)):
        if all(isinstance(x, int) or (is_array(x) and x.dtype != bool) for x in index):
            shape = shape[: len(index)]  # the further axes are whole
        axes = (np.broadcast_to(axis, shape) for axis in np.indices(shape, sparse=True))
        places = np.stack([axis[key].ravel() for axis in axes], axis=-1)
        some = picked(len(places), FEW)
        text = ", ".join(LEFT_OUT if i is None else str(places[i].tolist()) for i in some)
    return f"{g} added at {text}; 0 elsewhere"


def _is_leaf(x: Any) -> bool:
    return isinstance(x, Traced) and x.function is None


def _infix(function: Any, *args: Any) -> ast.expr:
    for i in BY_ONE.get(function, ()):
        if not isinstance(args[i], Traced) and uniform(np.atleast_1d(args[i])) == 1:
            return _tree(args[1 - i])
    (left, right), sign = map(_tree, args), SIGNS[function]
    if isinstance(sign, ast.cmpop):
        return ast.Compare(left, [sign], [right])
    return ast.BinOp(left, sign, right)


def _option(x: Any) -> str:
    if isinstance(x, tuple):
        return f"({', '.join(map(_option, x))}{',' * (len(x) == 1)})"
    if isinstance(x, np.ndarray | np.generic | float):
        return written(x)
    return "..." if x is Ellipsis else clean(repr(x))


def reason(reading: Reading, node: Tensor, place: int) -> str:
    """What there is to say of the argument at a place."""
    function, argument = node.function, node.args[place]
    z, x, shape = reading.call(node), reading.call(argument), argument.shape
    if function is np.matmul:
        return _of_a_matrix_product(reading, node, place)
    if function in PAIR_OF:
        form, examples = PAIRS[PAIR_OF[function]], argument.size // max(shape[-1], 1)
        delta = f"{form.delta.__name__} is delta of each example, {explained(form.formula)}"
        mean = f"; {z} is the mean over n = {examples}, hence / {examples}" * (examples > 1)
        return f"{delta}, {form.equation}{mean}."
    if function in REDUCED:
        n = argument.size // max(node.size, 1)
        if n == 1:
            alone = f"has {'the one' if node.size == 1 else 'each'} entry of {x} {shape} by itself"
            return f"{z} {node.shape} {alone}: its derivative is 1, and it gets the whole gradient."
        each = f"is taken of all {n} entries" if node.size == 1 else f"has an entry for each {n}"
        taken = f"{z} {node.shape} {each} of {x} {shape}, {over(reduced(node))}"
        return f"{taken}: {REDUCED[function].format(n=n)}."
    if function in MOVED:
        moved = f"{z} has entries of {x} at other places: each gradient goes back to where its "
        ends = "; an entry not taken gets 0, one taken twice gets both" * (function is getitem)
        return f"{moved}entry came from{ends}."
    if not is_elementwise(node, place):
        several = f"each entry of {z} depends on several of {x}"
        if gathered(node, place) is not None:
            return f"{several}, on which no other depends: each gets its gradient times a slope."
        return f"{several}: the local Jacobian is not diagonal, and what comes back is summed."
    at, *behind = (_behind(node, value) for value in (node, *node.args))
    names = [_constant(reading, value) for value in (node, *node.args)]
    entries = map("".join, zip(map(_closed, names), (at, *behind), strict=True))
    found = said(node, place, (None, *entries))[0].removeprefix("1 * ")
    text = f"d{z}{at}/d{x}{behind[place]} = {found}"
    if argument.size > 1:
        text = f"entry by entry: {text}; {z}{at} depends on no other entry of {x}"
    if axes := repeated(node.shape, shape):
        n = node.size // max(argument.size, 1)
        rows = " (one for each row, in a batch for each example)" * (axes == (0,) and node.ndim > 1)
        used = f": each of its entries is used {n} times{rows}" * (n > 1)
        back = f"and what comes back{f' from all {n}' * (n > 1)} is summed {over(axes)}"
        text += f". {x} {shape} is broadcast to {node.shape}{used}, {back}"
    return f"{text}."


def _constant(reading: Reading, x: Any) -> str:
    """What an argument is called where its entries are spoken of."""
    return reading.call(x) or ("constant" if is_array(x) else written(x))


def _behind(node: Tensor, x: Any) -> str:
    """Which entry of something goes into an entry of a node: `[i, 0]`."""
    shape = np.shape(x) if isinstance(x, Tensor | np.ndarray) else ()
    letters, lengths = "ijklmnpqrstuvw"[: node.ndim][-len(shape) :], node.shape[-len(shape) :]
    own = zip(letters, shape, lengths, strict=False)
    return _index("0" if n < m else letter for letter, n, m in own)


def _index(letters: Iterable[str]) -> str:
    text = ", ".join(letters)
    return f"[{text}]" if text else ""


def _of_a_matrix_product(reading: Reading, node: Tensor, place: int) -> str:
    shapes, names = [*map(np.shape, node.args)], [_constant(reading, x) for x in node.args]
    rows, columns = "i" * (len(shapes[0]) > 1), "j" * (len(shapes[1]) > 1)
    x, y = names[0] + _index(f"{rows}k"), names[1] + _index(f"k{columns}")
    z, summed = reading.call(node), (columns, rows)[place]
    at, gradient = _index(rows + columns), reading.quotient(reading.cost, node)
    own, other = (y, x) if place else (x, y)
    text = f"{z}{at} = Σ_k {x} {y}, so {own} gets {summed and f'Σ_{summed} '}{gradient}{at} {other}"
    if stack := max(map(len, shapes)) > 2:
        spread = repeated(node.shape[:-2], shapes[place][:-2])
        text += ", summed over the stack" if spread else ", in each matrix of the stack"
    if not summed:
        return f"{text}."
    n = shapes[1 - place][-2 if place else -1]
    who = "rows (in a batch, the examples)" if place else "columns"
    used = f": it is used in all {n} {who} of {z}, and what comes back is summed"
    text += f"{used * (n > 1)}."
    if not (rows and columns):
        return text
    (*_, a, b), c = shapes[1 - place], node.shape[-2:]
    pair = f"({b}, {a}) @ {c}" if place else f"{c} @ ({b}, {a})"
    side = "last axis on its left" if place else "first axis on its right"
    other = f"{names[1 - place]}.{'mT' if stack else 'T'}"
    return f"{text} @ sums over the {side}, hence {other}: {pair} = {shapes[place][-2:]}."
