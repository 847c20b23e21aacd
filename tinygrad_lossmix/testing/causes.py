"""Why a gradient is wrong, and where: the first node whose own rule is.

A guess from the catalogue of what goes wrong in backward passes is a formula that gives the wrong
numbers found. It is made only where it gives all of them, at other values of the argument too: 4 is
1/sigma'(0), but only there.
"""

import inspect
from collections.abc import Callable, Iterator
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.compiler.calls import repeated
from tinygrad_lossmix.compiler.patterns.published import MIXES
from tinygrad_lossmix.compiler.stabilize import rewritten
from tinygrad_lossmix.engine.gradient import grad
from tinygrad_lossmix.engine.graph import names, nodes
from tinygrad_lossmix.engine.refusals import plain
from tinygrad_lossmix.engine.replay import recorded
from tinygrad_lossmix.engine.table import TABLE, Array, spelling
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.layers import LAYERS
from tinygrad_lossmix.testing.check_report import GradcheckReport
from tinygrad_lossmix.testing.comparison import Options, compare
from tinygrad_lossmix.testing.methods import flat, in_float64, split
from tinygrad_lossmix.testing.planted import PRODUCT, Plant, multiple, near
from tinygrad_lossmix.testing.subject import Recorded, Subject

MOST = 400  # nodes whose rules are looked at
ELSEWHERE = 2  # other values of the arguments that a guess has to fit
PUBLIC = tuple(name for layer in LAYERS.values() for name in layer.named)
CUT = (
    "the graph was cut: float(), item(), math.log, .data and np.asarray give plain numbers, which "
    "are constants; write np.log, and return a Tensor"
)


class Evidence(NamedTuple):
    """One argument: its value x, the gradient g that was given, the derivative t, the recording."""

    x: Array
    g: Array
    t: Array
    plant: Plant | None = None


def causes(
    subject: Subject, gradients: list[Array], right: list[Array], wrong: set[int]
) -> list[str]:
    """The guesses that fit the arguments whose gradient is wrong, the most telling first."""
    if subject.is_cut():
        return [CUT]
    lost = unstable(subject.cost)
    if lost and not subject.by_hand:
        return lost
    orders = permutations(gradients) if len(gradients) < 6 else ()
    in_order = all(map(near, gradients, right))
    if not in_order and any(all(map(near, order, right)) for order in orders):
        return ["the gradients are returned in another order than the arguments"]
    others = list(_elsewhere(subject)) if subject.by_hand else []
    found: list[str] = []
    for i, position in enumerate(subject.wrt[: len(gradients)]):
        if position in wrong:
            cost = subject.cost if subject.by_hand else None  # of the engine rules may be wrong
            plant = None if cost is None else Plant(subject.leaves[i], cost, subject.seed)
            here = Evidence(subject.arrays[i], gradients[i], right[i], plant)
            guesses = of_an_argument(here, [each[i] for each in others])
            name = f"argument {_name(subject.f, position)}: " if len(subject.wrt) > 1 else ""
            found += [name + guess for guess in guesses]
    return found or lost


def of_an_argument(here: Evidence, elsewhere: list[Evidence]) -> list[str]:
    """What is wrong in places, and the first guess that fits one argument everywhere."""
    found = list(_in_places(here))
    for guesses in (_of_the_whole, _planted, _factor):
        fitting = list(guesses(here))
        for each in elsewhere if fitting else ():
            there = set(guesses(each))
            fitting = [text for text in fitting if text in there]
        if fitting:
            return [*found, fitting[0]]
    return found


def _elsewhere(subject: Subject) -> Iterator[list[Evidence]]:
    """The same pair at values of its arguments beside those it was checked at."""
    rng, point = np.random.default_rng(0), subject.point
    for _ in range(ELSEWHERE):
        away = point * rng.uniform(0.8, 1.2, point.shape) + 0.1 * rng.uniform(0, 1, point.shape)
        moved = subject.inputs_at(away)
        try:
            again = subject.at(moved)
            g = [np.real(each).astype(np.float64) for each in again.gradient(moved)]
        except Exception:  # outside of its domain
            continue
        cost = again.cost
        if cost is not None and len(g) == len(moved) and np.isfinite(cost.data):
            plants = [Plant(leaf, cost, again.seed) for leaf in again.leaves]
            every = zip(moved, g, plants, strict=True)
            yield [Evidence(x, given, plant.right, plant) for x, given, plant in every]


def _name(f: Callable[..., Any], position: int) -> str:
    """What f calls an argument, else its position."""
    try:
        return list(inspect.signature(f).parameters)[position]
    except (TypeError, ValueError, IndexError):
        return str(position)


def of_an_error(error: Exception) -> list[str]:
    """What a gradient by hand may have raised it for."""
    product = isinstance(error, ValueError) and ("matmul" in str(error) or "aligned" in str(error))
    return [f"a transpose is missing: {PRODUCT}"] if product else []


def _in_places(e: Evidence) -> Iterator[str]:
    """What need not be wrong elsewhere: NaN, digits lost, entries that are missing."""
    if e.g.shape != e.t.shape:
        return
    if not np.all(np.isfinite(e.g)):
        yield (
            "NaN or infinity: 0·log 0, 0/0 or an overflow in the formula; use the stable form "
            "(log_softmax, softplus, Mix.cost)"
        )
        return
    error, scale = np.abs(e.g - e.t), np.abs(e.t)
    narrow = e.x.dtype == np.float64 and np.all(error <= 1e-6 * scale) and np.any(error)
    if narrow and np.array_equal(e.g, e.g.astype(np.float32).astype(np.float64)):
        yield "it was rounded to float32 on the way"
    if np.all(error <= 4.0 * np.finfo(e.x.dtype).eps) and np.any(error > 1e-3 * scale):
        yield (
            "cancellation: a difference such as a - y rounds to 0 in the tail; use a form without "
            "it (Mix.delta)"
        )
    missing = (e.g == 0) & (e.t != 0)
    if np.any(e.g) and np.any(missing) and near(np.where(missing, e.t, e.g), e.t):
        yield f"nothing arrives at some entries: {np.argwhere(missing)[:3].tolist()}"


def _of_the_whole(e: Evidence) -> Iterator[str]:
    """Right numbers in the wrong shape, order or sign, or none at all."""
    if e.g.shape != e.t.shape and e.g.ndim >= e.t.ndim:
        axes = repeated(e.g.shape, e.t.shape)
        if near(e.g.sum(axis=axes).reshape(-1), e.t.reshape(-1)):
            yield (
                f"broadcasting is not undone: sum the gradient over axes {axes}, along which the "
                "argument was repeated"
            )
    if near(e.g, e.t) or not np.any(e.t):
        return
    if e.t.ndim > 1 and near(e.g, e.t.T):
        yield f"it is transposed: {PRODUCT}"
    if near(e.g, -e.t):
        yield "the sign: it is minus the derivative"
    if e.g.shape == e.t.shape and not np.any(e.g):
        yield "it is zero everywhere: nothing is passed back"
    in_order = near(np.sort(e.g.ravel()), np.sort(e.t.ravel()))
    if e.g.ndim == 1 and in_order and not near(e.t, e.t[::-1]):
        yield "the right numbers at the wrong indices: an order or a shift"


def _planted(e: Evidence) -> Iterator[str]:
    """One fault in the backward pass of the recording."""
    if e.plant and np.all(np.isfinite(e.g)) and not near(e.g, e.t):
        yield from (words for words, gradient in e.plant.faults() if near(e.g, gradient))


def _factor(e: Evidence) -> Iterator[str]:
    """A multiple: said only where nothing else is known."""
    c = multiple(e.g, e.t)
    if c is not None and 1e-13 < abs(c - 1.0) < 1e-3:
        yield f"every entry is off by the same relative {c - 1.0:.4g}: a constant is inexact"
    elif c is not None and abs(c - 1.0) >= 1e-3 and (e.plant or np.count_nonzero(e.t) > 1):
        yield f"a constant factor: it is {c:.6g} times the derivative"


def unstable(cost: Tensor | None) -> list[str]:
    """The first pattern in a recording that overflows, underflows or loses its digits there."""
    if cost is None:
        return []
    every = rewritten(cost).replacements
    found = {r.before: r for r in every if r.pattern not in MIXES.values()}
    worst = next((r for r in found.values() if _differ(r.before, r.after)), None)
    if worst is None:
        return []
    for arg in worst.before.args:
        if isinstance(arg, Tensor) and arg in found and not near(arg.data, found[arg].after.data):
            worst = found[arg]  # there the digits were lost
    pattern = worst.pattern
    use = f"lm.{pattern.stable} or " if pattern.stable.startswith(PUBLIC) else ""
    return [f"{pattern.unstable} at node {worst.where}: {pattern.reason}; use {use}lm.stabilize"]


def _differ(before: Tensor, after: Tensor) -> bool:
    """Whether a node and its stable form, which is finite, give other values or gradients."""
    leaves = [each for each in nodes(before) if each.function is None]
    of: Any = lambda each: [each.data, *grad(each, leaves, np.ones(each.shape, each.dtype))]
    was, now = of(before), of(after)
    close = [np.allclose(a, b, rtol=1e-7, atol=1e-9) for a, b in zip(was, now, strict=True)]
    return all(np.all(np.isfinite(x)) for x in now) and not all(close)


@np.errstate(all="ignore")
def of_a_product(
    node: Tensor, position: int, g: Array, at: tuple[int, ...], answer: Array, off: float
) -> str:
    """The first fault of one rule by which the wrong entries of an answer come about; or ''.

    With g at the node, the answer is the part `at` of what is passed back to the argument at the
    position, and an entry of it may be that far off.
    """
    x = Tensor(node.args[position].data)
    plant = Plant(x, recorded(node, _arguments(node, position, x)), g)
    t, local = plant.right, grad(plant.cost, x, np.ones_like(plant.cost.data))
    faults = [*plant.faults(), ("this is the local derivative, not times upstream", local)]
    faults += [(words, t.T) for words in _of_the_whole(Evidence(x.data, t.T, t))]
    faults.append(("nothing is passed back", 0 * t))
    right = np.abs(t[at] - answer) <= off
    for words, wrong in faults:
        if wrong.shape == t.shape and np.all(right | (np.abs(wrong[at] - answer) <= off)):
            return words.replace(f" (node {plant.called[plant.cost]})", "")
    return ""


def _arguments(node: Tensor, position: int, x: Tensor) -> list[Any]:
    """Those of a node that is computed alone: x at the position, constants elsewhere."""
    args = [*plain(node.args)]
    args[position] = x
    return args


def blame(subject: Subject) -> str | None:
    """Which node, by name, function and argument.

    None where every rule is right by itself, and for a gradient by hand, which has no nodes.
    """
    cost = subject.cost
    if cost is None or subject.by_hand:
        return None
    for each in nodes(cost)[:MOST]:
        for position, arg in enumerate(each.args if np.all(np.isfinite(each.data)) else ()):
            ruled = isinstance(arg, Tensor) and arg.size and TABLE[each.function].rules[position]
            if ruled and (wrong := _wrong(each, position, subject.rng)):
                place = f"argument {position} " if len(each.args) > 1 else ""
                place += f"of node {names(cost)[each]}, shape {each.shape}"
                return f"{spelling(each.function)} ({place}): {wrong}"
    return None


def _wrong(each: Tensor, position: int, rng: np.random.Generator) -> str | None:
    """What is wrong with one rule at one node, on a recording of that node alone."""

    alone: Any = lambda x: in_float64(recorded, each, _arguments(each, position, x))
    subject = Recorded(alone, [np.array(each.args[position].data)], (0,), rng)
    subject.seed = rng.normal(size=each.shape).astype(each.dtype)
    report = GradcheckReport()
    try:
        analytic = flat(subject.gradient(subject.arrays))
    except Exception as error:
        return f"it raises {type(error).__name__}: {error}"
    right = compare(subject, analytic, subject.allowed(analytic).entries, report, Options())
    if not report.mismatches:
        return None
    worst = report.mismatches[0]
    g, (t,) = analytic.reshape(subject.arrays[0].shape), split(right, subject.arrays)
    why = of_an_argument(Evidence(subject.arrays[0], g, t), [])
    words = f"passes back {worst.analytic:.6g} where {worst.numeric:.6g} is right"
    return f"{words}; {why[0]}" if why else words
