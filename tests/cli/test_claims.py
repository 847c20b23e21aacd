"""`lossmix claims` as a user sees it."""

import functools
import json

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tests.helpers import once
from tinygrad_lossmix.answers import claims as catalogue
from tinygrad_lossmix.answers.claims import about_costs
from tinygrad_lossmix.answers.claims.claim import Claim
from tinygrad_lossmix.cli import main


def claims(*args: str) -> Result:
    return CliRunner().invoke(main, ["claims", *args])


ALL = catalogue.CLAIMS
CLAIMS = [x for x in vars(about_costs).values() if type(x) is Claim]


@pytest.fixture(autouse=True)
def quick_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those about costs alone, which take no time."""
    monkeypatch.setattr(catalogue, "CLAIMS", CLAIMS)


@pytest.fixture
def wrong(computed_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log-likelihood with a factor that does not belong there."""
    right = about_costs.log_likelihood
    monkeypatch.setattr(Claim, "answer", once.answer.__wrapped__)
    monkeypatch.setattr(about_costs, "log_likelihood", lambda a, y: 1.01 * right(a, y))


@functools.cache
def printed() -> str:
    """All that is printed at 100 columns, computed once for several tests."""
    result = claims()
    assert result.exit_code == 0
    return result.stdout


def test_every_claim_is_printed_with_what_came_out() -> None:
    flat = " ".join(printed().split())
    for claim in CLAIMS:
        answer = claim.answer()
        for words in (claim.said, claim.by, claim.expected, answer.obtained, claim.verdict):
            assert " ".join(words.split()) in flat
    assert f"{len(CLAIMS)} of {len(CLAIMS)} came out as expected" in flat
    assert "eq. 63" in flat


def test_output_is_plain_and_fits() -> None:
    assert "\x1b" not in printed()
    assert max(map(len, printed().splitlines())) <= 100


@pytest.mark.slow
def test_output_fits_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(catalogue, "CLAIMS", ALL)
    assert f"{len(ALL)} of {len(ALL)} came out as expected" in claims().stdout
    assert max(map(len, claims().stdout.splitlines())) <= 80


def test_json_is_one_object_with_a_record_for_each_claim() -> None:
    found = json.loads(claims("--json").stdout)["claims"]
    assert [each["claim"] for each in found] == [claim.said for claim in CLAIMS]
    for each in found:
        assert set(each) == {"claim", "by", "expected", "obtained", "verdict", "holds"}
        assert each["holds"] is True


@pytest.mark.usefixtures("wrong")
def test_a_claim_that_comes_out_otherwise_exits_1_and_is_marked() -> None:
    result = claims()
    assert result.exit_code == 1
    assert result.stdout.count("UNEXPECTED") >= 2
    assert f"LL {1.01 * np.log(1 / 0.55):.10f}" in result.stdout
    assert f"{len(CLAIMS)} of {len(CLAIMS)}" not in result.stdout


@pytest.mark.slow
@pytest.mark.usefixtures("wrong")
def test_json_says_so_too() -> None:
    result = claims("--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)["claims"]
    assert not all(each["holds"] for each in found)
    assert any(each["holds"] for each in found)
