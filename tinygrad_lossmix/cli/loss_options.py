"""What is known about a loss besides its value: `--classes 10 --accuracy .91`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def accuracy_of(ctx: click.Context, param: click.Parameter, text: str | None) -> str | None:
    """A fraction as text, with its digits; a percentage with its sign becomes one."""
    if text is None:
        return None
    try:
        percent = text.endswith("%")
        value = float(text.removesuffix("%")) / (100.0 if percent else 1.0)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise click.BadParameter(f"{text!r} is not a fraction between 0 and 1, such as .91")
    return f"{value:.10g}" if percent else text


def loss_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options --classes, --accuracy and --json of a command."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
        click.option(
            "--accuracy",
            callback=accuracy_of,
            metavar="FRACTION",
            help="That was measured with it.",
        ),
        click.option(
            "--classes", type=click.IntRange(1, 10_000_000), help="The number of outputs K."
        ),
    ):
        function = option(function)
    return function
