"""`lossmix page` as a user sees it."""

import tempfile
import webbrowser
from pathlib import Path

import pytest
from click.testing import CliRunner

from tinygrad_lossmix.cli import main


def page(*args):
    return CliRunner().invoke(main, ["page", *args])


@pytest.fixture
def browser(monkeypatch, tmp_path):
    """What would have been opened; `there` False: there is none."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    class Browser:
        opened, there = [], True

        def open(self, url):
            self.opened.append(url)
            return self.there

    found = Browser()
    monkeypatch.setattr(webbrowser, "open", found.open)
    return found


@pytest.mark.parametrize(("args", "name"), [((), "softmax-ll"), (("sigmoid", "ce"), "sigmoid-ce")])
def test_without_a_file_the_browser_shows_it_and_the_path_is_printed(browser, args, name):
    result = page(*args)
    assert (result.exit_code, result.stderr) == (0, "")
    path = Path(result.stdout.removesuffix("\n"))
    assert path.name == f"{name}.html"
    assert path.read_text("utf-8").startswith("<!doctype html>")
    assert path.parent.stat().st_mode & 0o077 == 0
    assert browser.opened == [path.as_uri()]


@pytest.mark.parametrize("raises", [False, True])
def test_where_there_is_no_browser_it_says_so(browser, monkeypatch, raises):
    browser.there = False
    if raises:

        def none(url):
            raise webbrowser.Error("could not locate runnable browser")

        monkeypatch.setattr(webbrowser, "open", none)
    result = page()
    assert result.exit_code == 0
    assert Path(result.stdout.removesuffix("\n")).is_file()
    assert result.stderr == f"there is no browser here: open {result.stdout.strip()} in one\n"


def test_with_a_file_no_browser_is_opened(browser, tmp_path):
    assert page("-o", str(tmp_path / "steps.html")).exit_code == 0
    assert browser.opened == []


def test_the_page_is_written_and_named_on_stderr(tmp_path):
    path = tmp_path / "steps.html"
    result = page("softmax", "ll", "--z", "-1,2,0", "--y", "2", "-o", str(path))
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"{path}\n")
    text = path.read_text("utf-8")
    assert "<title>softmax + log-likelihood: C = 2.17</title>" in text
    assert "[-1, 2, 0]" in text


def test_overflow_is_shown_without_warnings(tmp_path):
    path = tmp_path / "steps.html"
    result = page("softmax", "ll", "--z", "1000,0", "-o", str(path))
    assert (result.exit_code, result.stderr) == (0, f"{path}\n")
    assert "C = nan" in path.read_text("utf-8")


def test_another_mix_is_stepped_beside_it(tmp_path):
    path = tmp_path / "steps.html"
    result = page("softmax", "ll", "--beside", "sigmoid", "ll", "-o", str(path))
    assert (result.exit_code, result.output) == (0, f"{path}\n")
    written = path.read_text("utf-8")
    assert written.count("<svg") == 2
    assert "sigmoid + log-likelihood: C = 0.1269" in written
