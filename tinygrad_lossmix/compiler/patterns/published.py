"""The table of unstable patterns: what is looked for, what takes its place, and why.

u stands for any logits, Σ for a sum over any axis. Each is found by its structure: whatever the
functions, groups and variables around it are called, with the exponential shared or computed
twice, with or without a shift of the logits, divided or multiplied by the reciprocal, operands in
any order, axes kept, dropped or moved.

>>> print(SOFTMAX)
e^u / Σ e^u -> softmax(u): e^u overflows above 709, inf/inf is NaN; its rule loses the tail
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.compiler.patterns.structure import negative
from tinygrad_lossmix.mixes import outputs
from tinygrad_lossmix.mixes.layers import COSTS


class Pattern(NamedTuple):
    """One row of the table."""

    unstable: str
    stable: str
    reason: str

    def __str__(self) -> str:
        return f"{self.unstable} -> {self.stable}: {self.reason}"


# fmt: off
SOFTMAX = Pattern("e^u / Σ e^u", "softmax(u)",
    "e^u overflows above 709, inf/inf is NaN; its rule loses the tail")
SIGMOID = Pattern("1/(1 + e^-u), e^u/(1 + e^u), (1 + tanh(u/2))/2", "sigmoid(u)",
    "e^-u overflows below -709 and the gradient is 0·inf; tanh rounds the tail off")
ONE_MINUS_SIGMOID = Pattern("1 - sigmoid(u)", "sigmoid(-u)",
    "above 37 sigmoid(u) rounds to 1 and nothing is left")
ONE_MINUS_SOFTMAX = Pattern("1 - softmax(u)", "-expm1(log_softmax(u))",
    "an output near 1 rounds to 1 and nothing is left")
ONE_MINUS_PRODUCT = Pattern(
    "1 - Π a, ln(1 - Π a), a softmax or sigmoid", "-expm1(Σ ln a), and its logarithm",
    "outputs near 1 round to 1 and nothing is left")
LOG_EXP = Pattern("ln(e^u)", "u", "e^u over- and underflows on the way")
LOG_SUM_EXP = Pattern("ln Σ e^u, also of a mean", "logsumexp(u)", "e^u overflows above 709")
SHIFTED_LOG_SUM_EXP = Pattern("s + ln Σ e^(u - s)", "logsumexp(u)",
    "what flows back through the shift s should cancel, and leaves rounding")
SOFTPLUS = Pattern("ln(1 + e^u), log1p(e^u)", "softplus(u)",
    "e^u overflows above 709; below -37, 1 + e^u rounds to 1")
LOG_SOFTMAX = Pattern("ln(softmax(u))", "log_softmax(u)",
    "an output that underflows has ln 0; one near 1 loses its logarithm and its gradient")
LOGITS_MINUS_LOG_SUM_EXP = Pattern("u - ln Σ e^u", "log_softmax(u)",
    "where u is the largest, the difference cancels")
LOG_ONE_MINUS_SOFTMAX = Pattern("ln(1 - softmax(u)), log1p(-softmax(u))", "log1m_softmax(u)",
    "an output near 1 rounds to 1 and leaves ln 0")
LOG_SIGMOID = Pattern("ln(sigmoid(u))", "log_sigmoid(u)",
    "below -709 sigmoid(u) is 0 and leaves ln 0")
LOG_ONE_MINUS_SIGMOID = Pattern("ln(1 - sigmoid(u)), log1p(-sigmoid(u))", "log_sigmoid(-u)",
    "above 37 sigmoid(u) rounds to 1 and leaves ln 0")
# fmt: on
_REASONS = {
    ("softmax", "ll"): "one node, whose delta is a - y without the subtraction",
    ("softmax", "ce"): "one node; where an output is near 1, parts of the gradient cancel",
    ("softmax", "quadratic"): "one node; an output near its label loses the difference",
    ("lml", "quadratic"): "one node; an output near its label loses the difference",
    ("sigmoid", "ll"): "one node: one exponential instead of three",
    ("sigmoid", "ce"): "one node, whose delta is a - y without the subtraction",
    ("sigmoid", "quadratic"): "one node; an output near its label loses the difference",
}
MIXES = {
    (output, cost): Pattern(
        COSTS[cost].formula.format(a=f"{output}(u)"), f"{output}_{cost}(u, y)", reason
    )
    for (output, cost), reason in _REASONS.items()
}
# what takes the place of x, 1 - x and their logarithms, for what x is: a function of its logits
STABLE: dict[tuple[str, str], tuple[Callable[..., Any], Pattern]] = {
    ("x", "softmax"): (outputs.softmax, SOFTMAX),
    ("x", "sigmoid"): (outputs.sigmoid, SIGMOID),
    ("1 - x", "softmax"): (
        lambda u, **over: -np.expm1(outputs.log_softmax(u, **over)),
        ONE_MINUS_SOFTMAX,
    ),
    ("1 - x", "sigmoid"): (lambda u: outputs.sigmoid(negative(u)), ONE_MINUS_SIGMOID),
    ("ln x", "exp"): (lambda u: u, LOG_EXP),
    ("ln x", "total"): (outputs.logsumexp, LOG_SUM_EXP),
    ("ln x", "softmax"): (outputs.log_softmax, LOG_SOFTMAX),
    ("ln x", "sigmoid"): (outputs.log_sigmoid, LOG_SIGMOID),
    ("ln(1 - x)", "softmax"): (outputs.log1m_softmax, LOG_ONE_MINUS_SOFTMAX),
    ("ln(1 - x)", "sigmoid"): (lambda u: outputs.log_sigmoid(negative(u)), LOG_ONE_MINUS_SIGMOID),
}
PATTERNS = (*[row for row in vars().values() if type(row) is Pattern], *MIXES.values())


def table() -> str:
    r"""The whole of it, as text: a pattern and what takes its place, the reason below.

    >>> print(*table().splitlines()[:3], sep="\n")
    e^u / Σ e^u
      -> softmax(u)
      e^u overflows above 709, inf/inf is NaN; its rule loses the tail
    """
    return "\n".join(f"{p.unstable}\n  -> {p.stable}\n  {p.reason}" for p in PATTERNS)
