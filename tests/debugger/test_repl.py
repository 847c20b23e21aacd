"""The prompt, read from what it prints."""

import io
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lossmix as lm
from tests.helpers.prompt import answers_to, on_one_line, places, prompt_on, softmax_ll
from tinygrad_lossmix.debugger.repl import Prompt


def mistake(capsys, command, **names):
    prompt, _ = prompt_on(lm.Mix("softmax", "ll").composed(lm.Tensor([2.0, 1.0]), 0), **names)
    assert prompt.run_batch(command) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_a_stop_shows_the_upstream_local_and_downstream_gradient_and_their_sum():
    assert answers_to("goto 7") == (
        "[7/8] n2 = sum(n1, axis=-1, keepdims=True)  → n1\n"
        "      dC/dn1 += broadcast_to(dC/dn2, (3,))\n"
        "      upstream     dC/dn2             [0.09003]\n"
        "      local        dn2/dn1            [[1, 1, 1]]\n"
        "      downstream   → n1               [0.09003, 0.09003, 0.09003]\n"
        "      accumulated  dC/dn1 (complete)  [-0.0453, 0.09003, 0.09003]\n"
    )
    assert answers_to("goto 5").splitlines()[-1] == (
        "      accumulated  dC/dn1 (1 of 2)  [-0.1353, 0, 0]"
    )


@pytest.mark.parametrize(
    ("position", "words"),
    [
        (0, "log-likelihood cost C, eq. (80)"),
        (1, "log-likelihood cost C, eq. (80)"),
        (4, "softmax output layer a, eq. (78)"),
        (5, "softmax output layer a, eq. (78)"),
        (8, "logits z, their gradient is delta, eq. (84)"),
    ],
)
def test_a_stop_names_the_quantity_of_the_book(position, words):
    assert answers_to(f"goto {position}").splitlines()[0].endswith(words)


def test_back_after_next_shows_the_same_stop():
    there, once_more = answers_to("goto 3"), answers_to("goto 3;;next;;back")
    assert once_more == there + answers_to("goto 4") + there


def test_python_s_way_to_leave_leaves():
    for line in ("quit()", "exit()", "quit ()", "q()"):
        assert answers_to(f"{line};;next") == ""
    assert answers_to("next()") == answers_to("next")


def test_a_variable_named_like_a_command_for_two_walks_is_printed():
    x = lm.Tensor([2.0, 1.0], name="part")
    assert answers_to("part", (x * x).sum()).startswith("part = [2, 1]")


def test_only_that_is_left_out(capsys):
    assert "quit takes no argument" in mistake(capsys, "quit now")


def test_short_names_do_what_the_long_ones_do():
    pairs = [("n", "next"), ("p z", "print z"), ("w", "where"), ("d", "delta"), ("l", "list")]
    for short, long in pairs:
        assert answers_to(f"goto 5;;{short}") == answers_to(f"goto 5;;{long}")


def test_where_multiplies_the_local_derivatives_along_the_way_to_the_cost():
    assert answers_to("goto 4;;where").splitlines()[6:] == [
        "from a to C:",
        "                      local                      product from C down",
        "  a   → n4 = log(a)   diag(1.503, 4.086, 11.11)  [-1.503, 0, 0]",
        "  n4  → n5 = n4 * y   diag(1, 0, 0)              [-1, 0, 0]",
        "  n5  → n6 = sum(n5)  [1, 1, 1]                  [-1, -1, -1]",
        "  n6  → C = -n6       -1                         -1",
    ]
    assert answers_to("where") == "at the cost C: type `next` for the first product\n"
    said = "in the forward pass: no gradients yet; type `start` for the backward pass\n"
    assert answers_to("forward;;where").endswith(said)


def test_where_shows_the_gradient_as_the_sum_over_all_paths():
    assert answers_to("end;;where").splitlines()[-4:] == [
        "delta = dC/dz is the sum over 2 paths:",
        "  path 1  [-1, 0, 0]                  n1 > a > n4 > n5 > n6 > C",
        "  path 2  [0.6652, 0.2447, 0.09003]   n1 > n2 > a > n4 > n5 > n6 > C",
        "  sum     [-0.3348, 0.2447, 0.09003]",
    ]
    assert "dC/dn1 so far is the sum over 1 path:" in answers_to("goto 5;;where")
    x = lm.Tensor(0.5, name="x")
    product = x * x * x
    assert answers_to("end;;where", product).splitlines()[-4:] == [
        *(f"  path {i}  0.25  {way}" for i, way in enumerate(["n2", "n1 > n2", "n1 > n2"], 1)),
        "  sum     0.75",
    ]


def test_where_counts_paths_that_are_too_many_to_list():
    x = lm.Tensor(1.0, name="x")
    for _ in range(4):
        x = 0.5 * x + 0.5 * x
    assert answers_to("end;;where", x).splitlines()[-2:] == [
        "dn12/dx is the sum over 16 paths:",
        "  sum  1",
    ]
    for _ in range(60):
        x = 0.5 * x + 0.5 * x
    assert "over more than 1,000,000 paths:" in answers_to("end;;where", x)


def test_a_local_derivative_of_many_entries_is_shown_entry_by_entry():
    x = lm.Tensor(np.ones(100), name="x")
    said = answers_to("end", (x * 2.0).sum())
    assert re.search(r"local .*diag\(2, 2, 2, \.\.\., 2, 2, 2\)", said)
    slopes = answers_to("end", (x * np.arange(100.0)).sum()).splitlines()[3]
    assert slopes.split()[2:] == ["diag(0,", "1,", "2,", "...,", "97,", "98,", "99)"]
    matrices = answers_to("end", (lm.Tensor(np.ones((2, 2))) * np.arange(4.0).reshape(2, 2)).sum())
    headings = [
        r"upstream dn2/dn1 \(2, 2\)",
        r"local dn1/dn0 \(2, 2\)",
        r"downstream → n0 \(2, 2\)",
    ]
    assert re.search(" +".join(headings) + "\n", matrices)
    assert re.search(r"\n1  1  1 +1  2  3 +1  2  3\n", matrices)


def test_a_local_derivative_that_is_no_grid_is_not_shown():
    z = lm.Tensor(np.ones((4, 20)), name="z")
    assert "local dn1/dz  too large to show\n" in answers_to("end", lm.softmax(z).sum())


@pytest.mark.parametrize(
    "move",
    [
        lambda x: x[[0, 1, 1]],
        lambda x: x.T,
        lambda x: x.reshape(-1),
        lambda x: np.stack([x, x]),
        lambda x: np.roll(x, 1),
        lambda x: np.pad(x, 1),
    ],
)
def test_a_local_derivative_of_what_moves_entries_is_said_however_large(move):
    x = lm.Tensor(np.arange(20.0).reshape(4, 5), name="x")
    assert "/dx  1 where an entry goes, else 0\n" in answers_to("end", move(x).sum())


def test_where_cuts_a_long_path():
    x = lm.Tensor(1.0)
    for _ in range(500):
        x = x * 1.0
    assert "... and 482 more, up to n500" in answers_to("end;;where", x)


def test_delta_is_shown_beside_a_minus_y_once_it_is_complete():
    assert "not computed yet, the first contribution comes at [8/8]" in answers_to("delta")
    delta, difference = answers_to("end;;delta").splitlines()[-2:]
    assert delta.split("  ")[:2] == ["delta = dC/dz", "[-0.3348, 0.2447, 0.09003]"]
    assert re.fullmatch(
        r"a - y +\[-0.3348, 0.2447, 0.09003\]  equal, max difference \S+", difference
    )


def test_delta_says_how_far_a_crossed_pair_is_from_a_minus_y():
    cost = lm.Mix("sigmoid", "ll").composed(lm.Tensor([2.0, 1.0, 0.0]), 0)
    assert "max difference 0.7311; delta is -y(1 - a)\n" in answers_to("end;;delta", cost)


def test_delta_says_how_much_of_it_is_accumulated():
    z = lm.Tensor([2.0, 1.0], name="z")
    cost = lm.Mix("sigmoid", "quadratic").composed(z, 0) + (z * z).sum()
    text = answers_to("n;;" * 4 + "delta", cost).splitlines()[-2]
    assert "of 3 contributions so far" in text


def test_delta_says_where_there_is_no_mix():
    assert on_one_line(answers_to("delta", lm.Tensor(1.0) * 2.0)) == (
        "no delta: the recording has no sigmoid or softmax layer with one of the costs "
        "cross_entropy, log_likelihood, quadratic"
    )


def test_a_batch_of_examples_is_compared_with_a_minus_y_over_their_number():
    z = lm.Tensor(np.arange(12.0).reshape(4, 3), name="z")
    mix, y = lm.Mix("softmax", "ll"), [0, 1, 2, 0]
    for cost in (mix.composed(z, y), mix.cost(z, y)):
        delta = answers_to("end;;delta", cost).splitlines()[-6:]
        headings = r"delta/n = dC/dz \(4, 3\)  n = 4, eq\. \(84\) +\(a - y\)/n \(4, 3\)"
        assert re.fullmatch(rf"{headings}  equal, max difference \S+", delta[0])
        assert delta[2].split() == ["0", "-0.2275", "0.06118", "0.1663"] * 2
        assert "\n(a - y)/n (4, 3)  n = 4\n" in answers_to("delta", cost)
        said = "accumulated delta/n = dC/dz (complete)  as downstream\n"
        assert answers_to("end", cost).endswith(said)
    said = "  dC/dz = softmax_ll_delta(z, [0, 1, 2, 0]) * (dC/dC / 4)\n"
    assert said in answers_to("explain", mix.cost(z, y))


def test_where_the_cost_of_a_mix_is_a_part_of_another_its_gradient_is_not_called_delta():
    z = lm.Tensor([2.0, 1.0, 0.0], name="z")
    text = answers_to("end;;delta", 2.0 * lm.Mix("softmax", "ll").composed(z, 0))
    assert "delta = " not in text
    assert "their gradient is" not in text
    said = "max difference 0.3348; n8 is more than the cost of softmax + log-likelihood"
    assert on_one_line(text).endswith(said)


def test_the_ends_say_so_and_are_no_mistakes():
    assert "at the start" in answers_to("back")
    assert "at the end" in answers_to("end;;next")


def test_an_empty_command_repeats_the_last_movement():
    prompt, answers = prompt_on(lm.Mix("softmax", "ll").composed(lm.Tensor([2.0, 1.0]), 0))
    for line in ("next", "", "where", "", "back", ""):
        prompt.onecmd(line)
    assert re.findall(r"\[(\d)/8\]", answers.getvalue()) == ["1", "2", "3", "2", "1"]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("wher", "did you mean where?"),
        ("nxet", "did you mean next?"),
        ("bac", "did you mean back?"),
        ("frobnicate", "`help` lists the commands"),
        ("import os", "`help` lists the commands"),
        ("display z.grad", "there is no command display: `help` lists the commands"),
        ("condition 1 z.grad > 0.5", "there is no command condition"),
        ("tbreak z.grad > 0.5", "there is no command tbreak: did you mean break?"),
        ("!ls", "!ls is not evaluated: type NAME, NAME.grad, NAME.T, NAME[0, :] or a comparison"),
        ("__import__('os').system('true')", "is not evaluated: type NAME"),
        ("np.abs(z).max()", "np.abs(z).max() is not evaluated: type NAME"),
        ("a - y", "a - y is not evaluated: type NAME"),
        ("z = 3", "z = 3 is not evaluated: `set` changes a value, as in `set z 0`"),
        ("zz > 1", "there is no zz here: did you mean z?"),
        *((numbers, "did you mean answer?") for numbers in ("3", "-1", "-.5, 0", "[1, 0]")),
        ("goto 9", "the number of a stop, 0 to 8"),
        ("goto " + "9" * 10_000, "the number of a stop, 0 to 8"),
        ("goto -1", "the number of a stop, 0 to 8"),
        ("goto", "the number of a stop, 0 to 8"),
        ("print", "print takes NAME or NAME.grad; `list` shows the names"),
        ("print q", "`list` shows the names"),
        ("print n44", "did you mean n4?"),
        ("print y.grad", "y is a constant"),
        ("next x", "next takes a number of steps, or nothing for one"),
        ("over 3", "over takes no argument"),
        ("help frobnicate", "`help` lists the commands"),
    ],
)
def test_a_mistake_gets_one_line_that_helps(capsys, command, words):
    assert words in mistake(capsys, command)


def test_a_batch_ends_at_the_first_mistake(capsys):
    prompt, answers = prompt_on(lm.Tensor(1.0) * 2.0)
    assert prompt.run_batch("next;;foo;;back") == 1
    assert answers.getvalue().startswith("[1/1]")
    assert "[0/1]" not in answers.getvalue()


def test_a_batch_ends_at_quit():
    assert answers_to("quit;;foo") == ""


def test_help_explains_every_command():
    text = answers_to("help")
    prompt, _ = prompt_on(lm.Tensor(1.0))
    commands = prompt.session.commands
    assert len(commands) > 30
    for name in set(commands) - {"EOF", "exit"}:
        assert f"  {name} " in text
    assert answers_to("help n").strip().startswith("next")


def test_help_is_in_groups_and_fits(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = answers_to("help").splitlines()
    topics = ["move", "stop", "look", "change", "learn", "session"]
    assert [line for line in lines if line in topics] == topics
    assert max(map(len, lines)) <= 80
    for topic in topics:
        part = answers_to(f"help {topic}").splitlines()
        assert part[0] == topic
        assert not set(part[1:]) & set(topics)


def test_a_name_alone_is_printed_unless_it_is_a_command():
    h = lm.Tensor([0.5, 0.25], name="h")
    list_ = lm.Tensor([1.0, 2.0], name="list")
    end = (h * list_).sum()
    assert answers_to("h", end) == answers_to("print h", end) == "h = [0.5, 0.25]\n"
    assert answers_to("h.grad", end) == answers_to("print h.grad", end)
    assert "not computed yet" in answers_to("h.grad", end)
    assert "gradient so far" in answers_to("list", end)
    assert "list = [1, 2]" in answers_to("print list", end)
    assert "Typed alone" in answers_to("h")


@pytest.mark.parametrize(
    "text",
    [
        "h > 0.3",
        "0.3 < h",
        "h>0.3 and position > 1",
        "h[1]",
        "dC/dh",
        "h.grad[-1]",
        "upstream",
        "softmax",
    ],
)
def test_what_print_understands_is_printed_where_it_is_typed_alone(text):
    h = lm.Tensor([0.5, 0.25], name="h")
    end = lm.Mix("softmax", "ll").composed(h, 0)
    assert answers_to(f"end;;{text}", end) == answers_to(f"end;;print {text}", end)


def test_a_short_name_of_a_command_that_moves_is_never_a_name():
    n, a = lm.Tensor(2.0, name="n"), lm.Tensor(3.0, name="a")
    assert places(answers_to("n;;n;;", n * a)) == ["1/2", "2/2"]
    assert answers_to("a", n * a) == "a = 3\n"
    assert "= n * a" in answers_to("args", n * a)
    assert answers_to("a").startswith("C = -n6"), "the book's a is not the caller's"


@given(st.text(st.characters(), max_size=60))
def test_whatever_is_typed_is_answered(text):
    prompt, answers = prompt_on(lm.Tensor(1.0, name="x") * 2.0)
    for line in (text, f"print {text}", f"goto {text}"):
        prompt.onecmd(line)
    assert answers.getvalue().replace("\n", "").isprintable()


@given(st.text(st.characters(), min_size=1, max_size=60))
def test_whatever_a_node_is_called_is_printed_safely(name):
    prompt, answers = prompt_on(lm.Tensor([1.0, 2.0], name=name).exp().sum())
    assert prompt.run_batch("next;;next;;where;;list") == 0
    assert answers.getvalue().replace("\n", "").isprintable()


def test_no_colour_is_written_where_there_is_no_terminal():
    assert "\x1b" not in answers_to("next;;where;;list;;help")


def test_names_are_completed():
    prompt, _ = prompt_on(lm.Mix("softmax", "ll").composed(lm.Tensor([2.0, 1.0]), 0))
    assert prompt.completedefault("n", "print n") == ["n1", "n2", "n4", "n5", "n6"]
    assert prompt.completedefault("z", "set z") == ["z"]
    assert prompt.completedefault("n", "where n") == []
    assert "where" in prompt.completenames("wh")
    assert prompt.completenames("z") == ["z"]
    assert prompt.completenames("z.") == prompt.completedefault("z.g", "print z.g") == ["z.grad"]


def test_the_callers_variables_are_shown_and_may_be_typed():
    x, b = np.array([[1.0, 2.0], [3.0, 4.0]]), lm.Tensor(0.5)
    W = lm.Tensor([[1.0, 2.0], [3.0, 5.0]])
    a = lm.book.softmax(x @ W + b)
    loss = again = lm.book.log_likelihood(a, [0, 1])
    answers = io.StringIO()
    prompt = Prompt(lm.Stepper(loss), answers)
    assert prompt.run_batch("print W;;print x;;print loss;;print again;;args n2") == 0
    said = answers.getvalue()
    assert re.findall(r"^(\w+) (?:= |\()", said, re.MULTILINE)[:4] == ["W", "x", "loss", "again"]
    assert "n2 = x @ W" in said
    assert prompt.run_batch("set mix softmax quadratic;;print W;;print loss") == 0
    assert again is loss


def test_answers_are_styled_by_names_that_the_theme_has(monkeypatch):
    prompt, said = prompt_on(softmax_ll())[0], []
    monkeypatch.setattr(prompt, "_say", said.append)
    looks = "help;;list;;next;;where;;explain;;delta;;args;;local;;p z;;p z.grad;;check z;;history"
    prompt.run_batch(f"{looks};;explain softmax;;quiz;;entry z[0];;contrib z;;break z;;continue")
    styles = {str(each.style) for text in said for each in (text, *text.spans)}
    assert (
        {"name", "flow", "book", "quiet"} <= styles <= {"", "bold", "name", "flow", "book", "quiet"}
    )
