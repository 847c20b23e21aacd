"""`lossmix names`: what the same thing is called elsewhere."""

from __future__ import annotations

import click

from tinygrad_lossmix.answers.vocabulary import names
from tinygrad_lossmix.records import to_json


@click.command
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
@click.pass_context
def command(ctx: click.Context, /, as_json: bool) -> None:
    """List the names of output layers and costs in the book, statistics, PyTorch, Keras and
    scikit-learn, with what they sum and average over. Both sides of each row are computed where the
    library is installed; exits 1 if they differ.
    """
    table = names()
    record = {"names": [row.to_dict() for row in table]}
    click.echo(to_json(record) if as_json else f"{table}\n", nl=False)
    if not all(peer.agrees for row in table for peer in row.peers):
        ctx.exit(1)
