"""What was claimed about the question, each claim recomputed.

>>> claims()[0].claim[:42]
'what happens with sigmoid and log-likeliho'
>>> all(answer.holds for answer in claims())
True
"""

from __future__ import annotations

from tinygrad_lossmix.answers.claims import costs, outputs, pairs
from tinygrad_lossmix.answers.claims.claim import Answer

CLAIMS = (
    pairs.is_it_fine,
    costs.first_scenario,
    costs.second_scenario,
    costs.only_the_right_class,
    costs.crucial_difference,
    costs.stronger_confusion,
    outputs.no_distribution,
    outputs.less_flexible,
    outputs.two_large_outputs,
    outputs.lowers_the_others,
    outputs.largest_output,
    pairs.mixed_and_matched,
    costs.two_likelihoods,
    outputs.binary_case,
    costs.equivalent_costs,
    pairs.applied_to_a_sigmoid,
    costs.two_classes_only,
    pairs.default_choice,
    costs.maximising,
    costs.probability_or_likelihood,
)


def claims() -> list[Answer]:
    """All of them, computed now."""
    return [each.answer() for each in CLAIMS]
