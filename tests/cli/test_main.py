"""The command `lossmix` itself: its help, its exit codes."""

import os
import shlex
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from tinygrad_lossmix import cli
from tinygrad_lossmix.cli import COMMANDS, main

NAMES = [name for commands in COMMANDS.values() for name in commands]


def lossmix(*args: str, **kwargs: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "tinygrad_lossmix", *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **kwargs)


def with_command(monkeypatch: pytest.MonkeyPatch, body: object) -> None:
    """Put a command `probe` with this body into the group."""
    command = click.command("probe")(body)
    monkeypatch.setattr(main, "get_command", lambda ctx, name: command)


@pytest.mark.parametrize("args", [[], ["--help"], ["-h"]])
def test_help_lists_every_command_under_its_group(args: list[str]) -> None:
    result = CliRunner().invoke(main, args)
    assert result.exit_code == 0
    for group, commands in COMMANDS.items():
        assert (f"{group}:" in result.output) == bool(commands)
        for name, line in commands.items():
            assert name in result.output
            assert line in result.output


@pytest.mark.parametrize("name", NAMES)
def test_every_command_explains_itself(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert f"lossmix {name}" in result.output.replace("main", "lossmix")


def test_version_is_printed() -> None:
    result = CliRunner().invoke(main, ["--version"])
    assert result.exit_code == 0
    assert result.output.startswith("lossmix")


def test_python_m_is_the_command() -> None:
    result = lossmix("--help")
    assert result.returncode == 0
    assert result.stdout.startswith("Usage: lossmix")


def test_help_imports_no_command() -> None:
    code = (
        "import sys; from tinygrad_lossmix.cli import main;"
        "main(['--help'], standalone_mode=False);"
        "sys.exit('rich' in sys.modules or 'tinygrad_lossmix.lab' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode == 0


@pytest.mark.parametrize("code", [0, 1])
def test_a_command_chooses_its_exit_code(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    with_command(monkeypatch, lambda: click.get_current_context().exit(code))
    assert CliRunner().invoke(main, ["probe"]).exit_code == code


def test_interruption_exits_130_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def body() -> None:
        raise KeyboardInterrupt

    with_command(monkeypatch, body)
    result = CliRunner().invoke(main, ["probe"])
    assert (result.exit_code, result.stderr.strip()) == (cli.INTERRUPTED, "interrupted")


@pytest.mark.parametrize("word", ["probe", "--help"])
def test_a_reader_that_leaves_is_no_error(word: str) -> None:
    read, write = os.pipe()
    os.close(read)
    code = (
        "import click; from tinygrad_lossmix.cli import main;"
        "main.get_command = lambda ctx, name: click.command()(lambda: print('x' * 100_000));"
        f"main(['{word}'])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE, text=True, timeout=60
    )
    os.close(write)
    assert (result.returncode, result.stderr) == (cli.PIPE_CLOSED, "")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ("doctor <&- >&-", ""),
        ("step softmax ll -c next <&- >&-", ""),
        ("diagnose - <&-", "Error: no loss found: expected lines such as loss=0.69"),
    ],
)
def test_without_a_stream_nothing_is_read_or_written(args: str, said: str) -> None:
    words = f"{shlex.quote(sys.executable)} -m tinygrad_lossmix {args}"
    result = subprocess.run(["sh", "-c", words], capture_output=True, text=True, timeout=60)
    assert result.stderr.startswith(said)
    assert result.stderr.count("\n") == bool(said)


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["cp437", "ascii", "latin-1"])
def test_letters_the_terminal_lacks_are_replaced(encoding: str) -> None:
    env = {**os.environ, "PYTHONIOENCODING": encoding}
    result = lossmix("step", "--batch", "-c", "next", env=env)
    assert result.returncode == 0
    assert result.stdout.startswith("[1/8] C = -n6  -> n6  log-likelihood cost C, eq. (80)\n")


def test_a_terminal_of_ascii_gets_ascii_only() -> None:
    env, one = {**os.environ, "PYTHONIOENCODING": "ascii"}, ("--mixes", "softmax ll")
    tree, verdicts = lossmix("draw", env=env), lossmix("verdict", *one, env=env)
    assert (tree.returncode, verdicts.returncode) == (0, 0)
    assert (tree.stdout + verdicts.stdout).isascii()
    assert "\n|- n4 = log(a) " in tree.stdout
    assert "\n`- y, constant " in tree.stdout


@pytest.mark.parametrize(
    ("typed", "advice"),
    [
        ("verdit", "did you mean verdict?"),
        ("compar", "did you mean compare?"),
        ("steps", "did you mean step?"),
        ("frobnicate", "lossmix --help lists the commands"),
    ],
)
def test_a_word_that_is_no_command_is_answered_with_the_nearest(typed: str, advice: str) -> None:
    result = CliRunner().invoke(main, [typed, "softmax", "ll"])
    assert result.exit_code == 2
    assert result.stderr.endswith(f"Error: there is no command {typed!r}: {advice}\n")


@pytest.mark.parametrize(
    "args",
    [
        ["\x1b[31m"],
        ["--\x1b[31m"],
        ["compare", "--data", "\x1b[31m.csv"],
        ["compare", "--mixes", "\x1b[31m x"],
        ["compare", "\x1b[31m"],
        ["draw", "-o", "\x1b[31m/x.svg"],
        ["step", "--beside", "softmax", "\x1b[31m", "--batch"],
        ["diagnose", "--npz", "\x1b[31m.npz"],
        ["check", "\x1b[31m:f", "--input", "3"],
        ["plateau", "1", "--classes", "\x1b[31m"],
        ["verdict", "softmax", "\x1b[31m"],
        ["delta", "\x1b[31m", "ce"],
        ["prove", "softmax", "\x1b[31m"],
        ["diagnose", "\x1b[31m"],
        ["diagnose", "1.0", "--accuracy", "\x1b[31m"],
    ],
    ids=repr,
)
def test_what_was_typed_reaches_the_terminal_as_printable_letters(args: list[str]) -> None:
    result = CliRunner().invoke(main, args)
    assert result.exit_code == 2
    assert "\\x1b[31m" in result.stderr
    assert result.output.replace("\n", "").isprintable()


def test_a_file_with_an_escape_sequence_in_its_name_is_named_in_printable_letters(tmp_path) -> None:
    x = "\n".join(f"{i % 7},{i % 2}" for i in range(20))
    path = tmp_path / "a\x1b[31m.csv"
    path.write_text(x)
    fast = ["--seeds", "1", "--epochs", "1", "--mixes", "softmax ll"]
    out = tmp_path / "out\x1b[31m"
    result = CliRunner().invoke(main, ["compare", "--data", str(path), *fast, "--out", str(out)])
    assert result.exit_code == 0
    assert result.stdout.startswith("a\\x1b[31m.csv: 20 examples")
    assert (out / "results.json").is_file()
    drawn = CliRunner().invoke(main, ["draw", "-o", str(tmp_path / "b\x1b[31m.dot")])
    assert drawn.exit_code == 0
    for text in (result.output, drawn.output):
        assert text.replace("\n", "").isprintable()
