"""What was claimed about the two costs: each claim a function that computes it.

Two sets of outputs for ten digits come from an answer; the digit is a 0, and in the second the
network confuses it with a 6 more than in the first.
"""

import numpy as np

from tinygrad_lossmix.answers.claims import claim
from tinygrad_lossmix.answers.claims.claim import Outcome
from tinygrad_lossmix.engine import Tensor, grad
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.costs import cross_entropy, log_likelihood
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.printing import amount

SURE = np.array([0.55, 0.02, 0.01, 0.03, 0.01, 0.05, 0.17, 0.01, 0.06, 0.09])
TORN = np.array([0.55, 0.002, 0.001, 0.003, 0.001, 0.04, 0.37, 0.001, 0.012, 0.02])
SIX, DIGITS, ROUNDING = 6, 1e-10, 1e-12


def as_published(a: Array, *published: float) -> Outcome:
    """Both costs of outputs a for class 0, beside those that were published."""
    ce, ll = float(cross_entropy(a, 0)), float(log_likelihood(a, 0))
    return f"CE {ce:.10f}, LL {ll:.10f}", np.allclose([ce, ll], published, 0, DIGITS)


@claim.second_answer(
    "with .55 on the right class and .17 on another, the costs are CE 1.0725 and LL 0.5978",
    expected="CE 1.0724588789, LL 0.5978370008",
    verdict="right",
)
def first_scenario() -> Outcome:
    return as_published(SURE, 1.0724588789, 0.5978370008)


@claim.second_answer(
    "with .37 on the other class, CE rises to 1.1410 and LL stays",
    expected="CE 1.1409777561, LL 0.5978370008",
    verdict="right",
)
def second_scenario() -> Outcome:
    return as_published(TORN, 1.1409777561, 0.5978370008)


@claim.second_answer(
    "LL considers only the right class",
    expected="dLL/da is 0 for every wrong class, yet under softmax delta_k = a_k there",
    verdict="right about outputs, misleading about learning",
)
def only_the_right_class() -> Outcome:
    a = Tensor(SURE)
    by_output = grad(log_likelihood(a, 0), a)[1:]
    by_logit = delta("softmax", "ll", np.log(SURE))[1:]
    off = float(np.abs(by_logit - SURE[1:]).max())
    return (
        f"largest |dLL/da| of a wrong class {amount(np.abs(by_output).max())}; "
        f"|delta_k - a_k| at most {amount(off)}",
        not by_output.any() and off < ROUNDING,
    )


@claim.second_answer(
    "the crucial difference is that CE penalises the other outputs as well",
    expected="softmax LL and sigmoid CE push the 6 by .17, then by .37, both; sigmoid LL by 0",
    verdict="disappears in the gradient",
)
def crucial_difference() -> Outcome:
    softmax = [delta("softmax", "ll", np.log(a)) for a in (SURE, TORN)]
    sigmoid = [delta("sigmoid", "ce", logits_of_sigmoids(a)) for a in (SURE, TORN)]
    ignored = [delta("sigmoid", "ll", logits_of_sigmoids(a))[SIX] for a in (SURE, TORN)]
    same = all(np.allclose(p, q, 0, ROUNDING) for p, q in zip(softmax, sigmoid, strict=True))
    pushes = [d[SIX] for d in softmax]
    return (
        f"softmax LL {pushes[0]:.4f}, {pushes[1]:.4f}; sigmoid CE {sigmoid[0][SIX]:.4f}, "
        f"{sigmoid[1][SIX]:.4f}; sigmoid LL {ignored[0] + 0.0:.4f}, {ignored[1] + 0.0:.4f}",
        same and np.allclose(pushes, [0.17, 0.37], 0, ROUNDING) and not any(ignored),
    )


@claim.second_answer(
    "CE penalises stronger confusion more",
    expected="at .55 on the right class of ten, CE is from 1.059477 (the rest spread evenly) to "
    "1.195674 (on one class), and rises whenever a larger wrong output takes from a smaller",
    verdict="right, a theorem",
)
def stronger_confusion() -> Outcome:
    rng = np.random.default_rng(0)
    rest = 0.45 * rng.dirichlet(np.full(9, 1.0), 300)
    ends = [wrong_outputs_cost(r) for r in (np.full(9, 0.05), np.array([0.45] + 8 * [0.0]))]
    within = [wrong_outputs_cost(r) for r in rest]
    polarised = rest.copy()  # the smallest output goes to the largest
    polarised[range(300), rest.argmax(axis=1)] += rest.min(axis=1)
    polarised[range(300), rest.argmin(axis=1)] = 0.0
    rises = [wrong_outputs_cost(r) - c for r, c in zip(polarised, within, strict=True)]
    return (
        f"from {ends[0]:.6f} to {ends[1]:.6f}; {len(rest)} random ones from {min(within):.6f} to "
        f"{max(within):.6f}; smallest rise {amount(min(rises))}",
        np.allclose(ends, [1.059477, 1.195674], 0, 5e-7)
        and ends[0] <= min(within)
        and max(within) <= ends[1]
        and min(rises) > 0,
    )


@claim.first_answer(
    "eq. 57 is the negative log-likelihood of a Bernoulli variable, eq. 80 of a categorical one",
    expected="both exactly; eq. 63 is a third thing, that of K Bernoullis: 1.0725 against .5978",
    verdict="right",
)
def two_likelihoods() -> Outcome:
    one = np.array([0.3])
    eq57 = [float(cross_entropy(one, [y])) + np.log(one[0] if y else 1 - one[0]) for y in (0, 1)]
    eq80 = [float(log_likelihood(SURE, k)) + np.log(SURE[k]) for k in range(10)]
    choice, each = -np.log(SURE[0]), -np.log(SURE[0]) - np.log(1 - SURE[1:]).sum()
    off = max(map(abs, eq57)), max(map(abs, eq80))
    eq63 = float(cross_entropy(SURE, 0))
    return (
        f"eq. 57 off by {amount(off[0])}, eq. 80 by {amount(off[1])}; eq. 63 {eq63:.4f}, ten "
        f"Bernoullis {each:.4f}, one choice {choice:.4f}",
        max(*off, abs(eq63 - each)) < ROUNDING and eq63 - choice > 0.1,
    )


@claim.third_answer(
    "CE and LL are equivalent for one-hot labels, the other answer's formula is a mistake",
    expected="true of the categorical CE; eq. 63 differs, 1.0725 against .5978, and is the book's",
    verdict="half right",
)
def equivalent_costs() -> Outcome:
    categorical = -float(np.eye(10)[0] @ np.log(SURE))
    ce, ll = float(cross_entropy(SURE, 0)), float(log_likelihood(SURE, 0))
    return (
        f"-sum y ln a {categorical:.4f}, eq. 80 {ll:.4f}, eq. 63 {ce:.4f}",
        abs(categorical - ll) < ROUNDING and abs(ce - 1.0725) < 5e-5 and abs(ll - 0.5978) < 5e-5,
    )


@claim.second_comment(
    "the formula with (1 - y) ln(1 - a) is for two classes only, ten need the general one",
    expected="eq. 63 is it summed over the outputs, K yes-or-no questions, for any K",
    verdict="wrong as an objection, right about the name",
)
def two_classes_only() -> Outcome:
    y = np.eye(10)[0]
    single = [float(cross_entropy(SURE[k : k + 1], y[k : k + 1])) for k in range(10)]
    ce = float(cross_entropy(SURE, 0))
    return (
        f"ten binary costs add up to {sum(single):.10f}, eq. 63 is {ce:.10f}",
        abs(sum(single) - ce) < ROUNDING and len(single) > 2,
    )


@claim.second_comment(
    "maximising the cross-entropy is the same as minimising the negative log-likelihood",
    expected="minimising: a step that lowers one lowers the other",
    verdict="sign slip",
)
def maximising() -> Outcome:
    z = np.log(SURE)
    down = z - 0.1 * delta("softmax", "ll", z)
    mixes = Mix("softmax", "ll"), Mix("softmax", "ce")
    ll, ce = (float(mix.cost(down, 0) - mix.cost(z, 0)) for mix in mixes)
    return f"a step down LL changes LL by {ll:.4f} and CE by {ce:.4f}", max(ll, ce) < 0


@claim.third_comment(
    "should it not be called log probability rather than log likelihood?",
    expected="one number: a probability in the label (they sum to 1), a likelihood in the "
    "parameter (there they do not)",
    verdict="terminology",
)
def probability_or_likelihood() -> Outcome:
    over_labels = sum(np.exp(-float(log_likelihood(SURE, k))) for k in range(10))
    a = (np.arange(1000) + 0.5) / 1000
    over_parameter = np.mean([np.exp(-float(log_likelihood(np.array([p]), [1]))) for p in a])
    return (
        f"summed over the labels {over_labels:.4f}, over the parameter of one output "
        f"{over_parameter:.4f}",
        abs(over_labels - 1) < ROUNDING and abs(over_parameter - 0.5) < 1e-6,
    )


def delta(output: str, cost: str, z: Array) -> Array:
    """δ of one example of class 0, by the engine on the book's graph."""
    t = Tensor(z)
    return grad(Mix(output, cost).composed(t, 0), t)


def logits_of_sigmoids(a: Array) -> Array:
    """The logits that sigmoids turn into a."""
    return np.log(a) - np.log1p(-a)


def wrong_outputs_cost(rest: Array) -> float:
    """CE of .55 on the right class and these outputs on the wrong ones."""
    return float(cross_entropy(np.concatenate([[0.55], rest]), 0))
