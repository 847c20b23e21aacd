"""The page of the network at a matrix product, as a picture for the docs.

python -m tests.helpers.page_picture docs/page.png
"""

import sys
from pathlib import Path

from click.testing import CliRunner

from tests.helpers import browser
from tinygrad_lossmix.cli import main

NETWORK = "page demos.network:loss --input 3x5 --input 5 --input 5x3 --input 3"
PRODUCT, ENTRY = "#step=13", ".result tr:nth-child(2) td:nth-child(3)"
WIDTH, HEIGHT = 1280, 700


def picture(window, folder):
    """The PNG, with the pointer on an entry."""
    path = folder / "network.html"
    result = CliRunner().invoke(main, [*NETWORK.split(), "-o", str(path)])
    assert result.exit_code == 0, result
    window.screen(WIDTH, HEIGHT)
    window.open(path, PRODUCT)
    window.point(ENTRY)
    window.ask("new Promise((done) => setTimeout(done, 500))")  # what fades in is there
    return window.picture()


if __name__ == "__main__":
    with browser.alone() as (window, folder):
        Path(sys.argv[1]).write_bytes(picture(window, folder))
