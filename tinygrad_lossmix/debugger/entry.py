"""One entry of a value or of a gradient as the sum of products that it is, number by number.

>>> h, w = Tensor([[1.0, 2.0]], name="h"), Tensor([[3.0], [4.0]], name="w")
>>> z = h @ w
>>> print(of_value(Reading(z.sum(), {"z": z}), z, (0, 0)))
z[0, 0] = h[0] @ w[:, 0]
  h[0, 0]  1  *  w[0, 0]  3  =   3
  h[0, 1]  2  *  w[1, 0]  4  =   8
  sum                        =  11
"""

import re
from typing import Any

import numpy as np
from rich.text import Text

from tinygrad_lossmix.debugger.chain_rule import Product, downstream
from tinygrad_lossmix.debugger.layout import aligned, lined
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import number
from tinygrad_lossmix.views.grids import column_of
from tinygrad_lossmix.views.reading import Reading, subscript

TERMS = 12  # products that are listed
PROBED = 256  # entries of a node whose local derivatives are taken one by one

Place = tuple[Any, ...]  # of an entry; with slices, of a row or column
Term = tuple[str, Any, str, Any]  # two numbers to be multiplied, each behind its name


def at(name: str, place: Place) -> str:
    """`dC/dW2[2, 1]`; a row and a column are `h[2]`, `h[:, 1]`."""
    return re.sub(r"(, :)+]$", "]", f"{name}[{subscript(place)}]")


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
        other, values = named_array(reading, node.args[1 - product.place])
        left, right = (upstream, product.g), (f"{other}.T", values.T)
        if product.place:
            left, right = right, left
        return _row_by_column(name, left, right, place)
    if node.size > PROBED:
        return Text(f"{at(name, place)} is a sum over {node.size:,} entries, too many to list")
    slope, terms = reading.quotient(node, argument), list[Term]()
    for each in np.ndindex(node.shape):
        unit = np.zeros_like(node.data)
        unit[each] = 1.0
        with np.errstate(all="ignore"):
            factor = downstream(node, product.place, unit)[place]
        if factor or (each == place and node.shape == argument.shape):
            terms.append((at(upstream, each), product.g[each], slope, factor))
    return _sum(at(name, place), "upstream * local", terms)


def is_matrix_product(node: Tensor) -> bool:
    """Whether it is one of two matrices."""
    return node.function is np.matmul and all(np.ndim(arg) == 2 for arg in node.args)


def named_array(reading: Reading, arg: Any) -> tuple[str, Any]:
    """The name and the values of an argument."""
    return reading.call(arg) or "constant", arg.data if isinstance(arg, Tensor) else arg


def _row_by_column(name: str, left: tuple[str, Any], right: tuple[str, Any], place: Place) -> Text:
    (a, x), (b, y), (i, j) = left, right, place
    terms = [(at(a, (i, k)), x[i, k], at(b, (k, j)), y[k, j]) for k in range(len(y))]
    every = slice(None)
    return _sum(at(name, place), f"{at(a, (i, every))} @ {at(b, (every, j))}", terms)


def _sum(name: str, formula: str, terms: list[Term]) -> Text:
    with np.errstate(all="ignore"):
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
