"""Random programs: they compute what they say, and all operations are drawn."""

import numpy as np
import pytest
from hypothesis import find, given, settings

import tinygrad_lossmix as lm
from tests.helpers.drawn import DRAWN, SHRUNK
from tests.helpers.reference import gradients
from tinygrad_lossmix.testing import strategies
from tinygrad_lossmix.testing.strategies.programs import ANY, ANY_TWO, TOGETHER, WITH_AXES


@given(strategies.programs())
def test_a_program_is_a_number_on_arrays_and_the_same_on_tensors(drawn):
    f, inputs = drawn
    assert 1 <= len(inputs) <= 3
    value = f(*inputs)
    assert value.ndim == 0
    assert max(np.abs(v).max() for v in f.values(*inputs)) < 100
    np.testing.assert_allclose(f(*map(lm.Tensor, inputs)).item(), value, rtol=1e-13)


@given(strategies.programs())
def test_the_gradient_of_a_program_is_that_of_the_naive_engine(drawn):
    f, inputs = drawn
    tensors = [lm.Tensor(x) for x in inputs]
    expected = gradients(f, *inputs)
    for found, right in zip(lm.grad(f(*tensors), tensors), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-9, atol=1e-11)


@given(strategies.programs())
def test_the_source_of_a_program_computes_it(drawn):
    f, inputs = drawn
    first, *lines = repr(f).splitlines()
    assert first == "Program"
    names = {"np": np, "soft": lambda x: np.tanh(0.5 * x)}
    names["odd"] = lambda x: np.arange(x.shape[-1]) % 2 == 1 if x.ndim else False
    names |= {f"v{i}": x for i, x in enumerate(inputs)}
    for line, value in zip(lines[len(inputs) :], f.values(*inputs)[len(inputs) :], strict=True):
        name, source = line.strip().split(" = ", 1)
        names[name] = np.asarray(eval(source, names))
        np.testing.assert_array_equal(names[name], value)


def used(f):
    return [i for _, _, operands in f.steps for i in operands]


@pytest.mark.parametrize(
    "seen",
    [
        lambda f: len(f.steps) == 8,
        lambda f: any(used(f).count(i) > 2 for i in used(f)),
        lambda f: any(len(set(operands)) == 2 for _, _, operands in f.steps),
        lambda f: max(used(f), default=0) > len(f.inputs) + 3,
    ],
    ids=["long", "reuse", "two operands", "deep"],
)
def test_programs_are_graphs_with_reuse(seen):
    find(strategies.programs(), lambda drawn: seen(drawn[0]), settings=DRAWN)


@pytest.mark.slow
def test_every_operation_is_drawn():
    drawn = set()

    @given(strategies.programs())
    @settings(max_examples=300, database=None, derandomize=True)
    def collect(program):
        drawn.update(text for text, _, _ in program[0].steps)

    collect()
    assert drawn == {*ANY, *WITH_AXES, *TOGETHER, *ANY_TWO}


@pytest.mark.slow
def test_programs_shrink_to_the_step_that_matters():
    f, inputs = find(
        strategies.programs(),
        lambda drawn: any(text.startswith("np.maximum") for text, _, _ in drawn[0].steps),
        settings=SHRUNK,
    )
    assert repr(f) == "Program\n  v0: ()\n  v1 = np.maximum(v0, v0)"
    assert len(inputs) == 1
