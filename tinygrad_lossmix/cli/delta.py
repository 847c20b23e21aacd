"""`lossmix delta`: the output delta of a mix three ways, beside a - y, and why they differ."""

from typing import Any

import click

from tinygrad_lossmix.answers.delta_report import beside, delta_report
from tinygrad_lossmix.cli.exits import usage
from tinygrad_lossmix.cli.options import json_option, mix_options, show
from tinygrad_lossmix.mixes.mix import Mix


@click.command
@mix_options
@click.option(
    "--beside", "other", nargs=2, metavar="OUTPUT COST", help="A second mix on the same z and y."
)
@json_option
def command(mix: Mix, z: Any, y: Any, other: tuple[str, str] | None, as_json: bool) -> None:
    """Compute the output delta of a mix at logits z by the engine, in closed form and by finite
    differences; print it beside a - y, with dC/da and the Jacobian of the output layer, and the
    reason why the two agree or differ.
    """
    with usage():
        mixes = [mix, Mix(*other)] if other else [mix]
        reports = [delta_report(each, z, y) for each in mixes]
    record = {"z": z, "y": y, "mixes": [report.to_dict() for report in reports]}
    show(as_json, record, beside(reports) if other else reports[0])
