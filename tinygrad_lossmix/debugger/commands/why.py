"""Why there is NaN: the operation that made the first of it, and what to write instead, as tried.

Only what leads to the cost counts: `np.where(mask, z, -np.inf)` before a softmax does no harm.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from rich.text import Text

from tinygrad_lossmix.debugger import show
from tinygrad_lossmix.debugger.chain_rule import Product, entrywise
from tinygrad_lossmix.debugger.commands.move import has_nan
from tinygrad_lossmix.debugger.commands.session import Session, command
from tinygrad_lossmix.debugger.expressions import CommandError
from tinygrad_lossmix.debugger.layout import aligned, lined
from tinygrad_lossmix.debugger.rule import differentiated
from tinygrad_lossmix.debugger.show import at, batch, named_array
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.refusals import plain
from tinygrad_lossmix.engine.replay import recorded, replay
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.costs import xlogy
from tinygrad_lossmix.mixes.layers import LAYERS
from tinygrad_lossmix.printing import number, short
from tinygrad_lossmix.views.reading import Reading, swept

GUARDS = {  # what to write for a function of x, of x and y, that overflows or is not defined there
    np.exp: ["np.exp(np.minimum({x}, 700.0))"],
    np.log: ["np.log(np.maximum({x}, 1e-30))"],
    np.sqrt: ["np.sqrt(np.maximum({x}, 1e-30))"],
    np.power: ["np.maximum({x}, 1e-30) ** {y}"],
    np.divide: [
        "{x} / np.where({y} != 0, {y}, 1.0)",
        "{x} / np.where(abs({y}) > 1e-150, {y}, 1.0)",
    ],
}
CALL = re.compile(r"(?<!\.)\b\w+(?=\()")  # of a function without a module
WHOSE = {"expm1": "np."} | {name: "lm." for layer in LAYERS.values() for name in layer.named}
Function = Callable[..., Any]


class Origin(NamedTuple):
    """Where the first NaN or infinity was made."""

    node: Tensor
    made: Array  # what holds it: the value of the node, else what it hands on
    product: Product | None  # what first hands it on; None: the cost itself has it
    then: Tensor | None  # what makes NaN of an infinity


@command("look", takes="text")
def why(session: Session[Walk], arg: str) -> Text:
    """why nan: what made the first NaN or infinity, its local derivative, and what to write"""
    if arg not in ("", "nan"):
        raise CommandError("NaN and infinity are explained: `why nan`")
    origin, reading = find(session.steps), session.steps.reading
    if origin is None:
        return Text("there is no NaN and no infinity, neither in the cost nor in a gradient")
    numbers, repair = [*_numbers(reading, origin)], [*_repair(reading, origin)]
    heading = Text(reading.defined(origin.node), "name").append(show.line_of(reading, origin.node))
    said = (Text(f"  {line}") for line in (_said(reading, origin), *repair))
    return lined(heading, next(said), aligned(numbers, ("quiet", "name", "flow")), *said)


def find(walk: Walk) -> Origin | None:
    """What made the first NaN or infinity that the cost, else a gradient, comes of."""
    product, guilty = None, {walk.cost}
    if not _bad(walk.cost):
        faulty = (each for each in walk.products if _bad(each.total) and not _bad(each.g))
        if (product := next(faulty, None)) is None:
            return None
        guilty = {product.node}
    for node in reversed(walk.reading.nodes):
        if node in guilty:
            guilty |= {arg for arg in node.args if isinstance(arg, Tensor) and _bad(arg)}
    first, *others = sorted(guilty, key=lambda node: node.order)
    nan = [node for node in others if has_nan(node.data)] if not has_nan(first.data) else []
    made = product.total if product is not None and not _bad(first) else first.data
    return Origin(first, made, product, nan[0] if nan else None)


def _bad(x: Any) -> bool:
    """Whether there is NaN or infinity in a Tensor, an array or a number."""
    return not np.isfinite(plain(x)).all()


def _said(reading: Reading, origin: Origin) -> str:
    node, made, product, _ = origin
    kind = "NaN" if has_nan(made) else "infinity"
    if product is not None and not _bad(node):
        return f"hands on the first {kind}, to {reading.call(product.argument)}; values are finite"
    if node.function is None:
        return f"is an input, and holds {kind}"
    if any(_bad(arg) for arg in node.args if not isinstance(arg, Tensor)):
        return f"has a constant that holds {kind}"
    left_out = ": left out of the cost, but not of the gradient" if product else ""
    return f"makes the first {kind}{left_out}"


def _numbers(reading: Reading, origin: Origin) -> Iterator[tuple[str, str, str]]:
    """Those of the first entry that holds it, and what comes of it."""
    node, made, product, then = origin
    back, holds = None if _bad(node) else product, np.isnan if has_nan(made) else np.isinf
    place = tuple(map(int, np.argwhere(holds(made))[0]))
    parts = [("value", reading.call(node), node.data)]
    for i, arg in enumerate(node.args):
        parts.append(("of", *named_array(reading, arg)))
        if i in differentiated(node) and (back is None or i == back.place):
            slope = entrywise(node, i)
            parts += [] if slope is None else [("local", reading.quotient(node, arg), slope)]
    if back is not None:
        parts.append(("upstream", reading.derivative(node), back.g))
        parts.append(("accumulated", reading.derivative(back.argument), made))
    for part, name, x in parts:
        if np.shape(x) == made.shape:
            yield part, at(name, place) if place else name, number(np.asarray(x)[place])
        elif np.ndim(x) == 0:
            yield part, name, number(np.asarray(x)[()])
    if product is not None and back is None:
        yield "then", reading.defined(product.node), f"hands on {short(product.contribution)}"
    elif then is not None:
        yield "then", reading.defined(then), f"makes NaN of it{show.line_of(reading, then)}"


def _repair(reading: Reading, origin: Origin) -> Iterator[str]:
    """What helps, of all that was tried: the cost and the gradients of its inputs are finite."""
    cost, name = reading.cost, reading.call(origin.node)
    if origin.node.function is None:
        rows = batch(reading)[:1]
        if not rows or origin.node.shape[:1] == rows:
            yield f"if {name} holds examples, leave out those where np.isfinite({name}) is False"
        yield "if it is a weight, an update made it so: ask `why nan` of the cost before"
        return
    from tinygrad_lossmix.compiler.stabilize import rewritten  # the prompt opens without it

    stable = rewritten(cost)
    if found := _finite(stable.after):
        later = [x for x in stable.replacements if x.before.order >= origin.node.order]
        yield from (_written(each.pattern) for each in (later or stable.replacements)[-2:])
        yield f"tried: lm.stabilize({reading.call(cost)}) is {found}"
        return
    for text, function, other in _candidates(reading, origin.node):
        if found := _finite(_with(cost, function, other)):
            yield f"write {text}"
            yield f"tried: the cost is {found}"
            return
    yield "nothing that was tried helps: change the numbers that go in, or their scale"


def _written(pattern: Any) -> str:
    """What to write in place of a pattern; that `stabilize` does, where only it can."""
    from tinygrad_lossmix.compiler.patterns.published import MIXES

    pair = next((pair for pair, known in MIXES.items() if known is pattern), None)
    stable = f"lm.Mix{pair}.cost(u, y)" if pair else pattern.stable
    verb = "write" if WHOSE.keys() >= {*CALL.findall(stable)} else "lm.stabilize writes"
    ours = CALL.sub(lambda call: f"{WHOSE.get(call[0], '')}{call[0]}", stable)
    return f"{verb} {ours} for {pattern.unstable}"


def _finite(cost: Tensor) -> str:
    """A cost that is finite with the gradients of its inputs, in words; else nothing."""
    found = swept(cost, np.ones((), cost.dtype)).of
    slopes = [gradient for node, gradient in found.items() if node.function is None]
    return "" if any(map(_bad, (cost, *slopes))) else f"{short(cost.data)}, all gradients finite"


def _candidates(reading: Reading, node: Tensor) -> Iterator[tuple[str, Any, Function]]:
    """What to write in place of an operation, in words; of which function, and what that does."""
    x, *y = (reading.call(arg) or short(arg) for arg in node.args)
    if node.function is np.log:
        yield f"lm.xlogy(y, {x}) for y * {reading.call(node)}", np.multiply, _times
    by_number = node.function is np.divide and isinstance(node.args[1], int | float)
    for text in [] if by_number else GUARDS.get(node.function, []):
        words = f"{text.format(x=x, y=''.join(y))} for {reading.formula(node)}"
        guarded = eval(f"lambda x, y=None: {text.format(x='x', y='y')}", {"np": np})
        yield words, node.function, guarded


def _times(x: Any, y: Any) -> Any:
    for u, v in ((x, y), (y, x)):
        if isinstance(v, Tensor) and v.function is np.log:
            return xlogy(u, v.args[0])
    return x * y


def _with(cost: Tensor, function: Any, other: Function) -> Tensor:
    """A recording with another function in place of one, wherever that stands."""

    def compute(old: Tensor, args: list[Any]) -> Any:
        return other(*args) if old.function is function else recorded(old, args)

    made: Tensor = replay(cost, {}, compute)[cost]
    return made
