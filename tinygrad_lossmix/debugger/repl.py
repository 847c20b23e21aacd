"""The prompt: a stepper walked by commands, in the manner of pdb.

What you can do here: `step(cost)` in a REPL, `lossmix step softmax ll` in a shell.
"""

from __future__ import annotations

import cmd
import difflib
import sys
from collections.abc import Mapping
from functools import cached_property
from typing import IO, Any

from rich.console import Console
from rich.text import Text

from tinygrad_lossmix.debugger import wording
from tinygrad_lossmix.debugger.stepper import Stepper
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.views.names import clean, shorten
from tinygrad_lossmix.views.reading import is_array

HELP = {
    "next": "take the next product: a node passes its gradient to one of its arguments",
    "back": "undo the last product",
    "goto": "goto N: go to the stop of that number, as in [3/8]",
    "start": "go to the start, where only the cost has a gradient",
    "end": "go to the end, where every gradient has arrived",
    "print": "print NAME: a value; print NAME.grad: its gradient so far",
    "where": "the way from here to the cost, with the local derivatives",
    "delta": "the gradient of the logits so far, and a - y beside it",
    "list": "the nodes with values and gradients; -> marks the current one",
    "help": "this list, or help COMMAND",
    "quit": "leave; so does Ctrl-D",
}
SHORT = {name[0]: name for name in ("next", "print", "where", "delta", "list", "help", "quit")}


def step(cost: Tensor, names: Mapping[str, Any] | None = None) -> None:
    """Open a prompt that walks back from a cost, one vector-Jacobian product at a time.

    Args:
        cost: a scalar Tensor.
        names: the caller's names for Tensors and constant arrays, such as `locals()`.

    Raises:
        TypeError: cost is not a Tensor.
        ValueError: cost is not a scalar.
    """
    Prompt(Stepper(cost, names)).run()


class Mistake(Exception):
    """A command that cannot be carried out, in words for the one who typed it."""


class Prompt(cmd.Cmd):
    """The commands. Nothing that is typed is evaluated.

    Args:
        walk: what is walked.
        stdout: where the answers go.
    """

    def __init__(self, walk: Stepper, stdout: IO[str] | None = None) -> None:
        super().__init__(stdout=stdout)
        self.prompt = "(step) " if sys.stdin.isatty() else ""
        self._walk = walk
        self._console = Console(file=self.stdout)
        self._movement = "next"

    def run(self, first: str = "") -> None:
        """Ask for commands, after some, until `quit` or Ctrl-D. Ctrl-C stays inside."""
        self.cmdqueue = first.splitlines()
        self._say(wording.introduction(self._walk))
        self._say(wording.view(self._walk))
        while True:
            try:
                return self.cmdloop()
            except KeyboardInterrupt:
                self.cmdqueue.clear()
                self._say(Text("\ninterrupted; quit or Ctrl-D leaves"))

    def run_batch(self, commands: str) -> int:
        """Carry out commands separated by `;;` or lines; 1 at the first mistake, else 0."""
        self.cmdqueue = [line for line in commands.splitlines() if line.strip()]
        while self.cmdqueue:
            try:
                if super().onecmd(self.precmd(self.cmdqueue.pop(0))):
                    break
            except Mistake as mistake:
                print(f"*** {mistake}", file=sys.stderr)
                return 1
        return 0

    def precmd(self, line: str) -> str:
        """The first of several commands; the others wait."""
        first, *others = (part.strip() for part in line.split(";;"))
        self.cmdqueue[:0] = filter(None, others)
        return first

    def parseline(self, line: str) -> tuple[str | None, str | None, str]:
        """The command in full, and what stands behind it."""
        command, arg, line = super().parseline(line)
        return SHORT.get(command or "", command), arg, line

    def onecmd(self, line: str) -> bool:
        """Carry out a command; a mistake drops those that still wait."""
        try:
            return bool(super().onecmd(line))
        except Mistake as mistake:
            self.cmdqueue.clear()
            self._say(Text(f"*** {mistake}"))
            return False

    def emptyline(self) -> bool:
        """Repeat the last movement."""
        return bool(super().onecmd(self._movement))

    def default(self, line: str) -> None:
        """Not a command."""
        word = line.split()[0]
        near = [name for name in HELP if name.startswith(word)]
        near += difflib.get_close_matches(word, HELP, 1)
        advice = f"did you mean {near[0]}?" if near else "help lists the commands"
        raise Mistake(f"there is no command {shorten(clean(word))}: {advice}")

    def do_next(self, arg: str) -> None:
        self._alone("next", arg)
        self._movement = "next"
        if self._walk.next():
            self._view()
        else:
            self._say(Text("at the end, every gradient has arrived: back, start, delta or quit"))

    def do_back(self, arg: str) -> None:
        self._alone("back", arg)
        self._movement = "back"
        if self._walk.back():
            self._view()
        else:
            self._say(Text("at the start: next takes the first product"))

    def do_goto(self, arg: str) -> None:
        # a number longer than that of the last stop is not even read
        if not arg.isascii() or not arg.isdecimal() or len(arg) > 9 or int(arg) > len(self._walk):
            raise Mistake(f"goto takes the number of a stop, 0 to {len(self._walk)}")
        self._walk.goto(int(arg))
        self._view()

    def do_start(self, arg: str) -> None:
        self._alone("start", arg)
        self._walk.start()
        self._view()

    def do_end(self, arg: str) -> None:
        self._alone("end", arg)
        self._walk.end()
        self._view()

    def do_print(self, arg: str) -> None:
        found = self._named.get(arg)
        if isinstance(found, Tensor):
            about = self._walk.reading.equation(found)
            self._say(wording.value(arg, found.data, about))
        elif found is not None:
            self._say(wording.value(arg, found, "constant"))
        elif arg.endswith(".grad") and (name := arg.removesuffix(".grad")) in self._named:
            found = self._named[name]
            if not isinstance(found, Tensor):
                raise Mistake(f"{name} is a constant: it has no gradient")
            self._say(wording.gradient(self._walk, found))
        else:
            raise Mistake(self._no_name(arg))

    def do_where(self, arg: str) -> None:
        self._alone("where", arg)
        self._say(wording.where(self._walk))

    def do_delta(self, arg: str) -> None:
        self._alone("delta", arg)
        self._say(wording.delta(self._walk))

    def do_list(self, arg: str) -> None:
        self._alone("list", arg)
        self._say(wording.listing(self._walk))

    def do_help(self, arg: str) -> None:
        name = SHORT.get(arg, arg)
        if arg and name not in HELP:
            self.default(arg)
        rows = [
            (key, key[0] if SHORT.get(key[0]) == key else "", text)
            for key, text in HELP.items()
            if not arg or key == name
        ]
        self._say(wording.columns(rows, (wording.NAME, wording.NAME, "")))
        if not arg:
            self._say(Text("An empty line repeats next or back; ;; separates commands."))

    def do_quit(self, arg: str) -> bool:
        self._alone("quit", arg)
        return True

    do_exit = do_quit

    def do_EOF(self, arg: str) -> bool:
        self._say(Text())
        return True

    def complete_print(self, text: str, *_: Any) -> list[str]:
        """The names that begin like that."""
        return [name for name in self._named if name.startswith(text)]

    @cached_property
    def _named(self) -> dict[str, Any]:
        """The nodes and constant arrays by the names they are shown under."""
        reading = self._walk.reading
        constants = [arg for node in reading.nodes for arg in node.args if is_array(arg)]
        named: dict[str, Any] = {name: x for x in constants if (name := reading.call(x))}
        return named | {name: node for node, name in reading.names.items()}

    def _no_name(self, arg: str) -> str:
        if not arg:
            return "print NAME or print NAME.grad; list shows the names"
        near = difflib.get_close_matches(arg, self._named, 1)
        advice = f"did you mean {near[0]}?" if near else "list shows the names"
        return f"there is no {shorten(clean(arg))} here: {advice}"

    def _alone(self, command: str, arg: str) -> None:
        if arg:
            raise Mistake(f"{command} takes nothing behind it")

    def _view(self) -> None:
        self._say(wording.view(self._walk))

    def _say(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)
