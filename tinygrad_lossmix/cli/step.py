"""`lossmix step`: step through a backward pass by hand."""

import io
import sys

import click

from tinygrad_lossmix.cli.given import Given, given_options
from tinygrad_lossmix.cli.options import json_option
from tinygrad_lossmix.debugger.lockstep import Lockstep
from tinygrad_lossmix.debugger.repl import Prompt, Stepper
from tinygrad_lossmix.records import to_json


@click.command
@given_options
@click.option(
    "-c", "commands", metavar="COMMANDS", help="Commands to run first, as in 'next;;where'."
)
@click.option("--batch", is_flag=True, help="No prompt: run -c, or standard input, and exit.")
@json_option
@click.pass_context
def command(
    ctx: click.Context, given: Given, commands: str | None, batch: bool, as_json: bool
) -> None:
    """Step through the backward pass of a mix, or of a function of Tensors on random inputs, one
    vector-Jacobian product at a time, forwards and back, at a prompt like that of pdb. Without a
    mix: softmax ll.

    With --batch, run the commands and exit, with 1 at the first error; with --json too, print
    nothing but how the questions of a quiz were answered.
    """
    if as_json and not batch:
        raise click.UsageError("--json is the score of a quiz in --batch: give both")
    walk = Stepper(given.cost, given.names)
    both = walk if given.other is None else Lockstep(walk, Stepper(given.other, {}))
    prompt = Prompt(both, io.StringIO() if as_json else None)
    if not batch:
        prompt.run(commands or "")
    else:
        script = sys.stdin.read() if commands is None else commands
        failed = prompt.run_batch(script)
        if as_json:
            click.echo(to_json(prompt.session.quiz.record(len(walk))), nl=False)
        ctx.exit(failed)
