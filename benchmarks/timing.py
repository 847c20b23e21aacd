"""Paired and interleaved: A B A B …, so that a change of the machine's speed hits both.

The quotient of each pair is one measurement; what is reported is the median and the quartiles.
"""

import gc
import itertools
import statistics
from time import perf_counter

BLOCK = 0.002  # seconds that each side runs before it is the other's turn


def seconds(step, inputs, repeat):
    """How long so many calls take."""
    start = perf_counter()
    for _ in itertools.repeat(None, repeat):
        step(*inputs)
    return perf_counter() - start


def repeats(step, inputs):
    """How many calls fill a block; the first calls warm up."""
    step(*inputs)
    once = min(seconds(step, inputs, 1) for _ in range(3))
    return max(1, round(BLOCK / once))


def paired(baseline, step, inputs, budget, fewest=5, most=60):
    """Ratios of step to baseline: median, quartiles, and both sides in microseconds per call.

    Args:
        budget: seconds; rounds end when it is spent, but not before the fewest are done.
    """
    gc.collect()
    gc.freeze()  # what was loaded for other engines is no load on this one's collections
    mine, theirs = repeats(step, inputs), repeats(baseline, inputs)
    a, b = [], []
    end = perf_counter() + budget
    while len(a) < fewest or (len(a) < most and perf_counter() < end):
        a.append(seconds(baseline, inputs, theirs) / theirs)
        b.append(seconds(step, inputs, mine) / mine)
    ratios = [y / x for x, y in zip(a, b, strict=True)]
    low, median, high = spread(ratios)
    return {
        "median": median,
        "quartiles": [low, high],
        "us": statistics.median(b) * 1e6,
        "baseline_us": statistics.median(a) * 1e6,
        "rounds": len(a),
    }


def spread(values):
    """Lower quartile, median, upper quartile."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    return statistics.quantiles(values, n=4, method="inclusive")
