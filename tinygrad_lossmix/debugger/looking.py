"""Commands that answer questions about where we are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np
from rich.text import Text

from tinygrad_lossmix.debugger import inquiry, wording
from tinygrad_lossmix.debugger.conditions import Condition, is_condition, quantity
from tinygrad_lossmix.debugger.names import Mistake
from tinygrad_lossmix.debugger.onwalk import OnWalk
from tinygrad_lossmix.debugger.page import page
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import clean, shorten
from tinygrad_lossmix.views.graphviz import drawing


class Looking(OnWalk):
    """Questions; none of them moves."""

    short: ClassVar[dict[str, str]] = {
        **OnWalk.short,
        "p": "print",
        "w": "where",
        "l": "list",
        "a": "args",
        "d": "delta",
    }

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
            raise Mistake("print NAME or print NAME.grad; list shows the names")
        else:
            seen = self._compared(arg) if is_condition(arg) else self._here(arg)
            typed = shorten(clean(arg))
            text = Text(f"{typed} has no value yet")
            self._say(text if seen is None else wording.value(typed, np.asarray(seen), ""))

    def do_where(self, arg: str) -> None:
        """the path from here to the cost, the product of its local Jacobians, the other paths"""
        self._alone("where", arg)
        self._say(wording.where(self._walk))

    def do_list(self, arg: str) -> None:
        """the nodes with values and gradients; -> marks the current one"""
        self._alone("list", arg)
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
        self._alone("delta", arg)
        self._say(wording.delta(self._walk))

    def do_draw(self, arg: str) -> None:
        """draw FILE: the picture with the gradients so far, as .svg, .png, .pdf, .dot or .txt"""
        if not arg:
            raise Mistake("draw takes the file to write: draw graph.svg")
        self._write(arg, lambda: drawing(self._walk.reading, self._walk.gradients()).save(arg))

    def do_page(self, arg: str) -> None:
        """page FILE: an HTML page that steps through this recording in a browser"""
        if not arg:
            raise Mistake("page takes the file to write: page steps.html")
        names = {name: node for node, name in self._walk.reading.names.items()}
        self._write(arg, lambda: page(self._walk.cost, arg, names))

    complete_print = complete_args = complete_local = complete_explain = OnWalk._complete
    complete_contrib = complete_check = OnWalk._complete

    def _write(self, path: str, write: Callable[[], Path]) -> None:
        try:
            written = write()
        except ValueError as error:
            raise Mistake(clean(str(error))) from None
        except OSError as error:
            raise Mistake(f"{clean(path)} cannot be written: {error.strerror}") from None
        self._say(Text(f"wrote {clean(str(written))}"))

    def _compared(self, arg: str) -> object:
        condition = Condition(arg)
        if len(condition.comparisons) > 1:
            return condition.holds(self._walk, self._names)
        return condition.comparisons[0].result(self._walk, self._names)

    def _here(self, arg: str) -> object:
        return quantity(arg, self._walk, self._names)
