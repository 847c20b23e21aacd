"""The claims: all hold, and none would with something else computed."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.helpers import once
from tinygrad_lossmix import Mix, Tensor, softmax
from tinygrad_lossmix import cross_entropy as ce
from tinygrad_lossmix import log_likelihood as ll
from tinygrad_lossmix.answers.claims import CLAIMS, about_costs, about_layers, claims
from tinygrad_lossmix.answers.claims.claim import Answer, Claim
from tinygrad_lossmix.answers.match.partners import LAYERS_TRIED
from tinygrad_lossmix.registry import HIGHER


def always(output: str, cost: str) -> Callable[..., Mix]:
    return lambda *names: Mix(output, cost)


def tenth(a: Any, y: Any) -> Any:
    """The cross-entropy with PyTorch's mean over the outputs."""
    return ce(a, y) / a.shape[-1]


# what is computed wrongly, and the claims that cannot hold then
MUTANTS: list[tuple[Any, str, Any, list[Claim]]] = [
    (
        about_costs,
        "cross_entropy",
        tenth,
        [
            about_costs.first_scenario,
            about_costs.second_scenario,
            about_costs.stronger_confusion,
            about_costs.two_likelihoods,
            about_costs.equivalent_costs,
            about_costs.two_classes_only,
        ],
    ),
    (
        about_costs,
        "cross_entropy",
        ll,
        [about_costs.first_scenario, about_costs.stronger_confusion, about_costs.equivalent_costs],
    ),
    (
        about_costs,
        "log_likelihood",
        lambda a, y: ll(a, y) / 2,
        [
            about_costs.first_scenario,
            about_costs.two_likelihoods,
            about_costs.probability_or_likelihood,
        ],
    ),
    (
        about_costs,
        "log_likelihood",
        ce,
        [about_costs.only_the_right_class, about_costs.equivalent_costs],
    ),
    (
        about_costs,
        "Mix",
        lambda output, cost: Mix(output, "quadratic"),
        [about_costs.only_the_right_class, about_costs.crucial_difference],
    ),
    (about_costs, "delta", lambda *args: -np.ones(10), [about_costs.maximising]),
    (
        about_layers,
        "sigmoid",
        softmax,
        [about_layers.no_distribution, about_layers.less_flexible, about_layers.two_large_outputs],
    ),
    (
        about_layers,
        "softmax",
        lambda z: 1 / (1 + np.exp(-z)),
        [
            about_layers.less_flexible,
            about_layers.two_large_outputs,
            about_layers.lowers_the_others,
            about_layers.binary_case,
        ],
    ),
    (about_layers, "cross_entropy", ll, [about_layers.no_distribution]),
    (about_layers, "Mix", always("softmax", "ll"), [about_layers.largest_output]),
    (about_layers, "Mix", lambda output, cost: Mix(output, "ce"), [about_layers.largest_output]),
    (
        about_layers,
        "Mix",
        lambda output, cost: Mix(output, "quadratic"),
        [about_layers.binary_case],
    ),
    (
        about_layers,
        "Mix",
        always("softmax", "ll"),
        [
            about_layers.is_it_fine,
            about_layers.mixed_and_matched,
            about_layers.applied_to_a_sigmoid,
            about_layers.default_choice,
        ],
    ),
    (
        about_layers,
        "Mix",
        always("sigmoid", "ll"),
        [about_layers.is_it_fine, about_layers.mixed_and_matched],
    ),
    (about_layers, "cross_entropy", ll, [about_layers.applied_to_a_sigmoid]),
    (
        about_layers,
        "LAYERS_TRIED",
        dict.fromkeys(LAYERS_TRIED, "softmax"),
        [
            about_layers.a_gradient,
            about_layers.convex,
            about_layers.of_the_outputs,
            about_layers.variance,
        ],
    ),
    (about_layers, "Mix", always("sigmoid", "ll"), [about_layers.conversely]),
    (about_layers, "cross_entropy", ll, [about_layers.one_layer]),
]
CASES = [
    pytest.param(
        *(module, name, wrong, claim),
        id=f"{name}-{i}-{j}",
        marks=[pytest.mark.slow] * (name == "LAYERS_TRIED" and j > 0),
    )
    for i, (module, name, wrong, broken) in enumerate(MUTANTS)
    for j, claim in enumerate(broken)
]


def answers() -> list[Answer]:
    return [once.answer(claim) for claim in CLAIMS]


def test_every_claim_comes_out_as_expected() -> None:
    assert [answer.claim for answer in answers() if not answer.holds] == []
    assert len(CLAIMS) >= 19


@pytest.mark.parametrize(("module", "name", "wrong", "claim"), CASES)
def test_a_claim_fails_when_something_else_is_computed(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, wrong: Any, claim: Claim
) -> None:
    right = once.answer(claim)
    monkeypatch.setattr(module, name, wrong)
    monkeypatch.setitem(HIGHER, "verdict", once.verdict_on)
    answer = claim.answer()
    assert right.holds
    assert not answer.holds
    assert answer.obtained != right.obtained


def test_every_claim_can_fail() -> None:
    assert {id(claim) for claim in CLAIMS} == {id(case.values[3]) for case in CASES}


def test_answers_are_plain_values_and_name_nobody() -> None:
    for answer in answers():
        assert type(answer.holds) is bool
        assert all(type(part) is str and part for part in answer[:5])
        assert re.fullmatch(
            "the (question on mixing .*|general rule)|(a comment on )?its (first|second|third) "
            "answer",
            answer.by,
        )
        assert "−" not in answer.obtained


@pytest.mark.slow
def test_claims_are_computed_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(about_costs, "SURE", np.full(10, 0.1))
    assert not claims()[CLAIMS.index(about_costs.first_scenario)].holds


def test_the_engine_computes_the_deltas() -> None:
    z = np.array([2.0, 1.0, 0.0])
    assert about_costs.delta("softmax", "ce", z) == pytest.approx(Mix("softmax", "ce").delta(z, 0))
    assert about_layers.jacobian(softmax, z) == pytest.approx(
        np.diag(softmax(z)) - np.outer(softmax(z), softmax(z))
    )
    assert isinstance(softmax(Tensor(z)), Tensor)
