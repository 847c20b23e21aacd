"""Learning curves of several runs of each mix, drawn in a band of their spread.

>>> from tinygrad_lossmix.lab import MIXES, Settings, compare
>>> found = compare([Mix("softmax", "ll")], settings=Settings(seeds=2, epochs=3))
>>> curves(found, "accuracy")["softmax ll"].shape
(2, 3)
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_lossmix import files
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.lab.studies import Result
from tinygrad_lossmix.views.plotting import arranged, inline, lines, rendered


def curves(results: Sequence[Result], of: str) -> dict[str, Array]:
    """By mix, its cost, accuracy or ece: a row for each run, NaN from where one diverged."""
    found = {}
    longest = max(len(run.curve) for result in results for run in result.runs)
    for result in results:
        rows = found[result.mix.words] = np.full((len(result.runs), longest), np.nan)
        for row, run in zip(rows, result.runs, strict=True):
            row[: len(run.curve)] = [getattr(epoch, of) for epoch in run.curve]
    return found


def panels(results: Sequence[Result], about: str = "") -> list[Callable[[Any], None]]:
    """What draws their accuracy, and what draws their cost."""
    show = partial(lines, xlabel="epoch", title=about)
    return [
        partial(show, curves=curves(results, "accuracy"), ylabel="test accuracy"),
        partial(show, curves=curves(results, "cost"), ylabel="training cost", yscale="log"),
    ]


def save_curves(results: Sequence[Result], path: Path) -> None:
    """Write them as .svg or .png; raises OSError, and ImportError where there is no matplotlib."""
    figure = arranged(*panels(results))
    svg = path.suffix.lower() == ".svg"
    files.write(path, inline(figure).encode() if svg else rendered(figure, "png"))
