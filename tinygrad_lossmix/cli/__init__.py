"""The command `lossmix`.

What you can do here: add a command: a line in COMMANDS, and a click command of that name in a file
beside this one, with an entry in FILES.

Exit codes: 0 done, 1 a check failed, 2 usage, 130 interrupted, 141 the reader of a pipe left.
"""

import codecs
import contextlib
import difflib
import importlib
import io
import os
import sys
from collections.abc import Iterator
from typing import Any

import click

from tinygrad_lossmix import __version__
from tinygrad_lossmix.cli.output import INTERRUPTED, PIPE_CLOSED, Refused
from tinygrad_lossmix.mixes.own import NotRecorded
from tinygrad_lossmix.printing import PLAIN, SPELLED, clean

COMMANDS = {
    "Answer": {
        "compare": "Train every mix on handwritten digits and compare them in one table.",
        "report": "Show what every mix does, on one HTML page.",
        "verdict": "Is a mix sound? Proper, convex, delta = a - y; problems and advice.",
        "claims": "Recheck what was claimed about mixing output layers and costs.",
        "names": "Names of costs and output layers in other libraries, checked.",
        "delta": "Compute the output delta of a mix three ways; compare it with a - y.",
        "match": "Which cost goes with an output layer, which layer with a cost?",
        "prove": "Derive delta symbolically; for which labels is it a - y?",
    },
    "See": {
        "step": "Step through a backward pass, one vector-Jacobian product at a time.",
        "draw": "Draw the computation graph of a mix with values and gradients.",
        "page": "Step through a backward pass in a browser.",
    },
    "Check": {
        "check": "Check a gradient: of your own function, or of a mix.",
        "diagnose": "Which output layer and cost reported this loss?",
        "plateau": "Explain the value at which a loss is stuck.",
    },
    "About": {
        "doctor": "What is installed, and what to install for the rest.",
    },
}
FILES = {  # each is imported when a command of its own is used
    "answers": "verdict claims names delta match prove diagnose plateau",
    "check": "check",
    "see": "step draw page doctor",
    "studies": "compare report",
}


class Commands(click.Group):
    """Commands in groups."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for commands in COMMANDS.values() for name in commands]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        file = next((file for file, names in FILES.items() if name in names.split()), None)
        module = importlib.import_module(f"tinygrad_lossmix.cli.{file}") if file else None
        return getattr(module, name, None)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is named first; of another word, what was meant."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), 1)
            advice = f"did you mean {near[0]}?" if near else "lossmix --help lists the commands"
            ctx.fail(f"there is no command {args[0]!r}: {advice}")
        return super().resolve_command(ctx, args)

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        """Read what stands before the command."""
        for name in ("stdin", "stdout", "stderr"):
            if getattr(sys, name) is None:  # it was closed
                setattr(sys, name, io.StringIO())
        with _without_fuss():
            return super().make_context(*args, **options)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for group, commands in COMMANDS.items():
            with formatter.section(group):
                formatter.write_dl(list(commands.items()))

    def invoke(self, ctx: click.Context) -> Any:
        with _without_fuss():
            return super().invoke(ctx)


@contextlib.contextmanager
def _without_fuss() -> Iterator[None]:
    """Interrupted, or with nobody to read its output, a command ends in one line or none.

    Errors quote names of files and whatever was typed: none of it reaches the terminal raw.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except NotRecorded as error:
        raise Refused(clean(str(error))) from error
    except KeyboardInterrupt:
        click.echo("\ninterrupted", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None
    except OSError as error:
        with contextlib.suppress(OSError):  # what is left to flush at exit has to go somewhere
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise click.exceptions.Exit(PIPE_CLOSED) from None
        raise click.ClickException(clean(str(error))) from error
    except click.ClickException as error:
        text = "\n".join(map(clean, error.format_message().split("\n")))
        if isinstance(error, click.UsageError):
            raise click.UsageError(text, error.ctx) from error
        raise (Refused if error.exit_code == 2 else click.ClickException)(text) from error


@click.group(
    cls=Commands,
    invoke_without_command=True,
    subcommand_metavar="[COMMAND] [ARGS]...",  # whatever click's version
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "show_default": True,
    },
)
@click.version_option(__version__, prog_name="lossmix", message="%(prog)s %(version)s")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Which cost goes with which output layer, and why.

    A mix is two words: sigmoid or softmax, then ce, ll or quadratic: lossmix verdict softmax ce.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal may lack a letter
            bare = codecs.lookup(stream.encoding).name == "ascii"
            stream.reconfigure(encoding=PLAIN if bare else None, errors=SPELLED)
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
