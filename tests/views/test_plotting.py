"""A figure stands in a page beside others, light and dark; lines are named, none over another."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure

from tinygrad_lossmix.views.plotting import (
    APART,
    COLOURS,
    SERIES,
    arranged,
    heat,
    inline,
    lines,
    separated,
)


def luminance(colour):
    """By the Web Content Accessibility Guidelines."""
    c = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return [0.2126, 0.7152, 0.0722] @ np.where(
        c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4
    )


def test_no_two_figures_share_an_id_and_every_reference_is_to_one_of_its_own():
    def marked(axes, y):
        axes.plot([0.0, y, 3.0], "o")
        axes.set_axis_off()

    pages = [inline(arranged(lambda axes, y=y: marked(axes, y))) for y in (1.0, 2.0)]
    ids = [re.findall(r' id="([^"]+)"', svg) for svg in pages]
    assert not {*ids[0]} & {*ids[1]}
    for svg, own in zip(pages, ids, strict=True):
        assert len({*own}) == len(own)
        references = {*re.findall(r'(?:url\(|href=")#([^")]+)', svg)}
        assert references
        assert references <= {*own}
        root = ElementTree.fromstring(svg)
        assert "viewBox" in root.attrib
        assert not {"width", "height"} & root.attrib.keys()
        # a style of its own in <defs> would hide the colour of the page from what is copied
        assert all("style" not in path.attrib for path in root.findall(".//{*}defs/{*}path"))
        assert all(
            style.strip().startswith(".lossmix")
            for style in re.findall(r"<style[^>]*>([^<]*)", svg)
        )


def test_lines_and_text_have_a_contrast_of_four_and_a_half_on_both_papers():
    for i, paper in enumerate(COLOURS["paper"]):
        for name in {*COLOURS} - {"paper", "frame"}:
            pair = sorted([luminance(COLOURS[name][i]), luminance(paper)])
            assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5, (name, i)


def test_lines_are_named_at_their_ends_in_their_colours_and_apart():
    axes = Figure().add_subplot()
    ends = {"low": 0.1, "b": 0.97, "a": 0.98, "c": 0.99, "gone": np.nan, "top": 1.0}
    curves = {name: [[0.5, 0.6, y], [0.5, 0.4, y]] for name, y in ends.items()}
    curves["gone"] = [[0.5, 0.6, np.nan], [0.5, 0.6, np.nan]]
    lines(axes, curves, ylim=(0.0, 1.0))
    texts = {text.get_text(): text for text in axes.texts}
    order = sorted(texts, key=lambda name: texts[name].xy[1])
    assert order == ["low", "gone", "b", "a", "c", "top"]
    heights = np.array([texts[name].xy[1] for name in order])
    assert np.diff(heights).min() >= APART - 1e-12
    assert (heights[0], heights[-1]) == (0.1, 1.0)
    assert [texts[name].get_color() for name in ends] == SERIES[: len(ends)]
    for line, name in zip(axes.get_lines(), ends, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), np.mean(curves[name], axis=0))
    band = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (0.1, 0.6)  # of the least to the largest


def test_a_name_is_nearest_to_its_own_line():
    np.testing.assert_allclose(separated([0.05, 0.05, 0.12]), [0.0, APART, 2 * APART])
    np.testing.assert_allclose(separated([0.4, 0.49, 0.49]), 0.46 + APART * np.arange(-1, 2))
    np.testing.assert_allclose(separated([-9.0, 0.5, 7.0]), [0.0, 0.5, 1.0])


def test_the_band_of_a_logarithmic_scale_stays_above_zero():
    axes = Figure().add_subplot()
    lines(axes, {"a": [[1.0, 0.001], [2.0, 5.0]]}, yscale="log")
    assert axes.collections[0].get_paths()[0].vertices[:, 1].min() == 0.001


def test_a_cost_of_zero_on_a_logarithmic_scale_leaves_room_for_the_rest():
    curves = {"a": [[1e10, 1e9], [2e10, 1e9]], "b": [[0.0, 0.0], [0.0, 0.0]]}
    figure = arranged(lambda axes: lines(axes, curves, yscale="log"))()
    figure.draw_without_rendering()  # a warning, if the axes had no room
    assert figure.axes[0].get_position().height > 0.5


@pytest.mark.parametrize("rows", [[[0.5]], [[0.5], [0.6]], [[np.nan, np.nan]], [[np.nan]]])
@pytest.mark.parametrize("yscale", ["linear", "log"])
def test_one_epoch_and_no_number_at_all_are_drawn_without_a_warning(rows, yscale):
    axes = Figure().add_subplot()
    lines(axes, {"a": rows}, yscale=yscale)
    assert len(axes.texts) == np.isfinite(rows).any()


@pytest.mark.parametrize("n", [2, 3, 10])
def test_the_cells_of_a_matrix_are_counted_in_whole_numbers(n):
    axes = Figure().add_subplot()
    heat(axes, np.eye(n))
    for axis in (axes.xaxis, axes.yaxis):
        assert all(tick % 1 == 0 for tick in axis.get_majorticklocs())
