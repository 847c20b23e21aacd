"""The mixes side by side: fields of δ, graphs and verdicts; and what is claimed of them.

>>> [statement.obtained for statement in verdicts().statements][:2]
['sigmoid ll', 'sigmoid ce, sigmoid ll, softmax ll, lml ce']
"""

import inspect
from collections.abc import Iterable

import numpy as np

from tinygrad_lossmix.answers.claims.catalogue import CLAIMS, LEGEND
from tinygrad_lossmix.answers.verdict.verdict import verdict
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.lab.study import Figure, Statement, Study, Table, near
from tinygrad_lossmix.mixes.mix import MIXES, Mix
from tinygrad_lossmix.printing import amount, yes
from tinygrad_lossmix.views.drawing import NoRenderer, draw
from tinygrad_lossmix.views.field import field, plane

OURS = (*MIXES, Mix("lml", "ce"))
MATCHED = "sigmoid ce, softmax ll, lml ce"


def those(claim: str, expected: str, answers: Iterable[bool]) -> Statement:
    """Of which of ours it is true."""
    obtained = ", ".join(mix.words for mix, x in zip(OURS, answers, strict=True) if x)
    return Statement(claim, expected, obtained, obtained == expected)


def fields(quick: bool = True, mixes: Iterable[Mix] = ()) -> Study:
    """Two logits, one right class. Arrows: -delta, where a step of learning goes; colour: its
    length; lines: levels of the cost. The frame is blue where delta is a - y all over the plane.

    On the far side of the dashed line the wrong output is the larger one. There the quadratic cost
    hardly pushes, and sigmoid with log-likelihood leaves the wrong logit alone everywhere.
    """
    z, y, shown = plane(25), np.array([1.0, 0.0]), [*OURS, *mixes]
    deltas = [mix.delta(z, np.broadcast_to(y, z.shape)) for mix in OURS]
    off = [np.abs(d - (m.activate(z) - y)).max() for m, d in zip(OURS, deltas, strict=True)]
    statements = (
        those("delta is a - y at 625 points, to 1e-12", MATCHED, (x < 1e-12 for x in off)),
        those(
            "the wrong logit is left alone at all",
            "sigmoid ll",
            (not d[..., 1].any() for d in deltas),
        ),
    )
    figures = []
    for label in (0, 1):
        drawn, command = field(*shown, y=label), f"lossmix draw --field --y {label} -o field.svg"
        figures.append(Figure(f"-delta for class {label}", drawn.text, drawn.svg(), command))
    about, values = inspect.getdoc(fields) or "", {"off": off}
    return Study("fields", "Fields of delta", about, statements, (), (*figures,), values, quick)


def graphs(quick: bool = True, mixes: Iterable[Mix] = ()) -> Study:
    """The book's formulas at z = (2, 1, 0), class 0: values flow down, gradients back up along
    arrows of their own. What arrives at z is delta.
    """
    figures, errors = [], []
    for mix in (*OURS, *mixes):
        z = Tensor([2.0, 1.0, 0.0], name="z")
        cost = mix.composed(z, 0)
        cost.backward()
        drawn, name = draw(cost), f"graph-{len(figures)}-"
        try:
            svg = drawn.svg().replace('<g id="', f'<g id="{name}')
        except NoRenderer:  # its text remains
            svg = ""
        command = f"lossmix draw {mix.words} -o graph.svg" if mix in OURS else ""
        figures.append(Figure(str(mix), f"As a tree:\n{drawn.text}", svg, command))
        errors.append(float(np.abs(z.grad - mix.delta(z.data, 0)).max()))
    same = near("gradient at z less delta in closed form, the worst", 0, max(errors), 1e-12)
    about, values = inspect.getdoc(graphs) or "", {"errors": errors}
    return Study("graphs", "Graphs", about, (same,), (), (*figures,), values, quick)


def verdicts(quick: bool = True, mixes: Iterable[Mix] = ()) -> Study:
    """For three classes, searched and measured now. Proper: the expected cost is least where the
    outputs are the true probabilities. Convex: in the logits. Multi-label: where several labels may
    hold, the outputs find the probability of each.
    """
    found = {mix: verdict(mix, 3) for mix in (*OURS, *mixes)}
    ours = [found[mix] for mix in OURS]
    statements = (
        those("not proper", "sigmoid ll", (not v.proper for v in ours)),
        those("convex", "sigmoid ce, sigmoid ll, softmax ll, lml ce", (v.convex for v in ours)),
        those("delta = a - y for one right class", MATCHED, (v.a_minus_y for v in ours)),
    )
    rows = tuple(
        (m.words, *map(yes, (v.proper, v.convex, v.a_minus_y, v.several)), v.failure, v.advice)
        for m, v in found.items()
    )
    head = ("mix", "proper", "convex", "a - y", "multi-label", "problems", "advice")
    table = Table("Verdicts", head, rows, "lossmix verdict --mixes all")
    about, values = inspect.getdoc(verdicts) or "", {m.words: v.record() for m, v in found.items()}
    return Study("verdicts", "Verdicts", about, statements, (table,), (), values, quick)


def claims(quick: bool = True) -> Study:
    """What the question on mixing layers and costs, its answers and comments claim, and the six
    theorems of the general rule, each recomputed. Here a statement holds if what was computed is
    what was expected; what that says of the claim stands behind it.
    """
    answers = [claim.answer() for claim in CLAIMS]
    statements = tuple(
        Statement(f'"{x.claim}" ({x.by}): {x.verdict}', x.expected, x.obtained, x.holds)
        for x in answers
    )
    about = f"{inspect.getdoc(claims)}\n\n{LEGEND}"
    return Study("claims", "Claims and theorems", about, statements, (), (), {}, quick)
