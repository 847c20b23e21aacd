"""The mixes side by side, as verdicts, fields of δ and graphs; and the claims about them.

>>> claims().statements[0].holds
True
"""

from collections.abc import Iterable

import numpy as np

from tinygrad_lossmix.answers.claims import CLAIMS, LEGEND
from tinygrad_lossmix.answers.verdict.verdict import verdict
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.lab.linear_models import SEVEN
from tinygrad_lossmix.lab.study import Figure, Statement, Study, Table, below, description
from tinygrad_lossmix.mixes.mix import Mix
from tinygrad_lossmix.printing import yes
from tinygrad_lossmix.views.drawing import draw
from tinygrad_lossmix.views.field import field

HEAD = ("mix", "proper", "convex", "a - y", "multi-label", "problems", "advice")
TRUE_OF = {  # by attribute of a verdict
    "proper": "sigmoid ce, sigmoid quadratic, softmax ce, softmax ll, softmax quadratic, lml ce",
    "convex": "sigmoid ce, sigmoid ll, softmax ll, lml ce",
    "a_minus_y": "sigmoid ce, softmax ll, lml ce",
    "several": "sigmoid ce, sigmoid quadratic",
}


def verdicts(quick: bool = True, mixes: Iterable[Mix] = ()) -> Study:
    """For three classes, searched and measured now. Proper: the expected cost is least where the
    outputs are the true probabilities. Convex: in the logits. Multi-label: where several labels may
    hold, the outputs find the probability of each.

    The fields are of two logits. Arrows: -delta, where a step of learning goes; colour: its length;
    lines: levels of the cost. The frame is blue where delta is a - y all over the plane. On the far
    side of the dashed line the wrong output is the larger one: there the quadratic cost hardly
    pushes, and sigmoid with log-likelihood leaves the wrong logit alone everywhere.
    """
    found = {mix: verdict(mix, 3) for mix in (*SEVEN, *mixes)}
    statements, rows = [], []
    for title, (name, expected) in zip(HEAD[1:5], TRUE_OF.items(), strict=True):
        obtained = ", ".join(mix.words for mix in SEVEN if getattr(found[mix], name))
        statements.append(Statement(title, expected, obtained, obtained == expected))
    for mix, v in found.items():
        rows.append((mix.words, *(yes(getattr(v, name)) for name in TRUE_OF), v.failure, v.advice))
    both = [field(*found, y=label) for label in (0, 1)]
    figures = (Figure(f"-delta if class {k} is right", x.text, x.svg()) for k, x in enumerate(both))
    return Study(
        "verdicts",
        "Verdicts and fields of delta",
        description(verdicts),
        (*statements,),
        (Table("Verdicts", HEAD, (*rows,), "lossmix verdict --mixes all"),),
        (*figures,),
        {mix.words: v.record() for mix, v in found.items()},
        quick,
    )


def graphs(quick: bool = True, mixes: Iterable[Mix] = ()) -> Study:
    """The book's formulas at z = (2, 1, 0), class 0: values flow down, gradients back up along
    arrows of their own. What arrives at z is delta.
    """
    figures: list[Figure] = []
    errors: list[float] = []
    for mix in (*SEVEN, *mixes):
        cost = mix.composed(z := Tensor([2.0, 1.0, 0.0], name="z"), 0)
        cost.backward()
        drawn, again = draw(cost), f"lossmix draw {mix.words} -o graph.svg" * (mix in SEVEN)
        svg = drawn._repr_svg_() or ""  # without a renderer the text remains
        svg = svg.replace('<g id="', f'<g id="graph{len(figures)}-')
        figures.append(Figure(str(mix), f"As a tree:\n{drawn.text}", svg, again))
        errors.append(float(np.abs(z.grad - mix.delta(z.data, 0)).max()))
    same = below("the gradient at z is off delta in closed form by", 1e-12, max(errors))
    about, values = description(graphs), {"errors": errors}
    return Study("graphs", "Graphs", about, (same,), (), (*figures,), values, quick)


def claims(quick: bool = True) -> Study:
    """What the question on mixing layers and costs, its answers and comments claim, and the six
    theorems of the general rule, each recomputed. Here a statement holds if what was computed is
    what was expected; what that says of the claim stands behind it.
    """
    statements = (
        Statement(f'"{x.claim}" ({x.by}): {x.verdict}', x.expected, x.obtained, x.holds)
        for x in (each.answer() for each in CLAIMS)
    )
    about = f"{description(claims)}\n\n{LEGEND}"
    return Study("claims", "Claims and theorems", about, (*statements,), (), (), {}, quick)
