"""A stable node for the logarithm of a node, whatever was done to its axes in between."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.compiler.patterns import published
from tinygrad_lossmix.compiler.patterns.idioms import VIEWS, Found, Idiom, Idioms
from tinygrad_lossmix.compiler.patterns.structure import Structure, contraction, inverted, one_hot
from tinygrad_lossmix.engine.replay import recorded
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes import outputs


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
            u = self.idioms.logits(idiom, x.shape)
            return _plus(math.log(a))(outputs.softplus(u)), published.SOFTPLUS
        if idiom.kind == "tanh" and a == abs(b) > 0.0:
            u = self.idioms.of_tanh(idiom, b, x)
            return _plus(math.log(2.0 * a))(outputs.log_sigmoid(u)), published.LOG_SIGMOID
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
        over: dict[str, Any] = {"axis": picked.axes, "keepdims": picked.keepdims}
        return LogRule(
            picked.x,
            lambda log: np.where(mask, log, 0.0).sum(**over),
            False,
        )
    return None
