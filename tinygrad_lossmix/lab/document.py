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

from tinygrad_lossmix.debugger.page import hashed
from tinygrad_lossmix.installation import DISTRIBUTION, version
from tinygrad_lossmix.lab.study import Figure, Study, Table
from tinygrad_lossmix.printing import clean
from tinygrad_lossmix.records import plain
from tinygrad_lossmix.views.theme import page_colours

FORM = resources.files(__package__).joinpath("document.html").read_text(encoding="utf-8")
FORMS = dict(re.findall(r"<!-- (\w+) -->\n(.*?)(?=<!-- |\Z)", FORM, re.DOTALL))
PARTS = "statements", "tables", "figures"


def record(studies: Sequence[Study]) -> dict[str, Any]:
    """All but the pictures as plain values: numbers that are not finite are None."""
    found = []
    for study in studies:
        parts = {name: [each._asdict() for each in vars(study)[name]] for name in PARTS}
        for figure in parts["figures"]:
            del figure["svg"]
        found.append(vars(study) | {"command": study.command} | parts)
    holds = [each.holds for study in studies for each in study.statements]
    counts = {"holds": sum(holds), "statements": len(holds), "made_by": made_by()}
    return dict(plain(counts | {"studies": found}))


def made_by() -> dict[str, str]:
    """What has computed the numbers."""
    packages = {name: version(name) or "-" for name in (DISTRIBUTION, "numpy", "matplotlib")}
    system = f"{platform.system()} {platform.machine()}"
    return packages | {"python": platform.python_version(), "platform": system}


def page(studies: Sequence[Study], options: str = "") -> str:
    """The HTML of these sections; the options are those of every command in it."""
    sections = "".join(section(study, study.command + options) for study in studies)
    style = filled("style", {}, colours=page_colours())
    styles = {style, *re.findall(r"<style[^>]*>(.*?)</style>", sections, re.DOTALL)}
    found = [(study, each) for study in studies for each in study.statements]
    failed = [filled("failed", vars(s) | each._asdict()) for s, each in found if not each.holds]
    return filled(
        "page",
        {"holds": len(found) - len(failed), "statements": len(found)},
        style=style,
        hashes=" ".join(f"'{hashed(each)}'" for each in sorted(styles)),
        outcome="fails" if failed else "holds",
        failed="".join(failed),
        contents="".join(filled("item", vars(study)) for study in studies),
        sections=sections,
        made="".join(filled("made", {"of": k, "value": v}) for k, v in made_by().items()),
    )


def filled(form: str, found: Mapping[str, Any], **markup: str) -> str:
    """A part of the page; what is found is text there, whoever wrote it."""
    texts = {k: text(v) for k, v in found.items() if isinstance(v, str | int)}
    return Template(FORMS[form]).substitute(texts | markup)


def text(words: Any) -> str:
    """Without a letter that is markup or cannot be seen."""
    return escape("\n".join(map(clean, str(words).split("\n"))))


def section(study: Study, command: str) -> str:
    """All of a study."""
    said = [filled(str(each.holds), each._asdict()) for each in study.statements]
    shown = [drawn(each, each.command or command) for each in study.figures]
    shown += [grid(each, each.command or command) for each in study.tables]
    about = "".join(f"<p>{text(part)}</p>" for part in study.about.split("\n\n"))
    return filled("study", vars(study), about=about, said="".join(said), shown="".join(shown))


def drawn(figure: Figure, command: str) -> str:
    """A picture beside its first line of text, the rest folded."""
    first, _, rest = figure.alternative.partition("\n")
    found = {"title": figure.title, "first": first, "rest": rest, "command": command}
    svg = figure.svg.replace("<svg", f'<svg role="img" aria-label="{text(figure.title)}"', 1)
    return filled("folded" if rest else "figure", found, svg=svg)


def grid(table: Table, command: str) -> str:
    """A table, the first cell of each row its head."""
    rows = ["<td>".join(map(text, row)) for row in table.rows]
    found = {"title": table.title, "command": command}
    head = "".join(f'<th scope="col">{text(cell)}' for cell in table.head)
    body = "".join(f'<tr><th scope="row">{row}' for row in rows)
    return filled("table", found, head=head, body=body)
