"""The tables and the picture are well-formed, whatever was timed and whatever was not."""

import xml.etree.ElementTree as ET

import chart
import documents
import pytest
import table

SVG = "{http://www.w3.org/2000/svg}"
ENGINES = ("NumPy by hand", "lossmix, one node", "a <peer> & co")


def timed(workload, size, mix, engine, median):
    return {
        "workload": workload,
        "size": size,
        "mix": mix,
        "engine": engine,
        "state": "timed",
        "first_ms": 12.345,
        "median": median,
        "quartiles": [0.9 * median, 1.1 * median],
        "us": 10 * median,
        "baseline_us": 10.0,
        "rounds": 5,
    }


@pytest.fixture
def result():
    """Two workloads, one with two corners; one engine could not do the second."""
    rows = [
        timed("W2", "z (10,)", mix, engine, median)
        for mix, factor in (("softmax ce", 2.0), ("softmax ll", 1.0))
        for engine, median in zip(ENGINES, (0.5, 0.04 * factor, 300.0), strict=True)
    ]
    rows += [timed("W5", "z (4096, 1000) float32", "softmax ll", e, 1.25) for e in ENGINES[:2]]
    failed = {key: rows[-1][key] for key in ("workload", "size", "mix")}
    rows.append(failed | {"engine": ENGINES[2], "state": "wrong", "why": "the value is 1, not 2"})
    peaks = {"softmax ll": {"resident": 4.04, "traced": None}, "softmax ce": {"why": "no memory"}}
    grown = {"steps": 100, "resident_growth": None, "traced_steps": 10, "traced_growth": 25}
    chain = {"engine": "a", "operations": 1000}
    return {
        "machine": {"cpu": "C", "cores": 2, "system": "S", "python": "3.11", "libraries": {}},
        "absent": {"jax": "not installed"},
        "ratios": rows,
        "chains": [
            chain | {"state": "timed", "us_per_operation": 2.5, "median": 1.0, "quartiles": [1, 1]},
            chain | {"engine": "b", "state": "failed", "why": "RecursionError"},
        ],
        "imports": [{"library": "l", "median": 1.1, "quartiles": [1.0, 1.2], "ms": 90.4}],
        "memory": [
            {"engine": "a", "state": "measured", "peaks": peaks} | grown,
            {"engine": "b", "state": "failed", "why": "died"},
        ],
        "scaling": [
            {"dimension": "n", "engine": "a", "sizes": [1, 10], "us": [5, 50], "exponent": 1.0}
        ],
    }


def tables(text):
    """Heading -> rows of cells, without the line of dashes."""
    found = {}
    for block in text.split("### ")[1:]:
        lines = block.splitlines()
        rows = [line for line in lines if line.startswith("|")]
        found[lines[0]] = [[c.strip() for c in row.split("|")[1:-1]] for row in rows]
        del found[lines[0]][1]
    return found


def test_every_row_of_a_table_has_as_many_cells_as_its_heading(result):
    found = tables(table.markdown(result))
    assert len(found) == 8
    for rows in found.values():
        assert len(rows) > 1
        assert {len(row) for row in rows} == {len(rows[0])}


def test_the_overview_shows_the_slowest_corner_and_a_dash_where_one_was_not_timed(result):
    rows = next(iter(tables(table.markdown(result)).values()))
    assert rows == [
        ["", "W2 z (10,)", "W5 z (4096, 1000) float32"],
        ["NumPy by hand", "0.50", "1.25"],
        ["lossmix, one node", "0.08", "1.25"],
        ["a <peer> & co", "300", "–"],
        [table.FASTEST, "300", "–"],
    ]


def test_the_details_show_median_and_quartiles_of_every_corner(result):
    rows = tables(table.markdown(result))["W2 z (10,)"]
    assert rows[0] == ["", "softmax ce", "softmax ll"]
    assert rows[1][1] == "0.50 (0.45–0.55)"


def test_what_is_wrong_or_absent_is_named_once(result):
    text = table.markdown(result)
    assert text.count("a <peer> & co: wrong on W5 z (4096, 1000) float32 softmax ll") == 1
    assert text.count("jax: not installed") == 1


def test_a_check_without_timing_makes_tables_without_the_overview(result):
    result["ratios"] = [row | {"state": "agrees"} for row in result["ratios"]]
    headings = list(tables(table.markdown(result)))
    assert headings[0] == "W2 z (10,)"


def test_the_figures_of_a_run_take_the_place_of_those_in_the_documents(
    result, monkeypatch, tmp_path
):
    (tmp_path / "docs").mkdir()
    (tmp_path / "benchmarks").mkdir()
    page = "Before\n\n|  | z |\n|---|---:|\n| old | 1 |\n\nAfter\n"
    for name in ("README.md", "docs/speed.md"):
        (tmp_path / name).write_text(page, encoding="utf-8")
    monkeypatch.setattr(documents, "ROOT", tmp_path)
    monkeypatch.setattr(documents, "ROWS", ENGINES[:2])
    documents.renew(result["ratios"])
    assert (tmp_path / "docs" / "speed.md").read_text(encoding="utf-8") == (
        "Before\n\n|  | z (10,) | z (4096, 1000) |\n|---|---:|---:|\n"
        "| NumPy by hand | 0.50 | 1.25 |\n| lossmix, one node | 0.08 | 1.25 |\n"
        "| a <peer> & co | 300 | – |\n| the fastest of the others | 300 | – |\n\nAfter\n"
    )
    readme = (tmp_path / "README.md").read_text(encoding="utf-8").splitlines()
    assert readme[2] == "|  | z (10,) |"
    assert [line.split(" | ")[0] for line in readme[4:7]] == [
        "| NumPy by hand", "| lossmix, one node", "| the fastest of the others"
    ]  # fmt: skip
    ET.fromstring((tmp_path / "benchmarks" / "chart.svg").read_text(encoding="utf-8"))


def figures(root, name):
    return [element for element in root.iter(SVG + name) if element.get("class")]


def test_the_chart_is_xml_with_a_dot_for_everything_that_was_timed(result):
    root = ET.fromstring(chart.svg(result["ratios"]))
    assert len(figures(root, "circle")) == 5
    words = [element.text for element in root.iter(SVG + "text")]
    assert words.count("not timed") == 1
    assert words.count("a <peer> & co") == 1
    assert {"W2", "W5", "0.08", "300"} <= set(words)


def test_dots_lie_in_the_order_of_the_ratios_inside_the_picture(result):
    root = ET.fromstring(chart.svg(result["ratios"]))
    width, height = map(float, root.get("viewBox").split()[2:])
    by_hand, ours, peer = [
        (float(dot.get("cx")), float(dot.get("cy"))) for dot in figures(root, "circle")[:3]
    ]
    assert 0 < ours[0] < by_hand[0] < peer[0] < width
    assert 0 < by_hand[1] < ours[1] < peer[1] < height


def boxes(root):
    """The rectangle of every text, with generous letters."""
    for element in root.iter(SVG + "text"):
        size = float(element.get("font-size", "13"))
        wide, x, y = (
            0.6 * size * len(element.text),
            float(element.get("x")),
            float(element.get("y")),
        )
        left = {"start": x, "middle": x - wide / 2, "end": x - wide}[element.get("text-anchor")]
        yield element.text, left, left + wide, y - 0.8 * size, y + 0.2 * size


def test_no_two_texts_of_the_chart_overlap(result):
    found = list(boxes(ET.fromstring(chart.svg(result["ratios"]))))
    for i, (a, left, right, top, bottom) in enumerate(found):
        for b, other_left, other_right, other_top, other_bottom in found[:i]:
            beside = right <= other_left or other_right <= left
            assert beside or bottom <= other_top or other_bottom <= top, (a, b)


def test_the_chart_has_colours_for_light_and_for_dark_paper(result):
    style = ET.fromstring(chart.svg(result["ratios"])).find(SVG + "style").text
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    for rule in (".paper", "text", ".grid", ".group", ".cost", ".input"):
        assert rule in light
        assert rule in dark


def test_a_chart_of_nothing_is_refused(result):
    with pytest.raises(ValueError, match="nothing was timed"):
        chart.svg([row | {"state": "agrees"} for row in result["ratios"]])
