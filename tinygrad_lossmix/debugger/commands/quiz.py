"""Commands that ask: which product comes next?"""

import numpy as np
from rich.text import Text

from tinygrad_lossmix.debugger.chain_rule import Product, largest
from tinygrad_lossmix.debugger.commands.session import Group, Session, command
from tinygrad_lossmix.debugger.expressions import CommandError, numbers
from tinygrad_lossmix.debugger.layout import FLOW, NAME, lined
from tinygrad_lossmix.debugger.show import count, entries
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.printing import short

CLOSE = 0.005  # of the largest entry: how far an answer may be off

QUIZ: Group = []


@command(QUIZ)
def quiz(session: Session[Walk], arg: str) -> Text:
    """ask for the next product before it is shown"""
    walk, reading = session.steps, session.steps.reading
    if walk.position < 0 or walk.at_end:
        raise CommandError("no product comes next here: type `start`, then `quiz`")
    session.question = walk, walk.position
    node, _, argument, g, product, *_ = _next(walk)
    name, size = reading.call(argument), count(max(product.size, 1), "number")
    return Text.assemble(
        (reading.defined(node), NAME),
        f" = {entries(node.data)}, {name} = {entries(argument.data)}; "
        f"upstream gradient {reading.derivative(node)} = ",
        (entries(g), FLOW),
        f".\nWhich gradient goes downstream to {name}? "
        f"Type `answer` and {size}, shape {product.shape}",
    )


def _next(walk: Walk) -> Product:
    product = walk.at(walk.position + 1).stop
    assert product is not None
    return product


@command(QUIZ, takes="text")
def answer(session: Session[Walk], arg: str) -> Text:
    """answer 0.5,0,0: your answer to quiz, to two digits; answer alone: show it"""
    walk = session.steps
    if session.question != (walk, walk.position):
        raise CommandError("no question pending; type `quiz`")
    said = []
    if arg:
        product = _next(walk).contribution
        guess = numbers(arg, product.shape)
        right = np.allclose(guess, product, 0.0, CLOSE * largest(product), equal_nan=True)
        session.right += right
        session.answered += 1
        words = "right" if right else f"no, it is {short(product)}"
        said = [Text(f"{words}; {session.right} of {session.answered} right so far")]
    session.question = None
    walk.next()
    return lined(*said, session.here())
