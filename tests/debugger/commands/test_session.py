"""Aliases, history, mistakes: whatever is typed."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lossmix as lm
from tests.helpers.prompt import answers_to, places, softmax_ll
from tinygrad_lossmix.debugger.lockstep import Lockstep
from tinygrad_lossmix.debugger.repl import Prompt


def test_an_alias_stands_for_its_commands_and_what_is_behind_it():
    assert places(answers_to("alias two next;;next\ntwo;;two")) == ["1/8", "2/8", "3/8", "4/8"]
    assert places(answers_to("alias go goto\ngo 5")) == ["5/8"]
    assert answers_to("alias go goto\nalias").endswith("  go  goto\n")
    assert answers_to("alias go goto\nalias go\nalias").endswith("no aliases\n")


def test_an_alias_inside_itself_ends():
    answers = io.StringIO()
    prompt = Prompt(lm.Stepper(softmax_ll()), answers)
    for line in ("alias one two", "alias two one;;next", "one"):
        prompt.onecmd(line)
    assert "there is no command one" in answers.getvalue()


def test_history_shows_what_was_typed():
    assert answers_to("next;;back\nhistory").endswith("  0  next;;back\n  1  history\n")


@pytest.mark.parametrize(
    ("commands", "words"),
    [
        ("step x", "a number of steps"),
        ("step 0", "a number of steps"),
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
    for commands in ("where z", "list z", "goto 99", "wher", "print zz", "zz[0]", "print"):
        prompt = Prompt(Lockstep(*[lm.Stepper(softmax_ll())] * 2), io.StringIO())
        assert prompt.run_batch(commands) == 1
        assert capsys.readouterr().err.count("\n") == 1


def test_a_command_for_others_says_so(capsys):
    prompt = Prompt(Lockstep(*[lm.Stepper(softmax_ll())] * 2), io.StringIO())
    for commands in ("set z 2,1", "draw x.svg", "quiz on -1", "break"):
        assert prompt.run_batch(commands) == 1
        assert capsys.readouterr().err.endswith(
            " is for one recording: `help` lists the commands\n"
        )
    assert Prompt(lm.Stepper(softmax_ll()), io.StringIO()).run_batch("part") == 1
    assert (
        capsys.readouterr().err == "*** part is for two in lock-step: `help` lists the commands\n"
    )


COMMANDS = [
    *("print", "break", "watch", "until", "contrib", "check", "explain", "set", "alias", "clear"),
    *("step", "args", "local", "answer", "goto"),
]


@given(st.sampled_from(COMMANDS), st.text(st.characters(), max_size=40))
def test_whatever_is_typed_behind_a_command_is_answered(command, text):
    answers = io.StringIO()
    prompt = Prompt(lm.Stepper(softmax_ll()), answers)
    for line in (f"{command} {text}", f"{command} z{text}", "alias", "break", "history"):
        prompt.onecmd(line)
    assert answers.getvalue().replace("\n", "").isprintable()


def test_the_words_of_pdb_are_understood():
    for theirs, ours in [
        ("next 3;;bt", "next 3;;where"),
        ("pp z", "print z"),
        ("ll", "list"),
        ("unt a", "until a"),
        ("j 3", "goto 3"),
        ("jump 3", "goto 3"),
        ("next 3;;restart", "next 3;;start"),
        ("next 3;;run", "next 3;;start"),
        ("break a;;cl 1;;break", "break a;;clear 1;;break"),
        ("help bt", "help where"),
    ]:
        assert answers_to(theirs) == answers_to(ours)


def test_a_variable_that_is_called_like_a_word_of_pdb_is_printed():
    j = lm.Tensor([2.0, 3.0], name="j")
    assert answers_to("j", (j * j).sum()) == "j = [2, 3]\n"
    assert answers_to("j > 2", (j * j).sum()) == "j > 2 = [False, True]\n"
