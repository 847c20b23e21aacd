"""Tables and text for stdout: as wide as the terminal, plain where there is none; files."""

import os

from rich.console import Console, RenderableType

WIDTH = 100  # of what goes into a file or a pipe


def printed(*parts: RenderableType) -> str:
    """The text of these, one below the other, no blanks at the end of a line.

    Everything stands as it is: there is no markup in text that came from a user.
    """
    out = Console(markup=False, highlight=False)
    if not out.is_terminal and "COLUMNS" not in os.environ:
        out.width = WIDTH
    with out.capture() as text:
        for part in parts:
            out.print(part)
    return "\n".join(line.rstrip() for line in text.get().splitlines())
