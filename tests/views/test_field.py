"""The field of -δ: what is drawn is the gradient and the cost, the same for everybody."""

import itertools
import os
import re
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure

import tinygrad_lossmix as lm
from tests.helpers.quick import thinned
from tinygrad_lossmix.views.field import COARSE, COMPASS, FINE, LEVELS, LONGEST, field, plane

COMPOSED = pytest.mark.parametrize("mix", lm.MIXES, ids=str)
NAME = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def svg():
    return lm.field().svg()


def by_the_engine(mix, z, y):
    """-δ, from the book's graph."""
    logits = lm.Tensor(z.reshape(-1, 2))
    cost = mix.composed(logits, np.broadcast_to(y, (logits.shape)))
    return (-len(logits) * lm.grad(cost, logits)).reshape(z.shape)


def drawn(axes, kind):
    return next(each for each in axes.get_children() if type(each).__name__ == kind)


@pytest.mark.parametrize(
    ("mix", "y"), thinned(itertools.product(lm.MIXES, [[1.0, 0.0], [0.3, 0.7]]), 5), ids=str
)
def test_arrows_are_the_negative_gradient_and_lines_the_cost(mix, y):
    (axes, _) = field(mix, y=y)._figure().axes
    arrows = drawn(axes, "Quiver")
    pushes = by_the_engine(mix, COARSE, y)
    np.testing.assert_allclose(arrows.XY, COARSE.transpose(1, 0, 2).reshape(-1, 2))
    lengths = np.asarray(drawn(axes, "AxesImage").get_array())
    for found, expected in [
        (np.stack([arrows.U, arrows.V], -1), pushes.transpose(1, 0, 2).reshape(-1, 2)),
        (lengths, np.linalg.norm(by_the_engine(mix, FINE, y), axis=-1)),
    ]:
        np.testing.assert_allclose(found, expected, atol=1e-12)
    lines = drawn(axes, "QuadContourSet")
    assert set(lines.levels) <= set(LEVELS)
    for level, path in zip(lines.levels, lines.get_paths(), strict=True):
        costs = [mix.composed(lm.Tensor(point), np.array(y)).item() for point in path.vertices[::5]]
        np.testing.assert_allclose(costs, level, rtol=0.02, atol=2e-3)


@pytest.mark.slow
def test_panels_have_one_scale():
    *panels, _ = lm.field()._figure().axes
    assert len({drawn(axes, "Quiver").scale for axes in panels}) == 1
    assert len({drawn(axes, "AxesImage").get_clim() for axes in panels}) == 1


@pytest.mark.parametrize(
    ("y", "matched"),
    [
        (0, ["sigmoid + cross-entropy", "softmax + log-likelihood"]),
        ([0.3, 0.7], ["sigmoid + cross-entropy", "softmax + log-likelihood"]),
        ([1.0, 1.0], ["sigmoid + cross-entropy", "sigmoid + log-likelihood"]),
    ],
)
def test_titles_say_a_minus_y_where_it_is(y, matched):
    titles = [part.split("\n")[0].split(", ") for part in lm.field(y=y).text.split("\n\n")[1:]]
    assert [mix for mix, delta in titles if delta == "δ = a - y"] == matched
    assert [mix for mix, _ in titles] == [str(mix) for mix in lm.MIXES]
    if y == [1.0, 1.0]:
        assert titles[4][1] == "δ = Sa - y"


@pytest.mark.parametrize(
    ("mix", "c"),
    [
        (lm.Mix("softmax", "ce"), 2),
        (lm.Mix("lml", "ll"), 0.5),
        (lm.Mix(lambda z: lm.sigmoid(3 * z), "ce"), 3),
    ],
)
def test_a_title_has_the_factor_of_a_minus_y(mix, c):
    assert lm.field(mix, y=1).text.split("\n")[3] == f"{mix}, δ = {c}(a - y)"
    z = plane(7, 3.0)
    pushes = by_the_engine(mix, z, [0.0, 1.0])
    np.testing.assert_allclose(pushes, -c * (mix.activate(z) - [0.0, 1.0]), atol=1e-12)


@COMPOSED
def test_the_text_points_where_the_cost_falls(mix):
    _, title, *rows = lm.field(mix, y=1).text.split("\n")[2:]
    assert title == f"{mix}, {lm.field(mix, y=1)._panels[0].formula}"
    for row, logits in zip(rows, plane(9, 5.0)[::-1], strict=True):
        for sign, push in zip(row.split(), by_the_engine(mix, logits, [0.0, 1.0]), strict=True):
            if np.linalg.norm(push) < 0.05:
                assert sign == "·"
            else:
                angle = [*COMPASS].index(sign) * np.pi / 4.0
                apart = np.array([np.cos(angle), np.sin(angle)]) @ push / np.linalg.norm(push)
                assert apart >= np.cos(np.pi / 8.0) - 1e-9


def test_the_svg_takes_the_size_and_the_colours_of_its_page(svg):
    root = ElementTree.fromstring(svg)
    assert root.tag == f"{NAME}svg"
    assert "viewBox" in root.attrib
    assert not {"width", "height"} & root.attrib.keys()
    texts = ["".join(each.itertext()) for each in root.iter(f"{NAME}text")]
    assert texts.count("δ = a - y") == 2
    assert "δ = a(e - a·e)" in texts
    assert "δ = 2(a - y)" in texts
    assert "e = a - y" in texts
    (style,) = [each.text for each in root if each.tag == f"{NAME}style"]
    assert "@media (prefers-color-scheme: dark)" in style
    assert "date" not in svg.lower().replace("updated", "")


def test_every_colour_of_the_svg_has_its_counterpart_in_the_dark(svg):
    style, rest = svg.split("</style>", 1)
    colours = set(re.findall(r"(?:fill|stroke): (#\w+)", rest))
    assert colours <= set(re.findall(r'"(?:fill|stroke): (#\w+)"', style))
    assert len(colours) == 5


@pytest.mark.slow
def test_nothing_of_the_process_or_of_the_users_own_style_is_in_a_file():
    program = (
        "import sys, matplotlib, tinygrad_lossmix as lm;"
        "matplotlib.rcParams.update({'lines.linewidth': 9, 'text.color': 'red', 'font.size': 40});"
        "print(lm.field(lm.Mix('softmax', 'quadratic')).svg());"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        env=os.environ | {"PYTHONHASHSEED": "1"},
    )
    assert run.stdout.decode() == lm.field(lm.Mix("softmax", "quadratic")).svg() + "\n"


@pytest.mark.slow
def test_it_is_saved_by_its_suffix(tmp_path):
    shown = lm.field(lm.Mix("softmax", "ll"))
    starts = {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF", "txt": b"Arrows"}
    for form, start in starts.items():
        path = shown.save(tmp_path / f"field.{form}")
        assert path.read_bytes().startswith(start)
    assert shown.save(tmp_path / "again.pdf").read_bytes() == (tmp_path / "field.pdf").read_bytes()
    with pytest.raises(ValueError, match=r"saved as \.svg, \.png, \.pdf or \.txt, not \.dot"):
        shown.save(tmp_path / "field.dot")


@pytest.mark.slow
def test_a_notebook_shows_the_picture():
    shown = lm.field(lm.Mix("softmax", "ll"))
    assert shown._repr_mimebundle_() == {"text/plain": shown.text, "image/svg+xml": shown.svg()}
    assert repr(shown) == 'Field: .show(), .save("field.svg"), .svg(), .png(), .text'


def test_without_matplotlib_there_is_the_text_and_advice(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    shown = lm.field()
    with pytest.raises(ImportError, match=r'matplotlib: pip install "tinygrad_lossmix\[plot\]"'):
        shown.png()
    assert shown._repr_mimebundle_() == {"text/plain": shown.text}
    assert shown.save(tmp_path / "field.txt").read_text("utf-8") == shown.text + "\n"


def test_where_delta_is_no_number_it_is_told_from_0(monkeypatch):
    monkeypatch.setattr("tinygrad_lossmix.views.field.FINE", plane(13))
    found = lm.field(lm.Mix(np.log, "quadratic"), lm.Mix("softmax", "ll"))
    rows = found.text.split("\n\n")[1].splitlines()[1:]
    assert [row.split().count("?") for row in rows[5:]] == [9] * 4
    assert {*rows[0].split()[:4]} == {"?"}
    assert "? where it has no value" in found.text
    figure = found._figure()
    first, *_ = figure.axes
    assert 0.0 < drawn(first, "Quiver").scale < np.inf
    colours = first.images[0].cmap(np.ma.masked_invalid([np.nan, 0.0]))
    assert colours[0, 3] > colours[1, 3] == 0.0
    assert "Grey: δ has no value." in figure._supxlabel.get_text()
    assert drawn(first, "QuadContourSet").get_paths()


def test_one_point_near_a_pole_leaves_the_others_their_arrows():
    def pole(z):
        return 1.0 / (z - plane(61)[7, 7, 0] + 1e-9)

    alone, beside = (
        lm.field(*mixes)._figure().axes[0]
        for mixes in ([lm.Mix("softmax", "ll")], [lm.Mix("softmax", "ll"), lm.Mix(pole, "ll")])
    )
    assert drawn(beside, "Quiver").scale < 30.0 * drawn(alone, "Quiver").scale
    arrows = drawn(lm.field(lm.Mix(pole, "ll"))._figure().axes[0], "Quiver")
    assert np.hypot(arrows.U, arrows.V).max() <= 1.001 * LONGEST * arrows.scale


def test_where_delta_has_a_value_all_over_nothing_is_said_of_none():
    assert "no value" not in f"{lm.field().text} {lm.field().svg()}"


def test_a_cost_that_is_the_same_everywhere_is_drawn_without_a_warning():
    assert lm.field(lm.Mix("sigmoid", "ll"), y=[0.0, 0.0]).svg().count("· ·") == 0


@pytest.mark.parametrize("count", thinned([5, 1], 2))
def test_any_number_of_mixes_fits(count):
    figure = lm.field(*(lm.MIXES * 2)[:count])._figure()
    assert isinstance(figure, Figure)
    assert len(figure.axes) == count + 1


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        (["softmax", "ll"], {}, TypeError, r'of mixes, Mix\("softmax", "ll"\), not str'),
        ([lm.MIXES], {}, TypeError, "not tuple"),
        ([], {"y": 2}, ValueError, "0 … 1 for 2 outputs"),
        ([], {"y": [1.0, 0.0, 0.0]}, ValueError, r"shape \(3,\)"),
        ([], {"y": [[1.0, 0.0]]}, ValueError, r"shape \(1, 2\)"),
        ([], {"y": [np.nan, 0.0]}, ValueError, "finite"),
        ([], {"y": "cat"}, ValueError, "real numbers"),
    ],
)
def test_a_mistake_is_one_clear_error(arguments, options, error, words):
    with pytest.raises(error, match=words):
        lm.field(*arguments, **options)
