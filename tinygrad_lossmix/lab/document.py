"""Studies as one page that needs nothing else, no script and no network; and as a record.

>>> page([]).count("<h1>"), record([])["holds"]
(1, 0)
"""

import platform
import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from string import Template
from typing import Any

from tinygrad_lossmix.installation import DISTRIBUTION, version
from tinygrad_lossmix.lab.study import Figure, Study, Table
from tinygrad_lossmix.printing import clean
from tinygrad_lossmix.records import plain
from tinygrad_lossmix.views.theme import page_colours

FORM = resources.files(__package__).joinpath("document.html").read_text(encoding="utf-8")
FORMS = dict(re.findall(r"<!-- (\w+) -->\n(.*?)(?=<!-- |\Z)", FORM, re.DOTALL))


def record(studies: Sequence[Study]) -> dict[str, Any]:
    """All but the pictures as plain values: numbers that are not finite are None."""
    found = []
    for study in studies:
        parts = {
            name: [x._asdict() for x in vars(study)[name]] for name in ("statements", "tables")
        }
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
        {"holds": len(said) - len(failed), "statements": len(said)},
        colours=page_colours(),
        outcome="fails" if failed else "holds",
        failed="".join(failed),
        contents="".join(filled("item", vars(study)) for study in studies),
        sections=sections,
        made="".join(filled("made", {"of": k, "value": v}) for k, v in made_by().items()),
    )
    return whole.replace("@media (prefers", "@media screen and (prefers")  # paper is white


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
