"""Commands that ask: which product comes next?"""

import numpy as np
from rich.text import Text

from tinygrad_lossmix.debugger.commands.session import Session, Topic, command
from tinygrad_lossmix.debugger.expressions import CommandError, numbers, whole_number
from tinygrad_lossmix.debugger.layout import lined
from tinygrad_lossmix.debugger.questions import Quiz
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.printing import short

QUIZ = Topic("learn")


@command(QUIZ, takes="text")
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


@command(QUIZ, takes="text")
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
