"""The general rule, T1 to T6, each as a property of a random family whose answer is known."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_lossmix as lm
from tinygrad_lossmix.answers.match import general_rule
from tinygrad_lossmix.answers.match.general_rule import (
    against,
    bending,
    factor,
    potentials,
    recorded_loss,
    work,
)
from tinygrad_lossmix.answers.match.layer import SETS, Layer, jacobian, labels_from
from tinygrad_lossmix.answers.match.levels import flat
from tinygrad_lossmix.answers.match.partners import sparsemax

seeds = st.integers(0, 2**32 - 1).map(np.random.default_rng)
sizes = st.integers(2, 4)


def test_the_rule_itself_is_short():
    text = Path(general_rule.__file__).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 250


def points(k, most=3.0):
    return hnp.arrays(float, k, elements=st.floats(-most, most))


def mean_of(support, start):
    """Of a random row of `support` with P ~ e^(row·z + start): the gradient of ln Σ e^(…)."""
    return lambda z: lm.softmax(z @ support.T + start) @ support


@given(seeds, sizes)
def test_the_gradient_of_a_random_convex_function_has_a_cost(rng, k):
    """T1: f(zW + b), f one of four convex functions with these gradients."""
    w, b = rng.normal(size=(k, 4)), rng.normal(size=4)
    inner = [np.tanh, lm.sigmoid, np.exp, lm.softmax][rng.integers(4)]
    assert against(Layer(lambda z: inner(0.5 * (z @ w) + b) @ w.T, k))[0] is None


@given(seeds)
def test_what_turns_on_a_path_has_no_cost(rng):
    """T1: work beyond 1e-6 on a path that the search goes."""
    w = rng.normal(size=(3, 3)) * rng.choice([1e-4, 1e-2, 1.0])
    layer = Layer(lambda z: lm.softmax(z) + z @ w, 3)
    if abs(work(layer, np.eye(3)).work) > 1e-6:  # 0.87 of w's asymmetry round that triangle
        assert against(layer)[0] is not None


@given(seeds, sizes.flatmap(lambda k: st.tuples(points(k), points(k))))
def test_the_cost_is_the_potential_minus_y_z_and_its_gradient_a_minus_y(rng, logits):
    """T1: ln Σ e^(row·z + b) by quadrature of its gradient."""
    z, y = logits
    support, b = rng.normal(size=(5, len(z))), rng.normal(size=5)
    layer, t = Layer(mean_of(support, b), len(z)), lm.Tensor(z)
    cost = recorded_loss(t, y, layer=layer)
    expected = np.logaddexp.reduce(support @ z + b) - np.logaddexp.reduce(b)
    scale = 1 + np.abs(support @ z).max()
    assert cost.item() + y @ z == pytest.approx(expected, abs=1e-13 * scale)
    assert (lm.grad(cost, t) == layer(z) - y).all()


@given(seeds, sizes)
def test_it_is_convex_exactly_if_no_eigenvalue_of_the_jacobian_is_negative(rng, k):
    """T2: a linear layer, whose Jacobian has known eigenvalues."""
    axes = np.linalg.qr(rng.normal(size=(k, k)))[0]
    eigenvalues = rng.choice([-1.0, -1e-3, 0.0, 1e-3, 1.0, 5.0], k)
    matrix = axes @ np.diag(eigenvalues) @ axes.T
    bent = bending(Layer(lambda z: z @ ((matrix + matrix.T) / 2), k))
    assert (bent is None) == bool(eigenvalues.min() >= 0)
    if bent:
        assert bent[1] == pytest.approx(eigenvalues.min(), abs=1e-12)


@given(seeds, sizes.flatmap(lambda k: st.tuples(points(k), points(k))))
def test_a_convex_one_is_proper(rng, logits):
    """T2: where the mean label is a(z), no other logits cost less on average."""
    z, other = logits
    support, b = rng.normal(size=(5, len(z))), rng.normal(size=5)
    layer = Layer(mean_of(support, b), len(z))
    here, there = potentials(layer, np.array([z, other])) - np.array([z, other]) @ layer(z)
    assert here <= there + 1e-12


@given(seeds, st.integers(3, 5))
def test_labels_may_not_tell_equal_outputs_apart(rng, k):
    """T3: outputs stand still along v where all rows·v are the same number c: v·y = c."""
    support = rng.normal(size=(2, k))
    layer = Layer(mean_of(support, rng.normal(size=2)), k)
    found = np.array([*flat(layer)])
    np.testing.assert_allclose(found[:, :-1] @ (support[1] - support[0]), 0, atol=1e-9)
    np.testing.assert_allclose(found[:, -1], found[:, :-1] @ support[0], atol=1e-9)
    assert np.linalg.matrix_rank(found, 1e-7) == k - 1


factors = st.sampled_from([-1.0, 1 / 3, 0.5, 0.9, 1.0, 2.0, 7.3])


@given(seeds, sizes, st.sampled_from(SETS), factors, st.booleans())
def test_a_cost_goes_with_the_layer_that_delta_over_c_plus_y_is(rng, k, labels, c, apart):
    """T4: c(a - y); apart, with a term in which y meets z, for which there is no layer."""
    w, mixed = rng.normal(size=(2, k, k))

    def delta(z, y):
        met = 1e-3 * np.sin(z) * (mixed @ y) if apart else 0.0
        return c * (np.tanh(z @ w) @ w.T - y) + met

    found, witness = factor(delta, k, labels)
    if apart:
        assert any((witness.y[0] == y).all() for y in labels_from(labels, k))
        assert np.abs(witness.layers[0] - witness.layers[1]).max() > 1e-6
    else:
        assert witness is None
        assert found == pytest.approx(c, rel=1e-9)


@given(seeds, sizes.flatmap(points))
def test_the_slope_of_the_layer_is_the_variance_of_the_label(rng, z):
    """T5: an exponential family with random support; by another link δ = Jᵀ V⁺ (a - y)."""
    k = len(z)
    support, b, link = rng.normal(size=(5, k)), rng.normal(size=5), rng.normal(size=(k, k))
    logits = support @ z + b
    p = np.exp(logits - np.logaddexp.reduce(logits))
    off = support - p @ support
    variance, y = off.T @ (p[:, None] * off), support[rng.integers(5)]
    mean = mean_of(support, b)
    np.testing.assert_allclose(jacobian(mean, z), variance, atol=1e-12)
    t = lm.Tensor(np.linalg.solve(link.T, z))

    def nll(natural):
        return lm.logsumexp(natural @ support.T + b) - (natural * y).sum()

    delta = lm.grad(nll(t @ link), t)
    slope = jacobian(lambda x: mean(x @ link), t.data)
    scale = np.abs(slope).max() * (1 + np.abs(np.linalg.pinv(variance)).max())
    expected = slope.T @ np.linalg.pinv(variance) @ (mean(z) - y)
    np.testing.assert_allclose(delta, expected, atol=1e-11 * scale)


def entropy(p):
    return (p * np.log(np.where(p, p, 1.0))).sum(axis=-1)


def of_square(p):
    return 0.5 * (p * p).sum(axis=-1)


LAYERS = {  # the set, Ω and the layer that it belongs to
    "softmax": ("simplex", entropy, lm.softmax),
    "lml": ("simplex", lambda p: entropy(p) + entropy(1 - p), lm.lml),
    "sparsemax": ("simplex", of_square, sparsemax),
    "sigmoid": ("cube", lambda p: entropy(p) + entropy(1 - p), lm.sigmoid),
    "clip": ("cube", of_square, lambda z: np.clip(z, 0.0, 1.0)),
    "identity": ("reals", of_square, np.positive),
}


@pytest.mark.parametrize("name", LAYERS)
@given(seeds, st.integers(2, 6).flatmap(lambda k: points(k, 30.0)))
def test_the_outputs_are_where_z_p_minus_omega_is_largest(name, rng, z):
    """T6: no p of the set has more, near the outputs or far from them."""
    where, omega, layer = LAYERS[name]
    a = layer(z)
    others = {
        "simplex": rng.dirichlet(np.ones(len(z)), 20),
        "cube": rng.random((20, len(z))),
        "reals": 30 * rng.normal(size=(20, len(z))),
    }[where]
    p = a + rng.choice([1.0, 0.1, 1e-3], (20, 1)) * (others - a)
    assert (z @ a - omega(a) >= p @ z - omega(p) - 1e-13 * (1 + np.abs(z).max())).all()
