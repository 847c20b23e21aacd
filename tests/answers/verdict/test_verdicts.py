"""The verdict on each mix: true of the six, false of what is wrong, whatever its name."""

import itertools
import json
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from tests.helpers import mix_oracle as oracle
from tests.helpers.once import verdict_on
from tests.helpers.quick import in_one, thinned
from tinygrad_lossmix import MIXES, Mix, Tensor, book, grad
from tinygrad_lossmix.answers.verdict.expected import expected_cost
from tinygrad_lossmix.answers.verdict.verdict import verdict

each_mix = pytest.mark.parametrize("mix", MIXES, ids=str)
PAIRS = [(mix.output, mix.cost_name) for mix in MIXES]


def found(output: str, cost: str, k: int) -> Any:
    return verdict_on(Mix(output, cost), k)


@dataclass
class Other:
    """Something like a mix: a real one in which some functions are replaced."""

    mix: Mix
    replaced: dict[str, Any] = field(default_factory=dict)
    name: str = "softmax + log-likelihood"

    def __getattr__(self, name: str) -> Any:
        return self.replaced.get(name) or getattr(self.mix, name)

    def __str__(self) -> str:
        return self.name


def differentiated(mix: Mix, composed: Any) -> Other:
    """The mix with another cost, its closed forms replaced by the engine's derivatives of it."""

    def delta(z: Any, y: Any) -> Any:
        rows = np.atleast_2d(z)
        t = Tensor(rows)
        costs = sum(composed(t[i], label) for i, label in enumerate(np.broadcast_to(y, rows.shape)))
        return grad(costs, t).reshape(np.shape(z))

    def hessian(z: Any, y: Any) -> Any:
        t = Tensor(z)
        slopes = grad(composed(t, y), t, create_graph=True)
        return np.array([grad(slopes, t, seed=row) for row in np.eye(len(z))])

    def cost(z: Any, y: Any) -> float:
        return float(composed(Tensor(z), y).item())

    return Other(
        mix, {"cost": cost, "composed": composed, "delta": delta, "hessian": hessian}, "my own"
    )


@pytest.mark.parametrize("k", thinned([2, 5, 3, 10], 2))
@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
def test_the_six_are_what_the_theory_says(pair: tuple[str, str], k: int) -> None:
    v = found(*pair, k)
    assert v.proper == (pair != ("sigmoid", "ll"))
    assert v.convex == (pair[1] != "quadratic" and (pair != ("softmax", "ce") or k == 2))
    assert v.a_minus_y == (pair in [("sigmoid", "ce"), ("softmax", "ll")])
    assert v.several == (pair in [("sigmoid", "ce"), ("sigmoid", "quadratic")])


@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
def test_one_sigmoid_output_answers_yes_or_no_and_one_softmax_output_nothing(
    pair: tuple[str, str],
) -> None:
    v = found(*pair, 1)
    assert v.proper == (pair in [("sigmoid", "ce"), ("sigmoid", "quadratic")])
    assert v.convex == (pair != ("sigmoid", "quadratic"))
    assert v.a_minus_y == (pair == ("sigmoid", "ce"))
    assert ("nothing can be learnt" in v.failure) == (pair[0] == "softmax")


def test_conditions_of_a_minus_y() -> None:
    assert found("sigmoid", "ce", 3).condition == "for every y"
    assert "S a - y" in found("softmax", "ll", 3).condition
    assert "2 (a - y)" in found("softmax", "ce", 2).condition
    assert "2 (a - y)" not in found("softmax", "ce", 3).condition


def test_failures_are_those_that_are_known() -> None:
    failures = {pair: found(*pair, 3).failure for pair in PAIRS}
    for pair, failure in failures.items():
        assert ("drives every output to 1" in failure) == (pair == ("sigmoid", "ll"))
        assert ("no wrong class is ever pushed down" in failure) == (pair == ("sigmoid", "ll"))
        assert ("learning stalls" in failure) == (pair[1] == "quadratic")
        assert ("pushed up" in failure) == (pair in [("softmax", "ce"), ("softmax", "quadratic")])
        assert (failure == "nothing") == (pair in [("sigmoid", "ce"), ("softmax", "ll")])


@pytest.mark.parametrize("k", thinned([3, 2, 10], 3))
def test_a_name_changes_nothing_but_the_title(k: int) -> None:
    real, renamed = found("sigmoid", "ll", k), verdict(Other(Mix("sigmoid", "ll")), k)
    assert renamed.mix == "softmax + log-likelihood"
    words = dict.fromkeys(("mix", "of_layer", "of_cost", "why"), 0)  # which name them
    assert renamed.record() | words == real.record() | words


def test_labels_smoothed_on_the_way_are_not_proper() -> None:
    def composed(z: Any, y: Any) -> Any:
        return book.log_likelihood(book.softmax(z), 0.8 * np.asarray(y) + 0.2 / 3)

    v = verdict(differentiated(Mix("softmax", "ll"), composed), 3)
    assert not v.proper
    assert not v.a_minus_y
    assert v.convex
    assert "not the probabilities" in v.failure
    last = v.evidence.minima[-1]
    np.testing.assert_allclose(last.outputs, 0.8 * last.truth.mean + 0.2 / 3, rtol=0, atol=1e-6)


def test_a_cost_without_a_minimum_is_not_proper() -> None:
    def composed(z: Any, y: Any) -> Any:
        return (1.0 - (book.softmax(z) * y).sum()).sum()

    v = verdict(differentiated(Mix("softmax", "ll"), composed), 2)
    assert not v.proper
    assert not v.convex


def test_a_cost_that_knows_no_label_is_not_proper() -> None:
    def composed(z: Any, y: Any) -> Any:
        return book.quadratic(book.softmax(z), np.full(2, 1 / 2)) + 0.0 * np.sum(y)

    v = verdict(differentiated(Mix("softmax", "quadratic"), composed), 2)
    assert not v.proper  # though right for the even distribution
    assert v.evidence.minima[0].right


def test_three_times_the_cost_is_proper_with_three_times_the_delta() -> None:
    def composed(z: Any, y: Any) -> Any:
        return 3.0 * book.log_likelihood(book.softmax(z), np.asarray(y))

    v = verdict(differentiated(Mix("softmax", "ll"), composed), 3)
    assert (v.proper, v.convex, v.a_minus_y) == (True, True, False)
    assert "3 (a - y)" in v.condition


WRONG_FORMS = {
    "delta too large": lambda right: lambda z, y: 1.01 * right(z, y),
    "delta of the other sign": lambda right: lambda z, y: -right(z, y),
    "cost with a slope": lambda right: lambda z, y: right(z, y) + 0.001 * np.sum(z),
    "hessian too large": lambda right: lambda z, y: right(z, y) + 0.001 * np.eye(len(z)),
}


@pytest.mark.parametrize(
    ("mix", "k", "form"), thinned(itertools.product(MIXES, [2, 3], WRONG_FORMS), 11), ids=str
)
def test_a_wrong_closed_form_is_told(mix: Mix, k: int, form: str) -> None:
    name = form.split()[0]
    v = verdict(Other(mix, {name: WRONG_FORMS[form](getattr(mix, name))}), k)
    assert v.failure.startswith("the closed forms are wrong")
    assert v.advice.startswith("mend")
    if name == "delta":
        assert not v.a_minus_y


def test_a_wrong_closed_form_of_the_delta_is_not_a_minus_y() -> None:
    right = Mix("softmax", "ce")
    v = verdict(Other(right, {"delta": Mix("softmax", "ll").delta}), 3)
    assert v.a_minus_y
    assert v.evidence.disagreement > 0.01
    assert v.failure.startswith("the closed forms are wrong")


@pytest.mark.parametrize(
    "pair", [("sigmoid", "quadratic"), ("softmax", "ce"), ("softmax", "quadratic")], ids=" ".join
)
def test_the_cost_lies_above_its_chord_at_the_witness(pair: tuple[str, str]) -> None:
    mix, bent = Mix(*pair), found(*pair, 3).evidence.curvature
    values, axes = np.linalg.eigh(mix.hessian(bent.z, bent.y))
    assert values[0] == pytest.approx(bent.eigenvalue)
    h = 0.05 * axes[:, 0]
    sides = [oracle.reference(pair, z, bent.y).cost for z in (bent.z - h, bent.z + h)]
    assert sum(sides) < 2 * oracle.reference(pair, bent.z, bent.y).cost


@pytest.mark.parametrize("pair", [("softmax", "ce"), ("softmax", "quadratic")], ids=" ".join)
def test_the_engine_pushes_the_wrong_logit_of_the_witness_up(pair: tuple[str, str]) -> None:
    push = found(*pair, 3).evidence.push
    t = Tensor(push.z)
    delta = grad(Mix(*pair).composed(t, push.y), t)
    assert push.y[push.index] == 0
    assert delta[push.index] == pytest.approx(push.lowest)
    assert push.lowest < 0


@each_mix
def test_nothing_random_is_below_a_minimum_that_was_found(mix: Mix) -> None:
    rng = np.random.default_rng(5)
    minima = found(mix.output, mix.cost_name, 3).evidence.minima
    for least in (minimum for minimum in minima if minimum.found):
        for z in rng.normal(0, 4, (50, 3)):
            assert expected_cost(mix, least.truth, z) >= least.cost - 1e-12


def test_the_ray_of_the_endless_mix_falls_to_nothing() -> None:
    v = found("sigmoid", "ll", 3)
    least = v.evidence.minima[-1]
    costs = [
        sum(
            q * float(oracle.reference(("sigmoid", "ll"), t * least.direction, y).cost)
            for q, y in zip(least.truth.mean, np.eye(3), strict=True)
        )
        for t in (1, 10, 100)
    ]
    np.testing.assert_allclose(least.ray, costs, rtol=1e-12)
    assert costs[0] > costs[1] > costs[2]
    assert costs[2] < 1e-30


def test_a_wider_distribution_of_labels_is_part_of_the_evidence() -> None:
    truths = [minimum.truth.mean for minimum in found("softmax", "ll", 4).evidence.minima]
    assert any(np.ptp(q) == 0 for q in truths)
    assert any(q.max() >= 0.9 for q in truths)
    assert all(q.min() > 0 and q.sum() == pytest.approx(1) for q in truths)


@pytest.mark.parametrize(("mix", "k"), thinned(itertools.product(MIXES, [1, 2, 3, 7]), 10), ids=str)
def test_two_verdicts_are_the_same_and_valid_json(mix: Mix, k: int) -> None:
    record = verdict_on(mix, k).record()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert mix.verdict(k).record() == record


@in_one("k", thinned([1, 10, 3], 2))
@each_mix
def test_the_text_fits_its_width_and_says_everything(mix: Mix, k: int) -> None:
    v = found(mix.output, mix.cost_name, k)
    assert str(v) == v.text()
    for width in (40, 60, 88, 120):
        text = v.text(width)
        assert max(map(len, text.splitlines())) <= width
        flat = " ".join(text.split()).replace("- ", "-")
        for words in (v.mix, v.condition, v.advice, *(fault.name for fault in v.faults)):
            assert words.replace("- ", "-") in flat
        assert "−" not in text


@pytest.mark.parametrize("mix", thinned(MIXES[::-1], 6), ids=str)
def test_a_verdict_takes_less_than_two_seconds(mix: Mix) -> None:
    start = time.process_time()
    mix.verdict(10)
    assert time.process_time() - start < 2


def test_why_says_what_the_wrong_classes_add_and_when_that_is_twice_a_minus_y() -> None:
    """Once a - y is the right class's; with z at (-8, -8, 8) what bends is the rest alone."""
    hot = found("softmax", "ce", 3)
    assert "the right class gives a - y, the wrong ones pull besides" in hot.why
    z = np.random.default_rng(1).normal(0.0, 3.0, (4000, 3))
    e = np.exp(z)
    a, y = e / e.sum(axis=1, keepdims=True), np.eye(3)[np.arange(4000) % 3]
    r = (1 - y) * a / (1 - a)
    long = a - y + r - a * r.sum(axis=1, keepdims=True)
    ratio = np.linalg.norm(long, axis=1).sum() / np.linalg.norm(a - y, axis=1).sum()
    said = float(hot.why.partition("on average delta is ")[2].split()[0])
    assert said == pytest.approx(ratio, rel=0.05)
    assert "no negative eigenvalue at z = (-8, -8, 8): the rest bends the cost" in hot.why
    assert found("softmax", "ce", 2).why == (
        "for 2 classes softmax is lml(2 z), with lml goes cross-entropy, and 2 comes out in front "
        "of a - y"
    )
    assert not found("softmax", "ll", 3).why


@pytest.mark.parametrize(
    ("pair", "k", "advice"),
    [
        (("sigmoid", "ce"), 1, "use it for a yes-or-no question"),
        (
            ("sigmoid", "ce"),
            3,
            "use it for multi-label targets; for one class out of K it is sound too, but its "
            "outputs need not sum to 1",
        ),
        (
            ("softmax", "ll"),
            3,
            "use it for one class out of K; for multi-label targets, sigmoid with cross-entropy",
        ),
        (("softmax", "ll"), 1, "one sigmoid output with cross-entropy, or two softmax outputs"),
        (
            ("softmax", "ce"),
            2,
            "use it with the learning rate divided by 2, or softmax with log-likelihood, or lml "
            "with cross-entropy: proper, convex, delta = a - y",
        ),
        (
            ("sigmoid", "ll"),
            3,
            "sigmoid with cross-entropy, or for one class out of K softmax with log-likelihood: "
            "proper, convex, delta = a - y",
        ),
        (("sigmoid", "ll"), 1, "sigmoid with cross-entropy: proper, convex, delta = a - y"),
        (
            ("softmax", "ce"),
            3,
            "softmax with log-likelihood, or lml with cross-entropy: proper, convex, delta = a - y",
        ),
        (("sigmoid", "quadratic"), 1, "sigmoid with cross-entropy: proper, convex, delta = a - y"),
    ],
)
def test_advice_in_full(pair: tuple[str, str], k: int, advice: str) -> None:
    assert found(*pair, k).advice == advice


def steps_down(z: Any) -> Any:
    return np.where(z > 0, z - 1, z)


def squared(a: Any, y: Any) -> Any:
    return ((a - y) ** 2).sum(axis=-1).mean()


@pytest.mark.parametrize(
    ("layer", "cost", "k"),
    thinned(
        [
            (lambda z: np.clip(0.2 * z + 0.5, 0, 1), squared, 1),  # flat above 2.5, where y = 0
            (lambda z: np.clip(0.2 * z + 0.5, 0, 1), squared, 3),
            (lambda z: np.maximum(z, 0), lambda a, y: np.maximum(0, 1 - (2 * y - 1) * a).sum(), 3),
            (steps_down, squared, 2),
            (lambda z: z, lambda a, y: np.minimum(np.abs(a - y), 1).sum(), 1),
        ],
        5,
    ),
    ids=["hard sigmoid", "three of them", "hinge of relu", "downward step", "bounded error"],
)
def test_a_kink_that_bends_the_cost_down_is_seen_where_no_hessian_shows_it(
    layer: Any, cost: Any, k: int
) -> None:
    mix = Mix(layer, cost)
    v = verdict(mix, k)
    assert not v.convex
    (_, z, there, slope, lower), y = v.evidence.fall
    steepness = [mix.delta(each, y) @ (there - z) for each in (z, there)]
    assert steepness[0] > steepness[1]
    assert steepness[1] * slope == pytest.approx(steepness[0] * lower)
    assert v.evidence.curvature.eigenvalue >= 0


@pytest.mark.slow
def test_a_kink_of_the_layer_leaves_a_cost_of_0_convex() -> None:
    assert verdict(Mix(lambda z: np.where(z > 0, z, 0.1 * z), lambda a, y: squared(a, a)), 3).convex


@pytest.mark.parametrize(
    "cost",
    thinned(
        [lambda a, y: np.abs(a - y).sum(), squared, lambda a, y: np.maximum(a - y, 0).sum()], 3
    ),
)
def test_a_kink_that_bends_it_up_leaves_it_convex(cost: Any) -> None:
    assert verdict(Mix(lambda z: z + 0, cost), 3).convex


@pytest.mark.slow
def test_a_search_that_ends_where_the_layer_is_flat_is_no_minimum_beside_a_lower_one() -> None:
    v = verdict(Mix(lambda z: np.clip(0.2 * z + 0.5, 0, 1), squared), 3)
    assert v.proper
    assert v.several
    assert not all(minimum.right for minimum in v.evidence.minima)
