"""`property_test`: a hypothesis test of a loss, ready to run."""

import contextlib
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings

from tinygrad_lossmix.compiler.stabilize import rewritten
from tinygrad_lossmix.engine.gradient import grad
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.testing.causes import CUT, unstable
from tinygrad_lossmix.testing.checking import gradcheck
from tinygrad_lossmix.testing.strategies import examples as drawn_examples

Delta = Callable[[Array, Array], Array]
Law = Callable[[Any, Array], float]  # how far a loss is from obeying it

REGIMES = ("moderate", "saturated", "extreme", "ties", "equal")
SHIFT = 1.5
CLOSE = 1e-9
ASKED = 8  # moderate logits at which a loss is asked which laws it obeys
PATIENCE = 5.0  # seconds that a failure is made smaller for
QUIET: Any = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "report_multiple_bugs": False,
    "print_blob": False,
    "phases": [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
}


def property_test(
    loss: Any,
    *,
    labels: str = "one-hot",
    output: str | None = None,
    reduction: str | None = None,
    delta: Delta | None = None,
    classes: tuple[int, int] = (2, 5),
    batch: int = 3,
    examples: int = 50,
) -> Callable[[], None]:
    """A test of a loss on logits: assign it to a name that pytest collects, or call it.

    Logits z are drawn moderate, saturated (30 to 40), extreme (300 to 1000), with ties and all
    equal; labels y belong to them. What is tested, in this order:

    * the value is one finite number, and so is every entry of the gradient;
    * no output layer is applied to what an output layer gave (softmax of softmax);
    * `output="softmax"`: loss(z + c, y) = loss(z, y), and each row of the gradient sums to 0;
    * `reduction="mean"` or `"sum"`: the loss of a batch is that of the losses of its examples;
    * `delta`, where it is given, is the gradient for each example;
    * the gradient is the derivative: `gradcheck`.

    Which of the softmax's laws and reductions hold is asked of the loss where it is not said: what
    it obeys at moderate logits with the same labels, it has to obey everywhere.

    Args:
        loss: loss(z, y) of plain NumPy, a number, a Tensor for a Tensor z; or a pair (loss, its
            gradient), both of arrays z and y; or a Mix.
        labels: a kind of `strategies.labels`; "integer" gives classes, of z's shape without the
            last axis.
        output, reduction: laws that the loss is to obey, see above; None: ask it.
        delta: delta(z, y), of z's shape.
        classes, batch: the fewest and the most classes K; the most examples in a batch, 0: never a
            batch. z has shape (K,) or (n, K).
        examples: how many are drawn.

    Returns:
        a function without arguments. It raises AssertionError with the smallest failing case that
        a few seconds of shrinking find: what is wrong, z, y, and the cause where it is known.

    Raises:
        TypeError, ValueError: loss or an option is none of these.

    >>> def loss(z, y):
    ...     p = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
    ...     return -(y * np.log(p)).sum(axis=-1).mean()
    >>> test_loss = property_test(loss)
    >>> try:
    ...     test_loss()
    ... except AssertionError as error:
    ...     print(str(error).splitlines()[0])
    the value is nan at finite logits
    """
    known = {"output": (output, ["softmax"]), "reduction": (reduction, ["mean", "sum"])}
    for name, (law, laws) in known.items():
        if law is not None and not (isinstance(law, str) and law in laws):
            raise ValueError(f"{name} is {' or '.join(laws)}, or None, not {law!r:.80}")
    if not isinstance(examples, int) or examples < 1:
        raise ValueError(f"examples is how many are drawn, 1 or more, not {examples!r:.80}")
    if delta is not None and not callable(delta):
        raise TypeError(f"delta is a function of z and y, not {type(delta).__name__}")
    obeying = _Laws(loss, output, reduction, delta)
    drawn = [drawn_examples(regime, labels, classes, batch) for regime in REGIMES]

    def test(*_: Any) -> None:  # in a class it is a method
        __tracebackhide__ = True
        for check in (obeying.check, obeying.check_gradient):  # what is quick first
            for of_a_regime in drawn:
                _run(check, of_a_regime, -(-examples // len(drawn)))

    return test


def _run(check: Callable[[Array, Array], str], drawn: Any, most: int) -> None:
    """Check a number of examples, and make what fails smaller for a few seconds; an AssertionError
    says what was said of the smallest.
    """
    __tracebackhide__ = True
    failed: dict[Any, Exception] = {}
    begun, ours = 0.0, set()

    @settings(settings.default, max_examples=most, **QUIET)
    @given(drawn)
    def holds(example: tuple[Array, Array]) -> None:
        nonlocal begun
        key = tuple((x.shape, x.tobytes()) for x in map(np.asarray, example))
        if key in failed:
            raise failed[key]
        if failed and time.monotonic() > begun + PATIENCE:
            return  # no time left to make it smaller
        try:
            if wrong := check(*example):
                ours.add(wrong)
                raise AssertionError(wrong)
        except Exception as error:
            begun = begun or time.monotonic()
            failed[key] = error
            raise

    try:
        holds()
    except AssertionError as error:
        raise error.with_traceback(None if str(error) in ours else error.__traceback__) from None


class _Laws:
    """A loss, and what it has to obey."""

    def __init__(
        self, loss: Any, output: str | None, reduction: str | None, delta: Delta | None
    ) -> None:
        loss = loss.cost if isinstance(loss, Mix) else loss
        pair = loss if isinstance(loss, tuple) else (loss, None)
        if len(pair) != 2 or not callable(pair[0]) or not (pair[1] is None or callable(pair[1])):
            raise TypeError(
                f"a loss is a function of z and y, or a pair of two, or a Mix, not {loss!r:.80}"
            )
        self.loss, self.by_hand = pair
        self.output, self.reduction, self.delta = output, reduction, delta

    def check(self, z: Array, y: Array) -> str:
        """What is wrong with one example or batch, but for whether its gradient is the derivative.

        Nothing where all is well.
        """
        with np.errstate(all="ignore"):
            try:
                value, gradient, cost = self._at(z, y)
            except Exception as error:
                if said := self._of_other_labels(error, z, y):
                    return said
                raise
            if not np.isfinite(value):
                wrong = [f"the value is {value} at finite logits"]
            elif not np.all(np.isfinite(gradient)):
                wrong = [f"the gradient is {gradient.tolist()} at finite logits"]
            else:
                wrong = [*rewritten(cost).pairings] if cost is not None else []
                if gradient.shape == z.shape:
                    wrong += self._broken(z, y, gradient)
            causes = unstable(cost) if wrong else []
        return _with_example(wrong[0], z, y, causes) if wrong else ""

    def check_gradient(self, z: Array, y: Array) -> str:
        """What is wrong with the gradient as the derivative; nothing where it is right."""
        f: Any = lambda t: self.loss(t, y)
        if self.by_hand is not None:
            f = f, lambda t: self.by_hand(t, y)
        report = gradcheck(f, z, mode="project")
        return "" if report else _with_example(str(report), z, y, [])

    def _at(self, z: Array, y: Array) -> tuple[float, Array, Tensor | None]:
        """The value, the gradient, and the recording of a loss that is no pair."""
        if self.by_hand is not None:
            value = np.asarray(self.loss(z.copy(), y)).item()
            return value, np.asarray(self.by_hand(z.copy(), y), dtype=float), None
        leaf = Tensor(z, name="z")
        cost = self.loss(leaf, y)
        if not isinstance(cost, Tensor):
            raise AssertionError(f"loss(z, y) is a {type(cost).__name__}, not a Tensor: {CUT}")
        if cost.size != 1:
            raise AssertionError(
                f"loss(z, y) has shape {cost.shape}, and is to be one number: take its sum or mean"
            )
        return cost.item(), grad(cost.reshape(()), leaf), cost

    def _of_other_labels(self, error: Exception, z: Array, y: Array) -> str:
        """What to ask for, if a loss takes classes for labels or labels for classes."""
        if y.ndim < z.ndim:
            words, kind = "classes, and the loss takes a label for each logit", "one-hot"
            other = np.eye(z.shape[-1])[y]
        else:
            words, kind = "a label for each logit, and the loss takes classes", "integer"
            other = np.argmax(y, axis=-1)
        with contextlib.suppress(Exception):  # else it is not the labels
            self._at(z, other)
            return f'loss(z, y) raises {type(error).__name__}: y is {words}: give labels="{kind}"'
        return ""

    def _broken(self, z: Array, y: Array, gradient: Array) -> Iterator[str]:
        """The laws that do not hold here, of those that were asked for or hold elsewhere."""
        rows = len(z) if z.ndim > 1 else 1
        if self._obeys(self._shift, self.output, z, y) and not self._shift(z, y) < CLOSE:
            yield (
                f"the outputs are a softmax, but loss(z + {SHIFT}, y) is not loss(z, y), or a row "
                "of the gradient does not sum to 0"
            )
        for name, weight in (("mean", rows), ("sum", 1)) if rows > 1 else ():
            law = partial(self._reduced, weight)
            asked = None if self.reduction is None else self.reduction == name
            if self._obeys(law, asked, z, y):
                if not law(z, y) < CLOSE:
                    yield f"the loss of the batch is not the {name} of those of its examples"
                rows = weight
        if self.delta is not None:
            right = np.asarray(self.delta(z, y))
            if not np.allclose(rows * gradient, right, rtol=1e-7, atol=1e-9):
                found = (rows * gradient).tolist()
                yield f"the gradient for each example is {found}, delta(z, y) {right.tolist()}"

    def _obeys(self, law: Law, asked: Any, z: Array, y: Array) -> bool:
        """Whether a law was asked for, or holds at moderate logits with the same labels."""
        if asked is not None:
            return bool(asked)
        rng = np.random.default_rng(z.size)
        try:
            return all(law(2.0 * rng.normal(size=z.shape), y) < CLOSE for _ in range(ASKED))
        except Exception:  # the loss does not take single examples
            return False

    def _shift(self, z: Array, y: Array) -> float:
        """How far loss(z + c) is from loss(z), and the gradient of a row from a sum of 0."""
        value, gradient, _ = self._at(z, y)
        moved = abs(self._at(z + SHIFT, y)[0] - value)
        size = 1.0 + abs(value) + np.abs(gradient).sum() * (1.0 + np.abs(z).max())
        return float(np.maximum(moved, np.abs(gradient.sum(axis=-1)).max()) / size)

    def _reduced(self, weight: float, z: Array, y: Array) -> float:
        """How far a batch is from its examples, summed and divided by a weight."""
        value = self._at(z, y)[0]
        rows = np.array([self._at(*row)[0] for row in zip(z, y, strict=True)])
        return float(abs(value - rows.sum() / weight) / (1.0 + np.abs(rows).sum()))


def _with_example(said: str, z: Array, y: Array, causes: list[str]) -> str:
    lines = [said, f"  z = {z.tolist()}", f"  y = {np.asarray(y).tolist()}"]
    return "\n".join([*lines, *(f"  likely cause: {each}" for each in causes)])
