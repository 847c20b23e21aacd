"""Random programs, by this engine and by PyTorch: the same values, the same gradients?

    python benchmarks/fuzz.py [--programs 100000] [--seed 0]

A program is a list of calls on earlier results, with reuse, of two inputs that require gradients
and one constant. Every intermediate result and both gradients are compared, relative to the sizes
that arise. Exits with 1 and shows the program at the first difference.
"""

import argparse
import sys

import numpy as np
import torch

import tinygrad_lossmix as lm

SHAPES = [(), (3,), (2, 3), (2, 1), (1, 3), (3, 2), (2, 2, 3)]


def safe(x, np_abs):
    """Away from 0, where logarithms and roots have no derivative."""
    return np_abs(x) + 0.5


# name: (with NumPy on a Tensor, with PyTorch)
UNARY = {
    "exp": (lambda x: np.exp(np.tanh(x)), lambda x: torch.exp(torch.tanh(x))),
    "expm1": (lambda x: np.expm1(np.sin(x)), lambda x: torch.expm1(torch.sin(x))),
    "log": (lambda x: np.log(safe(x, np.abs)), lambda x: torch.log(safe(x, torch.abs))),
    "log1p": (lambda x: np.log1p(np.square(x)), lambda x: torch.log1p(torch.square(x))),
    "sqrt": (lambda x: np.sqrt(safe(x, np.abs)), lambda x: torch.sqrt(safe(x, torch.abs))),
    "cos": (np.cos, torch.cos),
    "negative": (lambda x: -x, lambda x: -x),
    "cube": (lambda x: np.tanh(x) ** 3, lambda x: torch.tanh(x) ** 3),
    "clip": (lambda x: np.clip(x, -0.7, 0.6), lambda x: torch.clamp(x, -0.7, 0.6)),
    "where": (lambda x: np.where(x > 0.1, x, 0.5 * x), lambda x: torch.where(x > 0.1, x, 0.5 * x)),
    "sigmoid": (lm.sigmoid, torch.sigmoid),
    "softplus": (lm.softplus, lambda x: torch.logaddexp(x, torch.zeros_like(x))),
    "ravel": (np.ravel, torch.ravel),
    "transpose": (lambda x: x.T, lambda x: x.permute(tuple(reversed(range(x.ndim))))),
    "flip": (lambda x: x[..., ::-1] if x.ndim else x, lambda x: x.flip(-1) if x.ndim else x),
    "repeat": (
        lambda x: x[np.array([0, -1, 0])] if x.ndim else x,
        lambda x: x[torch.tensor([0, x.shape[0] - 1, 0])] if x.ndim else x,
    ),
    "new axis": (lambda x: np.expand_dims(x, 0), lambda x: x.unsqueeze(0)),
    "softmax": (lambda x: lm.softmax(x) if x.ndim else x, lambda x: x.softmax(-1) if x.ndim else x),
    "logsumexp": (
        lambda x: lm.logsumexp(x) if x.ndim else x,
        lambda x: x.logsumexp(-1) if x.ndim else x,
    ),
}
BINARY = {
    "add": (np.add, torch.add),
    "subtract": (np.subtract, torch.subtract),
    "multiply": (np.multiply, torch.multiply),
    "divide": (lambda x, y: x / safe(y, np.abs), lambda x, y: x / safe(y, torch.abs)),
    "maximum": (np.maximum, torch.maximum),
    "minimum": (np.minimum, torch.minimum),
    "logaddexp": (np.logaddexp, torch.logaddexp),
    "power": (
        lambda x, y: safe(x, np.abs) ** np.tanh(y),
        lambda x, y: safe(x, torch.abs) ** torch.tanh(y),
    ),
    "outer": (
        lambda x, y: np.outer(np.ravel(x)[:4], np.ravel(y)[:3]),
        lambda x, y: torch.outer(torch.ravel(x)[:4], torch.ravel(y)[:3]),
    ),
    "matmul": (
        lambda x, y: np.reshape(x, (-1, 1)) @ np.reshape(y, (1, -1)),
        lambda x, y: torch.reshape(x, (-1, 1)) @ torch.reshape(y, (1, -1)),
    ),
    "join": (
        lambda x, y: np.concatenate([np.ravel(x), np.ravel(y)]),
        lambda x, y: torch.cat([torch.ravel(x), torch.ravel(y)]),
    ),
}
REDUCTIONS = {
    "sum": (np.sum, torch.sum),
    "mean": (np.mean, torch.mean),
    "max": (np.max, torch.amax),
    "min": (np.min, torch.amin),
    "prod": (lambda x, **k: np.prod(np.tanh(x), **k), None),
    "var": (np.var, None),
}


def torch_reduction(name, x, axis, keepdims):
    if name == "prod":
        return torch.prod(torch.tanh(x), dim=axis, keepdim=keepdims)
    if name == "var":
        return torch.var(x, dim=axis, keepdim=keepdims, correction=0)
    return REDUCTIONS[name][1](x, dim=axis, keepdim=keepdims)


def program(rng):
    """Lines (kind, name, operands, axis, keepdims), each on results of earlier ones."""
    lines = []
    for i in range(rng.integers(2, 9)):
        kind = rng.choice(["unary", "binary", "reduction"], p=[0.4, 0.4, 0.2])
        name = rng.choice(list({"unary": UNARY, "binary": BINARY, "reduction": REDUCTIONS}[kind]))
        operands = rng.integers(0, 3 + i, size=2)
        lines.append((kind, name, *operands, int(rng.integers(-2, 2)), bool(rng.integers(2))))
    return lines


def run(lines, results, side):
    """All results of a program; a line whose shapes do not fit passes its operand on."""
    for kind, name, i, j, axis, keepdims in lines:
        x, y = results[i], results[j]
        if kind == "unary":
            value = UNARY[name][side](x)
        elif kind == "binary":
            try:
                np.broadcast_shapes(tuple(x.shape), tuple(y.shape))
            except ValueError:
                if name not in ("outer", "matmul", "join"):
                    value = x
                    results.append(value)
                    continue
            value = BINARY[name][side](x, y)
        elif not -x.ndim <= axis < x.ndim:
            value = x
        elif side == 0:
            value = REDUCTIONS[name][0](x, axis=axis, keepdims=keepdims)
        else:
            value = torch_reduction(name, x, axis, keepdims)
        size = int(np.prod(tuple(value.shape), dtype=int))
        results.append(value if size <= 200 and value.ndim < 6 else x)
    return results


def differ(ours, theirs):
    theirs = np.asarray(theirs)
    if ours.shape != theirs.shape:
        return True
    scale = 1.0 + np.abs(theirs).max(initial=0.0)
    return not np.allclose(ours, theirs, rtol=1e-10, atol=1e-11 * scale, equal_nan=True)


def compare(rng):
    """One program on both sides; what differs, or None."""
    lines = program(rng)
    arrays = [rng.normal(size=SHAPES[rng.integers(len(SHAPES))]) for _ in range(3)]
    tensors = [lm.Tensor(a) for a in arrays[:2]]
    ours = run(lines, [*tensors, lm.constant(lm.Tensor(arrays[2]))], 0)
    leaves = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in arrays[:2]]
    theirs = run(lines, [*leaves, torch.tensor(arrays[2], dtype=torch.float64)], 1)
    for line, a, b in zip([None] * 3 + lines, ours, theirs, strict=True):
        if differ(a.data, b.detach()):
            return line, lines, arrays, a.data, b
    weights = [rng.normal(size=a.shape) for a in ours]
    cost = sum((a * w).sum() for a, w in zip(ours, weights, strict=True))
    total = sum((b * torch.tensor(w)).sum() for b, w in zip(theirs, weights, strict=True))
    expected = torch.autograd.grad(total, leaves)
    for k, (g, e) in enumerate(zip(lm.grad(cost, tensors), expected, strict=True)):
        if differ(g, e):
            return f"gradient {k}", lines, arrays, g, e
    return None


def main():
    parser = argparse.ArgumentParser(description="random programs against PyTorch")
    parser.add_argument("--programs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    torch.set_num_threads(1)
    for n in range(options.programs):
        if (difference := compare(rng)) is not None:
            print(f"program {n} differs:", *difference, sep="\n")
            sys.exit(1)
    print(f"{options.programs} programs, no difference")


if __name__ == "__main__":
    main()
