"""Strategies: each draws what it says, all of it, quickly, and shrinks to something small."""

import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import find, given, settings

from tests.helpers.drawn import SHAPES, SHRUNK
from tests.helpers.quick import thinned
from tinygrad_lossmix.testing import strategies


@pytest.mark.parametrize(
    ("strategy", "smallest"),
    thinned(
        [
            (strategies.labels((2, 3), "integer"), np.array([0, 0])),
            (strategies.arrays((2, 3)), np.zeros((2, 3))),
            (strategies.logits((3,)), np.zeros(3)),
            (strategies.labels((3,), "one-hot"), np.array([1.0, 0.0, 0.0])),
            (strategies.labels((3,)), np.zeros(3)),
        ],
        5,
    ),
)
def test_arrays_shrink_to_zeros_and_the_first_class(strategy, smallest):
    found = find(strategy, lambda x: True, settings=SHRUNK)
    np.testing.assert_array_equal(found, smallest)
    assert found.flags.c_contiguous


@pytest.mark.slow
@pytest.mark.parametrize(
    "strategy",
    [
        strategies.examples(),
        strategies.arrays(),
        strategies.tensors(),
        strategies.separated(SHAPES),
        strategies.programs(),
        strategies.indices((3, 4)),
        strategies.logits((2, 3)),
        strategies.labels((2, 3)),
    ],
    ids=["examples", "arrays", "tensors", "separated", "programs", "indices", "logits", "labels"],
)
def test_a_hundred_examples_take_less_than_three_seconds_of_the_processor(strategy):
    @given(strategy)
    @settings(max_examples=100, database=None)
    def draw(_):
        pass

    started = time.process_time()
    draw()
    assert time.process_time() - started < 3


def test_without_hypothesis_the_extra_is_named():
    code = (
        "import sys; sys.modules['hypothesis'] = None; import tinygrad_lossmix.testing.strategies"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == (
        'ImportError: strategies are for hypothesis: pip install "tinygrad_lossmix[verify]"'
    )
