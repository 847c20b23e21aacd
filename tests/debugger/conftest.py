"""A real browser for the tests of the page."""

import os

import pytest

from tests.helpers import browser


@pytest.fixture(scope="package")
def chromium(tmp_path_factory):
    """One browser for this folder."""
    path = browser.chromium()
    if path is None:
        assert "CI" not in os.environ, ".ci/run installs Chromium, but it is not there"
        pytest.skip("there is no Chromium on this machine")
    with browser.running(path, tmp_path_factory.mktemp("browser")) as running:
        yield running
