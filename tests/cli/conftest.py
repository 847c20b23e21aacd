"""What the commands print is tested here; what they compute, in tests/answers."""

import pytest

from tests.helpers import once
from tinygrad_lossmix.answers.claims.claim import Claim
from tinygrad_lossmix.registry import HIGHER


@pytest.fixture(autouse=True)
def computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer is computed once for all tests of the commands."""
    monkeypatch.setitem(HIGHER, "verdict", once.verdict_on)
    monkeypatch.setattr("tinygrad_lossmix.cli.verdict.verdict", once.verdict_on)
    monkeypatch.setattr("tinygrad_lossmix.cli.match.table", once.rows)
    monkeypatch.setattr(Claim, "answer", lambda claim: once.answer(claim))
