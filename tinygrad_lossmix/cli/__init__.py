"""The command `lossmix`.

What you can do here: add a command: a line in COMMANDS, and a module of that name beside this one
with a click command called `command`.

Exit codes: 0 done, 1 a check failed, 2 usage, 130 interrupted, 141 the reader of a pipe left.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
from typing import Any

import click

from tinygrad_lossmix import __version__

COMMANDS = {
    "Answer": {
        "compare": "Train every mix on handwritten digits and print one table.",
        "verdict": "Is a mix fine? Proper, convex, what goes wrong, what to use.",
        "claims": "Recompute what was claimed about the question.",
        "names": "What costs and outputs are called elsewhere, checked.",
        "delta": "The output delta of a mix, three ways, beside a - y, and why.",
        "prove": "Delta as formulas, and for which labels it is a - y.",
    },
    "See": {
        "step": "Walk through a backward pass, one product at a time.",
        "draw": "Draw the computation graph of a mix with values and gradients.",
        "page": "Write a page that steps through a mix in a browser.",
    },
    "Check": {
        "check": "Is a gradient the derivative: yours, or that of a mix?",
        "diagnose": "Which output layer and cost reported this loss?",
        "plateau": "What the value says that a loss is stuck at.",
    },
    "About": {
        "doctor": "What is here, and what to install for the rest.",
    },
}
INTERRUPTED = 130
PIPE_CLOSED = 141


class Commands(click.Group):
    """Commands in groups, each in a module of its own, imported when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for commands in COMMANDS.values() for name in commands]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"tinygrad_lossmix.cli.{name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for group, commands in COMMANDS.items():
            if commands:
                with formatter.section(group):
                    formatter.write_dl(list(commands.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; interrupted, or with nobody to read its output, exit without fuss."""
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()
        except KeyboardInterrupt:
            click.echo("\ninterrupted", err=True)
            ctx.exit(INTERRUPTED)
        except OSError as error:
            with contextlib.suppress(OSError):  # what is left to flush at exit has to go somewhere
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if isinstance(error, BrokenPipeError):
                ctx.exit(PIPE_CLOSED)
            raise click.ClickException(str(error)) from error


CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(cls=Commands, invoke_without_command=True, context_settings=CONTEXT)
@click.version_option(__version__, prog_name="lossmix", message="%(prog)s %(version)s")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Which cost goes with which output layer, and why.

    A mix is two words: sigmoid or softmax, then ce, ll or quadratic.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal may lack a letter
            stream.reconfigure(errors="replace")
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
