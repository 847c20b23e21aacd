"""What is computed: a mean cost and its gradient, by the logits or by a network's parameters.

| | differentiated by | corners | dtype |
|---|---|---|---|
| W2 | z (10,) | all four | float64 |
| W3 | z (64, 10) | all four | float64 |
| W4 | the parameters of 64-30-10 and 784-100-10, batches of 10 and 128 | softmax ll | both |
| W5 | z (4096, 1000) | all four | float32 |
| classes | z (4096, 1000), (256, 32000), (64, 128000), labels integers | softmax ll | float32 |

An engine reads the caller's arrays in place where it offers that.
"""

from dataclasses import dataclass

import numpy as np

CORNERS = (("sigmoid", "ce"), ("sigmoid", "ll"), ("softmax", "ce"), ("softmax", "ll"))
NETWORKS = ((64, 30, 10), (784, 100, 10))
MANY = ((4096, 1000), (256, 32_000), (64, 128_000))


@dataclass(frozen=True, eq=False)
class Case:
    """One computation; `inputs` is what is differentiated: z, or w1, b1, w2, b2."""

    workload: str
    size: str
    output: str
    cost: str
    inputs: tuple
    y: np.ndarray
    x: np.ndarray | None = None

    @property
    def mix(self):
        return f"{self.output} {self.cost}"

    @property
    def dtype(self):
        return self.inputs[0].dtype


def logits(workload, shape, output, cost, dtype=np.float64):
    rng = np.random.default_rng(0)
    z = rng.normal(size=shape).astype(dtype)
    y = one_hot(rng.integers(0, shape[-1], shape[:-1]), shape[-1], dtype)
    size = f"z {shape}" + (" float32" if dtype == np.float32 else "")
    return Case(workload, size, output, cost, (z,), y)


def classes(shape):
    """Logits with integer labels, which are to be used as indices."""
    rng = np.random.default_rng(0)
    z, y = rng.normal(size=shape).astype(np.float32), rng.integers(0, shape[1], shape[0])
    return Case("classes", f"z {shape} float32", "softmax", "ll", (z,), y)


def network(workload, layers, batch, output, cost, dtype=np.float64):
    """One hidden layer of sigmoids."""
    rng = np.random.default_rng(0)
    n_in, n_hidden, n_out = layers
    parameters = (
        rng.normal(size=(n_in, n_hidden)) / n_in**0.5,
        rng.normal(size=n_hidden),
        rng.normal(size=(n_hidden, n_out)) / n_hidden**0.5,
        rng.normal(size=n_out),
    )
    x = rng.random((batch, n_in)).astype(dtype)
    y = one_hot(rng.integers(0, n_out, batch), n_out, dtype)
    size = f"{'-'.join(map(str, layers))} b{batch}" + (" float32" if dtype == np.float32 else "")
    inputs = tuple([p.astype(dtype) for p in parameters])
    return Case(workload, size, output, cost, inputs, y, x)


def one_hot(classes, count, dtype):
    y = np.zeros((*classes.shape, count), dtype)
    np.put_along_axis(y, classes[..., None], 1, axis=-1)
    return y


def cases(only, quick=False):
    """The cases of the workloads named; quick: W4 in float64, one corner of W5."""
    if "W2" in only:
        yield from (logits("W2", (10,), *corner) for corner in CORNERS)
    if "W3" in only:
        yield from (logits("W3", (64, 10), *corner) for corner in CORNERS)
    if "W4" in only:
        for dtype in (np.float64,) if quick else (np.float64, np.float32):
            for layers in NETWORKS:
                for batch in (10, 128):
                    yield network("W4", layers, batch, "softmax", "ll", dtype)
    if "W5" in only:
        yield from (large(*corner) for corner in CORNERS[quick * 3 :])
    if "classes" in only:
        yield from map(classes, MANY[:1] if quick else MANY)


def large(output, cost):
    """The case of W5."""
    return logits("W5", MANY[0], output, cost, np.float32)
