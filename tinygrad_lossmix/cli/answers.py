"""`lossmix verdict`, `claims`, `names`, `delta`, `match`, `prove`, `diagnose`, `plateau`.

What only one of them needs is imported in it: none waits for what another loads.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.table import Column, Table
from rich.text import Text

import tinygrad_lossmix as lm
from tinygrad_lossmix.answers.match.layer import MOST, SETS
from tinygrad_lossmix.answers.match.partners import RULE, MatchRow, table
from tinygrad_lossmix.answers.verdict.verdict import Verdict
from tinygrad_lossmix.cli.options import (
    beside_option,
    json_option,
    loss_options,
    mix_at,
    mix_of,
    mixes_option,
    named,
    point_options,
)
from tinygrad_lossmix.cli.output import printed, refusing, show, usage
from tinygrad_lossmix.mixes.mix import MIXES, Mix
from tinygrad_lossmix.printing import how_many, width, yes

LEGEND = (
    "Proper: the expected cost is least where the outputs are the true probabilities. Convex in "
    "the logits z. Delta is the gradient at z. Multi-label: the outputs find the probability of "
    'each label of multi-label targets. "lossmix verdict softmax ce" shows the numbers.'
)
labels_option = click.option(
    "--labels", type=click.Choice(SETS), help="The set that labels are from."
)
NEGATIVE = {"ignore_unknown_options": True}  # a loss may be


@click.command
@click.argument("words", nargs=-1, metavar="[OUTPUT COST]")
@click.option(
    "--classes",
    type=click.IntRange(1, MOST),
    default=3,
    help="Number of outputs; one output answers yes or no.",
)
@labels_option
@mixes_option
@json_option
def verdict(
    words: tuple[str, ...], classes: int, labels: str | None, mixes: list[Mix], as_json: bool
) -> None:
    """Is a mix sound? Whether its cost is a strictly proper score and convex, whether delta is
    a - y, its problems, what to use instead: searched and measured now, with the points that show
    it. Without a mix: the six, or those of --mixes, in one table.
    """
    if words and mixes != [*MIXES]:
        raise click.UsageError("give one mix, or several as --mixes")
    with usage():
        mixes = [mix_of(words)] if words else mixes
        found = {mix: lm.verdict(mix, classes, labels) for mix in mixes}
    records = [
        {"output": mix.output, "cost": mix.cost_name, **answer.record()}
        for mix, answer in found.items()
    ]
    text = found[mixes[0]].text(width()) if words else verdicts(found, classes)
    show(as_json, {"mixes": records}, text)


def verdicts(found: Mapping[Mix, Verdict], k: int) -> str:
    """A row for each mix, and the advice on it."""
    heads = "proper", "convex", "delta\n= a - y", "multi-\nlabel", "problems"
    grid = Table(Column("mix", min_width=17), *heads, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    advice = Table.grid(padding=(0, 2, 0, 0))
    for mix, v in found.items():
        answers = v.proper, v.convex, v.a_minus_y, v.several
        grid.add_row(mix.words, *map(yes, answers), v.failure if v.faults else "none")
        advice.add_row(Text(mix.words, no_wrap=True), v.advice)
    title = Text(f"Verdicts for {how_many(k)}", style="bold")
    return printed(title, grid, Text("Advice", style="bold"), advice, "", Text(LEGEND, style="dim"))


@click.command
@json_option
@click.pass_context
def claims(ctx: click.Context, /, as_json: bool) -> None:
    """Recompute what the question on mixing layers and costs, its answers and comments claim: each
    claim, what to expect, what came out, and the verdict. Exits 1 if anything came out otherwise.
    """
    found = lm.claims()
    show(as_json, {"claims": [answer._asdict() for answer in found]}, found)
    ctx.exit(not all(answer.holds for answer in found))


@click.command
@json_option
@click.pass_context
def names(ctx: click.Context, /, as_json: bool) -> None:
    """List the names of output layers and costs in the book, statistics, PyTorch, Keras and
    scikit-learn, with what they sum and average over. Both sides of each row are computed where the
    library is installed; exits 1 if they differ.
    """
    found = lm.names()
    show(as_json, {"names": [row.to_dict() for row in found]}, found)
    ctx.exit(not all(peer.agrees for row in found for peer in row.peers))


@click.command
@click.argument("words", nargs=-1, metavar="[OUTPUT COST]")
@point_options
@beside_option
@json_option
def delta(
    words: tuple[str, ...], z: str, y: str, beside: tuple[str, str] | None, as_json: bool
) -> None:
    """Compute the output delta of a mix at logits z by the engine, in closed form and by finite
    differences; print it beside a - y, with dC/da and the Jacobian of the output layer, and the
    reason why the two agree or differ.
    """
    from tinygrad_lossmix.answers.delta_report import delta_report, side_by_side

    mix, logits, labels = mix_at(words, z, y)
    with usage():
        mixes = [mix, mix_of(beside)] if beside else [mix]
        reports = [delta_report(each, logits, labels) for each in mixes]
    record = {"z": logits, "y": labels, "mixes": [report.to_dict() for report in reports]}
    show(as_json, record, side_by_side(reports) if beside else reports[0])


@click.command
@click.argument("words", nargs=-1, metavar="[output LAYER | cost MODULE:FUNCTION]")
@click.option("--classes", type=click.IntRange(1, MOST), default=3, help="Number of logits.")
@labels_option
@json_option
def match(words: tuple[str, ...], classes: int, labels: str | None, as_json: bool) -> None:
    """Which cost goes with an output layer, and which layer with a cost? A LAYER is a name, such
    as softmax, or module:function, a function of logits (..., K) in plain NumPy; a cost is a
    function of logits and labels (K,). Without words, the rule and its table, computed now.
    """
    if not words:
        found = table(classes=classes)
        records = [each.found.to_dict() | {"output": each.layer} for each in found]
        show(as_json, {"matches": records}, matches(found))
        return
    if len(words) != 2 or words[0] not in ("output", "cost"):
        raise click.UsageError("give output and a layer, or cost and module:function")
    what, name = words
    if what == "cost" and ":" not in name:
        raise click.UsageError(f"a cost is module:function, not {name!r}; of a mix see verdict")
    ask: Any = lm.matching_cost if what == "output" else lm.matching_output
    with usage():
        answer = ask(named(name), classes, labels)
    show(as_json, {"matches": [answer.to_dict()]}, answer)


def matches(found: list[MatchRow]) -> str:
    """The rule, a row for each layer with a cost, and the witness against each without."""
    heads = "output layer", "label", "its cost", "convex", "of outputs alone for"
    grid = Table(*heads, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    none = Table.grid(padding=(0, 2, 0, 0))
    for layer, label, match in found:
        if match:
            row = label or "-", match.name or "without a name", yes(match.convex), match.condition
            grid.add_row(layer, *row)
        else:
            none.add_row(Text(layer, no_wrap=True), str(match.witness))
    return printed(Text(RULE), grid, Text("No cost gives a - y with", style="bold"), none)


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
def prove(output: str, cost: str, classes: str | None, latex: bool, as_json: bool) -> None:
    """Derive the output delta of a mix by running the engine's derivatives on symbols: for any
    number of classes, or for K of them the formulas, the condition on the labels y under which they
    are a - y, or a counterexample. Both words may be module:function. Exits 0 whatever the
    answer is. Needs SymPy.
    """
    try:
        from tinygrad_lossmix.proof.proof import prove as proved
    except ImportError as error:
        raise click.ClickException(str(error)) from None
    if latex and as_json:
        raise click.UsageError("--latex and --json exclude each other; the object has both")
    with usage(), refusing(TypeError):
        layer, of = named(output), named(cost)
        classes = classes or ("3" if ":" in output else "all")
        k: Any = int(classes) if classes.lstrip("-").isdecimal() else classes
        proof = proved(layer, of, k)
    show(as_json, {"mixes": [proof.to_dict()]}, proof.latex if latex else proof)


@click.command(context_settings=NEGATIVE)
@click.argument("loss", required=False)
@click.option(
    "--npz",
    "path",
    type=click.Path(path_type=Path),
    help="A file with the arrays outputs and labels, and the loss that came of them, if known.",
)
@click.option("--series", metavar="NAME", help="Of the losses of a log, the one to explain.")
@loss_options
def diagnose(
    loss: str | None,
    path: Path | None,
    series: str | None,
    classes: int | None,
    accuracy: str | None,
    as_json: bool,
) -> None:
    """Which output layer and cost reported this LOSS? Give one number, as for plateau; or - for a
    training log from a pipe, to see whether it is stuck, at what, and which floor it never crossed;
    or --npz with the arrays that were handed to the loss, to find the pairing that reproduces the
    number and the line to change.
    """
    from tinygrad_lossmix.answers.diagnosis.predictions import read_outputs
    from tinygrad_lossmix.answers.diagnosis.training_log import levels, read

    if (loss is None) == (path is None):
        raise click.UsageError("give a LOSS, or - for a log from a pipe, or --npz FILE")
    if series is not None and loss != "-":
        raise click.UsageError("--series is of a log from a pipe: - --series NAME")
    found: Any
    if path is not None:
        with refusing(OSError, TypeError, ValueError, about=f"{path}: "):
            held: Any = read_outputs(path)  # the accuracy that is given counts, not that of a file
            found = lm.diagnose(**held | ({} if accuracy is None else {"accuracy": accuracy}))
    elif loss == "-":
        with refusing(ValueError), click.open_file("-", errors="replace") as lines:
            found = levels(read(lines), classes, accuracy, series)
    else:
        try:
            found = lm.plateau(loss, classes, accuracy)
        except ValueError as error:
            hint = "; a log file goes in by a pipe, with -" if "not a number" in str(error) else ""
            raise click.UsageError(f"{error}{hint}") from error
    show(as_json, found.to_dict(), found)


@click.command(context_settings=NEGATIVE)
@click.argument("loss")
@loss_options
def plateau(loss: str, classes: int | None, accuracy: str | None, as_json: bool) -> None:
    """Explain the value at which a LOSS is stuck: every known plateau that it fits, for this number
    of classes or for any, the best match first. It counts as exact as the digits you give.
    """
    with usage():
        found = lm.plateau(loss, classes, accuracy)
    show(as_json, found.to_dict(), found)
