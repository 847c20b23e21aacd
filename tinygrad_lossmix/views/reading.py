"""A recording in words: names, formulas, gradients, and what the book calls them: z, a, y, C and δ.

Names come from users, and may hold anything; what is shown is one short line of printable text.

>>> z = Tensor([2.0, 1.0], name="z")
>>> [Reading(x).formula(x) for x in (1.0 / z, z.sum(axis=0, keepdims=True))]
['1 / z', 'sum(z, axis=0, keepdims=True)']
>>> found = Reading(Mix("softmax", "ll").composed(z, 0)).symbols
>>> found.mix, found.z is z, found.equation(z)
(Mix('softmax', 'll'), True, 'logits z, their gradient is delta, eq. (84)')
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.caller import variables
from tinygrad_lossmix.engine import graph
from tinygrad_lossmix.engine.rules import getitem
from tinygrad_lossmix.engine.sweep import Step, accumulated, sweep
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.labels import dense
from tinygrad_lossmix.mixes.layers import COSTS, LAYERS, PAIR_OF, PAIRS
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.printing import LONGEST, brief, clean, line_of_code, short, shorten

OPERATORS = {
    np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/", np.power: "**", np.matmul: "@",
}  # fmt: skip
INTERNAL = {"ends", "subscripts"}  # options that the engine made, or that come first
SAFE_OUTPUTS = {layer.stable: name for name, layer in LAYERS.items()}
COST_GROUPS = {cost.book.__name__: short for short, cost in COSTS.items()}


class Symbols(NamedTuple):
    """A mix found in a recording."""

    mix: Mix
    z: Tensor  # the logits
    a: Tensor | None  # the outputs; None where output layer and cost are one node
    y: Array  # the labels, in the shape of the logits
    cost: Tensor
    whole: bool  # the recording is of this cost and nothing else

    @property
    def examples(self) -> int:
        """n, over which the cost is a mean."""
        return max(self.z.size // max(self.z.shape[-1], 1), 1)

    def scaled(self, what: str) -> str:
        """What a quantity of each example is in the gradient of the mean: `(a - y)/n`."""
        if self.examples == 1:
            return what
        return f"({what})/n" if " " in what else f"{what}/n"

    @property
    def n(self) -> str:
        """`, n = 4`; nothing for one example."""
        return "" if self.examples == 1 else f", n = {self.examples:,}"

    def equation(self, node: Tensor) -> str:
        """The book's words for a node; '' where it has none."""
        output, cost_name = self.mix.output, self.mix.cost_name
        if node is self.cost:
            one_neuron = cost_name == "ce" and self.z.shape[-1] == 1
            cost = COSTS[cost_name]
            return f"{cost.long} cost C, {'eq. (57)' if one_neuron else cost.equation}"
        if node is self.a:
            return f"{output} output layer a, {LAYERS[output].equation}"
        if node is self.z:
            if not self.whole:
                return "logits z"
            equation = PAIRS[output, cost_name].equation
            return f"logits z, their gradient is {self.scaled('delta')}{self.n}, {equation}"
        return ""

    @property
    def a_minus_y(self) -> Array:
        """a - y, divided by the number of examples as the gradient of a mean cost is."""
        a = self.mix.activate(self.z.data) if self.a is None else self.a.data
        return (a - self.y) / self.examples


def find(nodes: Sequence[Tensor]) -> Symbols | None:
    """The mix nearest to the end of a recording; None where there is none."""
    cost = nodes[-1]
    for node in reversed(nodes):
        if node.function in PAIR_OF and isinstance(node.args[0], Tensor):
            z, y = node.args
            return Symbols(Mix(*PAIR_OF[node.function]), z, None, dense(y, z), node, node is cost)
        for name, args, *_ in node.groups:
            if name in COST_GROUPS and len(args) == 2 and isinstance(args[0], Tensor):
                a, y = args
                output, z = _output_layer(a)
                with contextlib.suppress(ValueError):  # a group of the user's, of the same name
                    if isinstance(z, Tensor):
                        mix, whole = Mix(output, COST_GROUPS[name]), node is cost
                        return Symbols(mix, z, a, dense(y, a), node, whole)
    return None


def _output_layer(a: Tensor) -> tuple[str, Any]:
    for name, args, _ in a.groups:
        if name in LAYERS:
            return name, args[0]
    if a.function in SAFE_OUTPUTS and a.kwargs.get("axis", -1) in (-1, a.ndim - 1):
        return SAFE_OUTPUTS[a.function], a.args[0]
    return "", None


def is_array(arg: Any) -> bool:
    """Whether an argument is a constant that is shown by itself; single numbers are not."""
    return isinstance(arg, np.ndarray) and arg.ndim > 0


def constants(reading: Reading) -> list[Any]:
    """The constant arrays in a recording, those that a named function was called with included."""
    every = [arg for node in reading.nodes for arg in node.args]
    every += [arg for node in reading.nodes for _, args, _ in node.groups for arg in args]
    return list(filter(is_array, every))


def indices(reading: Reading) -> list[Array]:
    """The arrays by which entries are taken."""
    keys = (node.kwargs.get("key") for node in reading.nodes)
    return [x for key in keys for x in (key if type(key) is tuple else (key,)) if is_array(x)]


class Reading:
    """The nodes of a cost with their names, formulas and the book's symbols.

    Args:
        cost: the recording, a Tensor.
        known: names for Tensors and constant arrays, such as `locals()`; those with a leading
            underscore are ignored. None: the variables of the code that called, which are not
            asked about a Tensor that has a name of its own.

    Attributes:
        cost: as it was given.
        known: those of the names that stand for something recorded, and what they stand for.

    Raises:
        TypeError: cost is not a Tensor, or known not a mapping.
    """

    def __init__(self, cost: Tensor, known: Mapping[str, Any] | None = None) -> None:
        if not isinstance(cost, Tensor):
            raise TypeError(
                f"the cost is {type(cost).__name__}, not a Tensor: compute it from what you "
                "differentiate, wrapped, z = Tensor(z)"
            )
        if known is not None and not isinstance(known, Mapping):
            raise TypeError(f"names are a mapping such as locals(), not {type(known).__name__}")
        self.cost = cost
        self._found = known is None
        self.known = self._recorded(variables() if known is None else known)

    def _recorded(self, names: Mapping[str, Any]) -> dict[str, Any]:
        """All that is held on to of a frame."""
        nodes, arrays = set(self.nodes), [*constants(self), *indices(self)]

        def stands(x: Any) -> bool:
            if type(x) is Tensor:  # isinstance would ask a lazy module, and load it
                return x in nodes
            return issubclass(type(x), np.ndarray) and any(_same(x, each) for each in arrays)

        return {key: x for key, x in names.items() if not key.startswith("_") and stands(x)}

    @property
    def title(self) -> str:
        """What is recorded: `softmax + cross-entropy: C = 1.25`."""
        mix = f"{self.symbols.mix}: " if self.symbols else ""
        return f"{mix}{self.call(self.cost)} = {short(self.cost.data)}"

    # found when first asked for: a walk that is only walked needs none of them

    @cached_property
    def nodes(self) -> list[Tensor]:
        """The nodes in the order they were computed."""
        return graph.nodes(self.cost)

    @cached_property
    def symbols(self) -> Symbols | None:
        """What the book calls some of them; None where no mix is recorded."""
        return find(self.nodes)

    @cached_property
    def full_names(self) -> dict[Tensor, str]:
        """A name for each, cleaned, however long: the first of

        the name that was handed over; the Tensor's own; C for the cost of a mix; the variable that
        was found; z or a; its number.
        """
        known, mix = self.known, self.symbols
        letters: dict[str, Any] = {"z": mix.z, "a": mix.a, "C": mix.cost} if mix else {}
        letters = {letter: x for letter, x in letters.items() if x is not None and x.name is None}
        if self._found:
            nodes = {x for x in self.nodes if x.name is None and x is not letters.get("C")}
            known = {key: x for key, x in known.items() if isinstance(x, Tensor) and x in nodes}
        named = graph.names(self.cost, {**known, **letters, **known})
        return {node: clean(name) for node, name in named.items()}

    @property
    def carried(self) -> dict[str, Any]:
        """The known names for another recording of the same nodes, those that are shown first."""
        shown = {self.full_names[x]: x for x in self.known.values() if isinstance(x, Tensor)}
        return {**shown, **self.known, **shown}

    @cached_property
    def names(self) -> dict[Tensor, str]:
        """Their names short enough to be shown, none twice."""
        full = self.full_names
        return dict(zip(full, graph.distinct(map(shorten, full.values())), strict=True))

    def call(self, arg: Any) -> str:
        """What an argument of a node is called; '' for a constant without a name."""
        if isinstance(arg, Tensor):
            return self.names[arg]
        return self._constant(arg) if is_array(arg) else ""

    def _constant(self, x: Array) -> str:
        """`y`, `1 - y`, the one variable of the caller's that holds the same; or ''."""
        if self.symbols is not None:
            if _same(x, self.symbols.y):
                return "y"
            if _same(x, 1.0 - self.symbols.y):
                return "1 - y"
        equal = {id(other): key for key, other in reversed(self.known.items()) if _same(other, x)}
        return brief(equal.popitem()[1]) if len(equal) == 1 else ""

    def delta(self, node: Tensor) -> str:
        """What the gradient of a node is: `delta`, `delta/n`, or '' where it is neither."""
        mix = self.symbols
        return mix.scaled("delta") if mix and mix.whole and node is mix.z else ""

    def gradient_label(self, node: Tensor, of: str = "") -> str:
        """What the gradient of a node is called beside its value: `gradient (delta)`."""
        delta = self.delta(node)
        return f"gradient{of} ({delta})" if delta else f"gradient{of}"

    def full_name(self, node: Tensor) -> str:
        """The whole name of a node that is shown shortened; '' of another."""
        name = self.full_names[node]
        return name if len(name) > LONGEST else ""

    def formula(self, node: Tensor) -> str:
        """What a node was computed from, `n1 / n2`; '' for a leaf."""
        function = node.function
        if function is None:
            return ""
        args = [self.call(arg) or written(arg) for arg in node.args]
        if function in OPERATORS and len(args) == 2:
            left, right = (f"({arg})" if " - " in arg else arg for arg in args)
            return f"{left} {OPERATORS[function]} {right}"
        if function is np.negative:
            return f"-{args[0]}"
        if function is getitem:
            return f"{args[0]}[{subscript(node.kwargs['key'], self.call)}]"
        args = [repr(node.kwargs["subscripts"]), *args] if function is np.einsum else args
        given = {k: x for k, x in node.kwargs.items() if k not in INTERNAL and x is not None}
        options = [f"{k}={_option(x)}" for k, x in given.items() if x is not False]
        return f"{clean(function.__name__)}({', '.join(args + options)})"

    def called(self, group: graph.Group) -> str:
        """A call of a named function: `log_likelihood(a, y)`."""
        args = (self.call(arg) or written(arg) for arg in group.args if arg is not None)
        return f"{brief(group.name)}({', '.join(args)})"

    def defined(self, node: Tensor) -> str:
        """`n3 = n1 / n2`; the name alone of a leaf."""
        text = self.formula(node)
        return f"{self.call(node)} = {text}" if text else self.call(node)

    def derivative(self, node: Tensor) -> str:
        """What the gradient of a node is called: `dC/da`, `delta = dC/dz`."""
        return " = ".join(filter(None, [self.delta(node), self.quotient(self.cost, node)]))

    def quotient(self, y: Tensor, x: Tensor) -> str:
        """The derivative of one node by another as Leibniz wrote it: `da/dz`."""
        return f"d{self.call(y)}/d{self.call(x)}"

    def line(self, node: Tensor) -> str:
        """Where in the user's code a node was computed, `net.py:12`; '' where it does not know."""
        return line_of_code(*node.line) if node.line else ""

    def equation(self, node: Tensor) -> str:
        """The book's words for a node; '' where it has none."""
        return self.symbols.equation(node) if self.symbols else ""


def _same(x: Any, y: Array) -> bool:
    """Whether something is an array of the same values."""
    return is_array(x) and (x.shape, x.dtype) == (y.shape, y.dtype) and np.array_equal(x, y, True)


def written(x: Any) -> str:
    """A constant without a name, as it stands in a formula."""
    return short(x) if np.ndim(x) < 2 else f"array of {np.shape(x)}"


def subscript(key: Any, name: Callable[[Any], str] = lambda x: "") -> str:
    """An index as it is written between brackets, arrays by their names."""
    if isinstance(key, tuple):
        return ", ".join(subscript(each, name) for each in key)
    if isinstance(key, slice):
        ends = ["" if end is None else str(end) for end in (key.start, key.stop, key.step)]
        return ":".join(ends if ends[2] else ends[:2])
    return "..." if key is Ellipsis else name(key) or _option(key)


def _option(value: Any) -> str:
    return written(value) if isinstance(value, np.ndarray) else clean(str(value))


class Gradients(NamedTuple):
    """What a sweep found; nothing where a node has received nothing."""

    of: dict[Tensor, Array]
    downstream: dict[tuple[Tensor, int], Array]  # by a node to its argument at that position


def gradients(cost: Tensor) -> Gradients:
    """Those that `cost.backward()` filled; none before that.

    Found again by a sweep from the same seed: a node's own `.grad` may since have been filled by
    another cost that shares it.
    """
    return Gradients({}, {}) if cost.grad is None else swept(cost, cost.grad)


def swept(cost: Tensor, seed: Array) -> Gradients:
    """Those of a sweep from this seed; no `.grad` is touched."""
    with np.errstate(all="ignore"):  # whatever there is to warn of, backward() has
        return collected(cost, seed, list(sweep(cost, seed)))


def collected(cost: Tensor, seed: Array, steps: Sequence[Step]) -> Gradients:
    """Those of the first steps of a sweep: copies."""
    return Gradients(
        {node: np.array(g) for node, g in accumulated(cost, seed, steps).items()},
        {(node, position): np.array(part) for node, position, _, part, _ in steps},
    )
