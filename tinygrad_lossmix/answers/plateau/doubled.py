"""What a loss is left with when the outputs it is given are probabilities already.

A softmax of outputs between 0 and 1 gives its largest at most e/(e + K - 1), a sigmoid stays
between .5 and .7311: floors that no training crosses.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from tinygrad_lossmix.answers.plateau.constant import EACH, SUM, Array, Constant, always, perfect

E = math.e
ON, OFF = math.log1p(1.0 / E), math.log(2.0)  # -ln σ(1) and -ln(1 - σ(0))

SOFTMAX_REPAIR = (
    "PyTorch: hand the logits to CrossEntropyLoss, the softmax is inside it. Keras: "
    "from_logits=False, or drop the activation of the last layer."
)
SIGMOID_REPAIR = (
    "PyTorch: hand the logits to BCEWithLogitsLoss, the sigmoid is inside it. Keras: "
    "from_logits=False, or drop the activation of the last layer."
)


def softmax_floor(k: Array) -> Array:
    return np.log1p((k - 1.0) / E)


def sigmoid_floor(k: Array) -> Array:
    return ON + (k - 1.0) * OFF


of_softmax = partial(
    Constant,
    cost="softmax of softmax (or of sigmoid) + log-likelihood",
    lowest=softmax_floor,
    highest=lambda k: np.log(E + k - 1.0),
)
of_sigmoid = partial(
    Constant,
    cost="sigmoid of sigmoid (or of softmax) + cross-entropy",
    lowest=sigmoid_floor,
    highest=lambda k: OFF + (k - 1.0) * (1.0 + ON),
)

SOFTMAX_FLOOR = of_softmax(
    name="softmax twice, on its floor",
    formula="ln(1 + (K - 1)/e)",
    value=softmax_floor,
    meaning="What went into the softmax of the cost were probabilities already: at best the right "
    f"class gets e/(e + K - 1), however well the network does. {SOFTMAX_REPAIR}",
    accuracy=perfect,
    most=1000,
    common=True,
)
SIGMOID_FLOORS = (
    of_sigmoid(
        name="sigmoid twice, on its floor",
        formula="ln(1 + 1/e) + (K - 1) ln 2",
        value=sigmoid_floor,
        meaning="What went into the sigmoid of the cost were probabilities already: at best the "
        f"right class gets .7311 and each other .5. {SIGMOID_REPAIR}",
        accuracy=perfect,
    ),
    *(
        of_sigmoid(
            name=f"sigmoid twice, on its floor, one output, {labels}",
            formula=formula,
            value=(value := always(at)),
            meaning="An output that has been through the sigmoid twice lies between .5 and .7311. "
            f"{SIGMOID_REPAIR}",
            conventions=(EACH,),
            lowest=value,
            highest=always(1.0 + ON),
            fewest=1,
        )
        for labels, formula, at in (
            ("label 1", "ln(1 + 1/e)", ON),
            ("label 0", "ln 2", OFF),
            ("half of the labels 1", "(ln(1 + 1/e) + ln 2)/2", (ON + OFF) / 2.0),
        )
    ),
)
SIGMOID_OF_UNIFORM = of_sigmoid(
    name="sigmoid of uniform softmax outputs",
    formula="ln(1 + e^(-1/K)) + (K - 1) ln(1 + e^(1/K))",
    value=lambda k: np.log1p(np.exp(-1.0 / k)) + (k - 1.0) * np.log1p(np.exp(1.0 / k)),
    meaning=f"Softmax outputs, all 1/K, go into the sigmoid of the cost. {SIGMOID_REPAIR}",
)


def saturated(accuracy: float) -> tuple[Constant, ...]:
    """Off the floor: outputs of 0 and 1, the share `accuracy` of the examples right."""
    return (
        of_softmax(
            name="softmax twice, outputs saturated",
            formula="ln(e + K - 1) - accuracy",
            value=lambda k: np.log(E + k - 1.0) - accuracy,
            meaning="An example costs ln(e + K - 1) if its class is wrong and 1 less if it is "
            "right, a little more while outputs are not quite 0 and 1: what went into the softmax "
            f"of the cost were probabilities already. {SOFTMAX_REPAIR}",
            conventions=(SUM,),
            slope=1.0,
            common=True,
        ),
        of_sigmoid(
            name="sigmoid twice, outputs saturated",
            formula="ln(1 + 1/e) + (K - 1) ln 2 + 1 - accuracy",
            value=lambda k: sigmoid_floor(k) + 1.0 - accuracy,
            meaning="A wrong example costs 1 more than the floor: what went into the sigmoid of "
            f"the cost were probabilities already. {SIGMOID_REPAIR}",
            slope=1.0,
        ),
    )


# Off the floor when the accuracy is not known: softmax twice leaves classes out for long.
CLASSES_LEFT_OUT = tuple(
    of_softmax(
        name=f"softmax twice, outputs saturated, {classes} never predicted",
        formula=f"ln(e + K - 1) - (1 - {m}/K)",
        value=lambda k, m=m: np.log(E + k - 1.0) - 1.0 + m / k,  # type: ignore[misc]
        meaning=f"All right but for {classes}: an accuracy of 1 - {m}/K; give --accuracy to check. "
        f"{SOFTMAX_REPAIR}",
        conventions=(SUM,),
        fewest=m + 2,
        most=20,
    )
    for m, classes in ((1, "one class"), (2, "two classes"))
)


def accuracy_if_saturated(loss: float, classes: int) -> float:
    """The accuracy at which softmax twice, outputs saturated, would cost this much."""
    return math.log(E + classes - 1.0) - loss
