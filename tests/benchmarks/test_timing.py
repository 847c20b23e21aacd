"""What is measured is what is said: ratios of interleaved pairs, and chains that end cleanly."""

import chains
import pytest
import timing
from engines import Engine, load
from timing import paired, spread


@pytest.fixture
def side(monkeypatch):
    """Makes steps that take so many seconds on a clock of their own; `side.calls` are theirs."""
    now, calls = [0.0], []

    def make(name, seconds):
        def step():
            calls.append(name)
            now[0] += seconds

        return step

    make.calls = calls
    monkeypatch.setattr(timing, "perf_counter", lambda: now[0])
    return make


def test_a_step_that_takes_three_times_as_long_has_the_ratio_three(side):
    figures = paired(side("hand", 1e-5), side("step", 3e-5), (), budget=0.1)
    assert [figures["median"], *figures["quartiles"]] == pytest.approx([3, 3, 3])
    assert figures["us"] == pytest.approx(30)
    assert figures["baseline_us"] == pytest.approx(10)


def test_the_two_sides_take_turns(side):
    paired(side("hand", 0.01), side("step", 0.01), (), budget=0, fewest=3)
    assert side.calls[-6:] == ["hand", "step"] * 3


def test_rounds_end_with_the_budget_but_not_before_the_fewest_nor_after_the_most(side):
    steps = side("hand", 0.01), side("step", 0.03)
    rounds = [paired(*steps, (), budget=b, fewest=5, most=9)["rounds"] for b in (0, 0.27, 9)]
    assert rounds == [5, 7, 9]


def test_the_spread_of_one_measurement_is_itself():
    assert spread([2.0]) == (2.0, 2.0, 2.0)


def test_a_recursion_that_is_too_deep_is_reported_and_not_tried_again():
    def recursive(loss):
        return lambda number: recursive(loss)(number)

    ours = load(lambda library: library == "tinygrad_lossmix")[0]
    engines = [ours[chains.OURS], Engine("recursive", scalar=recursive)]
    rows = {(r["engine"], r["operations"]): r for r in chains.measure([10, 100], engines)}
    assert rows[chains.OURS, 100]["state"] == "timed"
    assert "RecursionError" in rows["recursive", 10]["why"]
    assert rows["recursive", 100]["why"] == "failed on a shorter chain"


@pytest.mark.slow
def test_a_long_chain_runs_in_a_process_of_its_own_first():
    ours = load(lambda library: library == "tinygrad_lossmix")[0][chains.OURS]
    assert chains.alone(ours, 1000) is None
    assert "KeyError: 'unknown'" in chains.alone(ours._replace(name="unknown"), 1000)


@pytest.mark.parametrize("n", [10, 1000])
def test_the_gradient_of_a_chain_is_checked(n):
    def halved(loss):
        return lambda number: (loss(number), (0.5,))

    assert "gradient 0.5" in chains.attempt(Engine("halved", scalar=halved), n)
