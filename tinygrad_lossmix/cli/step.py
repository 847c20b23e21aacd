"""`lossmix step`: step through a backward pass by hand."""

import sys

import click

from tinygrad_lossmix.cli.given import Given, given_options
from tinygrad_lossmix.cli.options import beside_option
from tinygrad_lossmix.debugger.lockstep import Lockstep
from tinygrad_lossmix.debugger.repl import Prompt, Stepper


@click.command
@given_options
@click.option(
    "-c", "commands", metavar="COMMANDS", help="Commands to run first, as in 'next;;where'."
)
@beside_option
@click.option("--batch", is_flag=True, help="No prompt: run -c, or standard input, and exit.")
@click.pass_context
def command(
    ctx: click.Context,
    given: Given,
    commands: str | None,
    beside: tuple[str, str] | None,
    batch: bool,
) -> None:
    """Step through the backward pass of a mix, or of a function of Tensors on random inputs, one
    vector-Jacobian product at a time, forwards and back, at a prompt like that of pdb. Without a
    mix: softmax ll.

    With --batch, run the commands and exit, with 1 at the first error.
    """
    walk = Stepper(given.cost, given.names)
    other = given.other(beside)
    prompt = Prompt(walk if other is None else Lockstep(walk, Stepper(other, {})))
    if not batch:
        prompt.run(commands or "")
    else:
        script = sys.stdin.read() if commands is None else commands
        ctx.exit(prompt.run_batch(script))
