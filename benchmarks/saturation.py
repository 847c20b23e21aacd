"""How many digits are right as the outputs saturate: the book's graph and the stable node.

    python benchmarks/saturation.py

Logits z = [x, 0, -x] with the right class 0 (sure and right) and 2 (sure and wrong), the costs of
the four corners, against mpmath at 1000 digits. Prints the table of docs/stability.md: the worst
relative error of the cost and of any component of δ.
"""

import mpmath
import numpy as np

import tinygrad_lossmix as lm

SCALES = [1.0, 10.0, 20.0, 40.0, 100.0, 300.0, 700.0, 1000.0]
CORNERS = [("sigmoid", "ce"), ("sigmoid", "ll"), ("softmax", "ce"), ("softmax", "ll")]


def exact(output, cost, z, label):
    """Cost and δ from the definitions, by mpmath."""
    z = [mpmath.mpf(x) for x in z]
    e = [mpmath.exp(x) for x in z]
    softmax = output == "softmax"
    p = [x / mpmath.fsum(e) for x in e] if softmax else [x / (1 + x) for x in e]
    q = [1 - x for x in p]
    y = [int(k == label) for k in range(len(z))]
    value = -mpmath.log(p[label])
    da = [-y[k] / p[k] for k in range(len(z))]
    if cost == "ce":
        value -= mpmath.fsum(mpmath.log(q[k]) for k in range(len(z)) if k != label)
        da = [da[k] + (1 - y[k]) / q[k] for k in range(len(z))]
    if softmax:
        mean = mpmath.fsum(a * b for a, b in zip(p, da, strict=True))
        return value, [p[k] * (da[k] - mean) for k in range(len(z))]
    return value, [p[k] * q[k] * da[k] for k in range(len(z))]


def error(found, truth):
    """Relative; what float64 cannot hold counts as right when it is 0, NaN as infinitely wrong."""
    if not np.isfinite(found):
        return np.inf
    if abs(truth) < np.finfo(float).tiny:
        return 0.0 if abs(found) < np.finfo(float).tiny else np.inf
    return float(abs((mpmath.mpf(float(found)) - truth) / truth))


def worst(method, output, cost, x):
    """The larger error of the two labels, of the cost and of δ."""
    costs, deltas = [], []
    for label in (0, 2):
        z = lm.Tensor([x, 0.0, -x])
        value, delta = exact(output, cost, z.data, label)
        with np.errstate(all="ignore"):
            c = getattr(lm.Mix(output, cost), method)(z, label)
            d = lm.grad(c, z)
        costs.append(error(float(c), value))
        deltas += [error(a, b) for a, b in zip(d, delta, strict=True)]
    return max(costs), max(deltas)


def shown(error):
    if error == np.inf:
        return "NaN"
    return "lost" if error >= 0.5 else "0" if error < 1e-12 else f"{error:.0e}"


def main():
    mpmath.mp.dps = 1000
    heads = [f"{' + '.join(corner)}: C | δ" for corner in CORNERS]
    print("| x | " + " | ".join(heads) + " |")
    print("|" + "---|" * (1 + 2 * len(CORNERS)))
    nodes = []
    for x in SCALES:
        graph = [worst("composed", *corner, x) for corner in CORNERS]
        nodes += [max(worst("cost", *corner, x)) for corner in CORNERS]
        cells = [shown(error) for errors in graph for error in errors]
        print(f"| {x:g} | " + " | ".join(cells) + " |")
    print(f"\nThe stable node: at most {max(nodes):.0e} in every cell.")


if __name__ == "__main__":
    main()
