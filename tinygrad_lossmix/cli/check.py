"""`lossmix check`: is a gradient the derivative?"""

from collections.abc import Sequence
from typing import Any

import click

from tinygrad_lossmix.cli.given import example, filled, input_option, seed_option
from tinygrad_lossmix.cli.options import json_option, mix_of
from tinygrad_lossmix.cli.output import printed, show, usage
from tinygrad_lossmix.cli.user_code import imported, users_code
from tinygrad_lossmix.testing.check_report import GradcheckReport
from tinygrad_lossmix.testing.checking import gradcheck
from tinygrad_lossmix.testing.comparison import METHODS

DEFAULT_SHAPE = "2x3"
MANY = 20_000  # entries: ten seconds at least; of twice as many, forty


@click.command
@click.argument("what", nargs=-1, required=True, metavar="MODULE:FUNCTION | OUTPUT COST")
@input_option
@click.option("--method", type=click.Choice(METHODS), default="auto")
@click.option("--mode", type=click.Choice(["full", "project"]), default="full")
@click.option("--order", type=click.IntRange(1, 2), default=1)
@seed_option
@json_option
@click.pass_context
def check(
    ctx: click.Context, /, what: tuple[str, ...], shapes: tuple[str, ...], as_json: bool, **how: Any
) -> None:
    """Check a gradient against the derivative: that of a function of Tensors, of a pair (function,
    its gradient) of plain NumPy, or of a mix, as one node and as the book's graph, on random
    inputs. Exits 1 if one is wrong.
    """
    with usage():
        arrays = filled(shapes, how["seed"])
        size = sum(array.size for array in arrays)
        if how["mode"] == "full" and size > MANY:
            hint = "--mode project, by directions, takes less time"
            click.echo(f"{size:,} entries one by one: {hint}", err=True)
        if len(what) == 2:
            found = of_a_mix(what, shapes or [DEFAULT_SHAPE], how)
        elif len(what) == 1 and ":" in what[0]:
            found = {what[0]: of_a_function(what[0], arrays, how)}
        else:
            raise ValueError("give module:function, or a mix as two words, softmax ll")
    record = {
        "passed": all(found.values()),
        "inputs": [array.shape for array in arrays],
        "checks": [{"what": name, **report.to_dict()} for name, report in found.items()],
    }
    show(as_json, record, printed(*(f"{name}: {report}" for name, report in found.items())))
    ctx.exit(not all(found.values()))


def of_a_mix(
    pair: tuple[str, ...], shapes: Sequence[str], options: dict[str, Any]
) -> dict[str, GradcheckReport]:
    """A mix as one node and as the book's graph, on random logits and classes."""
    mix, (z, y) = mix_of(pair), example(shapes, options["seed"])
    return {
        f"{mix}, one node": gradcheck(lambda t: mix.cost(t, y), z, **options),
        f"{mix}, the book's graph": gradcheck(lambda t: mix.composed(t, y), z, **options),
    }


def of_a_function(name: str, arrays: list[Any], options: dict[str, Any]) -> GradcheckReport:
    """A function of Tensors, or a pair, found in a module."""
    if not arrays:
        raise ValueError("give the shape of each argument of the function: --input 3x4")
    with users_code(name):
        return gradcheck(imported(name), *arrays, **options)
