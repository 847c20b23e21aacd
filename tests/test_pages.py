"""The pages are true: their blocks print what they say, their links and paths lead somewhere."""

import itertools
import json
import re

import pytest
from click.testing import CliRunner

import tinygrad_lossmix as lm
from tests.helpers import once
from tests.helpers.blocks import PAGES, ROOT, changed, fences
from tests.helpers.pictures import words
from tests.helpers.quick import thinned
from tinygrad_lossmix.cli import COMMANDS, main

README, *DOCS = PAGES
FOR_THOSE_WHO_CARRY_ON = [
    ROOT / f"{name}.md" for name in ("ARCHITECTURE", "CHANGELOG", "CONTRIBUTING")
]
ALL = [*PAGES, *FOR_THOSE_WHO_CARRY_ON]
every_page = pytest.mark.parametrize("page", ALL, ids=lambda page: page.stem)
LONG = ("how-to", "questions")  # whose blocks compute verdicts of functions of the reader's


def text_of(page):
    return page.read_text(encoding="utf-8")


def rows(text):
    """The rows of the tables, as lists of cells."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def anchors(page):
    """What GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.*)$", text_of(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=[pytest.mark.slow] * (page.stem in LONG)) for page in ALL],
    ids=lambda page: page.stem,
)
def test_every_block_prints_what_the_page_says(page, monkeypatch):
    once.in_commands(monkeypatch)
    difference = "\n".join(changed(page))
    assert not difference, (
        f"{difference}\npython -m tests.helpers.blocks --write {page.relative_to(ROOT)}"
    )


@every_page
def test_every_block_is_one_that_the_tests_run(page):
    languages = re.findall(r"^```(.*)$", text_of(page), flags=re.MULTILINE)
    assert set(languages) <= {"", "bash", "python", "console", "mermaid"}
    assert languages[1::2] == [""] * len(languages[1::2])
    assert "" not in languages[::2]


@every_page
def test_every_link_leads_somewhere(page):
    for link in re.findall(r"(?<=\]\()[^)]+|(?<=src=\")[^\"]+", text_of(page)):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert "://" in link or target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", FOR_THOSE_WHO_CARRY_ON, ids=lambda page: page.stem)
def test_every_path_is_there(page):
    """In the project, or in the package where a page leaves its name away."""
    paths = re.findall(r"`([\w./-]+(?:/|\.(?:py|md|toml|yml|yaml)))`", text_of(page))
    for path in paths:
        assert (ROOT / path).exists() or (ROOT / "tinygrad_lossmix" / path).exists(), path


@every_page
def test_every_name_of_the_package_is_there(page):
    for name in re.findall(r"\blm\.([a-zA-Z_]+(?:\.[a-z_]+)*)", text_of(page)):
        found = lm
        for part in name.split("."):
            found = getattr(found, part)


def test_the_documentation_is_short():
    assert len(text_of(README).splitlines()) <= 150
    assert len(DOCS) <= 8


def test_every_page_is_linked_from_the_readme():
    for page in DOCS:
        assert f"(docs/{page.name})" in text_of(README)


def test_the_first_two_bash_lines_are_the_two_commands():
    main_job, tests = [
        line for block in fences(text_of(README), "bash") for line in block.splitlines()
    ]
    assert main_job.endswith(" && lossmix compare")
    assert tests.endswith(" && python -m pytest -q -n auto")


def test_the_answer_takes_ten_lines():
    answer = fences(text_of(README), "python")[0]
    assert len(re.findall(r"^(?:>>>|\.\.\.)", answer, flags=re.MULTILINE)) == 10


def test_the_table_of_the_question_is_computed():
    table = [row for row in rows(text_of(README)) if row[0] in ("sigmoid", "softmax")]
    verdicts = [(mix, once.verdict_on(mix, 3)) for mix in lm.MIXES]
    assert [row[:2] + row[3:6] for row in table] == [
        [*str(mix).split(" + "), *(("no", "yes")[v] for v in (v.a_minus_y, v.proper, v.convex))]
        for mix, v in verdicts
    ]
    assert [row[2] for row in table] == [re.sub(r"\bSa", "a", mix.formula) for mix in lm.MIXES]


@pytest.mark.slow
def test_the_accuracies_of_the_question_are_measured(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = json.loads(CliRunner().invoke(main, ["compare", "--json"]).stdout)["mixes"]
    table = [row for row in rows(text_of(README)) if row[0] in ("sigmoid", "softmax")]
    for row, mix in zip(table, found, strict=True):
        accuracy = mix["accuracy"]
        assert float(row[-1].rstrip(" %")) == pytest.approx(
            100 * accuracy["mean"], abs=max(0.2, 100 * accuracy["std"])
        )


def test_the_speeds_in_the_readme_are_those_measured():
    def speeds(page):
        """Row -> column -> figure, of the first table whose first heading is empty."""
        lines = text_of(page).splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith("|  |"))
        table = itertools.takewhile(lambda line: line.startswith("|"), lines[start:])
        head, _, *found = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
        return {row[0]: dict(zip(head, row, strict=True)) for row in found}

    shown, measured = speeds(README), speeds(ROOT / "docs" / "speed.md")
    assert 3 <= len(shown) <= 5
    for name, figures in shown.items():
        assert figures.items() <= measured[name].items()


def test_the_engine_is_as_long_as_the_readme_says():
    lines = sum(
        len(path.read_text(encoding="utf-8").splitlines())
        for path in (ROOT / "tinygrad_lossmix" / "engine").glob("*.py")
    )
    said = int(re.search(r"\[([\d,]+) lines\]", text_of(README))[1].replace(",", ""))
    assert lines == pytest.approx(said, rel=0.06)


@pytest.mark.parametrize(
    ("arguments", "picture"),
    thinned([("draw softmax ll --animate", "softmax_ll.svg"), ("draw --field", "field.svg")], 2),
)
def test_a_picture_is_what_the_command_draws(arguments, picture, tmp_path):
    """Its words; where they stand depends on the version of what draws."""
    pytest.importorskip("pygraphviz")
    drawn = tmp_path / picture
    result = CliRunner().invoke(main, [*arguments.split(), "-o", str(drawn)])
    assert result.exit_code == 0
    assert words(text_of(drawn)) == words(text_of(ROOT / "docs" / picture))


def test_questions_are_numbered_and_each_has_an_answer_that_runs():
    page = text_of(ROOT / "docs" / "questions.md")
    questions = re.split(r"^## ", page, flags=re.MULTILINE)[1:]
    assert [int(question.partition(".")[0]) for question in questions] == list(range(1, 32))
    for question in questions:
        assert fences(question, "console") + fences(question, "python"), question[:60]


def test_every_command_has_a_section_with_its_options():
    sections = re.split(r"^## ", text_of(ROOT / "docs" / "commands.md"), flags=re.MULTILINE)[1:]
    names = [name for group in COMMANDS.values() for name in group]
    assert [section.partition("\n")[0] for section in sections] == names
    for name, section in zip(names, sections, strict=True):
        assert f"$ lossmix {name} --help" in section
        assert len(re.findall("^```[a-z]", section, flags=re.MULTILINE)) >= 2
