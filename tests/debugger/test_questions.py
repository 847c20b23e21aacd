"""What a quiz asks, and how an answer is marked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import demos.network as network
import tinygrad_lossmix as lm
from tests.helpers.quick import in_one
from tinygrad_lossmix.debugger.expressions import CommandError
from tinygrad_lossmix.debugger.questions import TYPED, Quiz
from tinygrad_lossmix.debugger.walk import Walk


def network_walk():
    rng = np.random.default_rng(0)
    shapes = {"W1": (3, 5), "b1": (5,), "W2": (5, 3), "b2": (3,)}
    return Walk(
        network.loss(*[lm.Tensor(rng.normal(size=s), name=name) for name, s in shapes.items()]),
        vars(network),
    )


def answered(quiz, walk, change):
    """The marks of a whole walk, each right answer changed before it is given."""
    walk.start()
    while not walk.at_end:
        asked = quiz.ask(walk)
        asked.mark(change(asked))
        walk.next()
    return quiz.asked


def marked(walk, answer):
    """The marks of one answer."""
    asked = Quiz().ask(walk)
    asked.mark(answer)
    return asked


@given(st.integers(0, 2**30))
def test_what_is_asked_can_be_typed_and_the_right_answer_is_right(seed):
    walk, quiz = network_walk(), Quiz(seed)
    for asked in answered(quiz, walk, lambda asked: asked.expected):
        shape = asked.product.contribution.shape
        assert asked.correct.all()
        assert asked.correct.size <= TYPED
        assert asked.at == () or len(asked.at) in (len(shape), len(shape) - 1)
        assert (asked.product.contribution.size <= TYPED) == (asked.at == ())
    assert quiz.score["correct"] == quiz.score["entries"]
    assert len(quiz.answered) == len(walk)


def test_the_seed_chooses_the_part_that_is_asked_for():
    def chosen(seed):
        walk, quiz = network_walk(), Quiz(seed)
        return [asked.at for asked in answered(quiz, walk, lambda each: each.expected)]

    assert chosen(7) == chosen(7)
    assert len({str(chosen(seed)) for seed in range(5)}) == 5


def test_of_a_matrix_product_one_entry_is_asked_for_and_of_others_a_row():
    walk, quiz = network_walk(), Quiz()
    asked = answered(quiz, walk, lambda each: each.expected)
    by_function = {each.product.node.function: each for each in asked}
    assert len(by_function[np.matmul].at) == 2
    assert str(by_function[np.matmul]).startswith("1 number, entry [")
    assert len(by_function[np.tanh].at) == 1
    assert str(by_function[np.tanh]).startswith("5 numbers, row [")
    assert str(by_function[np.tanh]).endswith("] of (4, 5)")


def test_each_entry_has_its_credit_and_two_digits_are_enough():
    walk = Walk((lm.Tensor([1.0, 2.0, 3.0], name="z") * np.array([3.0, 0.1, -1.0])).sum())
    walk.next()
    assert marked(walk, np.array([2.99, 0.1, -2.0])).correct.tolist() == [True, True, False]
    assert marked(walk, np.array([2.9, 0.1, -1.0])).correct.tolist() == [False, True, True]


def test_the_first_answer_to_a_question_counts():
    walk, quiz = network_walk(), Quiz()
    quiz.ask(walk)
    assert str(quiz) == "0 of 0 entries"
    quiz.ask(walk).mark(None)
    again = quiz.ask(walk)
    again.mark(again.expected)
    assert str(quiz) == "0 of 1 entries"


x = lm.Tensor([[0.5, -1.0], [1.5, 2.0]], name="x")
w = lm.Tensor([[2.0, 1.0], [-0.5, 3.0]], name="w")
b = lm.Tensor([1.0, 2.0], name="b")
up = np.array([[0.7, -0.2], [0.4, 1.1]])


@in_one(
    ("node", "place", "wrong", "hint"),
    [
        (x @ w, 0, up @ w.data, "a transpose is missing"),
        (x @ w, 1, x.data @ up, "a transpose is missing"),
        (x - w, 0, up.T, "it is transposed"),
        (x * w, 0, up, "the factor that np.multiply multiplies by is missing"),
        (x * w, 0, w.data, "this is the local derivative, not times upstream"),
        (np.tanh(x), 0, up, "the factor tanh'(z) = 1 - a² is missing"),
        (np.tanh(x), 0, up * np.tanh(x.data), ""),
        (np.exp(x), 0, up * x.data, "z where a = f(z) belongs"),
        (x - w, 1, up, "the sign of what np.subtract passes back"),
        (x + b, 1, up.mean(axis=0), "2 times too small"),
        (x.mean(axis=0), 0, np.tile(up[0], (2, 1)), "2 times too large"),
        (x.sum(axis=0), 0, np.zeros((2, 2)), "nothing is passed back"),
    ],
)
def test_the_cause_of_a_wrong_answer_is_told(node, place, wrong, hint):
    cost = (node * (up if node.ndim == 2 else up[0])).sum()
    walk = Walk(cost, {"node": node})
    walk.run(lambda walk: walk.stop is not None and walk.current is node)
    while quizzed(walk)[1] != place:
        walk.next()
    mark = marked(walk, np.round(wrong, 3))
    assert not mark.correct.all()
    assert mark.hint.startswith(hint)
    assert bool(mark.hint) == bool(hint)


def quizzed(walk):
    product = Quiz().ask(walk).product
    return product.node, product.place


def test_a_part_of_an_answer_can_have_a_cause():
    walk = Walk(np.tanh(lm.Tensor([0.5, 1.0, 2.0], name="z")).sum())
    walk.next()
    wrong = Quiz().ask(walk).expected.copy()
    wrong[1] *= -1.0
    mark = marked(walk, wrong)
    assert mark.correct.tolist() == [True, False, True]
    assert mark.hint == "the sign of what np.tanh passes back"


def test_what_is_empty_or_no_number_can_be_asked():
    walk = Walk((lm.Tensor(np.ones((0, 9)), name="z") * 2.0).sum())
    assert all(asked.correct.all() for asked in answered(Quiz(), walk, lambda each: each.expected))
    with np.errstate(all="ignore"):
        walk = Walk(np.sqrt(lm.Tensor([0.0, 1.0, -1.0], name="z")).sum())
    walk.next()
    assert marked(walk, np.array([np.inf, 0.5, np.nan])).correct.all()
    assert marked(walk, np.array([1.0, 0.5, 1.0])).correct.tolist() == [False, True, False]


def test_at_the_end_and_among_the_values_there_is_no_question():
    walk = network_walk()
    walk.end()
    with pytest.raises(CommandError, match="no product comes next here"):
        Quiz().ask(walk)
    walk.forward()
    with pytest.raises(CommandError, match="no product comes next here"):
        Quiz().ask(walk)
