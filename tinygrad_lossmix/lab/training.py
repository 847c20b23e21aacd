"""One run: one mix, one seed, plain stochastic gradient descent; gradients are compiled.

What you can do here: `train(mix, data, settings, seed)` gives the learning curve and what the
outputs look like at its end. Runs with the same seed share the split, the initial weights and the
order of the mini-batches, whatever the mix.
"""

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, TypeAlias

import numpy as np

from tinygrad_lossmix.caller import passed
from tinygrad_lossmix.compiler.compile import compile
from tinygrad_lossmix.compiler.ir.trace import NumbersAsked
from tinygrad_lossmix.compiler.loops.backend import NotCompiledWarning
from tinygrad_lossmix.engine.gradient import value_and_grad
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.lab.data import Data, Split, split
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.mixes.outputs import sigmoid

BINS = 15  # of confidence
Parameters: TypeAlias = tuple[Array, ...]  # W1, b1, W2, b2


@dataclass(frozen=True)
class Settings:
    """How every mix is trained.

    Raises:
        ValueError: a number is not positive or not whole, or dtype is neither float32 nor float64.
    """

    seeds: int = 5
    epochs: int = 30
    hidden: int = 30
    eta: float = 0.5
    batch: int = 10
    dtype: str = "float64"

    def __post_init__(self) -> None:
        for name in ("seeds", "epochs", "hidden", "batch"):
            if not isinstance(n := getattr(self, name), int | np.integer) or n < 1:
                raise ValueError(f"{name} must be a whole number, at least 1, not {n!r:.80}")
        if not (math.isfinite(self.eta) and self.eta > 0):
            raise ValueError(f"eta must be a positive number, not {self.eta}")
        if self.dtype not in ("float32", "float64"):
            raise ValueError(f"dtype must be float32 or float64, not {self.dtype}")


@dataclass(frozen=True)
class Epoch:
    """After an epoch: the cost of the training examples, accuracy and ECE of the test examples."""

    cost: float
    accuracy: float
    ece: float


OnEpoch: TypeAlias = Callable[[Mix, int, Epoch], None]


@dataclass(frozen=True)
class Run:
    """What one run showed: a curve, and the outputs for the test examples at its end.

    A run that diverges ends there, and its last numbers are NaN.
    """

    mix: Mix
    seed: int
    curve: tuple[Epoch, ...]
    right: float  # mean output of the right class
    wrong: float  # mean output of the wrong classes
    never_predicted: tuple[int, ...]  # classes of test examples, never the largest output

    @property
    def last(self) -> Epoch:
        """The end of the curve."""
        return self.curve[-1]

    @property
    def diverged(self) -> bool:
        """Whether the cost is no longer a finite number."""
        return not math.isfinite(self.last.cost)

    def epochs_to(self, accuracy: float) -> float:
        """The first epoch, from 1, with at least this test accuracy; infinity if there is none."""
        return next((i for i, e in enumerate(self.curve, 1) if e.accuracy >= accuracy), math.inf)


def train(
    mix: Mix,
    data: Data,
    settings: Settings,
    seed: int,
    on_epoch: OnEpoch = lambda mix, seed, epoch: None,
) -> Run:
    """Train a network under this mix; on_epoch is called after every epoch.

    Raises:
        DataError: the features cannot be scaled in this dtype.
    """
    parts, start, rng = begun(data, settings, seed)
    curve = []
    # a run may overflow its way to a cost that is not finite: that is a result, not a warning
    with np.errstate(over="ignore", invalid="ignore"):
        for p in descend(mix, parts, start, rng, settings):
            curve.append(measure(mix, parts, p))
            on_epoch(mix, seed, curve[-1])
            if not math.isfinite(curve[-1].cost):
                return Run(mix, seed, tuple(curve), math.nan, math.nan, ())
    a = mix.activate(in_slices(parts.x_test, p))
    own = np.arange(parts.classes) == parts.y_test[:, None]
    never = np.setdiff1d(parts.y_test, a.argmax(axis=-1))
    return Run(mix, seed, tuple(curve), a[own].mean(), a[~own].mean(), tuple(never.tolist()))


def begun(
    data: Data, settings: Settings, seed: int = 0
) -> tuple[Split, Parameters, np.random.Generator]:
    """The examples and the weights that a run starts from, and what draws its mini-batches."""
    rng = np.random.default_rng(seed)
    parts = split(data, rng, settings.dtype)
    sizes = parts.x.shape[1], settings.hidden, parts.classes
    return parts, initial(sizes, rng, settings.dtype), rng


def measure(mix: Mix, parts: Split, p: Parameters) -> Epoch:
    """What these parameters give on all training and all test examples."""
    z, y = in_slices(parts.x, p), parts.y
    cost = sum(float(mix.cost(z[i], y[i])) * len(y[i]) for i in slices(y)) / len(y)
    a = mix.activate(in_slices(parts.x_test, p))
    if not (math.isfinite(cost) and np.isfinite(a).all()):
        return Epoch(math.nan, math.nan, math.nan)
    right = a.argmax(axis=-1) == parts.y_test
    return Epoch(cost, float(right.mean()), calibration_error(a, parts.y_test))


def in_slices(x: Array, p: Parameters) -> Array:
    """The logits of many examples."""
    return np.concatenate([logits(x[rows], *p) for rows in slices(x)])


def slices(x: Array) -> list[slice]:
    """A hundred examples at a time.

    A larger product wakes the threads of BLAS, which then spin through the training in between, and
    whose number is seen in its last bits.
    """
    return [slice(start, start + 100) for start in range(0, len(x), 100)]


def descend(
    mix: Mix, parts: Split, p: Parameters, rng: np.random.Generator, settings: Settings
) -> Iterator[Parameters]:
    """The parameters after each epoch of mini-batches in a new random order."""
    step = steps(mix, settings.eta)
    one_hot = np.eye(parts.classes, dtype=parts.x.dtype)[parts.y]
    for _ in range(settings.epochs):
        order = rng.permutation(len(parts.x))
        x, y = parts.x[order], one_hot[order]
        for start in range(0, len(order), settings.batch):
            rows = slice(start, start + settings.batch)
            p = tuple(map(np.subtract, p, step(*p, x[rows], y[rows])[1]))
        yield p


@lru_cache(maxsize=16)  # compiled once for all seeds, not for 7 ms in each run of 140 ms
def steps(mix: Mix, eta: float) -> Callable[..., Any]:
    """How much each parameter is lowered on a mini-batch: eta times the gradient of the cost."""

    def cost(w1: Any, b1: Any, w2: Any, b2: Any, x: Any, y: Any) -> Any:
        return eta * mix.cost(logits(x, w1, b1, w2, b2), y)

    return compiled_or_recorded(cost, (0, 1, 2, 3), str(mix))


def compiled_or_recorded(f: Callable[..., Any], wrt: Any, title: str) -> Callable[..., Any]:
    """Value and gradient of a cost of that title, recorded anew where it asks for numbers."""
    run: Callable[..., Any] = compile(f, wrt)

    def step(*arrays: Any) -> Any:
        nonlocal run
        try:
            return run(*arrays)
        except NumbersAsked as error:
            place = passed(error)[-1]
        run = np.errstate(all="ignore")(value_and_grad(f, wrt))
        answer = run(*arrays)  # what is wrong in itself raises here
        warn(title, *place)
        return answer

    return step


@cache  # a report trains a mix many times
def warn(title: str, file: str, line: int) -> None:
    """Say that a cost is not compiled, and where it asks for what cannot be."""
    said = (
        f"{title} depends on the numbers in its arrays (if, float, a mask), so that it cannot be "
        "compiled: it is trained by value_and_grad, with the same gradient, only more slowly; "
        "np.where can be compiled"
    )
    warnings.warn_explicit(said, NotCompiledWarning, file, line)


def initial(
    sizes: tuple[int, int, int], rng: np.random.Generator, dtype: str = "float64"
) -> Parameters:
    """W1 (d, h), b1 (h,), W2 (h, K), b2 (K,) for sizes (d, h, K).

    The book's improved start: weights N(0, 1/n) with n inputs to the neuron, biases N(0, 1).

    >>> [p.shape for p in initial((64, 30, 10), np.random.default_rng(0))]
    [(64, 30), (30,), (30, 10), (10,)]
    """
    d, h, classes = sizes

    def drawn(deviation: float, *shape: int) -> Array:
        return rng.normal(scale=deviation, size=shape).astype(dtype)

    return drawn(d**-0.5, d, h), drawn(1.0, h), drawn(h**-0.5, h, classes), drawn(1.0, classes)


def logits(x: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    """z (n, K) of examples x (n, d)."""
    return sigmoid(x @ w1 + b1) @ w2 + b2


def calibration_error(a: Array, y: Array) -> float:
    """The expected calibration error (ECE) of outputs a (n, K) for classes y (n,).

    The confidence of an example is its largest output, for softmax and for sigmoid outputs alike.
    Examples fall into 15 equal bins of confidence; the result is the mean over the examples of
    |accuracy - mean confidence| of their bin. 0 is perfect.

    >>> a = np.array([[0.75, 0.25], [0.75, 0.25], [0.75, 0.25], [0.25, 0.75]])
    >>> calibration_error(a, np.array([0, 0, 0, 0]))
    0.0
    """
    confidence = a.max(axis=-1).astype(np.float64)
    right = a.argmax(axis=-1) == y
    bins = np.nan_to_num(np.clip(confidence * BINS, 0, BINS - 1)).astype(int)
    gaps = np.bincount(bins, weights=right - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(y))
