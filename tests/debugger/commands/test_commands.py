"""The commands that stop, ask and change, read from what they print."""

import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lossmix as lm
from tinygrad_lossmix.debugger.lockstep import Lockstep
from tinygrad_lossmix.debugger.repl import Prompt


def softmax_ll(cost_name="ll"):
    return lm.Mix("softmax", cost_name).composed(lm.Tensor([2.0, 1.0, 0.0], name="z"), 0)


def answers_to(commands, cost=None):
    answers = io.StringIO()
    prompt = Prompt(lm.Stepper(softmax_ll() if cost is None else cost), answers)
    assert prompt.run_batch(commands) == 0
    return answers.getvalue()


def places(text):
    return re.findall(r"^\[([^\]]*)\]", text, re.MULTILINE)


def test_the_values_come_first_where_they_are_asked_for():
    text = answers_to("forward;;next;;list;;print a;;until a;;print a")
    assert places(text) == ["forward 1/8", "forward 2/8", "forward 4/8"]
    assert "a is not computed yet" in text
    assert re.search(r"^-> +n1 = exp\(z\) .*-$", text, re.MULTILINE)
    assert text.endswith("a = [0.6652, 0.2447, 0.09003]  softmax output layer a, eq. (78)\n")


def test_movements_of_several_products():
    text = answers_to("step 3;;step;;rstep 2;;over;;start;;over;;over;;goto 6;;return;;until n1")
    assert places(text) == ["3/8", "4/8", "2/8", "3/8", "0/8", "4/8", "8/8", "6/8", "8/8"]
    assert text.endswith("n1 gets no further contribution\n")


def test_movements_beyond_an_end_say_so():
    assert "at the end" in answers_to("end;;step 2")
    assert "at the start" in answers_to("rstep 2")
    assert answers_to("forward;;rstep").endswith("at the start: type `next`\n")
    assert places(answers_to("step 99")) == ["8/8"]


def test_continue_stops_at_breakpoints_both_ways_and_says_which():
    text = answers_to("b exp;;b z.grad > 0.2;;watch n1.grad;;c;;c;;c;;rc;;rc;;rc")
    assert places(text) == ["5/8", "7/8", "8/8", "7/8", "5/8", "0/8"]
    assert "3: watch n1.grad, none -> [-0.1353, 0, 0], written by a\n" in text
    assert "1: break exp; 2: break z.grad > 0.2\n" in text


def test_breakpoints_are_listed_and_cleared():
    assert answers_to("b").endswith("no breakpoints\n")
    assert answers_to("b exp;;b n1;;clear 1;;b").endswith("2: break n1\n  2  break n1\n")
    assert answers_to("b exp;;clear;;b").endswith("no breakpoints\n")


def test_a_breakpoint_of_another_recording_says_that_it_does_not_apply():
    cost = softmax_ll("ce")
    text = answers_to("b n10;;set mix softmax quadratic;;c", cost)
    assert "1: break n10 does not apply: there is no n10 here" in text


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
    assert answers_to("goto 5;;local").splitlines()[-1].endswith("shape (3, 1)")
    assert "is an input" in answers_to("args z")
    assert "no argument that is differentiated" in answers_to("local z")


def test_explain_shows_the_row_of_the_table():
    text = answers_to("explain a")
    assert "\n  → n1: g / y\n" in text
    assert "\n  → n2: g * z / -y, summed to shape (1,)\n" in text
    assert "\n  table row np.divide: g = dC/da, z = a, x = n1, y = n2\n" in text
    assert "is an input" in answers_to("explain z")


def test_explain_gives_the_formula_of_a_cost_that_is_one_node():
    cost = lm.Mix("softmax", "ce").cost(lm.Tensor([[2.0, 1.0]], name="z"), [0])
    formula = "Sa - y + (1 - y)r - a Σ(1 - y)r"
    said = f"  → z: g * delta, delta = {formula}\n"
    assert said in answers_to("explain", cost)


def test_explain_says_where_broadcasting_is_undone_and_only_there():
    w, b = lm.Tensor([[1.0], [2.0]], name="w"), lm.Tensor([1.0], name="b")
    total = (np.ones((3, 2)) @ w + b).sum()
    assert "summed to shape (1,)" in answers_to("explain n3", total)
    assert "summed to" not in answers_to("explain n2", total)


def test_constants_keep_their_names_when_a_value_is_set():
    x, w = np.array([3.0, 5.0]), lm.Tensor([1.0, 2.0], name="w")
    answers = io.StringIO()
    prompt = Prompt(lm.Stepper((x * w).sum(), {"x": x}), answers)
    assert prompt.run_batch("set w 4;;list;;p x") == 0
    assert "= x * w" in answers.getvalue()
    assert answers.getvalue().endswith("x = [3, 5]  constant\n")


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


def test_check_sees_a_wrong_rule(own_table):
    wrong = lm.derivative(lambda x: x**3, lambda g, z, x: g * x)
    x = lm.Tensor([2.0], name="x")
    said = "NOT ok: the gradient is wrong, or the cost has a kink here\n"
    assert answers_to("check x", wrong(x).sum()).endswith(said)


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


def test_set_undo_redo_and_diff():
    text = answers_to("end;;set z 0,0,0;;p z;;undo;;p z;;redo;;p z;;diff")
    assert re.findall(r"^z = (\S+ \S+ \S+) ", text, re.MULTILINE) == [
        "[0, 0, 0]",
        "[2, 1, 0]",
        "[0, 0, 0]",
    ]
    assert places(text) == ["8/8"] * 4
    assert re.search(r"^before +C +0.4076 +1$", text, re.MULTILINE)
    assert re.search(r"^after +C +1.099 +1$", text, re.MULTILINE)


def overflowing():
    return lm.Mix("sigmoid", "ce").composed(lm.Tensor([800.0, -800.0, 1.0], name="z"), 0)


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
def test_where_the_graph_gives_nan_the_prompt_says_so_and_how_to_find_it():
    text = answers_to("b nan;;end;;delta;;check z;;forward;;c", overflowing())
    assert "the cost is NaN: `forward;;continue` finds where it arises" in text
    assert "the graph gives NaN or infinity: `forward;;break nan;;continue` finds where" in text
    assert re.search(
        "^max difference +nan +cannot be compared: NaN or infinity$", text, re.MULTILINE
    )
    assert "[forward 7/13] n6 = n5 * y" in text
    assert "the cost is NaN" not in answers_to("b nan")


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
def test_a_local_derivative_that_is_infinite_leaves_the_others_as_they_are():
    text = answers_to("local n2", overflowing())
    assert text == "dn2/dn1  diag(0, inf, 0.3679)  shape (3, 3)\n"


def test_diff_keeps_the_order_of_the_inputs():
    a, b = lm.Tensor(2.0, name="a"), lm.Tensor(3.0, name="b")
    rows = answers_to("set b 5;;diff", a * b).splitlines()[-6:]
    assert [row.split()[1] for row in rows] == ["n2", "a", "b"] * 2


def test_labels_and_mix_are_set():
    text = answers_to("set y 1;;end;;delta;;set mix sigmoid ce;;end;;delta")
    assert text.count("equal, max difference") == 2
    assert "eq. (66)" in text


@pytest.mark.parametrize(
    ("commands", "seen"),
    [
        ("set z = 0,0,0;;p z", "z = [0, 0, 0]"),
        ("set z[0] 5;;p z", "z = [5, 1, 0]"),
        ("set z[-1]=-1e3;;p z", "z = [2, 1, -1000]"),
        ("set z [0, nan, inf];;p z", "z = [0, nan, inf]"),
        ("set z 3;;p z", "z = [3, 3, 3]"),
        ("set y 2;;p y", "y = [0, 0, 1]"),
        ("set y .5,.5,0;;p y", "y = [0.5, 0.5, 0]"),
        ("set mix sigmoid cross-entropy;;set y 1,1,0;;p y", "y = [1, 1, 0]"),
    ],
)
def test_whatever_is_set_is_seen_at_once(commands, seen):
    assert f"\n{seen} " in answers_to(commands)


def test_classes_of_a_batch_are_set():
    z = lm.Tensor([[2.0, 1.0, 0.0], [0.0, 1.0, 2.0]], name="z")
    text = answers_to(
        "set y 2,0;;p y;;set y 1;;p y;;end;;delta", lm.Mix("softmax", "ll").composed(z, [0, 1])
    )
    assert "y = [[0, 0, 1], [1, 0, 0]] (2, 3)" in text
    assert "y = [[0, 1, 0], [0, 1, 0]] (2, 3)" in text
    assert "equal, max difference" in text


def test_quiz_hides_the_answer_until_it_is_given():
    text = answers_to("start;;quiz;;answer -1;;quiz;;answer 1;;quiz;;answer")
    assert "C = -n6 = 0.4076, n6 = -0.4076; upstream gradient dC/dC = 1.\n" in text
    said = "Which gradient goes downstream to n6? Type `answer` and 1 number, shape ()\n"
    assert said in text
    assert "right; 1 of 1 right so far" in text
    assert "no, it is [-1, -1, -1]; 1 of 2 right so far" in text
    assert places(text) == ["0/8", "1/8", "2/8", "3/8"]


def test_print_takes_comparisons_and_what_is_at_this_stop():
    text = answers_to("p downstream;;end;;p z.grad > 0;;p position;;p downstream")
    assert text.startswith("downstream has no value yet\n")
    assert "z.grad > 0 and a > 2 = 0" in answers_to("end;;p z.grad > 0 and a > 2")
    assert "z.grad > 0 = [0, 1, 1]\nposition = 8\ndownstream = [-0.3348, 0.2447, 0.09003]\n" in text


def test_a_shortened_name_is_printed_in_full():
    name = "x" * 60
    shown = "x" * 20 + "…" + "x" * 19
    assert f"its name in full: {name}\n" in answers_to(
        f"print {shown}", lm.Tensor(1.0, name=name) * 2.0
    )


def test_an_alias_stands_for_its_commands_and_what_is_behind_it():
    assert places(answers_to("alias two next;;next\ntwo;;two")) == ["1/8", "2/8", "3/8", "4/8"]
    assert places(answers_to("alias go goto\ngo 5")) == ["5/8"]
    assert answers_to("alias go goto\nalias").endswith("  go  goto\n")
    assert answers_to("alias go goto\nalias go\nalias").endswith("no aliases\n")


def test_an_alias_inside_itself_ends():
    answers = io.StringIO()
    prompt = Prompt(lm.Stepper(softmax_ll()), answers)
    for line in ("alias one two", "alias two one;;next", "one"):
        prompt.onecmd(prompt.precmd(line))
    assert "there is no command one" in answers.getvalue()


def test_history_shows_what_was_typed():
    assert answers_to("next;;back\nhistory").endswith("  0  next;;back\n  1  history\n")


@pytest.mark.parametrize(
    ("commands", "words"),
    [
        ("step x", "a number of products"),
        ("step 0", "a number of products"),
        ("return", "not inside a function such as softmax"),
        ("until q", "there is no q"),
        ("break q", "there is no q"),
        ("watch", "watch takes a gradient"),
        ("break z >", "compares names and numbers"),
        ("clear 1", "the number of a breakpoint"),
        ("check y", "y is a constant"),
        ("draw", "draw takes the file"),
        ("draw graph.jpg", "saved as .svg"),
        ("page", "page takes the file"),
        ("page /nowhere/at/all.html", "cannot be written"),
        ("draw /nowhere/at/all.dot", "cannot be written"),
        ("set", "set takes an input"),
        ("set z 1,2", "2 numbers where the shape (3,) takes 3"),
        ("set a 1", "only an input can be set"),
        ("set mix softmax hinge", "there is no mix"),
        ("set y 9", "a class, 0 to 2"),
        ("set y", "set takes an input"),
        ("set y[0] 1", "labels are set all at once"),
        ("set z[7] 1", "it has no [7]"),
        ("set q 1", "there is no q here"),
        ("set mix softmax", "there is no mix softmax"),
        ("set mix " + "x" * 9999, "there is no mix xxx"),
        ("undo", "nothing to undo: no `set` so far"),
        ("redo", "nothing to redo"),
        ("diff", "nothing to compare: no `set` so far"),
        ("end;;quiz", "no product comes next here: type `start`, then `quiz`"),
        ("answer 1", "no question pending; type `quiz`"),
        ("quiz;;next;;answer 1", "no question pending; type `quiz`"),
        ("quiz;;answer 1,2", "2 numbers where the shape () takes 1"),
        ("alias next back", "next is already a command"),
        ("alias q", "q is already a command"),
        ("alias EOF next", "EOF is already a command"),
        ("alias zz", "there is no alias zz"),
        ("p z.grad <", "compares names and numbers"),
    ],
)
def test_a_mistake_gets_one_line_that_helps(capsys, commands, words):
    prompt = Prompt(lm.Stepper(softmax_ll()), io.StringIO())
    assert prompt.run_batch(commands) == 1
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


def test_a_mistake_on_two_walks_gets_one_line_that_helps(capsys):
    for commands in ("where z", "list z", "goto 99", "wher", "print z"):
        prompt = Prompt(Lockstep(*[lm.Stepper(softmax_ll())] * 2), io.StringIO())
        assert prompt.run_batch(commands) == 1
        assert capsys.readouterr().err.count("\n") == 1


COMMANDS = [
    *("print", "break", "watch", "until", "contrib", "check", "explain", "set", "alias", "clear"),
    *("step", "args", "local", "answer", "goto"),
]


@given(st.sampled_from(COMMANDS), st.text(st.characters(), max_size=40))
def test_whatever_is_typed_behind_a_command_is_answered(command, text):
    answers = io.StringIO()
    prompt = Prompt(lm.Stepper(softmax_ll()), answers)
    for line in (f"{command} {text}", f"{command} z{text}", "alias", "break", "history"):
        prompt.onecmd(prompt.precmd(line))
    assert answers.getvalue().replace("\n", "").isprintable()


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


def test_the_ends_of_both_walks_say_so():
    assert "at the start" in side_by_side("back")
    said = "at the end, every gradient is complete: type `back`, `start`, `delta` or `quit`\n"
    assert side_by_side("end;;next").endswith(said)


def test_a_stepper_shows_itself():
    walk = lm.Stepper(softmax_ll())
    walk.next()
    assert repr(walk) == "Stepper: [1/8] C → n6: -1"
    html = ElementTree.fromstring(f"<div>{walk._repr_html_()}</div>")
    assert "[1/8] C = -n6  → n6" in html[0].text
    hostile = lm.Stepper(lm.Tensor(1.0, name="<script>&") * 2.0)
    assert "<script>" not in hostile._repr_html_()

    class Printer:
        def text(self, text):
            self.said = text

    printer = Printer()
    walk._repr_pretty_(printer, False)
    assert printer.said.startswith("[1/8] C = -n6  → n6")
