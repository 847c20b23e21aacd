"""Why a product is what it is, in words about this node: where a sum or a transpose comes from.

>>> x, w = Tensor(np.ones((4, 3)), name="x"), Tensor(np.ones((3, 5)), name="w")
>>> z = x @ w
>>> text = reason(Reading(z.sum(), {"z": z}), z, 1)
>>> text.partition(": ")[0]
'z[i, j] = Σ_k x[i, k] w[k, j], so w[k, j] gets Σ_i dn3/dz[i, j] x[i, k]'
>>> text[-75:]
'@ sums over the last axis on its left, hence x.T: (3, 4) @ (4, 5) = (3, 5).'
"""

from collections.abc import Iterable

import numpy as np

from tinygrad_lossmix.compiler.calls import reduced
from tinygrad_lossmix.debugger.local_derivative import is_elementwise
from tinygrad_lossmix.debugger.rule import over, repeated, slope
from tinygrad_lossmix.engine.rules import getitem
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.layers import LETTERS, PAIR_OF, PAIRS
from tinygrad_lossmix.views.reading import Reading

REDUCED = {
    np.sum: "every entry summed has derivative 1, and gets the gradient of its sum",
    np.mean: "every entry has derivative 1/{n}, and gets the gradient of its mean over {n}",
    np.max: "only the largest moves it, and gets its gradient; the others get 0",
    np.min: "only the smallest moves it, and gets its gradient; the others get 0",
}
MOVED = (np.reshape, np.transpose, np.concatenate, getitem)


def reason(reading: Reading, node: Tensor, place: int) -> str:
    """What there is to say of the argument at a place."""
    function, argument = node.function, node.args[place]
    z, x, shape = reading.call(node), reading.call(argument), argument.shape
    if function is np.matmul:
        return _of_a_matrix_product(reading, node, place)
    if function in PAIR_OF:
        form, examples = PAIRS[PAIR_OF[function]], argument.size // max(shape[-1], 1)
        letters = "".join(f", {LETTERS[c]}" for c in LETTERS if c in form.formula)
        delta = f"{form.delta.__name__} is delta of each example, {form.formula}{letters}"
        mean = f"; {z} is the mean over n = {examples}, hence / {examples}" * (examples > 1)
        return f"{delta}, {form.equation}{mean}."
    if function in REDUCED:
        n = argument.size // max(node.size, 1)
        each = f"is taken of all {n} entries" if node.size == 1 else f"has an entry for each {n}"
        taken = f"{z} {node.shape} {each} of {x} {shape}, {over([*reduced(node)])}"
        return f"{taken}: {REDUCED[function].format(n=n)}."
    if function in MOVED:
        moved = f"{z} has entries of {x} at other places: each gradient goes back to where its "
        ends = "; an entry not taken gets 0, one taken twice gets both" * (function is getitem)
        return f"{moved}entry came from{ends}."
    if not is_elementwise(node, place):
        several = f"each entry of {z} depends on several of {x}: the local Jacobian is not diagonal"
        return f"{several}, and each entry of {x} gets a sum over all that depend on it."
    every = [*"ijklmnpqrstuvw"][: node.ndim]
    own = zip(every[node.ndim - argument.ndim :], shape, strict=False)
    at, behind = _index(every), _index(["0" if n == 1 else letter for letter, n in own])
    text = f"d{z}{at}/d{x}{behind} = {slope(reading, node, place)}"
    if argument.size > 1:
        text = f"entry by entry: {text}; {z}{at} depends on no other entry of {x}"
    if axes := repeated(node.shape, shape):
        n = node.size // max(argument.size, 1)
        rows = " (one for each row, in a batch for each example)" * (axes == [0] and node.ndim > 1)
        used = f"{x} {shape} is broadcast to {node.shape}: each of its entries is used {n} times"
        text += f". {used}{rows}, and what comes back from all {n} is summed {over(axes)}"
    return f"{text}."


def _index(letters: Iterable[str]) -> str:
    text = ", ".join(letters)
    return f"[{text}]" if text else ""


def _of_a_matrix_product(reading: Reading, node: Tensor, place: int) -> str:
    shapes, names = [*map(np.shape, node.args)], [reading.call(x) or "constant" for x in node.args]
    rows, columns = "i" * (len(shapes[0]) > 1), "j" * (len(shapes[1]) > 1)
    x, y = names[0] + _index(f"{rows}k"), names[1] + _index(f"k{columns}")
    z, summed = reading.call(node), (columns, rows)[place]
    at, gradient = _index(rows + columns), reading.quotient(reading.cost, node)
    own, other = (y, x) if place else (x, y)
    text = f"{z}{at} = Σ_k {x} {y}, so {own} gets {summed and f'Σ_{summed} '}{gradient}{at} {other}"
    if max(map(len, shapes)) > 2:
        text += ", in each matrix of the stack"
    if not summed:
        return f"{text}."
    n = shapes[1 - place][-2 if place else -1]
    who = "rows (in a batch, the examples)" if place else "columns"
    text += f": it is used in all {n} {who} of {z}, and what comes back is summed."
    if not (rows and columns):
        return text
    (*_, a, b), c = shapes[1 - place], node.shape[-2:]
    pair = f"({b}, {a}) @ {c}" if place else f"{c} @ ({b}, {a})"
    side = "last axis on its left" if place else "first axis on its right"
    return (
        f"{text} @ sums over the {side}, hence {names[1 - place]}.T: {pair} = {shapes[place][-2:]}."
    )
