"""The page in a real browser, for the tests of its parts."""

import pytest

import tinygrad_lossmix as lm


@pytest.fixture
def opened(chromium, tmp_path):
    """Opens the page of a cost, at a place such as `#step=3`; the console stays silent."""
    chromium.problems.clear()

    def open_page(cost, at="", names=None, beside=None, **screen):
        chromium.screen(**screen)
        path = lm.page(cost, tmp_path / "steps.html", names=names, beside=beside)
        chromium.open(path, at)
        return chromium

    yield open_page
    assert chromium.problems == []
