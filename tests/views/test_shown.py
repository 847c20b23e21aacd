"""Something drawn, shown: where there is a notebook in it, else in a browser."""

import sys
import tempfile
import types
import webbrowser
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

import tinygrad_lossmix as lm

PICTURES = pytest.mark.parametrize(
    "shown",
    [
        lm.draw(lm.Tensor(2.0, name="x") * 3.0),
        lm.field(lm.Mix("softmax", "ll")),
        lm.page(lm.Tensor(2.0, name="x") * 3.0),
    ],
    ids=["drawing", "field", "page"],
)


@pytest.fixture
def opened(monkeypatch, tmp_path):
    """The files that a browser was given."""
    found = []
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(webbrowser, "open", lambda url: not found.append(urlparse(url).path))
    return found


def notebook(monkeypatch, shell):
    """IPython, with this shell; what it displayed."""
    displayed = []
    ipython, display = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    ipython.get_ipython = lambda: shell
    display.display = displayed.append
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return displayed


@PICTURES
def test_it_is_opened_in_a_browser(shown, opened, capsys):
    shown.show()
    (path,) = map(Path, map(unquote, opened))
    content = shown.html if path.suffix == ".html" else shown.svg()
    assert path.name.startswith(f"{type(shown).__name__.lower()}.")
    assert path.read_text("utf-8") == content
    assert capsys.readouterr() == ("", "")


def test_without_a_browser_the_file_is_named(opened, monkeypatch, capsys):
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    shown = lm.draw(lm.Tensor(2.0) * 3.0)
    shown.show()
    said = capsys.readouterr().err
    assert said.startswith("there is no browser here: open ")
    assert Path(said.split("open ")[1].removesuffix(" in one\n")).read_text("utf-8") == shown.svg()


@PICTURES
def test_a_notebook_displays_it(shown, opened, monkeypatch):
    displayed = notebook(monkeypatch, types.SimpleNamespace(kernel=None))
    shown.show()
    assert displayed == [shown]
    assert not opened


def test_ipython_in_a_terminal_is_no_notebook(opened, monkeypatch):
    displayed = notebook(monkeypatch, types.SimpleNamespace())
    lm.draw(lm.Tensor(2.0) * 3.0).show()
    assert not displayed
    assert len(opened) == 1


def test_without_a_renderer_the_error_says_what_to_install(opened, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(RuntimeError, match=r"tinygrad_lossmix\[draw\]"):
        lm.draw(lm.Tensor(2.0) * 3.0).show()
    assert not opened
