"""`lossmix draw`, `page`, `step`: a recording; `lossmix doctor`: what there is to show it with."""

import io
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from rich.table import Table

import tinygrad_lossmix as lm
from tinygrad_lossmix.cli.given import Given, given_options
from tinygrad_lossmix.cli.options import file_option, json_option
from tinygrad_lossmix.cli.output import printed, refusing, show, usage
from tinygrad_lossmix.files import write
from tinygrad_lossmix.installation import parts
from tinygrad_lossmix.printing import clean
from tinygrad_lossmix.records import to_json
from tinygrad_lossmix.views.drawing import ADVICE, Drawing, renderer
from tinygrad_lossmix.views.field import Field
from tinygrad_lossmix.views.picture import DIRECTIONS, VALUES
from tinygrad_lossmix.views.shown import browse


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
def draw(
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


@click.command
@given_options
@file_option("The .html file to write, instead of opening a browser.")
def page(given: Given, path: Path | None) -> None:
    """Step through the backward pass of a mix, or of a function of Tensors on random inputs, over
    its drawing, each product as matrices, in a browser: one HTML file that needs no network.
    Without a mix: softmax ll.
    """
    opened = path is None
    if path is None:
        path = Path(tempfile.mkdtemp(prefix="lossmix-")) / f"{given.title}.html"
    with usage("-o", path):
        lm.page(given.cost, path, given.names, beside=given.other)
    click.echo(clean(str(path)), err=not opened)
    if opened:
        browse(path)


@click.command
@given_options
@click.option(
    "-c", "commands", metavar="COMMANDS", help="Commands to run first, as in 'next;;where'."
)
@click.option("--batch", is_flag=True, help="No prompt: run -c, or standard input, and exit.")
@json_option
@click.pass_context
def step(
    ctx: click.Context, given: Given, commands: str | None, batch: bool, as_json: bool
) -> None:
    """Step through the backward pass of a mix, or of a function of Tensors on random inputs, one
    vector-Jacobian product at a time, forwards and back, at a prompt like that of pdb. Without a
    mix: softmax ll.

    With --batch, run the commands and exit, with 1 at the first error; with --json too, print
    nothing but how the questions of a quiz were answered.
    """
    from tinygrad_lossmix.debugger.lockstep import Lockstep  # no picture waits for the prompt
    from tinygrad_lossmix.debugger.repl import Prompt

    if as_json and not batch:
        raise click.UsageError("--json is the score of a quiz in --batch: give both")
    walk = lm.Stepper(given.cost, given.names)
    both = walk if given.other is None else Lockstep(walk, lm.Stepper(given.other, {}))
    prompt = Prompt(both, io.StringIO() if as_json else None)
    if not batch:
        prompt.run(commands or "")
    else:
        failed = prompt.run_batch(sys.stdin.read() if commands is None else commands)
        if as_json:
            click.echo(to_json(prompt.session.quiz.record(len(walk))), nl=False)
        ctx.exit(failed)


@click.command
@json_option
def doctor(as_json: bool) -> None:
    """What is installed, and what to install for the rest: versions, renderer, extras."""
    found = {
        "version": lm.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "renderer": renderer(),
        "packages": [
            {**part._asdict(), "install": None if part.version else part.advice} for part in parts()
        ],
    }
    show(as_json, found, installed(found))


def installed(found: dict[str, Any]) -> str:
    """A line for each package, those that are missing with what installs them."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_row("tinygrad_lossmix", "", found["version"], "")
    table.add_row("Python", "", found["python"], found["platform"])
    drawn = found["renderer"]
    table.add_row("pictures", "", drawn or "no renderer", "" if drawn else ADVICE)
    for part in found["packages"]:
        extra = f"for {part['extra']}" if part["extra"] else "required"
        table.add_row(part["package"], extra, part["version"] or "missing", part["install"] or "")
    if not found["packages"]:
        table.add_row("packages", "", "unknown", "not installed: python -m pip install .")
    return printed(table)
