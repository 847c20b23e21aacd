"""`lossmix diagnose`: a wrong pairing in somebody else's framework."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from tinygrad_lossmix.answers.diagnosis.diagnose import diagnose
from tinygrad_lossmix.answers.diagnosis.level import levels
from tinygrad_lossmix.answers.diagnosis.outputs_file import read_outputs
from tinygrad_lossmix.answers.diagnosis.training_log import read
from tinygrad_lossmix.answers.plateau.report import plateau
from tinygrad_lossmix.cli.loss_options import loss_options


class Refused(click.ClickException):
    """What was given cannot be read: one line, exit code 2."""

    exit_code = 2


@click.command(context_settings={"ignore_unknown_options": True})  # a loss may be negative
@click.argument("loss", required=False)
@click.option(
    "--npz",
    "path",
    type=click.Path(path_type=Path),
    help="A file with the arrays outputs and labels, and the loss that came of them, if known.",
)
@loss_options
def command(
    loss: str | None, path: Path | None, classes: int | None, accuracy: str | None, as_json: bool
) -> None:
    """Which output layer and cost reported this LOSS? One number, as for plateau; or - to read a
    training log from a pipe and name the floor that it never crossed; or --npz with the arrays that
    were handed to the loss, to name the pairing that reproduces the number and the line to change.
    """
    if (loss is None) == (path is None):
        raise click.UsageError("give a LOSS, or - for a log from a pipe, or --npz FILE")
    if path is not None:
        found: Any = arrays(path, accuracy)
        record, text = found.to_dict(), str(found)
    elif loss == "-":
        record, text = log(classes, accuracy)
    else:
        try:
            found = plateau(loss, classes, accuracy)
        except ValueError as error:
            raise click.UsageError(f"{error}; a log file goes in by a pipe, with -") from error
        record, text = found.to_dict(), str(found)
    click.echo(json.dumps(record, indent=2, allow_nan=False) if as_json else text)


def arrays(path: Path, accuracy: str | None) -> Any:
    """The diagnosis of a file; an accuracy that is given counts, not that of the file."""
    try:
        held = read_outputs(path)
        return diagnose(**(held if accuracy is None else held | {"accuracy": accuracy}))
    except OSError as error:
        raise Refused(f"{path}: {error.strerror or error}") from error
    except (TypeError, ValueError) as error:
        raise Refused(f"{path}: {error}") from error


def log(classes: int | None, accuracy: str | None) -> tuple[dict[str, Any], str]:
    """The record and the text of a training log on standard input."""
    try:
        with click.open_file("-", errors="replace") as lines:
            found = levels(read(lines), classes, accuracy)
    except ValueError as error:
        raise Refused(str(error)) from error
    record = {"series": [each.to_dict() for each in found]}
    record["matches"] = record["series"][0]["plateau"]["matches"]
    return record, "\n\n".join([*(each.summary() for each in found[1:]), str(found[0])])
