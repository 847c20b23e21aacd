"""The network, against NumPy by hand."""

import numpy as np

from tinygrad_lossmix.lab.network import initial, logits


def test_logits_are_those_of_the_formula() -> None:
    w1, b1, w2, b2 = initial((5, 4, 3), np.random.default_rng(0))
    x = np.random.default_rng(1).normal(size=(7, 5))
    hidden = 1 / (1 + np.exp(-(x @ w1 + b1)))
    np.testing.assert_allclose(logits(x, w1, b1, w2, b2), hidden @ w2 + b2, rtol=1e-12)


def test_weights_shrink_with_the_number_of_inputs_and_biases_do_not() -> None:
    w1, b1, w2, b2 = initial((400, 900, 400), np.random.default_rng(0))
    for p, scale in ((w1, 1 / 20), (b1, 1), (w2, 1 / 30), (b2, 1)):
        np.testing.assert_allclose(p.std(), scale, rtol=0.1)


def test_dtype_lasts_to_the_logits() -> None:
    p = initial((5, 4, 3), np.random.default_rng(0), "float32")
    assert logits(np.ones((2, 5), "float32"), *p).dtype == np.float32
