"""`lossmix plateau` as a user sees it."""

import json

import pytest
from click.testing import CliRunner, Result

from tinygrad_lossmix.cli import main


def plateau(*args: str, **env: str) -> Result:
    return CliRunner().invoke(main, ["plateau", *args], env=env)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["2.3026", "--classes", "10"], "uniform"),
        (["2.30"], "uniform"),
        (["0.74"], "softmax twice"),
        ([".7437", "--classes", "4"], "softmax twice"),
        (["1.5592", "--classes", "10", "--accuracy", ".91"], "softmax twice"),
        (["1.5592", "--classes", "10", "--accuracy", "91%"], "softmax twice"),
        (["6.5515", "--classes", "10"], "sigmoid twice"),
        (["3.2508", "--classes", "10"], "prior"),
        (["27.6310"], "clamp"),
        (["16.118"], "clamp"),
        (["100"], "clamp"),
        (["-0.91", "--accuracy", ".91"], "without a logarithm"),
    ],
)
def test_the_first_match_says_it_in_one_word(args: list[str], words: str) -> None:
    result = plateau(*args)
    assert result.exit_code == 0
    first = next(line for line in result.stdout.splitlines() if line.startswith("1. "))
    assert words in first


def test_nothing_fits_is_said_plainly_and_is_no_failure() -> None:
    result = plateau("1.2345", "--classes", "10")
    assert result.exit_code == 0
    assert "nothing fits" in result.stdout
    assert json.loads(plateau("1.2345", "--classes", "10", "--json").stdout)["matches"] == []


def test_json_is_one_object_with_matches() -> None:
    found = json.loads(plateau("0.6931", "--json").stdout)
    assert found["loss"] == 0.6931
    assert len(found["matches"]) >= 5
    for match in found["matches"]:
        assert {"name", "cost", "formula", "reduction", "value", "exact", "classes"} < set(match)
        assert abs(match["value"] - 0.6931) < 0.01


def test_the_digits_that_were_typed_count() -> None:
    assert "nothing fits" in plateau("4.600").stdout
    assert "K = 99" in plateau("4.595").stdout


@pytest.mark.parametrize("columns", [80, 100])
def test_lines_are_wrapped_to_the_terminal(columns: int) -> None:
    for args in (["0.6931"], ["1.56", "--classes", "10", "--accuracy", ".90"], ["1.9"]):
        lines = plateau(*args, COLUMNS=str(columns)).stdout.splitlines()
        assert max(map(len, lines)) <= columns
