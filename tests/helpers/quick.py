"""How a property that is tested many times over is kept quick, and still tested in full elsewhere.

What is left out by default runs with `-m slow`, or under another profile of hypothesis.
"""

import pytest
from hypothesis import settings


def thinned(cases, step):
    """Every step-th of some cases for parametrize, as they are; the others are slow."""
    cases = [case if isinstance(case, tuple) else (case,) for case in cases]
    marks = ([] if i % step == 0 else [pytest.mark.slow] for i in range(len(cases)))
    return [pytest.param(*case, marks=mark) for case, mark in zip(cases, marks, strict=True)]


def every(step):
    """Parametrize with a step to thin a loop by; with 1, which leaves nothing out, it is slow."""
    return pytest.mark.parametrize("every", [step, pytest.param(1, marks=pytest.mark.slow)])


def share(parts):
    """A part of the examples that the profile asks for, for each of many parametrized tests."""
    return settings(max_examples=max(1, settings().max_examples // parts))
