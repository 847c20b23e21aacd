import pytest

from tinygrad_lossmix.engine import table


@pytest.fixture
def own_table():
    """Whatever a test adds to the table is gone after it."""
    kept = [(t, t.copy()) for t in (table.TABLE, table.COMPOSED, table.PLAIN)]
    yield table.TABLE
    for changed, before in kept:
        changed.clear()
        changed.update(before)
