"""`lossmix claims`: what was claimed about the question, recomputed."""

from __future__ import annotations

import click

from tinygrad_lossmix.answers.claims.catalogue import claims
from tinygrad_lossmix.records import to_json


@click.command
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
@click.pass_context
def command(ctx: click.Context, /, as_json: bool) -> None:
    """Recompute what the question on mixing layers and costs, its answers and comments claim: each
    claim, what to expect, what came out, and the verdict. Exits 1 if anything came out otherwise.
    """
    found = claims()
    record = {"claims": [answer._asdict() for answer in found]}
    click.echo(to_json(record) if as_json else f"{found}\n", nl=False)
    if not all(answer.holds for answer in found):
        ctx.exit(1)
