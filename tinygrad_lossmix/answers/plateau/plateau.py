"""Explain the value at which a loss is stuck.

What you can do here: `plateau("2.3026", classes=10)` prints as a report; read its `.matches`.

>>> match = plateau("1.4612").matches[0]
>>> match.name, match.formula, match.classes
('softmax twice, on its floor', 'ln(1 + (K - 1)/e)', 10)
>>> plateau("2.3026", classes=100).notes[0]
'It is ln 10: uniform predictions over 10 classes, not 100.'
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from tinygrad_lossmix.answers.plateau.candidates import NEAR, Match, Question, half_unit, matches
from tinygrad_lossmix.answers.plateau.constants import SOFTMAX_FLOOR, UNIFORM, constants
from tinygrad_lossmix.printing import AsPrinted, how_many, numbered, paragraph
from tinygrad_lossmix.records import plain

BATCHES = (8, 10, 16, 20, 32, 50, 64, 100, 128, 200, 256, 500, 512, 1000, 1024)
RARE = 0.01  # a share of numbers below which a match is no coincidence
NEGATIVE = (
    "None of the costs is below 0 for outputs and labels between 0 and 1. NLLLoss of probabilities "
    "(no logarithm) lies between -1 and 0, of logits anywhere; cross-entropy falls without bound "
    "where labels are not between 0 and 1 (-1 and 1, class numbers, pixels up to 255); the "
    "negative log of a density may have any sign."
)


@dataclass(frozen=True, repr=False)
class Plateau(AsPrinted):
    """What fits a loss, the best match first."""

    loss: str
    classes: int | None
    accuracy: float | None
    matches: tuple[Match, ...]
    coincidence: float  # the share of numbers with as many digits that fit something as well
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """A record ready for JSON."""
        return dict(plain(asdict(self) | {"loss": float(self.loss)}))

    def __str__(self) -> str:
        parts = [paragraph(self.heading()), *numbered(self.matches)]
        return "\n\n".join([*parts, *map(paragraph, self.notes)])

    def heading(self) -> str:
        """What was asked, and whether anything fits."""
        asked = f"A loss of {self.loss}"
        if self.classes is not None:
            asked += f" with {how_many(self.classes)}"
        asked += f" at an accuracy of {self.accuracy:.4g}" if self.accuracy is not None else ""
        if not self.matches:
            return f"{asked}: nothing fits, it is none of the known plateaus."
        if not self.matches[0].hit:
            return f"{asked} fits nothing to its last digit, but is within {NEAR:.0%} of"
        return f"{asked} is"


def plateau(loss: Any, classes: int | None = None, accuracy: Any = None) -> Plateau:
    """Explain the value at which a loss is stuck.

    Args:
        loss: a number, as exact as its digits: text keeps them all, "2.30".
        classes: the number of outputs K; without it, K is searched.
        accuracy: the fraction that is right, measured with the loss; likewise.

    Raises:
        ValueError: a number is not finite or out of its range.

    >>> plateau(100, classes=10).matches[0].cost
    "PyTorch's BCELoss, which clamps logarithms at -100"
    """
    text = str(loss).strip()
    if classes is not None and (
        isinstance(classes, bool) or not isinstance(classes, int | np.integer) or classes < 1
    ):
        raise ValueError(f"there is at least one class, a whole number of them, not {classes!r}")
    asked = Question(digits=half_unit(text), loss=float(text), classes=classes)
    if accuracy is not None:
        asked = replace(asked, slack=half_unit(accuracy), accuracy=float(accuracy))
        if not 0.0 <= float(accuracy) <= 1.0:
            raise ValueError(f"an accuracy is a fraction between 0 and 1, not {accuracy}")
    found, share = matches(asked, constants(asked.accuracy))
    notes = hints(asked, found, share)
    if math.copysign(1.0, asked.loss) < 0.0 == asked.loss:
        notes = (f"{text} is 0; the minus is that of -y ln 1.", *notes)
    return Plateau(text, classes, asked.accuracy, found, share, notes)


def hints(asked: Question, fits: Sequence[Match], coincidence: float) -> tuple[str, ...]:
    """Sentences, each of which holds for this loss; of what it is, and how likely by chance."""
    loss, classes, accuracy = asked.loss, asked.classes, asked.accuracy
    impossible = too_low(loss, accuracy) or (NEGATIVE if loss <= -asked.digits else None)
    found = [likely(asked, fits, coincidence), impossible, each_output(classes, accuracy)]
    if classes is not None and classes > 1:
        found += [of_a_batch(loss, asked.digits, classes)]
        if not fits:
            found += [None if accuracy is not None else twice(loss, classes)]
            found += [other_classes(loss, asked.digits, classes)]
            found += [None if impossible else learning(loss, classes)]
    if not fits:
        found += ["Give --classes, and --accuracy if you know it."] if classes is None else []
        found += ["The outputs and labels tell more: lossmix diagnose --npz FILE, lm.diagnose(…)."]
    return tuple(hint for hint in found if hint)


def likely(asked: Question, fits: Sequence[Match], share: float) -> str | None:
    """How far a match may be a coincidence."""
    if not any(m.hit for m in fits) or abs(asked.loss) <= asked.digits or share < RARE:
        return None
    known, more = ("for some K", "--classes") if asked.classes is None else ("too", "more digits")
    return (
        f"Of all numbers of this size with as many digits, {share:.0%} are a known value {known}: "
        f"this may be a coincidence; {more} would tell."
    )


def too_low(loss: float, accuracy: float | None) -> str | None:
    """A wrong example gives its class less than half: at least ln 2, and 2 ln 2 of K sigmoids."""
    least = 0.0 if accuracy is None else (1.0 - accuracy) * math.log(2.0)
    if not 0.0 <= loss < least:
        return None
    return (
        f"No softmax + log-likelihood costs less than (1 - accuracy) ln 2 = {least:.4f}: a wrong "
        "example gives its class less than one half. So this is the log-likelihood of sigmoid "
        "outputs, which all go to 1 (use cross-entropy), a quadratic cost, a mean over the K "
        "outputs, or the accuracy is of other data."
    )


def each_output(classes: int | None, accuracy: float | None) -> str | None:
    """The accuracy of outputs that are all off, counted one by one."""
    off = 1.0 - 1.0 / (classes or 1)
    if classes is None or accuracy is None or classes < 3 or abs(accuracy - off) > 0.005:
        return None
    return (
        f"An accuracy of 1 - 1/K = {off:.4f} is what outputs all below one half "
        "get when each output is counted by itself, as Keras does beside binary_crossentropy "
        "(binary_accuracy). Ask for categorical_accuracy."
    )


def of_a_batch(loss: float, digits: float, classes: int) -> str | None:
    """A sum over a batch, or a mean divided by its size once more."""
    for constant, n in itertools.product((UNIFORM, SOFTMAX_FLOOR), BATCHES):
        value = float(constant.value(float(classes)))
        reports = {"sum over": n * value, "mean divided once more by": value / n}
        for what, reported in reports.items():
            if abs(loss - reported) <= min(digits, 0.002 * reported):
                return (
                    f"It is also the {what} {n} examples of {constant.formula} = {value:.4f} "
                    f"({constant.name}): is {n} the size of a batch?"
                )
    return None


def other_classes(loss: float, digits: float, classes: int) -> str | None:
    """Uniform predictions over another number of classes."""
    k = round(math.exp(min(loss, 13.0)))
    if k < 2 or abs(math.log(k) - loss) > min(digits, 0.005):
        return None
    return f"It is ln {k}: uniform predictions over {k} classes, not {classes}."


def learning(loss: float, classes: int) -> str:
    """Beside guessing, and beside the floor that it may have crossed."""
    guess, floor = math.log(classes), float(SOFTMAX_FLOOR.value(float(classes)))
    if (1.0 - NEAR) * floor < loss < floor:
        return (
            f"It is below {SOFTMAX_FLOOR.formula} = {floor:.4f}, the floor of softmax twice: the "
            "softmax is not applied twice."
        )
    if loss < guess:
        return (
            f"It is below ln K = {guess:.4f} and on no floor: with the right pair this is simply "
            "how far the network has got."
        )
    return (
        f"It is above ln K = {guess:.4f}, worse than guessing: outputs that are sure and wrong, a "
        "sum over outputs or examples, or a penalty on the weights in it."
    )


def twice(loss: float, classes: int) -> str | None:
    """The accuracy that would make it softmax twice."""
    accuracy = math.log(math.e + classes - 1.0) - loss
    if not 1.0 / classes <= accuracy <= 1.0:
        return None
    return (
        f"At an accuracy of {accuracy:.4f} it would be softmax twice with saturated outputs, "
        "ln(e + K - 1) - accuracy; --accuracy tells."
    )
