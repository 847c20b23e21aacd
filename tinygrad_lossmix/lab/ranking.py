"""What the accuracies tell, and what they do not.

What you can do here: `ranking(results)` says in one sentence which mixes differ by more than the
spread over seeds. It declares no winner among those that do not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tinygrad_lossmix.lab.studies import Result
from tinygrad_lossmix.mixes.mix import Mix

ENOUGH_SEEDS = 3
WIDTH = 2  # standard deviations on either side of the mean


def ranking(results: Sequence[Result]) -> str:
    """Mixes whose mean ± 2 std reaches that of the best mean, and mixes that are clearly worse."""
    seeds = min((len(result.runs) for result in results), default=0)
    if seeds < ENOUGH_SEEDS:
        return f"Fewer than {ENOUGH_SEEDS} seeds show no spread: the accuracies are not ranked."
    ranked = [result for result in results if math.isfinite(result.accuracy.mean)]
    if len(ranked) < 2:
        return "Fewer than two mixes were trained to the end: there is nothing to rank."
    best = max(ranked, key=lambda result: result.accuracy.mean)
    floor = best.accuracy.mean - WIDTH * best.accuracy.std
    level = [r for r in ranked if r.accuracy.mean + WIDTH * r.accuracy.std >= floor]
    worse = ", ".join(words(r.mix) for r in ranked if r not in level)
    if len(level) == 1:
        return f"Clearly less accurate than {words(best.mix)} (mean ± {WIDTH} std): {worse}."
    ties = ", ".join(words(r.mix) for r in level)
    tail = f" Clearly worse: {worse}." if worse else ""
    return f"By accuracy (mean ± {WIDTH} std) these cannot be told apart: {ties}.{tail}"


def words(mix: Mix) -> str:
    """A mix as it is typed: softmax ll."""
    return f"{mix.output} {mix.cost_name}"
