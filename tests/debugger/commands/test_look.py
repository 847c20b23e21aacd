"""Looking at a node, a gradient, two walks; pictures; keeping to one example or entry."""

import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.prompt import answers_to, on_one_line, prompt_on, softmax_ll
from tinygrad_lossmix.debugger.lockstep import Lockstep
from tinygrad_lossmix.debugger.repl import Prompt


def test_contrib_names_who_wrote_a_gradient_and_where():
    lines = answers_to("end;;contrib n1").splitlines()[-4:]
    assert lines[0] == "dC/dn1"
    assert lines[1].split()[:3] == ["[5/8]", "from", "a"]
    assert lines[2].split()[:3] == ["[7/8]", "from", "n2"]
    assert lines[3].split()[:4] == ["accumulated", "2", "of", "2"]
    assert "0 of 2 contributions" in answers_to("contrib n1")
    assert "it is the seed" in answers_to("contrib C")


def test_args_and_local_are_about_the_node_at_work():
    assert answers_to("goto 5;;args").splitlines()[-2:] == [
        "  n1 = exp(z)                           [7.389, 2.718, 1]",
        "  n2 = sum(n1, axis=-1, keepdims=True)  [11.11]",
    ]
    assert answers_to("goto 5;;local").splitlines()[-2:] == [
        "da/dn1  diag(0.09003, 0.09003, 0.09003)        1 / n2",
        "da/dn2  [[-0.05989], [-0.02203], [-0.008106]]  a / -n2",
    ]
    assert "is an input" in answers_to("args z")
    assert "no argument that is differentiated" in answers_to("local z")


def test_draw_writes_the_gradients_so_far(tmp_path):
    path = tmp_path / "so far.svg"
    assert answers_to(f"goto 4;;draw {path}").endswith(f"wrote {path}\n")
    words = [each.text for each in ElementTree.parse(path).iter() if each.text]
    assert "gradient [-1.503, 0, 0]" in words
    assert "gradient (delta) not computed" in words


def test_page_writes_the_steps_for_a_browser(tmp_path):
    path = tmp_path / "steps.html"
    assert answers_to(f"page {path}").endswith(f"wrote {path}\n")
    assert path.read_text("utf-8").startswith("<!doctype html>")


def overflowing():
    return lm.Mix("sigmoid", "ce").composed(lm.Tensor([800.0, -800.0, 1.0], name="z"), 0)


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
def test_where_the_graph_gives_nan_the_prompt_says_so_and_how_to_find_it():
    text = answers_to("b nan;;end;;delta;;check z;;forward;;c", overflowing())
    assert "the cost is NaN: `forward;;continue` finds where it arises" in text
    assert (
        "the graph gives NaN or infinity: `forward;;break nan;;continue` finds where"
        in on_one_line(text)
    )
    assert re.search(
        "^max difference +nan +cannot be compared: NaN or infinity$", text, re.MULTILINE
    )
    assert "[forward 7/13] n6 = n5 * y" in text
    assert "the cost is NaN" not in answers_to("b nan")


def test_print_shows_values_gradients_and_constants():
    assert answers_to("p a") == "a = [0.6652, 0.2447, 0.09003]  softmax output layer a, eq. (78)\n"
    assert answers_to("p y") == "y = [1, 0, 0]  constant\n"
    assert answers_to("p z.grad").endswith(
        "not computed yet, the first contribution comes at [8/8]\n"
    )
    assert answers_to("end;;p z.grad").endswith("delta = dC/dz = [-0.3348, 0.2447, 0.09003]\n")
    assert answers_to("goto 5;;p n1.grad").endswith("[-0.1353, 0, 0]  1 of 2 contributions\n")


def test_print_says_where_no_gradient_comes():
    x = lm.Tensor(2.0, name="x")
    held = x * 3.0
    text = answers_to("end;;p held.grad", x * lm.constant(held), held=held)
    assert text.endswith("dn3/dheld: none, no derivative of n3 reaches it\n")


def test_list_marks_the_current_node_and_cuts_a_long_recording():
    marked = [line for line in answers_to("goto 4;;list").splitlines() if line.startswith("->")]
    assert len(marked) == 1
    assert marked[0].split()[1:5] == ["a", "=", "n1", "/"]
    x = lm.Tensor(1.0)
    for _ in range(500):
        x = x * 1.0
    text = answers_to("goto 250;;list", x)
    assert "nodes 242 to 258 of 501" in text
    assert text.count(" * 1 ") >= 17


def test_print_takes_the_name_of_a_function():
    assert answers_to("p softmax") == "a = [0.6652, 0.2447, 0.09003]\n"


def test_print_takes_comparisons_and_what_is_at_this_stop():
    text = answers_to("p downstream;;end;;p z.grad > 0;;p position;;p downstream")
    assert text.startswith("downstream has no value yet\n")
    assert "z.grad > 0 and a > 2 = False" in answers_to("end;;p z.grad > 0 and a > 2")
    assert (
        "z.grad > 0 = [False, True, True]\nposition = 8\ndownstream = [-0.3348, 0.2447, 0.09003]\n"
        in text
    )


def test_a_shortened_name_is_printed_in_full():
    name = "x" * 60
    shown = "x" * 20 + "…" + "x" * 19
    assert f"its name in full: {name}\n" in answers_to(
        f"print {shown}", lm.Tensor(1.0, name=name) * 2.0
    )


X = np.arange(12.0).reshape(4, 3) / 8.0
Y = np.eye(3)[[0, 2, 1, 1]]


def network(function=np.tanh):
    W = lm.Tensor(np.arange(15.0).reshape(3, 5) / 16.0 - 0.5, name="W")
    V = lm.Tensor(np.arange(15.0).reshape(5, 3) / 32.0 - 0.2, name="V")
    b = lm.Tensor([0.5, -0.25, 0.0], name="b")
    h = function(X @ W)
    return lm.Mix("softmax", "ll").composed(h @ V + b, Y), {"h": h, "X": X}


def asked(commands):
    cost, names = network()
    return answers_to(commands, cost, **names)


def mistake(commands, capsys):
    cost, names = network()
    prompt, _ = prompt_on(cost, **names)
    assert prompt.run_batch(commands) == 1
    return capsys.readouterr().err


def test_a_row_is_followed_at_stops_and_in_answers_until_off():
    whole = asked("until h;;p h;;p h.grad")
    text = asked("row 2;;until h;;p h;;p h.grad;;list;;args;;row off")
    row = re.search(r"^2 +(.*)$", whole[whole.index("h (4, 5)") :], re.MULTILINE)[1].split()
    assert f"h[2] = [{', '.join(row)}]" in text
    assert re.search(r"upstream dC/dn\d+\[2\]  \[", text)
    assert re.search(r"downstream → h\[2\]  \[", text)
    assert "local V.T (3, 5)" in text, "weights are of all examples"
    assert "dC/dh[2] = [" in text
    assert re.search(r"^-> +h = tanh\(n\d\) +\[.*\] +\[", text, re.MULTILINE)
    assert text.endswith(asked("until h"))


def test_the_row_of_a_function_of_rows_has_its_jacobian():
    cost, names = network(lm.softmax)
    text = answers_to("row 1;;until h;;next;;next", cost, **names)
    assert re.search(r"^local dh/dn\d+\[1\] \(5, 5\)$", text, re.MULTILINE)


def test_a_class_is_followed_where_there_is_a_column_for_each():
    text = asked("class 1;;until z;;p z;;p h;;row 3;;p z;;p y;;p b")
    assert "z[:, 1] = [" in text
    assert "h (4, 5)" in text
    assert "z[3, 1] = " in text
    assert "y[3, 1] = 1  constant" in text
    assert "b = [0.5, -0.25, 0]" in text


def test_an_entry_is_told_here_and_at_the_stops_where_it_arises():
    text = asked("entry V[2,1];;until V;;entry off")
    before, there, off = re.split(r"^\[", text, flags=re.MULTILINE)
    assert before.startswith("V[2, 1] = 0.01875\ndC/dV: not computed yet")
    assert "\ndC/dV[2, 1] = h.T[2] @ dC/dn" in there
    assert "upstream" not in there
    assert "upstream" in off
    cost, _ = network()
    cost.backward()
    (V,) = (node for node in lm.Stepper(cost).reading.nodes if node.name == "V")
    said = re.search(r"accumulated +dC/dV\[2, 1\] \(complete\)  (\S+)", there)[1]
    assert float(said) == pytest.approx(V.grad[2, 1], rel=1e-3)


def test_the_value_of_an_entry_of_a_matrix_product_is_told_too():
    name = re.search(r"(n\d+) = h @ V", asked("end;;list"))[1]
    text = asked(f"entry {name}[1,2];;forward;;until {name}")
    assert text.count(f"{name}[1, 2] = h[1] @ V[:, 2]") == 2
    assert text.count("  h[1, 4] ") == 2


@pytest.mark.parametrize(
    "function", [lm.sigmoid, np.exp, lambda x: lm.softmax(x), lambda x: x * x, lambda x: -x.T.T]
)
def test_every_entry_of_every_gradient_is_the_sum_of_its_terms(function):
    cost, names = network(function)
    walk = lm.Stepper(cost, names)
    walk.end()
    for node in walk.reading.nodes:
        if not node.ndim or node is cost:
            continue
        at = tuple(n - 1 for n in node.shape)
        name = walk.reading.call(node)
        text = answers_to(f"end;;entry {name}[{','.join(map(str, at))}]", cost, **names)
        received = walk.progress(node)[0]
        assert len(re.findall(r"^dC/d.*(?: @ |upstream \* local)", text, re.MULTILINE)) >= received
        listed = re.findall(r"^  \S.*\*.*=  +(-?\d\S*)$", text, re.MULTILINE)
        assert listed
        found = walk.gradient(node)[at]
        if received == 1:
            told = float(re.findall(r"=  +(-?\d\S*)$", text, re.MULTILINE)[-1])
            assert told == pytest.approx(found, rel=2e-3, abs=1e-6)
        else:
            told = re.search(rf"= (\S+)  {received} of {received} contributions$", text)[1]
            assert float(told) == pytest.approx(found, rel=2e-3, abs=1e-6)


def decayed(penalty):
    """Four examples in three classes, picked by number, and a penalty on the weights."""
    rng = np.random.default_rng(8)
    x, t = rng.normal(size=(4, 6)), np.array([0, 2, 1, 1])
    W, V = (
        lm.Tensor(rng.normal(size=shape), name=name)
        for shape, name in (((6, 5), "W"), ((5, 3), "V"))
    )
    h = np.maximum(x @ W, 0.0)
    h.name = "h"
    z = h @ V
    return penalty(z - np.log(np.exp(z).sum(axis=1, keepdims=True)), t, W, V)


@pytest.mark.parametrize(
    "penalty",
    [
        lambda a, t, W, V: 0.1 * ((W**2).sum() + (V**2).sum()) - a[np.arange(4), t].mean(),
        lambda a, t, W, V: -a[np.arange(4), t].mean() + 0.1 * (V**2).sum(),
        lambda a, t, W, V: -a.mean(axis=1, keepdims=True).mean() + 0.1 * abs(W).sum(),
    ],
)
def test_examples_and_classes_are_those_of_the_data_whatever_is_asked_of_the_weights(penalty):
    text = answers_to("row 3;;class 2;;until h;;p h;;end;;p V.grad", decayed(penalty))
    assert "h[3] = [" in text
    assert re.search(r"^dn\d+/dV\[:, 2\] = \[", text, re.MULTILINE)


def test_a_row_is_followed_through_a_changed_recording():
    text = asked("row 1;;entry V[0,0];;set b 0,0,0;;p z;;end;;until V")
    assert "z[1] = [" in text


def test_one_example_has_no_rows(capsys):
    prompt, _ = prompt_on(lm.Mix("softmax", "ll").composed(lm.Tensor([1.0, 2.0]), 0))
    assert prompt.run_batch("row 0") == 1
    said = "*** nothing here has two axes, one for examples and one for classes\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("row 4", "row takes a number, 0 to 3, or off"),
        ("row -1", "row takes a number, 0 to 3, or off"),
        ("row", "row takes a number, 0 to 3, or off"),
        ("class 3", "class takes a number, 0 to 2, or off"),
        ("class one", "class takes a number, 0 to 2, or off"),
        ("entry", "entry takes a node and the place of an entry, as in W1[2,3], or off"),
        ("entry V", "entry takes a node and the place of an entry, as in W1[2,3], or off"),
        ("entry V[1]", "entry takes a node and the place of an entry, as in W1[2,3], or off"),
        ("entry V[5,0]", "V has the shape (5, 3): it has no [5, 0]"),
        ("entry Q[0,0]", "there is no Q here: `list` shows the names"),
        ("entry X[0,0]", "X is a constant: it has no gradient"),
        ("entry V[0,99999999999]", "entry takes a node and the place of an entry"),
    ],
)
def test_a_bad_index_is_one_clear_error(typed, words, capsys):
    said = mistake(typed, capsys)
    assert said.startswith(f"*** {words}")
    assert said.count("\n") == 1


def test_two_walks_follow_the_same_row(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    (left, names), (right, _) = network(), network(np.exp)
    prompt = Prompt(Lockstep(lm.Stepper(left, names), lm.Stepper(right)))
    assert prompt.run_batch("row 2;;part;;delta;;list") == 0
    text = capsys.readouterr().out
    assert "max difference" not in text
    assert re.search(r"^dC/dz  \[.*\]  \[.*\]  \S+$", text, re.MULTILINE)
    assert max(map(len, text.splitlines())) <= 80


def side_by_side(commands):
    answers = io.StringIO()
    prompt = Prompt(Lockstep(lm.Stepper(softmax_ll()), lm.Stepper(softmax_ll("ce"))), answers)
    assert prompt.run_batch(commands) == 0
    return answers.getvalue()


def test_two_walks_are_shown_in_one_table():
    lines = side_by_side("next").splitlines()
    assert lines[0].split("  ")[1:] != []
    assert re.search(r"softmax \+ log-likelihood +softmax \+ cross-entropy", lines[0])
    assert re.search(r"\[1/8\] C = -n6 → n6 +\[1/13\] C = -n10 → n10", lines[1])


def test_part_goes_to_where_they_part_and_delta_shows_all():
    text = side_by_side("part;;part;;part;;delta;;back;;start;;goto 3")
    assert "dC/da is complete on both sides; they differ by up to 1.324" in text
    assert "dC/dz is complete on both sides; they differ by up to 0.2814" in text
    assert "no further gradients differ" in text
    assert re.search(r"^dC/dC +1 +1 +equal$", text, re.MULTILINE)


def test_where_and_list_answer_for_each_of_two_walks_as_for_one():
    both = side_by_side("goto 5;;where;;list;;goto 5;;w;;l")
    for command in ("where", "list"):
        for cost, mix in (("ll", "softmax + log-likelihood"), ("ce", "softmax + cross-entropy")):
            place = re.search(rf"^(left|right): {re.escape(mix)}  \[(\d+)/", both, re.MULTILINE)[2]
            alone = answers_to(f"goto {place};;{command}", softmax_ll(cost))
            alone = alone.removeprefix(answers_to(f"goto {place}", softmax_ll(cost)))
            assert both.count(alone) == 2


def test_two_walks_print_what_each_has():
    left, right = "left: softmax + log-likelihood", "right: softmax + cross-entropy"
    for line in ("print z", "z", "p z", "pp z"):
        text = side_by_side(line)
        assert text.startswith(f"{left}  [0/8]\nz = [2, 1, 0]")
        assert f"\n{right}  [0/13]\nz = [2, 1, 0]" in text
    text = side_by_side("end;;z.grad;;n10").split("complete on both sides")[1]
    assert "\ndelta = dC/dz = [-0.3348, 0.2447, 0.09003]\n" in text
    assert f"{left}  [8/8]\nthere is no n10 here" in text
    assert f"{right}  [13/13]\nn10 = " in text


def test_the_ends_of_both_walks_say_so():
    assert "at the start" in side_by_side("back")
    said = "at the end, every gradient is complete: type `back`, `start`, `delta` or `quit`\n"
    assert side_by_side("end;;next").endswith(said)
