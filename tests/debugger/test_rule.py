"""Rules written out with the reader's names: computed as they read, they are the contributions."""

import re

import numpy as np
import pytest
from hypothesis import given
from scipy import special

import demos.network as network
import tinygrad_lossmix as lm
from tests.helpers.late_rows import is_late
from tests.helpers.quick import in_one
from tinygrad_lossmix.debugger.rule import differentiated, in_letters, product, slope
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.derivatives import astype, scatter
from tinygrad_lossmix.engine.table import SCIPYS, TABLE
from tinygrad_lossmix.mixes.layers import PAIRS
from tinygrad_lossmix.mixes.lml import lml_parts
from tinygrad_lossmix.mixes.outputs import log1m_softmax, sum_of_others
from tinygrad_lossmix.testing import strategies
from tinygrad_lossmix.views.reading import Reading, constants

SENTENCES = {
    np.max,
    np.min,
    np.prod,
    np.cumprod,
    lm.logsumexp,
    log1m_softmax,
    lm.lml,
    lml_parts,
}  # rules that no formula says
CONSTANTS = {  # there is a number in the rule, of which four digits are written
    np.exp2, np.log2, np.log10, *(SCIPYS[name] for name in ("erf", "erfc", "ndtr")),
}  # fmt: skip
DELTAS = {form.delta.__name__: form.delta for form in PAIRS.values()}
FUNCTIONS = vars(np) | {f.__name__: f for f in (lm.sigmoid, lm.softmax, sum_of_others)} | DELTAS

x, y = lm.Tensor([2.0, 1.0], name="x"), lm.Tensor([3.0, 5.0], name="y")
z = lm.Tensor([[2.0, 1.0, 0.0], [0.5, -1.0, 1.5]], name="z")
w = lm.Tensor([[0.5, -1.0], [2.0, 1.0], [0.0, 3.0]], name="w")
labels = np.eye(3)[[0, 2]]
UNARY = [
    np.tan, np.sinh, np.cosh, np.arcsin, np.arccos, np.arctan, np.arcsinh, np.arctanh, np.exp2,
    np.log2, np.log10, np.cbrt, np.fabs, np.reciprocal, np.deg2rad, np.rad2deg, special.erf,
    special.erfc, special.ndtr, special.logit, special.entr, lambda x: np.arccosh(x + 1.5),
]  # fmt: skip


def computed(text, known, shape):
    """What a text gives as NumPy, once what it says in words is carried out."""
    summed = re.fullmatch("sum of (.*) over ax[ei]s (.*)", text)
    if summed:
        axes = tuple(map(int, summed[2].split(", ")))
        return computed(summed[1], known, None).sum(axis=axes).reshape(shape)
    added = re.fullmatch(r"(.*) added at (.*); 0 elsewhere", text)
    if added:
        full, g, at = np.zeros(shape), eval(added[1], FUNCTIONS, known), added[2]
        if re.fullmatch(r"(\[[-\d, ]*\](, )?)+", at):  # of each entry, or row, in order
            places = [tuple(place) for place in eval(f"[{at}]")]
            for place, part in zip(places, g.reshape(-1, *full[places[0]].shape), strict=True):
                full[place] += part
        else:
            np.add.at(full, eval(f"np.s_{at}"), g)
        return full
    return eval(text, FUNCTIONS, known)


def check(cost, names=()):
    """Each product of a walk, as it reads."""
    named = {}
    for array in constants(Reading(cost)):
        if not any(np.array_equal(array, other) for other in named.values()):
            named[f"c{len(named)}"] = array
    walk = Walk(cost, named | dict(names))
    call = walk.reading.call
    values = {call(node): node.data for node in walk.reading.nodes} | named
    if walk.reading.symbols:
        values["y"] = walk.reading.symbols.y
    for stop in walk.products:
        text = product(walk.reading, stop.node, stop.place)
        if ", ..., [" in text:
            continue  # a text holds no long list of places, where np.sort takes entries from
        assert "array of" not in text, text
        if stop.node.function in {*SENTENCES, *DELTAS.values()}:
            continue
        gradient = f"d{call(cost)}/d{call(stop.node)}"
        rtol = 1e-6 if np.float32 in (stop.node.dtype, stop.argument.dtype) else 1e-12
        rtol = 1e-3 if stop.node.function in CONSTANTS else rtol
        known = values | {"upstream": stop.g}
        found = computed(text.replace(gradient, "upstream"), known, stop.argument.shape)
        np.testing.assert_allclose(found, stop.contribution, rtol, 1e-13, err_msg=text)


CALLS = [
    *(function(x) for function in (np.positive, np.negative, np.absolute, np.exp, np.expm1)),
    *(function(x) for function in (np.log, np.log1p, np.sqrt, np.square, np.sin, np.cos)),
    *(function(x) for function in (np.tanh, lm.sigmoid, lm.softplus, lm.log_sigmoid)),
    *(function(0.2 + z * z / 9) for function in UNARY),
    *(function(x, y) for function in (np.arctan2, np.copysign, np.float_power, np.floor_divide)),
    *(function(x, y) for function in (np.fmod, np.heaviside, np.hypot, np.remainder)),
    *(function(x, y) for function in (special.rel_entr, special.xlog1py)),
    *(function(x, y) for function in (np.add, np.subtract, np.multiply, np.divide)),
    *(function(x, y) for function in (np.maximum, np.minimum, np.logaddexp, np.power, lm.xlogy)),
    *(function(z, x[:, None]) for function in (np.add, np.multiply, np.divide, np.subtract)),
    *(function(z, y[0]) for function in (np.multiply, np.maximum)),
    *(x**p for p in (3, 2.0, 1, 0, -1, 0.5)),
    np.array([2.0, 3.0]) ** x,
    *(x @ y, x @ z, z @ w, w @ x, z @ w @ x),
    np.stack([z, z]) @ np.stack([w, w, w])[:2],
    np.where(z.data > 0.7, z, 2.0),
    np.where(z.data > 0.7, z, x[:, None]),
    *(f(z, **options) for f in (np.sum, np.mean, np.var, np.max, np.min, np.prod)
      for options in ({}, {"axis": 0}, {"axis": -1, "keepdims": True}, {"axis": (0, 1)})),
    *(f(z, axis=axis) for f in (np.linalg.norm, np.cumsum, np.cumprod) for axis in (None, 0, -1)),
    *(f(z, axis=1, ddof=1) for f in (np.var, np.std)),
    *(np.roll(z, 2, axis) for axis in (None, 0, -1)),
    *(z.reshape(6), z.reshape(3, 2), np.broadcast_to(x, (3, 2)), z.T),
    np.stack([z, z]).transpose(2, 0, 1),
    *(z[1], z[:, 0], z[..., [0, 0, 2]], z[None, ::-1, 1:], x[x.data > 1.5], x[1]),
    astype(z, dtype=np.dtype(np.float32)),
    scatter(x, key=np.array([0, 2]), shape=(4,)),
    *(np.concatenate([z, z]), np.concatenate([z, w.T], axis=1)),
    *(np.einsum("ij,kj->ik", z, w.T), np.einsum("ij->i", z), np.einsum("i,j->ij", x, y)),
    *(f(z, axis=axis) for f in (lm.softmax, lm.log_softmax, lm.logsumexp) for axis in (0, -1)),
    *(log1m_softmax(z), sum_of_others(z), sum_of_others(z, axis=0), lm.constant(z) * z),
    *(lm.lml(z), lm.lml(z, axis=0), lml_parts(z)),
    *(lm.Mix(*pair).cost(z, labels) for pair in PAIRS),
    *(lm.Mix(*pair).delta(z, labels) for pair in PAIRS),
]  # fmt: skip


def test_the_calls_are_of_every_row():
    found = {node.function for call in CALLS for node in Reading(call.sum()).nodes}
    assert found >= {f for f in TABLE if not is_late(f)}


@in_one("node", CALLS, ids=lambda node: node.function.__name__)
def test_computed_as_it_reads_a_product_is_the_contribution(node):
    check((node * np.linspace(0.5, 2.0, node.size).reshape(node.shape)).sum())


@given(strategies.programs())
def test_products_of_random_programs_read_as_they_are(program):
    f, inputs = program
    check(f(*[lm.Tensor(each, name=f"v{i}") for i, each in enumerate(inputs)]))


@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
def test_products_of_the_book_read_as_they_are(mix):
    check(mix.composed(z, labels))


def test_a_network_reads_as_in_a_textbook():
    rng = np.random.default_rng(0)
    shapes = {"W1": (3, 5), "b1": (5,), "W2": (5, 3), "b2": (3,)}
    cost = network.loss(*[lm.Tensor(rng.normal(size=s), name=name) for name, s in shapes.items()])
    walk = Walk(cost, vars(network))
    texts = [product(walk.reading, stop.node, stop.place) for stop in walk.products]
    assert [text.replace("n7", "p").replace("n6", "h") for text in texts[-8:]] == [
        "dC/dz",
        "sum of dC/dz over axis 0",
        "dC/dp @ W2.T",
        "h.T @ dC/dp",
        "dC/dh * (1 - h * h)",
        "dC/dn5",
        "sum of dC/dn5 over axis 0",
        "x.T @ dC/dn4",
    ]


@in_one(
    ("node", "place", "text"),
    [
        (np.exp(x), 0, "g * z"),
        (lm.sigmoid(x), 0, "g * a * (1 - a)"),
        (x / y, 0, "g / y"),
        (x / y, 1, "g * z / -y"),
        (-x, 0, "-g"),
        (x - y, 1, "-g"),
        (z + x[:, None], 1, "g"),
        (np.logaddexp(x, y), 1, "g * exp(y - z)"),
        (x**3, 0, "g * 3 * x ** 2"),
        (x.reshape(2, 1), 0, "g.reshape(2)"),
        (x.sum(), 0, "broadcast_to(g, (2,))"),
        (z.max(axis=1), 0, "g where x == z, the maximum or minimum, in equal parts among ties"),
        (z[1:, [0, 0]], 0, "g added at [1, 0], [1, 0]; 0 elsewhere"),
        (lm.softmax(z), 0, "a * (g - sum(g * a, axis=-1, keepdims=True))"),
        (np.einsum("ij,jk->ik", z, w), 0, "einsum('ik,jk->ij', g, xs[1])"),
        (np.einsum("ij,jk->ik", z, w), 1, "einsum('ik,ij->jk', g, xs[0])"),
        (z @ w[:, 0], 0, "g[..., None] * y"),
        (z @ w[:, 0], 1, "x.T @ g"),
        (w[:, 0] @ w, 0, "g @ y.T"),
        (w[:, 0] @ w, 1, "x[:, None] * g[None, :]"),
        (np.stack([z, z]) @ w, 1, "x.mT @ g"),
    ],
)
def test_a_rule_in_the_letters_of_the_table(node, place, text):
    assert in_letters(node, place) == text


def test_where_entries_go_back_to_is_said_place_by_place():
    order, rows = np.array([2, 0]), np.array([[0, 1], [1, 0]])
    for node, text in [
        (z[:, 1:], "[:, 1:]"),
        (z[1], "[1]"),
        (z[order - 1], "[1], [1]"),
        (z[[0, 1], order], "[0, 2], [1, 0]"),
        (z[:, order], "[0, 2], [0, 0], [1, 2], [1, 0]"),
        (x[rows], "[0], [1], [1], [0]"),
        (z[z.data > 0.7], "[0, 0], [0, 1], [1, 2]"),
        (np.take_along_axis(z, order[:, None], axis=-1), "[0, 2], [1, 0]"),
        (np.sort(z, axis=-1), "[0, 2], [0, 1], [0, 0], [1, 1], [1, 0], [1, 2]"),
        (x[[0, 1, 1, 0, 1, 0, 0]], "[0], [1], [1], ..., [0], [0]"),
    ]:
        reading = Reading(node.sum(), {"order": order, "rows": rows})
        assert product(reading, node, 0) == f"dn2/dn1 added at {text}; 0 elsewhere", text


def test_the_sum_over_what_was_broadcast_is_said():
    for node, place, text in [
        (z + x[:, None], 1, "sum of {} over axis 1"),
        (x[0] * z, 0, "sum of {} * z over axes 0, 1"),
        (np.stack([z, z]) @ w, 1, None),
    ]:
        reading = Reading(node.sum())
        gradient = f"d{reading.call(reading.cost)}/d{reading.call(node)}"
        found = product(reading, node, place)
        assert found == text.format(gradient) if text else found.startswith("sum of ")


def test_the_local_derivative_of_what_is_elementwise():
    reading = Reading((np.tanh(x) + lm.sigmoid(x) / y - np.exp(x)).sum())
    found = [slope(reading, node, place) for node in reading.nodes
             for place in differentiated(node)]  # fmt: skip
    assert found[:4] == ["1 - n2 * n2", "n3 * (1 - n3)", "1 / y", "n4 / -y"]
    assert found[4:] == ["1", "1", "n6", "1", "-1", "1"]


def test_names_are_those_of_the_reader_and_hold_together():
    y = np.array([1.0, 0.0])
    one_minus, plain = lm.Tensor([0.3, 0.6], name="1 - a"), lm.Tensor([0.3, 0.6], name="b")
    node = one_minus * plain
    reading = Reading(node.sum(), {"y": y})
    assert product(reading, node, 1) == "dn3/dn2 * (1 - a)"
    reading = Reading((np.log(plain) * y).sum(), {"y": y})
    assert product(reading, reading.nodes[2], 0) == "dn3/dn2 * y"


def test_a_rule_that_cannot_be_run_on_names_is_said_by_its_docstring():
    def rule(g, z, x):
        """3·g·x², one entry at a time; this is slow."""
        return np.array([3.0 * float(each) ** 2 * float(up) for each, up in zip(x, g, strict=True)])

    cube = lm.derivative(lambda x: x**3, rule)
    assert in_letters(cube(x), 0) == "3·g·x², one entry at a time"
    rule.__doc__ = None
    assert in_letters(lm.derivative(lambda x: x**3, rule)(x), 0).startswith("what the rule of ")


def test_a_rule_typed_in_a_session_is_written_out():
    made = {}
    exec("rule = lambda g, z, x: 3 * g * x * x", made)
    cube = lm.derivative(lambda x: x**3, made["rule"])
    assert in_letters(cube(x), 0) == "3 * g * x * x"


def test_a_column_of_a_product_is_that_of_a_vector_only_where_it_was_one():
    m = np.arange(6.0).reshape(2, 3)
    for rule, text in [
        (lambda g, z, x: (m.T @ g[..., None])[..., 0], "array of (3, 2) @ g"),
        (
            lambda g, z, x: (m @ x[..., 1:])[..., 0] * g,
            "(array of (2, 3) @ x[..., 1:])[..., 0] * g",
        ),
        (lambda g, z, x: (m @ x)[..., 0] * g, "(array of (2, 3) @ x)[..., 0] * g"),
        (lambda g, z, x: g[..., None], "g[..., None]"),
        (lambda g, z, x: x[..., ::2], "x[..., ::2]"),
    ]:
        node = lm.derivative(lambda x: np.asarray(x)[:2, 0], rule)(lm.Tensor(np.ones((3, 2))))
        assert in_letters(node, 0) == text


def test_a_rule_that_is_a_long_loop_is_not_written_out():
    def rule(g, z, x):
        for _ in range(10**6):
            g = g * x + g
        return g

    loop = lm.derivative(lambda x: x * 1.0, rule)
    assert in_letters(loop(x), 0).startswith("what the rule of ")
