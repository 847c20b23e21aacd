"""A quiz: what is asked before a product, how an answer is marked, what was wrong with it.

>>> walk = Walk((Tensor([2.0, 1.0], name="z") * 3.0).sum())
>>> walk.next()
True
>>> quiz = Quiz()
>>> quiz.ask(walk).mark(np.array([3.0, 1.0]))
>>> str(quiz), quiz.asked[0].hint
('1 of 2 entries', 'the constant factor 3 is missing at np.multiply')
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rich.text import Text

from tinygrad_lossmix.debugger.chain_rule import Product, is_elementwise, largest
from tinygrad_lossmix.debugger.expressions import CommandError
from tinygrad_lossmix.debugger.layout import Row, lined, shown
from tinygrad_lossmix.debugger.show import named_array
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import count
from tinygrad_lossmix.records import attributes
from tinygrad_lossmix.views.reading import Reading, is_array

TYPED = 6  # entries that are asked for at once
CLOSE = 0.005  # of the largest entry: how far an answer may be off


@dataclass
class Asked:
    """A part of the contribution of one product, and the marks of the answer."""

    reading: Reading
    step: int
    product: Product
    at: tuple[int, ...]  # () all of it, else a row or an entry
    answer: Array | None = None
    correct: Array | None = None  # of each entry; None: not answered yet
    hint: str = ""  # what went wrong, where that is known

    @property
    def expected(self) -> Array:
        """The right answer."""
        return np.asarray(self.product.contribution[self.at])

    def mark(self, answer: Array | None) -> None:
        """Take an answer; None: it was not tried."""
        self.answer, self.correct = answer, np.zeros(self.expected.shape, bool)
        if answer is not None:
            node, place, _, g, *_ = self.product
            off = CLOSE * largest(self.expected[np.isfinite(self.expected)])
            self.correct = np.isclose(answer, self.expected, 0.0, off, equal_nan=True)
            if not self.correct.all():
                from tinygrad_lossmix.testing.causes import of_a_product  # it needs the compiler

                self.hint = of_a_product(node, place, g, self.at, answer, off)

    def __str__(self) -> str:
        shape, many = self.product.contribution.shape, count(max(self.expected.size, 1), "number")
        part = "entry" if len(self.at) == len(shape) else "row"
        return f"{many}, {part} {[*self.at]} of {shape}" if self.at else f"{many}, shape {shape}"

    def text(self) -> Text:
        """The question in words, with what is needed to answer it."""
        call, (node, _, argument, g, *_) = self.reading.call, self.product
        rows: list[Row] = [("upstream", self.reading.derivative(node), g, "")]
        rows.append(("value", call(node), node.data, ""))
        arrays = (x for x in node.args if isinstance(x, Tensor) or is_array(x))
        rows += [("from", *named_array(self.reading, x), "") for x in arrays]
        asked = f": what does it contribute to {self.reading.derivative(argument)}?"
        return lined(
            Text.assemble((self.reading.defined(node), "name"), asked),
            shown(rows, "  "),
            Text(f"Type `answer` and {self}"),
        )

    @property
    def record(self) -> dict[str, Any]:
        """As values for JSON."""
        node, _, argument, *_ = self.product
        names = {"node": self.reading.defined(node), "to": self.reading.call(argument)}
        rest = attributes(self, "at", "expected", "answer", "correct", "hint")
        return {"step": self.step, **names, "shape": self.product.contribution.shape, **rest}


@dataclass
class Quiz:
    """The questions of a session."""

    seed: int = 0  # chooses the part of a large product that is asked for
    on: bool = False  # ask before each product
    asked: list[Asked] = field(default_factory=list)

    def ask(self, walk: Walk) -> Asked:
        """The question about the next product, the same again if it was asked before."""
        if walk.position < 0 or walk.at_end:
            raise CommandError("no product comes next here: type `start`, then `quiz`")
        product, step = walk.at(walk.position + 1).stop, walk.position + 1
        assert product is not None
        shape, rng = product.contribution.shape, np.random.default_rng([self.seed, step])
        at = tuple([int(rng.integers(max(n, 1))) for n in shape])
        if product.contribution.size <= TYPED:
            at = ()
        elif len(shape) > 1 and shape[-1] <= TYPED:  # a row only where its entries are no sums
            at = at[:-1] if is_elementwise(product.node, product.place) else at
        self.asked.append(Asked(walk.reading, step, product, at))
        return self.asked[-1]

    @property
    def answered(self) -> list[Asked]:
        """The first answer to each question."""
        backwards = [each for each in reversed(self.asked) if each.correct is not None]
        return [*{(each.reading, each.step): each for each in backwards}.values()][::-1]

    @property
    def score(self) -> dict[str, int]:
        """How many entries were right, and of how many."""
        found = [np.asarray(each.correct) for each in self.answered]
        return {"correct": sum(int(x.sum()) for x in found), "entries": sum(x.size for x in found)}

    def __str__(self) -> str:
        return "{correct} of {entries} entries".format(**self.score)

    def record(self, steps: int) -> dict[str, Any]:
        """The score and each question that was answered, of so many, as values for JSON."""
        questions = [each.record for each in self.answered]
        return {"seed": self.seed, "steps": steps, "score": self.score, "questions": questions}
