"""`lossmix draw`: the computation graph of a mix, in the terminal or as a picture."""

from pathlib import Path

import click
from click.core import ParameterSource

import tinygrad_lossmix as lm
from tinygrad_lossmix.cli.exits import refusing, usage
from tinygrad_lossmix.cli.given import Given, given_options
from tinygrad_lossmix.files import write
from tinygrad_lossmix.mixes.mix import MIXES
from tinygrad_lossmix.printing import clean
from tinygrad_lossmix.views.drawing import Drawing
from tinygrad_lossmix.views.field import Field


def two_logits(ctx: click.Context, param: click.Parameter, field: bool) -> bool:
    """The labels of a field are those of two logits."""
    if field:
        ctx.default_map = {"z": "0,0"}
    return field


@click.command
@given_options
@click.option(
    "-o",
    "path",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a .svg, .png, .pdf, .dot, .mmd (Mermaid) or .txt instead of a tree in the "
    "terminal; or a .py, the compiled backward pass.",
)
@click.option("--collapse", is_flag=True, help="Show output layer and cost as one box each.")
@click.option("--animate", is_flag=True, help="Play the walk, value by value, in an .svg.")
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
    given: Given,
    path: Path | None,
    collapse: bool,
    animate: bool,
    stable: bool,
    field: bool,
) -> None:
    """Draw the computation graph of a mix, or of a function of Tensors on random inputs, with
    values and gradients. Without a mix: softmax ll.
    """
    if animate and (field or path is None or path.suffix.lower() != ".svg"):
        raise click.UsageError("--animate plays a graph in an .svg: -o walk.svg, without --field")
    if field:
        mix, _, y = given.mix_for("--field")
        typed = ctx.get_parameter_source("z") is ParameterSource.COMMANDLINE
        if collapse or stable or typed or ctx.params["shapes"]:
            words = "--field is over all logits: no --z, --input, --collapse or --stable"
            raise click.UsageError(words)
        mixes = [mix] if ctx.params["words"] else MIXES
        _save(ctx, lm.field(*mixes, y=y), path)
        return
    if path is not None and path.suffix.lower() == ".py":
        if collapse or stable:
            raise click.UsageError(f"-o {path}: a program has no --collapse and no --stable")
        from tinygrad_lossmix.compiler.standalone import standalone

        with usage("-o", path):
            write(path, standalone(*given.mix_for(f"-o {path}")).encode())
        click.echo(clean(str(path)), err=True)
        return
    cost, names = given.cost, given.names
    drawing = lm.rewriting(cost, names).draw(collapse) if stable else lm.draw(cost, names, collapse)
    _save(ctx, drawing, path, animate)


def _save(
    ctx: click.Context, drawing: Drawing | Field, path: Path | None, animate: bool = False
) -> None:
    if path is None:
        click.echo(drawing.text)
        return
    with refusing(ImportError), usage("-o", path):
        written = drawing.save(path, **{"animate": True} if animate else {})
    by = f", drawn by {drawing.renderer}" if drawing.renderer else ""
    click.echo(f"{clean(str(written))}{by}", err=True)
    ctx.exit(written != path)
