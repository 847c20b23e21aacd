"""Values that a loss gets stuck at, the most common first.

>>> [uniform] = [c for c in constants() if c.formula == "ln K"]
>>> round(float(uniform.value(10)), 4)
2.3026
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lossmix.answers.plateau.clamps import clamped
from tinygrad_lossmix.answers.plateau.constant import SQUARED, SUM, Constant, Fixed, chance, perfect
from tinygrad_lossmix.answers.plateau.doubled import (
    CLASSES_LEFT_OUT,
    SIGMOID_FLOORS,
    SOFTMAX_FLOOR,
    saturated,
)
from tinygrad_lossmix.answers.plateau.untrained import FURTHER, HALF, HALF_LL, PRIOR, UNIFORM

Array = Any
SMOOTHING = 0.1
NO_LOGARITHM = (
    "A negative loss: NLLLoss takes log-probabilities and was given probabilities. Put a "
    "log_softmax before it, or hand the logits to CrossEntropyLoss."
)


def constants(accuracy: float | None = None) -> tuple[Constant, ...]:
    """All of them; some are known only beside an accuracy."""
    twice = CLASSES_LEFT_OUT if accuracy is None else saturated(accuracy)
    beside = () if accuracy is None else outputs_saturated(accuracy)
    trained = (UNIFORM, SOFTMAX_FLOOR, *twice, HALF, PRIOR, *SIGMOID_FLOORS, HALF_LL)
    return (*trained, *clamped(accuracy), *FURTHER, SMOOTHED, *UNLOGGED, *beside)


def smoothed(k: Array) -> Array:
    """The entropy of a label smoothed by SMOOTHING."""
    on, off = 1.0 - SMOOTHING + SMOOTHING / k, SMOOTHING / k
    return -on * np.log(on) - (k - 1.0) * off * np.log(off)


SMOOTHED = Constant(
    f"label smoothing of {SMOOTHING}, on its floor",
    "softmax + log-likelihood",
    "the entropy of the smoothed label",
    smoothed,
    "No prediction costs less than this on smoothed labels: nothing is wrong.",
    (SUM,),
    accuracy=perfect,
)
UNLOGGED = (
    Constant(
        "uniform softmax outputs without a logarithm",
        "NLLLoss of probabilities",
        "-1/K",
        lambda k: -1.0 / k,
        NO_LOGARITHM,
        (SUM,),
        accuracy=chance,
    ),
    Fixed(
        "softmax outputs without a logarithm, on their floor",
        "NLLLoss of probabilities",
        "-1",
        lambda k: -1.0,
        NO_LOGARITHM,
        accuracy=perfect,
    ),
)


def outputs_saturated(accuracy: float) -> tuple[Constant, ...]:
    """Outputs of 0 and 1, the share `accuracy` of the examples right."""
    return (
        Constant(
            "outputs saturated",
            "softmax or sigmoid + quadratic",
            "1 - accuracy",
            lambda k: 1.0 - accuracy,
            "An example costs 1 if its class is wrong and 0 if it is right; where an output is "
            "saturated the quadratic cost hardly learns.",
            SQUARED,
            slope=1.0,
        ),
        Fixed(
            "softmax outputs without a logarithm, saturated",
            "NLLLoss of probabilities",
            "-accuracy",
            lambda k: -accuracy,
            NO_LOGARITHM,
            slope=1.0,
        ),
    )
