"""The runner of the pages: what is true stays as it is, what is not is written again."""

import pytest

import tinygrad_lossmix as lm
from tests.helpers.blocks import changed, rewritten
from tests.helpers.quick import in_one


def page(language, *lines):
    return "\n".join(["A page.", "", f"```{language}", *lines, "```", "", "The end.", ""])


TRUE = [
    page("python", ">>> x = 1", "", ">>> x", "1"),
    page("python", ">>> print('one\\n\\nthree')", "one", "", "three", ">>> 3", "3"),
    page("python", ">>> for i in (1, 2):", "...     i", "1", "2"),
    page("python", ">>> int('z')", "Traceback (most recent call last):", "    ...",
         "ValueError: invalid literal for int() with base 10: 'z'"),
    page("python", ">>> 1e-15 * 1.1", "1.2e-15"),
    page("console", "$ lossmix --version", f"lossmix {lm.__version__}"),
    page("console", "$ python3 -m venv .venv"),
    page("bash", 'python -m pip install ".[draw,fast]" && lossmix compare'),
    page("bash", "python demos/01_first_gradient.py"),
]  # fmt: skip


@in_one("text", TRUE)
def test_what_is_true_stays_as_it_is(text):
    assert rewritten(text) == text


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ([">>> 1 + 1"], [">>> 1 + 1", "2"]),
        ([">>> 1 + 1", "3", "", ">>> 2"], [">>> 1 + 1", "2", "", ">>> 2", "2"]),
        ([">>> x = 1", "1"], [">>> x = 1"]),
        ([">>> 1e-3", "0.002"], [">>> 1e-3", "0.001"]),
    ],
)
def test_what_is_not_true_is_written_again(was, now):
    assert rewritten(page("python", *was)) == page("python", *now)


def test_a_page_that_is_not_true_is_a_difference(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(page("console", "$ lossmix --version", "lossmix 7"), encoding="utf-8")
    assert "-lossmix 7" in changed(path)
    path.write_text(rewritten(path.read_text(encoding="utf-8")), encoding="utf-8")
    assert changed(path) == []


def test_an_example_keeps_its_source_when_others_lose_theirs():
    """As compiled functions do, whenever the garbage collector comes to them."""
    text = page(
        "python",
        ">>> import inspect, linecache",
        ">>> linecache.cache |= dict.fromkeys('ab', (0, None, [], ''))",
        ">>> def two():",
        "...     return 2",
        ">>> del linecache.cache['a'], linecache.cache['b']",
        ">>> print(inspect.getsource(two).splitlines()[1])",
        "    return 2",
    )
    assert rewritten(text) == text


def test_a_shown_file_can_be_read_and_imported():
    text = page(
        "console",
        "$ cat mine.py",
        "def square(x):",
        "    return (x * x).sum()",
        "",
        "$ lossmix check mine:square --input 2",
        "",
    )
    assert "mine:square: gradcheck passed" in rewritten(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (page("console", "$ rm -r x"), "rm -r x"),
        (page("console", "$ lossmix verdict softmax nonsense"), "nonsense"),
        (page("console", "lossmix compare"), "begins with"),
        (page("python", "1 + 1"), "begins with"),
        (page("bash", "lossmix nonsense"), "nonsense"),
        (page("bash", "python demos/nothing.py"), "nothing"),
        (page("bash", 'pip install ".[nothing]"'), "nothing"),
    ],
)
def test_what_cannot_be_run_is_refused(text, problem):
    with pytest.raises((ValueError, AssertionError), match=problem):
        rewritten(text)
