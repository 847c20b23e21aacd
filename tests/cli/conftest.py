"""What the commands print is tested here; what they compute, in tests/answers."""

import pytest

from tests.helpers import once


@pytest.fixture(autouse=True)
def computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer is computed once for all tests of the commands."""
    once.in_commands(monkeypatch)
