"""A figure stands beside others, on light and on dark; a statement is judged by numbers."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from tinygrad_lossmix.lab.study import near, plotted

NAN = float("nan")


def drawn(*levels: float):
    return plotted("t", "a", lambda axes: axes.plot(levels, "o"), size=(1.0, 1.0)).svg


def test_no_two_figures_share_an_id_and_every_reference_is_to_one_of_its_own():
    pages = [drawn(0.0, 1.0), drawn(0.0, 2.0)]
    ids = [re.findall(r' id="([^"]+)"', svg) for svg in pages]
    assert not {*ids[0]} & {*ids[1]}
    for svg, own in zip(pages, ids, strict=True):
        assert len({*own}) == len(own)
        assert {*re.findall(r'(?:url\(|href=")#([^")]+)', svg)} <= {*own}
        root = ElementTree.fromstring(svg)
        assert "viewBox" in root.attrib
        assert not {"width", "height"} & root.attrib.keys()
        # a style of its own in <defs> would hide the colour of the page from what is copied
        assert all("style" not in path.attrib for path in root.findall(".//{*}defs/{*}path"))


@pytest.mark.parametrize(
    ("expected", "obtained", "within", "holds"),
    [
        (1.0, 1.0, 0.0, True),
        ([1.0, 2.0], [1.0, 2.1], 0.05, False),
        ([1.0, 2.0], [1.0, 2.1], 0.2, True),
        (1.0, NAN, 9.0, False),
        (1.0, np.inf, 9.0, False),
    ],
)
def test_a_statement_holds_where_every_number_is_near_enough(expected, obtained, within, holds):
    assert near("", expected, obtained, within).holds is holds
