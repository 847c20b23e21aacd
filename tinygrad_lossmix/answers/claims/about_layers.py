"""What was claimed about output layers, alone and with a cost, and the general rule, which layer
goes with which cost, in six statements: each a function that computes it.
"""

from itertools import product

import numpy as np

from tinygrad_lossmix.answers.claims import claim
from tinygrad_lossmix.answers.claims.claim import Outcome
from tinygrad_lossmix.answers.match.layer import jacobian
from tinygrad_lossmix.answers.match.matching import matching_cost, matching_output
from tinygrad_lossmix.answers.match.partners import LAYERS_TRIED, distribution, suit
from tinygrad_lossmix.answers.verdict.expected import minimise, one_of
from tinygrad_lossmix.engine import Tensor, grad
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.costs import cross_entropy, log_likelihood
from tinygrad_lossmix.mixes.layers import LAYERS
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.mixes.outputs import sigmoid, softmax
from tinygrad_lossmix.printing import amount, point, yes

CORNERS = [*product(("sigmoid", "softmax"), ("ce", "ll"))]
ROUNDING = 1e-12
Z = np.array([2.0, 1.0, 0.0, -1.5])


@claim.question(
    "what happens with sigmoid and log-likelihood, or softmax and cross-entropy: is it fine?",
    expected="sigmoid LL is no proper score, every output goes to 1; softmax CE is proper, with "
    "delta other than a - y, and not convex",
    verdict="no with sigmoid LL; yes with softmax CE, though softmax LL is better",
)
def is_it_fine() -> Outcome:
    bad, odd = Mix("sigmoid", "ll").verdict(3), Mix("softmax", "ce").verdict(3)
    return (
        f"sigmoid LL: {bad.failure}; softmax CE: proper {yes(odd.proper)}, "
        f"delta = a - y {yes(odd.a_minus_y)}, convex {yes(odd.convex)}",
        not bad.proper and odd.proper and not odd.convex and not odd.a_minus_y,
    )


@claim.second_answer(
    "output layers and costs can be mixed and matched",
    expected="three of the four corners are proper scores, sigmoid LL is not",
    verdict="wrong for sigmoid LL",
)
def mixed_and_matched() -> Outcome:
    proper = {pair: Mix(*pair).verdict(3).proper for pair in CORNERS}
    shown = ", ".join(f"{' '.join(pair)} {yes(good)}" for pair, good in proper.items())
    bad = [pair for pair, good in proper.items() if not good]
    return f"proper: {shown}", bad == [("sigmoid", "ll")]


@claim.first_answer(
    "eq. 80 cannot be applied directly to the output of a sigmoid",
    expected="on K sigmoids it has a value but is no proper score; on one output a with "
    "a_0 = 1 - a it is exactly eq. 57",
    verdict="right in spirit",
)
def applied_to_a_sigmoid() -> Outcome:
    value = float(log_likelihood(sigmoid(np.array([2.0, 1.0, 0.0])), 0))
    proper = Mix("sigmoid", "ll").verdict(3).proper
    one = sigmoid(np.array([0.7]))
    two = np.concatenate([1 - one, one])
    off = max(abs(float(log_likelihood(two, y) - cross_entropy(one, [y]))) for y in (0, 1))
    return (
        f"value {value:.4f}, proper {yes(proper)}; one output: eq. 80 off eq. 57 by {amount(off)}",
        np.isfinite(value) and not proper and off < ROUNDING,
    )


@claim.second_comment(
    "binary CE with sigmoid is for multi-label targets, categorical CE with softmax for one class",
    expected="sigmoid CE finds the probabilities of multi-label targets, softmax LL does not; but "
    "sigmoid CE is a proper score for one class too",
    verdict="right as a default",
)
def default_choice() -> Outcome:
    sigmoids, softmaxes = Mix("sigmoid", "ce").verdict(3), Mix("softmax", "ll").verdict(3)
    return (
        f"multi-label: sigmoid CE {yes(sigmoids.several)}, softmax LL {yes(softmaxes.several)}; "
        f"one class: sigmoid CE {yes(sigmoids.proper)}, softmax LL {yes(softmaxes.proper)}",
        sigmoids.several and not softmaxes.several and sigmoids.proper and softmaxes.proper,
    )


@claim.second_answer(
    "outputs of sigmoids cannot be interpreted as a probability distribution",
    expected="not as one over K classes, their sum is not 1; as K yes-or-no questions they can, "
    "with CE as its negative log",
    verdict="half right",
)
def no_distribution() -> Outcome:
    a = sigmoid(Z)
    answers = [np.array(y) for y in product((0.0, 1.0), repeat=len(a))]
    chances = [float(np.where(y == 1, a, 1 - a).prod()) for y in answers]
    logs = [float(cross_entropy(a, y)) for y in answers]
    off = float(np.abs(logs + np.log(chances)).max())
    return (
        f"outputs sum to {a.sum():.4f}; the {len(answers)} possible answers have probabilities "
        f"that sum to {sum(chances):.4f}, CE off -ln of them by {amount(off)}",
        abs(a.sum() - 1) > 0.1 and abs(sum(chances) - 1) < ROUNDING and off < ROUNDING,
    )


@claim.second_answer(
    "softmax outputs are less flexible than as many sigmoids, except for two classes",
    expected="rank of da/dz K - 1 against K; equal at two classes only if one sigmoid does it",
    verdict="right under a condition",
)
def less_flexible() -> Outcome:
    rank = {
        (layer, k): np.linalg.matrix_rank(jacobian(layer, Z[:k]))
        for layer in (softmax, sigmoid)
        for k in (1, 2, 3, 4)
    }
    ranks = {k: (rank[softmax, k], rank[sigmoid, k]) for k in (2, 3, 4)}
    single = rank[sigmoid, 1]
    shown = ", ".join(f"K = {k}: {few} against {many}" for k, (few, many) in ranks.items())
    return (
        f"{shown}; one sigmoid: {single}",
        all(pair == (k - 1, k) for k, pair in ranks.items()) and single == ranks[2][0],
    )


@claim.second_answer(
    "two sigmoids can both say .9, two softmax outputs cannot, but both can say .45",
    expected="the second largest softmax output is below .5",
    verdict="right",
)
def two_large_outputs() -> Outcome:
    high = sigmoid(np.full(2, np.log(9.0)))
    level = softmax(np.log([0.45, 0.45, 0.1]))
    random = softmax(np.random.default_rng(0).normal(0.0, 5.0, (2000, 10)))
    second = float(np.sort(random, axis=1)[:, -2].max())
    return (
        f"sigmoids {high[0]:.4f}, {high[1]:.4f}; softmax {level[0]:.4f}, {level[1]:.4f}; the "
        f"largest second output of {len(random)} random ones {second:.4f}",
        np.allclose(high, 0.9, 0, ROUNDING)
        and np.allclose(level[:2], 0.45, 0, ROUNDING)
        and second < 0.5,
    )


@claim.second_answer(
    "raising one softmax output lowers some of the others",
    expected="da_k/dz_j = -a_j a_k, below 0 for all others",
    verdict="right, for all others",
)
def lowers_the_others() -> Outcome:
    a = softmax(Z)
    off = ~np.eye(len(a), dtype=bool)
    slopes = jacobian(softmax, Z)
    error = np.abs(slopes + np.outer(a, a))[off].max()
    return (
        f"the largest da_k/dz_j is {slopes[off].max():.4f}; off -a_j a_k by {amount(error)}",
        slopes[off].max() < 0 and error < ROUNDING,
    )


@claim.second_answer(
    "taking the largest output as the class works for both output layers",
    expected="not for sigmoid LL: all outputs -> 1, a wrong class may stay ahead",
    verdict="right under a condition",
)
def largest_output() -> Outcome:
    q = np.array([0.1, 0.2, 0.7])
    pairs = [("sigmoid", "ce"), ("softmax", "ll"), ("sigmoid", "ll")]
    ends = [minimise(Mix(*pair), one_of(q), np.array([3.0, 0.0, -3.0])) for pair in pairs]
    picked = [int(end.z.argmax()) for end in ends]
    shown = "; ".join(
        f"{' '.join(pair)} {point(end.outputs)} class {k}"
        for pair, end, k in zip(pairs, ends, picked, strict=True)
    )
    return (
        f"trained where class 2 has probability .7, from a start at class 0: {shown}",
        picked[:2] == [2, 2] and picked[2] != 2 and ends[2].outputs.min() > 1 - 1e-9,
    )


@claim.first_answer(
    "for two classes sigmoid is softmax with w1 - w2 and b1 - b2, boundaries almost identical",
    expected="identical as models, to rounding; in training softmax at eta is sigmoid at 2 eta",
    verdict="right, reason now exact",
)
def binary_case() -> Outcome:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.integers(0, 2, 40)
    x[:, 2] = 1.0  # the last row of w is the biases
    w = rng.normal(size=(3, 2))
    model = np.abs(softmax(x @ w)[:, 0] - sigmoid(x @ (w[:, 0] - w[:, 1]))).max()
    apart = {
        factor: np.abs(
            difference(trained("softmax", "ll", w, x, np.eye(2)[1 - y], 0.3))
            - trained("sigmoid", "ce", difference(w), x, y[:, None] * 1.0, 0.3 * factor)
        ).max()
        for factor in (1, 2)
    }
    return (
        f"outputs differ by {amount(model)}; weights after 20 steps by {apart[1]:.4f} at the same "
        f"eta, by {amount(apart[2])} at twice the eta",
        model < ROUNDING and apart[2] < ROUNDING and apart[1] > 1e-3,
    )


@claim.rule(
    "a cost with delta = a - y exists exactly if the output layer is a gradient",
    expected="softmax, sigmoid, tanh and exp have one, and its gradient is a - y; softmax of "
    "softmax and a temperature per class have none, their Jacobians are not symmetric",
    verdict="a theorem (Poincaré); the layers are searched for what would contradict it",
)
def a_gradient() -> Outcome:
    names = "softmax", "sigmoid", "tanh", "exp", "softmax of softmax", "a temperature per class"
    found = {name: matching_cost(LAYERS_TRIED[name], 3) for name in names}
    z, y = np.array([[1.5, -0.5, 0.25], [0.0, 2.0, -1.0]]), np.eye(3)[[0, 2]]
    errors = []
    for match in filter(None, found.values()):
        t = Tensor(z)
        errors.append(np.abs(2 * grad(match.cost(t, y), t) - (match.layer(z) - y)).max())
    shown = ", ".join(f"{name} {yes(match.exists)}" for name, match in found.items())
    have = [name for name, match in found.items() if match]
    off = max(errors, default=np.inf)
    return f"a cost exists: {shown}; delta off a - y by {amount(off)}", (
        have == list(names[:4]) and off < 1e-12
    )


@claim.rule(
    "a cost with delta = a - y is convex where the Jacobian has no negative eigenvalue, and then a "
    "proper score",
    expected="softmax: convex, the expected cost is least at the true probabilities; swish: a cost "
    "exists and is not convex",
    verdict="right",
)
def convex() -> Outcome:
    sound, bent = (matching_cost(LAYERS_TRIED[name], 3) for name in ("softmax", "swish"))
    truth = one_of(np.array([0.7, 0.2, 0.1]))
    error = minimise(Mix("softmax", "ll"), truth, np.zeros(3)).error
    return (
        f"convex: softmax {yes(sound.convex)}, swish {yes(bent.convex)}; softmax ends "
        f"{amount(error)} off the truth",
        sound.convex and bent.exists and not bent.convex and error < 1e-6,
    )


@claim.rule(
    "it is a function of the outputs alone for those labels that do not tell equal outputs apart",
    expected="sigmoid any y, softmax sum 1, ReLU y = 0, clip none",
    verdict="right; this is where the side condition of eq. 84 comes from",
)
def of_the_outputs() -> Outcome:
    names = "sigmoid", "softmax", "ReLU", "clip(z, 0, 1)"
    found = [matching_cost(LAYERS_TRIED[name], 3).condition for name in names]
    expected = ["any y", "y0 + y1 + y2 = 1", "y0 = 0, y1 = 0, y2 = 0", "no y"]
    pairs = zip(names, found, strict=True)
    return ", ".join(f"{name}: {condition}" for name, condition in pairs), found == expected


@claim.rule(
    "a cost on logits goes with a layer exactly if delta/c + y does not depend on the labels",
    expected="softmax LL for labels that sum to 1, not for others; softmax CE with two classes, "
    "c = 2, not with three",
    verdict="right",
)
def conversely() -> Outcome:
    ll = matching_output(Mix("softmax", "ll").cost, 3)
    two, three = (matching_output(Mix("softmax", "ce").cost, k) for k in (2, 3))
    sets = [labels for labels, match in ll.by_labels.items() if match]
    return (
        f"softmax LL: {' '.join(sets)}, c = {amount(ll.factor)}; softmax CE: two classes "
        f"{yes(two.exists)}, c = {amount(two.factor)}, three {yes(three.exists)}",
        sets == ["simplex"] and ll.factor == 1 and two.factor == 2 and not three,
    )


@claim.rule(
    "delta = a - y where the slope of the layer is the variance of the label",
    expected="sigmoid Bernoulli, softmax categorical, exp Poisson, identity Gaussian; tanh none",
    verdict="right: these are the canonical links of the exponential families",
)
def variance() -> Outcome:
    names = "sigmoid", "softmax", "exp", "identity", "tanh"
    found = [distribution(matching_cost(LAYERS_TRIED[name], 3).layer) for name in names]
    return (
        ", ".join(f"{name}: {label or 'none'}" for name, label in zip(names, found, strict=True)),
        found == ["Bernoulli", "categorical", "Poisson", "Gaussian", None],
    )


@claim.rule(
    "each proper cost has one layer of its own for each set of labels",
    expected="LL: softmax, for one class of K; CE: sigmoid for labels that may hold together, and "
    "lml, not softmax, for one class of K",
    verdict="right: eq. 63 has a one-of-K layer of its own",
)
def one_layer() -> Outcome:
    found = {
        (cost, name): suit(LAYERS[name].stable, of, 3)
        for cost, of in (("LL", log_likelihood), ("CE", cross_entropy))
        for name in LAYERS
    }
    goes = {pair: each.labels for pair, each in found.items() if each and each.factor == 1}
    expected = {("LL", "softmax"): "simplex", ("CE", "sigmoid"): "reals", ("CE", "lml"): "simplex"}
    shown = ", ".join(f"{cost}: {name} ({labels})" for (cost, name), labels in goes.items())
    return shown, goes == expected


def difference(w: Array) -> Array:
    """Of the two classes (d, 2) -> (d, 1)."""
    return w[:, :1] - w[:, 1:]


def trained(output: str, cost: str, w: Array, x: Array, y: Array, eta: float) -> Array:
    """The weights of a linear model after 20 steps down the engine's gradient."""
    for _ in range(20):
        t = Tensor(w)
        w = w - eta * grad(Mix(output, cost).cost(x @ t, y), t)
    return w
