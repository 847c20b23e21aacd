"""The table of names: what the other libraries compute, or why it is not known."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.quick import thinned
from tinygrad_lossmix.answers import vocabulary
from tinygrad_lossmix.answers.vocabulary import LIBRARIES, MEANING, NAMES, names

Given = Mapping[str, Sequence[str]]


def ours(wanted: Given) -> dict[str, Any]:
    """As if every library computed what is computed here."""
    return {
        library: [
            np.array(eval(name.here, {"lm": lm, **vocabulary.example()}))
            for name in NAMES
            if getattr(name, library)
        ]
        for library in wanted
    }


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts a module in front of whatever Keras there is."""

    def write(source: str) -> None:
        (tmp_path / "keras.py").write_text(source)

    monkeypatch.syspath_prepend(tmp_path)
    return write


@pytest.mark.slow
def test_every_library_that_is_installed_agrees_with_every_row() -> None:
    for row in names():
        for key, peer in zip(LIBRARIES, row.peers, strict=True):
            if peer.expression is None or not vocabulary.installed(key):
                assert peer.error is None
            else:
                assert peer.error is not None, peer.note
                assert peer.error < 1e-6, (peer.expression, peer.error)


def test_what_is_not_installed_is_said_to_be_unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "installed", lambda library: False)
    monkeypatch.setattr(vocabulary, "_computed", None)
    for row in names():
        for peer in row.peers:
            assert peer.error is None
            assert peer.agrees
            assert peer.note == ("not installed, not checked" if peer.expression else "")


@pytest.mark.parametrize("key", LIBRARIES)
def test_another_value_is_a_disagreement(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    def values(wanted: Given) -> dict[str, Any]:
        given = ours(wanted)
        return {**given, key: [1.001 * value for value in given[key]]}

    monkeypatch.setattr(vocabulary, "values", values)
    for row in names():
        for peer in row.peers:
            wrong = peer.library == LIBRARIES[key] and peer.expression is not None
            assert peer.agrees != wrong


@pytest.mark.parametrize(
    "wrong", [np.full((4, 3), np.nan), np.zeros(4), np.zeros(())], ids=["NaN", "rows", "scalar"]
)
def test_no_number_or_another_shape_is_a_disagreement(
    monkeypatch: pytest.MonkeyPatch, wrong: Any
) -> None:
    monkeypatch.setattr(
        vocabulary, "values", lambda wanted: {k: [wrong] * len(v) for k, v in wanted.items()}
    )
    assert not any(peer.agrees for peer in names()[0].peers)


def test_a_library_computes_in_a_process_of_its_own_and_may_print_there(library: Any) -> None:
    library("print('using some backend')\ndef twice(x): return 2 * x")
    (value,) = vocabulary.values({"keras": ["keras.twice(z) + K + n + k.sum() + y.sum()"]})["keras"]
    example = vocabulary.example()
    np.testing.assert_array_equal(value, 2 * example["z"] + 3 + 4 + 3 + 4)


@pytest.mark.parametrize(
    "source", thinned(["raise RuntimeError('broken build')", "import sys; sys.exit(3)"], 2)
)
def test_a_library_that_cannot_be_imported_is_one_line(library: Any, source: str) -> None:
    library(source)
    note = vocabulary.values({"keras": ["K"]})["keras"]
    assert isinstance(note, str)
    assert note.startswith("installed, but it failed: ")
    assert "broken build" in note or "3" in note


def test_a_library_that_never_answers_is_ended(
    library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    library("import time; time.sleep(600)")
    monkeypatch.setattr(vocabulary, "SECONDS", 0.5)
    assert "more than 0.5 s" in vocabulary.values({"keras": ["K"]})["keras"]


def test_the_example_tells_the_conventions_apart() -> None:
    e = vocabulary.example()
    assert len({e["n"], e["K"], 1, 2}) == 4
    costs = [lm.cross_entropy(e["s"], e["y"]), lm.log_likelihood(e["s"], e["y"])]
    costs += [lm.log_likelihood(e["p"], e["y"]), lm.quadratic(e["p"], e["y"])]
    assert min(abs(a - b) for i, a in enumerate(costs) for b in costs[:i]) > 0.01


def test_what_cross_entropy_means_is_said() -> None:
    assert "eq. 63" in MEANING
    assert "CrossEntropyLoss" in MEANING
    rows = {name.here: name.book for name in NAMES}
    assert "63" in rows["lm.cross_entropy(s, y)"]
    assert "80" in rows["lm.log_likelihood(p, y)"]
