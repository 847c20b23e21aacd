"""`lossmix draw`: the computation graph of a mix, in the terminal or as a picture."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

import tinygrad_lossmix as lm
from tinygrad_lossmix.cli.exits import refusing, usage
from tinygrad_lossmix.cli.given import Given, given_options
from tinygrad_lossmix.cli.options import file_option
from tinygrad_lossmix.files import write
from tinygrad_lossmix.printing import clean
from tinygrad_lossmix.views.drawing import Drawing
from tinygrad_lossmix.views.field import Field
from tinygrad_lossmix.views.picture import DIRECTIONS, VALUES


def two_logits(ctx: click.Context, param: click.Parameter, field: bool) -> bool:
    """The labels of a field are those of two logits."""
    if field:
        ctx.default_map = {"z": "0,0"}
    return field


def one_of(option: str, choices: Sequence[str], about: str) -> Callable[[Any], Any]:
    """An option that takes one of several words, by default the first."""
    return click.option(option, type=click.Choice(choices), default=choices[0], help=about)


@click.command
@given_options
@file_option(
    "Write a .svg, .png, .pdf, .dot, .mmd (Mermaid) or .txt instead of a tree in the terminal; "
    "or a .py, the compiled backward pass."
)
@one_of("--direction", DIRECTIONS, "Where the values flow to.")
@click.option("--collapse", is_flag=True, help="Show output layer and cost as one box each.")
@click.option("--open", multiple=True, metavar="NAME", help="Collapse all groups but this one.")
@one_of("--values", VALUES, "What of the arrays stands in the boxes.")
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
    /,
    given: Given,
    path: Path | None,
    animate: bool,
    stable: bool,
    field: bool,
    **look: Any,
) -> None:
    """Draw the computation graph of a mix, or of a function of Tensors on random inputs, with
    values and gradients. Without a mix: softmax ll.
    """
    if animate and (field or path is None or path.suffix.lower() != ".svg"):
        raise click.UsageError("--animate plays a graph in an .svg: -o walk.svg, without --field")
    if path is not None and path.suffix.lower() == ".py":
        _refuse(ctx, f"-o {path}: a program is no drawing", "field", "stable", "beside", *look)
        from tinygrad_lossmix.compiler.standalone import standalone

        with usage("-o", path):
            write(path, standalone(*given.mix_for(f"-o {path}")).encode())
        click.echo(clean(str(path)), err=True)
        return
    drawing: Drawing | Field
    if field:
        mix, _, y = given.mix_for("--field")
        _refuse(ctx, "--field is over all logits", "z", "shapes", "stable", "beside", *look)
        drawing = lm.field(*[mix] if ctx.params["words"] else [], y=y)
    elif stable:
        _refuse(ctx, "--stable draws two recordings already", "beside")
        with usage("--open"):
            drawing = lm.rewriting(given.cost, given.names).draw(**look)
    else:
        with usage("--open"):
            drawing = lm.draw(given.cost, given.names, beside=given.other, **look)
    if path is None:
        click.echo(drawing.text)
        return
    with refusing(ImportError), usage("-o", path):
        written = drawing.save(path, **{"animate": True} if animate else {})
    by = f", drawn by {drawing.renderer}" if drawing.renderer else ""
    click.echo(f"{clean(str(written))}{by}", err=True)
    ctx.exit(written != path)


def _refuse(ctx: click.Context, why: str, *names: str) -> None:
    """A usage error for the first of these options that was typed."""
    for option in ctx.command.params:
        typed = ctx.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE
        if typed and option.name in names:
            raise click.UsageError(f"{why}: no {option.opts[0]}")
