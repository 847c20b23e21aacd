"""`lossmix page`: step through the backward pass of a mix in a browser."""

import tempfile
from pathlib import Path

import click

from tinygrad_lossmix.cli.exits import usage
from tinygrad_lossmix.cli.given import Given, given_options
from tinygrad_lossmix.cli.options import file_option
from tinygrad_lossmix.debugger.page import page
from tinygrad_lossmix.printing import clean
from tinygrad_lossmix.views.shown import browse


@click.command
@given_options
@file_option("The .html file to write, instead of opening a browser.")
def command(given: Given, path: Path | None) -> None:
    """Step through the backward pass of a mix, or of a function of Tensors on random inputs, over
    its drawing, each product as matrices, in a browser: one HTML file that needs no network.
    Without a mix: softmax ll.
    """
    opened = path is None
    if path is None:
        path = Path(tempfile.mkdtemp(prefix="lossmix-")) / f"{given.title}.html"
    with usage("-o", path):
        page(given.cost, path, given.names, beside=given.other)
    click.echo(clean(str(path)), err=not opened)
    if opened:
        browse(path)
