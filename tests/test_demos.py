"""Every demo runs as a newcomer would run it, without a warning, and is short."""

import runpy
from pathlib import Path

import pytest

DEMOS = sorted((Path(__file__).parent.parent / "demos").glob("[0-9][0-9]_*.py"))
LONG = ("15_a_layer_of_your_own",)  # it looks for a cost, and for a layer
NETWORK = Path(__file__).parent.parent / "demos" / "network.py"  # what docs and tests step through


def printed(path, capsys):
    """What a demo prints, when it is run as a script."""
    runpy.run_path(str(path), run_name="__main__")
    output, errors = capsys.readouterr()
    assert not errors
    return output


def test_there_is_a_path_of_demos():
    assert [path.name[:2] for path in DEMOS] == [f"{i:02}" for i in range(1, len(DEMOS) + 1)]
    assert len(DEMOS) >= 10


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=[pytest.mark.slow] * (path.stem in LONG))
        for path in [*DEMOS, NETWORK]
    ],
    ids=lambda path: path.stem,
)
def test_demo_runs(path, capsys):
    assert printed(path, capsys)


@pytest.mark.parametrize("path", [*DEMOS, NETWORK], ids=lambda path: path.stem)
def test_demo_is_under_60_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < 60


def test_one_neuron_shows_the_figures_of_the_book(capsys):
    output = printed(DEMOS[1], capsys)
    for start, end, epoch in [("0.8176", "0.0940", 36), ("0.9820", "0.2028", 232)]:
        assert f"a = {start}, wanted 0" in output
        assert (
            f"quadratic      after 300 epochs a = {end}, below one half at epoch {epoch}" in output
        )
    assert "below one half at epoch 17\n" in output
