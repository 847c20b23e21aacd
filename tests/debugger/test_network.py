"""A network of two layers and a batch of four, stepped in a real terminal: 80 columns, 24 lines."""

import re

import numpy as np
import pytest

import tinygrad_lossmix as lm
from demos.network import loss
from tests.helpers.prompt import answers_to, on_one_line, prompt_on
from tests.helpers.quick import thinned

COLUMNS, LINES = 80, 24
START = """
import sys
import numpy as np
import tinygrad_lossmix as lm
from demos.network import x, y
rng = np.random.default_rng(int(sys.argv[2]))
shapes = [(3, 5), 5, (5, 3), 3]
W1, b1, W2, b2 = (lm.Tensor(rng.normal(size=shape), name) for shape, name in
                  zip(shapes, ["W1", "b1", "W2", "b2"]))
h = {"tanh": np.tanh, "sigmoid": lm.book.sigmoid}[sys.argv[1]](x @ W1 + b1)
z = h @ W2 + b2
lm.step(lm.book.log_likelihood(lm.book.softmax(z), y))
"""
PARTS = "upstream|local|downstream|accumulated"
GRID = re.compile(rf"({PARTS}) (\S.*?) \((\d+), (\d+)\)(?:   |$)")
TERM = re.compile(r"  \S+.*?  +(-?\d\S*)  +\*  .*?  +(-?\d\S*)  +=  +(-?\d\S*)$")
LINE = re.compile(rf"^ *({PARTS}) +\S.*?  +(\[.*\]|-?[\d.e+-]+)(?: everywhere)?$")


@pytest.fixture
def network(terminal):
    """The prompt at the network, in a terminal."""

    def spawn(hidden="tanh", seed=0, dimensions=(LINES, COLUMNS)):
        return terminal(START, hidden, str(seed), dimensions=dimensions, NO_COLOR="1")

    return spawn


def said(child, line):
    """The lines of an answer, without what was typed."""
    child.sendline(line)
    child.expect_exact(line)  # a window of another size has its prompt written again before
    child.expect_exact("(step) ")
    return child.before.replace("\r", "").split("\n")[1:-1]


def arrays(lines):
    """What a stop shows, by its part: grids, beside each other or not, and what is on one line."""
    found = {}
    for at, line in enumerate(lines):
        grids = list(GRID.finditer(line))
        ends = [*(each.start() for each in grids[1:]), None]
        for each, end in zip(grids, ends, strict=False):
            n, m = int(each[3]), int(each[4])
            rows = [row[each.start() : end].split() for row in lines[at + 1 : at + 2 + n]]
            assert rows[0] == [str(j) for j in range(m)]
            assert [row[0] for row in rows[1:]] == [str(i) for i in range(n)]
            found[each[1]] = np.array([list(map(float, row[1:])) for row in rows[1:]])
        if not grids and (alone := LINE.match(line)):
            found[alone[1]] = np.array(list(map(float, alone[2].strip("[]").split(","))))
    return found


def downstream(lines, upstream, local, shape):
    """What the numbers on the screen give, and how far their four digits may be off."""
    for sign in (lambda x: x, np.abs):
        g, d = sign(upstream), sign(local)
        if " @ " in lines[1]:
            product = d @ g if ".T @ " in lines[1] else g @ d
        else:
            product = g * d
            product = np.broadcast_to(product, np.broadcast_shapes(product.shape, shape))
            extra = product.ndim - len(shape)
            product = product.sum(axis=tuple(range(extra)))
            apart = tuple(i for i, n in enumerate(shape) if n != product.shape[i])
            product = product.sum(axis=apart, keepdims=True)
        yield product


@pytest.mark.parametrize(("hidden", "stops"), thinned([("tanh", 17), ("sigmoid", 20)], 2))
def test_each_stop_fits_and_its_product_can_be_computed_from_the_screen(network, hidden, stops):
    child = network(hidden)
    matrices = 0
    for stop in range(1, stops + 1):
        lines = said(child, "next")
        assert lines[0].startswith(f"[{stop}/{stops}]")
        assert max(map(len, lines)) <= COLUMNS
        assert len(lines) + 2 <= LINES, "with what was typed, and the prompt below"
        shown = arrays(lines)
        assert {"upstream", "local", "downstream"} <= set(shown), lines
        part = shown["downstream"]
        product, size = downstream(lines, shown["upstream"], shown["local"], part.shape)
        assert product.shape == part.shape
        assert (np.abs(product - part) <= 1.1e-3 * size + 5e-4 * np.abs(part)).all(), lines
        matrices += " @ " in lines[1]
    assert matrices == 3  # W1 has no x to go to
    assert said(child, "next")[0].startswith("at the end")


@pytest.mark.parametrize("columns", thinned([60, 80, 132], 3))
def test_every_answer_fits_whatever_the_width_and_cuts_no_number(network, columns):
    child = network("sigmoid", dimensions=(LINES, columns))
    greeting = child.before.replace("\r", "").split("\n")
    assert max(map(len, greeting)) <= columns
    commands = "help;;forward;;until h;;args;;goto 8;;contrib;;list;;end;;where;;list;;delta;;p W1"
    for command in [
        *commands.split(";;"),
        "p W1.grad",
        "local h",
        "explain h",
        "check b1",
        "row 2",
    ]:
        lines = said(child, command)
        assert lines, command
        assert max(map(len, lines)) <= columns, command
        assert not re.search(r"\.\d*…|…\d*\.|\b\d+\.$|^\.\d", "\n".join(lines), re.MULTILINE)


def test_a_window_is_measured_at_every_answer(network):
    child = network()
    said(child, "until h")
    wide = said(child, "back;;next")
    child.setwinsize(LINES, 50)
    assert max(map(len, said(child, "until W2"))) <= 50
    child.setwinsize(LINES, 100)
    assert max(map(len, wide)) <= COLUMNS < max(map(len, said(child, "list")))


@pytest.mark.parametrize("seed", thinned([1, 2], 2))
def test_an_entry_is_the_sum_of_the_products_that_are_listed(network, seed):
    child = network(seed=seed)
    said(child, "end")
    for name, at in (("W2", (2, 1)), ("h", (3, 4)), ("W1", (0, 0)), ("b2", (1,)), ("n5", (1, 1))):
        lines = said(child, f"entry {name}[{','.join(map(str, at))}]")
        start = next(i for i, line in enumerate(lines) if line.startswith(f"dC/d{name}["))
        terms = [
            list(map(float, found.groups())) for found in map(TERM.match, lines[start:]) if found
        ]
        assert len(terms) == {"W2": 4, "h": 3, "W1": 4, "b2": 4, "n5": 1}[name]
        for x, y, product in terms:
            assert product == pytest.approx(x * y, rel=2e-3)
        if len(terms) > 1:
            total = float(lines[-1].split("=")[1])
            products = [product for *_, product in terms]
            assert np.isclose(sum(products), total, atol=1e-3 * np.abs(products).sum())


@pytest.mark.slow
def test_tab_completes_a_gradient_that_is_typed_alone(network):
    child = network()
    said(child, "end")
    child.send("W2.g\t\n")
    child.expect_exact("dC/dW2 (5, 3)")


def test_what_is_said_of_softmax_of_a_batch_fits_the_screen(monkeypatch):
    monkeypatch.setenv("LINES", str(LINES))
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 4)), np.eye(3)[[0, 1, 2, 0, 1, 2]]
    W = lm.Tensor(rng.normal(size=(4, 3)), name="W")
    p = lm.softmax(x @ W)
    cost = (-(y * np.log(p)).sum(axis=-1) + (p * p).sum(axis=-1) + p.max(axis=-1)).mean()
    prompt, answers = prompt_on(cost, x=x, y=y, p=p)
    while not prompt.session.steps.at_end:
        for command in ("next", "where", "contrib", "local", "args"):
            answers.truncate(answers.seek(0))
            prompt.onecmd(command)
            assert answers.getvalue().count("\n") < LINES, answers.getvalue()


def test_a_stack_of_matrices_is_shown_as_what_the_rule_multiplies_by():
    rng = np.random.default_rng(0)
    shapes = {"a": (2, 2, 3), "b": (2, 3, 2), "w": (2, 2)}
    a, b, w = (lm.Tensor(rng.normal(size=shape), name=name) for name, shape in shapes.items())
    text = answers_to("next;;next;;next;;next;;next", (a @ b @ w).sum())
    shown = re.findall(r"local (\S+ \(\d.*?\))", text)
    assert shown == ["w.T (2, 2)", "n3.mT (2, 2, 2)", "b.mT (2, 2, 3)", "a.mT (2, 3, 2)"]
    assert "too large" not in text


def test_paths_are_written_in_full_so_that_they_can_be_told_apart():
    shapes = {"W1": (3, 5), "b1": 5, "W2": (5, 3), "b2": 3}
    cost = loss(*(lm.Tensor(np.ones(shape), name=name) for name, shape in shapes.items()))
    said = on_one_line(answers_to("end;;where", cost)).partition("over 2 paths:")[2]
    ways = [re.findall(r"\w+(?= >)", way) for way in said.split("path ")[1:]]
    assert "n10" not in ways[0]
    assert ways[1] == [*ways[0][:6], "n10", *ways[0][6:]]
