"""`lossmix prove`: delta as formulas, and for which labels it is a - y."""

from typing import Any

import click

from tinygrad_lossmix.cli.exits import usage
from tinygrad_lossmix.cli.options import json_option, show, users_function


@click.command
@click.argument("output")
@click.argument("cost")
@click.option(
    "--classes",
    metavar="INTEGER",
    help="Number of outputs, 1 to 6; five take seconds, six ten. Without it, all; 3 of a function.",
)
@click.option("--latex", is_flag=True, help="Print LaTeX instead of text.")
@json_option
def command(output: str, cost: str, classes: str | None, latex: bool, as_json: bool) -> None:
    """Derive the output delta of a mix by running the engine's derivatives on symbols: for any
    number of classes, or for K of them the formulas, the condition on the labels y under which they
    are a - y, or a counterexample. Both words may be module:function. Exits 0 whatever the
    answer is. Needs SymPy.
    """
    try:
        from tinygrad_lossmix.proof.proof import prove
    except ImportError as error:
        raise click.ClickException(str(error)) from None
    if latex and as_json:
        raise click.UsageError("--latex and --json exclude each other; the object has both")
    with usage():
        layer: Any = users_function(output) if ":" in output else output
        of = users_function(cost) if ":" in cost else cost
        classes = classes or ("3" if ":" in output else "all")
        k: Any = int(classes) if classes.lstrip("-").isdecimal() else classes
        proof = prove(layer, of, k)
    show(as_json, {"mixes": [proof.to_dict()]}, proof.latex if latex else proof)
