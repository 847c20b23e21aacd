"""Commands that teach: the rule of a node and why, its local derivative, whether it is right; and
those that ask for the next product.
"""

import re
from functools import partial
from operator import attrgetter
from typing import Any

import numpy as np
from rich.text import Text

from tinygrad_lossmix.debugger import rule, show
from tinygrad_lossmix.debugger.chain_rule import derivative_by, is_elementwise, largest
from tinygrad_lossmix.debugger.commands.look import CALLS
from tinygrad_lossmix.debugger.commands.session import Session, command
from tinygrad_lossmix.debugger.expressions import (
    CommandError,
    node_or_current,
    numbers,
    operation,
    whole_number,
)
from tinygrad_lossmix.debugger.layout import Row, aligned, lined, screen, shown, wrapped
from tinygrad_lossmix.debugger.questions import Quiz
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.gradient import grad
from tinygrad_lossmix.engine.graph import Group, groups
from tinygrad_lossmix.engine.replay import computed, replay
from tinygrad_lossmix.engine.table import Array, spelling
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.layers import LAYERS
from tinygrad_lossmix.printing import brief, count, short
from tinygrad_lossmix.testing.methods import numerical_gradient
from tinygrad_lossmix.views.reading import Reading

MOVED = 64  # entries of a node that are moved one by one
DIRECTIONS, SEED = 5, 0  # in which a larger one is moved
WHOLE = re.compile(r"\[[^\]]*\]|\([\d, ]*\)")  # an index or a shape: on one line


@command("learn", takes="name")
def explain(session: Session[Walk], arg: str) -> Text:
    """explain NAME: the rules of a node or of a named function, as in explain softmax, and why"""
    walk = session.steps
    if called := _calls(walk, arg):
        return lined(*(_operations(walk, each) for each in called))
    node, reading = operation(arg, walk), walk.reading
    equation = f"  {reading.equation(node)}".rstrip()
    text = Text(reading.defined(node), "name").append(equation, "book")
    text.append(show.line_of(reading, node))
    if node.function is not None:
        for place in rule.differentiated(node):
            text.append(_because(reading, node, place))
        table = [rule.in_letters(node, place) for place in rule.differentiated(node)]
        row = f"{spelling(node.function)}  {', '.join(table) or 'is not differentiated'}"
        return text.append(f"\n  in the table of derivatives: {row}", "quiet")
    text.append("\n  an input: its gradient is the sum of what each use of it contributes")
    for user in reading.nodes:
        for place in rule.differentiated(user):
            if user.args[place] is node:
                text.append(f"\n{reading.defined(user)}").append(show.line_of(reading, user))
                text.append(_because(reading, user, place))
    return text


def _because(reading: Reading, node: Tensor, place: int) -> Text:
    """What a node passes back to an argument, and why; an index or a shape stays on one line."""
    text = Text("\n  ").append(show.product(reading, node, place), "flow")
    kept = WHOLE.sub(lambda found: found[0].replace(" ", "\0"), rule.reason(reading, node, place))
    for line in wrapped(kept, screen()[0] - 4):
        text.append(f"\n    {line}".replace("\0", " "))
    return text


def _calls(walk: Walk, name: str) -> list[Group]:
    """The first calls of a named function; none where the name is that of a node."""
    found = [] if name in walk.known else groups(walk.cost)
    return [each for each in found if each.name == name and each.inputs][:CALLS]


def _operations(walk: Walk, called: Group) -> Text:
    """What a named function is made of, with all products, and the product of all together."""
    reading, a, z = walk.reading, called.output, called.inputs[0]
    call, many = reading.call, count(len(called.members), "operation")
    text = Text(f"{brief(called.name)}: {call(z)} → {call(a)}, {many}\n", "name")
    rows = [
        (show.product(reading, node, place), reading.defined(node))
        for node in reversed(called.members)
        for place in rule.differentiated(node)
    ]
    text.append(aligned(rows, ("flow", "quiet")))
    if called.name in LAYERS:
        alike: Tensor = LAYERS[called.name].stable(z)
        if alike.shape == a.shape and np.allclose(alike.data, a.data, equal_nan=True):
            back, further = (reading.quotient(walk.cost, x) for x in (a, z))
            together, _ = rule.said(alike, 0, (back, call(a), call(z)))
            text.append("\n  together: ").append(f"{further} = {together}", "flow")
    return text


@command("learn", takes="name")
def local(session: Session[Walk], arg: str) -> Text:
    """local NAME: the local derivative of a node or of a named function, by each argument"""
    walk = session.steps
    if called := _calls(walk, arg):
        return shown([_of_a_call(walk, each, z) for each in called for z in each.inputs])
    node, reading, rows = operation(arg, walk), walk.reading, list[Row]()
    for place in rule.differentiated(node):
        name, values = show.local(reading, node, place)
        about = show.product(reading, node, place)
        if is_elementwise(node, place):
            about = "" if isinstance(values, str) else rule.slope(reading, node, place)
        rows.append(("", name, values, about))
    if not rows:
        return Text(f"{reading.call(node)} has no argument that is differentiated")
    return shown(rows)


def _of_a_call(walk: Walk, called: Group, z: Tensor) -> Row:
    """The derivative of the output of a named function by one of its inputs."""
    a, name = called.output, walk.reading.quotient(called.output, z)
    found = derivative_by(z, a, partial(grad, a, z))
    if found is None or found.values.ndim > 2:
        many = f"each entry depends on several: a Jacobian of shape {a.shape + z.shape}"
        return "", name, many, ""
    return "", name, found.values if found.diagonal and a.ndim > 1 else found, brief(called.name)


@command("learn", takes="name")
def check(session: Session[Walk], arg: str) -> Text:
    """check NAME: its gradient beside the finite difference"""
    walk, node = session.steps, node_or_current(arg, session.steps)
    call, at = walk.reading.call, walk.complete(node)
    found = None if at is None else walk.at(at).gradient(node)
    if at is None or found is None:
        return Text(f"{call(node)} has no gradient to check: none reaches it")
    when, name = "" if walk.position >= at else f", as it will be at {walk.at(at).place}", ""
    (found, slopes), text = differences(walk.cost, node, found), Text()
    if node.size > MOVED:
        many, name = count(DIRECTIONS, "random direction"), "along them, "
        text.append(f"{call(node)} has {node.size:,} entries: checked along {many} (seed {SEED}),")
        text.append("\nin each of which every entry moves up or down by the same step\n")
    gap = largest(slopes - found)
    near = gap <= max(1.0, largest(slopes)) * np.finfo(node.dtype).eps ** 0.4
    verdict = "ok" if near else "NOT ok: the gradient is wrong, or the cost has a kink here"
    if not np.isfinite(gap):
        verdict = "cannot be compared: NaN or infinity"
    name += walk.reading.derivative(node)
    rows: list[Row] = [
        ("", name, found, f"by the rules{when}"),
        ("", "finite difference", slopes, ""),
    ]
    style = "book" if near else "bold"
    gaps = Text.assemble(("max difference", "name"), f"     {gap:.4g}  ", (verdict, style))
    return lined(text.append(shown(rows)), gaps)


def differences(cost: Tensor, at: Tensor, gradient: Array) -> tuple[Array, Array]:
    """What the gradient of a node says, and what central finite differences of the cost say.

    Of each entry, all else held; of a large node along a few random directions, in each of which
    all entries move at once by ± the same step.

    Returns:
        two arrays of the node's shape, or of one number for each direction; float64 where that can
        be.
    """

    def moved(x: Array) -> Any:
        return replay(cost, {at: x}, computed, attrgetter("data"))[cost]

    # the cost of large logits is rounded by more in float32 than a step changes it
    x = at.data.astype(np.result_type(at.dtype, np.float64))
    x = x if moved(x).dtype == x.dtype else at.data
    if at.size <= MOVED:
        return gradient, numerical_gradient(moved, x)
    rng = np.random.default_rng(SEED)
    signs = np.array([2 * rng.integers(0, 2, x.shape, np.int8) - 1 for _ in range(DIRECTIONS)])
    along: Any = lambda steps: moved(x + np.tensordot(steps, signs, 1))
    found = numerical_gradient(along, np.zeros(DIRECTIONS, x.dtype))
    return np.tensordot(signs, gradient, x.ndim), found


@command("learn", takes="text")
def quiz(session: Session[Walk], arg: str) -> Text:
    """ask for the next product; quiz on, quiz on SEED: before each of them; quiz off: the score"""
    word, _, seed = arg.partition(" ")
    if word not in ("", "on", "off") or (seed and word != "on"):
        raise CommandError("quiz takes nothing, `on`, `on SEED` or `off`")
    if word == "off":
        session.quiz.on = False
        return Text(f"the quiz is over: {session.quiz}")
    begun = session.quiz
    if word == "on":
        words = "quiz on takes a seed, a whole number below 1,000,000,000"
        begun = Quiz(whole_number(seed.strip() or "0", range(10**9), words), on=True)
    text = begun.ask(session.steps).text()
    session.quiz = begun
    return text


@command("learn", takes="text")
def answer(session: Session[Walk], arg: str) -> Text:
    """answer 0.5,0,0: your answer to quiz, to two digits; answer alone: show it"""
    walk, asked = session.steps, session.quiz.asked
    if not asked or (asked[-1].reading, asked[-1].step) != (walk.reading, walk.position + 1):
        raise CommandError("no question pending; type `quiz`")
    expected = asked[-1].expected
    asked[-1].mark(numbers(arg, expected.shape) if arg else None)
    right, size = int(np.asarray(asked[-1].correct).sum()), expected.size
    words = "right" if right == size else f"{right} of {size} right" if right else "no"
    said = f"{words}; " if right == size else f"{words}, it is {short(expected)}; "
    hint = f"\nlikely cause: {asked[-1].hint}" if asked[-1].hint else ""
    walk.next()
    return lined(Text(f"{said}{session.quiz} so far{hint}"), session.here())
