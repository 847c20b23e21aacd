"""How cost grows with size, one dimension at a time, softmax with log-likelihood in float64.

The exponent is the slope of log(time) between the two largest sizes: 1 is linear, and smaller where
the price of a call still shows.
"""

import math
import sys

import numpy as np
from checking import difference
from timing import repeats, seconds
from workloads import logits, network

CORNER = ("softmax", "ll")
LARGE = 30 << 20  # bytes
DIMENSIONS = {
    "classes K, z (K,)": ((10, 100, 1000, 10_000, 100_000), lambda k: logits("", (k,), *CORNER)),
    "examples n, z (n, 10)": ((1, 10, 100, 1000, 10_000), lambda n: logits("", (n, 10), *CORNER)),
    "hidden units h, 64-h-10, b10": (
        (10, 30, 100, 300, 1000),
        lambda h: network("", (64, h, 10), 10, *CORNER),
    ),
    "inputs d, d-30-10, b10": (
        (10, 100, 1000, 10_000),
        lambda d: network("", (d, 30, 10), 10, *CORNER),
    ),
    "batch n, 64-30-10": ((1, 10, 100, 1000), lambda n: network("", (64, 30, 10), n, *CORNER)),
}


def measure(engines, passes):
    """One record for each dimension and engine.

    The fastest of several passes: a pass takes every engine through every size, so that a slow
    minute of the machine hits one pass, and none of the times that are shown. A large block is
    freed first: the C library then keeps what is freed afterwards, whichever workloads came before.
    Without that, steps that free a megabyte at once pay page faults for it the next time, 3 x.
    """
    np.empty(LARGE, np.uint8)
    rows = []
    for dimension, (sizes, case_of) in DIMENSIONS.items():
        print(f"scaling with {dimension}", file=sys.stderr)
        cases = [case_of(size) for size in sizes]
        steps = {engine.name: built for engine in engines if (built := prepared(engine, cases))}
        best = {name: [math.inf] * len(sizes) for name in steps}
        for _ in range(passes):
            for name, there in steps.items():
                for k, (step, case, repeat) in enumerate(there):
                    best[name][k] = min(best[name][k], seconds(step, case.inputs, repeat) / repeat)
        growth = math.log(sizes[-1] / sizes[-2])
        rows += [
            {
                "dimension": dimension,
                "engine": name,
                "sizes": sizes,
                "us": [1e6 * time for time in times],
                "exponent": math.log(times[-1] / times[-2]) / growth,
            }
            for name, times in best.items()
        ]
    return rows


def prepared(engine, cases):
    """(step, case, calls in a block) of each case; none if it cannot do one of them.

    Why it cannot is reported with the other workloads.
    """
    steps = []
    for case in cases:
        try:
            step = engine.build(case)
            if difference(step(*case.inputs), case):
                return []
        except Exception:
            return []
        steps.append((step, case, repeats(step, case.inputs)))
    return steps
