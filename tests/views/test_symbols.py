"""What the book calls the nodes of a recording."""

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tinygrad_lossmix.engine.graph import group
from tinygrad_lossmix.views.reading import Reading

Z = np.array([[2.0, 1.0, 0.0], [0.5, -1.0, 3.0]])
Y = [0, 2]


def find(cost):
    return Reading(cost).symbols


@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
def test_every_mix_is_found_composed_and_as_one_node(mix):
    z = lm.Tensor(Z)
    for cost in (mix.composed(z, Y), mix.cost(z, Y)):
        found = find(2.0 * cost)
        assert found.mix == mix
        assert found.z is z
        assert found.cost is cost
        np.testing.assert_array_equal(found.y, [[1, 0, 0], [0, 0, 1]])


@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
def test_a_mix_of_the_safe_functions_is_found(mix):
    z = lm.Tensor(Z)
    a = getattr(lm, mix.output)(z)
    costs = {"ce": lm.cross_entropy, "ll": lm.log_likelihood, "quadratic": lm.quadratic}
    found = find(costs[mix.cost_name](a, Y))
    assert found.mix == mix
    assert found.z is z
    assert found.a is a


@pytest.mark.parametrize(("output", "cost"), [("sigmoid", "ce"), ("softmax", "ll")])
def test_a_minus_y_is_the_gradient_of_a_matched_mix(output, cost):
    z = lm.Tensor(Z)
    for recorded in (lm.Mix(output, cost).composed(z, Y), lm.Mix(output, cost).cost(z, Y)):
        np.testing.assert_allclose(find(recorded).a_minus_y, lm.grad(recorded, z), atol=1e-15)


def test_the_equations_are_those_of_the_book():
    z = lm.Tensor(Z)
    found = find(lm.Mix("softmax", "ll").composed(z, Y))
    words = [found.equation(node) for node in (found.z, found.a, found.cost)]
    assert [word[word.index("eq.") :] for word in words] == ["eq. (84)", "eq. (78)", "eq. (80)"]
    found = find(lm.Mix("sigmoid", "ce").composed(z, Y))
    words = [found.equation(node) for node in (found.z, found.a, found.cost)]
    assert [word[word.index("eq.") :] for word in words] == ["eq. (66)", "eq. (3)", "eq. (63)"]
    one = find(lm.Mix("sigmoid", "ce").composed(lm.Tensor([2.0]), [0.0]))
    assert "eq. (57)" in one.equation(one.cost)
    assert found.equation(lm.Tensor(1.0)) == ""


def test_a_hidden_layer_is_not_taken_for_the_output_layer():
    h = lm.Tensor(Z)
    z = lm.book.sigmoid(h) * 2.0
    assert find(lm.Mix("softmax", "quadratic").composed(z, Y)).z is z


def test_nothing_is_found_where_there_is_no_mix():
    z = lm.Tensor([2.0, 1.0])
    assert find(z) is None
    assert find(lm.book.softmax(z).sum()) is None
    assert find(lm.book.log_likelihood(z, np.array([1.0, 0.0]))) is None


def test_a_group_of_the_users_with_the_name_of_a_cost_is_no_mix():
    @group("quadratic")
    def quadratic(x, factor):
        return (x * factor).sum()

    assert find(quadratic(lm.book.softmax(lm.Tensor([2.0, 1.0])), 7.5)) is None
