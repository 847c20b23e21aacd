"""The command `lossmix` itself: its help, its exit codes."""

import os
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


@pytest.mark.parametrize("args", [["compar"], ["--no-such-option"], ["compare", "--seeds"]])
def test_wrong_usage_exits_2(args: list[str]) -> None:
    result = CliRunner().invoke(main, args)
    assert result.exit_code == 2
    assert "Error: " in result.stderr


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


def test_a_reader_that_leaves_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    code = (
        "import click; from tinygrad_lossmix.cli import main;"
        "main.get_command = lambda ctx, name: click.command()(lambda: print('x' * 100_000));"
        "main(['probe'])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE, text=True, timeout=60
    )
    os.close(write)
    assert (result.returncode, result.stderr) == (cli.PIPE_CLOSED, "")


def test_letters_the_terminal_lacks_are_replaced() -> None:
    result = lossmix("--help", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert result.returncode == 0
