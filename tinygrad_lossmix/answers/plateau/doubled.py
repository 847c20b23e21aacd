"""What a loss is left with when the outputs it is given are probabilities already.

A softmax of outputs between 0 and 1 gives its largest at most e/(e + K - 1), a sigmoid stays
between .5 and .7311: floors that no training crosses.
"""

from __future__ import annotations

import math

import numpy as np

from tinygrad_lossmix.answers.plateau.constant import SUM, Constant, Fixed, chance, perfect

E = math.e
ON, OFF = math.log1p(1.0 / E), math.log(2.0)  # -ln σ(1) and -ln(1 - σ(0))

SOFTMAX = "softmax of softmax (or of sigmoid) + log-likelihood"
SOFTMAX_REPAIR = (
    "PyTorch: hand the logits to CrossEntropyLoss, the softmax is inside it. Keras: "
    "from_logits=False, or drop the activation of the last layer."
)
SIGMOID = "sigmoid of sigmoid (or of softmax) + cross-entropy"
SIGMOID_REPAIR = (
    "PyTorch: hand the logits to BCEWithLogitsLoss, the sigmoid is inside it. Keras: "
    "from_logits=False, or drop the activation of the last layer."
)

SOFTMAX_FLOOR = Constant(
    "softmax twice, on its floor",
    SOFTMAX,
    "ln(1 + (K - 1)/e)",
    lambda k: np.log1p((k - 1.0) / E),
    "What went into the softmax of the cost were probabilities already: at best the right class "
    f"gets e/(e + K - 1), however well the network does. {SOFTMAX_REPAIR}",
    accuracy=perfect,
    most=1000,
    common=True,
)
SIGMOID_FLOORS = (
    Constant(
        "sigmoid twice, on its floor",
        SIGMOID,
        "ln(1 + 1/e) + (K - 1) ln 2",
        lambda k: ON + (k - 1.0) * OFF,
        "What went into the sigmoid of the cost were probabilities already: at best the right "
        f"class gets .7311 and each other .5. {SIGMOID_REPAIR}",
        accuracy=perfect,
    ),
    *(
        Fixed(
            f"sigmoid twice, on its floor, one output, {labels}",
            "sigmoid of sigmoid + cross-entropy",
            formula,
            lambda k, value=value: value,  # type: ignore[misc]
            "An output that has been through the sigmoid twice lies between .5 and .7311. "
            f"{SIGMOID_REPAIR}",
        )
        for labels, formula, value in (
            ("label 1", "ln(1 + 1/e)", ON),
            ("label 0", "ln 2", OFF),
            ("half of the labels 1", "(ln(1 + 1/e) + ln 2)/2", (ON + OFF) / 2.0),
        )
    ),
    Constant(
        "sigmoid of uniform softmax outputs",
        "sigmoid of softmax + cross-entropy",
        "ln(1 + e^(-1/K)) + (K - 1) ln(1 + e^(1/K))",
        lambda k: np.log1p(np.exp(-1.0 / k)) + (k - 1.0) * np.log1p(np.exp(1.0 / k)),
        f"Softmax outputs, all 1/K, go into the sigmoid of the cost. {SIGMOID_REPAIR}",
        accuracy=chance,
    ),
)


def saturated(accuracy: float) -> tuple[Constant, ...]:
    """Off the floor: outputs of 0 and 1, the share `accuracy` of the examples right."""
    return (
        Constant(
            "softmax twice, outputs saturated",
            SOFTMAX,
            "ln(e + K - 1) - accuracy",
            lambda k: np.log(E + k - 1.0) - accuracy,
            "An example costs ln(e + K - 1) if its class is wrong and 1 less if it is right, a "
            "little more while outputs are not quite 0 and 1: what went into the softmax of the "
            f"cost were probabilities already. {SOFTMAX_REPAIR}",
            (SUM,),
            slope=1.0,
            common=True,
        ),
        Constant(
            "sigmoid twice, outputs saturated",
            SIGMOID,
            "ln(1 + 1/e) + (K - 1) ln 2 + 1 - accuracy",
            lambda k: ON + (k - 1.0) * OFF + 1.0 - accuracy,
            "A wrong example costs 1 more than the floor: what went into the sigmoid of the cost "
            f"were probabilities already. {SIGMOID_REPAIR}",
            slope=1.0,
        ),
    )


# Off the floor when the accuracy is not known: softmax twice leaves classes out for long.
CLASSES_LEFT_OUT = tuple(
    Constant(
        f"softmax twice, outputs saturated, {classes} never predicted",
        SOFTMAX,
        f"ln(e + K - 1) - (1 - {m}/K)",
        lambda k, m=m: np.log(E + k - 1.0) - 1.0 + m / k,  # type: ignore[misc]
        f"All right but for {classes}: an accuracy of 1 - {m}/K; give --accuracy to check. "
        f"{SOFTMAX_REPAIR}",
        (SUM,),
        fewest=m + 2,
        most=20,
    )
    for m, classes in ((1, "one class"), (2, "two classes"))
)


def accuracy_if_saturated(loss: float, classes: int) -> float:
    """The accuracy at which softmax twice, outputs saturated, would cost this much."""
    return math.log(E + classes - 1.0) - loss
