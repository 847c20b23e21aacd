"""The picture of the page in the docs is what its script makes."""

import struct
from pathlib import Path

import pytest

from tests.helpers import page_picture

DOCS = Path(__file__).parents[2] / "docs"


def size(png):
    assert png.startswith(b"\x89PNG")
    return struct.unpack(">II", png[16:24])


@pytest.mark.slow
def test_the_picture_in_the_docs_is_of_that_size_and_small(chromium, tmp_path):
    made = page_picture.picture(chromium, tmp_path)
    kept = (DOCS / "page.png").read_bytes()
    assert size(made) == size(kept) == (page_picture.WIDTH, page_picture.HEIGHT)
    assert max(len(made), len(kept)) < 150_000
    assert chromium.text("#rule") == "dC/dh = dC/dn7 @ W2.T"
    assert chromium.text("#product .entry").startswith("dC/dh[1, 2] = ")
