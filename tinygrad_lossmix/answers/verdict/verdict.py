"""Is a mix sound? A verdict, computed when it is asked for, with the numbers that show it.

Each sentence follows from the evidence, none from the name of a mix.

>>> found = verdict(Mix("sigmoid", "ll"), 3)
>>> found.proper, found.convex, found.a_minus_y
(False, True, False)
>>> [fault.name for fault in found.faults][1:]
['no wrong class is ever pushed down']
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.answers.match.layer import check_mix, check_set, jacobian, whole_number
from tinygrad_lossmix.answers.match.partners import partners
from tinygrad_lossmix.answers.verdict.expected import CLOSE, Minimum, MixLike, lowest
from tinygrad_lossmix.answers.verdict.grounds import ROUNDING, STALLED, Grounds, gather
from tinygrad_lossmix.engine import Tensor, grad
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.layers import explained
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.printing import AsPrinted, amount, how_many, paragraph, point, yes
from tinygrad_lossmix.records import attributes, plain

JUDGED = {"cube": "any number of them hold", "reals": "numbers that the outputs can be"}
GOOD = "proper, convex, delta = a - y"


class Fault(NamedTuple):
    """A problem, and the numbers that show it."""

    name: str
    shown: str


@dataclass(frozen=True, repr=False)
class Verdict(AsPrinted):
    """What a mix with K outputs does, and what to use instead."""

    mix: str
    classes: int
    proper: bool  # a strictly proper score: the expected cost is least at the true probabilities
    convex: bool  # in z
    a_minus_y: bool  # δ = a - y where one answer is right
    several: bool  # of multi-label targets, too, the outputs find each probability
    condition: str  # for which labels δ = a - y, or what it is instead
    failure: str  # the problems, "nothing" where there are none
    advice: str
    of_layer: str  # what goes with the output layer
    of_cost: str  # what goes with the cost
    why: str  # δ is not a - y, the cost bends; empty where δ is a - y
    faults: tuple[Fault, ...]  # the problems, each with its numbers
    evidence: Grounds

    def text(self, width: int = 88) -> str:
        """All of it, on lines of at most that many columns."""
        e = self.evidence
        least = lowest(e.minima)
        shown = minimum(telling(least))
        if self.proper:
            worst = max(minimum.error for minimum in least)
            shown += f"; {len(least)} searches end within {amount(worst)} of the truth"
        rows = [
            *([("labels", JUDGED[e.labels])] if e.labels in JUDGED else []),
            ("strictly proper", f"{yes(self.proper)}, {shown}"),
            ("convex in z", f"{yes(self.convex)}, {bending(e)}"),
            ("delta = a - y", f"{yes(self.a_minus_y)}, {self.condition}"),
        ]
        if e.separate and self.classes > 1:
            shown = minimum(telling(lowest(e.separate)))
            rows.append(("multi-label", f"{yes(self.several)}, {shown}"))
        rows += [("problem", f"{fault.name}: {fault.shown}") for fault in self.faults]
        rows += [("why", self.why)] if self.why else []
        rows += [("its layer", self.of_layer)] if self.of_layer else []
        rows += [("its cost", self.of_cost)] if self.of_cost else []
        rows.append(("advice", self.advice))
        problems = self.failure if self.faults else "no problems"
        wide = max(width, 40)
        lines = [paragraph(f"{self.mix}, {how_many(self.classes)}: {problems}", wide=wide)]
        lines += [paragraph(said, " " * 19, f"  {name:17}", wide) for name, said in rows]
        return "\n".join(lines)

    def record(self) -> dict[str, Any]:
        """All of it as plain values; numbers that are not finite are None."""
        return dict(plain(asdict(self) | {"faults": [fault._asdict() for fault in self.faults]}))

    def __str__(self) -> str:
        return self.text()


@np.errstate(all="ignore")
def verdict(mix: MixLike, classes: int, labels: str | None = None) -> Verdict:
    """Compute the verdict on a mix.

    Args:
        mix: a Mix, or anything with its activate, cost, composed, delta and hessian.
        classes: K, the number of outputs; with one, its labels are 0 and 1.
        labels: the set that the mix is judged by: "simplex", one right answer, "cube", any number
            of them, or "reals"; None: reals where the outputs leave 0 … 1, else one right answer.

    Raises:
        TypeError: mix has no such methods.
        ValueError: K is not a whole number from 1 to 50; another set; a layer or cost of the user's
            own that is no function of its arguments.

    >>> verdict(Mix("softmax", "ce"), 2).condition
    'never: delta = 2 (a - y) for one-hot labels'
    """
    methods = "activate", "cost", "composed", "delta", "hessian"  # also those of a __getattr__
    if isinstance(mix, type) or not all(callable(getattr(mix, name, None)) for name in methods):
        raise TypeError(f'the mix is a Mix, such as lm.Mix("softmax", "ll"), not {mix!r:.80}')
    classes = whole_number(classes, "a verdict is for")
    check_set(labels)
    if isinstance(mix, Mix):
        check_mix(mix, classes)
    found = gather(mix, classes, labels)
    problems = tuple(faults(found))
    goes = partners(mix, classes, found.labels)
    return Verdict(
        mix=str(mix),
        **attributes(found, "classes", "proper", "convex", "a_minus_y", "several"),
        condition=condition(found),
        failure="; ".join(fault.name for fault in problems) or "nothing",
        advice=advice(found, goes.instead),
        of_layer=goes.of_layer,
        of_cost=goes.of_cost,
        why="" if found.a_minus_y or found.constant else goes.multiple or why(mix, found),
        faults=problems,
        evidence=found,
    )


def condition(e: Grounds) -> str:
    """For which labels δ = a - y, or what it is instead."""
    i = e.identity
    if i.error < ROUNDING and not e.a_minus_y:
        return "not where learning stalls"
    if i.everywhere < ROUNDING:
        return "for every y"
    if i.scaled < ROUNDING:
        return "only where the labels sum to 1; where they sum to S, delta = S a - y"
    if i.summing < ROUNDING:
        return "only where the labels sum to 1"
    if e.a_minus_y:
        return f"only for {_labels(e)}"
    if i.rest < ROUNDING and i.factor:
        return f"never: delta = {i.factor:.4g} (a - y) for {_labels(e)}"
    if not np.isfinite(i.largest):
        return "never: delta has no value"
    return (
        f"never: ‖delta‖ / ‖a - y‖ ranges from {i.smallest:.4g} to {i.largest:.4g} (maximum norm)"
    )


def why(mix: MixLike, e: Grounds) -> str:
    """How much longer than a - y δ is, whose pull that is, and what makes the cost bend."""
    said = "it has no value in places"
    if np.isfinite(e.identity.mean):
        said = f"on average delta is {e.identity.mean:.4g} times as long as a - y"
    if isinstance(mix, Mix):
        z, labels = np.linspace(1.0, -1.0, e.classes), np.eye(e.classes)
        a = Tensor(mix.activate(z))
        slopes = np.array([grad(mix.on_outputs(a, y), a) for y in labels])
        right = np.allclose((slopes * labels) @ jacobian(mix.activate, z), a.data - labels)
        besides = e.classes > 1 and right and (slopes * (1.0 - labels)).any()
        pull = ": the right class gives a - y, the wrong ones pull besides"
        said = f"delta = {explained(mix.formula)}{pull if besides else ''}; {said}"
    slope = jacobian(mix.activate, e.curvature.z)
    if (
        not e.curvature.eigenvalue <= -ROUNDING
        or not np.allclose(slope, slope.T)
        or np.linalg.eigvalsh(slope)[0] < -ROUNDING
    ):
        return said
    return (
        f"{said}; with a - y alone the Hessian would be the Jacobian of the layer, which has no "
        f"negative eigenvalue at z = {point(e.curvature.z)}: the rest bends the cost"
    )


def faults(e: Grounds) -> Iterator[Fault]:
    """All problems, the worst first."""
    least, push, far = telling(lowest(e.minima)), e.push, e.mistake
    if e.disagreement > CLOSE:
        yield Fault(
            "the closed forms are wrong",
            f"cost, delta or Hessian are {amount(e.disagreement)} off what the engine computes",
        )
    if e.constant:
        yield Fault("nothing can be learnt", f"the output is {point(least.outputs)} at every z")
        return
    if least.endless:
        yield Fault(
            f"drives {_limit(least)}; the cost only approaches its infimum, as "
            + ("z → ∞" if (least.direction > 0).all() else "‖z‖ → ∞"),
            f"at z = t {point(least.direction)} the expected cost is "
            f"{', '.join(map(amount, least.ray))} for t = 1, 10, 100",
        )
    elif not e.proper:
        truth = "mean labels" if e.labels == "reals" else "probabilities"
        said = f"the outputs at its minimum are not the {truth}"
        infinite = "the cost is not finite at outputs that the layer gives"
        yield Fault(said if np.isfinite(least.cost) else infinite, minimum(least))
    if push and push.highest <= 0:
        yield Fault(
            "no wrong class is ever pushed down",
            f"the highest delta of a wrong class is {amount(push.highest)}",
        )
    elif far and far.delta < STALLED * far.off:
        yield Fault(
            "learning stalls on confident mistakes",
            f"at z = {point(far.z)}, {_label(far.y)}, delta is at most {amount(far.delta)} "
            f"where a - y is {amount(far.off)}",
        )
    if not e.convex:
        yield Fault("not convex in z", bending(e))
    if push and push.lowest < -ROUNDING:
        yield Fault(
            "a wrong logit can be pushed up",
            f"at a = {point(push.a)}, {_label(push.y)}, delta is {amount(push.lowest)} for "
            f"class {push.index}",
        )


def advice(e: Grounds, instead: str) -> str:
    """What to use, and for which labels."""
    if e.disagreement > CLOSE:
        return "mend the closed forms before anything else"
    if e.constant:
        one = "one sigmoid output with cross-entropy, or two softmax outputs"
        return "an output layer that depends on z" if e.classes > 1 else one
    if e.proper and e.convex:
        if e.a_minus_y:
            return _use(e)
        if e.identity.rest < ROUNDING and e.identity.factor > 0:
            rate = f"use it with the learning rate divided by {e.identity.factor:.4g}"
            return f"{rate}, or {instead}: {GOOD}"
    return f"{instead}: {GOOD}"


def telling(minima: Sequence[Minimum]) -> Minimum:
    """The search that shows most: the last that ended elsewhere, or else the last."""
    return ([minimum for minimum in minima if not minimum.right] or minima)[-1]


def minimum(least: Minimum) -> str:
    """Where an expected cost is least."""
    drawn = f"with labels drawn from {point(least.truth.mean)} the expected cost"
    if least.endless:
        return f"{drawn} decreases without reaching a minimum"
    if not np.isfinite(least.cost):
        return f"{drawn} is {amount(least.cost)}"
    if not least.found:
        return f"{drawn} was not minimised, the search ended at outputs {point(least.outputs)}"
    return f"{drawn} is least at outputs {point(least.outputs)}"


def bending(e: Grounds) -> str:
    """The most negative curvature, or a slope that falls."""
    c, (kink, y) = e.curvature, e.fall
    if not c.count:
        return "no Hessian that was looked at is finite"
    if e.convex:
        return f"the smallest eigenvalue of {c.count} Hessians is {amount(c.eigenvalue)}"
    if c.eigenvalue <= -ROUNDING:
        where = f"at z = {point(c.z)}, {_label(c.y)}"
        return f"{where}, the Hessian has the eigenvalue {amount(c.eigenvalue)}"
    if kink.drop < ROUNDING and (far := e.mistake):
        return f"at z = {point(far.z)}, {_label(far.y)}, it is flat, and lower elsewhere"
    return f"with {_label(y)}, {kink}"


def _label(y: Array) -> str:
    if not np.isin(y, (0, 1)).all():
        return f"y = {point(y)}"
    return f"class {int(y.argmax())}" if len(y) > 1 else f"label {amount(y[0])}"


def _labels(e: Grounds) -> str:
    if e.labels in JUDGED:
        return "such labels"
    return "one-hot labels" if e.classes > 1 else "labels 0 and 1"


def _limit(least: Minimum) -> str:
    """What the outputs go to on the way out: every one to a number, if they agree."""
    ends = np.unique(least.outputs.round(6))
    if len(ends) == 1:
        return f"every output to {amount(ends[0])}"
    return f"the outputs to {point(least.outputs.round(6))}"


def _use(e: Grounds) -> str:
    if e.labels == "reals":
        return "use it for targets that the outputs reach"
    if e.classes == 1:
        return "use it for a yes-or-no question"
    if e.several:
        return (
            "use it for multi-label targets; for one class out of K it is sound too, but its "
            "outputs need not sum to 1"
        )
    return "use it for one class out of K; for multi-label targets, sigmoid with cross-entropy"
