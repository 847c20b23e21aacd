"""`lossmix delta`: the output delta of a mix three ways, beside a - y, and why they differ."""

import click

from tinygrad_lossmix.answers.delta_report import delta_report, side_by_side
from tinygrad_lossmix.cli.exits import usage
from tinygrad_lossmix.cli.options import (
    beside_option,
    json_option,
    mix_at,
    mix_of,
    point_options,
    show,
)


@click.command
@click.argument("words", nargs=-1, metavar="[OUTPUT COST]")
@point_options
@beside_option
@json_option
def command(
    words: tuple[str, ...], z: str, y: str, beside: tuple[str, str] | None, as_json: bool
) -> None:
    """Compute the output delta of a mix at logits z by the engine, in closed form and by finite
    differences; print it beside a - y, with dC/da and the Jacobian of the output layer, and the
    reason why the two agree or differ.
    """
    mix, logits, labels = mix_at(words, z, y)
    with usage():
        mixes = [mix, mix_of(beside)] if beside else [mix]
        reports = [delta_report(each, logits, labels) for each in mixes]
    record = {"z": logits, "y": labels, "mixes": [report.to_dict() for report in reports]}
    show(as_json, record, side_by_side(reports) if beside else reports[0])
