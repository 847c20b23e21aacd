"""The general rule, which layer goes with which cost, in six statements: each rechecked here."""

import numpy as np

from tinygrad_lossmix.answers.claims import claim
from tinygrad_lossmix.answers.claims.claim import Outcome
from tinygrad_lossmix.answers.match.matching import matching_cost, matching_output
from tinygrad_lossmix.answers.match.partners import LAYERS_TRIED, distribution, largest_set
from tinygrad_lossmix.answers.verdict.expected import minimise, one_of
from tinygrad_lossmix.engine import Tensor, grad
from tinygrad_lossmix.mixes.costs import cross_entropy, log_likelihood
from tinygrad_lossmix.mixes.layers import LAYERS
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.printing import amount, yes

Z, Y = np.array([[1.5, -0.5, 0.25], [0.0, 2.0, -1.0]]), np.eye(3)[[0, 2]]


@claim.rule(
    "a cost with delta = a - y exists exactly if the output layer is a gradient",
    expected="softmax, sigmoid, tanh and exp have one, and its gradient is a - y; softmax of "
    "softmax and a temperature per class have none, their Jacobians are not symmetric",
    verdict="a theorem (Poincaré); the layers are searched for what would contradict it",
)
def a_gradient() -> Outcome:
    names = "softmax", "sigmoid", "tanh", "exp", "softmax of softmax", "a temperature per class"
    found = {name: matching_cost(LAYERS_TRIED[name], 3) for name in names}
    errors = []
    for match in filter(None, found.values()):
        z = Tensor(Z)
        errors.append(np.abs(2 * grad(match.cost(z, Y), z) - (match.layer(Z) - Y)).max())
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
    softmax, swish = (matching_cost(LAYERS_TRIED[name], 3) for name in ("softmax", "swish"))
    truth = one_of(np.array([0.7, 0.2, 0.1]))
    error = minimise(Mix("softmax", "ll"), truth, np.zeros(3)).error
    return (
        f"convex: softmax {yes(softmax.convex)}, swish {yes(swish.convex)}; softmax ends "
        f"{amount(error)} off the truth",
        softmax.convex and swish.exists and not swish.convex and error < 1e-6,
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
    pairs = zip(names, found, strict=True)
    return (
        ", ".join(f"{name}: {label or 'none'}" for name, label in pairs),
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
        (cost, name): largest_set(LAYERS[name].stable, of, 3)
        for cost, of in (("LL", log_likelihood), ("CE", cross_entropy))
        for name in LAYERS
    }
    goes = {pair: labels for pair, labels in found.items() if labels}
    expected = {("LL", "softmax"): "simplex", ("CE", "sigmoid"): "reals", ("CE", "lml"): "simplex"}
    shown = ", ".join(f"{cost}: {name} ({labels})" for (cost, name), labels in goes.items())
    return shown, goes == expected
