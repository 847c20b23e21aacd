"""What several commands are given: a mix, `softmax ll --z 2,1,0 --y 0`; what is known about a loss
besides its value, `--classes 10 --accuracy .91`; and --json.

A word that is none of these is a ValueError, which `usage` turns into an error of the command.
"""

import functools
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from tinygrad_lossmix.cli.output import usage
from tinygrad_lossmix.cli.user_code import imported, users_code
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.labels import dense
from tinygrad_lossmix.mixes.layers import PAIRS
from tinygrad_lossmix.mixes.mix import MIXES, Mix
from tinygrad_lossmix.mixes.own import called

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object instead of text."
)
beside_option = click.option(
    "--beside", nargs=2, metavar="OUTPUT COST", help="A second mix of the same logits and labels."
)


def file_option(about: str) -> Callable[[Callable[..., None]], Any]:
    """The option -o, a file to write."""
    kind = click.Path(dir_okay=False, path_type=Path)
    return click.option("-o", "path", metavar="FILE", type=kind, help=about)


def numbers(text: str) -> Array:
    """`2,1,0` as an array of floats."""
    try:
        values = np.array([float(part) for part in text.split(",")])
    except ValueError:
        raise ValueError(f"{text!r} is not numbers separated by commas, as in 2,1,0") from None
    if np.isnan(values).any():
        raise ValueError(f"{text!r} holds NaN")
    return values


def labels_of(text: str, z: Array) -> Array:
    """A class, `0`, or a label for each logit, `0,1,0`, as labels of z's shape."""
    if "," in text or z.size == 1:
        return dense(numbers(text), z)
    if not text.strip().isdecimal():
        raise ValueError(f"{text!r} is neither a class, 0 to {z.size - 1}, nor labels, as in 0,1,0")
    return dense(int(text), z)


def mix_of(words: Sequence[str]) -> Mix:
    """The mix of two words, each of them a name or module:function."""
    if len(words) != 2:
        known = ", ".join(map(" ".join, PAIRS))
        raise ValueError(f"a mix is two words, as in softmax ll: choose one of {known}")
    return Mix(*map(named, words))


def chosen(ctx: click.Context, param: click.Parameter, value: str | None) -> list[Mix]:
    """The mixes of `--mixes`, each once; the six without it, and with `all` also lml ce."""
    if value in (None, "all"):
        return [*MIXES, Mix("lml", "ce")] if value else [*MIXES]
    with usage("--mixes:"):
        return list(dict.fromkeys(mix_of(pair.split(maxsplit=1)) for pair in value.split(",")))


mixes_option = click.option(
    "--mixes",
    callback=chosen,
    help='Which mixes, e.g. "softmax ll,sigmoid ce"; all: also lml ce.  [default: the six]',
)


def named(word: str) -> Any:
    """What a word of a mix stands for: a name of ours, or module:function."""
    if "." in word and ":" not in word:
        raise ValueError(f"{word!r} is no name; a function of your own is module:function")
    return users_function(word) if ":" in word else word


@functools.cache
def users_function(name: str) -> Callable[..., Any]:
    """A function that a module holds; what it raises becomes one error."""
    function = imported(name)
    if not callable(function):
        raise ValueError(f"{name} is {type(function).__name__}, not a function")
    return UsersFunction(name, function)


class UsersFunction:
    """A function that is sent to another process by the name that was typed.

    What it prints is heard at its first call, and when it fails.
    """

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self.name, self.function, self.heard = name, function, False
        self.__name__ = name.replace(":", ".").rpartition(".")[2]  # a partial or a lambda has none

    def __call__(self, *args: Any) -> Any:
        kept, self.heard = io.StringIO() if self.heard else None, True
        with users_code(self.name, kept):
            return called(self.function, *args)

    def __reduce__(self) -> Any:
        return users_function, (self.name,)


def point_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options --z and --y of a command."""
    about = "The class, or a label for each logit: 0,1,0."
    y = click.option("--y", default="0", metavar="LABELS", help=about)
    return click.option("--z", default="2,1,0", metavar="NUMBERS", help="Logits.")(y(function))


def mix_at(words: Sequence[str], z: str, y: str) -> tuple[Mix, Array, Array]:
    """A mix, its logits and its labels as they were typed; without words softmax ll."""
    with usage():
        mix = mix_of(words or ("softmax", "ll"))
    with usage("--z"):
        logits = numbers(z)
    with usage("--y"):
        return mix, logits, labels_of(y, logits)


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
    about = "That was measured with it."
    accuracy = click.option("--accuracy", callback=accuracy_of, metavar="FRACTION", help=about)
    kind = click.IntRange(1, 10_000_000)
    classes = click.option("--classes", type=kind, help="The number of outputs K.")
    return classes(accuracy(json_option(function)))
