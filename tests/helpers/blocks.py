"""The code blocks of README.md and docs/: run again, and written with what they print now.

    python -m tests.helpers.blocks --write README.md docs/*.md

A `python` block holds examples as in a docstring; the blocks of a page share their names, and an
output may have blank lines. A `console` block is a session: `lossmix` is run in an empty folder, 80
columns wide; `cat` makes the file that it shows; what sets up an environment is not run. The lines
of a `bash` block are not run: what they name has to be there. A `mermaid` block is the graph.mmd
that a session before it has written.
"""

import concurrent.futures
import contextlib
import difflib
import io
import itertools
import linecache
import math
import os
import re
import shlex
import sys
import tempfile
import tomllib
import unittest.mock
from pathlib import Path
from unittest import mock

import click

from tinygrad_lossmix.cli import COMMANDS, main
from tinygrad_lossmix.testing import properties

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
WIDTH = "80"
NOT_RUN = {"git", "cd", "python3", "."}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
EXAMPLE = re.compile(r"(>>> [^\n]*\n(?:\.\.\.(?: [^\n]*)?\n)*)(.*?)(\n*)\Z", re.DOTALL)
COMMAND = re.compile(r"\$ ([^\n]*)\n(.*?)(\n*)\Z", re.DOTALL)

_count = itertools.count()


def fences(text, language):
    """The blocks of a language."""
    return [block for name, block in FENCE.findall(text) if name == language]


def changed(path):
    """What the blocks of a page print otherwise today, as lines of a diff: none, if it is true."""
    text = path.read_text(encoding="utf-8")
    lines = (part.splitlines() for part in (text, rewritten(text)))
    return list(difflib.unified_diff(*lines, path.name, "today", lineterm="", n=1))


def rewritten(text):
    """A page with what its blocks print now; they run in a folder of their own, in their order."""
    names = {"__name__": "__main__"}
    run = {
        "python": lambda block: examples(block, names),
        "console": session,
        "bash": checked,
        "mermaid": lambda block: Path("graph.mmd").read_text(encoding="utf-8"),
    }
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), at_home(folder):
        return FENCE.sub(
            lambda fence: f"```{fence[1]}\n{run.get(fence[1], str)(fence[2])}```", text
        )


@contextlib.contextmanager
def at_home(folder):
    """Modules of the folder can be imported, and are forgotten; output is 80 columns wide, and a
    counterexample is made as small as it gets, however long that takes.
    """
    before = set(sys.modules)
    with (
        mock.patch.dict(os.environ, COLUMNS=WIDTH),
        mock.patch.object(sys, "path", list(sys.path)),
        mock.patch.object(properties, "PATIENCE", math.inf),
    ):
        yield
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(folder):
            del sys.modules[name]


def examples(block, names):
    """A Python block, with the outputs of today."""

    def again(part):
        source, old, gap = EXAMPLE.match(part).groups()
        code = "".join(line[4:] or "\n" for line in source.splitlines(keepends=True))
        return source + followed(old, printed_by(code, names), gap)

    return "".join(map(again, parts(block, ">>> ")))


def parts(block, prompt):
    """A block, cut before each prompt."""
    before, *found = re.split(rf"^(?={re.escape(prompt)})", block, flags=re.MULTILINE)
    if before or not found:
        raise ValueError(f"a block begins with {prompt!r}, not {block[:40]!r}")
    return found


def printed_by(code, names):
    """What an example prints at a prompt; of an exception, its name and message."""
    name = f"<example {next(_count)}>"
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        try:
            exec(compile(code, name, "single"), names)
        except Exception as error:
            print(f"Traceback (most recent call last):\n    ...\n{type(error).__name__}: {error}")
    return output.getvalue()


def session(block):
    """A console block, with the outputs of today."""

    def again(part):
        command, old, gap = COMMAND.match(part).groups()
        words = shlex.split(command)
        if words[0] == "cat":
            Path(words[1]).write_text(old, encoding="utf-8")
        elif words[0] == "lossmix":
            return f"$ {command}\n" + followed(old, printed_by_lossmix(words[1:]), gap)
        elif words[0] not in NOT_RUN:
            raise ValueError(f"{command!r} is not a command that a page can show")
        return part

    return "".join(map(again, parts(block, "$ ")))


def printed_by_lossmix(words):
    """What a command shows in a terminal."""
    output = io.StringIO()
    words, file = (words[:-2], words[-1]) if words[-2:-1] == ["<"] else (words, os.devnull)
    with (
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(output),
        open(file, encoding="utf-8") as lines,
        unittest.mock.patch.object(sys, "stdin", lines),
    ):
        try:
            main(words, prog_name="lossmix", standalone_mode=False)
        except click.ClickException as error:
            raise ValueError(f"{' '.join(words)}: {error.format_message()}") from None
    return output.getvalue()


def followed(old, new, gap):
    """An output and what follows it: the old, if the new differs from it in the last bits of exp
    only, which depend on the processor.
    """

    def without_rounding(text):
        lines = [line.rstrip() for line in text.rstrip().splitlines()]
        return [re.sub(r"\d(\.\d+)?e-(09|1\d)\b", "tiny", line) for line in lines]

    if without_rounding(old) == without_rounding(new):
        return old + gap
    lines = [f"{line}\n" for line in map(str.rstrip, new.rstrip().splitlines())]
    return "".join(lines) + (gap[1:] if old else gap)


def checked(block):
    """A bash block as it is: its commands, extras and files are there."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    commands = {name for group in COMMANDS.values() for name in group}
    for line in block.splitlines():
        for _, *words in re.findall(r"(\blossmix) (\w+)", line):
            assert set(words) <= commands, line
        for words in re.findall(r'"\.\[(.*?)\]"', line):
            assert set(words.split(",")) <= set(extras), line
        for path in re.findall(r"[\w/]+\.py\b", line):
            assert (ROOT / path).is_file(), line
    return block


def write(path):
    import tests.conftest  # noqa: F401  the profile of hypothesis

    text = path.read_text(encoding="utf-8")
    path.write_text(rewritten(text), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] != ["--write"]:
        sys.exit(__doc__)
    pages = map(Path, sys.argv[2:])
    with concurrent.futures.ProcessPoolExecutor(2, max_tasks_per_child=1) as pool:
        list(pool.map(write, [page.resolve() for page in pages]))
