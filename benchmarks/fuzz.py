"""Random programs, by this engine and by another: the same values, the same gradients?

    python benchmarks/fuzz.py [--against torch|jax|numpy|numba|loops] [--programs 50000] [--seed 0]
                              [--first 0] [--minutes M]

A program (`random_programs.py`) has two inputs that require gradients and one constant; number n of
a seed is always the same, so that --first goes on where another run ended. A weighted sum of all
intermediate results, these results and both gradients are compared, relative to the sizes that
arise; of what `lm.compile` makes the sum and both gradients: numpy, numba, and loops, which are
numba's run as Python, in a fiftieth of the time.

A difference is explained where last bits of the inputs change our own answer as much: there the
program rounds away what it depends on, or stands at a kink. Others are shown, and the exit code
is 1.
"""

import argparse
import sys
import time
import warnings
from collections import Counter
from importlib.metadata import version

import numpy as np
from peers import NUMPY, PEERS, ours
from random_programs import FUNCTIONS, SHAPES, program


def apart(x, y):
    """By how much they differ, in units of what is allowed."""
    x, y = np.asarray(x), np.asarray(y)
    if x.shape != y.shape:
        return np.inf
    room = 1e-10 * np.abs(y) + 1e-11 * (1.0 + np.abs(y).max(initial=0.0))
    ratios = np.where(np.isfinite(room), np.abs(x - y) / room, np.inf)
    return float(np.nan_to_num(ratios, nan=np.inf, posinf=np.inf).max(initial=0.0))


def drawn(seed):
    """A program, its inputs and the gradients that arrive at its results."""
    rng = np.random.default_rng(seed)
    arrays = [np.array(rng.normal(size=SHAPES[rng.integers(len(SHAPES))])) for _ in range(3)]
    calls, results = program(rng, arrays, NUMPY)
    return calls, arrays, [np.array(rng.normal(size=x.shape)) for x in results]


def difference(mine, theirs):
    """By how much it differs most, in units of what is allowed, where, and both sides."""
    found = [
        (apart(x, y), f"{kind} {k}", x, y)
        for kind, pairs in zip(("result", "gradient"), zip(mine, theirs, strict=True), strict=True)
        for k, (x, y) in enumerate(zip(*pairs, strict=False))
    ]
    return max(found, key=lambda each: each[0])


def compare(theirs, seed):
    """One program on both sides: what became of it in a word, its calls, and what differs most."""
    calls, arrays, seeds = drawn(seed)
    try:
        mine = ours(calls, arrays, seeds)
        found = difference(mine, theirs(calls, arrays, seeds))
    except Exception as error:  # one side cannot run it, or lm.compile gave a warning
        without = "there are no loops for" in str(error)
        return "without loops" if without else "unexplained", calls, repr(error)
    if found[0] <= 1:
        return "agrees", calls, found
    bits = [a * (1 + 1e-15 * np.cos(np.arange(a.size)).reshape(a.shape)) for a in arrays]
    moved = difference(ours(calls, bits, seeds), mine)
    return "explained" if moved[0] > 0.1 * found[0] else "unexplained", calls, (*found, arrays)


def main():
    parser = argparse.ArgumentParser(description="random programs against another framework")
    parser.add_argument("--against", choices=PEERS, default="torch")
    parser.add_argument("--programs", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the number of the first program")
    parser.add_argument("--minutes", type=float, default=float("inf"))
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # of the book's layers given outputs, of means of nothing
    theirs = PEERS[options.against]()
    end = time.monotonic() + 60 * options.minutes
    became, called, n = Counter(), Counter(), options.first
    while n < options.first + options.programs and time.monotonic() < end:
        what, calls, found = compare(theirs, (options.seed, n))
        became[what] += 1
        called.update(call.name for call in calls)
        if what == "unexplained":
            print(f"program {n} of seed {options.seed}:", *calls, found, sep="\n", flush=True)
        n += 1
        if n % 1000 == 0:
            print(f"{n}: {dict(became)}", file=sys.stderr, flush=True)
    print(
        f"programs {options.first} to {n - 1} of seed {options.seed}, {sum(called.values())} calls "
        f"of {len(called)} of {len(FUNCTIONS)} functions, against {options.against} "
        f"{version('numba' if options.against == 'loops' else options.against)}: "
        + ", ".join(f"{count} {what}" for what, count in sorted(became.items()))
    )
    sys.exit(became["unexplained"] > 0)


if __name__ == "__main__":
    main()
