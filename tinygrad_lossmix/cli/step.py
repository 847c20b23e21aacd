"""`lossmix step`: walk through a backward pass by hand."""

from __future__ import annotations

import sys
from typing import Any

import click

from tinygrad_lossmix.cli.mix_options import composed, mix_options
from tinygrad_lossmix.debugger.asking import Asking
from tinygrad_lossmix.debugger.beside import Pair
from tinygrad_lossmix.debugger.pairprompt import PairPrompt
from tinygrad_lossmix.debugger.repl import Prompt
from tinygrad_lossmix.debugger.stepper import Stepper
from tinygrad_lossmix.mixes.mix import Mix


@click.command(short_help="Walk through a backward pass, one product at a time.")
@mix_options
@click.option("-c", "commands", metavar="COMMANDS", help="Carry out first, e.g. 'next;;where'.")
@click.option(
    "--beside",
    nargs=2,
    metavar="OUTPUT COST",
    help="Another mix of the same logits and labels, stepped in lock-step.",
)
@click.option("--batch", is_flag=True, help="Do not ask: -c, or standard input, is all there is.")
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
    """Walk back from the cost of a mix to its logits, one vector-Jacobian product at a time,
    forwards and back, at a prompt like that of pdb.

    With --batch, carries out the commands, and exits 1 at the first mistake.
    """
    walk = Stepper(composed(mix, z, y))
    prompt: Asking
    prompt = Prompt(walk) if beside is None else PairPrompt(Pair(walk, _other(beside, z, y)))
    if not batch:
        prompt.run(commands or "")
    else:
        script = sys.stdin.read() if commands is None else commands
        ctx.exit(prompt.run_batch(script))


def _other(beside: tuple[str, str], z: Any, y: Any) -> Stepper:
    try:
        return Stepper(composed(Mix(*beside), z, y))
    except ValueError as error:
        raise click.UsageError(f"--beside: {error}") from None
