"""`lossmix plateau`: what the value says that a loss is stuck at."""

from __future__ import annotations

import json

import click

from tinygrad_lossmix.answers.plateau.report import plateau
from tinygrad_lossmix.cli.loss_options import loss_options


@click.command(context_settings={"ignore_unknown_options": True})  # a loss may be negative
@click.argument("loss")
@loss_options
def command(loss: str, classes: int | None, accuracy: str | None, as_json: bool) -> None:
    """What a LOSS says that does not fall any more: every known plateau that it fits, for this
    number of classes or for any, the best match first. As exact as the digits you give.
    """
    try:
        found = plateau(loss, classes, accuracy)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    click.echo(json.dumps(found.to_dict(), indent=2, allow_nan=False) if as_json else str(found))
