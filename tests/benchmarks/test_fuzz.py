"""Random programs: the same on the same side, and a side that errs is found."""

import numpy as np
import pytest
from fuzz import compare
from peers import ours
from random_programs import KINDS, program


def test_no_program_differs_from_itself():
    assert [compare(ours, (0, n)) for n in range(200)] == [None] * 200


def test_every_function_is_drawn():
    lines = [line for n in range(300) for line in program(np.random.default_rng(n))]
    assert {(kind, name) for kind, name, *_ in lines} == {
        (kind, name) for kind, names in KINDS.items() for name in names
    }


@pytest.mark.parametrize("part", [0, 1], ids=["result", "gradient"])
def test_a_relative_error_of_one_in_a_billion_is_found(part):
    def erring(lines, arrays, seeds):
        sides = list(ours(lines, arrays, seeds))
        sides[part] = [x * (1 + 1e-9) for x in sides[part]]
        return sides

    found = [compare(erring, (0, n)) for n in range(20)]
    assert sum(each is not None for each in found) >= 15
    assert all(each[0].startswith(("result", "gradient")[part]) for each in found if each)
