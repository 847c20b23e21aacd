"""Random programs: the same on the same side, and a side that errs is found."""

import numpy as np
import pytest
from fuzz import compare
from peers import NUMPY, compiled, loops, ours
from random_programs import FUNCTIONS, program

from tinygrad_lossmix.compiler.loops import backend


def became(theirs, count):
    return [compare(theirs, (0, n))[0] for n in range(count)]


def test_no_program_differs_from_itself():
    assert became(ours, 100) == ["agrees"] * 100


def test_programs_are_compiled_as_they_are_interpreted():
    assert became(compiled("numpy"), 20) == ["agrees"] * 20


def test_loops_run_as_python_as_they_are_compiled(monkeypatch):
    monkeypatch.setattr(backend, "machine_code", backend.machine_code)  # brought back at the end
    found = became(loops(), 20)
    assert set(found) <= {"agrees", "without loops"}
    assert found.count("agrees") >= 12


def test_every_function_is_drawn():
    arrays = np.array(0.5), np.array([0.4, -0.3]), np.arange(-2.0, 2.0).reshape(2, 2)
    programs = [program(np.random.default_rng(n), arrays, NUMPY)[0] for n in range(400)]
    assert {call.name for calls in programs for call in calls} == set(FUNCTIONS)


@pytest.mark.parametrize("part", [0, 1], ids=["result", "gradient"])
def test_a_relative_error_of_one_in_a_billion_is_found(part):
    def erring(*program):
        sides = list(ours(*program))
        sides[part] = [x * (1 + 1e-9) for x in sides[part]]
        return sides

    found = [compare(erring, (0, n)) for n in range(20)]
    wrong = [shown[1] for what, _, shown in found if what == "unexplained"]
    assert len(wrong) >= 15
    assert all(where.startswith(("result", "gradient")[part]) for where in wrong)


def test_what_last_bits_of_the_inputs_change_is_no_fault():
    def nudged(calls, arrays, seeds):
        return ours(calls, [np.nextafter(a, np.inf) for a in arrays], seeds)

    assert set(became(nudged, 100)) <= {"agrees", "explained"}


def test_a_side_that_raises_is_found_and_one_without_loops_is_named():
    def raising(why):
        def theirs(*_):
            raise ValueError(why)

        return theirs

    assert became(raising("cannot"), 1) == ["unexplained"]
    assert became(raising("there are no loops for sort"), 1) == ["without loops"]
