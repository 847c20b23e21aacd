"""Values of a loss whose network has learnt nothing but, perhaps, how often each class occurs."""

from __future__ import annotations

import math

import numpy as np

from tinygrad_lossmix.answers.plateau.constant import SQUARED, SUM, Constant, Fixed, chance

UNIFORM = Constant(
    "uniform predictions",
    "softmax + log-likelihood",
    "ln K",
    lambda k: np.log(k),
    "Every class gets 1/K: nothing is learnt yet beyond the number of classes. Look at the "
    "learning rate (too small, or so large that units died), at inputs that are not scaled and at "
    "labels that do not belong to them; can the network fit ten examples? Softmax twice also "
    "starts here, and learns slowly from it.",
    accuracy=chance,
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
    accuracy=chance,
)
HALF_LL = Fixed(
    "sigmoid outputs at one half, with log-likelihood",
    "sigmoid + log-likelihood",
    "ln 2",
    lambda k: math.log(2.0),
    "The log-likelihood of sigmoids before they all go to 1: an improper pair, use cross-entropy.",
)
FURTHER = (
    Constant(
        "uniform or prior predictions",
        "softmax or sigmoid + quadratic",
        "(1 - 1/K)/2",
        lambda k: (1.0 - 1.0 / k) / 2.0,
        "Every output is 1/K, whatever the input: nothing but the share of the classes is learnt.",
        SQUARED,
        accuracy=chance,
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
        lambda k: 0.5,
        "Every output has been pushed to 0, which is right for all classes but one; the saturated "
        "sigmoid keeps it there.",
        SQUARED,
    ),
    Constant(
        "uniform predictions, in bits",
        "softmax + log-likelihood with log2",
        "log2 K",
        lambda k: np.log2(k),
        "Every class gets 1/K: nothing is learnt yet.",
        (SUM,),
        accuracy=chance,
        most=1000,
    ),
)
