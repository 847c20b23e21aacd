"""How far a long command is and how much time is left, on stderr if that is a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def progress(total: float) -> Iterator[Callable[..., None]]:
    """Gives what to call: `tell(advance=1, description="softmax ll")`."""
    stderr = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    stderr.quiet = not stderr.is_terminal
    with Progress(
        *columns, console=stderr, disable=stderr.quiet, transient=True, speed_estimate_period=3600
    ) as bar:
        yield partial(bar.update, bar.add_task("", total=total))
