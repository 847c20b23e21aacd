"""What costs clamp the logarithm of 0 to, whose clamp it is, and what a loss gets stuck at there.

A cost that adds or clips to ε never exceeds -ln ε for one output; PyTorch clamps the logarithm
itself. What is not a power of ten comes of rounding: in float32, 1 - 1e-7 is 1 - 2^-23.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tinygrad_lossmix.answers.plateau.constant import EACH, Constant, Fixed, chance


class Clamp(NamedTuple):
    """The largest cost of one output."""

    formula: str
    value: float
    whose: str


HAND_WRITTEN = "log(a + eps) or clip(a, eps, 1 - eps), written by hand"
SINGLE, DOUBLE = np.finfo(np.float32), np.finfo(np.float64)
ROUNDED = float(SINGLE.eps)  # 1 - (1 - 1e-7) in float32

KERAS = Clamp("-ln 1e-7", -math.log(1e-7), "Keras, which clips probabilities to [1e-7, 1 - 1e-7]")
KERAS_OFF = Clamp(
    "-ln 2^-23",
    -math.log(ROUNDED),
    "Keras' binary cross-entropy in float32 for a label 0, or scikit-learn's log_loss in float32",
)
TORCH = Clamp("100", 100.0, "PyTorch's BCELoss, which clamps logarithms at -100")
FRAMEWORKS = (
    KERAS,
    KERAS_OFF,
    TORCH,
    Clamp("-ln 1e-12", -math.log(1e-12), f"MXNet's SigmoidBCELoss, or {HAND_WRITTEN}"),
    Clamp("-ln 2e-7", -math.log(2e-7), "Keras 2's binary cross-entropy for a label 1"),
    Clamp(
        "-ln(2^-23 + 1e-7)",
        -math.log(ROUNDED + 1e-7),
        "Keras 2's binary cross-entropy in float32 for a label 0",
    ),
    Clamp("-ln 2^-52", -math.log(DOUBLE.eps), "scikit-learn's log_loss in float64"),
    Clamp("-ln 1e-15", -math.log(1e-15), f"scikit-learn's log_loss before 1.2, or {HAND_WRITTEN}"),
)
POWERS = tuple(
    Clamp(f"-ln 1e-{n}", n * math.log(10.0), HAND_WRITTEN) for n in (5, 6, 8, 9, 10, 14, 16, 20, 30)
)
SMALLEST = tuple(
    Clamp(f"-ln {x:.4g}", -math.log(x), f"no clamp but {dtype}: its smallest {kind} number")
    for dtype, kind, x in (
        ("float32", "normal", float(SINGLE.tiny)),
        ("float32", "positive", float(SINGLE.smallest_subnormal)),
        ("float64", "normal", float(DOUBLE.tiny)),
        ("float64", "positive", float(DOUBLE.smallest_subnormal)),
    )
)
ADVICE = (
    "The logarithm of 0, clamped: outputs saturated on the wrong side. Compute the cost from "
    "logits (CrossEntropyLoss, BCEWithLogitsLoss, from_logits=True); look for a learning rate or "
    "inputs too large, or labels out of order."
)


def clamped(accuracy: float | None) -> tuple[Constant, ...]:
    """Saturated outputs: all wrong; one class for all; or all but the share `accuracy` wrong."""
    return (
        *(
            Fixed(
                "clamp, every example wrong",
                clamp.whose,
                clamp.formula,
                lambda k, c=clamp: c.value,  # type: ignore[misc]
                ADVICE,
                accuracy=lambda k: 0.0,
            )
            for clamp in FRAMEWORKS + POWERS + SMALLEST
        ),
        *(
            Constant(
                "clamp, the same class predicted for all",
                clamp.whose,
                f"(1 - 1/K) x {clamp.formula}",
                lambda k, c=clamp: c.value * (1.0 - 1.0 / k),  # type: ignore[misc]
                ADVICE,
                (EACH,),
                accuracy=chance,
                most=20,
            )
            for clamp in FRAMEWORKS
        ),
        *wrong_pairs(),
        *(partly(1.0 - accuracy) if accuracy is not None else ()),
    )


def wrong_pairs() -> tuple[Constant, ...]:
    """K sigmoids and one class for all: a wrong example has two outputs on the wrong side."""
    return tuple(
        Constant(
            "clamp, the same class predicted for all, K outputs",
            f"cross-entropy: {clamp.whose}",
            f"(1 - 1/K) x {both:.4f}",
            lambda k, both=both: both * (1.0 - 1.0 / k),  # type: ignore[misc]
            f"Two outputs of a wrong example are on the wrong side. {ADVICE}",
            accuracy=chance,
            most=20,
        )
        for clamp, both in ((TORCH, 2.0 * TORCH.value), (KERAS, KERAS.value + KERAS_OFF.value))
    )


def partly(wrong: float) -> tuple[Constant, ...]:
    """The share `wrong` of the examples costs a clamp each, the others nothing."""
    return tuple(
        Fixed(
            "clamp, every wrong example saturated",
            clamp.whose,
            f"(1 - accuracy) x {clamp.formula}",
            lambda k, c=clamp: c.value * wrong,  # type: ignore[misc]
            ADVICE,
            slope=clamp.value,
        )
        for clamp in FRAMEWORKS + POWERS
    )
