"""`lossmix check`: is a gradient the derivative?"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from typing import Any

import click
import numpy as np

from tinygrad_lossmix.cli.exits import Refused, usage
from tinygrad_lossmix.cli.options import json_option, show
from tinygrad_lossmix.cli.stdout import printed
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.testing.check_report import GradcheckReport
from tinygrad_lossmix.testing.checking import gradcheck
from tinygrad_lossmix.testing.comparison import METHODS

DEFAULT_SHAPE = "2x3"
MOST = 100_000  # entries of an input


@click.command
@click.argument("what", nargs=-1, required=True, metavar="MODULE:FUNCTION | OUTPUT COST")
@click.option(
    "--input",
    "shapes",
    multiple=True,
    metavar="SHAPE",
    help="The shape of an argument, 3x4, 4 or scalar; once for each. Filled with normal numbers.",
)
@click.option("--method", type=click.Choice(METHODS), default="auto", show_default=True)
@click.option("--mode", type=click.Choice(["full", "project"]), default="full", show_default=True)
@click.option("--order", type=click.IntRange(1, 2), default=1, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@json_option
@click.pass_context
def command(
    ctx: click.Context, /, what: tuple[str, ...], shapes: tuple[str, ...], as_json: bool, **how: Any
) -> None:
    """Check a gradient against the derivative: that of a function of Tensors, of a pair (function,
    its gradient) of plain NumPy, or of a mix, as one node and as the book's graph, on random
    inputs. Exits 1 if one is wrong.
    """
    with usage():
        arrays = [numbers(shape, how["seed"] + i) for i, shape in enumerate(shapes)]
        if len(what) == 2:
            found = of_a_mix(what, arrays, how)
        elif len(what) == 1 and ":" in what[0]:
            found = {what[0]: of_a_function(what[0], arrays, how)}
        else:
            raise ValueError("give module:function, or a mix as two words, softmax ll")
    record = {
        "passed": all(found.values()),
        "inputs": [array.shape for array in arrays],
        "checks": [{"what": name, **report.to_dict()} for name, report in found.items()],
    }
    show(as_json, record, printed(*(f"{name}: {report}" for name, report in found.items())))
    if not all(found.values()):
        ctx.exit(1)


def numbers(shape: str, seed: int) -> Any:
    """Normal random numbers in the shape of `3x4`, `4` or `scalar`.

    Raises:
        ValueError: not a shape.
    """
    parts = [] if shape == "scalar" else shape.split("x")
    if not all(part.isascii() and part.isdecimal() for part in parts):
        raise ValueError(f"--input {shape!r} is not a shape such as 3x4, 4 or scalar")
    lengths = tuple(map(int, parts))
    if not 0 < np.prod([1, *map(float, lengths)]) <= MOST:
        raise ValueError(f"--input {shape}: an input has 1 to {MOST:,} entries")
    return np.array(np.random.default_rng(seed).normal(size=lengths))


def of_a_mix(
    pair: tuple[str, ...], arrays: list[Any], options: dict[str, Any]
) -> dict[str, GradcheckReport]:
    """A mix as one node and as the book's graph, on random logits and classes.

    Raises:
        ValueError: no such mix, or more than one input.
    """
    mix = Mix(*pair)
    if len(arrays) > 1:
        raise ValueError("a mix has one input, its logits: give --input once")
    z = arrays[0] if arrays else numbers(DEFAULT_SHAPE, options["seed"])
    if z.ndim == 0:
        raise ValueError("logits have at least one axis: --input 3 or 2x3")
    y = np.zeros(z.shape)
    y.reshape(-1, z.shape[-1])[:, 0] = 1.0
    y = np.random.default_rng(options["seed"]).permuted(y, axis=-1)
    return {
        f"{mix}, one node": gradcheck(lambda t: mix.cost(t, y), z, **options),
        f"{mix}, the book's graph": gradcheck(lambda t: mix.composed(t, y), z, **options),
    }


def of_a_function(name: str, arrays: list[Any], options: dict[str, Any]) -> GradcheckReport:
    """A function of Tensors, or a pair, found in a module.

    Raises:
        ValueError: there is no input.
        Refused: it cannot be imported or called.
    """
    if not arrays:
        raise ValueError("give the shape of each argument of the function: --input 3x4")
    with users_code(name):
        return gradcheck(imported(name), *arrays, **options)


def imported(name: str) -> Any:
    """`module:function` or `module:object.function`, from the working directory too.

    Raises:
        Refused: it is not there.
    """
    module, _, path = name.partition(":")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    with users_code(f"cannot import {module!r}"):
        found = importlib.import_module(module)
    with users_code(f"{module!r} has no {path!r}"):
        return attrgetter(path)(found)


@contextmanager
def users_code(what: str) -> Iterator[None]:
    """Around a user's code: whatever it raises, or leaves Python by, becomes one error.

    Raises:
        Refused: `what`, and what was raised.
    """
    try:
        yield
    except (KeyboardInterrupt, Refused):
        raise
    except BaseException as error:
        said = f"{type(error).__name__}: {error}".removesuffix(": ")
        if isinstance(error, SystemExit):
            said += " (it calls sys.exit, or leaves Python otherwise)"
        raise Refused(f"{what}: {said}") from error
