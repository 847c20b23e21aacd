"""`lossmix claims`: what was claimed about the question, recomputed."""

from __future__ import annotations

from collections.abc import Sequence

import click
from rich.table import Table
from rich.text import Text

from tinygrad_lossmix.answers.claims.catalogue import claims
from tinygrad_lossmix.answers.claims.claim import Answer
from tinygrad_lossmix.cli.printing import printed
from tinygrad_lossmix.lab.results import to_json

LEGEND = "CE is the book's cross-entropy, eq. 63; LL its log-likelihood, eq. 80."


@click.command
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
@click.pass_context
def command(ctx: click.Context, /, as_json: bool) -> None:
    """Recompute what the question, its answers and comments claim: each claim, what to expect, what
    came out, and the verdict. Exits 1 if something else came out than expected.
    """
    answers = claims()
    if as_json:
        click.echo(to_json({"claims": [answer._asdict() for answer in answers]}), nl=False)
    else:
        click.echo(report(answers), nl=False)
    if not all(answer.holds for answer in answers):
        ctx.exit(1)


def report(answers: Sequence[Answer]) -> str:
    """A block for each claim, and how many came out as expected."""
    blocks = Table.grid(padding=(0, 2, 0, 0))
    for number, answer in enumerate(answers, start=1):
        verdict = answer.verdict if answer.holds else "UNEXPECTED: this came out otherwise"
        details = Table.grid(padding=(0, 2, 0, 0))
        details.add_row("expected", answer.expected)
        details.add_row("obtained", answer.obtained)
        details.add_row("verdict", verdict)
        blocks.add_row(f"{number:2}", Text(f"{answer.by}: {answer.claim}", style="bold"))
        blocks.add_row("", details)
        blocks.add_row()
    held = sum(answer.holds for answer in answers)
    return printed(blocks, f"{held} of {len(answers)} came out as expected. {LEGEND}")
