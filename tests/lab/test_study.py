"""A statement is judged by its numbers; a study says how to run it again; the page is one that all
can read and nobody's text can change; the record is plain JSON.
"""

import json
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.hostile_names import HOSTILE
from tinygrad_lossmix.lab import STUDIES
from tinygrad_lossmix.lab.study import (
    Figure,
    Statement,
    Study,
    Table,
    below,
    description,
    near,
    page,
    record,
)
from tinygrad_lossmix.printing import clean


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


SVG = '<svg viewBox="0 0 1 1"><path d="M0 0"/></svg>'


def study(name="one", holds=True, said="two and two", **values):
    return Study(
        name,
        f"Study {said}",
        f"{said}.\n\nMore of it.",
        (Statement(said, "4", "4" if holds else "5", holds),),
        (Table(said, ("sum", said), (("first", said), ("second", "4")), "lossmix tables"),),
        (Figure(said, said, SVG), Figure("folded", f"First.\n{said}", SVG)),
        values,
    )


class Elements(HTMLParser):
    """The elements with their attributes, and all text."""

    def __init__(self, page):
        super().__init__()
        self.found, self.texts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


def test_the_structure_is_that_of_a_document():
    elements = Elements(page([study("one"), study("two")]))
    assert len(elements.all("h1")) == len(elements.all("main")) == len(elements.all("nav")) == 1
    assert {tag for tag, _ in elements.found if tag[0] == "h" and tag[1:].isdigit()} == {"h1", "h2"}
    ids = [a["id"] for _, a in elements.found if "id" in a]
    assert len({*ids}) == len(ids)
    assert [a["href"] for a in elements.all("a")] == ["#one", "#two", "#made-by"]
    assert {"one", "two", "made-by"} <= {*ids}
    assert {a["scope"] for a in elements.all("th")} == {"col", "row"}
    assert [(a["role"], a["aria-label"]) for a in elements.all("svg")] == [
        ("img", "two and two"),
        ("img", "folded"),
    ] * 2
    assert len(elements.all("figure")) == len(elements.all("figcaption")) == 6


def test_nothing_runs_and_nothing_is_fetched():
    elements = Elements(page([study()]))
    policies = [a["content"] for a in elements.all("meta") if "http-equiv" in a]
    assert policies[0].startswith("default-src 'none'; ")
    assert "script" not in policies[0]
    assert not {"script", "link", "iframe", "object", "form"} & {tag for tag, _ in elements.found}
    assert all(a["href"].startswith("#") for a in elements.all("a"))


def test_each_figure_and_table_has_the_command_that_makes_it_again():
    text = page([study()], " --beside mine ce")
    assert text.count("<code>lossmix report --only one --beside mine ce</code>") == 2
    assert text.count("<code>lossmix tables</code>") == 1


def test_a_statement_that_fails_is_first_seen_at_the_top_and_in_words():
    text = page([study("one"), study("two", holds=False)])
    head, rest = text.split("</header>")
    assert "1 of 2 statements hold" in head
    assert '<a href="#two">Study two and two</a>: two and two; expected 4, obtained 5' in head
    assert rest.count("✓ holds") == rest.count("✗ does not hold") == 1
    assert '<p class="summary fails">' in head
    assert '<p class="summary holds">' in page([study()])


def test_without_statements_the_page_says_so():
    assert "<b>No statements to check.</b>" in page([replace(study(), statements=())])


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_a_text_is_it_stays_text(name):
    plain, elements = Elements(page([study()])), Elements(page([study(said=name)]))
    assert [tag for tag, _ in elements.found] == [tag for tag, _ in plain.found]
    assert "".join(elements.texts).count(clean(name)) == "".join(plain.texts).count("two and two")
    page([study(said=name)]).encode()


def test_the_record_is_json_with_null_for_what_is_not_finite():
    found = json.loads(json.dumps(record([study(x=np.array([1.0, np.nan]))]), allow_nan=False))
    assert (found["holds"], found["statements"]) == (1, 1)
    assert {"tinygrad_lossmix", "numpy", "python", "platform"} < found["made_by"].keys()
    [one] = found["studies"]
    assert one["values"] == {"x": [1.0, None]}
    assert one["statements"][0] == {
        "claim": "two and two", "expected": "4", "obtained": "4", "holds": True
    }  # fmt: skip
    assert one["tables"][0]["rows"] == [["first", "two and two"], ["second", "4"]]
    assert one["command"] == "lossmix report --only one"


def test_no_name_of_this_computer_is_on_the_page(monkeypatch):
    monkeypatch.setattr("platform.node", lambda: pytest.fail("asked for the name of the host"))
    assert "/tmp" not in page([study()])
