"""The matrices of the page: their numbers, what is lit up, what is said of an entry."""

import re

import numpy as np
import pytest

import tinygrad_lossmix as lm
from demos import network
from tinygrad_lossmix.debugger.chain_rule import factors

MATRICES = """
[...document.querySelectorAll('#product .matrix')].map((matrix) => ({
    role: matrix.querySelector('.role').textContent,
    name: matrix.querySelector('.named').textContent,
    rows: [...matrix.querySelectorAll('tr')].map(
        (row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent)),
}))
"""
LIT = """
[...document.querySelectorAll('#product .matrix')].map(
    (matrix) => [...matrix.querySelectorAll('td.lit')].map((cell) => cell.textContent))
"""


def cost():
    rng = np.random.default_rng(1)
    shapes = {"W1": (3, 5), "b1": (5,), "W2": (5, 3), "b2": (3,)}
    return network.loss(
        *(lm.Tensor(rng.normal(size=n).round(2), name=k) for k, n in shapes.items())
    )


NAMES = {"x": network.x, "y": network.y}


def numbers(rows):
    return np.array([[float(text) for text in row] for row in rows])


def matrix(x):
    return np.reshape(x, (-1, x.shape[-1] if x.ndim else 1))


def test_the_matrices_of_every_step_are_those_of_the_walk(opened):
    page, walk = opened(cost(), names=NAMES), lm.Stepper(cost(), names=NAMES)
    forms = set()
    while walk.next():
        page.press("ArrowRight")
        product, shown = walk.stop, page.ask(MATRICES)
        part = factors(product.node, product.place, product.g)
        forms.add(part.sign)
        by_role = {each["role"].partition(",")[0]: numbers(each["rows"]) for each in shown}
        close = {"rtol": 1e-3, "atol": 1e-12}
        given = (part.left, part.right)
        np.testing.assert_allclose(by_role["upstream"], matrix(given[1 - part.local]), **close)
        np.testing.assert_allclose(by_role["local"], matrix(given[part.local]), **close)
        np.testing.assert_allclose(by_role["downstream"], matrix(product.contribution), **close)
        accumulated = by_role.get("accumulated")
        assert (accumulated is not None) == (product.expected > 1)
        if accumulated is not None:
            np.testing.assert_allclose(accumulated, matrix(product.total), **close)
            assert f"contribution {product.received} of 2" in page.text("#product")
    assert forms == {"@", "∘"}


def test_the_entry_under_the_pointer_lights_up_its_row_and_its_column(opened):
    page = opened(cost(), at="#step=13", names=NAMES)
    assert page.text("#rule").endswith("@ W2.T")
    above, left, result = (each["rows"] for each in page.ask(MATRICES))
    page.point(".result tr:nth-child(2) td:nth-child(3)")
    assert page.ask(LIT) == [[row[2] for row in above], left[1], [result[1][2]]]
    terms = [f"{a} · {b[2]}" for a, b in zip(left[1], above, strict=True)]
    said = page.text("#product .entry").replace("(", "").replace(")", "")
    assert said.endswith(f"[1, 2] = {' + '.join(terms)} = {result[1][2]}")
    page.point(".left tr:nth-child(2) td:nth-child(3)")
    assert page.ask(LIT) == [above[2], [left[1][2]], result[1]]
    page.point(".above tr:nth-child(2) td:nth-child(3)")
    assert page.ask(LIT) == [[above[1][2]], [row[1] for row in left], [row[2] for row in result]]
    page.point("h1")
    assert page.ask(LIT) == [[], [], []]


def test_the_keyboard_reaches_every_entry_and_steps_nowhere(opened):
    page = opened(cost(), at="#step=13", names=NAMES)
    page.ask("document.querySelector('.result td').focus()")
    page.press("ArrowRight", "ArrowRight", "ArrowDown")
    assert page.text("#product .entry").startswith("dC/dn6[1, 2] = ")
    page.press("ArrowUp", "ArrowUp", "ArrowLeft")
    assert page.text("#product .entry").startswith("dC/dn6[0, 1] = ")
    assert page.ask("document.querySelectorAll('.result [tabindex=\"0\"]').length") == 1
    assert page.text("#position") == "step 13 of 18"


def test_an_entry_of_a_bias_is_the_sum_of_a_column(opened):
    page = opened(cost(), at="#step=12", names=NAMES)
    left, above, _ = (each["rows"] for each in page.ask(MATRICES))
    page.point(".result td:nth-child(2)")
    assert page.ask(LIT)[:2] == [[row[1] for row in left], [row[1] for row in above]]
    terms = [f"{a[1]} · {b[1]}" for a, b in zip(left, above, strict=True)]
    assert " + ".join(terms) in page.text("#product .entry").replace("(", "").replace(")", "")


def test_of_a_large_array_corners_are_shown_and_their_entries_keep_their_numbers(opened):
    x = lm.Tensor(np.arange(3000.0).reshape(30, 100), name="x")
    page = opened((x * 2.0).sum(), at="#step=3", names={"x": x})
    rows = page.ask(MATRICES)[-1]["rows"]
    assert (len(rows), {len(row) for row in rows}) == (12, {12})
    assert rows[6] == ["⋮"] * 6 + ["⋱"] + ["⋮"] * 5
    page.point(".result tr:last-child td:last-child")
    assert page.text("#product .entry") == "dn2/dx[29, 99] = 1 · 2 = 2"


def test_not_a_number_and_infinity_are_shown_as_such(opened):
    z = lm.Tensor([0.0, 1.0], name="z")
    with np.errstate(all="ignore"):
        page = opened(np.log(z).sum(), at="#step=3")
    local = next(each for each in page.ask(MATRICES) if each["role"] == "local")
    assert local["rows"] == [["inf", "1"]]
    assert (
        page.ask(
            "getComputedStyle(document.querySelector('.above td')).getPropertyValue('--shade')"
        )
        == "100%"
    )


@pytest.mark.parametrize(
    ("mix", "words"),
    [(("softmax", "ll"), "They are equal."), (("softmax", "ce"), "They differ by up to 0.2814.")],
)
def test_at_the_end_delta_stands_beside_a_minus_y(opened, mix, words):
    z = lm.Tensor([2.0, 1.0, 0.0], name="z")
    page = opened(lm.Mix(*mix).composed(z, 0))
    assert page.text("#delta") == ""
    page.press("End")
    delta, a_minus_y = lm.Mix(*mix).delta(z.data, 0), lm.softmax(z.data) - [1.0, 0.0, 0.0]
    cells = "[...document.querySelectorAll('#delta td')].map((cell) => Number(cell.textContent))"
    np.testing.assert_allclose(page.ask(cells), [*delta, *a_minus_y], rtol=1e-3)
    assert page.text("#delta").endswith(words)


def test_a_number_is_in_its_cell_where_it_fits_with_two_digits_if_need_be(opened):
    page = opened(cost(), at="#step=13", names=NAMES, width=390, height=844)
    shown = """[...document.querySelectorAll('#product .narrow td')].map(
        (td) => [td.textContent, getComputedStyle(td, '::after').content, td.offsetWidth])"""
    cells = page.ask(shown)
    written = [(text, brief.strip('"')) for text, brief, _ in cells if brief != "none"]
    assert len(written) > len(cells) / 2
    for text, brief in written:
        assert float(brief) == pytest.approx(float(text), rel=0.05)
        assert len(brief) <= len(text)
    assert len({width for *_, width in cells}) == 1


def test_the_parts_of_a_product_stand_in_one_row_or_in_one_column(opened):
    page = opened(lm.Mix("softmax", "ll").composed(lm.Tensor([2.0, 1.0, 0.0]), 0), at="#step=9")
    places = """[...document.querySelectorAll('.entrywise .matrix')].map(
        (matrix) => [matrix.offsetLeft, matrix.offsetTop])"""
    stacked = set()
    for width in range(900, 2000, 100):
        page.screen(width=width)
        page.wait(f"innerWidth === {width}")
        page.ask("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        left, top = (set(numbers) for numbers in zip(*page.ask(places), strict=True))
        stacked.add(len(top) == 3)
        assert 1 in (len(left), len(top)), width
    assert stacked == {True, False}


def test_the_table_says_each_local_derivative_in_full(opened):
    page, walk = opened(cost(), names=NAMES), lm.Stepper(cost(), names=NAMES)
    cells = (
        "[...document.querySelectorAll('#products tbody tr')].map((row) => row.cells[3].innerText)"
    )
    page.ask("document.querySelectorAll('details').forEach((each) => { each.open = true })")
    texts = page.ask(cells)[1:]
    for text, product in zip(texts, walk.products, strict=True):
        part = factors(product.node, product.place, product.g)
        found = [float(number) for number in re.findall(r"-?\d[\d.e-]*", text.partition(" = ")[2])]
        local = np.ravel((part.left, part.right)[part.local])
        np.testing.assert_allclose(found[: local.size], local, rtol=1e-3)
    assert [text for text in texts if text.startswith("W2.T = [[")]


def test_as_text_every_number_is_in_full(opened):
    page = opened(cost(), at="#step=18", names=NAMES, width=390, height=844)
    hidden = "document.querySelectorAll('#product .narrow').length"
    page.wait(f"{hidden} > 0")
    page.click("#plain")
    page.wait(f"{hidden} === 0")
    assert page.ask("document.getElementById('plain').getAttribute('aria-pressed')") == "true"


def test_where_most_numbers_do_not_fit_their_cells_none_is_written(opened):
    rng = np.random.default_rng(0)
    x = np.where(rng.random((30, 12)) < 0.5, 0.0, rng.normal(size=(30, 12)) * 5)
    w = lm.Tensor(rng.normal(size=(12, 10)), name="w")
    page = opened(((x @ w) ** 2).sum(), at="#step=4", width=390, height=844)
    written = """[...document.querySelectorAll('#product .narrow')].map((matrix) =>
        [...matrix.querySelectorAll('td:not(.out)')].filter(
            (cell) => getComputedStyle(cell, '::after').content !== 'none').length)"""
    assert page.ask(written) == [0, 0, 0]


def test_the_matrices_of_a_stack_stand_apart(opened):
    x = lm.Tensor(np.arange(24.0).reshape(2, 3, 4), name="x")
    page = opened((x * x).sum(), at="#step=3")
    tops = """[...document.querySelectorAll('#product .result tr')].map(
        (row) => row.querySelector('td span').getBoundingClientRect().top)"""
    gaps = np.diff(page.ask(tops))
    assert gaps[2] > gaps[0] + 5
    np.testing.assert_allclose(np.delete(gaps, 2), gaps[0], atol=0.1)
