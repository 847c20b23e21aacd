"""Shared fixtures and hypothesis profiles.

`default` is the same examples everywhere, with CI set or not, and `more` are more of them;
`explore` is random, for the whole suite before a piece of work is called done; `deep` is for the
theorems, `mutation` for mutmut. Choose one with --hypothesis-profile.
"""

import gc
import os

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.helpers import browser
from tests.helpers.late_rows import is_late
from tinygrad_lossmix.engine.table import COMPOSED, PLAIN, TABLE

os.environ["COLUMNS"] = "100"  # the texts do not depend on where the tests are run

FIXED = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],  # of a busy machine
)
settings.register_profile("default", FIXED, max_examples=6)
settings.register_profile("more", FIXED, max_examples=24)
settings.register_profile(
    "mutation",
    FIXED,
    max_examples=10,
    phases=[Phase.explicit, Phase.generate],  # that a test fails is all there is to know
)
settings.register_profile(
    "explore",
    max_examples=1_000,
    deadline=None,
    derandomize=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("deep", settings.get_profile("explore"), max_examples=10_000)
settings.load_profile("default")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """-n auto: the processors this process may use, up to four, since each worker imports all."""
    if hasattr(os, "sched_getaffinity"):
        return min(4, len(os.sched_getaffinity(0)))
    return min(4, os.cpu_count() or 1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """To rewrite every assert takes each worker 10 s: instead a failure shows the local variables,
    and the file alone, run without -n, what was compared.
    """
    asked = os.environ.get("PYTEST_ADDOPTS", "")
    os.environ["PYTEST_ADDOPTS"] = f"--assert=plain --showlocals {asked}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """By what the tests share; but the slow ones, which are long by themselves, one by one."""
    if config.option.markexpr != "not slow" or config.option.dist != "load":
        return None
    from tests.helpers.together import Together

    return Together(config, log)


def pytest_collection_finish() -> None:
    """What has been imported and collected is no garbage: to look through it takes 0.2 s."""
    gc.freeze()
    gc.set_threshold(20_000, 20)  # to look through what a test makes, 3 % of the time


@pytest.fixture(autouse=True)
def own_table():
    """Whatever a test adds to the table of derivatives is gone after it.

    But not the rows of a module of ours that it was the first to import.
    """
    kept = [(table, table.copy()) for table in (TABLE, COMPOSED, PLAIN)]
    yield TABLE
    if all(changed == before for changed, before in kept):
        return
    late = {f: row for f, row in TABLE.items() if is_late(f)}
    for changed, before in kept:
        changed.clear()
        changed.update(before)
    TABLE.update({f: row for f, row in late.items() if f not in TABLE})


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """A real browser; one for all tests."""
    path = browser.chromium()
    if path is None:
        assert "CI" not in os.environ, ".ci/run installs Chromium, but it is not there"
        pytest.skip("there is no Chromium on this machine")
    with browser.running(path, tmp_path_factory.mktemp("browser")) as running:
        yield running
