"""What was asked and claimed about pairs of an output layer and a cost."""

from __future__ import annotations

import numpy as np

from tinygrad_lossmix.answers.claims.claim import Finding, claim
from tinygrad_lossmix.mixes.costs import cross_entropy, log_likelihood
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.mixes.outputs import sigmoid
from tinygrad_lossmix.mixes.wording import number, yes

CORNERS = [("sigmoid", "ce"), ("sigmoid", "ll"), ("softmax", "ce"), ("softmax", "ll")]
ROUNDING = 1e-12


@claim(
    "the question on mixing layers and costs",
    "what happens with sigmoid and log-likelihood, or softmax and cross-entropy: is it fine?",
    expected="sigmoid LL is no proper score, every output goes to 1; softmax CE is proper, with "
    "delta other than a - y, and not convex",
    verdict="no with sigmoid LL; yes with softmax CE, though softmax LL is better",
)
def is_it_fine() -> Finding:
    bad, odd = Mix("sigmoid", "ll").verdict(3), Mix("softmax", "ce").verdict(3)
    return Finding(
        f"sigmoid LL: {bad.failure}; softmax CE: proper {yes(odd.proper)}, "
        f"delta = a - y {yes(odd.a_minus_y)}, convex {yes(odd.convex)}",
        not bad.proper and odd.proper and not odd.convex and not odd.a_minus_y,
    )


@claim(
    "its second answer",
    "output layers and costs can be mixed and matched",
    expected="three of the four corners are proper scores, sigmoid LL is not",
    verdict="wrong for sigmoid LL",
)
def mixed_and_matched() -> Finding:
    proper = {pair: Mix(*pair).verdict(3).proper for pair in CORNERS}
    shown = ", ".join(f"{' '.join(pair)} {yes(good)}" for pair, good in proper.items())
    return Finding(
        f"proper: {shown}", all(good == (pair != CORNERS[1]) for pair, good in proper.items())
    )


@claim(
    "its first answer",
    "eq. 80 cannot be applied directly to the output of a sigmoid",
    expected="on K sigmoids it has a value but is no proper score; on one output a with "
    "a_0 = 1 - a it is exactly eq. 57",
    verdict="right in spirit",
)
def applied_to_a_sigmoid() -> Finding:
    value = float(log_likelihood(sigmoid(np.array([2.0, 1.0, 0.0])), 0))
    proper = Mix("sigmoid", "ll").verdict(3).proper
    a = float(sigmoid(np.array([0.7]))[0])
    off = max(
        abs(float(log_likelihood(np.array([1 - a, a]), y) - cross_entropy(np.array([a]), [y])))
        for y in (0, 1)
    )
    return Finding(
        f"value {value:.4f}, proper {yes(proper)}; one output: eq. 80 off eq. 57 by {number(off)}",
        np.isfinite(value) and not proper and off < ROUNDING,
    )


@claim(
    "a comment on its second answer",
    "binary CE with sigmoid is for multi-label targets, categorical CE with softmax for one class",
    expected="sigmoid CE finds the probabilities of multi-label targets, softmax LL does not; but "
    "sigmoid CE is a proper score for one class too",
    verdict="right as a default",
)
def default_choice() -> Finding:
    sigmoids, softmaxes = Mix("sigmoid", "ce").verdict(3), Mix("softmax", "ll").verdict(3)
    return Finding(
        f"multi-label: sigmoid CE {yes(sigmoids.several)}, softmax LL {yes(softmaxes.several)}; "
        f"one class: sigmoid CE {yes(sigmoids.proper)}, softmax LL {yes(softmaxes.proper)}",
        sigmoids.several and not softmaxes.several and sigmoids.proper and softmaxes.proper,
    )
