"""`lossmix compare`: train mixes, print one table; `lossmix report`: all studies on one page."""

import contextlib
import inspect
import shlex
from collections.abc import Callable
from concurrent.futures import Executor
from importlib import import_module
from itertools import accumulate
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.table import Table
from rich.text import Text

from tinygrad_lossmix import files
from tinygrad_lossmix.answers.match.layer import check_mix
from tinygrad_lossmix.cli.options import json_option, mix_of, mixes_option
from tinygrad_lossmix.cli.output import INTERRUPTED, printed, refusing, show, usage
from tinygrad_lossmix.cli.runs import data_option, executor_options, progress
from tinygrad_lossmix.installation import needing
from tinygrad_lossmix.lab import STUDIES, study
from tinygrad_lossmix.lab.data import Data, digits, read
from tinygrad_lossmix.lab.networks import save_curves
from tinygrad_lossmix.lab.report import prepare, record, write
from tinygrad_lossmix.lab.studies import in_order, runs, summarise
from tinygrad_lossmix.lab.training import Epoch, Run, Settings
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.printing import clean, count, number, shorten, yes
from tinygrad_lossmix.records import to_json

LEGEND = (
    "Proper: the true probabilities minimise the expected cost. Convex: in the logits. Accuracy: "
    "test examples, mean ± standard deviation over the seeds. ECE: expected calibration error."
)
SYMBOLS = "S = sum of y = 1, e = a - y, r = a/(1 - a)"
OF_LML = ", s = a(1 - a), w = s/sum of s"
SHARES = {"digits": 1080, "pairings": 1080, "posterior": 500, "verdicts": 500}  # in epochs
BESIDE = "A mix beside ours, module:function for a layer or a cost of your own; repeatable."
OUT = "Folder for report.html and results.json, instead of lossmix-report.html here."


def setting(name: str, kind: Any, about: str) -> Callable[[Callable[..., None]], Any]:
    """The option of one of the Settings."""
    return click.option(f"--{name}", type=kind, default=getattr(Settings, name), help=about)


def plot_file(ctx: click.Context, param: click.Parameter, path: Path | None) -> Path | None:
    """Where a plot can be drawn and written to: known before anything is computed."""
    if path and path.suffix.lower() not in (".svg", ".png"):
        raise click.BadParameter(clean(f"a name ending in .svg or .png is wanted, not {path}"))
    if path:
        with refusing(ImportError), needing("plot", "plots are drawn by matplotlib"):
            import_module("matplotlib")
        with refusing(OSError, about=f"--plot {path}: cannot be written: "):
            prepare(path.parent)
    return path


@click.command
@mixes_option
@setting("seeds", click.IntRange(1, 10_000), "Runs per mix.")
@setting("epochs", click.IntRange(1, 1_000_000), "Passes over the training examples.")
@setting("hidden", click.IntRange(1, 100_000), "Sigmoid neurons of the hidden layer.")
@setting("eta", float, "Learning rate, the same for every mix.")
@setting("batch", click.IntRange(1), "Examples per mini-batch.")
@setting("dtype", click.Choice(["float32", "float64"]), "Of all numbers in the training.")
@data_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder to write results.json and results.csv to, with the learning curves; what "
    "results.jsonl there has already is not computed again.",
)
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=plot_file,
    help="Draw the learning curves, with the spread over the seeds: a name ending in .svg or .png.",
)
@executor_options
@json_option
@click.pass_context
def compare(
    ctx: click.Context,
    /,
    mixes: list[Mix],
    path: Path | None,
    out: Path | None,
    plot: Path | None,
    as_json: bool,
    executor: Executor | None,
    **numbers: Any,
) -> None:
    """Train every mix from the same initial weights on the same mini-batches, for several seeds,
    and compare delta, accuracy, calibration, speed, final cost and problems. Features of --data
    are standardised by the training examples.
    """
    with usage():
        settings = Settings(**numbers)
    about = f"--out {out}: cannot write results there: " if out else ""
    with refusing(ValueError), refusing(OSError, about=about):
        data = digits() if path is None else read(path)
        if out:
            prepare(out)
        journal = out and out / "results.jsonl"
        finished = train_all(mixes, data, settings, executor=executor, journal=journal)
    planned = len(mixes) * settings.seeds
    if finished:
        results = summarise(finished, data, settings)
        found = record(results, mixes, data, settings)
        show(as_json, found, compared(found))
        if out:
            write(found, out)
            click.echo(clean(f"wrote {out / 'results.json'}, {out / 'results.csv'}"), err=True)
        if plot:
            with refusing(OSError, about=f"--plot {plot}: cannot be written: "):
                save_curves(results, plot)
    if len(finished) < planned:
        more = "; the same command goes on from there" * bool(out)
        click.echo(f"interrupted: {len(finished)} of {planned} runs finished{more}", err=True)
        ctx.exit(INTERRUPTED)


def train_all(mixes: list[Mix], data: Data, settings: Settings, **where: Any) -> list[Run]:
    """All runs or, when interrupted, those that were finished; the progress goes to stderr."""
    finished: list[Run] = []
    with progress(len(mixes) * settings.seeds * settings.epochs) as tell:

        def after(mix: Mix, seed: int, epoch: Epoch) -> None:
            text = f"{mix.words:17}  seed {seed}  accuracy {epoch.accuracy:7.2%}"
            tell(advance=1, description=text)

        with contextlib.suppress(KeyboardInterrupt):
            for run in runs(mixes, data, settings, after, **where):
                finished.append(run)
                after(run.mix, run.seed, run.last)
                tell(completed=len(finished) * settings.epochs)
    return in_order(finished, mixes)


def compared(found: dict[str, Any]) -> str:
    """A record as text: the table, each delta, the problems, and what the accuracies tell."""
    deltas = Table.grid(padding=(0, 2, 0, 0))
    problems = Table.grid(padding=(0, 2, 0, 0))
    for mix in found["mixes"]:
        name = Text(f"{mix['output']} {mix['cost']}", no_wrap=True)
        deltas.add_row(name, mix["delta"], cell(mix["delta_error"]))
        problems.add_row(name, mix["diagnosis"])
    about = "delta in closed form; max |delta - (a - y)| on a mini-batch"
    upper = heading(found["settings"]), "", table(found["mixes"]), ""
    middle = Text(LEGEND, style="dim"), "", Text(about, style="bold"), deltas
    letters = SYMBOLS + OF_LML * any(mix["output"] == "lml" for mix in found["mixes"])
    title = f"Problems after {count(found['settings']['epochs'], 'epoch')}"
    lower = Text(letters, style="dim"), "", Text(title, style="bold"), problems
    return printed(*upper, *middle, *lower, "", found["ranking"])


def heading(settings: dict[str, Any]) -> str:
    """The data and how the mixes were trained on them."""
    sizes = "-".join(str(settings[name]) for name in ("features", "hidden", "classes"))
    names = ", ".join(settings["class_names"])
    return (
        f"{clean(settings['data'])}: {settings['rows']:,} examples, a quarter held back for the "
        f"test, {settings['scaling']}; network {sizes}, seeds {settings['seeds']}, epochs "
        f"{settings['epochs']}, mini-batches of {settings['batch']}, eta {settings['eta']:g}, "
        f"{settings['dtype']}{f'; classes 0, 1, …: {clean(shorten(names, 300))}' if names else ''}"
    )


def table(mixes: list[dict[str, Any]]) -> Table:
    """A row for each mix; from 80 columns on."""
    grid = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    grid.add_column("mix")
    for name in ("delta =\na - y", "proper", "convex"):
        grid.add_column(name, no_wrap=True)
    grid.add_column("accuracy\n%", justify="right")
    for name in ("ECE", "epochs\nto 95 %", "final\ncost"):
        grid.add_column(name, justify="right", no_wrap=True)
    for mix in mixes:
        answers = (yes(mix[name]) for name in ("delta_is_a_minus_y", "proper", "convex"))
        accuracy = cell(mix["accuracy"]["mean"], ".2%")
        if mix["accuracy"]["std"] is not None:
            accuracy += f" ± {mix['accuracy']['std']:.2%}"
        ends = cell(mix["ece"]["mean"], ".4f"), cell(mix["epochs_to_95"]), cell(mix["final_cost"])
        grid.add_row(f"{mix['output']} {mix['cost']}", *answers, accuracy.replace("%", ""), *ends)
    return grid


def cell(value: float | None, form: str = ".4g") -> str:
    """A number, or a dash for what is not a finite one: a mix that diverged has none."""
    return "-" if value is None else number(value, form)


@click.command
@click.option("--full", is_flag=True, help="The studies in full.  [default: quick]")
@click.option("--only", type=click.Choice([*STUDIES]), multiple=True, help="A part; repeatable.")
@click.option("--beside", nargs=2, multiple=True, metavar="OUTPUT COST", help=BESIDE)
@data_option
@click.option("--out", type=click.Path(path_type=Path), help=OUT)
@executor_options
@json_option
@click.pass_context
def report(
    ctx: click.Context,
    /,
    full: bool,
    only: tuple[str, ...],
    beside: tuple[tuple[str, str], ...],
    path: Path | None,
    out: Path | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Run the studies, draw the fields and the graphs of the mixes, judge them and recheck the
    claims: all on one HTML page that needs no network. Exits 1 if a statement does not hold. With
    --data those parts that take any: boundaries (of two features), digits, pairings.
    """
    options = "".join(f" --beside {shlex.join(words)}" for words in beside)
    options += f" --data {shlex.quote(str(path))}" if path else ""
    fit = [name for name in STUDIES if not path or "data" in taken_by(name)]
    names = [*dict.fromkeys(only)] or fit
    if not {*names} <= {*fit}:
        raise click.UsageError(f"--data is for {', '.join(fit)}: no --only of another part")
    with usage("--beside:"):
        mixes = [*map(mix_of, beside)]
        for mix in mixes if {"verdicts", "graphs"} & {*names} else ():
            check_mix(mix, 3)
    given |= {"quick": not full, "mixes": mixes}
    html = out / "report.html" if out else Path("lossmix-report.html")
    with refusing(ImportError, ValueError), refusing(OSError, about=f"cannot write {html}: "):
        given |= {"data": read(path)} if path else {}
        prepare(html.parent)
        given["journal"] = out and out / "results.jsonl"
        studies = run_all(names, given)
        found = study.record(studies)
        files.write(html, study.page(studies, options).encode())
        if out:
            files.write(out / "results.json", to_json(found).encode())
    show(as_json, found, clean(str(html)))
    click.echo(study.summary(found["holds"], found["statements"]), err=True)
    failed = [x for each in studies for x in each.statements if not x.holds]
    for x in failed:
        click.echo(clean(f"{x.claim}; expected {x.expected}, obtained {x.obtained}"), err=True)
    ctx.exit(bool(failed))


def run_all(names: list[str], given: dict[str, Any]) -> list[study.Study]:
    """These in turn, each with what it takes of what is given."""
    shares = [SHARES.get(name, 150) * (1 if given["quick"] else 5) for name in names]
    found = []
    with progress(sum(shares)) as tell:
        known = given | {"on_epoch": lambda *_: tell(advance=1)}
        for name, end in zip(names, accumulate(shares), strict=True):
            tell(description=name)
            takes = taken_by(name)
            found.append(STUDIES[name](**{k: x for k, x in known.items() if takes & {k, "where"}}))
            tell(completed=end)
    return found


def taken_by(name: str) -> set[str]:
    """What a study may be given; where: all of it."""
    return {*inspect.signature(STUDIES[name]).parameters}
