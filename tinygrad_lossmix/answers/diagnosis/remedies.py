"""What a pairing does to learning, and the line to change in PyTorch and in Keras.

By all output layers that the logits go through, those of the network and those of the loss, and by
the cost; what is wrong with a pair of ours is measured.
"""

import functools
from dataclasses import dataclass, replace

from tinygrad_lossmix.answers.plateau.candidates import Constant
from tinygrad_lossmix.answers.plateau.constants import SIGMOID_FLOORS, SOFTMAX_FLOOR
from tinygrad_lossmix.answers.verdict.grounds import gather
from tinygrad_lossmix.answers.verdict.verdict import advice, faults
from tinygrad_lossmix.mixes.layers import LAYERS, explained
from tinygrad_lossmix.mixes.mix import Mix


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
NOTHING = "nothing to change", "nothing to change"
# fmt: off
GIVEN_TO_NLL = {  # which takes log-probabilities: what it does to others, and delta
    ("softmax",): (
        "was given probabilities: this is minus the output of the class, between -1 and 0, and a "
        "confident mistake has almost no gradient", "a_y (a - y), a_y the output of the class",
    ),
    (): ("was given logits: it raises the logit of the class without bound and does nothing else",
         "-y"),
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
SMOOTHED = Remedy(
    "the matched pair, on smoothed labels: delta is a minus those.", "a - y", *NOTHING, fine=True
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
    layers: tuple[str, ...],
    cost: str,
    quirk: str | None = None,
    one_choice: bool = True,
    classes: int = 3,
) -> Remedy:
    """Of output layers, those of the network before those of the loss, with a cost.

    Args:
        layers: "softmax", "sigmoid", the first to be applied first.
        cost: ce, ll, quadratic, squared error or nll.
        quirk: of a framework.
        one_choice: the labels of each example sum to 1.
        classes: the number of outputs.

    >>> remedy(("softmax", "softmax"), "ll").fine
    False
    """
    quirk = quirk or ""
    if layers[-1:] == ("softmax over the examples",):
        return OVER_EXAMPLES
    if cost == "nll":
        words, delta = GIVEN_TO_NLL.get(layers, ("was given other outputs", "not a - y"))
        return Remedy(f"NLLLoss takes log-probabilities and {words}.", delta, *LOGARITHM)
    if not layers:
        return AS_OUTPUTS
    if not LAYERS.keys() >= set(layers):
        return UNCOMMON
    cost = "quadratic" if cost == "squared error" else cost
    if layers == ("sigmoid",) and "renormalised" in quirk:
        return RENORMALISED
    if layers == ("softmax",) and cost == "ll" and ("smoothed" in quirk or not one_choice):
        return SMOOTHED if "smoothed" in quirk else SEVERAL
    lines = EITHER if cost == "quadratic" else CLASSES if "softmax" in layers else EACH
    if len(layers) > 1:
        return again(layers, cost, lines)
    words, delta, fine = measured_pair(layers[0], cost, min(classes, 3))
    clamped = "clamped" in quirk
    lines = NOTHING if fine and not clamped else lines
    return Remedy(words + CLAMP * (fine and clamped), delta, *lines, fine=fine)


@functools.cache
def measured_pair(layer: str, cost: str, classes: int) -> tuple[str, str, bool]:
    """What is good or bad about a pair of ours, its delta, and whether it is a - y."""
    mix = Mix(layer, cost)
    found = gather(mix, classes)
    if found.a_minus_y:
        return f"the matched pair {advice(found, '').removeprefix('use it ')}.", "a - y", True
    bad = "; ".join(fault.name for fault in faults(found))
    return f"{bad or 'sound, but delta is not a - y'}.", explained(mix.formula), False


def again(layers: tuple[str, ...], cost: str, lines: tuple[str, str]) -> Remedy:
    """Of outputs that go through another output layer."""
    inner, outer = layers[-2:]
    pair = Mix(outer, cost)
    beyond = f"{outer}(a) - y" if measured_pair(outer, cost, 3)[2] else f"delta of {pair} at a"
    floors = {"softmax ll": SOFTMAX_FLOOR, "sigmoid ce": SIGMOID_FLOORS[0]}
    return Remedy(
        f"outputs of a {inner} go through a {outer} again: none is near 0 or 1, and delta fades "
        f"where the {inner} saturates, even on wrong ones.",
        f"J ({beyond}), J = {LAYERS[inner].jacobian}",
        *lines,
        floors.get(pair.words),
    )


def remedy_of_one(layers: tuple[str, ...], cost: str, quirk: str | None = None) -> Remedy:
    """Of one output, for which a softmax is the fault and never the repair."""
    if "softmax" in layers:
        return SOFTMAX_OF_ONE
    found = remedy(layers, cost, quirk, classes=1)
    return found if found.fine else replace(found, pytorch=ONE[0], keras=ONE[1])
