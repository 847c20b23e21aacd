"""Whose variables are meant: those of the code that called us, wherever it stands."""

import gc
import weakref

import numpy as np

from tinygrad_lossmix import caller, group

here = below = "of the module"


class Something:
    """Something that can be watched."""


def test_local_variables_hide_and_precede_those_of_the_module():
    here = "local"
    found = caller.variables()
    assert (found["here"], found["below"]) == (here, "of the module")
    assert next(iter(found)) == "here"


def test_a_closure_and_a_class_body_have_theirs():
    outer = 1

    class Body:
        inside = 2
        found = caller.variables()

    def function():
        return outer, caller.variables()

    assert Body.found["inside"] == 2
    assert function()[1]["outer"] == 1


def test_our_frames_are_passed_over():
    mine = 7
    assert group("calls")(caller.variables)()["mine"] == mine  # from a wrapper of the engine


def test_numpys_frames_are_passed_over():
    mine = 7
    found = np.fromfunction(caller.variables, ())  # calls it
    assert found["mine"] == mine


def test_nothing_is_kept():
    gc.disable()
    try:
        watched = Something()
        dying = weakref.ref(watched)
        caller.variables()
        del watched
        assert dying() is None
    finally:
        gc.enable()


def test_a_dictionary_of_locals_stays_whole():
    kept = 5
    mine = locals()
    caller.variables()
    assert mine["kept"] == kept
