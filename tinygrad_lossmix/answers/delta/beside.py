"""Reports of several mixes on the same logits and labels, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_lossmix.answers.delta.report import DeltaReport
from tinygrad_lossmix.answers.figures import columns, figure, paragraph

HEAD = ("a", "dC/da", "delta", "a - y")


def beside(reports: Sequence[DeltaReport]) -> str:
    """One table with a block of columns per mix, then the reasons of each."""
    rows = [["k", "z", "y", *(name for _ in reports for name in ("", *HEAD))]]
    for k in range(len(reports[0].z)):
        row = [str(k), figure(reports[0].z[k]), figure(reports[0].y[k])]
        for r in reports:
            row += ["|", *(figure(x[k]) for x in (r.a, r.dc_da, r.closed_form, r.a_minus_y))]
        rows.append(row)
    titles = [report.heading() for report in reports]
    words = [f"{report.mix}\n{report.words()}" for report in reports]
    table = columns(rows, gap=1)
    return "\n\n".join(["\n".join(map(paragraph, titles)), table, *words])
