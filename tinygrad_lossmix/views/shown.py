"""How something drawn comes before somebody's eyes: in a notebook, in a browser, else as text."""

import contextlib
import sys
import tempfile
import webbrowser
from pathlib import Path
from typing import Any

from tinygrad_lossmix import files


class Shown:
    """A picture, with a text in its place where nothing draws it.

    Attributes:
        text: the same as text.
    """

    text: str

    def svg(self) -> str:
        """An `<svg>` element."""
        raise NotImplementedError

    def show(self) -> None:
        """Show it, in a notebook below the cell, elsewhere in a browser; raises as `svg` does."""
        if in_notebook():
            from IPython.display import display

            display(self)
            return
        path = Path(tempfile.mkdtemp(prefix="lossmix-")) / "drawing.svg"
        files.write(path, self.svg().encode())
        if not browse(path):
            print(f"there is no browser here: open {path} in one", file=sys.stderr)

    def _repr_svg_(self) -> str | None:
        try:
            return self.svg()
        except Exception:  # a notebook would show a traceback in place of the text
            return None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        svg = self._repr_svg_()
        return {"text/plain": self.text} | ({"image/svg+xml": svg} if svg else {})


def in_notebook() -> bool:
    """Whether this runs behind a notebook of Jupyter's."""
    shell = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
    return hasattr(shell, "kernel")


def browse(path: Path) -> bool:
    """Open a file in a browser; False: there is none."""
    with contextlib.suppress(webbrowser.Error):
        return webbrowser.open(path.as_uri())
    return False
