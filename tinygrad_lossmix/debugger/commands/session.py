"""What a command is, what commands work on, and those of every session.

A command is a function of the session and of what is typed behind its name. It returns what to say;
a CommandError says what was wrong. Its docstring is its help. It enters the table where it is
written:

>>> @command("learn", takes="text")
... def greet(session, arg):
...     "greet WHOM: say hello"
...     return Text(f"hello {arg}")
>>> entered = TABLE.pop()
>>> entered.name, entered.help, str(entered.function(None, "z"))
('greet', 'greet WHOM: say hello', 'hello z')
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from rich.text import Text

from tinygrad_lossmix.debugger import show
from tinygrad_lossmix.debugger.expressions import FIGURES, CommandError
from tinygrad_lossmix.debugger.layout import aligned, lined
from tinygrad_lossmix.debugger.lockstep import Lockstep
from tinygrad_lossmix.debugger.questions import Quiz
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.printing import brief

SHOWN = 20  # lines of the history
AT_THE_END = "at the end, every gradient is complete: type `back`, `start`, `delta` or `quit`"
AT_THE_START = "at the start: type `next`"
PDB = {  # what others are called there
    "bt": "where", "pp": "print", "ll": "list", "unt": "until", "cl": "clear", "j": "goto",
    "jump": "goto", "run": "start", "restart": "start",
}  # fmt: skip

TOPICS = ("move", "stop", "look", "change", "learn", "session")  # the headings of `help`
On = Literal["one", "two", "either"]  # a walk, two in lock-step
Takes = Literal["nothing", "text", "name"]  # behind it; names of nodes are completed
Answer = Text | Literal[True] | None  # True: leave
Function = TypeVar("Function", bound=Callable[..., Answer])
Walked = TypeVar("Walked", bound=Walk | Lockstep)


class Command(NamedTuple):
    """An entry of the table of commands."""

    name: str
    topic: str  # one of TOPICS
    help: str  # '' for one that is not listed
    function: Callable[[Any, str], Answer]  # of the session and what is typed behind the name
    short: str = ""  # '' for none
    takes: Takes = "nothing"
    repeats: bool = False  # by an empty line
    on: On = "one"


TABLE: list[Command] = []


def command(
    topic: str, short: str = "", takes: Takes = "nothing", repeats: bool = False, on: On = "one"
) -> Callable[[Function], Function]:
    """Enter a function by its name, less the underscore behind one that is taken in its file."""

    def enter(function: Function) -> Function:
        name, about = function.__name__.rstrip("_"), " ".join((function.__doc__ or "").split())
        TABLE.append(Command(name, topic, about, function, short, takes, repeats, on))
        return function

    return enter


@dataclass
class Session(Generic[Walked]):
    """What the commands of a prompt work on, and what they leave to each other."""

    steps: Walked  # one Walk, or two in Lockstep
    commands: dict[str, Command]  # by name
    focus: show.Focus = show.ALL
    aliases: dict[str, str] = field(default_factory=dict)  # the commands that each stands for
    typed: list[str] = field(default_factory=list)  # the lines so far
    breakpoints: dict[int, tuple[str, str]] = field(default_factory=dict)  # kind, what was typed
    numbered: int = 0  # of the last breakpoint
    before: list[Walked] = field(default_factory=list)  # what was walked before each `set`
    undone: list[Walked] = field(default_factory=list)  # what `redo` brings back
    quiz: Quiz = field(default_factory=Quiz)

    @property
    def shorts(self) -> dict[str, str]:
        """The names of commands by what is shorter, or typed in pdb."""
        return PDB | {each.short: name for name, each in self.commands.items() if each.short}

    def here(self) -> Text:
        """Where we are, and in a quiz the next question."""
        here, steps = show.here(self.steps, self.focus), self.steps
        if not self.quiz.on or isinstance(steps, Lockstep) or steps.position < 0:
            return here
        over = Text(f"the quiz is over: {self.quiz}")
        return lined(here, over if steps.at_end else self.quiz.ask(steps).text())

    def moved(self, done: bool, otherwise: str = "") -> Text:
        """Where a movement has led, or why there was none."""
        if done:
            return self.here()
        return Text(otherwise or (AT_THE_END if self.steps.at_end else AT_THE_START))

    def listed(self) -> dict[str, Command]:
        """The commands that `help` lists."""
        return {name: each for name, each in self.commands.items() if each.help}

    def no_command(self, text: str) -> CommandError:
        """The error of a line that is no command, with the nearest that is."""
        word, listed = text.split()[0], self.listed()
        if on := {each.name: each.on for each in TABLE}.get(word):
            of = "one recording" if on == "one" else "two in lock-step"
            return CommandError(f"{word} is for {of}: `help` lists the commands")
        meant = "answer" if FIGURES.match(word) else word
        near = [name for name in listed if name.startswith(meant)]
        near += difflib.get_close_matches(word, listed, 1)
        advice = f"did you mean {near[0]}?" if near else "`help` lists the commands"
        return CommandError(f"there is no command {brief(word)}: {advice}")


@command("session", takes="text", on="either")
def alias(session: Session[Any], arg: str) -> Text | None:
    """alias NAME COMMANDS: give commands a name; alias: list them; alias NAME: drop it"""
    name, _, commands = arg.partition(" ")
    if not name:
        rows = [(brief(key), brief(value, 80)) for key, value in session.aliases.items()]
        return aligned(rows, ("name", "")) if rows else Text("no aliases")
    if session.shorts.get(name, name) in session.commands:
        raise CommandError(f"{name} is already a command")
    if commands.strip():
        session.aliases[name] = commands.strip()
    elif session.aliases.pop(name, None) is None:
        raise CommandError(f"there is no alias {brief(name)}: `alias` lists them")
    return None


@command("session", on="either")
def history(session: Session[Any], arg: str) -> Text:
    """the lines that were typed last; the arrow keys bring them back"""
    first = max(len(session.typed) - SHOWN, 0)
    rows = [(str(i), brief(line, 80)) for i, line in enumerate(session.typed[first:], first)]
    return aligned(rows, ("quiet", "")) if rows else Text("nothing yet")


@command("session", "h", takes="text", on="either")
def help_(session: Session[Any], arg: str) -> Text:
    """this list; help COMMAND; help move, look, stop, change, learn or session: that part of it"""
    name, listed = session.shorts.get(arg, arg), session.listed()
    topics = dict.fromkeys(each.topic for each in listed.values())
    if name in listed:
        return aligned([(name, listed[name].short, listed[name].help)], ("name", "name", ""))
    if arg and arg not in topics:
        raise session.no_command(arg)
    rows = list[tuple[str, str, str]]()
    for topic in [arg] if arg else topics:
        rows.append((topic, "", ""))
        under = (each for each in listed.values() if each.topic == topic)
        rows += [(f"  {each.name}", each.short, each.help) for each in under]
    text = aligned(rows, ("name", "name", ""), "")
    words = "\nTyped alone, z, z.grad, z[0], z > 1 are printed. An empty line repeats the last "
    return text if arg else text.append(f"{words}movement; `;;` separates commands.")


@command("session", "q", on="either")
def quit_(session: Session[Any], arg: str) -> Literal[True]:
    """leave; so does Ctrl-D"""
    return True


TABLE.append(Command("exit", "session", "", quit_, on="either"))
TABLE.append(Command("EOF", "session", "", quit_, takes="text", on="either"))
