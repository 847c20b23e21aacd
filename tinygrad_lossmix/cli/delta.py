"""`lossmix delta`: the output delta of a mix three ways, beside a - y, and why they differ."""

from __future__ import annotations

from typing import Any

import click

from tinygrad_lossmix.answers.delta.delta_report import beside, delta_report
from tinygrad_lossmix.cli.options import mix_options, usage
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.records import to_json


@click.command
@mix_options
@click.option(
    "--beside", "other", nargs=2, metavar="OUTPUT COST", help="A second mix on the same z and y."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def command(mix: Mix, z: Any, y: Any, other: tuple[str, str] | None, as_json: bool) -> None:
    """Compute the output delta of a mix at logits z by the engine, in closed form and by finite
    differences; print it beside a - y, with dC/da and the Jacobian of the output layer, and the
    reason why the two agree or differ.
    """
    with usage():
        mixes = [mix, Mix(*other)] if other else [mix]
        reports = [delta_report(each, z, y) for each in mixes]
    if as_json:
        record = {"z": z, "y": y, "mixes": [report.to_dict() for report in reports]}
        click.echo(to_json(record), nl=False)
    else:
        click.echo(beside(reports) if other else str(reports[0]))
