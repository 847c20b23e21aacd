"""`lossmix verdict`: is a mix sound, and why?"""

from collections.abc import Mapping

import click
from rich import box
from rich.table import Table
from rich.text import Text

from tinygrad_lossmix.answers.match.layer import MOST
from tinygrad_lossmix.answers.match.search import SETS
from tinygrad_lossmix.answers.verdict.verdict import Verdict, verdict
from tinygrad_lossmix.cli.exits import usage
from tinygrad_lossmix.cli.options import json_option, mix_of, mixes_option, show
from tinygrad_lossmix.cli.stdout import printed
from tinygrad_lossmix.mixes.mix import MIXES, Mix
from tinygrad_lossmix.printing import width, yes

LEGEND = (
    "Proper: the expected cost is least where the outputs are the true probabilities. Convex in "
    "the logits z. Delta is the gradient at z. Multi-label: the outputs find the probability of "
    'each label of multi-label targets. "lossmix verdict softmax ce" shows the numbers.'
)


@click.command
@click.argument("words", nargs=-1, metavar="[MIX]")
@click.option(
    "--classes",
    type=click.IntRange(1, MOST),
    default=3,
    help="Number of outputs; one output answers yes or no.",
)
@click.option("--labels", type=click.Choice(SETS), help="The set that labels are from.")
@mixes_option
@json_option
def command(
    words: tuple[str, ...], classes: int, labels: str | None, mixes: list[Mix], as_json: bool
) -> None:
    """Is a mix sound? Whether its cost is a strictly proper score and convex, whether delta is
    a - y, its problems, what to use instead: searched and measured now, with the points that show
    it. Without a MIX, such as "softmax ce", the six, or those of --mixes, in one table.
    """
    if words and mixes != [*MIXES]:
        raise click.UsageError("give one MIX, or several as --mixes")
    with usage():
        mixes = [mix_of(words)] if words else mixes
        found = {mix: verdict(mix, classes, labels) for mix in mixes}
    records = [
        {"output": mix.output, "cost": mix.cost_name, **answer.record()}
        for mix, answer in found.items()
    ]
    text = found[mixes[0]].text(width()) if words else report(found, classes)
    show(as_json, {"mixes": records}, text)


def report(found: Mapping[Mix, Verdict], k: int) -> str:
    """A row for each mix, and the advice on it."""
    grid = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    grid.add_column("mix", min_width=17)
    for name in ("proper", "convex", "delta\n= a - y", "multi-\nlabel"):
        grid.add_column(name)
    grid.add_column("problems")
    advice = Table.grid(padding=(0, 2, 0, 0))
    for mix, v in found.items():
        answers = v.proper, v.convex, v.a_minus_y, v.several
        grid.add_row(mix.words, *map(yes, answers), v.failure if v.faults else "none")
        advice.add_row(Text(mix.words, no_wrap=True), v.advice)
    title = Text(f"Verdicts for {'one output' if k == 1 else f'{k} classes'}", style="bold")
    return printed(title, grid, Text("Advice", style="bold"), advice, "", Text(LEGEND, style="dim"))
