"""The stepper as users get it, and the prompt: walked by commands, in the manner of pdb.

What you can do here: `step(cost)` in a REPL, `lossmix step softmax ll` in a shell.

>>> from tinygrad_lossmix import Tensor
>>> z = Tensor([2.0, 1.0], name="z")
>>> walk = Stepper((z * z).sum())
>>> walk.next()
True
>>> print(walk)
[1/3] n2 → n1: [1, 1]
"""

import cmd
import re
import sys
from collections.abc import Mapping
from html import escape
from typing import IO, Any

import numpy as np
from rich.console import Console
from rich.text import Text

from tinygrad_lossmix.debugger import show
from tinygrad_lossmix.debugger.commands.session import TABLE, TOPICS, Session
from tinygrad_lossmix.debugger.expressions import CommandError, is_quantity, named
from tinygrad_lossmix.debugger.layout import STYLES, fitted
from tinygrad_lossmix.debugger.lockstep import Lockstep, walks_of
from tinygrad_lossmix.debugger.page import page_of
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import SPELLED, count

REMEMBERED = 1000  # lines that `history` keeps


class Stepper(Walk):
    __doc__ = Walk.__doc__

    def __repr__(self) -> str:
        return f"Stepper: {self}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("Stepper" if cycle else show.here(self).plain)

    def _repr_html_(self) -> str:
        """The page, opened at the current stop; the stop and a list of the nodes without one."""
        try:
            return page_of(self)._repr_html_()
        except Exception:  # too many boxes; a notebook would show a traceback in place of the text
            parts = show.here(self), show.listing(self)
            return "".join(f"<pre>{escape(part.plain)}</pre>" for part in parts)


def step(
    cost: Tensor, names: Mapping[str, Any] | None = None, beside: Tensor | None = None
) -> None:
    """Open a prompt that walks back from a cost, one vector-Jacobian product at a time.

    Args:
        cost: a scalar Tensor.
        names: names for Tensors and constant arrays, in place of the caller's variables.
        beside: another scalar Tensor, such as another mix of the same logits: both are stepped in
            lock-step.

    Raises:
        TypeError: cost is not a Tensor.
        ValueError: cost is not a scalar.
    """
    walk = Stepper(cost, names)
    Prompt(walk if beside is None else Lockstep(walk, Stepper(beside, names))).run()


class Prompt(cmd.Cmd):
    """Takes a line, finds the command in the table, says its answer or what was wrong with it.

    Nothing that is typed is evaluated.

    Args:
        steps: what is walked, one Walk or two in Lockstep.
        stdout: where the answers go.
    """

    def __init__(self, steps: Walk | Lockstep, stdout: IO[str] | None = None) -> None:
        super().__init__(stdout=stdout)
        self.prompt = "(step) " if sys.stdin.isatty() else ""
        table = sorted(TABLE, key=lambda each: TOPICS.index(each.topic))
        usable = "two" if isinstance(steps, Lockstep) else "one", "either"
        self.session = Session(steps, {each.name: each for each in table if each.on in usable})
        self._console = Console(file=self.stdout, theme=STYLES)
        self._repeated = "next"  # by an empty line

    def run(self, first: str = "") -> None:
        """Say what is to be walked; ask for commands, after some, until `quit` or Ctrl-D.

        Ctrl-C stays inside.
        """
        self._say(_introduction(self.session.steps))
        self._say(self.session.here())
        self.cmdqueue = first.splitlines()
        while True:
            try:
                return self.cmdloop()
            except KeyboardInterrupt:
                self.cmdqueue.clear()
                self._say(Text("\ninterrupted; type `quit` or Ctrl-D to leave"))

    def run_batch(self, commands: str) -> int:
        """Carry out commands separated by `;;` or lines; 1 at the first error, else 0."""
        try:
            for line in filter(str.strip, commands.splitlines()):
                if self._all_of(line):
                    break
        except CommandError as error:
            print(f"*** {error}", file=sys.stderr)
            return 1
        return 0

    def onecmd(self, line: str) -> bool:
        """Carry out a line; an error drops the rest of it, and the lines that still wait."""
        try:
            return self._all_of(line)
        except CommandError as error:
            self.cmdqueue.clear()
            self._say(Text(f"*** {error}"))
            return False

    def _all_of(self, line: str) -> bool:
        """Carry out the commands of a line, aliases spelled out; whether to leave."""
        line = line.strip()
        if line:
            self.session.typed = [*self.session.typed[1 - REMEMBERED :], line]
        whole = line.split(None, 1)[:1] == ["alias"]
        return any(map(self._carry_out, [line] if whole else self._spelled_out(line)))

    def _spelled_out(self, line: str, used: tuple[str, ...] = ()) -> list[str]:
        """A line as single commands; an alias inside itself is left as it is."""
        aliases, parts = self.session.aliases, list[str]()
        for part in (part.strip() for part in line.split(";;")):
            name, _, rest = part.partition(" ")
            if name in aliases and name not in used:
                parts += self._spelled_out(f"{aliases[name]} {rest}", (*used, name))
            else:
                parts.append(part)
        return [parts[0], *filter(None, parts[1:])]

    def parseline(self, line: str) -> tuple[str | None, str | None, str]:
        """The command in full, and what stands behind it; a name or a comparison is printed."""
        name, arg, line = super().parseline(line)
        full = self.session.shorts.get(name or "", name)
        printed = self._is_printed(line, name, full)
        return ("print", line, line) if printed else (full, arg, line)

    def _is_printed(self, line: str, word: str | None, command: str | None) -> bool:
        """Whether it is a quantity, and no command; nor a short one that a name may hide."""
        steps, known = self.session.steps, self.session.commands.get(command or "")
        if line in self.session.commands:
            return False
        if known is None:
            elsewhere = any(command == each.name for each in TABLE)  # on other walks
            asked = named if elsewhere else is_quantity
            return any(asked(line, walk) for walk in walks_of(steps))
        if isinstance(steps, Lockstep):
            return False
        if line == word != command:
            own = getattr(steps.known.get(line), "name", None) == line
            return (own or line in steps.reading.known) and not known.repeats
        hidden = word != command and word in steps.known and re.match(r"\w+\s*[^\w\s]", line)
        return bool(hidden or named(line, steps))

    @np.errstate(all="ignore")  # NaN and infinity are what is looked for
    def _carry_out(self, line: str) -> bool:
        name, arg, line = self.parseline(line)
        if not line:
            return self._carry_out(self._repeated)
        command, arg = self.session.commands.get(name or ""), "" if arg == "()" else arg or ""
        if command is None:
            raise self.session.no_command(line)
        if arg and command.takes == "nothing":
            raise CommandError(f"{name} takes no argument")
        answer = command.function(self.session, arg)
        if command.repeats:
            self._repeated = f"{name} {arg}"
        if isinstance(answer, Text):
            self._say(answer)
        elif name == "EOF":
            self._say(Text())  # the cursor is still behind the prompt
        return answer is True

    def completenames(self, text: str, *_: Any) -> list[str]:
        """The commands and the names of nodes that begin like that."""
        commands = [name for name in self.session.commands if name.startswith(text)]
        return list(dict.fromkeys([*commands, *self._names(text)]))

    def completedefault(self, text: str, line: str, *_: Any) -> list[str]:
        """The names of nodes that begin like that, behind a command that takes one."""
        command = self.session.commands.get(self.parseline(line)[0] or "")
        return self._names(text) if command is not None and command.takes == "name" else []

    def _names(self, text: str) -> list[str]:
        known = [name for walk in walks_of(self.session.steps) for name in walk.known]
        gradients = [f"{name}.grad" for name in known if text.startswith(f"{name}.")]
        return [name for name in dict.fromkeys(known + gradients) if name.startswith(text)]

    def _say(self, text: Text) -> None:
        encoding = getattr(self.stdout, "encoding", None) or "utf-8"
        with self._console.capture() as answer:
            self._console.print(fitted(text), soft_wrap=True)
        self.stdout.write(answer.get().encode(encoding, SPELLED).decode(encoding))


def _introduction(steps: Walk | Lockstep) -> Text:
    """What is to be walked."""
    if isinstance(steps, Lockstep):
        words = "in lock-step, the first at a or z waits; `part` goes to where the gradients differ"
        return Text(words)
    nodes = count(len(steps.reading.nodes), "node")
    products = count(len(steps), "vector-Jacobian product")
    return Text(f"{steps.reading.title}; {nodes}, {products}. `help` lists the commands.")
