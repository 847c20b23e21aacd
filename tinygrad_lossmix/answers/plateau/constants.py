"""Values that a loss gets stuck at, the most common first: the table of `plateau` and `diagnose`.

>>> [uniform] = [c for c in constants() if c.formula == "ln K"]
>>> round(float(uniform.value(10)), 4)
2.3026
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_lossmix.answers.plateau.clamps import clamped
from tinygrad_lossmix.answers.plateau.constant import (
    EACH,
    SQUARED,
    SUM,
    Constant,
    always,
    perfect,
)
from tinygrad_lossmix.answers.plateau.doubled import (
    CLASSES_LEFT_OUT,
    SIGMOID_FLOORS,
    SIGMOID_OF_UNIFORM,
    SOFTMAX_FLOOR,
    saturated,
)

Array = Any
SMOOTHING = 0.1
NO_LOGARITHM = (
    "NLLLoss takes log-probabilities and was given probabilities. Put a log_softmax before it, or "
    "hand the logits to CrossEntropyLoss."
)
ONE_OUTPUT = (
    "A softmax over one output is 1 at every logit: the cost is constant, its gradient 0. One "
    "output takes a sigmoid: BCEWithLogitsLoss on the logit."
)


def constants(accuracy: float | None = None) -> tuple[Constant, ...]:
    """All of them; some are known only beside an accuracy."""
    twice = CLASSES_LEFT_OUT if accuracy is None else saturated(accuracy)
    beside = () if accuracy is None else outputs_saturated(accuracy)
    common = (UNIFORM, SOFTMAX_FLOOR, *twice, HALF, PRIOR, *SIGMOID_FLOORS, SIGMOID_OF_UNIFORM)
    return (*common, HALF_LL, *clamped(accuracy), *RARER, *beside)


def smoothed(k: Array) -> Array:
    """The entropy of a label smoothed by SMOOTHING."""
    on, off = 1.0 - SMOOTHING + SMOOTHING / k, SMOOTHING / k
    return -on * np.log(on) - (k - 1.0) * off * np.log(off)


UNIFORM = Constant(
    "uniform predictions",
    "softmax + log-likelihood",
    "ln K",
    np.log,
    "Every class gets about 1/K: nothing is learnt yet beyond the number of classes. Look at the "
    "learning rate (too small, or so large that units died), at inputs that are not scaled and at "
    "labels that do not belong to them; can the network fit ten examples? Softmax twice also "
    "starts here, and learns slowly from it.",
    most=300_000,
    common=True,
)
HALF = Constant(
    "sigmoid outputs all at one half",
    "sigmoid + cross-entropy",
    "K ln 2",
    lambda k: k * math.log(2.0),
    "No output has moved from 1/2: nothing is learnt yet. Or sigmoid twice, whose outputs cannot "
    "go below 1/2.",
    fewest=1,
    most=20,
)
PRIOR = Constant(
    "the prior 1/K on every output",
    "sigmoid + cross-entropy, or softmax + cross-entropy",
    "ln K + (K - 1) ln(K/(K - 1))",
    lambda k: np.log(k) + (k - 1.0) * np.log(k / (k - 1.0)),
    "Every output gives the share of its class, 1/K, and ignores the input: only the biases are "
    "learnt. Under softmax the same is a uniform prediction.",
)
HALF_LL = Constant(
    "sigmoid outputs at one half, with log-likelihood",
    "sigmoid + log-likelihood",
    "ln 2",
    always(math.log(2.0)),
    "The log-likelihood of sigmoids before they all go to 1: an improper pair, use cross-entropy.",
    (EACH,),
)
RARER = (
    Constant(
        "uniform or prior predictions",
        "softmax or sigmoid + quadratic",
        "(1 - 1/K)/2",
        lambda k: (1.0 - 1.0 / k) / 2.0,
        "Every output is 1/K, whatever the input: nothing but the share of the classes is learnt.",
        SQUARED,
    ),
    Constant(
        "sigmoid outputs all at one half",
        "sigmoid + quadratic",
        "K/8",
        lambda k: k / 8.0,
        "No output has moved from 1/2: nothing is learnt yet.",
        SQUARED,
        fewest=1,
        most=20,
    ),
    Constant(
        "all sigmoid outputs at 0",
        "sigmoid + quadratic",
        "1/2",
        always(0.5),
        "Every output has been pushed to 0, which is right for all classes but one; the saturated "
        "sigmoid keeps it there.",
        SQUARED,
    ),
    Constant(
        "uniform predictions, in bits",
        "softmax + log-likelihood with log2",
        "log2 K",
        np.log2,
        "Every class gets 1/K: nothing is learnt yet.",
        (SUM,),
        most=1000,
    ),
    Constant(
        f"label smoothing of {SMOOTHING}, on its floor",
        "softmax + log-likelihood",
        "-(.9 + .1/K) ln(.9 + .1/K) - (K - 1) (.1/K) ln(.1/K)",
        smoothed,
        "The entropy of the smoothed label; no prediction costs less: nothing is wrong.",
        (SUM,),
        accuracy=perfect,
        lowest=smoothed,
    ),
    Constant(
        "uniform softmax outputs without a logarithm",
        "NLLLoss of probabilities",
        "-1/K",
        lambda k: -1.0 / k,
        NO_LOGARITHM,
        (SUM,),
    ),
    Constant(
        "softmax outputs without a logarithm, on their floor",
        "NLLLoss of probabilities",
        "-1",
        (lowest := always(-1.0)),
        NO_LOGARITHM,
        (EACH,),
        accuracy=perfect,
        lowest=lowest,
    ),
    *(
        Constant(
            "softmax over one output",
            cost,
            formula,
            always(value),
            ONE_OUTPUT,
            (EACH,),
            fewest=1,
            single=True,
        )
        for cost, formula, value in (
            ("softmax + log-likelihood", "-ln 1", 0.0),
            ("NLLLoss of probabilities", "-1", -1.0),
        )
    ),
    Constant(
        "the labels are fitted",
        "any of the costs",
        "-ln 1",
        always(0.0),
        "Every output is its label, to these digits. If that is too good: are the labels among the "
        "inputs, is the data a few examples, are all labels masked?",
        (EACH,),
        accuracy=perfect,
        fewest=1,
    ),
    Constant(
        "all sigmoid outputs at 1",
        "sigmoid + log-likelihood",
        "-ln 1",
        always(0.0),
        "The log-likelihood of sigmoids approaches 0 as all outputs go to 1, whatever the "
        "accuracy: an improper pair, use cross-entropy.",
        (EACH,),
    ),
)


def outputs_saturated(accuracy: float) -> tuple[Constant, ...]:
    """Outputs of 0 and 1, the share `accuracy` of the examples right."""
    return (
        Constant(
            "outputs saturated",
            "softmax or sigmoid + quadratic",
            "1 - accuracy",
            always(1.0 - accuracy),
            "An example costs 1 if its class is wrong and 0 if it is right; where an output is "
            "saturated the quadratic cost hardly learns.",
            SQUARED,
            slope=1.0,
        ),
        Constant(
            "softmax outputs without a logarithm, saturated",
            "NLLLoss of probabilities",
            "-accuracy",
            always(-accuracy),
            NO_LOGARITHM,
            (EACH,),
            slope=1.0,
            lowest=always(-1.0),
        ),
    )
