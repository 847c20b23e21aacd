"""`lossmix delta` as a user sees it."""

import json

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tinygrad_lossmix.cli import main
from tinygrad_lossmix.mixes.mix import MIXES

WORDS = [(mix.output, mix.cost_name) for mix in MIXES]


def delta(*args: str, **env: str) -> Result:
    return CliRunner().invoke(main, ["delta", *args], env=env)


@pytest.mark.parametrize("mix", WORDS, ids=" ".join)
def test_every_mix_is_reported(mix: tuple[str, str]) -> None:
    result = delta(*mix, "--z", "2,1,0", "--y", "0")
    assert result.exit_code == 0
    assert "delta is a - y here" in result.stdout or "delta is not a - y here" in result.stdout
    assert "Jacobian" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100


def test_a_row_holds_all_that_leads_to_delta() -> None:
    [row] = [x for x in delta("softmax", "ll").stdout.splitlines() if x.startswith("0  ")]
    cells = [float(cell) for cell in row.split()]
    expected = [0, 2, 1, 0.6652, -1.503, -0.3348, -0.3348, -0.3348, -0.3348]
    np.testing.assert_allclose(cells, expected, rtol=1e-3)


def test_two_mixes_stand_side_by_side() -> None:
    result = delta("softmax", "ll", "--z", "2,1,0", "--y", "0", "--beside", "sigmoid", "ll")
    [row] = [x for x in result.stdout.splitlines() if x.startswith("1 ")]
    left, right = row.split("|")[1:]
    assert [float(x) for x in left.split()] == pytest.approx([0.2447, 0, 0.2447, 0.2447])
    assert [float(x) for x in right.split()] == pytest.approx([0.7311, 0, 0, 0.7311])
    assert "softmax + log-likelihood" in result.stdout
    assert "Wrong classes get exactly 0" in " ".join(result.stdout.split())


def test_json_has_a_record_per_mix() -> None:
    result = delta(
        "softmax", "ll", "--z", "2,1,0", "--y", "0,1,0", "--beside", "sigmoid", "ce", "--json"
    )
    found = json.loads(result.stdout)
    assert (found["z"], found["y"]) == ([2, 1, 0], [0, 1, 0])
    assert [(m["output"], m["cost"]) for m in found["mixes"]] == [
        ("softmax", "ll"),
        ("sigmoid", "ce"),
    ]
    for mix in found["mixes"]:
        a_minus_y = np.array(mix["a"]) - found["y"]
        np.testing.assert_allclose(mix["delta"]["closed_form"], a_minus_y, atol=1e-12)
        np.testing.assert_allclose(np.array(mix["dC_da"]) @ mix["jacobian"], a_minus_y, atol=1e-12)


@pytest.mark.parametrize("mix", WORDS, ids=" ".join)
def test_an_overflow_of_the_book_is_reported_and_is_no_failure(mix: tuple[str, str]) -> None:
    args = (*mix, "--z", "1000,0,-1000", "--y", "1")
    result = delta(*args)
    assert result.exit_code == 0
    assert "The book's graph cannot be computed here" in " ".join(result.stdout.split())
    record = json.loads(delta(*args, "--json").stdout)["mixes"][0]
    assert None in record["delta"]["engine"]
    assert None not in record["delta"]["closed_form"]


@pytest.mark.parametrize("columns", [80, 100, 60])
def test_words_are_wrapped_to_the_terminal(columns: int) -> None:
    lines = delta("softmax", "ce", COLUMNS=str(columns)).stdout.splitlines()
    words = lines[lines.index("", 9) + 1 :]
    assert max(map(len, words)) <= columns
