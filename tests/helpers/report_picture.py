"""The top of the report, as a picture for the docs; of a report that is there or is made for it.

python -m tests.helpers.report_picture docs/report.png [lossmix-report.html]
"""

import sys
from pathlib import Path

from click.testing import CliRunner

from tests.helpers import browser
from tinygrad_lossmix.cli import main

WIDTH, HEIGHT = 1280, 1500


def picture(window, path):
    """The PNG of a report, light."""
    window.screen(WIDTH, HEIGHT, prefers_color_scheme="light")
    window.open(path)
    return window.picture()


if __name__ == "__main__":
    with browser.alone() as (window, folder):
        made = Path(*sys.argv[2:3] or [folder, "report.html"]).resolve()
        if not made.exists():
            result = CliRunner().invoke(main, ["report", "--out", str(folder)])
            assert result.exit_code == 0, result
        Path(sys.argv[1]).write_bytes(picture(window, made))
