"""W6: a chain of n scalar operations, forwards and back, per operation.

    python benchmarks/chains.py LIBRARY ENGINE N

The chain is x * c + d again and again. From 10,000 operations on, each engine first runs in a
process of its own, since a recursion that is too deep can end the process; this is the command
that does it.
"""

import gc
import subprocess
import sys
from time import perf_counter

import numpy as np
from engines import load, reason
from timing import spread

C, D = 0.999999, 1e-6
OURS = "lossmix, written plainly"
DEEP = 10_000
SECONDS = 20  # at most, for one run of one engine
BUDGET = 1.5  # seconds, after which no other round begins


def chain(n):
    """A function of one number, in n operations."""

    def f(x):
        for _ in range(n // 2):
            x = x * C + D
        return x

    return f


def measure(sizes, engines):
    """One record for each size and engine that differentiates scalars."""
    rows, cost = [], {}
    able = [engine for engine in engines if engine.scalar]
    ours = next((engine for engine in able if engine.name == OURS), None)
    if ours is None:
        return rows
    for n in sizes:
        print(f"W6 {n} operations", file=sys.stderr)
        for engine in able:
            expected = cost.get(engine.name, 0) * n
            row = {"engine": engine.name, "operations": n}
            if expected == np.inf:
                rows.append(row | {"state": "failed", "why": "failed on a shorter chain"})
            elif expected > SECONDS:
                rows.append(row | {"state": "failed", "why": f"would take {expected:.0f} s"})
            else:
                row |= one(engine, ours, n)
                rows.append(row)
            if rows[-1]["state"] == "timed":
                cost[engine.name] = row["us_per_operation"] / 1e6
            else:
                cost[engine.name] = np.inf
    return rows


def one(engine, ours, n):
    """Microseconds per operation, and the ratio to this engine on the same chain."""
    why = alone(engine, n) if n >= DEEP else attempt(engine, n)
    if why:
        return {"state": "failed", "why": why}
    steps = [e.scalar(chain(n)) for e in (ours, engine)]
    gc.collect()
    gc.freeze()
    times = [[once(step) for step in steps]]
    end = perf_counter() + BUDGET
    while len(times) < 20 and perf_counter() < end:
        times.append([once(step) for step in steps])
    low, median, high = spread([theirs / mine for mine, theirs in times])
    return {
        "state": "timed",
        "us_per_operation": spread([theirs for _, theirs in times])[1] / n * 1e6,
        "median": median,
        "quartiles": [low, high],
        "rounds": len(times),
    }


def once(step):
    """Seconds, with the time it takes to let go of the recording."""
    start = perf_counter()
    step(np.array(1.0))
    return perf_counter() - start


def attempt(engine, n):
    """What goes wrong, or None."""
    try:
        _, (gradient,) = engine.scalar(chain(n))(np.array(1.0))
    except (Exception, RecursionError) as error:
        return reason(error)
    expected = C ** (n // 2)
    return None if abs(gradient - expected) < 1e-6 else f"gradient {gradient}, not {expected}"


def alone(engine, n):
    """The same in a process of its own."""
    try:
        done = subprocess.run(
            [sys.executable, __file__, engine.library, engine.name, str(n)],
            capture_output=True,
            text=True,
            timeout=3 * SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"took more than {3 * SECONDS} s"
    if done.returncode < 0:
        return f"the process died of signal {-done.returncode}"
    last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    return done.stdout.strip() or (last[:120] if done.returncode else None)


if __name__ == "__main__":
    library, name, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
    print(attempt(load(lambda needed: needed == library)[0][name], n) or "")
