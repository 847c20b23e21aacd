"""What step, draw and page are given: a mix at logits and labels, or a function of the user's own
at random numbers; and these, `--input 3x4 --input 4 --seed 0`, which check takes too.
"""

import functools
import inspect
import io
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from typing import Any, NamedTuple

import click
import numpy as np
from click.core import ParameterSource

from tinygrad_lossmix.cli.options import beside_option, mix_at, mix_of, point_options
from tinygrad_lossmix.cli.output import Refused, usage
from tinygrad_lossmix.cli.user_code import imported, outcome, users_code
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.printing import clean

MOST = 100_000  # entries of an input
input_option = click.option(
    "--input",
    "shapes",
    multiple=True,
    metavar="SHAPE",
    help="The shape of an argument, 3x4, 4 or scalar; once for each. Filled with normal numbers.",
)
seed_option = click.option(
    "--seed", type=click.IntRange(0), default=0, help="Of the random numbers."
)


class Given(NamedTuple):
    """A cost with its gradients, and where it comes from."""

    cost: Tensor
    names: Mapping[str, Any]  # the variables of the user's function
    title: str  # as in a file's name, softmax-ll
    mix: tuple[Mix, Array, Array] | None  # with logits and labels; None: a function
    other: Tensor | None = None  # the cost of another mix of these logits and labels

    def mix_for(self, option: str) -> tuple[Mix, Array, Array]:
        """The mix, its logits and its labels, which an option needs."""
        if self.mix is None:
            raise click.UsageError(f"{option} is for a mix, softmax ll, not for {self.title}")
        return self.mix


def given_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Arguments and options of a command, which gets a `Given` for them.

    Without any it is softmax ll at z = 2,1,0 and class 0.
    """

    @click.argument("words", nargs=-1, metavar="[OUTPUT COST | MODULE:FUNCTION]")
    @point_options
    @input_option
    @seed_option
    @click.option("--lines", is_flag=True, help="Show the line of your code behind each node.")
    @beside_option
    @functools.wraps(function)
    def command(
        words: tuple[str, ...],
        z: str,
        y: str,
        shapes: tuple[str, ...],
        seed: int,
        lines: bool,
        beside: tuple[str, str] | None,
        **options: Any,
    ) -> Any:
        source = click.get_current_context().get_parameter_source
        typed = [f"--{name}" for name in "zy" if source(name) is ParameterSource.COMMANDLINE]
        own = len(words) == 1 and ":" in words[0]
        if typed and own:
            raise click.UsageError(f"{typed[0]} is for a mix: {words[0]} takes --input")
        if typed and shapes:
            raise click.UsageError(f"--input draws logits and labels: leave out {typed[0]}")
        if lines and not own:
            raise click.UsageError("--lines is for a function of your own, module:function")
        if own:
            given = of_a_function(words[0], shapes, seed, lines)
        elif shapes:
            with usage():
                given = of_a_mix(mix_of(words or ("softmax", "ll")), *example(shapes, seed))
        else:
            given = of_a_mix(*mix_at(words, z, y))
        if beside:
            _, *point = given.mix_for("--beside")
            with usage("--beside:"):
                given = given._replace(other=of_a_mix(mix_of(beside), *point).cost)
        return function(given=given, **options)

    return command


def of_a_mix(mix: Mix, z: Array, y: Array) -> Given:
    """The book's graph; where its formulas overflow, it holds infinity or NaN."""
    with usage(), np.errstate(all="ignore"):
        cost = mix.composed(Tensor(z, name="z"), y)
        cost.backward()
    return Given(cost, {}, f"{mix.output}-{mix.cost_name}", (mix, z, y))


def of_a_function(name: str, shapes: tuple[str, ...], seed: int, lines: bool) -> Given:
    """A function of Tensors that a module holds, or the first of a pair (function, gradient)."""
    with usage():
        arrays = filled(shapes, seed)
        found = imported(name)
        loss = found[0] if isinstance(found, tuple) and found else found
        if not callable(loss):
            raise ValueError(f"{name} is {type(loss).__name__}, not a function of Tensors")
        called = parameters(loss, len(arrays))
        leaves = [*map(Tensor, arrays, called)]
        for leaf in leaves if lines else []:
            leaf.line = first_line(name, loss)
    with users_code(name), np.errstate(all="ignore"):
        cost, known = outcome(loss, *leaves)
        with redirect_stdout(io.StringIO()):  # what it prints was heard
            again = loss(*map(Tensor, arrays, called))
        if not isinstance(cost, Tensor):
            words = "compute the cost by NumPy's functions and operators, without float() or .data"
            raise Refused(f"{name}: it returns {type(cost).__name__}, not a Tensor: {words}")
        if cost.ndim:
            words = "a backward pass starts at a scalar: return its sum or mean"
            raise Refused(f"{name}: it returns an array of shape {cost.shape}; {words}")
        cost.backward()
    if not np.array_equal(cost.data, getattr(again, "data", np.nan), equal_nan=True):
        words = "called again it returns another value, as where random numbers are drawn"
        click.echo(f"{clean(name)}: {words}; this is the recording of one call", err=True)
    return Given(cost, known, name.replace(":", "-"), None)


def first_line(name: str, function: Any) -> tuple[str, int]:
    """Where a function is written, which stands for its arguments; ValueError: not in Python."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        raise ValueError(f"--lines: {name} is not a function written in Python")
    return code.co_filename, code.co_firstlineno


def parameters(function: Any, count: int) -> list[str]:
    """What a function calls its first arguments."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # it does not say
        return [f"x{i}" for i in range(1, count + 1)]
    try:
        bound = signature.bind(*range(count)).arguments
    except TypeError:
        known = ", ".join(signature.parameters) or "none"
        raise ValueError(
            f"{count} of --input do not fit the arguments, {known}: give the shape of each, as in "
            "--input 3x4 --input 4"
        ) from None
    every = [(name, given, i) for name, given in bound.items() for i in range(np.size(given))]
    return [f"{name}[{i}]" if isinstance(given, tuple) else name for name, given, i in every]


def normal(shape: str, seed: int) -> Array:
    """Normal random numbers in the shape of `3x4`, `4` or `scalar`."""
    parts = [] if shape == "scalar" else shape.split("x")
    if not all(part.isascii() and part.isdecimal() for part in parts):
        raise ValueError(f"--input {shape!r} is not a shape such as 3x4, 4 or scalar")
    lengths = tuple(map(int, parts))
    if not 0 < np.prod([1, *map(float, lengths)]) <= MOST:
        raise ValueError(f"--input {shape}: an input has 1 to {MOST:,} entries")
    return np.array(np.random.default_rng(seed).normal(size=lengths))


def filled(shapes: Sequence[str], seed: int) -> list[Array]:
    """An array for each shape; ValueError as of `normal`."""
    return [normal(shape, seed + i) for i, shape in enumerate(shapes)]


def example(shapes: Sequence[str], seed: int) -> tuple[Array, Array]:
    """Logits and labels of a mix: random numbers, and one random class for each row."""
    if len(shapes) > 1:
        raise ValueError("a mix has one input, its logits: give --input once")
    z = normal(shapes[0], seed)
    if z.ndim == 0:
        raise ValueError("logits have at least one axis: --input 3 or 2x3")
    y = np.zeros(z.shape)
    y.reshape(-1, z.shape[-1])[:, 0] = 1.0
    return z, np.random.default_rng(seed).permuted(y, axis=-1)
