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

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import IO, Any

import numpy as np
from rich.text import Text

from tinygrad_lossmix.debugger import changes, inquiry, wording
from tinygrad_lossmix.debugger.expressions import (
    Condition,
    Mistake,
    assignment,
    is_condition,
    numbers,
    quantity,
)
from tinygrad_lossmix.debugger.lockstep import Pair, PairPrompt
from tinygrad_lossmix.debugger.moving import Moving
from tinygrad_lossmix.debugger.page import page
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.printing import brief, clean, short
from tinygrad_lossmix.views.drawing import drawing

CLOSE = 0.005  # of the largest entry: how far a prediction may be off


class Stepper(Walk):
    __doc__ = Walk.__doc__

    def __repr__(self) -> str:
        return f"Stepper: {self}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("Stepper" if cycle else wording.view(self).plain)

    def _repr_html_(self) -> str:
        """The current stop, and every node with its gradient so far."""
        parts = wording.view(self), wording.listing(self)
        return "".join(f"<pre>{escape(part.plain)}</pre>" for part in parts)


def step(
    cost: Tensor, names: Mapping[str, Any] | None = None, beside: Tensor | None = None
) -> None:
    """Open a prompt that walks back from a cost, one vector-Jacobian product at a time.

    Args:
        cost: a scalar Tensor.
        names: the caller's names for Tensors and constant arrays, such as `locals()`.
        beside: another scalar Tensor, such as another mix of the same logits: both are stepped in
            lock-step.

    Raises:
        TypeError: cost is not a Tensor.
        ValueError: cost is not a scalar.
    """
    walk = Stepper(cost, names)
    if beside is None:
        Prompt(walk).run()
    else:
        PairPrompt(Pair(walk, Stepper(beside, names))).run()


class Prompt(Moving):
    """The commands on one walk: those that move, questions, what if, and a quiz."""

    def __init__(self, walk: Walk, stdout: IO[str] | None = None) -> None:
        super().__init__(walk, stdout)
        self._walks = [walk]
        self._now = 0
        self._score = [0, 0]
        self._asked: tuple[Walk, int] | None = None

    def _introduction(self) -> Text:
        return wording.introduction(self._walk)

    def do_print(self, arg: str) -> None:
        """print NAME: its value; print NAME.grad: its gradient so far; print z.grad > 0"""
        known = self._names.known
        found = known.get(arg)
        if isinstance(found, Tensor):
            if self._walk.value(found) is None:
                self._say(Text(f"{arg} is not computed yet"))
                return
            about = self._walk.reading.equation(found)
            self._say(wording.value(arg, found.data, about))
            if whole := self._walk.reading.full_name(found):
                self._say(Text(f"its name in full: {whole}", wording.QUIET))
        elif found is not None:
            self._say(wording.value(arg, found, "constant"))
        elif arg.endswith(".grad") and arg.removesuffix(".grad") in known:
            node = self._names.node(arg.removesuffix(".grad"))
            self._say(wording.gradient(self._walk, node))
        elif not arg:
            raise Mistake("print takes NAME or NAME.grad; `list` shows the names")
        else:
            here = self._walk, self._names
            seen = Condition(arg).result(*here) if is_condition(arg) else quantity(arg, *here)
            typed = brief(arg)
            text = Text(f"{typed} has no value yet")
            self._say(text if seen is None else wording.value(typed, np.asarray(seen), ""))

    def do_where(self, arg: str) -> None:
        """the path from here to the cost, the product of its local Jacobians, the other paths"""
        self._say(wording.where(self._walk))

    def do_list(self, arg: str) -> None:
        """the nodes with values and gradients; -> marks the current one"""
        self._say(wording.listing(self._walk))

    def do_args(self, arg: str) -> None:
        """args NAME: what a node was computed from; without a name, the current node"""
        self._say(inquiry.arguments(self._walk, self._operation(arg)))

    def do_local(self, arg: str) -> None:
        """local NAME: the local Jacobian of a node, by each argument"""
        self._say(inquiry.local_derivatives(self._walk, self._operation(arg)))

    def do_explain(self, arg: str) -> None:
        """explain NAME: the rule of a node in the table of derivatives"""
        self._say(inquiry.explanation(self._walk, self._operation(arg)))

    def do_contrib(self, arg: str) -> None:
        """contrib NAME: the contributions to its gradient, by node"""
        self._say(inquiry.contributions(self._walk, self._node(arg)))

    def do_check(self, arg: str) -> None:
        """check NAME: its gradient beside the finite difference"""
        self._say(inquiry.check(self._walk, self._node(arg)))

    def do_delta(self, arg: str) -> None:
        """the gradient of the logits so far, and a - y beside it"""
        self._say(wording.delta(self._walk))

    def do_draw(self, arg: str) -> None:
        """draw FILE: the picture with the gradients so far, as .svg, .png, .pdf, .dot or .txt"""
        save = lambda: drawing(self._walk.reading, self._walk.gradients()).save(arg)
        self._write("draw graph.svg", arg, save)

    def do_page(self, arg: str) -> None:
        """page FILE: an HTML page that steps through this recording in a browser"""
        names = {name: node for node, name in self._walk.reading.names.items()}
        self._write("page steps.html", arg, lambda: page(self._walk.cost, arg, names))

    complete_print = complete_args = complete_local = complete_explain = Moving._complete
    complete_contrib = complete_check = Moving._complete

    def _write(self, example: str, path: str, write: Callable[[], Path]) -> None:
        if not path:
            raise Mistake(f"{example[:4]} takes the file to write, as in `{example}`")
        try:
            written = write()
        except ValueError as error:
            raise Mistake(clean(str(error))) from None
        except OSError as error:
            raise Mistake(f"{clean(path)} cannot be written: {error.strerror}") from None
        self._say(Text(f"wrote {clean(str(written))}"))

    def do_set(self, arg: str) -> None:
        """set z 2,1,0; set z[0] 5; set y 1; set mix softmax ce: record again with that"""
        changed = self._changed(arg)
        known = self._walk.reading.known.items()
        constants = {name: x for name, x in known if not isinstance(x, Tensor)}
        new = type(self._walk)(changed.cost, constants | changed.names)
        new.first = -len(new.reading.nodes) if self._walk.first else 0
        if len(new) == len(self._walk):
            new.position = self._walk.position
        self._walks[self._now + 1 :] = [new]
        self._turn(self._now + 1)

    complete_set = Moving._complete

    def do_undo(self, arg: str) -> None:
        """take back the last set"""
        if self._now == 0:
            raise Mistake("nothing to undo: no `set` so far")
        self._turn(self._now - 1)

    def do_redo(self, arg: str) -> None:
        """set again what was taken back"""
        if self._now + 1 == len(self._walks):
            raise Mistake("nothing to redo")
        self._turn(self._now + 1)

    def do_diff(self, arg: str) -> None:
        """what the last set changed: the cost, the inputs and their gradients"""
        if self._now == 0:
            raise Mistake("nothing to compare: no `set` so far")
        self._say(wording.changed(self._walks[self._now - 1], self._walk))

    def do_quiz(self, arg: str) -> None:
        """ask for the next product before it is shown"""
        walk = self._walk
        if walk.position < 0 or walk.at_end:
            raise Mistake("no product comes next here: type `start`, then `quiz`")
        self._asked = walk, walk.position
        self._say(wording.question(walk.at(walk.position + 1)))

    def do_answer(self, arg: str) -> None:
        """answer 0.5,0,0: your answer to quiz, to two digits; answer alone: show it"""
        if self._asked != (self._walk, self._walk.position):
            raise Mistake("no question pending; type `quiz`")
        stop = self._walk.at(self._walk.position + 1).stop
        assert stop is not None
        if arg:
            guess = numbers(arg, stop.contribution.shape)
            largest = float(np.max(np.abs(stop.contribution), initial=0.0))
            right = np.allclose(guess, stop.contribution, 0.0, CLOSE * largest, equal_nan=True)
            self._score = [self._score[0] + right, self._score[1] + 1]
            words = "right" if right else f"no, it is {short(stop.contribution)}"
            self._say(Text(f"{words}; {self._score[0]} of {self._score[1]} right so far"))
        self._asked = None
        self._walk.next()
        self._view()

    def _changed(self, arg: str) -> changes.Changed:
        reading, known = self._walk.reading, self._names.known
        name, place, value = assignment(arg, known)
        found = known.get(name)
        if not isinstance(found, Tensor):
            if name == "mix":
                return changes.with_mix(reading, _mix(value))
            if name in ("y", "1 - y") and (reading.symbols or found is None):
                if name != "y" or place:
                    raise Mistake("labels are set all at once: `set y` and a class, or all labels")
                return changes.with_labels(reading, value)
        if found is None:
            raise self._names.missing(name)
        if place:
            return changes.with_entry(reading, name, found, place, value)
        return changes.with_value(reading, name, found, numbers(value, found.shape))

    def _turn(self, to: int) -> None:
        self._now = to
        self._take(self._walks[to])
        self._view()


def _mix(words: str) -> Mix:
    try:
        return Mix(*words.split(maxsplit=1))
    except (ValueError, TypeError):
        asked = brief(words)
        raise Mistake(f"there is no mix {asked}: choose one as in softmax ce") from None
