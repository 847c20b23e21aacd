"""What the report shows beside its studies; the verdicts and claims have tests of their own."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.hostile_names import HOSTILE
from tinygrad_lossmix.answers.claims.claim import Claim
from tinygrad_lossmix.lab import surveys
from tinygrad_lossmix.lab.study import page


def own(name):
    def cost(a, y):
        return np.sum((a - y) ** 2)

    cost.__name__ = name
    return lm.Mix("softmax", cost)


@pytest.fixture
def two(monkeypatch):
    """Two of the seven mixes."""
    monkeypatch.setattr(surveys, "SEVEN", (lm.Mix("softmax", "ll"), lm.Mix("lml", "ce")))


@pytest.mark.usefixtures("two")
def test_the_graphs_end_in_delta_and_stand_on_one_page():
    found = surveys.graphs(mixes=[own("squares")])
    assert found.statements[0].holds
    assert [figure.title for figure in found.figures][-2:] == [
        "lml + cross-entropy",
        "softmax + squares",
    ]
    svg = "".join(figure.svg for figure in found.figures)
    ids = re.findall(r' id="([^"]+)"', svg)
    assert len({*ids}) == len(ids) > 30
    assert [figure.command for figure in found.figures][-2:] == [
        "lossmix draw lml ce -o graph.svg", ""
    ]  # fmt: skip


@pytest.mark.usefixtures("two")
def test_a_graph_without_a_renderer_is_its_text(monkeypatch):
    monkeypatch.setattr("tinygrad_lossmix.views.drawing.Drawing._repr_svg_", lambda drawing: None)
    [*_, last] = surveys.graphs().figures
    assert last.svg == ""
    assert "a = lml(z)" in last.alternative


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("name", HOSTILE[:2])
def test_the_name_of_a_users_cost_is_text_on_the_page(name):
    found = surveys.graphs(mixes=[own(name)])
    for figure in found.figures:
        ElementTree.fromstring(figure.svg)
    text = page([found])
    assert "<script" not in text
    assert "<img" not in text


def test_the_claims_are_statements_with_their_verdicts(monkeypatch):
    claims = [Claim("it", "one", "1", "right", lambda: ("1", True)) for _ in range(2)]
    claims[1] = claims[1]._replace(check=lambda: ("2", False))
    monkeypatch.setattr(surveys, "CLAIMS", claims)
    assert surveys.claims().statements == (
        ('"one" (it): right', "1", "1", True),
        ('"one" (it): right', "1", "2", False),
    )
