"""Where a series of losses has come to rest, and the floor that it never crossed.

>>> at = level("loss", ["2.30", "1.60", "1.48", "1.47", "1.47", "1.47", "1.47", "1.47"], classes=10)
>>> at.flat, at.value, at.floors[0].name
(True, '1.47', 'softmax twice')
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tinygrad_lossmix.answers.diagnosis.training_log import is_accuracy, part_of
from tinygrad_lossmix.answers.figures import figure, paragraph, plain
from tinygrad_lossmix.answers.plateau.constant import MEAN, SUM
from tinygrad_lossmix.answers.plateau.doubled import SIGMOID_FLOORS, SOFTMAX_FLOOR
from tinygrad_lossmix.answers.plateau.report import Plateau, plateau

FLAT = 0.02  # a change of the median from the third quarter to the last, relative
ABOVE = 0.15  # as far above a floor as the lowest loss may be to speak of it
FLOORS = ((SOFTMAX_FLOOR, SUM), *((SIGMOID_FLOORS[0], convention) for convention in (SUM, MEAN)))


@dataclass(frozen=True)
class Floor:
    """A floor of a wrong pairing that the losses stay above."""

    name: str
    formula: str
    reduction: str
    value: float
    above: float  # how far above it the lowest loss is, relative


@dataclass(frozen=True)
class Level:
    """A series of losses in a few numbers."""

    name: str
    count: int
    not_finite: int
    first: float
    lowest: float
    last: float
    value: str  # the median of the last quarter, with the digits of the log
    flat: bool
    floors: tuple[Floor, ...]
    plateau: Plateau

    def to_dict(self) -> dict[str, Any]:
        """A record ready for JSON."""
        record = {key: value for key, value in vars(self).items() if key != "plateau"}
        record["floors"] = [asdict(floor) for floor in self.floors]
        return {**dict(plain(record)), "plateau": self.plateau.to_dict()}

    def __str__(self) -> str:
        return f"{self.summary()}\n\n{self.plateau}"

    def summary(self) -> str:
        """Where it started, where it is, what it never crossed."""
        lost = f", {self.not_finite} of them not finite" if self.not_finite else ""
        count = "one value" if self.count == 1 else f"{self.count} values"
        lines = [
            f"{self.name}: {count}{lost}, from {figure(self.first)} to {figure(self.last)}, the "
            f"lowest {figure(self.lowest)}. The last quarter is about {self.value}, "
            f"{'flat' if self.flat else 'still changing'}."
        ]
        lines += [
            f"It never crossed {floor.formula} = {floor.value:.4f}, the floor of {floor.name} "
            f"({floor.reduction}): the lowest value is {floor.above:.2%} above it."
            for floor in self.floors
        ]
        return "\n".join(map(paragraph, lines))


def levels(
    series: Mapping[str, Sequence[str]], classes: int | None = None, accuracy: Any = None
) -> list[Level]:
    """Of every series of losses of a training log, those on training data first.

    Args:
        series: numbers as text by name, as `training_log.read` gives them.
        classes: the number of outputs K.
        accuracy: a fraction; without it, what the log says of the same data.

    Raises:
        ValueError: no loss, or none that is finite.
    """
    losses = sorted(
        (name for name in series if not is_accuracy(name)),
        key=lambda name: part_of(name) != "train",
    )
    if not losses:
        raise ValueError("no loss found: expected lines such as loss=0.69, loss: 0.69, loss 0.69")
    measured = {part_of(name): middle(series[name]) for name in series if is_accuracy(name)}
    known = {part: text for part, text in measured.items() if 0.0 <= float(text) <= 1.0}
    found = []
    for name in losses:
        if any(map(math.isfinite, map(float, series[name]))):
            beside = known.get(part_of(name)) if accuracy is None else accuracy
            found.append(level(name, series[name], classes, beside))
    if not found:
        raise ValueError(f"{', '.join(losses)}: no value is a finite number")
    return found


def level(
    name: str, losses: Sequence[str], classes: int | None = None, accuracy: Any = None
) -> Level:
    """Where losses have come to rest, what that value says, and the floors below them.

    Args:
        name: of the series.
        losses: numbers as text, in the order of the training.
        classes: the number of outputs K.
        accuracy: a fraction, measured with the last of them.

    Raises:
        ValueError: none of them is finite.
    """
    finite = [value for value in map(float, losses) if math.isfinite(value)]
    if not finite:
        raise ValueError(f"{name}: no value is a finite number")
    text = middle(losses)
    quarter = max(len(finite) // 4, 1)
    before = statistics.median(finite[-2 * quarter : -quarter] or finite)
    return Level(
        name=name,
        count=len(losses),
        not_finite=len(losses) - len(finite),
        first=finite[0],
        lowest=min(finite),
        last=finite[-1],
        value=text,
        flat=abs(float(text) - before) <= FLAT * abs(before),
        floors=floors(min(finite), classes),
        plateau=plateau(text, classes, accuracy),
    )


def middle(numbers: Sequence[str]) -> str:
    """The median of the last quarter of those that are finite, with the digits that they have."""
    finite = [text for text in numbers if math.isfinite(float(text))]
    last = finite[-max(len(finite) // 4, 1) :]
    digits = min(max(map(decimals, last), default=0), 4)
    return f"{statistics.median(map(float, last)):.{digits}f}" if last else "nan"


def floors(lowest: float, classes: int | None) -> tuple[Floor, ...]:
    """Those that a loss has come close to and not crossed, the closest first."""
    if classes is None:
        return ()
    found = []
    for constant, convention in FLOORS:
        k = float(classes)
        value = float(constant.value(k) * convention.factor(k))
        above = lowest / value - 1.0
        if classes >= constant.fewest and -1e-4 <= above <= ABOVE:
            name = constant.name.removesuffix(", on its floor")
            found.append(Floor(name, constant.formula, convention.name, value, max(above, 0.0)))
    return tuple(sorted(found, key=lambda floor: floor.above))


def decimals(number: str) -> int:
    """Digits behind the point."""
    mantissa, _, exponent = number.lower().partition("e")
    digits = len(mantissa.partition(".")[2])
    return max(digits - int(exponent), 0) if exponent.lstrip("+-").isdigit() else digits
