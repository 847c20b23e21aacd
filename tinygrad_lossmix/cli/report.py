"""`lossmix report`: what the mixes do, on one page."""

import inspect
import shlex
from pathlib import Path
from typing import Any

import click

from tinygrad_lossmix import files
from tinygrad_lossmix.cli.exits import refusing, usage
from tinygrad_lossmix.cli.options import json_option, mix_of, show
from tinygrad_lossmix.cli.progress import progress
from tinygrad_lossmix.lab import STUDIES
from tinygrad_lossmix.lab.document import page, record
from tinygrad_lossmix.lab.report import prepare
from tinygrad_lossmix.lab.study import Study
from tinygrad_lossmix.printing import clean
from tinygrad_lossmix.records import to_json

SHARES = {"fields": 5, "claims": 8}  # of the time, where it is not 2
BESIDE = (
    "A mix in each part beside ours, module:function for a layer or cost of your own; repeatable."
)
OUT = "Folder for report.html and results.json, instead of lossmix-report.html here."


@click.command
@click.option("--full", is_flag=True, help="The studies in full.  [default: quick]")
@click.option("--only", type=click.Choice([*STUDIES]), multiple=True, help="A part; repeatable.")
@click.option("--beside", nargs=2, multiple=True, metavar="OUTPUT COST", help=BESIDE)
@click.option("--out", type=click.Path(path_type=Path), help=OUT)
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
) -> None:
    """Run the studies, draw the fields and the graphs of the mixes, judge them and recheck the
    claims: all on one HTML page that needs no network. Exits 1 if a statement does not hold.
    """
    with usage("--beside:"):
        given = {"quick": not full, "mixes": [*map(mix_of, beside)]}
    path = out / "report.html" if out else Path("lossmix-report.html")
    with refusing(ImportError, ValueError), refusing(OSError, about=f"cannot write {path}: "):
        prepare(path.parent)
        studies = run_all([*dict.fromkeys(only)] or [*STUDIES], given)
        found = record(studies)
        options = "".join(f" --beside {shlex.join(words)}" for words in beside)
        files.write(path, page(studies, options).encode())
        if out:
            files.write(out / "results.json", to_json(found).encode())
    show(as_json, found, clean(str(path)))
    failed = [each.claim for study in studies for each in study.statements if not each.holds]
    click.echo(f"{found['holds']} of {found['statements']} statements hold", err=True)
    for claim in failed:
        click.echo(clean(f"does not hold: {claim}"), err=True)
    ctx.exit(bool(failed))


def run_all(names: list[str], given: dict[str, Any]) -> list[Study]:
    """These studies in turn, each with what it takes of what is given."""
    studies = []
    with progress(sum(SHARES.get(name, 2) for name in names)) as tell:
        for name in names:
            tell(description=name)
            study, takes = STUDIES[name], inspect.signature(STUDIES[name]).parameters
            studies.append(study(**{key: x for key, x in given.items() if key in takes}))
            tell(advance=SHARES.get(name, 2))
    return studies
