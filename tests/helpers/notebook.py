"""Runs a notebook as JupyterLab does, and writes what comes out into it.

    python -m tests.helpers.notebook demos/tour.ipynb

Of an output that can be shown in several ways the richest is kept; of a frame, which JupyterLab
shows only to a reader who ran the notebook, the text.
"""

import json
import sys
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

import tests.conftest  # noqa: F401  the profile of hypothesis

KEPT = ("image/svg+xml", "text/plain")


def outputs_of(shell, source, count):
    """What a cell shows; an error of it is raised."""
    shown = []
    shell.display_trap.hook = shown.append
    with capture_output(display=False) as caught:
        result = shell.run_cell(source)
    result.raise_error()
    assert not caught.stderr, caught.stderr
    if caught.stdout:
        yield {"name": "stdout", "output_type": "stream", "text": caught.stdout}
    for value in (each for each in shown if each is not None):
        bundle, _ = shell.display_formatter.format(value)
        kind = next(kind for kind in KEPT if kind in bundle)
        yield {
            "data": {kind: bundle[kind]},
            "execution_count": count,
            "metadata": {},
            "output_type": "execute_result",
        }


def main():
    path = Path(sys.argv[1])
    notebook = json.loads(path.read_text(encoding="utf-8"))
    shell = InteractiveShell.instance()
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for count, cell in enumerate(code, 1):
        cell["execution_count"] = count
        cell["outputs"] = [*outputs_of(shell, "".join(cell["source"]), count)]
    text = json.dumps(notebook, ensure_ascii=False, indent=1)
    path.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
