"""`lossmix page`: step through the backward pass of a mix in a browser."""

import contextlib
import tempfile
import webbrowser
from pathlib import Path
from typing import Any

import click

from tinygrad_lossmix.cli.exits import usage
from tinygrad_lossmix.cli.options import beside_option, composed, mix_options
from tinygrad_lossmix.debugger.page import page
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.printing import clean


@click.command
@mix_options
@beside_option
@click.option(
    "-o",
    "path",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The .html file to write, instead of opening a browser.",
)
def command(mix: Mix, z: Any, y: Any, beside: tuple[str, str] | None, path: Path | None) -> None:
    """Step through the backward pass of a mix over its drawing, each product as matrices, in a
    browser: one HTML file that needs no network. Without a mix: softmax ll.
    """
    other = None
    if beside is not None:
        with usage("--beside:"):
            other = composed(Mix(*beside), z, y)
    opened = path is None
    if path is None:
        path = Path(tempfile.mkdtemp(prefix="lossmix-")) / f"{mix.output}-{mix.cost_name}.html"
    with usage("-o", path):
        page(composed(mix, z, y), path, beside=other)
    click.echo(clean(str(path)), err=not opened)
    if opened:
        with contextlib.suppress(webbrowser.Error):
            if webbrowser.open(path.as_uri()):
                return
        click.echo("there is no browser here: open this file in one", err=True)
