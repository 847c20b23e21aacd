"""`lossmix page` as a user sees it."""

import pytest
from click.testing import CliRunner

from tinygrad_lossmix.cli.page import command


def page(*args):
    return CliRunner().invoke(command, args)


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


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["softmax", "hinge", "-o", "x.html"], "there is no mix 'softmax' with 'hinge'"),
        (["softmax", "ll", "-o", "no/such/folder/x.html"], "cannot be written: No such file"),
        (["softmax", "ll", "--y", "5", "-o", "x.html"], "--y classes are 0"),
        (["softmax", "ll"], "Missing option '-o'"),
    ],
)
def test_a_mistake_is_a_usage_error_in_one_line(args, words):
    result = page(*args)
    assert (result.exit_code, result.stdout) == (2, "")
    error = result.stderr[result.stderr.index("Error: ") :]
    assert words in error
    assert error.count("\n") == 1
