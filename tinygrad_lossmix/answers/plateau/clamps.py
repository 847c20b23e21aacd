"""What costs clamp the logarithm of 0 to, whose clamp it is, and what a loss gets stuck at there.

A cost that adds or clips to ε never exceeds -ln ε for one output; PyTorch clamps the logarithm
itself. What is not a power of ten comes of rounding: in float32, 1 - 1e-7 is 1 - 2^-23.
"""

import math
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from tinygrad_lossmix.answers.plateau.constants import EACH, EITHER, Constant, always, fixed


class Clamp(NamedTuple):
    """The largest cost of one output."""

    formula: str
    value: float
    whose: str


HAND_WRITTEN = "log(a + eps) or clip(a, eps, 1 - eps), written by hand"
KERAS_EPSILON, TORCH_LOWEST = 1e-7, -100.0
ROUNDED = 2.0**-23  # 1 - (1 - 1e-7) in float32

# fmt: off
KERAS = Clamp(
    "-ln 1e-7", -math.log(KERAS_EPSILON), "Keras, which clips probabilities to [1e-7, 1 - 1e-7]",
)
KERAS_OFF = Clamp(
    "-ln 2^-23", -math.log(ROUNDED),
    "Keras' binary cross-entropy in float32 for a label 0, or scikit-learn's log_loss in float32",
)
TORCH = Clamp("100", -TORCH_LOWEST, "PyTorch's BCELoss, which clamps logarithms at -100")
FRAMEWORKS = (
    KERAS,
    KERAS_OFF,
    TORCH,
    Clamp("-ln 1e-12", -math.log(1e-12), f"MXNet's SigmoidBCELoss, or {HAND_WRITTEN}"),
    Clamp("-ln 2e-7", -math.log(2e-7), "Keras 2's binary cross-entropy for a label 1"),
    Clamp(
        "-ln(2^-23 + 1e-7)", -math.log(ROUNDED + KERAS_EPSILON),
        "Keras 2's binary cross-entropy in float32 for a label 0",
    ),
    Clamp("-ln 2^-52", 52.0 * math.log(2.0), "scikit-learn's log_loss in float64"),
    Clamp("-ln 1e-15", -math.log(1e-15), f"scikit-learn's log_loss before 1.2, or {HAND_WRITTEN}"),
)
POWERS = tuple(
    Clamp(f"-ln 1e-{n}", n * math.log(10.0), HAND_WRITTEN) for n in (5, 6, 8, 9, 10, 14, 16, 20, 30)
)
SMALLEST = tuple(
    Clamp(f"-ln 2^-{n}", n * math.log(2.0), f"no clamp but {dtype}: its smallest {kind} number")
    for dtype, kind, n in (
        ("float32", "normal", 126), ("float32", "positive", 149),
        ("float64", "normal", 1022), ("float64", "positive", 1074),
    )
)
# fmt: on
ONE_CLASS = "clamp, the same class predicted for all"
ADVICE = (
    "The logarithm of 0, clamped: outputs saturated on the wrong side. Compute the cost from "
    "logits (CrossEntropyLoss, BCEWithLogitsLoss, from_logits=True); look for a learning rate or "
    "inputs too large, or labels out of order."
)


def clamped(accuracy: float | None) -> tuple[Constant, ...]:
    """Saturated outputs: all wrong; one class for all; or all but the share `accuracy` wrong."""
    all_wrong = partial(
        fixed, "clamp, every example wrong", meaning=ADVICE, bound="highest", accuracy=always(0.0)
    )
    found = [all_wrong(c.whose, c.formula, c.value) for c in FRAMEWORKS + POWERS + SMALLEST]
    found += [one_class_for_all(c.whose, f"({c.formula})", c.value) for c in FRAMEWORKS]
    found += [
        replace(
            one_class_for_all(f"cross-entropy: {c.whose}", both, c.value + off),
            name=f"{ONE_CLASS}, K outputs",
            meaning=f"Two outputs of a wrong example are on the wrong side. {ADVICE}",
            conventions=EITHER,
        )
        for c, both, off in (
            (TORCH, "(200)", TORCH.value),
            (KERAS, "(-ln 1e-7 - ln 2^-23)", KERAS_OFF.value),
        )
    ]
    if accuracy is not None:
        partly = partial(fixed, "clamp, every wrong example saturated", meaning=ADVICE)
        wrong = 1.0 - accuracy
        found += [
            partly(c.whose, f"(1 - accuracy) ({c.formula})", c.value * wrong, slope=c.value)
            for c in FRAMEWORKS + POWERS
        ]
    return tuple(found)


def one_class_for_all(whose: str, formula: str, wrong: float) -> Constant:
    """All but the share 1/K of the examples cost `wrong`."""
    return Constant(
        ONE_CLASS,
        whose,
        f"(1 - 1/K) {formula}",
        lambda k: wrong * (1.0 - 1.0 / k),
        ADVICE,
        (EACH,),
        accuracy=lambda k: 1.0 / k,
        most=20,
    )
