"""Keys of constants and options: equal for what is equal to the bit, and for nothing else."""

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tinygrad_lossmix.compiler.numbering import Numbering
from tinygrad_lossmix.compiler.patterns.structure import Structure


@pytest.fixture
def key():
    return Numbering(lm.Tensor).key


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.arange(30.0),
        lambda: (1, slice(None, 2), None, ...),
        lambda: [np.array([0, 1]), "same"],
        lambda: {"axis": (0, 1), "keepdims": True},
        lambda: float("nan"),
        lambda: np.float32(0.1),
        lambda: np.dtype("f4"),
    ],
)
def test_equal_things_have_one_key(key, make):
    assert key(make()) == key(make())
    assert hash(key(make())) == hash(key(make()))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (0.0, -0.0),
        (1, 1.0),
        (1, True),
        (2.0, np.float64(2.0)),
        ([1], (1,)),
        (slice(1), slice(None, 1, 1)),
        (np.zeros(3), -np.zeros(3)),
        (np.zeros(3), np.zeros(3, np.float32)),
        (np.zeros((1, 3)), np.zeros(3)),
        (np.arange(30.0), np.where(np.arange(30) == 1, 7.0, np.arange(30.0))),
        (object(), object()),
    ],
)
def test_other_things_have_others(key, one, other):
    assert key(one) != key(other)


def test_the_first_of_equal_arrays_stands_for_all():
    numbers, x = Numbering(lm.Tensor), np.arange(100.0)
    assert numbers.array(x) is x
    assert numbers.array(x.copy()) is x


def test_nodes_have_one_number_if_they_were_computed_alike():
    z, number = lm.Tensor(np.ones((2, 3))), Structure().number
    alike = [(z + 1.0).sum(axis=-1), np.sum(1.0 + z, axis=1), np.add.reduce(z + 1.0, axis=1)]
    assert len({*map(number, alike)}) == 1
    assert number(z.sum(axis=0)) != number(z.sum(axis=1))
