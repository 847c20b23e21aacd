"""Why a product is what it is, in words about this node: where a sum or a transpose comes from.

>>> x, w = Tensor(np.ones((4, 3)), name="x"), Tensor(np.ones((3, 5)), name="w")
>>> z = x @ w
>>> text = reason(Reading(z.sum(), {"z": z}), z, 1)
>>> text.partition(": ")[0]
'z[i, j] = Σ_k x[i, k] w[k, j], so w[k, j] gets Σ_i dn3/dz[i, j] x[i, k]'
>>> text[-75:]
'@ sums over the last axis on its left, hence x.T: (3, 4) @ (4, 5) = (3, 5).'
"""

import numpy as np

from tinygrad_lossmix.compiler.calls import reduced
from tinygrad_lossmix.debugger.chain_rule import entrywise
from tinygrad_lossmix.debugger.rule import over, repeated, slope
from tinygrad_lossmix.engine.rules import getitem
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.layers import PAIR_OF, PAIRS
from tinygrad_lossmix.views.reading import Reading

LETTERS = {"S": "S = sum of y", "e": "e = a - y", "r": "r = a/(1 - a)"}  # in formulas of delta
REDUCED = {
    np.sum: "every entry summed has derivative 1, and gets the upstream gradient of its sum",
    np.mean: "every entry has derivative 1/{n}, and gets the gradient of its mean over {n}",
    np.max: "only the largest entry moves it, and gets the upstream gradient; the others get 0",
    np.min: "only the smallest entry moves it, and gets the upstream gradient; the others get 0",
}
MOVED = (np.reshape, np.transpose, np.concatenate, getitem)


def reason(reading: Reading, node: Tensor, place: int) -> str:
    """What there is to say of the argument at a place."""
    function, argument = node.function, node.args[place]
    z, x = reading.call(node), reading.call(argument)
    if function is np.matmul:
        return _of_a_matrix_product(reading, node, place)
    if function in PAIR_OF:
        return _of_a_mix(reading, node)
    if function in REDUCED:
        n = argument.size // max(node.size, 1)
        words = f"{z} {node.shape} has an entry for each {n} of {x} {argument.shape}, taken "
        return f"{words}{over([*reduced(node)])}: {REDUCED[function].format(n=n)}."
    if function in MOVED:
        words = f"{z} has entries of {x} as they are, at other places: each gradient goes back to "
        ends = "; an entry not taken gets 0, one taken twice gets both" * (function is getitem)
        return f"{words}where its entry came from{ends}."
    slopes = entrywise(node, place)
    if slopes is None:
        words = f"each entry of {z} depends on several entries of {x}: the local Jacobian is not "
        return f"{words}diagonal, and each of {x} gets a sum over all that depend on it."
    at, behind = _letters(node.ndim), _letters(node.ndim, argument.shape)
    text = f"d{z}{at}/d{x}{behind} = {slope(reading, node, place)}"
    if argument.size > 1:
        text = f"entry by entry: {text}; {z}{at} depends on no other entry of {x}"
    axes = repeated(node.shape, argument.shape)
    if not axes:
        return f"{text}."
    n = node.size // max(argument.size, 1)
    rows = " (one for each row, in a batch for each example)" * (axes == [0] and node.ndim > 1)
    return (
        f"{text}. {x} {argument.shape} is broadcast to {node.shape}: each of its entries is used "
        f"{n} times{rows}, and what comes back from all {n} is summed {over(axes)}."
    )


def _letters(ndim: int, shape: tuple[int, ...] | None = None) -> str:
    """`[i, j]`, an entry of so many axes; or the one of an array that is broadcast to them."""
    every = [*"ijklmnpqrstuv"[:ndim]] if ndim < 14 else [f"i{axis}" for axis in range(ndim)]
    if shape is not None:
        every = every[ndim - len(shape) :]
        every = [letter if n != 1 else "0" for letter, n in zip(every, shape, strict=True)]
    return f"[{', '.join(every)}]" if every else ""


def _of_a_matrix_product(reading: Reading, node: Tensor, place: int) -> str:
    shapes = [np.shape(arg) for arg in node.args]
    names = [reading.call(arg) or "constant" for arg in node.args]
    gradient = f"d{reading.call(reading.cost)}/d{reading.call(node)}"
    rows, columns = len(shapes[0]) > 1, len(shapes[1]) > 1
    at = [f"[{'i, ' * rows}k]", f"[k{', j' * columns}]"]
    of_z = f"[{', '.join('i' * rows + 'j' * columns)}]" if rows or columns else ""
    summed = (columns, rows)[place]
    index, n = "ji"[place], shapes[1 - place][(-1, -2)[place]] if summed else 0
    text = (
        f"{reading.call(node)}{of_z} = Σ_k {names[0]}{at[0]} {names[1]}{at[1]}, so "
        f"{names[place]}{at[place]} gets {f'Σ_{index} ' * summed}{gradient}{of_z} "
        f"{names[1 - place]}{at[1 - place]}"
    )
    if max(map(len, shapes)) > 2:
        text += ", in each matrix of the stack"
    if not summed:
        return f"{text}."
    who = "rows (in a batch, the examples)" if place else "columns"
    text += f": it is used in all {n} {who} of {reading.call(node)}, and what comes back is summed."
    if not (rows and columns):
        return text
    side, axis = ("left", "last") if place else ("right", "first")
    (a, b), c = (shapes[1 - place][-2:], node.shape[-2:])
    pair = f"({b}, {a}) @ {c}" if place else f"{c} @ ({b}, {a})"
    turned = f"{names[1 - place]}.T: {pair} = {shapes[place][-2:]}"
    return f"{text} @ sums over the {axis} axis on its {side}, hence {turned}."


def _of_a_mix(reading: Reading, node: Tensor) -> str:
    form, z = PAIRS[PAIR_OF[node.function]], node.args[0]
    meant = "".join(f", {each}" for letter, each in LETTERS.items() if letter in form.formula)
    text = f"{form.delta.__name__} is delta of each example, {form.formula}{meant}, {form.equation}"
    n = z.size // max(z.shape[-1], 1)
    mean = f". {reading.call(node)} is the mean over n = {n} examples, hence / {n}" * (n > 1)
    return f"{text}{mean}."
