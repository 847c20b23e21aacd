"""`lossmix draw`: the computation graph of a mix, in the terminal or as a picture."""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

import tinygrad_lossmix as lm
from tinygrad_lossmix.cli.exits import refusing, usage
from tinygrad_lossmix.cli.options import composed, mix_options
from tinygrad_lossmix.files import write
from tinygrad_lossmix.mixes.mix import MIXES, Mix
from tinygrad_lossmix.printing import clean
from tinygrad_lossmix.views.drawing import Drawing
from tinygrad_lossmix.views.field import Field


def two_logits(ctx: click.Context, param: click.Parameter, field: bool) -> bool:
    """The labels of a field are those of two logits."""
    if field:
        ctx.default_map = {"z": "0,0"}
    return field


@click.command
@mix_options
@click.option(
    "-o",
    "path",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a .svg, .png, .pdf, .dot, .mmd (Mermaid) or .txt instead of a tree in the "
    "terminal; or a .py, the compiled backward pass.",
)
@click.option("--collapse", is_flag=True, help="Show output layer and cost as one box each.")
@click.option("--stable", is_flag=True, help="Show beside it what lm.stabilize makes of it.")
@click.option(
    "--field",
    is_flag=True,
    is_eager=True,
    callback=two_logits,
    help="Draw -δ over all of two logits, as arrows; without a mix, for the six.",
)
@click.pass_context
def command(
    ctx: click.Context,
    mix: Mix,
    z: Any,
    y: Any,
    path: Path | None,
    collapse: bool,
    stable: bool,
    field: bool,
) -> None:
    """Draw the computation graph of a mix with values and gradients. Without a mix: softmax ll."""
    if field:
        if collapse or stable or ctx.get_parameter_source("z") is ParameterSource.COMMANDLINE:
            raise click.UsageError("--field is over all logits: no --z, --collapse or --stable")
        mixes = [mix] if ctx.params["words"] else MIXES
        _save(ctx, lm.field(*mixes, y=y), path)
        return
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
    _save(ctx, drawing, path)


def _save(ctx: click.Context, drawing: Drawing | Field, path: Path | None) -> None:
    if path is None:
        click.echo(drawing.text)
        return
    with refusing(ImportError), usage("-o", path):
        written = drawing.save(path)
    by = f", drawn by {drawing.renderer}" if drawing.renderer else ""
    click.echo(f"{clean(str(written))}{by}", err=True)
    ctx.exit(written != path)
