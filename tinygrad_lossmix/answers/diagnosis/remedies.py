"""What a pairing does to learning, and the line to change in PyTorch and in Keras.

Keyed by all output layers that the logits go through, those of the network and those of the loss,
and by the cost.
"""

from dataclasses import dataclass, replace

from tinygrad_lossmix.answers.plateau.constants import SIGMOID_FLOORS, SOFTMAX_FLOOR, Constant
from tinygrad_lossmix.mixes.layers import PAIRS


@dataclass(frozen=True)
class Remedy:
    """What is wrong with a pairing, if anything, its delta, and what to write instead."""

    verdict: str
    delta: str  # dC/dz, z the logits
    pytorch: str
    keras: str
    floor: Constant | None = None  # that the loss cannot cross
    fine: bool = False


# What to write in PyTorch and in Keras.
CLASSES = (
    "loss = nn.CrossEntropyLoss()(logits, classes)  # no softmax before it",
    'Dense(K, activation="softmax"), loss="categorical_crossentropy"  # from_logits=False',
)
EACH = (
    "loss = nn.BCEWithLogitsLoss()(logits, labels)  # no sigmoid before it",
    'Dense(K, activation="sigmoid"), loss="binary_crossentropy"  # from_logits=False',
)
EITHER = (
    "one class out of K: nn.CrossEntropyLoss()(logits, classes); multi-label: "
    "nn.BCEWithLogitsLoss()(logits, labels)",
    'one class out of K: "categorical_crossentropy" on a softmax; multi-label: '
    '"binary_crossentropy" on sigmoids',
)
ONE = (
    "loss = nn.BCEWithLogitsLoss()(logit, label)  # no softmax, no sigmoid before it",
    'Dense(1, activation="sigmoid"), loss="binary_crossentropy"  # from_logits=False',
)
LOGARITHM = ("loss = nn.NLLLoss()(torch.log_softmax(logits, dim=-1), classes)", CLASSES[1])
# fmt: off
MATCHED = {
    "softmax + ll": Remedy(
        "the matched pair for one class out of K.", "a - y",
        "nothing to change: nn.CrossEntropyLoss on logits, or nn.NLLLoss on log_softmax",
        'nothing to change: loss="categorical_crossentropy"',
        fine=True,
    ),
    "sigmoid + ce": Remedy(
        "the matched pair for multi-label targets, K yes-or-no questions.", "a - y",
        "nothing to change: nn.BCEWithLogitsLoss on logits, or nn.BCELoss on sigmoids",
        'nothing to change: loss="binary_crossentropy"',
        fine=True,
    ),
}
FAULTY = {
    "softmax of softmax + ll": Remedy(
        "probabilities go through a softmax again; delta fades where outputs saturate, even wrong "
        "ones.",
        "J (softmax(a) - y), J = diag a - a aT", *CLASSES, SOFTMAX_FLOOR,
    ),
    "softmax of sigmoid + ll": Remedy(
        "sigmoid outputs go through a softmax, and delta fades where they saturate, even wrong "
        "ones.",
        "a(1 - a) (softmax(a) - y)", *CLASSES, SOFTMAX_FLOOR,
    ),
    "sigmoid of sigmoid + ce": Remedy(
        "probabilities go through a sigmoid again, and no output leaves .5 to .7311.",
        "a(1 - a) (sigmoid(a) - y)", *EACH, SIGMOID_FLOORS[0],
    ),
    "sigmoid of softmax + ce": Remedy(
        "softmax outputs go through a sigmoid, and none leaves .5 to .7311.",
        "J (sigmoid(a) - y), J = diag a - a aT", *CLASSES, SIGMOID_FLOORS[0],
    ),
    "sigmoid + ll": Remedy(
        "nothing pushes a wrong class down; all outputs go to 1 and the loss to 0, whatever the "
        "accuracy.",
        PAIRS["sigmoid", "ll"].formula, *EACH,
    ),
    "softmax + ce": Remedy(
        "it can be trained, but for K > 2 it is not convex, pushes up to twice as hard as a - y "
        "and can push a wrong logit up.",
        "a - y + (1 - y)r - a sum((1 - y)r), r = a/(1 - a)", *CLASSES,
    ),
    "softmax + nll": Remedy(
        "NLLLoss takes log-probabilities and was given probabilities: this is minus the output of "
        "the class, between -1 and 0, and a confident mistake has almost no gradient.",
        "a_y (a - y), a_y the output of the class", *LOGARITHM,
    ),
    "nll": Remedy(
        "NLLLoss takes log-probabilities and was given logits: it raises the logit of the class "
        "without bound and does nothing else.",
        "-y", *LOGARITHM,
    ),
}
RENORMALISED = Remedy(
    "categorical_crossentropy divides the sigmoid outputs by their sum: only ratios count, and "
    "delta vanishes where all outputs are near 1.",
    "(1 - a) (a/sum(a) - y)", *CLASSES,
)
OVER_EXAMPLES = Remedy(
    "the softmax runs over axis 0: the examples of a batch compete for a class, the classes of an "
    "example do not.",
    "J dC/da, J of the whole batch",
    "torch.softmax(logits, dim=-1), or better the logits to nn.CrossEntropyLoss",
    "tf.nn.softmax(logits, axis=-1)",
)
SEVERAL = Remedy(
    "it is for one class out of K, and these labels do not sum to 1.",
    "S a - y, S the sum of the labels", *EACH,
)
SLOW = Remedy(
    "a squared error keeps the slope of the output layer in delta, which vanishes where an output "
    "saturates, right or wrong: learning is slow.",
    "(a - y) a(1 - a) of sigmoids, a(e - a·e) of a softmax with e = a - y", *EITHER,
)
SMOOTHED = Remedy(
    "the matched pair, on smoothed labels: delta is a minus those.", "a - y",
    "nothing to change: nn.CrossEntropyLoss(label_smoothing=0.1)",
    "nothing to change: CategoricalCrossentropy(label_smoothing=0.1)",
    fine=True,
)
AS_OUTPUTS = Remedy(
    "the cost was given logits as if they were probabilities.", "dC/da at a = z", EITHER[0],
    "from_logits=True in the loss, or an activation on the last layer",
)
SOFTMAX_OF_ONE = Remedy(
    "a softmax over one output is 1 at every logit: the cost is constant, nothing is learnt.",
    "0", *ONE,
)
UNCOMMON = Remedy("not a pair that a framework has by one name.", "not a - y", *EITHER)
# fmt: on
CLAMP = " Outputs that are clamped pass no gradient on; computed from logits nothing is clamped."


def remedy(
    layers: tuple[str, ...], cost: str, quirk: str | None = None, one_choice: bool = True
) -> Remedy:
    """Of output layers, those of the network before those of the loss, with a cost.

    Args:
        layers: "softmax", "sigmoid", the first to be applied first.
        cost: ce, ll, quadratic, squared error or nll.
        quirk: of a framework.
        one_choice: the labels of each example sum to 1.

    >>> remedy(("softmax", "softmax"), "ll").fine
    False
    """
    quirk = quirk or ""
    pair = " + ".join(filter(None, (" of ".join(reversed(layers)), cost)))
    if layers[-1:] == ("softmax over the examples",):
        return OVER_EXAMPLES
    if pair == "sigmoid + ll" and "renormalised" in quirk:
        return RENORMALISED
    if pair == "softmax + ll" and ("smoothed" in quirk or not one_choice):
        return SMOOTHED if "smoothed" in quirk else SEVERAL
    if pair in MATCHED and "clamped" in quirk:
        pytorch, keras = CLASSES if cost == "ll" else EACH
        verdict = MATCHED[pair].verdict + CLAMP
        return replace(MATCHED[pair], verdict=verdict, pytorch=pytorch, keras=keras)
    if pair not in MATCHED and not layers and cost != "nll":
        return AS_OUTPUTS
    slow = cost in ("quadratic", "squared error")
    return MATCHED.get(pair) or (SLOW if slow else FAULTY.get(pair, UNCOMMON))


def remedy_of_one(layers: tuple[str, ...], cost: str, quirk: str | None = None) -> Remedy:
    """Of one output, for which a softmax is the fault and never the repair."""
    if "softmax" in layers:
        return SOFTMAX_OF_ONE
    found = remedy(layers, cost, quirk)
    return found if found.fine else replace(found, pytorch=ONE[0], keras=ONE[1])
