"""A stable node for a node: one rule for each function that an unstable pattern ends in."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lossmix.compiler.calls import scalar
from tinygrad_lossmix.compiler.patterns import published
from tinygrad_lossmix.compiler.patterns.axes import aligned, meets, over, picks_its_row
from tinygrad_lossmix.compiler.patterns.idioms import Found, Idiom, Idioms, fits, unshifted
from tinygrad_lossmix.compiler.patterns.logs import Logs
from tinygrad_lossmix.compiler.patterns.structure import (
    Structure,
    differences,
    negative,
    quotients,
    shift_of,
    sides,
)
from tinygrad_lossmix.engine.graph import since
from tinygrad_lossmix.engine.rules import getitem
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes import costs, outputs


class StableRules:
    """Stable nodes for the nodes of one recording."""

    def __init__(self) -> None:
        self.structure = Structure()
        self.idioms = Idioms(self.structure)
        self.logs = Logs(self.structure, self.idioms)
        self.weighted: dict[Tensor, tuple[Any, Tensor]] = {}  # x·ln y: x and the stable logarithm
        quotient = (self._output, self._one_minus, self._picked)
        self._rules: dict[Any, tuple[Callable[[Tensor], Found | None], ...]] = {
            np.log: (lambda node: self.logs.log(node.args[0]),),
            np.log1p: (lambda node: self.logs.log(node.args[0], 1.0),),
            costs.xlogy: (self._xlogy,),
            np.divide: (*quotient, self._several_sigmoids),
            np.multiply: quotient,
            np.power: quotient,
            np.reciprocal: quotient,
            np.negative: (self._one_minus,),
            np.add: (self._one_minus, self._log_softmax, self._shifted),
            np.subtract: (self._one_minus, self._log_softmax, self._shifted),
        }

    def stable(self, node: Tensor) -> Found | None:
        """A stable node in place of this one, and the pattern that it is; None if it is none."""
        for rule in self._rules.get(node.function, ()):
            found = rule(node)
            if found and found[0].shape == node.shape:
                result, pattern = found
                cast = result.dtype != node.dtype  # a constant of another precision took part
                return result.astype(node.dtype) if cast else result, pattern
        return None

    def learn(self, node: Tensor, start: int) -> None:
        """Take note of a node and of what it was computed from since a moment.

        Called in the order of creation, so that no question goes deep.
        """
        for fresh in since(start, node):
            self.idioms.core(fresh)

    def _output(self, node: Tensor) -> Found | None:
        """Softmax and sigmoid, as quotients."""
        idiom = self.idioms.core(node)
        return idiom and idiom.stable("x", node.shape)

    def _several_sigmoids(self, node: Tensor) -> Found | None:
        """c/(1 + e^v) for a number c."""
        x, y = node.args
        below, c = self.idioms.one_plus_exp(y), scalar(x)
        if below is None or c is None:
            return None
        return outputs.sigmoid(negative(below[1])) * (c / below[0]), published.SIGMOID

    def _one_minus(self, node: Tensor) -> Found | None:
        """One minus an output or a product, and ½(1 + tanh(u/2))."""
        if (u := self.idioms.sigmoid_of_tanh(node)) is not None:
            return outputs.sigmoid(u), published.SIGMOID
        a, b, x = self.structure.affine(node)
        if a != 1.0 or b != -1.0:
            return None
        if x.function is np.prod:
            found: Any = self.logs.log(x)
            return found and (-np.expm1(found[0]), published.ONE_MINUS_PRODUCT)
        idiom = self.idioms.core(x) if x.function is not np.expm1 else None
        return idiom and idiom.stable("1 - x", node.shape)

    def _picked(self, node: Tensor) -> Found | None:
        """e^u[key] / Σ e^u."""
        for x, y in quotients(node):
            e, total = self.idioms.is_a(x, "exp"), self.idioms.is_a(y, "total")
            if e and total and fits(x, node) and self._picks(e.u, total, y.shape):
                u = unshifted(total.u, total.axes)
                return over(outputs.softmax, u, total.axes)[e.u.kwargs["key"]], published.SOFTMAX
        return None

    def _log_softmax(self, node: Tensor) -> Found | None:
        """u - ln Σ e^u, u[key] - ln Σ e^u, and their negatives."""
        for x, y in differences(node):
            for logits, total, sign in ((x, y, 1.0), (y, x, -1.0)):
                idiom = self.idioms.is_a(total, "logsumexp")
                if idiom is None or not fits(logits, node):
                    continue
                picked = self._picks(logits, idiom, total.shape)
                whole = self.structure.same(logits, idiom.u) and aligned(
                    tuple(range(logits.ndim)), idiom.labels, idiom.axes, logits.shape
                )
                if not picked and not whole:
                    continue
                log = over(outputs.log_softmax, unshifted(idiom.u, idiom.axes), idiom.axes)
                log = log[logits.kwargs["key"]] if picked else log
                return log if sign > 0 else -log, published.LOGITS_MINUS_LOG_SUM_EXP
        return None

    def _picks(self, x: Tensor, total: Idiom, shape: tuple[int, ...]) -> bool:
        """Whether x is entries of u, each beside the total of its own row."""
        if x.function is not getitem or not self.structure.same(x.args[0], total.u):
            return False
        return picks_its_row(x.kwargs["key"], total.u, total.axes, total.labels, shape)

    def _shifted(self, node: Tensor) -> Found | None:
        """s + ln Σ e^(x - s), and ln Σ e^(x + s) - s."""
        pairs = sides(node) if node.function is np.add else differences(node)
        for total, s in pairs:
            idiom = self.idioms.is_a(total, "logsumexp")
            if idiom is None or not fits(total, node):
                continue
            shift = shift_of(idiom.u, idiom.axes)
            if shift is None or shift[2] == (node.function is np.add):
                continue
            x, taken, _ = shift
            same = self.structure.same_rows(s, taken)
            if same and meets(s, taken, idiom.labels, idiom.u.ndim):
                total = idiom._replace(u=x).replaced_by(outputs.logsumexp, node.shape)
                return total, published.SHIFTED_LOG_SUM_EXP
        return None

    def _xlogy(self, node: Tensor) -> Found | None:
        x, y = node.args
        found = self.logs.log(y) if type(y) is Tensor else None
        if found is None:
            return None
        log, pattern = found
        nothing = np.logical_and(np.equal(x, 0), np.isinf(log))
        result = x * np.where(nothing, 0.0, log)
        if type(x) is not Tensor:
            self.weighted[result] = x, log
        return result, pattern
