"""`lossmix claims`: what was claimed about the question, recomputed."""

import click

from tinygrad_lossmix.answers.claims.catalogue import claims
from tinygrad_lossmix.cli.options import json_option, show


@click.command
@json_option
@click.pass_context
def command(ctx: click.Context, /, as_json: bool) -> None:
    """Recompute what the question on mixing layers and costs, its answers and comments claim: each
    claim, what to expect, what came out, and the verdict. Exits 1 if anything came out otherwise.
    """
    found = claims()
    show(as_json, {"claims": [answer._asdict() for answer in found]}, found)
    if not all(answer.holds for answer in found):
        ctx.exit(1)
