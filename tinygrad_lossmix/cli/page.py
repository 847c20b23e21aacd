"""`lossmix page`: the backward pass of a mix as a page that steps through it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tinygrad_lossmix.cli.mix_options import composed, mix_options
from tinygrad_lossmix.debugger.page import page
from tinygrad_lossmix.mixes.mix import Mix


@click.command(short_help="Write a page that steps through a mix in a browser.")
@mix_options
@click.option(
    "-o",
    "path",
    metavar="FILE",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The HTML file to write.",
)
def command(mix: Mix, z: Any, y: Any, path: Path) -> None:
    """Write one HTML file that plays the values and the backward pass of a mix over its drawing."""
    try:
        page(composed(mix, z, y), path)
    except OSError as error:
        raise click.UsageError(f"-o {path}: cannot be written: {error.strerror}") from None
    click.echo(path, err=True)
