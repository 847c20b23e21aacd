"""Values that a loss gets stuck at, the most common first: the table of `plateau` and `diagnose`.

A softmax of outputs that are probabilities already gives its largest at most e/(e + K - 1), and a
sigmoid of them stays between .5 and .7311: floors that no training crosses. A cost that adds or
clips to ε never exceeds -ln ε for one output; PyTorch clamps the logarithm itself. What is not a
power of ten comes of rounding: in float32, 1 - 1e-7 is 1 - 2^-23.

>>> round(float(UNIFORM.value(10)), 4)
2.3026
"""

import math
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.answers.plateau.candidates import (
    EACH,
    EITHER,
    SQUARED,
    SUM,
    Constant,
    Convention,
    always,
    fixed,
)

perfect = always(1.0)  # the accuracy on a floor
SMOOTHING = 0.1
ON, OFF = math.log1p(1.0 / math.e), math.log(2.0)  # -ln σ(1) and -ln(1 - σ(0))
REPAIR = (
    "PyTorch: hand the logits to {}, the {} is inside it. Keras: from_logits=False, or drop the "
    "activation of the last layer."
)
SOFTMAX_REPAIR = REPAIR.format("CrossEntropyLoss", "softmax")
SIGMOID_REPAIR = REPAIR.format("BCEWithLogitsLoss", "sigmoid")
NO_LOGARITHM = (
    "NLLLoss takes log-probabilities and was given probabilities. Put a log_softmax before it, or "
    "hand the logits to CrossEntropyLoss."
)
ONE_OUTPUT = (
    "A softmax over one output is 1 at every logit: the cost is constant, its gradient 0. One "
    "output takes a sigmoid: BCEWithLogitsLoss on the logit."
)


def softmax_floor(k: Any) -> Any:
    """The least log-likelihood of a softmax of K numbers from 0 to 1."""
    return np.log1p((k - 1.0) / math.e)


def sigmoid_floor(k: Any) -> Any:
    """The least cross-entropy of sigmoids of K such numbers, summed over the classes."""
    return ON + (k - 1.0) * OFF


def smoothed(k: Any) -> Any:
    """The entropy of a label smoothed by SMOOTHING."""
    on, off = 1.0 - SMOOTHING + SMOOTHING / k, SMOOTHING / k
    return -on * np.log(on) - (k - 1.0) * off * np.log(off)


# Each by its name, the cost, the formula and its value, and what it means.
# fmt: off
UNIFORM = Constant(
    "uniform predictions", "softmax + log-likelihood", "ln K", np.log,
    "Every class gets about 1/K: nothing is learnt yet beyond the number of classes. Look at the "
    "learning rate (too small, or so large that units died), at inputs that are not scaled and at "
    "labels that do not belong to them; can the network fit ten examples? Softmax twice also "
    "starts here, and learns slowly from it.",
    most=300_000, common=True,
)
HALF = Constant(
    "sigmoid outputs all at one half", "sigmoid + cross-entropy", "K ln 2", lambda k: k * OFF,
    "No output has moved from 1/2: nothing is learnt yet. Or sigmoid twice, whose outputs cannot "
    "go below 1/2.",
    fewest=1, most=20,
)
PRIOR = Constant(
    "the prior 1/K on every output", "sigmoid + cross-entropy, or softmax + cross-entropy",
    "ln K + (K - 1) ln(K/(K - 1))", lambda k: np.log(k) + (k - 1.0) * np.log(k / (k - 1.0)),
    "Every output gives the share of its class, 1/K, and ignores the input: only the biases are "
    "learnt. Under softmax the same is a uniform prediction.",
)
HALF_LL = fixed(
    "sigmoid outputs at one half, with log-likelihood", "sigmoid + log-likelihood", "ln 2", OFF,
    "The log-likelihood of sigmoids before they all go to 1: an improper pair, use cross-entropy.",
)

of_softmax = partial(
    Constant, cost="softmax of softmax (or of sigmoid) + log-likelihood",
    lowest=softmax_floor, highest=lambda k: np.log(math.e + k - 1.0),
)
of_sigmoid = partial(
    Constant, cost="sigmoid of sigmoid (or of softmax) + cross-entropy",
    lowest=sigmoid_floor, highest=lambda k: OFF + (k - 1.0) * (1.0 + ON),
)
of_one_sigmoid = partial(
    fixed, cost="sigmoid of sigmoid + cross-entropy", bound="lowest", highest=always(1.0 + ON),
    meaning="An output that has been through the sigmoid twice lies between .5 and .7311. "
    f"{SIGMOID_REPAIR}",
)
SOFTMAX_FLOOR = of_softmax(
    name="softmax twice, on its floor", formula="ln(1 + (K - 1)/e)", value=softmax_floor,
    meaning="What went into the softmax of the cost were probabilities already: at best the right "
    f"class gets e/(e + K - 1), however well the network does. {SOFTMAX_REPAIR}",
    accuracy=perfect, most=1000, common=True,
)
ONE_SIGMOID = "sigmoid twice, on its floor, one output"
SIGMOID_FLOORS = (
    of_sigmoid(
        name="sigmoid twice, on its floor",
        formula="ln(1 + 1/e) + (K - 1) ln 2", value=sigmoid_floor,
        meaning="What went into the sigmoid of the cost were probabilities already: at best the "
        f"right class gets .7311 and each other .5. {SIGMOID_REPAIR}",
        accuracy=perfect,
    ),
    of_one_sigmoid(f"{ONE_SIGMOID}, label 1", formula="ln(1 + 1/e)", value=ON),
    of_one_sigmoid(f"{ONE_SIGMOID}, label 0", formula="ln 2", value=OFF),
    of_one_sigmoid(
        f"{ONE_SIGMOID}, half of the labels 1",
        formula="(ln(1 + 1/e) + ln 2)/2", value=(ON + OFF) / 2.0,
    ),
)
SIGMOID_OF_UNIFORM = of_sigmoid(
    name="sigmoid of uniform softmax outputs",
    formula="ln(1 + e^(-1/K)) + (K - 1) ln(1 + e^(1/K))",
    value=lambda k: np.log1p(np.exp(-1.0 / k)) + (k - 1.0) * np.log1p(np.exp(1.0 / k)),
    meaning=f"Softmax outputs, all 1/K, go into the sigmoid of the cost. {SIGMOID_REPAIR}",
)
CLASSES_LEFT_OUT = tuple(  # off the floor, the accuracy not known: softmax twice does so for long
    of_softmax(
        name=f"softmax twice, outputs saturated, {classes} never predicted",
        formula=f"ln(e + K - 1) - (1 - {m}/K)",
        value=lambda k, m=m: np.log(math.e + k - 1.0) - 1.0 + m / k,  # type: ignore[misc]
        meaning=f"All right but for {classes}: an accuracy of 1 - {m}/K; give --accuracy to check. "
        f"{SOFTMAX_REPAIR}",
        conventions=(SUM,), fewest=m + 2, most=20,
    )
    for m, classes in ((1, "one class"), (2, "two classes"))
)

of_quadratic = partial(Constant, conventions=SQUARED)
EITHER_LAYER, SIGMOID = "softmax or sigmoid + quadratic", "sigmoid + quadratic"
UNLOGGED = "NLLLoss of probabilities"
RARER = (
    of_quadratic(
        "uniform or prior predictions", EITHER_LAYER,
        "(1 - 1/K)/2", lambda k: (1.0 - 1.0 / k) / 2.0,
        "Every output is 1/K, whatever the input: nothing but the share of the classes is learnt.",
    ),
    of_quadratic(
        "sigmoid outputs all at one half", SIGMOID, "K/8", lambda k: k / 8.0,
        "No output has moved from 1/2: nothing is learnt yet.",
        fewest=1, most=20,
    ),
    of_quadratic(
        "all sigmoid outputs at 0", SIGMOID, "1/2", always(0.5),
        "Every output has been pushed to 0, which is right for all classes but one; the saturated "
        "sigmoid keeps it there.",
    ),
    Constant(
        "uniform predictions, in bits", "softmax + log-likelihood with log2", "log2 K", np.log2,
        "Every class gets 1/K: nothing is learnt yet.",
        (SUM,), most=1000,
    ),
    Constant(
        f"label smoothing of {SMOOTHING}, on its floor", "softmax + log-likelihood",
        "-(.9 + .1/K) ln(.9 + .1/K) - (K - 1) (.1/K) ln(.1/K)", smoothed,
        "The entropy of the smoothed label; no prediction costs less: nothing is wrong.",
        (SUM,), accuracy=perfect, lowest=smoothed,
    ),
    Constant(
        "uniform softmax outputs without a logarithm", UNLOGGED, "-1/K", lambda k: -1.0 / k,
        NO_LOGARITHM, (SUM,),
    ),
    fixed(
        "softmax outputs without a logarithm, on their floor", UNLOGGED, "-1", -1.0,
        NO_LOGARITHM, "lowest", accuracy=perfect, fewest=2,
    ),
    fixed(
        "softmax over one output", "softmax + log-likelihood", "-ln 1", 0.0,
        ONE_OUTPUT, single=True,
    ),
    fixed("softmax over one output", UNLOGGED, "-1", -1.0, ONE_OUTPUT, single=True),
    fixed(
        "the labels are fitted", "any of the costs", "-ln 1", 0.0,
        "Every output is its label, to these digits. If that is too good: are the labels among the "
        "inputs, is the data a few examples, are all labels masked?",
        accuracy=perfect,
    ),
    fixed(
        "all sigmoid outputs at 1", "sigmoid + log-likelihood", "-ln 1", 0.0,
        "The log-likelihood of sigmoids approaches 0 as all outputs go to 1, whatever the "
        "accuracy: an improper pair, use cross-entropy.",
        fewest=2,
    ),
)


def doubled(accuracy: float) -> tuple[Constant, ...]:
    """Off the floor: outputs of 0 and 1, the share `accuracy` of the examples right."""
    return (
        of_softmax(
            name="softmax twice, outputs saturated",
            formula="ln(e + K - 1) - accuracy",
            value=lambda k: np.log(math.e + k - 1.0) - accuracy,
            meaning="An example costs ln(e + K - 1) if its class is wrong and 1 less if it is "
            "right, a little more while outputs are not quite 0 and 1: what went into the softmax "
            f"of the cost were probabilities already. {SOFTMAX_REPAIR}",
            conventions=(SUM,), slope=1.0, common=True,
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


def beside(accuracy: float) -> tuple[Constant, ...]:
    """Outputs of 0 and 1, the share `accuracy` of the examples right."""
    return (
        of_quadratic(
            "outputs saturated", EITHER_LAYER, "1 - accuracy", always(1.0 - accuracy),
            "An example costs 1 if its class is wrong and 0 if it is right; where an output is "
            "saturated the quadratic cost hardly learns.",
            slope=1.0,
        ),
        fixed(
            "softmax outputs without a logarithm, saturated", UNLOGGED, "-accuracy", -accuracy,
            NO_LOGARITHM, slope=1.0, lowest=always(-1.0), fewest=2,
        ),
    )
# fmt: on


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
    two = partial(
        one_class_for_all,
        name=f"{ONE_CLASS}, K outputs",
        meaning=f"Two outputs of a wrong example are on the wrong side. {ADVICE}",
        conventions=EITHER,
    )
    found = [all_wrong(c.whose, c.formula, c.value) for c in FRAMEWORKS + POWERS + SMALLEST]
    found += [one_class_for_all(c.whose, c.formula, c.value) for c in FRAMEWORKS]
    found += [two(f"cross-entropy: {TORCH.whose}", "200", 2.0 * TORCH.value)]
    both = KERAS.value + KERAS_OFF.value
    found += [two(f"cross-entropy: {KERAS.whose}", "-ln 1e-7 - ln 2^-23", both)]
    if accuracy is not None:
        partly = partial(fixed, "clamp, every wrong example saturated", meaning=ADVICE)
        wrong = 1.0 - accuracy
        found += [
            partly(c.whose, f"(1 - accuracy) ({c.formula})", c.value * wrong, slope=c.value)
            for c in FRAMEWORKS + POWERS
        ]
    return tuple(found)


def one_class_for_all(
    whose: str,
    formula: str,
    wrong: float,
    name: str = ONE_CLASS,
    meaning: str = ADVICE,
    conventions: tuple[Convention, ...] = (EACH,),
) -> Constant:
    """All but the share 1/K of the examples cost `wrong`."""
    return Constant(
        name,
        whose,
        f"(1 - 1/K) ({formula})",
        lambda k: wrong * (1.0 - 1.0 / k),
        meaning,
        conventions,
        accuracy=lambda k: 1.0 / k,
        most=20,
    )


def constants(accuracy: float | None = None) -> tuple[Constant, ...]:
    """All of them, the most common first; some are known only beside an accuracy."""
    twice = CLASSES_LEFT_OUT if accuracy is None else doubled(accuracy)
    common = UNIFORM, SOFTMAX_FLOOR, *twice, HALF, PRIOR, *SIGMOID_FLOORS, SIGMOID_OF_UNIFORM
    rarer = RARER if accuracy is None else RARER + beside(accuracy)
    return (*common, HALF_LL, *clamped(accuracy), *rarer)
