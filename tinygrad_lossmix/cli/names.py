"""`lossmix names`: what the same thing is called elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from rich import box
from rich.table import Table
from rich.text import Text

from tinygrad_lossmix.answers.names import LIBRARIES, MEANING, Checked, names
from tinygrad_lossmix.cli.printing import printed
from tinygrad_lossmix.lab.results import finite, to_json
from tinygrad_lossmix.mixes.wording import number

LEGEND = (
    "z logits, s = sigmoid(z), p = softmax(z), all (n, K); y labels (n, K), k classes (n,); lm is "
    "this package. NLL: negative log-likelihood. Off by: the largest difference from here on an "
    "example, relative to the largest value."
)


@click.command
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
@click.pass_context
def command(ctx: click.Context, /, as_json: bool) -> None:
    """The names of output layers and costs in the book, statistics, PyTorch, Keras and
    scikit-learn, with what they sum and average over. Both sides of each row are computed where the
    library is installed; exits 1 if they differ.
    """
    table = names()
    if as_json:
        click.echo(to_json({"names": [record(row) for row in table]}), nl=False)
    else:
        click.echo(report(table), nl=False)
    if not all(peer.agrees for row in table for peer in row.peers):
        ctx.exit(1)


def record(row: Checked) -> dict[str, Any]:
    """A row as plain values."""
    name = row.name
    return {
        "here": name.here,
        "book": name.book,
        "statistics": name.statistics,
        "reduction": name.reduction,
        **{
            library: {
                "expression": peer.expression,
                "error": None if peer.error is None else finite(peer.error),
                "agrees": None if peer.error is None else peer.agrees,
                "note": peer.note,
            }
            for library, peer in zip(LIBRARIES, row.peers, strict=True)
        },
    }


def report(table: Sequence[Checked]) -> str:
    """A section for each row: what it is, then the expression of each library."""
    grid = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    grid.add_column("book", no_wrap=True)
    grid.add_column("statistics; reduction", overflow="fold")
    grid.add_column("off by", justify="right", no_wrap=True)
    for row in table:
        name = row.name
        grid.add_row(name.book, f"{name.statistics}; {name.reduction}", style="bold")
        grid.add_row("here", name.here)
        for peer in row.peers:
            error = "-" if peer.error is None else number(peer.error)
            grid.add_row(peer.library, peer.expression or "-", error)
        grid.add_row()
    notes = dict.fromkeys(
        f"{peer.library}: {peer.note}." for row in table for peer in row.peers if peer.note
    )
    return printed(grid, *notes, MEANING, "", Text(LEGEND, style="dim"))
