"""A stable node for a node: one rule for each function that an unstable pattern ends in.

That of a logarithm looks through whatever was done to the axes in between.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.compiler.calls import scalar
from tinygrad_lossmix.compiler.patterns import published
from tinygrad_lossmix.compiler.patterns.idioms import VIEWS, Found, Idiom, Idioms, fits, unshifted
from tinygrad_lossmix.compiler.patterns.structure import (
    Structure,
    aligned,
    contraction,
    differences,
    inverted,
    meets,
    negative,
    one_hot,
    over,
    picks_its_row,
    quotients,
    shift_of,
    sides,
)
from tinygrad_lossmix.engine.graph import since
from tinygrad_lossmix.engine.replay import recorded
from tinygrad_lossmix.engine.rules import getitem
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes import costs, outputs


class LogRule(NamedTuple):
    """From the logarithm of x to that of a node computed from x."""

    x: Tensor
    back: Callable[[Tensor], Tensor]
    sums: bool  # of x alone, not of a + b·x


class Logs:
    """Stable logarithms of the nodes of one recording."""

    def __init__(self, structure: Structure, idioms: Idioms) -> None:
        self.structure, self.idioms = structure, idioms
        self._bottoms: dict[Tensor, Tensor] = {}

    def log(self, node: Tensor, plus: float = 0.0) -> Found | None:
        """ln(node + plus), and the pattern that it is."""
        a, b, x = self.structure.affine(node)
        return self._log(a + plus, b, x)

    def _log(self, a: float, b: float, x: Tensor) -> Found | None:
        """ln(a + b·x)."""
        bottom = self.bottom(x)
        if self.idioms.core(bottom) is None and bottom.function is not np.concatenate:
            return None
        back: list[Callable[[Tensor], Tensor]] = []
        while self.idioms.core(x) is None:
            rule = _log_rule(x)
            if rule is None or (rule.sums and a == -b > 0.0):
                break
            if rule.sums:
                if a != 0.0 or b <= 0.0:
                    return None
                back.append(_plus(math.log(b)))
                a, b = 0.0, 1.0
            back.append(rule.back)
            inner, slope, x = self.structure.affine(rule.x)
            a, b = a + b * inner, b * slope
        idiom = self.idioms.core(x)
        if idiom is not None:
            found = self._of_idiom(idiom, a, b, x)
        elif x.function is np.concatenate:
            found = self._of_parts(a, b, x)
        else:
            found = self._of_rest(a, x)
        if found is None:
            return None
        result, pattern = found
        for step in reversed(back):
            result = step(result)
        return result, pattern

    def bottom(self, x: Tensor) -> Tensor:
        """What a logarithm can be pushed down to."""
        path = []
        while x not in self._bottoms:
            rule = _log_rule(x) if self.idioms.core(x) is None else None
            if rule is None:
                self._bottoms[x] = x
            else:
                path.append(x)
                x = self.structure.affine(rule.x)[2]
        found = self._bottoms[x]
        for above in path:
            self._bottoms[above] = found
        return found

    def _of_parts(self, a: float, b: float, x: Tensor) -> Found | None:
        """ln(a + b·x) for arrays joined to x, where each of them has a stable one."""
        logs: list[Tensor] = []
        found = None
        for part in x.args:
            if type(part) is not Tensor:
                return None
            inner, slope, y = self.structure.affine(part)
            nested = self.bottom(y).function is np.concatenate  # as deep as the recording, maybe
            found = None if nested else self._log(a + b * inner, b * slope, y)
            if found is None:
                return None
            logs.append(found[0])
        joined: Any = np.concatenate(logs, axis=x.kwargs["axis"])  # type: ignore[arg-type]
        return (joined, found[1]) if found else None

    def _of_rest(self, a: float, x: Tensor) -> Found | None:
        """ln(a - a·x) for a product x that has a stable logarithm."""
        log = self._log(0.0, 1.0, x)
        return log and (_plus(math.log(a))(log1m_exp(log[0])), published.ONE_MINUS_PRODUCT)

    def _of_idiom(self, idiom: Idiom, a: float, b: float, x: Tensor) -> Found | None:
        """ln(a + b·x) for an x of this idiom."""
        if idiom.kind == "exp" and a == b > 0.0:
            u = idiom.logits(x.shape)
            return _plus(math.log(a))(outputs.softplus(u)), published.SOFTPLUS
        if (v := self.idioms.one_plus_tanh(a, b, x)) is not None:
            return _plus(math.log(2.0 * a))(outputs.log_sigmoid(v)), published.LOG_SIGMOID
        c, what = (b, "ln x") if a == 0.0 else (a, "ln(1 - x)" if a == -b else "")
        found = idiom.stable(what, x.shape) if c > 0.0 else None
        if found is None:
            return None
        result, pattern = found
        if idiom.kind == "total":
            self.idioms.note(result, idiom._replace(kind="logsumexp"))
        return _plus(math.log(c))(result), pattern


def _plus(c: float) -> Callable[[Tensor], Tensor]:
    return lambda log: log + c if c else log


def log1m_exp(log: Tensor) -> Tensor:
    """ln(1 - e^x) of x ≤ 0: by expm1 where e^x is near 1, by log1p where it is small."""
    near = np.greater(log, -math.log(2.0))
    small = np.log1p(-np.exp(np.where(near, -1.0, log)))  # type: ignore[call-overload]
    return np.where(near, np.log(-np.expm1(np.where(near, log, -1.0))), small)  # type: ignore


def _log_rule(node: Tensor) -> LogRule | None:
    """How the logarithm of a node follows from that of what it was computed from."""
    function, kwargs = node.function, node.kwargs
    if function in VIEWS and node.args:
        return LogRule(node.args[0], lambda log: recorded(node, [log]), False)
    if function is np.prod:
        return LogRule(node.args[0], lambda log: np.sum(log, **kwargs), True)
    if function is np.power:
        x, exponent = node.args
        if type(x) is Tensor and type(exponent) is not Tensor and node.shape == x.shape:
            return LogRule(x, lambda log: log * exponent, True)
    if (y := inverted(node)) is not None:
        return LogRule(y, lambda log: -log, True)
    picked = contraction(node)
    if picked is not None and (mask := one_hot(picked)) is not None:
        x, _, axes, keep = picked
        return LogRule(x, lambda log: np.where(mask, log, 0.0).sum(axes, keepdims=keep), False)
    return None


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
        a, b, x = self.structure.affine(node)
        u = self.idioms.one_plus_tanh(a, b, x) if a == 0.5 else None
        if u is not None:
            return outputs.sigmoid(u), published.SIGMOID
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
