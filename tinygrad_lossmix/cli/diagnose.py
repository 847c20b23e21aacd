"""`lossmix diagnose`: a wrong pairing in somebody else's framework."""

from pathlib import Path

import click

from tinygrad_lossmix.answers.diagnosis.diagnose import Diagnosis, diagnose
from tinygrad_lossmix.answers.diagnosis.predictions import read_outputs
from tinygrad_lossmix.answers.diagnosis.training_log import Levels, levels, read
from tinygrad_lossmix.answers.plateau.plateau import Plateau, plateau
from tinygrad_lossmix.cli.exits import refusing
from tinygrad_lossmix.cli.options import loss_options, show


@click.command(context_settings={"ignore_unknown_options": True})  # a loss may be negative
@click.argument("loss", required=False)
@click.option(
    "--npz",
    "path",
    type=click.Path(path_type=Path),
    help="A file with the arrays outputs and labels, and the loss that came of them, if known.",
)
@click.option("--series", metavar="NAME", help="Of the losses of a log, the one to explain.")
@loss_options
def command(
    loss: str | None,
    path: Path | None,
    series: str | None,
    classes: int | None,
    accuracy: str | None,
    as_json: bool,
) -> None:
    """Which output layer and cost reported this LOSS? Give one number, as for plateau; or - for a
    training log from a pipe, to see whether it is stuck, at what, and which floor it never crossed;
    or --npz with the arrays that were handed to the loss, to find the pairing that reproduces the
    number and the line to change.
    """
    if (loss is None) == (path is None):
        raise click.UsageError("give a LOSS, or - for a log from a pipe, or --npz FILE")
    if series is not None and loss != "-":
        raise click.UsageError("--series is of a log from a pipe: - --series NAME")
    found: Diagnosis | Levels | Plateau
    if path is not None:
        found = arrays(path, accuracy)
    elif loss == "-":
        with refusing(ValueError), click.open_file("-", errors="replace") as lines:
            found = levels(read(lines), classes, accuracy, series)
    else:
        try:
            found = plateau(loss, classes, accuracy)
        except ValueError as error:
            hint = "; a log file goes in by a pipe, with -" if "not a number" in str(error) else ""
            raise click.UsageError(f"{error}{hint}") from error
    show(as_json, found.to_dict(), found)


def arrays(path: Path, accuracy: str | None) -> Diagnosis:
    """The diagnosis of a file; an accuracy that is given counts, not that of the file."""
    with refusing(OSError, TypeError, ValueError, about=f"{path}: "):
        held = read_outputs(path)
        return diagnose(**(held if accuracy is None else held | {"accuracy": accuracy}))
