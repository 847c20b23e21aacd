"""Shared fixtures and hypothesis profiles.

`dev` is quick, `ci` deterministic, `deep` has many examples, `mutation` few.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings

from tinygrad_lossmix.engine.table import COMPOSED, PLAIN, TABLE

os.environ["COLUMNS"] = "100"  # the texts do not depend on where the tests are run

settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None, derandomize=True, database=None)
settings.register_profile(
    "mutation",
    max_examples=10,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # that a test fails is all there is to know
)
settings.register_profile(
    "deep",
    max_examples=10_000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))


@pytest.fixture
def own_table():
    """Whatever a test adds to the table of derivatives is gone after it."""
    kept = [(table, table.copy()) for table in (TABLE, COMPOSED, PLAIN)]
    yield TABLE
    for changed, before in kept:
        changed.clear()
        changed.update(before)
