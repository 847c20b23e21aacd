"""`lossmix plateau`: explain the value at which a loss is stuck."""

import click

from tinygrad_lossmix.answers.plateau.plateau import plateau
from tinygrad_lossmix.cli.exits import usage
from tinygrad_lossmix.cli.options import loss_options, show


@click.command(context_settings={"ignore_unknown_options": True})  # a loss may be negative
@click.argument("loss")
@loss_options
def command(loss: str, classes: int | None, accuracy: str | None, as_json: bool) -> None:
    """Explain the value at which a LOSS is stuck: every known plateau that it fits, for this number
    of classes or for any, the best match first. It counts as exact as the digits you give.
    """
    with usage():
        found = plateau(loss, classes, accuracy)
    show(as_json, found.to_dict(), found)
