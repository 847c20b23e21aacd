"""A statement is judged by its numbers; a study says how to run it again."""

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tinygrad_lossmix.lab import STUDIES
from tinygrad_lossmix.lab.study import below, description, near


@pytest.mark.parametrize(
    ("expected", "obtained", "within", "holds"),
    [
        (1.0, 1.0, 0.0, True),
        ([1.0, 2.0], [1.0, 2.1], 0.05, False),
        ([1.0, 2.0], [1.0, 2.1], 0.2, True),
        (1.0, np.nan, 9.0, False),
        (1.0, np.inf, 9.0, False),
    ],
)
def test_a_statement_holds_where_every_number_is_near_enough(expected, obtained, within, holds):
    assert near("", expected, obtained, within).holds is holds


def test_a_number_that_is_none_is_not_below():
    assert [below("", 1.0, x).holds for x in (0.5, 1.0, 2.0, np.nan)] == [True, True, False, False]


def test_the_command_names_the_study_and_how_long_it_is():
    study = lm.lab.Study("neuron", "", "", (), (), (), {}, quick=False)
    assert study.command == "lossmix report --only neuron --full"
    assert (
        lm.lab.Study(*[study.name, "", "", (), (), (), {}]).command
        == "lossmix report --only neuron"
    )
    assert [*lm.lab.STUDIES] == [
        "boundaries",
        "published",
        "posterior",
        "digits",
        "pairings",
        "neuron",
        "verdicts",
        "graphs",
        "claims",
    ]


@pytest.mark.parametrize("name", STUDIES)
def test_a_reader_of_the_report_is_not_told_of_arguments(name):
    said = description(STUDIES[name])
    assert said
    assert not any(
        word in said for word in ("Args:", "Raises:", "Error", "executor", "of your own")
    )
