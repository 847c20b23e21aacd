"""What every prompt here does: take a line, find the command, say what was wrong with it.

Nothing that is typed is evaluated.
"""

from __future__ import annotations

import cmd
import difflib
import sys
from collections.abc import Container
from typing import IO, ClassVar

from rich.console import Console
from rich.text import Text

from tinygrad_lossmix.debugger import wording
from tinygrad_lossmix.debugger.expressions import Mistake
from tinygrad_lossmix.debugger.walk import Steps
from tinygrad_lossmix.printing import SPELLED, brief

REMEMBERED = 1000  # lines that `history` keeps
SHOWN = 20  # of them
AT_THE_END = "at the end, every gradient is complete: type `back`, `start`, `delta` or `quit`"
AT_THE_START = "at the start: type `next`"
ALONE = {  # commands that take no argument
    *("next", "back", "over", "return", "forward", "start", "end", "continue", "rcontinue", "part"),
    *("where", "list", "delta", "undo", "redo", "diff", "quiz", "history", "quit", "exit"),
}
BY_LETTER = (
    *("help", "quit", "next", "step", "return", "continue", "break"),
    *("print", "where", "list", "args", "delta"),
)


def typed_number(text: str, allowed: Container[int], mistake: str) -> int:
    """A number that was typed; one of more than nine digits is not even read.

    Raises:
        Mistake: it is not one of those that are allowed.
    """
    if text.isascii() and text.isdecimal() and len(text) <= 9 and int(text) in allowed:
        return int(text)
    raise Mistake(mistake)


class Asking(cmd.Cmd):
    """Commands are methods do_…; the docstring of each is its help.

    Args:
        stdout: where the answers go.

    Attributes:
        short: the commands by their short names, as in pdb; a prompt need not have all of them.
    """

    short: ClassVar[dict[str, str]] = {name[0]: name for name in BY_LETTER} | {"rc": "rcontinue"}

    def __init__(self, stdout: IO[str] | None = None) -> None:
        super().__init__(stdout=stdout)
        self.prompt = "(step) " if sys.stdin.isatty() else ""
        self._console = Console(file=self.stdout)
        self._movement = "next"
        self._aliases: dict[str, str] = {}
        self._typed: list[str] = []
        self._expanded = 0  # lines at the head of the queue that are not looked up again

    def commands(self) -> dict[str, str]:
        """Each command with its help: those that move first, those of every prompt last."""
        found: dict[str, str] = {}
        kinds = type(self).__mro__
        for kind in (*reversed(kinds[: kinds.index(Asking)]), Asking):
            for name, method in vars(kind).items():
                first = name.startswith("do_") and method.__name__ == name  # not under another
                if first and method.__doc__:
                    found.setdefault(name[3:], " ".join(method.__doc__.split()))
        return found

    def run(self, first: str = "") -> None:
        """Ask for commands, after some, until `quit` or Ctrl-D. Ctrl-C stays inside."""
        self.cmdqueue = first.splitlines()
        while True:
            try:
                return self.cmdloop()
            except KeyboardInterrupt:
                self._drop()
                self._say(Text("\ninterrupted; type `quit` or Ctrl-D to leave"))

    def run_batch(self, commands: str) -> int:
        """Carry out commands separated by `;;` or lines; 1 at the first mistake, else 0."""
        self.cmdqueue = [line for line in commands.splitlines() if line.strip()]
        while self.cmdqueue:
            try:
                if self._carry_out(self.precmd(self.cmdqueue.pop(0))):
                    break
            except Mistake as mistake:
                print(f"*** {mistake}", file=sys.stderr)
                return 1
        return 0

    def precmd(self, line: str) -> str:
        """The first of several commands, aliases spelled out; the others wait."""
        if self._expanded:
            self._expanded -= 1
            return line
        line = line.strip()
        if line:
            self._typed = [*self._typed[1 - REMEMBERED :], line]
        if line.split(None, 1)[:1] == ["alias"]:
            return line
        first, *others = self._spelled_out(line)
        self.cmdqueue[:0] = others
        self._expanded = len(others)
        return first

    def parseline(self, line: str) -> tuple[str | None, str | None, str]:
        """The command in full, and what stands behind it."""
        command, arg, line = super().parseline(line)
        return self.short.get(command or "", command), arg, line

    def onecmd(self, line: str) -> bool:
        """Carry out a command; a mistake drops those that still wait."""
        try:
            return self._carry_out(line)
        except Mistake as mistake:
            self._drop()
            self._say(Text(f"*** {mistake}"))
            return False

    def emptyline(self) -> bool:
        """Repeat the last movement."""
        return self._carry_out(self._movement)

    def default(self, line: str) -> None:
        """Not a command."""
        word = line.split()[0]
        known = list(self.commands())
        near = [name for name in known if name.startswith(word)]
        near += difflib.get_close_matches(word, known, 1)
        advice = f"did you mean {near[0]}?" if near else "`help` lists the commands"
        raise Mistake(f"there is no command {brief(word)}: {advice}")

    def do_alias(self, arg: str) -> None:
        """alias NAME COMMANDS: give commands a name; alias: list them; alias NAME: drop it"""
        name, _, commands = arg.partition(" ")
        if not name:
            rows = [(brief(key), brief(value, 80)) for key, value in self._aliases.items()]
            self._say(wording.columns(rows, (wording.NAME, "")) if rows else Text("no aliases"))
        elif self.short.get(name, name) in self.commands():
            raise Mistake(f"{name} is already a command")
        elif commands.strip():
            self._aliases[name] = commands.strip()
        elif self._aliases.pop(name, None) is None:
            raise Mistake(f"there is no alias {brief(name)}: `alias` lists them")

    def do_history(self, arg: str) -> None:
        """the lines that were typed last; the arrow keys bring them back"""
        first = max(len(self._typed) - SHOWN, 0)
        rows = [(str(i), brief(line, 80)) for i, line in enumerate(self._typed[first:], first)]
        self._say(wording.columns(rows, (wording.QUIET, "")) if rows else Text("nothing yet"))

    def do_help(self, arg: str) -> None:
        """this list, or help COMMAND"""
        name, known = self.short.get(arg, arg), self.commands()
        if arg and name not in known:
            self.default(arg)
        letters = {long: short for short, long in self.short.items()}
        shown = {name: known[name]} if arg else known
        rows = [(key, letters.get(key, ""), text) for key, text in shown.items()]
        self._say(wording.columns(rows, (wording.NAME, wording.NAME, "")))
        if not arg:
            self._say(Text("An empty line repeats the last movement; `;;` separates commands."))

    def do_quit(self, arg: str) -> bool:
        """leave; so does Ctrl-D"""
        return True

    do_exit = do_quit

    def do_EOF(self, arg: str) -> bool:
        self._say(Text())
        return True

    def _spelled_out(self, line: str, used: tuple[str, ...] = ()) -> list[str]:
        """A line as single commands; an alias inside itself is left as it is."""
        parts: list[str] = []
        for part in (part.strip() for part in line.split(";;")):
            name, _, rest = part.partition(" ")
            if name in self._aliases and name not in used:
                parts += self._spelled_out(f"{self._aliases[name]} {rest}", (*used, name))
            else:
                parts.append(part)
        return [parts[0], *filter(None, parts[1:])]

    def _drop(self) -> None:
        self.cmdqueue.clear()
        self._expanded = 0

    def _carry_out(self, line: str) -> bool:
        command, arg, _ = self.parseline(line)
        if arg and command in ALONE and hasattr(self, f"do_{command}"):
            raise Mistake(f"{command} takes no argument")
        return bool(super().onecmd(line))

    def _say(self, text: Text) -> None:
        encoding = getattr(self.stdout, "encoding", None) or "utf-8"
        with self._console.capture() as answer:
            self._console.print(text, soft_wrap=True)
        self.stdout.write(answer.get().encode(encoding, SPELLED).decode(encoding))


class Stepping(Asking):
    """The movements of every prompt; those that can be repeated are repeated by an empty line.

    Args:
        steps: what is walked.
        stdout: where the answers go.
    """

    def __init__(self, steps: Steps, stdout: IO[str] | None = None) -> None:
        super().__init__(stdout)
        self._steps = steps

    def run(self, first: str = "") -> None:
        """Say what is to be walked, then ask for commands."""
        self._say(self._introduction())
        self._view()
        super().run(first)

    def do_next(self, arg: str) -> None:
        """take the next vector-Jacobian product: from a node to one of its arguments"""
        self._moved("next", self._steps.next())

    def do_back(self, arg: str) -> None:
        """undo the last step"""
        self._moved("back", self._steps.back())

    def do_goto(self, arg: str) -> None:
        """goto N: go to the stop of that number, as in [3/8]"""
        last = len(self._steps)
        words = f"goto takes the number of a stop, 0 to {last}"
        self._steps.goto(typed_number(arg, range(last + 1), words))
        self._view()

    def do_start(self, arg: str) -> None:
        """go to the seed, where only the cost has a gradient"""
        self._steps.start()
        self._view()

    def do_end(self, arg: str) -> None:
        """go to the end, where every gradient is complete"""
        self._steps.end()
        self._view()

    def _moved(self, movement: str, moved: bool, otherwise: str = "") -> None:
        self._movement = movement
        if moved:
            self._view()
        else:
            self._say(Text(otherwise or (AT_THE_END if self._steps.at_end else AT_THE_START)))

    def _introduction(self) -> Text:
        raise NotImplementedError

    def _view(self) -> None:
        raise NotImplementedError
