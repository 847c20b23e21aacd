"""`lossmix report` as a user sees it: what is written where, and how it exits."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tests.debugger.test_page_accessibility import VIOLATIONS
from tests.helpers import browser, report_picture
from tinygrad_lossmix.cli import main
from tinygrad_lossmix.lab import STUDIES
from tinygrad_lossmix.lab.study import Figure, Study, near

TINY = Study("neuron", "Tiny", "About.", (near("a sum", 2, 1 + 1),), (), (), {"x": float("inf")})


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def stand_in(monkeypatch):
    """Puts a function in the place of every study."""

    def put(function):
        for name in STUDIES:
            monkeypatch.setitem(STUDIES, name, function)

    put(lambda quick=True: replace(TINY, quick=quick))
    return put


def report(*args):
    return CliRunner().invoke(main, ["report", *args])


@pytest.mark.usefixtures("stand_in")
def test_one_file_is_written_here_and_named(folder):
    result = report()
    assert (result.exit_code, result.stdout) == (0, "lossmix-report.html\n")
    assert result.stderr == f"{len(STUDIES)} of {len(STUDIES)} statements hold\n"
    assert [path.name for path in folder.iterdir()] == ["lossmix-report.html"]
    text = (folder / "lossmix-report.html").read_text(encoding="utf-8")
    assert text.count("<section id=") == len(STUDIES) + 1


@pytest.mark.usefixtures("stand_in")
def test_a_folder_gets_the_page_and_the_numbers(folder):
    result = report("--out", "a/b", "--only", "neuron", "--full", "--json")
    assert (result.exit_code, result.stderr) == (0, "1 of 1 statements hold\n")
    found = json.loads((folder / "a" / "b" / "results.json").read_text())
    assert json.loads(result.stdout) == found
    [study] = found["studies"]
    assert (study["values"], study["command"]) == (
        {"x": None},
        "lossmix report --only neuron --full",
    )
    assert sorted(p.name for p in folder.glob("a/b/*")) == ["report.html", "results.json"]


def test_a_number_that_disagrees_is_said_everywhere(folder, stand_in):
    stand_in(lambda: replace(TINY, statements=(near("a sum", 3, 1 + 1), near("another", 1, 1))))
    result = report("--only", "neuron")
    assert (result.exit_code, result.stdout) == (1, "lossmix-report.html\n")
    assert result.stderr == "1 of 2 statements hold\na sum; expected 3, obtained 2\n"
    head = (folder / "lossmix-report.html").read_text(encoding="utf-8").split("</header>")[0]
    assert "a sum; expected 3, obtained 2" in head


def test_ctrl_c_leaves_what_was_there(folder, stand_in):
    def interrupted():
        raise KeyboardInterrupt

    (folder / "lossmix-report.html").write_text("old")
    stand_in(interrupted)
    result = report()
    assert (result.exit_code, result.stdout) == (130, "")
    assert [path.read_text() for path in folder.iterdir()] == ["old"]


def test_without_matplotlib_one_line_says_what_to_install(folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    result = report("--only", "neuron")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        'Error: plots are drawn by matplotlib: pip install "tinygrad_lossmix[plot]"\n'
    )
    assert not [*folder.iterdir()]


def test_each_study_gets_what_it_takes(folder, stand_in):
    got = []

    def takes_all(quick=True, mixes=(), **where):
        where["on_epoch"](None, 0, None)
        got.append((quick, [mix.words for mix in mixes], {*where}, where["journal"]))
        return replace(TINY, figures=(Figure("A", "B", "<svg></svg>"),))

    stand_in(takes_all)
    result = report("--only", "neuron", "--only", "neuron", "--beside", "lml", "ll", "--out", "o")
    assert result.exit_code == 0
    names = {"executor", "journal", "on_epoch"}
    assert got == [(True, ["lml ll"], names, (folder / "o" / "results.jsonl").relative_to(folder))]
    text = (folder / "o" / "report.html").read_text(encoding="utf-8")
    assert "lossmix report --only neuron --beside lml ll" in text


def test_data_of_ones_own_go_to_the_studies_that_take_any(folder, stand_in, monkeypatch):
    got = []

    def takes_data(quick=True, data=None):
        got.append(data)
        return TINY

    (folder / "own.csv").write_text("1,2,0\n3,4,1\n5,6,0\n7,9,1\n")
    monkeypatch.setitem(STUDIES, "digits", takes_data)
    assert report("--data", "own.csv").exit_code == 0
    [data] = got
    np.testing.assert_array_equal(data.x[:, 1], [2, 4, 6, 9])
    text = (folder / "lossmix-report.html").read_text(encoding="utf-8")
    assert text.count("<section id=") == 2
    result = report("--data", "own.csv", "--only", "digits", "--only", "neuron")
    assert (result.exit_code, len(got)) == (2, 1)
    assert "--data is for digits: no --only of another part" in result.stderr


def test_the_commands_on_the_page_name_the_data(folder, monkeypatch):
    (folder / "my own.csv").write_text("1,2,0\n3,4,1\n5,6,0\n7,9,1\n")
    figure = Figure("A", "B", "<svg></svg>")
    monkeypatch.setitem(STUDIES, "digits", lambda data: replace(TINY, figures=(figure,)))
    assert report("--data", "my own.csv", "--only", "digits").exit_code == 0
    text = (folder / "lossmix-report.html").read_text(encoding="utf-8")
    assert "--data &#x27;my own.csv&#x27;</code>" in text


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize(
    "args", [["--only", "nothing"], ["--beside", "softmax", "x"], ["surplus"], ["--data", "x"]]
)
def test_wrong_usage_is_one_error_and_writes_nothing(folder, args):
    result = report(*args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("Error: ") == 1
    assert not [*folder.iterdir()]


@pytest.mark.usefixtures("stand_in")
def test_a_mix_that_cannot_be_judged_is_refused_before_anything_is_computed(folder):
    (folder / "short.py").write_text("def layer(z):\n    return z.astype('float32')\n")
    result = report("--beside", str(folder / "short.py:layer"), "ce")
    assert (result.exit_code, result.stdout) == (2, "")
    said = "Error: --beside: layer computes in float32, too few digits to judge it by\n"
    assert result.stderr.endswith(said)
    assert report("--beside", "short.py:layer", "ce", "--only", "digits").exit_code == 0


OWN = """from tinygrad_lossmix import cross_entropy


def halved(a, y):
    return 0.5 * cross_entropy(a, y)
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """All of it, made once, with a mix of one's own in every study: the folder, and the numbers."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "own.py").write_text(OWN)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = report("--beside", "sigmoid", "own:halved", "--out", ".")
    assert (result.exit_code, result.stdout) == (0, "report.html\n")
    return folder, json.loads((folder / "results.json").read_text())


@pytest.mark.slow
def test_every_statement_of_the_whole_holds_and_a_mix_of_ones_own_stands_in_every_study(whole):
    folder, found = whole
    assert found["holds"] == found["statements"] > 50
    studies = {each["name"]: each for each in found["studies"]}
    assert [*studies] == [*STUDIES]
    page = (folder / "report.html").read_text(encoding="utf-8")
    sections = dict(zip(studies, page.split("<section id=")[1:-1], strict=True))
    assert [name for name, text in sections.items() if "halved" not in text] == ["claims"]
    for name in ("boundaries", "published", "posterior"):
        accuracy = studies[name]["values"]["accuracy"]
        ours = accuracy["sigmoid + cross-entropy"]
        assert accuracy["sigmoid + halved"] == pytest.approx(ours, abs=0.01)


@pytest.mark.slow
def test_the_verdicts_of_the_whole_are_those_of_the_readme(whole):
    [verdicts] = [each for each in whole[1]["studies"] if each["name"] == "verdicts"]
    assert [row[:5] for row in verdicts["tables"][0]["rows"]] == [
        ["sigmoid ce", "yes", "yes", "yes", "yes"],
        ["sigmoid ll", "no", "yes", "no", "no"],
        ["sigmoid quadratic", "yes", "no", "no", "yes"],
        ["softmax ce", "yes", "no", "no", "no"],
        ["softmax ll", "yes", "yes", "yes", "no"],
        ["softmax quadratic", "yes", "no", "no", "no"],
        ["lml ce", "yes", "yes", "yes", "no"],
        ["sigmoid halved", "yes", "yes", "no", "yes"],
    ]


@pytest.mark.slow
def test_the_whole_in_a_browser(whole, chromium):
    """By the rules of axe-core, in each light and on a phone, where it scrolls in one way."""
    rules = browser.from_npm("axe-core", "axe.min.js").read_text(encoding="utf-8")
    path = whole[0] / "report.html"
    chromium.problems.clear()
    for screen in ({}, {"width": 390, "height": 844}):
        for light in ("light", "dark"):
            chromium.screen(**screen, prefers_color_scheme=light)
            chromium.open(path)
            chromium.ask(f"{rules};0")
            passed, violations = chromium.ask(VIOLATIONS)
            assert violations == []
            assert passed > 20
            assert chromium.ask("document.documentElement.scrollWidth <= innerWidth")
    assert chromium.problems == []
    made = report_picture.picture(chromium, path)
    kept = (Path(__file__).parents[2] / "docs" / "report.png").read_bytes()
    assert made[:24] == kept[:24]  # the size of a PNG
    assert max(len(made), len(kept)) < 250_000
