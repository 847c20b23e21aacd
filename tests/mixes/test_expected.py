"""The least expected cost, and the distributions of labels it is about."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_lossmix import Mix
from tinygrad_lossmix.mixes.expected import expected_cost, minimise, one_of, together

chances = st.integers(1, 6).flatmap(lambda k: hnp.arrays(float, k, elements=st.floats(0, 1)))
distributions = st.integers(2, 6).flatmap(
    lambda k: hnp.arrays(float, k, elements=st.floats(0.02, 1)).map(lambda w: w / w.sum())
)


@given(chances)
def test_labels_that_hold_together_have_the_given_chances(q: np.ndarray) -> None:
    truth = together(q)
    np.testing.assert_allclose(truth.mean, q, rtol=0, atol=1e-15)
    assert truth.weights.min() >= 0
    assert truth.weights.sum() == pytest.approx(1)
    assert set(truth.labels.flat) <= {0.0, 1.0}


@pytest.mark.parametrize("pair", [("softmax", "ll"), ("softmax", "ce"), ("sigmoid", "ce")])
@given(distributions, st.data())
def test_a_proper_mix_finds_any_distribution(
    pair: tuple[str, str], q: np.ndarray, data: st.DataObject
) -> None:
    start = data.draw(hnp.arrays(float, len(q), elements=st.floats(-3, 3)))
    least = minimise(Mix(*pair), one_of(q), start)
    assert least.right
    assert not least.endless


@given(distributions)
def test_the_expected_cost_of_the_log_likelihood_is_the_cross_entropy_of_the_truth(
    q: np.ndarray,
) -> None:
    z = np.linspace(-1, 2, len(q))
    p = np.exp(z) / np.exp(z).sum()
    got = expected_cost(Mix("softmax", "ll"), one_of(q), z)
    assert got == pytest.approx(-(q * np.log(p)).sum())


def test_the_search_for_what_does_not_exist_ends_far_out() -> None:
    least = minimise(Mix("sigmoid", "ll"), one_of(np.array([0.2, 0.8])), np.zeros(2))
    assert least.endless
    assert not least.right
    assert least.z.min() > 20


def test_labels_that_never_occur_do_not_count() -> None:
    mix = Mix("softmax", "ce")  # of one output: infinite for the label 0
    assert expected_cost(mix, together(np.array([1.0])), np.zeros(1)) == 0
    assert expected_cost(mix, together(np.array([0.5])), np.zeros(1)) == np.inf
