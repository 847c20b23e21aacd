"""How something drawn comes before somebody's eyes: in a notebook, in a browser, in a file."""

import contextlib
import re
import sys
import tempfile
import webbrowser
from pathlib import Path
from typing import Any

from tinygrad_lossmix import files


class Shown:
    """What a file holds, a notebook displays and a browser opens.

    Attributes:
        suffixes: of the files that it can be saved as; the browser gets the first.
    """

    suffixes: str

    def save(self, path: str | Path) -> Path:
        """Write a file, by its suffix. Returns its path.

        Raises:
            ValueError: another suffix.
            OSError: the file cannot be written; and as its content does.
        """
        path = Path(path)
        if path.suffix.lower() not in re.findall(r"\.\w+", self.suffixes):
            kind = type(self).__name__.lower()
            raise ValueError(f"a {kind} is saved as {self.suffixes}, not {path.suffix or path}")
        files.write(path, self._content(path.suffix.lower().removeprefix(".")))
        return path

    def _content(self, form: str) -> bytes:
        raise NotImplementedError

    def show(self) -> None:
        """Show it, in a notebook below the cell, elsewhere in a browser; raises as `save` does."""
        shell = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
        if hasattr(shell, "kernel"):
            sys.modules["IPython.display"].display(self)
            return
        form = re.findall(r"\w+", self.suffixes)[0]
        path = Path(tempfile.mkdtemp(prefix="lossmix-")) / f"{type(self).__name__.lower()}.{form}"
        files.write(path, self._content(form))
        browse(path)


class Drawn(Shown):
    """A picture, with a text in its place where nothing draws it; .txt is the text.

    Attributes:
        text: the same as text.
    """

    text: str
    suffixes = ".svg, .png, .pdf or .txt"

    def svg(self) -> str:
        """An `<svg>` element that takes the size it is given."""
        raise NotImplementedError

    def png(self) -> bytes:
        """A PNG picture; raises as `svg` does."""
        return self._render("png")

    def _content(self, form: str) -> bytes:
        if form in ("svg", "txt"):
            return (self.svg() if form == "svg" else f"{self.text}\n").encode()
        return self._render(form)

    def _render(self, form: str) -> bytes:
        raise NotImplementedError

    def _repr_svg_(self) -> str | None:
        try:
            return self.svg()
        except Exception:  # a notebook would show a traceback in place of the text
            return None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        svg = self._repr_svg_()
        return {"text/plain": self.text} | ({"image/svg+xml": svg} if svg else {})


def browse(path: Path) -> None:
    """Open a file in a browser; where there is none, a line on stderr names it."""
    with contextlib.suppress(webbrowser.Error):
        if webbrowser.open(path.as_uri()):
            return
    print(f"there is no browser here: open {path} in one", file=sys.stderr)
