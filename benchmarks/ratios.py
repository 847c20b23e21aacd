"""How long the engine takes, as a ratio to hand-written NumPy in the same run.

    python benchmarks/ratios.py [--rounds 60] [--json FILE]

One thread, pinned to one core where the system can; the two sides in turn, A B A B …, so that a
change of the machine's speed hits both; the median of the paired ratios with its quartiles.
Gradients are compared before anything is timed. Arrays are copied into Tensors inside the timing.
"""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
if any(os.environ.get(variable) != "1" for variable in THREADS):  # read when NumPy is imported
    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | dict.fromkeys(THREADS, "1"))

import handwritten  # noqa: E402
import numpy as np  # noqa: E402

import tinygrad_lossmix as lm  # noqa: E402

CORNERS = [("sigmoid", "ce"), ("sigmoid", "ll"), ("softmax", "ce"), ("softmax", "ll")]
COSTS = {"ce": lm.book.cross_entropy, "ll": lm.book.log_likelihood}
TARGETS = {
    ("primitives", "z (10,)"): 4.0,
    ("primitives", "z (64, 10)"): 3.5,
    ("one node", "z (10,)"): 2.0,
    ("one node", "z (64, 10)"): 2.0,
    ("training step", "64-30-10, batch 10"): 1.5,
}


def primitives(output, cost):
    def value_and_grad(z, y):
        z = lm.Tensor(z)
        value = COSTS[cost](getattr(lm.book, output)(z), y)
        return value, lm.grad(value, z)

    return value_and_grad


def one_node(output, cost):
    mix = lm.Mix(output, cost)

    def value_and_grad(z, y):
        z = lm.Tensor(z)
        value = mix.cost(z, y)
        return value, lm.grad(value, z)

    return value_and_grad


def network(output, cost):
    mix = lm.Mix(output, cost)

    def loss(w1, b1, w2, b2, x, y):
        return mix.cost(lm.sigmoid(x @ w1 + b1) @ w2 + b2, y)

    return lm.value_and_grad(loss, wrt=(0, 1, 2, 3))


def training_step(value_and_grad, eta=0.5):
    """Gradients, and the parameters after a step against them."""

    def step(*arguments):
        value, gradients = value_and_grad(*arguments)
        return value, tuple([p - eta * g for p, g in zip(arguments, gradients, strict=False)])

    return step


def cases():
    """(what, size, corner, the engine's function, the hand-written one, arguments)."""
    rng = np.random.default_rng(0)
    for shape in [(10,), (64, 10)]:
        y = np.eye(10)[rng.integers(0, 10, shape[:-1])]
        arguments = (rng.normal(size=shape), y)
        for corner in CORNERS:
            size = f"z {shape}"
            hand = handwritten.corner(*corner)
            yield "primitives", size, corner, primitives(*corner), hand, arguments
            yield "one node", size, corner, one_node(*corner), hand, arguments
    w1, w2 = rng.normal(size=(64, 30)) / 8, rng.normal(size=(30, 10)) / 5
    x, y = rng.random((10, 64)), np.eye(10)[rng.integers(0, 10, 10)]
    arguments = (w1, rng.normal(size=30), w2, rng.normal(size=10), x, y)
    for corner in CORNERS:
        ours, hand = map(training_step, (network(*corner), handwritten.network(*corner)))
        yield "training step", "64-30-10, batch 10", corner, ours, hand, arguments


def agree(ours, hand, arguments):
    """Both sides compute the same value and gradients."""
    for mine, theirs in zip(ours(*arguments), hand(*arguments), strict=True):
        pairs = zip(mine, theirs, strict=True) if isinstance(mine, tuple) else [(mine, theirs)]
        for a, b in pairs:
            np.testing.assert_allclose(getattr(a, "data", a), b, rtol=1e-9, atol=1e-12)


def paired_ratios(ours, hand, arguments, rounds, repeat=40):
    """Median and quartiles of the paired ratios, and the hand-written side in microseconds."""
    ratios, times = [], []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(repeat):
            hand(*arguments)
        middle = time.perf_counter()
        for _ in range(repeat):
            ours(*arguments)
        end = time.perf_counter()
        ratios.append((end - middle) / (middle - start))
        times.append((middle - start) / repeat * 1e6)
    low, median, high = statistics.quantiles(ratios, n=4)
    return {"median": median, "quartiles": [low, high], "hand_us": statistics.median(times)}


def main():
    parser = argparse.ArgumentParser(description="the engine against hand-written NumPy")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    rows = []
    print(f"{'':14}{'':20}{'':14}{'ratio':>6}  {'quartiles':<12} {'aim':>4}  by hand")
    for what, size, corner, ours, hand, arguments in cases():
        agree(ours, hand, arguments)
        figures = paired_ratios(ours, hand, arguments, options.rounds)
        aim = 2.5 if (what, corner) == ("one node", ("softmax", "ce")) else TARGETS[what, size]
        low, high = figures["quartiles"]
        print(
            f"{what:14}{size:20}{' '.join(corner):14}{figures['median']:6.2f}  "
            f"{low:.2f} - {high:.2f}  {aim:4.1f}  {figures['hand_us']:5.1f} us"
        )
        rows.append({"what": what, "size": size, "mix": " ".join(corner), "aim": aim, **figures})
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
