"""`lossmix names`: what the same thing is called elsewhere."""

import click

from tinygrad_lossmix.answers.vocabulary import names
from tinygrad_lossmix.cli.options import json_option, show


@click.command
@json_option
@click.pass_context
def command(ctx: click.Context, /, as_json: bool) -> None:
    """List the names of output layers and costs in the book, statistics, PyTorch, Keras and
    scikit-learn, with what they sum and average over. Both sides of each row are computed where the
    library is installed; exits 1 if they differ.
    """
    table = names()
    show(as_json, {"names": [row.to_dict() for row in table]}, table)
    if not all(peer.agrees for row in table for peer in row.peers):
        ctx.exit(1)
