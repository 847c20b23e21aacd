"""How a property that is tested many times over is kept quick, and still tested in full elsewhere.

What is left out by default runs with `-m slow`, or under another profile of hypothesis.
"""

import inspect

import pytest
from hypothesis import settings

ParameterSet = type(pytest.param())


def thinned(cases, step):
    """Every step-th of some cases for parametrize, as they are; the others are slow."""
    cases = [case if isinstance(case, tuple) else (case,) for case in cases]
    marks = ([] if i % step == 0 else [pytest.mark.slow] for i in range(len(cases)))
    return [pytest.param(*case, marks=mark) for case, mark in zip(cases, marks, strict=True)]


def every(step):
    """Parametrize with a step to thin a loop by; with 1, which leaves nothing out, it is slow."""
    return pytest.mark.parametrize("every", [step, pytest.param(1, marks=pytest.mark.slow)])


def in_one(names, cases, ids=str, by=lambda *case: "all"):
    """Parametrize, but many small cases are one test: pytest takes 5 ms for each test.

    What fails is named with its case; after five it ends. `by` divides the cases into several
    tests, and the slow ones are apart. All cases of a test share its fixtures.
    """
    names = [name.strip() for name in names.split(",")] if isinstance(names, str) else [*names]
    groups = {}
    for case in cases:
        slow = isinstance(case, ParameterSet) and bool(case.marks)
        if isinstance(case, ParameterSet) or len(names) > 1:
            values = tuple(getattr(case, "values", case))
        else:
            values = (case,)
        groups.setdefault((by(*values), slow), []).append(values)
    groups = [
        pytest.param(group, id=str(key), marks=[pytest.mark.slow] * slow)
        for (key, slow), group in groups.items()
    ]
    cases_of = "cases_of_" + "_and_".join(names)

    def decorated(test):
        def together(**given):
            failures = []
            for values in given.pop(cases_of):
                case = dict(zip(names, values, strict=True))
                try:
                    test(**given, **case)
                except Exception as failure:
                    named = ", ".join(f"{name} {ids(x) or x}" for name, x in case.items())
                    failure.add_note(f"in the case {named:.300}")
                    failures.append(failure)
                if len(failures) == 5:
                    break
            if failures:
                raise ExceptionGroup(f"{len(failures)} cases", failures)

        for name in ("__name__", "__qualname__", "__module__", "__doc__"):
            setattr(together, name, getattr(test, name))
        together.pytestmark = [*getattr(test, "pytestmark", [])]
        kept = [x for x in inspect.signature(test).parameters.values() if x.name not in names]
        own = inspect.Parameter(cases_of, inspect.Parameter.KEYWORD_ONLY)
        together.__signature__ = inspect.Signature([*kept, own])
        return pytest.mark.parametrize(cases_of, groups)(together)

    return decorated


def share(parts):
    """A part of the examples that the profile asks for, for each of many parametrized tests."""
    return settings(max_examples=max(1, settings().max_examples // parts))
