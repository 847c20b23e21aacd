"""`lossmix verdict` as a user sees it."""

import itertools
import json
import re

import pytest
from click.testing import CliRunner, Result

from tests.helpers.once import verdict_on
from tests.helpers.quick import thinned
from tinygrad_lossmix.cli import main
from tinygrad_lossmix.mixes.mix import MIXES, Mix

NAMES = [f"{mix.output} {mix.cost_name}" for mix in MIXES]


@pytest.fixture(autouse=True)
def no_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


def verdict(*args: str) -> Result:
    return CliRunner().invoke(main, ["verdict", *args])


@pytest.mark.parametrize("name", NAMES)
def test_one_mix_is_answered_with_its_verdict(name: str) -> None:
    result = verdict(*name.split())
    assert result.exit_code == 0
    assert result.stdout == verdict_on(Mix(*name.split()), 3).text(100) + "\n"


def test_long_names_are_names() -> None:
    assert verdict("softmax", "cross-entropy").stdout == verdict("softmax", "ce").stdout


def test_classes_are_the_number_of_outputs() -> None:
    assert re.search("convex in z +yes", verdict("softmax", "ce", "--classes", "2").stdout)
    assert re.search("convex in z +no", verdict("softmax", "ce", "--classes", "3").stdout)
    assert "one output" in verdict("sigmoid", "ce", "--classes", "1").stdout


def test_a_table_is_of_the_mixes_that_are_asked_for() -> None:
    assert re.search(r"lml ce +(yes +){3}no +none", verdict("--mixes", "lml ce").stdout)
    assert verdict("softmax", "ll", "--mixes", "all").exit_code == 2


def test_without_a_mix_there_is_a_row_and_advice_for_all_six() -> None:
    result = verdict()
    assert result.exit_code == 0
    table, advice = result.stdout.split("Advice")
    for name in NAMES:
        found = verdict_on(Mix(*name.split()), 3)
        answers = found.proper, found.convex, found.a_minus_y, found.several
        words = " +".join("yes" if answer else "no" for answer in answers)
        assert re.search(rf"^ ?{name} +{words} +\w", table, re.MULTILINE)
        assert re.search(rf"^{name} +\w", advice, re.MULTILINE)


@pytest.mark.parametrize(
    ("columns", "classes"), thinned(itertools.product([80, 100], ["3", "2", "1", "10"]), 8)
)
def test_output_is_plain_and_fits(
    monkeypatch: pytest.MonkeyPatch, columns: int, classes: str
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for args in ([], ["softmax", "quadratic"]):
        result = verdict(*args, "--classes", classes)
        assert "\x1b" not in result.stdout
        assert "…" not in result.stdout
        assert max(map(len, result.stdout.splitlines())) <= columns


@pytest.mark.parametrize("classes", thinned(["3", "2", "1"], 3))
def test_json_is_one_object_with_a_record_for_each_mix(classes: str) -> None:
    found = json.loads(verdict("--json", "--classes", classes).stdout)["mixes"]
    assert [f"{each['output']} {each['cost']}" for each in found] == NAMES
    for each, mix in zip(found, MIXES, strict=True):
        expected = verdict_on(mix, int(classes)).record()
        assert {name: each[name] for name in expected} == expected
        assert "NaN" not in json.dumps(each)


def test_json_of_one_mix_holds_its_witnesses() -> None:
    (mix,) = json.loads(verdict("softmax", "ce", "--json").stdout)["mixes"]
    assert (mix["proper"], mix["convex"], mix["a_minus_y"]) == (True, False, False)
    assert mix["evidence"]["curvature"]["eigenvalue"] < 0
    assert len(mix["evidence"]["curvature"]["z"]) == 3
    assert len(mix["evidence"]["minima"]) >= 4


@pytest.mark.parametrize("args", [["softmax"], ["softmax", "hinge"]], ids=" ".join)
def test_an_unknown_mix_is_answered_with_the_six(args: list[str]) -> None:
    stderr = " ".join(verdict(*args).stderr.split())
    assert all(name in stderr for name in NAMES)
