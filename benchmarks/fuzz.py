"""Random programs, by this engine and by PyTorch or JAX: the same values, the same gradients?

    python benchmarks/fuzz.py [--against torch|jax] [--programs 100000] [--minutes M] [--seed 0]

A program is a list of calls on earlier results, with reuse, of two inputs that require gradients
and one constant. Every intermediate result and both gradients are compared, relative to the sizes
that arise. Exits with 1 and shows the program at the first difference.
"""

import argparse
import sys
import time

import numpy as np
from peers import PEERS, ours
from random_programs import SHAPES, program


def differ(x, y):
    x, y = np.asarray(x), np.asarray(y)
    if x.shape != y.shape:
        return True
    scale = 1.0 + np.abs(y).max(initial=0.0)
    return not np.allclose(x, y, rtol=1e-10, atol=1e-11 * scale, equal_nan=True)


def compare(theirs, seed):
    """One program on both sides; what differs, or None."""
    rng = np.random.default_rng(seed)
    lines = program(rng)
    arrays = [np.array(rng.normal(size=SHAPES[rng.integers(len(SHAPES))])) for _ in range(3)]

    def seeds(results):
        weights = np.random.default_rng(seed)
        return [np.array(weights.normal(size=tuple(result.shape))) for result in results]

    sides = [side(lines, arrays, seeds) for side in (ours, theirs)]
    for kind, pairs in zip(("result", "gradient"), zip(*sides, strict=True), strict=True):
        for k, (x, y) in enumerate(zip(*pairs, strict=True)):
            if differ(x, y):
                return f"{kind} {k}", lines, arrays, x, y
    return None


def main():
    parser = argparse.ArgumentParser(description="random programs against PyTorch or JAX")
    parser.add_argument("--against", choices=PEERS, default="torch")
    parser.add_argument("--programs", type=int, default=100_000)
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    theirs = PEERS[options.against]()
    end = time.monotonic() + 60 * options.minutes
    done = 0
    while done < options.programs and time.monotonic() < end:
        if (difference := compare(theirs, (options.seed, done))) is not None:
            print(f"program {done} differs:", *difference, sep="\n")
            sys.exit(1)
        done += 1
    print(f"{done} programs against {options.against}, no difference")


if __name__ == "__main__":
    main()
