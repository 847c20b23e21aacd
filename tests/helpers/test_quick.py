"""Many cases in one test: what fails is named, and the rest is run all the same."""

import pytest

from tests.helpers.quick import in_one, thinned


def test_each_case_that_fails_is_named():
    tried = []

    def passes(n, limit):
        tried.append(n)
        assert n < limit

    together = in_one("n", [1, 5, 2, 7])(passes)
    with pytest.raises(ExceptionGroup) as found:
        together(cases_of_n=[(1,), (5,), (2,), (7,)], limit=5)
    assert tried == [1, 5, 2, 7]
    assert [failure.__notes__[-1] for failure in found.value.exceptions] == [
        "in the case n 5",
        "in the case n 7",
    ]


@in_one("a, b", [(1, 2), (2, 1), (3, 4)], by=lambda a, b: a < b)
@in_one("c", thinned([1, 2, 3], 2))
def test_cases_are_divided_and_every_one_is_run(a, b, c, request):
    assert f"{a < b}" in request.node.name
    assert (c == 2) == (request.node.get_closest_marker("slow") is not None)
