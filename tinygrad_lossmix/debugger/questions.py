"""A quiz: what is asked before a product, how an answer is marked, what was wrong with it.

>>> walk = Walk((Tensor([2.0, 1.0], name="z") * 3.0).sum())
>>> walk.next()
True
>>> quiz = Quiz(seed=7)
>>> mark = quiz.marked(walk, np.array([3.0, 1.0]))
>>> print(mark.hint, quiz, sep="\\n")
the constant factor 3 is missing at np.multiply
1 of 2 entries, 0 of 1 products
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from rich.text import Text

from tinygrad_lossmix.debugger.chain_rule import Product, entrywise, largest
from tinygrad_lossmix.debugger.expressions import CommandError
from tinygrad_lossmix.debugger.layout import NAME, lined, shown
from tinygrad_lossmix.debugger.show import count
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.testing.causes import of_a_product
from tinygrad_lossmix.views.reading import Reading, is_array

TYPED = 6  # entries that are asked for at once
CLOSE = 0.005  # of the largest entry: how far an answer may be off


class Asked(NamedTuple):
    """A part of the contribution of the next product."""

    step: int
    product: Product
    at: tuple[int, ...]  # () all of it, else a row or an entry

    @property
    def expected(self) -> Array:
        """The right answer."""
        return np.asarray(self.product.contribution[self.at])

    def __str__(self) -> str:
        shape, many = self.product.contribution.shape, count(max(self.expected.size, 1), "number")
        if not self.at:
            return f"{many}, shape {shape}"
        which = f"[{', '.join(map(str, self.at))}]"
        return f"{many}, {'entry' if len(self.at) == len(shape) else 'row'} {which} of {shape}"


class Mark(NamedTuple):
    """An answer, entry by entry."""

    question: Asked
    answer: Array | None  # None: it was not tried
    right: Array
    hint: str  # what went wrong, where that is known


@dataclass
class Quiz:
    """The questions of a session, and how they were answered."""

    seed: int = 0  # chooses the part of a large product that is asked for
    on: bool = False  # ask before each product
    pending: tuple[Walk, int] | None = None
    marks: dict[tuple[Reading, int], Mark] = field(default_factory=dict)  # the first of each

    def question(self, walk: Walk) -> Asked:
        """What is asked before the next product.

        Raises:
            CommandError: there is none.
        """
        if walk.position < 0 or walk.at_end:
            raise CommandError("no product comes next here: type `start`, then `quiz`")
        product = walk.at(walk.position + 1).stop
        assert product is not None
        shape, rng = product.contribution.shape, np.random.default_rng([self.seed, walk.position])
        if product.contribution.size <= TYPED:
            return Asked(walk.position + 1, product, ())
        at = tuple([int(rng.integers(n)) for n in shape])
        if (
            len(shape) > 1
            and shape[-1] <= TYPED
            and entrywise(product.node, product.place) is not None
        ):
            at = at[:-1]  # a whole row where its entries are no sums
        return Asked(walk.position + 1, product, at)

    def ask(self, walk: Walk) -> Text:
        """The question in words, with what is needed to answer it."""
        question, reading = self.question(walk), walk.reading
        node, _, argument, g, *_ = question.product
        self.pending = walk, walk.position
        known = {reading.derivative(node): g, reading.call(node): node.data}
        for x in node.args:
            if isinstance(x, Tensor) or is_array(x):
                known[reading.call(x) or "constant"] = x.data if isinstance(x, Tensor) else x
        name = reading.call(argument)
        return lined(
            Text.assemble((reading.defined(node), NAME), f": which gradient goes to {name}?"),
            shown([("", key, x, "") for key, x in known.items()], "  "),
            Text(f"Type `answer` and {question}"),
        )

    def marked(self, walk: Walk, answer: Array | None) -> Mark:
        """The marks of an answer, which count where they are the first for this product."""
        question = self.question(walk)
        expected, product = question.expected, question.product
        off, hint = CLOSE * largest(expected[np.isfinite(expected)]), ""
        right = np.zeros(expected.shape, bool)
        if answer is not None:
            right = np.isclose(answer, expected, 0.0, off, equal_nan=True)
            if not right.all():
                node, place, _, g, *_ = product
                hint = of_a_product(node, place, g, question.at, answer, off)
        mark = Mark(question, answer, right, hint)
        self.pending = None
        self.marks.setdefault((walk.reading, question.step), mark)
        return mark

    @property
    def score(self) -> dict[str, int]:
        """How many entries and products were right, and of how many."""
        marks = self.marks.values()
        return {
            "correct": sum(int(mark.right.sum()) for mark in marks),
            "entries": sum(mark.right.size for mark in marks),
            "products_correct": sum(bool(mark.right.all()) for mark in marks),
            "products": len(marks),
        }

    def __str__(self) -> str:
        right, entries, whole, products = self.score.values()
        return f"{right} of {entries} entries, {whole} of {products} products"

    def record(self, steps: int) -> dict[str, Any]:
        """The score and each question that was answered, of so many, as values for JSON."""
        return {"seed": self.seed, "steps": steps, "score": self.score, "questions": [
            {
                "step": mark.question.step,
                "node": reading.defined(mark.question.product.node),
                "to": reading.call(mark.question.product.argument),
                "shape": mark.question.product.contribution.shape,
                "at": mark.question.at,
                "expected": mark.question.expected,
                "answer": mark.answer,
                "correct": mark.right,
                "hint": mark.hint,
            }
            for (reading, _), mark in self.marks.items()
        ]}  # fmt: skip
