"""`lossmix report`: what the mixes do, on one page."""

import inspect
import shlex
from itertools import accumulate
from pathlib import Path
from typing import Any

import click

from tinygrad_lossmix import files
from tinygrad_lossmix.cli.exits import refusing, usage
from tinygrad_lossmix.cli.options import json_option, mix_of, show
from tinygrad_lossmix.cli.runs import data_option, executor_options, progress
from tinygrad_lossmix.lab import STUDIES
from tinygrad_lossmix.lab.data_files import read
from tinygrad_lossmix.lab.document import page, record
from tinygrad_lossmix.lab.report import prepare
from tinygrad_lossmix.lab.study import Study
from tinygrad_lossmix.printing import clean
from tinygrad_lossmix.records import to_json

SHARES = {"digits": 1080, "pairings": 1080, "posterior": 500, "verdicts": 500}  # in epochs
BESIDE = "A mix beside ours, module:function for a layer or a cost of your own; repeatable."
OUT = "Folder for report.html and results.json, instead of lossmix-report.html here."


@click.command
@click.option("--full", is_flag=True, help="The studies in full.  [default: quick]")
@click.option("--only", type=click.Choice([*STUDIES]), multiple=True, help="A part; repeatable.")
@click.option("--beside", nargs=2, multiple=True, metavar="OUTPUT COST", help=BESIDE)
@data_option
@click.option("--out", type=click.Path(path_type=Path), help=OUT)
@executor_options
@json_option
@click.pass_context
def command(
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
    with usage("--beside:"):
        given |= {"quick": not full, "mixes": [*map(mix_of, beside)]}
    options = "".join(f" --beside {shlex.join(words)}" for words in beside)
    names = [*dict.fromkeys(only)] or [*STUDIES]
    if path:
        fit = [name for name in STUDIES if "data" in taken_by(name)]
        names = [*dict.fromkeys(only)] or fit
        if not {*names} <= {*fit}:
            raise click.UsageError(f"--data is for {', '.join(fit)}: no --only of another part")
        options += f" --data {shlex.quote(str(path))}"
    html = out / "report.html" if out else Path("lossmix-report.html")
    with refusing(ImportError, ValueError), refusing(OSError, about=f"cannot write {html}: "):
        given |= {"data": read(path)} if path else {}
        prepare(html.parent)
        given["journal"] = out and out / "results.jsonl"
        studies = run_all(names, given)
        found = record(studies)
        files.write(html, page(studies, options).encode())
        if out:
            files.write(out / "results.json", to_json(found).encode())
    show(as_json, found, clean(str(html)))
    failed = [each.claim for study in studies for each in study.statements if not each.holds]
    for line in (f"{found['holds']} of {found['statements']} statements hold", *failed):
        click.echo(clean(line), err=True)
    ctx.exit(bool(failed))


def run_all(names: list[str], given: dict[str, Any]) -> list[Study]:
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
