"""Commands that ask: which product comes next?"""

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
    if word == "off" and not seed:
        session.quiz.on, session.quiz.pending = False, None
        return Text(f"the quiz is over: {session.quiz}")
    if word == "on":
        words = "quiz on takes a seed, a whole number below 1,000,000,000"
        begun = Quiz(whole_number(seed.strip() or "0", range(10**9), words), on=True)
        text = begun.ask(session.steps)
        session.quiz = begun
        return text
    if word:
        raise CommandError("quiz takes nothing, `on`, `on SEED` or `off`")
    return session.quiz.ask(session.steps)


@command(QUIZ, takes="text")
def answer(session: Session[Walk], arg: str) -> Text:
    """answer 0.5,0,0: your answer to quiz, to two digits; answer alone: show it"""
    walk, quiz = session.steps, session.quiz
    if quiz.pending != (walk, walk.position):
        raise CommandError("no question pending; type `quiz`")
    expected = quiz.question(walk).expected
    mark = quiz.marked(walk, numbers(arg, expected.shape) if arg else None)
    right, size = int(mark.right.sum()), mark.right.size
    words = "right" if right == size else f"{right} of {size} right" if right else "no"
    said = f"{words}; " if right == size else f"{words}, it is {short(expected)}; "
    hint = f"likely cause: {mark.hint}\n" if mark.hint else ""
    walk.next()
    return lined(Text(f"{said}so far {quiz}\n{hint}".rstrip()), session.here())
