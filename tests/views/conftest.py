import pytest

from tests.helpers import browser
from tinygrad_lossmix import Mix, Tensor

PAGE = '<!doctype html><meta charset="utf-8"><script src="{}"></script><body></body>'


@pytest.fixture(params=["dot", "pygraphviz"])
def renderer(request, monkeypatch, tmp_path):
    """Drawn by each of the two."""
    if request.param == "pygraphviz":
        monkeypatch.setenv("PATH", str(tmp_path))
    return request.param


@pytest.fixture
def cost():
    """Softmax with log-likelihood, differentiated."""
    cost = Mix("softmax", "ll").composed(Tensor([2.0, 1.0, 0.0], name="z"), 0)
    cost.backward()
    return cost


@pytest.fixture(scope="module")
def mermaid(chromium, tmp_path_factory):
    """A browser that has loaded Mermaid."""
    page = tmp_path_factory.mktemp("mermaid") / "page.html"
    page.write_text(PAGE.format(browser.from_npm("mermaid", "dist/mermaid.min.js").as_uri()))
    chromium.screen()
    chromium.open(page)
    chromium.ask("mermaid.initialize({startOnLoad: false, maxEdges: 5000, maxTextSize: 1e6})")
    return chromium
