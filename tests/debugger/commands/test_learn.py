"""Commands that teach: rules, local derivatives, differences, a quiz."""

import re

import numpy as np
import pytest

import demos.network as network
import tinygrad_lossmix as lm
from tests.helpers.prompt import answers_to, places, prompt_on, softmax_ll
from tinygrad_lossmix.debugger.commands.learn import DIRECTIONS, differences
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.graph import nodes


def overflowing():
    return lm.Mix("sigmoid", "ce").composed(lm.Tensor([800.0, -800.0, 1.0], name="z"), 0)


def network_answers(commands):
    """What the prompt says on a network of two layers and a batch of four."""
    rng = np.random.default_rng(0)
    shapes = {"W1": (3, 5), "b1": (5,), "W2": (5, 3), "b2": (3,)}
    cost = network.loss(*[lm.Tensor(rng.normal(size=s), name=name) for name, s in shapes.items()])
    return answers_to(commands, cost, x=network.x, y=network.y)


def test_a_function_of_one_node_is_explained_by_its_name_as_break_takes_it():
    x = lm.Tensor([2.0, 1.0], name="x")
    p = lm.softmax(np.tanh(x))
    cost = -np.log(p)[0]
    for function, node in (("softmax", "n2"), ("tanh", "n1"), ("log", "n3")):
        for command in ("explain", "local"):
            assert answers_to(f"{command} {function}", cost) == answers_to(
                f"{command} {node}", cost
            )


def test_explain_shows_each_product_why_and_the_row_of_the_table():
    text = answers_to("explain a")
    assert "\n  dC/dn1 = dC/da / n2\n" in text
    assert "\n  dC/dn2 = sum of dC/da * a / -n2 over axis 0\n" in text
    assert "\n  in the table of derivatives: np.divide  g / y, g * z / -y\n" in text
    assert "\n  an input: its gradient is the sum of what" in answers_to("explain z")
    constant = lm.Tensor([1.0, 2.0], name="z")
    assert "np" not in answers_to("explain n1", (lm.constant(constant) * constant).sum())


def test_explain_says_where_the_transpose_and_the_sum_over_the_batch_come_from():
    text = " ".join(network_answers("explain n7").split())
    assert "dC/dn6 = dC/dn7 @ W2.T n7[i, j] = Σ_k n6[i, k] W2[k, j], so n6[i, k] gets Σ_j" in text
    assert "@ sums over the first axis on its right, hence W2.T: (4, 3) @ (3, 5) = (4, 5)." in text
    assert "used in all 4 rows (in a batch, the examples) of n7, and what comes back is" in text
    assert "@ sums over the last axis on its left, hence n6.T: (5, 4) @ (4, 3) = (5, 3)." in text
    text = " ".join(network_answers("explain z").split())
    assert "b2 (3,) is broadcast to (4, 3): each of its entries is used 4 times" in text
    assert "for each example), and what comes back from all 4 is summed over axis 0." in text
    text = network_answers("explain n6")
    assert "dn6[i, j]/dn5[i, j] = 1 - n6[i, j] * n6[i, j]; n6[i, j] depends on" in " ".join(
        text.split()
    )


def test_explain_of_an_input_says_what_each_use_of_it_contributes():
    text = network_answers("explain b1;;explain W2")
    assert "\nn5 = n4 + b1\n  dC/db1 = sum of dC/dn5 over axis 0\n" in text
    assert "\nn7 = n6 @ W2\n  dC/dW2 = n6.T @ dC/dn7\n" in text
    assert "dC/dn6" not in text
    x = lm.Tensor([1.0, 2.0], name="x")
    assert answers_to("explain x", (x * x).sum()).count("\n  dn2/dx = dn2/dn1 * x\n") == 2


def test_explain_breaks_no_line_within_a_shape_or_an_index(monkeypatch):
    for columns in range(50, 90):
        monkeypatch.setenv("COLUMNS", str(columns))
        for line in network_answers("explain n7;;explain z").splitlines():
            assert line.count("(4") == line.count("(4, 3)") + line.count("(4, 5)"), line
            assert line.count("[") == line.count("]")


def test_explain_gives_the_formula_of_a_cost_that_is_one_node():
    z = lm.Tensor([[2.0, 1.0], [0.5, 1.0]], name="z")
    text = answers_to("explain", lm.Mix("softmax", "ce").cost(z, [0, 1]))
    assert "  dC/dz = softmax_ce_delta(z, [0, 1]) * (dC/dC / 2)\n" in text
    said = (
        "softmax_ce_delta is delta of each example, Sa - y + (1 - y)r - a Σ(1 - y)r, S = sum of y"
    )
    assert said in " ".join(text.split())
    assert "C is the mean over n = 2, hence / 2." in " ".join(text.split())


def test_explain_of_a_named_function_shows_its_operations_and_all_of_them_together():
    text = network_answers("explain softmax")
    assert text.startswith("softmax: z → a, 3 operations\n")
    assert "  dC/dz = dC/dn9 * n9                            n9 = exp(z)\n" in text
    assert "together: dC/dz = a * (dC/da - sum(dC/da * a, axis=-1, keepdims=True))\n" in text
    sigmoid = lm.Mix("sigmoid", "ll").composed(lm.Tensor([2.0, 1.0], name="z"), 0)
    assert "  together: dC/dz = dC/da * a * (1 - a)\n" in answers_to("explain sigmoid", sigmoid)


def test_a_function_of_the_users_with_the_name_of_ours_is_not_taken_for_it():
    @lm.group("sigmoid")
    def other(z):
        return np.tanh(z) * 2.0

    text = answers_to("explain sigmoid", other(lm.Tensor([1.0, 2.0], name="z")).sum())
    assert text.startswith("sigmoid: z → n2, 2 operations\n")
    assert "together" not in text


CALLS = [
    (lambda x, w: x @ w, "Σ_k"),
    (lambda x, w: x[0] @ w, "Σ_j"),
    (lambda x, w: x @ w[:, 0], "Σ_i"),
    (lambda x, w: x[0] @ w[:, 0], " gets d"),
    (lambda x, w: np.stack([x, x]) @ w, "gets Σ_j dn6/dnode[i, j] w[k, j], in each matrix of the"),
    (
        lambda x, w: np.stack([x, x]) @ w,
        "gets Σ_i dn6/dnode[i, j] n4[i, k], summed over the stack:",
    ),
    (lambda x, w: np.stack([x, x]) @ w, "hence n4.mT: (3, 4) @ (4, 2) = (3, 2)"),
    (
        lambda x, w: np.linalg.norm(x, axis=1),
        "several of x, on which no other depends: each gets its gradient",
    ),
    (
        lambda x, w: np.prod(x),
        "node depends on several of x, on which no other depends",
    ),
    (lambda x, w: w.T @ x[0][:, None], "gets Σ_j dn6/dnode[i, j] n4[k, j]. @ sums over the first"),
    (
        lambda x, w: np.exp(x[:, :1]),
        "dnode[i, j]/dn1[i, j] = node[i, j]; node[i, j] depends on no other",
    ),
    (lambda x, w: x * x[:, :1], "dnode[i, j]/dn1[i, 0] = x[i, j]; node[i, j] depends on no other"),
    (lambda x, w: x.sum(axis=0), "an entry for each 4 of x (4, 3), over axis 0"),
    (lambda x, w: x.mean(axis=1), "every entry has derivative 1/3"),
    (lambda x, w: x.max(axis=1), "only the largest moves it"),
    (lambda x, w: x[:, [0, 0]], "one taken twice gets both"),
    (lambda x, w: x.T, "at other places"),
    (lambda x, w: lm.softmax(x), "the local Jacobian is not diagonal"),
    (lambda x, w: x * x[:, :1], "is used 3 times, and what comes back"),
    (lambda x, w: np.exp(x.sum()), "dnode/dn1 = node."),
    (lambda x, w: x * x[0], "dnode[i, j]/dx[i, j] = n1[j]; node[i, j] depends"),
    (lambda x, w: x / [1.0, 2.0, 3.0], "dnode[i, j]/dx[i, j] = 1 / constant[j]; node"),
    (lambda x, w: x * np.eye(4, 3), "dnode[i, j]/dx[i, j] = constant[i, j]; node"),
    (lambda x, w: x[0] + np.ones((1, 3)), "(1, 3), and what comes back is summed over axis 0."),
    (lambda x, w: x[:, :1].mean(axis=1), "entry of n1 (4, 1) by itself: its derivative is 1, and"),
    (lambda x, w: x[:1, 0].sum(), "node () has the one entry of n1 (1,) by itself: its derivative"),
]


@pytest.mark.parametrize(("f", "words"), CALLS, ids=[words for _, words in CALLS])
def test_why_a_product_is_what_it_is(f, words):
    rng = np.random.default_rng(0)
    x = lm.Tensor(rng.normal(size=(4, 3)), name="x")
    w = lm.Tensor(rng.normal(size=(3, 2)), name="w")
    node = f(x, w)
    assert words in " ".join(answers_to("explain node", node.sum(), node=node).split())


def test_the_local_derivative_of_an_einsum_is_the_other_operand():
    x, w = (
        lm.Tensor(np.arange(24.0).reshape(s), name=n) for s, n in (((2, 12), "x"), ((12, 2), "w"))
    )
    text = answers_to("next 2", np.einsum("ij,jk->ik", x, w).sum())
    assert "local w (12, 2)" in text
    assert "local x (2, 12)" in answers_to("next 3", np.einsum("ij,jk->ik", x, w).sum())
    kept = answers_to("row 1;;next 2", np.einsum("ij,kj->ik", x, w.T).sum())
    assert "local n2 (2, 12)" in kept, "what is summed over is not narrowed"


def test_the_local_derivative_by_a_matrix_behind_a_row_is_the_row_as_a_column():
    h, w = lm.Tensor(np.arange(5.0), name="h"), lm.Tensor(np.ones((5, 4)), name="w")
    text = answers_to("next 2;;local", (h @ w).sum(), h=h)
    lines = answers_to("next 3", (h @ w).sum()).splitlines()
    assert "h[:, None] (5, 1)  dn3/dw = h[:, None] * dn3/dn2[None, :]" in text
    assert any(line.startswith("local h[:, None] (5, 1)") for line in lines)


@pytest.mark.parametrize("size", [5, 500])
def test_local_shows_elementwise_derivatives_entry_by_entry_whatever_their_number(size):
    x = lm.Tensor(np.linspace(-1.0, 1.0, 2 * size).reshape(2, size), name="x")
    h = np.tanh(x + x[0])
    text = answers_to("local h", h.sum(), h=h)
    assert text.startswith(f"dh/dn2 (2, {size})  1 - h * h\n")
    assert text.splitlines()[2].startswith(f"0  {1 - np.tanh(-2.0) ** 2:.4g} ")
    text = answers_to("local n2", h.sum())
    assert text == "dn2/dx   1 everywhere\ndn2/dn1  1 everywhere\n", "of what is broadcast"


def test_local_is_elementwise_inside_named_functions_too():
    z = lm.Tensor([[2.0, 1.0], [0.0, -1.0]], name="z")
    text = answers_to("local sigmoid", lm.Mix("sigmoid", "ce").composed(z, [0, 1]))
    slope = lm.sigmoid(z.data) * (1 - lm.sigmoid(z.data))
    assert text.startswith("da/dz (2, 2)  sigmoid\n")
    assert re.findall(r"0\.\d+", text) == [f"{each:.4g}" for each in slope.flat]
    text = answers_to("local softmax", lm.Mix("softmax", "ce").composed(z[0], 0))
    assert "[[0.1966, -0.1966], [-0.1966, 0.1966]]" in text


def test_local_gives_the_product_where_a_jacobian_does_not_fit():
    text = network_answers("local n7")
    assert "W2.T (3, 5)  dC/dn6 = dC/dn7 @ W2.T " in text
    assert "each entry depends on several" in network_answers("local softmax")


@pytest.mark.parametrize("wrong", [False, True])
def test_check_of_a_large_array_goes_along_random_directions(wrong):
    if wrong:
        lm.derivative(np.tanh, lambda g, z, x: g * (1.0 - z * z) * (np.arange(x.size) != 77))
    x = lm.Tensor(np.linspace(-1.0, 1.0, 100), name="x")
    text = answers_to("check x", (np.tanh(x) * np.linspace(1.0, 2.0, 100)).sum())
    assert "x has 100 entries: checked along 5 random directions (seed 0)," in text
    assert ("NOT ok" in text) == wrong
    found, slopes = [re.findall(r"-?\d+\.\d+", line)[:5] for line in text.splitlines()[2:4]]
    assert len(found) == 5
    assert (found == slopes) != wrong


@pytest.mark.parametrize("name", ["z", "n1", "a", "C"])
def test_check_agrees_with_the_difference(name):
    text = answers_to(f"check {name}")
    assert text.splitlines()[-1].split()[-1] == "ok"
    assert "NOT" not in text


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("size", [1.0, 1e2, 1e4])
def test_check_agrees_at_large_logits_in_every_dtype(dtype, size):
    z = lm.Tensor(np.array([1.5, 0.5, -1.0], dtype) * dtype(size), name="z")
    of_float32 = z.astype(np.float32).sum() if dtype == np.float32 else z.sum()
    for cost in [*(mix.cost(z, 0) for mix in lm.MIXES), lm.softplus(z * 2).sum(), of_float32]:
        assert "ok" in answers_to("check z", cost).split(), cost


def test_check_sees_a_wrong_rule():
    wrong = lm.derivative(lambda x: x**3, lambda g, z, x: g * x)
    x = lm.Tensor([2.0], name="x")
    said = "NOT ok: the gradient is wrong, or the cost has a kink here\n"
    assert answers_to("check x", wrong(x).sum()).endswith(said)


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
def test_a_local_derivative_that_is_infinite_leaves_the_others_as_they_are():
    text = answers_to("local n2", overflowing())
    assert text == "dn2/dn1  diag(0, inf, 0.3679)  n2\n"


def right_answers(cost):
    """What to type: every contribution as it is printed."""
    products = Walk(cost, {}).products
    return ["answer " + np.array2string(each.contribution, separator=",") for each in products]


def test_quiz_hides_the_answer_until_it_is_given():
    text = answers_to("start;;quiz;;answer -1;;quiz;;answer 1;;quiz;;answer")
    assert "C = -n6: what does it contribute to dC/dn6?\n  upstream  dC/dC  1\n" in text
    assert "  value     C      0.4076\n  from      n6     -0.4076\n" in text
    assert "Type `answer` and 1 number, shape ()\n" in text
    assert "right; 1 of 1 entries so far\n" in text
    assert "no, it is [-1, -1, -1]; 1 of 4 entries so far\n" in text
    assert "no, it is [-1, 0, 0]; 1 of 7 entries so far\n" in text
    assert places(text) == ["0/8", "1/8", "2/8", "3/8"]


def test_a_quiz_that_is_on_asks_before_each_product_and_ends_with_the_score():
    answers = right_answers(softmax_ll())
    text = answers_to(";;".join(["quiz on", *answers]))
    assert text.count("what does it contribute to") == len(answers) == 8
    assert text.endswith("the quiz is over: 20 of 20 entries\n")
    assert [place.partition("/")[0] for place in places(text)] == [*"12345678"]


def test_a_quiz_that_is_on_goes_on_where_one_moves_and_is_left_by_off():
    text = answers_to("quiz on;;next;;back;;goto 7;;quiz off;;next")
    assert text.count("what does it contribute to") == 4
    assert text.splitlines()[-7] == "the quiz is over: 0 of 0 entries"
    text = answers_to("quiz on;;end;;forward;;next")
    assert "[forward 2/8]" in text
    assert text.count("what does it contribute to") == 1


def test_a_seed_chooses_which_part_of_a_large_product_is_asked_for():
    z = lm.Tensor(np.arange(20.0).reshape(4, 5), name="z")
    cost = np.exp(z).sum()
    asked = [answers_to(f"quiz on {seed};;next", cost).splitlines()[-1] for seed in (1, 1, 2, 3)]
    assert all(line.startswith("Type `answer` and 5 numbers, row [") for line in asked)
    assert asked[0] == asked[1]
    assert len(set(asked)) > 1


def test_what_quiz_does_not_take_is_an_error(capsys):
    for typed, words in [
        ("quiz maybe", "quiz takes nothing, `on`, `on SEED` or `off`"),
        ("quiz on x", "quiz on takes a seed, a whole number below 1,000,000,000"),
        ("end;;quiz on", "no product comes next here: type `start`, then `quiz`"),
        ("quiz on;;answer 1,2", "2 numbers where the shape () takes 1"),
    ]:
        prompt, _ = prompt_on(softmax_ll())
        assert prompt.run_batch(typed) == 1
        assert words in capsys.readouterr().err


def test_a_likely_cause_is_told():
    text = answers_to("quiz;;answer 1")
    assert "likely cause: the sign of what np.negative passes back\n" in text


def test_a_value_that_is_set_asks_anew():
    text = answers_to("quiz on;;answer -1;;set z 1,0,0;;answer -1,-1,-1")
    assert "right; 4 of 4 entries so far" in text


@pytest.mark.parametrize("mix", lm.MIXES, ids=str)
def test_the_difference_at_every_node_is_its_gradient(mix):
    cost = mix.composed(lm.Tensor([2.0, 1.0, 0.0]), 0)
    cost.backward()
    for node in nodes(cost):
        np.testing.assert_allclose(differences(cost, node, node.grad)[1], node.grad, atol=1e-8)


def test_what_is_not_differentiated_is_held():
    x = lm.Tensor([2.0, 3.0])
    cost = (x * lm.constant(x)).sum()
    np.testing.assert_allclose(differences(cost, x, x.data)[1], x.data, atol=1e-8)


def test_it_is_moved_along_random_directions():
    x = lm.Tensor(np.linspace(-1.0, 1.0, 200).reshape(20, 10))
    cost = np.exp(x).sum() + x[0, 0] ** 3
    cost.backward()
    expected, found = differences(cost, x, x.grad)
    assert len(found) == DIRECTIONS == len(set(expected))
    np.testing.assert_allclose(found, expected, 1e-8, 1e-8)
    off = x.grad.copy()
    off[7, 3] += 0.1
    np.testing.assert_allclose(np.abs(differences(cost, x, off)[0] - expected), 0.1)
