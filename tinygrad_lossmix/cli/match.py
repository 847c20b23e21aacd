"""`lossmix match`: which cost goes with an output layer, which layer with a cost?"""

from typing import Any

import click
from rich import box
from rich.table import Table
from rich.text import Text

from tinygrad_lossmix.answers.match.cost import matching_cost
from tinygrad_lossmix.answers.match.layer import MOST
from tinygrad_lossmix.answers.match.output import matching_output
from tinygrad_lossmix.answers.match.overview import RULE, MatchRow, table
from tinygrad_lossmix.answers.match.search import SETS
from tinygrad_lossmix.cli.exits import usage
from tinygrad_lossmix.cli.options import json_option, show
from tinygrad_lossmix.cli.stdout import printed
from tinygrad_lossmix.cli.user_code import imported, users_code
from tinygrad_lossmix.printing import yes


@click.command
@click.argument("words", nargs=-1, metavar="[output LAYER | cost MODULE:FUNCTION]")
@click.option("--classes", type=click.IntRange(1, MOST), default=3, help="Number of logits.")
@click.option("--labels", type=click.Choice(SETS), help="The set that labels are from.")
@json_option
def command(words: tuple[str, ...], classes: int, labels: str | None, as_json: bool) -> None:
    """Which cost goes with an output layer, and which layer with a cost? A LAYER is a name, such
    as softmax, or module:function, a function of logits (..., K) in plain NumPy; a cost is a
    function of logits and labels (K,). Without words, the rule and its table, computed now.
    """
    if not words:
        found = table(classes=classes)
        records = [each.found.to_dict() | {"output": each.layer} for each in found]
        show(as_json, {"matches": records}, report(found))
        return
    if len(words) != 2 or words[0] not in ("output", "cost"):
        raise click.UsageError("give output and a layer, or cost and module:function")
    what, name = words
    given: Any = imported(name) if ":" in name else name
    if what == "cost" and isinstance(given, str):
        raise click.UsageError(f"a cost is module:function, not {name!r}; of a mix see verdict")
    with users_code(name) if ":" in name else usage():
        answer: Any = (matching_cost if what == "output" else matching_output)(
            given, classes, labels
        )
    show(as_json, {"matches": [answer.to_dict()]}, answer)


def report(found: list[MatchRow]) -> str:
    """The rule, a row for each layer with a cost, and the witness against each without."""
    grid = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("output layer", "label", "its cost", "convex", "of the outputs alone for"):
        grid.add_column(name)
    none = Table.grid(padding=(0, 2, 0, 0))
    for layer, label, match in found:
        if match:
            row = label or "-", match.name or "without a name", yes(match.convex), match.condition
            grid.add_row(layer, *row)
        else:
            none.add_row(Text(layer, no_wrap=True), str(match.witness))
    title = Text("No cost gives a - y with", style="bold")
    return printed(Text(RULE), grid, title, none)
