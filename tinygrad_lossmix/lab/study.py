"""A study: what was run, what came out, and whether that is what is stated.

What you can do here: `page(studies)` puts them on one page that needs nothing else, no script and
no network; `record(studies)` gives them as plain values.

>>> near("at most a hundredth off", [0.25, 1.0], [0.2501, 0.9999], within=0.01)[1:]
('0.2500, 1', '0.2501, 0.9999', True)
>>> page([]).count("<h1>"), record([])["holds"]
(1, 0)
"""

import inspect
import platform
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from string import Template
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.installation import DISTRIBUTION, version
from tinygrad_lossmix.printing import amount, clean
from tinygrad_lossmix.records import plain
from tinygrad_lossmix.views.plotting import arranged, inline
from tinygrad_lossmix.views.theme import page_colours

FORM = resources.files(__package__).joinpath("study.html").read_text(encoding="utf-8")
FORMS = dict(re.findall(r"<!-- (\w+) -->\n(.*?)(?=<!-- |\Z)", FORM, re.DOTALL))


class Statement(NamedTuple):
    """What is said and what came out in this run; the names are those of a claim."""

    claim: str
    expected: str
    obtained: str
    holds: bool


class Table(NamedTuple):
    """Text in rows."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    command: str = ""  # what makes it again, if not that of its study


class Figure(NamedTuple):
    """A plot as an `<svg>` element that takes the size it is given, and the same in words."""

    title: str
    alternative: str  # a sentence; below it whatever does not fit into one
    svg: str
    command: str = ""  # what makes it again, if not that of its study


@dataclass(frozen=True)
class Study:
    """A section of the report; `about` is paragraphs with an empty line between them."""

    name: str
    title: str
    about: str
    statements: tuple[Statement, ...]
    tables: tuple[Table, ...]
    figures: tuple[Figure, ...]
    values: dict[str, Any]  # what was measured, for JSON
    quick: bool = True

    @property
    def command(self) -> str:
        """What runs it again."""
        return f"lossmix report --only {self.name}{'' if self.quick else ' --full'}"


def description(study: Callable[..., Study]) -> str:
    """What its docstring says to a reader of the report: all but arguments and errors."""
    return (inspect.getdoc(study) or "").partition("\n\nArgs:")[0]


def near(claim: str, expected: Any, obtained: Any, within: float = 0.0) -> Statement:
    """That each of the numbers comes out as expected, but for `within`."""
    pair = np.atleast_1d(expected), np.atleast_1d(obtained)
    holds = bool((np.abs(np.subtract(*pair)) <= within).all())
    said, came = (", ".join(map(amount, each.flat)) for each in pair)
    return Statement(claim, said, came, holds)


def below(claim: str, bound: float, obtained: float) -> Statement:
    """That a number is at most this."""
    return Statement(claim, f"at most {amount(bound)}", amount(obtained), obtained <= bound)


def plotted(title: str, alternative: str, *panels: Callable[..., None], across: int = 2) -> Figure:
    """Panels as `arranged` puts them; raises ImportError where matplotlib is not installed."""
    return Figure(title, alternative, inline(arranged(*panels, across=across)))


def record(studies: Sequence[Study]) -> dict[str, Any]:
    """All but the pictures as plain values: numbers that are not finite are None."""
    found = []
    for study in studies:
        parts = {key: [x._asdict() for x in vars(study)[key]] for key in ("statements", "tables")}
        titles = [figure.title for figure in study.figures]
        found.append(vars(study) | parts | {"figures": titles, "command": study.command})
    holds = [each.holds for study in studies for each in study.statements]
    counts = {"holds": sum(holds), "statements": len(holds)}
    return dict(plain(counts | {"made_by": made_by(), "studies": found}))


def made_by() -> dict[str, str]:
    """What has computed the numbers."""
    packages = {name: version(name) or "-" for name in (DISTRIBUTION, "numpy", "matplotlib")}
    system = f"{platform.system()} {platform.machine()}"
    return packages | {"python": platform.python_version(), "platform": system}


def page(studies: Sequence[Study], options: str = "") -> str:
    """The HTML of these sections; the options belong to the command of each."""
    sections = "".join(section(study, study.command + options) for study in studies)
    said = [(study, each) for study in studies for each in study.statements]
    failed = [filled("failed", vars(study) | x._asdict()) for study, x in said if not x.holds]
    whole = filled(
        "page",
        {"summary": summary(len(said) - len(failed), len(said))},
        colours=page_colours(),
        outcome="fails" if failed else "holds",
        failed="".join(failed),
        contents="".join(filled("item", vars(study)) for study in studies),
        sections=sections,
        made="".join(filled("made", {"of": k, "value": v}) for k, v in made_by().items()),
    )
    return whole.replace("@media (prefers", "@media screen and (prefers")  # paper is white


def summary(holds: int, statements: int) -> str:
    """How many hold; of data of the user's own there are none."""
    return f"{holds} of {statements} statements hold" if statements else "No statements to check"


def filled(form: str, found: Mapping[str, Any], **markup: str) -> str:
    """A part of the page; what is found is text there, whoever wrote it."""
    texts = {name: text(x) for name, x in found.items() if isinstance(x, str | int)}
    return Template(FORMS[form]).substitute(texts | markup)


def text(words: Any) -> str:
    """Nothing in it is markup, or invisible."""
    return escape("\n".join(map(clean, str(words).split("\n"))))


def section(study: Study, command: str) -> str:
    """All of a study."""
    said = "".join(filled(str(each.holds), each._asdict()) for each in study.statements)
    about = "".join(f"<p>{text(part)}</p>" for part in study.about.split("\n\n"))
    shown = "".join(drawn(each, each.command or command) for each in study.figures)
    shown += "".join(grid(each, each.command or command) for each in study.tables)
    return filled("study", vars(study), about=about, said=said, shown=shown)


def drawn(figure: Figure, command: str) -> str:
    """A picture beside its first line of text, the rest folded."""
    first, _, rest = figure.alternative.partition("\n")
    svg = figure.svg.replace("<svg", f'<svg role="img" aria-label="{text(figure.title)}"', 1)
    found = {"title": figure.title, "first": first, "rest": rest, "command": command}
    return filled("folded" if rest else "figure", found, svg=svg)


def grid(table: Table, command: str) -> str:
    """A table; the first cell of each row is its head."""
    head = "".join(f'<th scope="col">{text(cell)}' for cell in table.head)
    rows = ("<td>".join(map(text, row)) for row in table.rows)
    body = "".join(f'<tr><th scope="row">{row}' for row in rows)
    return filled("table", {"title": table.title, "command": command}, head=head, body=body)
