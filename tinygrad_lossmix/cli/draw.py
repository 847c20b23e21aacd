"""`lossmix draw`: the computation graph of a mix, in the terminal or as a picture."""

from pathlib import Path
from typing import Any

import click

import tinygrad_lossmix as lm
from tinygrad_lossmix.cli.exits import usage
from tinygrad_lossmix.cli.options import composed, mix_options
from tinygrad_lossmix.files import write
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.printing import clean


@click.command
@mix_options
@click.option(
    "-o",
    "path",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a .svg, .png, .pdf, .dot or .txt instead of a tree in the terminal; or a .py, the "
    "compiled backward pass.",
)
@click.option("--collapse", is_flag=True, help="Show output layer and cost as one box each.")
@click.option("--stable", is_flag=True, help="Show beside it what lm.stabilize makes of it.")
@click.pass_context
def command(
    ctx: click.Context, mix: Mix, z: Any, y: Any, path: Path | None, collapse: bool, stable: bool
) -> None:
    """Draw the computation graph of a mix with values and gradients. Without a mix: softmax ll."""
    if path is not None and path.suffix.lower() == ".py":
        if collapse or stable:
            raise click.UsageError(f"-o {path}: a program has no --collapse and no --stable")
        from tinygrad_lossmix.compiler.standalone import standalone

        with usage("-o", path):
            write(path, standalone(mix, z, y).encode())
        click.echo(clean(str(path)), err=True)
        return
    cost = composed(mix, z, y)
    drawing = lm.rewriting(cost).draw(collapse) if stable else lm.draw(cost, collapse=collapse)
    if path is None:
        click.echo(drawing.text)
        return
    with usage("-o", path):
        written = drawing.save(path)
    by = f", drawn by {drawing.renderer}" if drawing.renderer else ""
    click.echo(f"{clean(str(written))}{by}", err=True)
    ctx.exit(written != path)
