"""Losses and accuracies in the text that a training run prints, as series of numbers.

Read are `loss=2.30`, `loss: 2.30`, `train_loss 2.30`, `"val_loss": 2.30`, `Test set: Average loss:
2.30`, `acc: 91.2%`, `Accuracy: 9120/10000` and the like, anywhere in a line, several in a line.

>>> read(["step 1 loss=2.30 acc: 0.5", "step 2 loss=1.20 acc: 91%"])
{'loss': ['2.30', '1.20'], 'accuracy': ['0.5', '0.91']}
"""

from __future__ import annotations

import re
from collections.abc import Iterable

PART = r"(?:train(?:ing)?|val(?:id(?:ation)?)?|test(?:ing)?|eval(?:uation)?)"
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|[-+]?(?:nan|inf(?:inity)?)\b"
ENTRY = re.compile(
    rf"""(?<!\w)(?P<before>{PART}[\s_/.-]+)?(?P<of_what>\w+_)??
    (?P<what>loss|cost|accuracy|acc)(?P<after>[_/]{PART})?(?![\w/])
    ["']?\s*(?P<beside>\(\s*{PART}\s*\)\s*)?(?:[=:]\s*)?(?:tensor\(\s*)?
    (?P<value>{NUMBER})(?:/(?P<total>\d+))?(?P<percent>\s*%)?""",
    re.IGNORECASE | re.VERBOSE,
)
SPEAKING_OF = re.compile(rf"\b{PART}\b(?=[\s:])", re.IGNORECASE)
PARTS = ("train", "val", "test", "eval")


def read(lines: Iterable[str]) -> dict[str, list[str]]:
    """Series by name, in the order in which they first occur; numbers as text, with their digits.

    Names are `loss`, `val_loss`, `box_loss`, `accuracy` and the like: a part of the data that is
    named before, behind or earlier in the line stands first. Percentages and counts become
    fractions.
    """
    found: dict[str, list[str]] = {}
    for line in lines:
        for entry in ENTRY.finditer(line):
            found.setdefault(name_of(entry), []).append(fraction(entry))
    return found


def name_of(entry: re.Match[str]) -> str:
    """The part of the data, if any was named, and what was measured."""
    what = "accuracy" if entry["what"].lower().startswith("acc") else entry["what"].lower()
    name = f"{entry['of_what'] or ''}{what}"
    said = entry["before"] or entry["after"] or entry["beside"]
    if not said:
        said = "".join(SPEAKING_OF.findall(entry.string, 0, entry.start())[-1:])
    part = next((part for part in PARTS if said and part in said.lower()), None)
    return f"{part}_{name}".lower() if part else name.lower()


def fraction(entry: re.Match[str]) -> str:
    """The number of an entry; an accuracy above 1 is a percentage too."""
    text, value = str(entry["value"]), float(entry["value"])
    if entry["total"]:
        return f"{value / max(float(entry['total']), 1.0):.6g}"
    accuracy = entry["what"].lower().startswith("acc")
    return f"{value / 100.0:.6g}" if entry["percent"] or (accuracy and value > 1.0) else text


def is_accuracy(name: str) -> bool:
    """Whether a series holds accuracies."""
    return name.endswith("accuracy")


def part_of(name: str) -> str:
    """Of the data that a series was measured on; training data if nothing is said."""
    return next((part for part in PARTS if name.startswith(part)), "train")
