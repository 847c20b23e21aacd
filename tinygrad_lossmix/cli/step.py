"""`lossmix step`: step through a backward pass by hand."""

import sys
from typing import Any

import click

from tinygrad_lossmix.cli.exits import usage
from tinygrad_lossmix.cli.options import beside_option, composed, mix_options
from tinygrad_lossmix.debugger.lockstep import Lockstep
from tinygrad_lossmix.debugger.repl import Prompt, Stepper
from tinygrad_lossmix.mixes.mix import Mix


@click.command
@mix_options
@click.option(
    "-c", "commands", metavar="COMMANDS", help="Commands to run first, as in 'next;;where'."
)
@beside_option
@click.option("--batch", is_flag=True, help="No prompt: run -c, or standard input, and exit.")
@click.pass_context
def command(
    ctx: click.Context,
    mix: Mix,
    z: Any,
    y: Any,
    commands: str | None,
    beside: tuple[str, str] | None,
    batch: bool,
) -> None:
    """Step through the backward pass of a mix, one vector-Jacobian product at a time, forwards and
    back, at a prompt like that of pdb. Without a mix: softmax ll.

    With --batch, run the commands and exit, with 1 at the first error.
    """
    walk = Stepper(composed(mix, z, y))
    prompt = Prompt(walk)
    if beside is not None:
        with usage("--beside:"):
            prompt = Prompt(Lockstep(walk, Stepper(composed(Mix(*beside), z, y))))
    if not batch:
        prompt.run(commands or "")
    else:
        script = sys.stdin.read() if commands is None else commands
        ctx.exit(prompt.run_batch(script))
