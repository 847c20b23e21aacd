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
from tinygrad_lossmix.cli.progress import progress
from tinygrad_lossmix.cli.workers import executor_options
from tinygrad_lossmix.lab import STUDIES
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
    out: Path | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Run the studies, draw the fields and the graphs of the mixes, judge them and recheck the
    claims: all on one HTML page that needs no network. Exits 1 if a statement does not hold.
    """
    with usage("--beside:"):
        given |= {"quick": not full, "mixes": [*map(mix_of, beside)]}
    path = out / "report.html" if out else Path("lossmix-report.html")
    with refusing(ImportError, ValueError), refusing(OSError, about=f"cannot write {path}: "):
        prepare(path.parent)
        given["journal"] = out and out / "results.jsonl"
        studies = run_all([*dict.fromkeys(only)] or [*STUDIES], given)
        found = record(studies)
        options = "".join(f" --beside {shlex.join(words)}" for words in beside)
        files.write(path, page(studies, options).encode())
        if out:
            files.write(out / "results.json", to_json(found).encode())
    show(as_json, found, clean(str(path)))
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
            takes = inspect.signature(STUDIES[name]).parameters
            found.append(
                STUDIES[name](**{k: x for k, x in known.items() if {k, "where"} & {*takes}})
            )
            tell(completed=end)
    return found
