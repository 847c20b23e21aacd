"""The losses in the text that a training run prints: where they have come to rest, and the floors
that they never crossed.

Read are `loss=2.30`, `loss: 2,30`, `train_loss 2.30`, `"val_loss": 2.30`, `Test set: Average loss:
2.30`, `acc: 91.2%`, `Accuracy: 9120/10000` and the like, anywhere in a line, several in a line;
lists behind a name, as of `history.history` in Keras; `train-mlogloss:0.69` of boosters; JSON, with
`"loss"` in an object `"val"`; and tables with a header: CSV, Markdown, columns.

>>> read(["step 1 loss=2.30 acc: 0.5", "step 2 loss=1.20 acc: 91%"])
{'loss': ['2.30', '1.20'], 'accuracy': ['0.5', '0.91']}
>>> at = Level("loss", ["2.30", "1.60", "1.48", "1.47", "1.47", "1.47", "1.47", "1.47"], classes=10)
>>> at.flat, at.value, at.floors[0].name
(True, '1.47', 'softmax twice')
"""

import itertools
import math
import re
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from tinygrad_lossmix.answers.plateau.candidates import NOT_FINITE, half_unit
from tinygrad_lossmix.answers.plateau.constants import constants
from tinygrad_lossmix.answers.plateau.plateau import plateau
from tinygrad_lossmix.printing import AsPrinted, figure, paragraph
from tinygrad_lossmix.records import plain

PART = r"(?:train(?:ing)?|val(?:id(?:ation)?)?|test(?:ing)?|eval(?:uation)?)"
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|[-+]?(?:nan|inf(?:inity)?)\b"
COMMA = r"[-+]?(?:0|\d+(?!,\d{3}(?!\d))),\d+"  # 1,234 may be a thousand
ENTRY = re.compile(
    rf"""(?<!\w)(?P<before>{PART}(?:_?\d+)?(?:'s)?[\s_/.-]+)?(?P<of_what>\w+_)??
    (?P<what>(?:m?log)?loss|cost|accuracy|acc)(?P<after>[_/]{PART})?(?P<per>_step|_epoch)?(?![\w/])
    ["']?\s*(?P<beside>\(\s*{PART}\s*\)\s*)?(?:[=:]\s*)?
    (?:(?:\w+\.)?(?:tensor|array|float\d+)\(\s*\[?)?
    (?P<value>{COMMA}|{NUMBER})(?!\d|\.\d|,\d)(?:/(?P<total>\d+))?(?P<percent>\s*%)?""",
    re.IGNORECASE | re.VERBOSE,
)
LIST = re.compile(r"""(\w[\w/. -]{0,40})["']?\s*[=:]\s*\[([^][{}]*)(\]?)""")
KEY = re.compile(r"""["'](?P<name>\w[\w/. -]*)["']\s*:\s*(?P<opens>{?)|[{}]""")
CELL = re.compile(rf"(?:{NUMBER})\s*%?", re.IGNORECASE)
BAR = re.compile(r":\s+\d+%.*")  # of progress, behind a row
HEAD = re.compile(r"\s*(?:[^\W\d]\S*\s\s+)+[^\W\d]\S*")  # of columns, all of them names
BETWEEN = re.compile(r"[,\s]+")
BARS = str.maketrans("│┃┆", "|||")
UNSEEN = re.compile(r"\0|\x1b\[[\d;]*m")  # of UTF-16, of colours
SPEAKING_OF = re.compile(rf"\b{PART}\b(?=[\s:])", re.IGNORECASE)
PARTS = ("train", "val", "test", "eval")
FLAT = 0.002  # of the level: a smaller change at the end is none
SURE = 3.0  # standard errors from which on a slope is one
ABOVE = 0.15  # as far above a floor as the lowest loss may be to speak of it


def read(lines: Iterable[str]) -> dict[str, list[str]]:
    """Series by name, in the order in which they first occur; numbers as text, with their digits.

    Names are `loss`, `val_loss`, `box_loss`, `accuracy` and the like: a part of the data that is
    named before, behind or earlier in the line stands first. Percentages and counts become
    fractions.
    """
    found: dict[str, list[str]] = {}
    for line in spelled_out(lines):
        at, said = 0, ""
        for entry in ENTRY.finditer(line):
            [*_, said] = [said, *SPEAKING_OF.findall(line, at, at := entry.start())]
            found.setdefault(name_of(entry, said), []).append(fraction(entry))
    return found


def spelled_out(lines: Iterable[str]) -> Iterator[str]:
    """Lines, the rows of a table as `loss=2.30`, a line for each number under a name."""
    heads = dict[tuple[str, int], list[str]]()  # by what is between the names, and their number
    seen = (UNSEEN.sub("", line).translate(BARS).rstrip(" \r\n") for line in lines)
    for line in unlisted(nested(seen)):
        if ENTRY.search(line):
            yield line
            continue
        line = BAR.sub("", line)
        mark = next(filter(line.__contains__, "\t;|,"), "")
        cells = [cell.strip("\"' ").replace(",", ".") for cell in line.split(mark or None)]
        if any(ENTRY.search(f"{cell}=0") for cell in cells):
            heads |= {(mark, len(head)): head for head in ([cells] if mark else aligned(line))}
        elif not mark and HEAD.fullmatch(line) and not any(map(CELL.fullmatch, cells)):
            heads = {key: head for key, head in heads.items() if key[0]}  # another table begins
        else:
            row = zip(heads.get((mark, len(cells)), ()), cells, strict=False)
            yield from (f"{name}={cell}" for name, cell in row if CELL.fullmatch(cell))


def nested(lines: Iterable[str]) -> Iterator[str]:
    """Lines; the names in an object that has a name have that before them.

    >>> [*nested(['{"train": {', '"loss": 2.3}, "val": {"loss": 2.4}, "lr": 0.1}'])]
    ['{"train": {', '"train/loss": 2.3}, "val": {"val/loss": 2.4}, "lr": 0.1}']
    """
    around: list[str] = []  # the names of the objects that are open

    def named(key: re.Match[str]) -> str:
        if key[0] == "}":
            del around[-1:]
            return "}"
        name = (around[-1] if around else "") + (key["name"] or "")
        if key[0] == "{" or key["opens"]:
            around.append(f"{name}/"[-40:] if key["name"] else name)
        return key[0] if key["name"] is None else key[0].replace(key["name"], name, 1)

    for line in lines:
        if line.startswith("{"):
            around.clear()  # what was written before may have been cut off
        yield KEY.sub(named, line)


def unlisted(lines: Iterable[str]) -> Iterator[str]:
    """Lines; before them, a line for each number of a list that stands in them behind a name.

    A list goes on as long as there are only numbers.

    >>> [*unlisted(["'loss': [2.3, 2.2,", "2.1], 'lr': 0.1"])]
    ['loss=2.3', 'loss=2.2', "'loss[]", 'loss=2.1', "loss[], 'lr': 0.1"]
    """
    name = ""
    for line in lines:
        entries = BETWEEN.split(line.partition("]")[0].strip(", "))
        goes_on = name and all(map(CELL.fullmatch, filter(None, entries)))
        line, name = f"{name}=[{line}" if goes_on else line, ""
        for name, inside, end in LIST.findall(line):
            yield from (f"{name}={x}" for x in BETWEEN.split(inside) if CELL.fullmatch(x))
            name = "" if end else name
        yield LIST.sub(r"\1[]", line)


def aligned(line: str) -> list[list[str]]:
    """What names there may be above columns; one blank may be in a name, rows may be numbered."""
    names = re.split(r"\s\s+", line)
    return [line.split(), [*filter(None, names)], names] if len(names) > 1 else [names]


def name_of(entry: re.Match[str], part: str) -> str:
    """What was measured, and on which part of the data: that named in the entry, or last before."""
    what = "accuracy" if entry["what"].lower().startswith("acc") else entry["what"].lower()
    name = f"{entry['of_what'] or ''}{what}{entry['per'] or ''}"
    said = entry["before"] or entry["after"] or entry["beside"] or part
    parts = [part for part in PARTS if part in said.lower()][:1]
    return "_".join([*parts, *re.findall(r"\d+", said), name.lower()])


def fraction(entry: re.Match[str]) -> str:
    """The number of an entry; an accuracy above 1 is a percentage too."""
    text = entry["value"].replace(",", ".")
    value = float(text)
    if entry["total"]:
        return f"{value / max(float(entry['total']), 1.0):.6g}"
    accuracy = entry["what"].lower().startswith("acc")
    return f"{value / 100.0:.6g}" if entry["percent"] or (accuracy and value > 1.0) else text


def part_of(name: str) -> str:
    """Of the data that a series was measured on; training data if nothing is said."""
    return next((part for part in PARTS if name.startswith(part)), "train")


@dataclass(frozen=True)
class Floor:
    """A floor of a pairing that the losses stay above."""

    name: str
    formula: str
    reduction: str
    value: float
    above: float  # how far above it the lowest loss is, relative

    def __str__(self) -> str:
        return (
            f"It never crossed {self.formula} = {self.value:.4f}, the floor of {self.name} "
            f"({self.reduction}): the lowest value is {self.above:.2%} above it."
        )


class Level(AsPrinted):
    """Where losses have come to rest, what that value says, and the floors below them.

    Losses are text, in the order of the training, K the number of outputs; the accuracy, a
    fraction, was measured with the last. ValueError if none of them is finite.
    """

    def __init__(
        self, name: str, losses: Sequence[str], classes: int | None = None, accuracy: Any = None
    ) -> None:
        texts = [text for text in losses if math.isfinite(float(text))]
        if not texts:
            raise ValueError(f"{name}: no value is a finite number")
        finite, lowest = [*map(float, texts)], min(texts, key=float)
        end = finite[-max(len(finite) // 4, 4) :]
        change, sure = trend(end)
        self.name, self.count, self.not_finite = name, len(losses), len(losses) - len(finite)
        self.end = "" if math.isfinite(float(losses[-1])) else losses[-1]  # that is no number
        self.first, self.lowest, self.last = finite[0], float(lowest), finite[-1]
        self.value = middle(texts)
        self.change = change  # over the last quarter
        least = max(FLAT * abs(float(self.value)), 2.0 * half_unit(texts[-1]))
        rested = len(end) <= 4 and max(end[-3:]) - min(end[-3:]) <= least  # after a sudden fall
        self.flat = rested or not sure or abs(change) <= least
        # of what still changes neither is known
        near = floors(lowest, classes) if self.flat else ()
        self.floors = tuple(sorted(near, key=lambda floor: floor.above))
        self.plateau = plateau(self.value, classes, accuracy) if self.flat else None

    def to_dict(self) -> dict[str, Any]:
        """A record ready for JSON."""
        parts = {
            "floors": [asdict(floor) for floor in self.floors],
            "plateau": self.plateau and self.plateau.to_dict(),
        }
        return dict(plain(vars(self) | parts))

    def __str__(self) -> str:
        return "\n\n".join(map(str, filter(None, [self.summary(), self.plateau])))

    def summary(self) -> str:
        """Where it started, where it is, what it never crossed."""
        if self.count == 1:
            return f"{self.name}: one value, {self.value}."
        lost = f", {self.not_finite} of them not finite" if self.not_finite else ""
        now, then = "flat.", "The last quarter"
        if not self.flat:
            trend = "falling" if self.change < 0.0 else "rising"
            size = abs(self.change / float(self.value)) if float(self.value) else math.inf
            now = f"still {trend}, by {size:.2%} at the end: not a plateau yet."
        if self.end:
            why = NOT_FINITE[math.isnan(float(self.end))]
            then = f"It ends in {self.end}; {why}. Before that, the last quarter"
        said = (
            f"{self.name}: {self.count} values{lost}, from {figure(self.first)} to "
            f"{figure(self.last)}, the lowest {figure(self.lowest)}. {then} is about {self.value}, "
            f"{now}"
        )
        return "\n".join(map(paragraph, [said, *map(str, self.floors)]))

    def fit(self) -> str:
        """In a line, what the level may be."""
        if not self.plateau:
            return ""
        best = self.plateau.matches[:1]
        return paragraph(f"Best fit: {best[0]!r}." if best else "It fits no known plateau.")


class Levels(AsPrinted, list[Level]):
    """Of the losses of a training log; of several series none is chosen to be explained."""

    def to_dict(self) -> dict[str, Any]:
        """A record ready for JSON; the matches are those of the only series."""
        series = [each.to_dict() for each in self]
        found = series[0]["plateau"] if len(series) == 1 else None
        return {"series": series, "matches": found["matches"] if found else []}

    def __str__(self) -> str:
        if len(self) == 1:
            return str(self[0])
        parts = ["\n".join(filter(None, (each.summary(), each.fit()))) for each in self]
        names = ", ".join(each.name for each in self)
        return "\n\n".join([*parts, f"--series NAME explains one of them: {names}."])


def levels(
    series: Mapping[str, Sequence[str]],
    classes: int | None = None,
    accuracy: Any = None,
    name: str | None = None,
) -> Levels:
    """Of every series of losses that `read` found, or of one name, training data first.

    Without an accuracy it is what the log says of the same data. ValueError: no loss, none that
    is finite, or none of that name.
    """
    losses = [each for each in series if "accuracy" not in each]
    losses.sort(key=lambda each: part_of(each) != "train")
    if not losses:
        raise ValueError("no loss found: expected lines such as loss=0.69, or a table with names")
    if name is not None and name not in losses:
        raise ValueError(f"there is no series {name!r}, only {', '.join(losses)}")
    middles = {part_of(each): middle(series[each]) for each in series if each not in losses}
    known = {part: text for part, text in middles.items() if 0.0 <= float(text) <= 1.0}
    found = Levels()
    for each in losses if name is None else [name]:
        if any(map(math.isfinite, map(float, series[each]))):
            beside = known.get(part_of(each)) if accuracy is None else accuracy
            found.append(Level(each, series[each], classes, beside))
    if not found:
        every = name or ", ".join(losses)
        raise ValueError(f"{every}: no value is a finite number; {NOT_FINITE[1]}")
    return found


def trend(values: Sequence[float]) -> tuple[float, bool]:
    """How much a series changes from one end to the other, and whether more than its scatter.

    The slope of a straight line, beside its standard error; where all steps go one way there is no
    scatter to hide it.

    >>> trend([1.574, 1.528, 1.469])[1], trend([1.47, 1.49, 1.46, 1.48])[1]
    (True, False)
    """
    n = len(values)
    if n < 2:
        return 0.0, False
    slope, start = statistics.linear_regression(range(n), values)
    rest = sum((y - start - slope * x) ** 2 for x, y in enumerate(values))
    error = math.sqrt(rest / max(n - 2, 1) / ((n**3 - n) / 12))
    steps = [b - a for a, b in itertools.pairwise(values)]
    steady = min(steps) >= 0.0 or max(steps) <= 0.0
    return slope * (n - 1), steady or abs(slope) > SURE * error


def middle(numbers: Sequence[str]) -> str:
    """The median of the last quarter of those that are finite, with the digits that they have and
    that its standard error leaves.
    """
    finite = [text for text in numbers if math.isfinite(float(text))]
    last = finite[-max(len(finite) // 4, 1) :]
    if not last:
        return "nan"
    behind = max(-int(Decimal(text).as_tuple().exponent) for text in last)  # the point
    values, digits = [*map(float, last)], min(max(behind, 0), 4)
    if len(values) > 2:
        low, _, high = statistics.quantiles(values, method="inclusive")
        error = 0.93 * (high - low) / math.sqrt(len(values))  # of the median of normal numbers
        if error > 0.0:
            digits = min(digits, max(math.floor(-math.log10(error / 2.0)), 0))
    return f"{statistics.median(values):.{digits}f}"


def floors(lowest: str, classes: int | None) -> Iterator[Floor]:
    """Those that a loss has come close to and not crossed, as far as its digits tell."""
    for constant in constants() if classes is not None else ():
        k = float(classes or 0)
        if not constant.is_floor or k < constant.fewest or constant.value(k) <= 0.0:
            continue
        for convention, reduction in constant.reductions(classes):
            value = float(constant.value(k) * convention.factor(k))
            above = float(lowest) / value - 1.0
            if -2.0 * half_unit(lowest) / value <= above <= ABOVE:
                name = constant.name.replace(", on its floor", "")
                formula = convention.written.format(constant.formula)
                yield Floor(name, formula, reduction, value, max(above, 0.0))
