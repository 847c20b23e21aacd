"""Networks under mixes and wrong pairings: floors by hand, curves with gaps, figures in a file."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import tinygrad_lossmix as lm
from tinygrad_lossmix.lab import networks
from tinygrad_lossmix.lab.networks import WRONG, curves, row, save_curves, torch_bce, torch_ce
from tinygrad_lossmix.lab.training import Epoch, Run


@pytest.mark.parametrize(
    ("name", "at_ten", "at_two"),
    [
        ("softmax twice + log-likelihood", 1.4612, 0.3133),
        ("softmax of sigmoid + log-likelihood", 1.4612, 0.3133),
        ("sigmoid of softmax + cross-entropy", (0.3133 + 9 * 0.6931) / 10, (0.3133 + 0.6931) / 2),
        ("sigmoid + log-likelihood", 0.0, 0.0),
    ],
)
def test_floors_are_those_of_perfect_outputs(name, at_ten, at_two):
    [(mix, floor)] = [(mix, floor) for mix, (known, floor) in WRONG.items() if known == name]
    assert (floor(10), floor(2)) == (
        pytest.approx(at_ten, abs=1e-4),
        pytest.approx(at_two, abs=1e-4),
    )
    perfect = 40.0 * (2.0 * np.eye(10) - 1.0)
    assert mix.cost(perfect, np.arange(10)) == pytest.approx(floor(10), abs=1e-9)


def test_the_losses_are_those_of_the_framework():
    """By hand: cross-entropy of softmax(a), mean over the outputs of that of sigmoid(a)."""
    a, y = np.array([0.2, 0.7, 0.1]), np.array([0.0, 1.0, 0.0])
    assert torch_ce(a, y) == pytest.approx(np.log(np.exp(a).sum()) - 0.7)
    terms = np.log1p(np.exp(np.where(y == 1.0, -a, a)))
    assert torch_bce(a, y) == pytest.approx(terms.mean())


def test_curves_have_a_gap_where_a_run_diverged(make_result):
    result = make_result([0.5, 0.6, 0.7], [0.4, 0.5, 0.6])
    ended = Run(result.mix, 2, (Epoch(np.nan, np.nan, np.nan),), np.nan, np.nan, ())
    found = curves([lm.lab.Result(result.mix, (*result.runs, ended), result.delta)], "accuracy")
    [rows] = found.values()
    np.testing.assert_array_equal(rows[:2], [[0.5, 0.6, 0.7], [0.4, 0.5, 0.6]])
    assert np.isnan(rows[2]).all()


def test_a_row_says_when_accuracies_were_reached(make_result):
    found = row(make_result([0.5, 0.91, 0.96], [0.5, 0.6, 0.7], never_predicted=(3,)))
    assert found[1:3] == ("83.00 ± 18.38 %", "1")
    assert found[5:7] == ("inf", "inf")  # half of the runs never do


@pytest.mark.parametrize(("form", "start"), [("svg", b"<svg"), ("png", b"\x89PNG")])
def test_curves_are_saved_by_their_suffix(form, start, make_result, tmp_path, monkeypatch):
    results = [make_result([0.5, 0.6], [0.7, 0.8], mix=mix) for mix in lm.MIXES[:2]]
    drawn = []
    monkeypatch.setattr(networks, "arranged", lambda *panels: drawn.extend(panels) or Figure)
    save_curves(results, tmp_path / f"curves.{form}")
    assert (tmp_path / f"curves.{form}").read_bytes().startswith(start)
    assert [panel.keywords["ylabel"] for panel in drawn] == ["test accuracy", "training cost"]
    assert [*drawn[0].keywords["curves"]] == [mix.words for mix in lm.MIXES[:2]]


@pytest.mark.slow
def test_data_of_ones_own_take_the_place_of_the_digits(blobs):
    for name in ("digits", "pairings"):
        found = lm.lab.STUDIES[name](data=blobs, mixes=[lm.Mix("lml", "ce"), lm.Mix(np.log, "ce")])
        assert found.statements == ()
        assert any("lml ce" in cells for cells in found.tables[0].rows)
