"""Whatever is typed: an answer, or one error that says what was wrong; nothing written by halves.

A new command without an entry below fails. Each text takes the place of X in each line.
"""

import itertools
import os
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner

from tests.helpers.hostile import INTERNAL
from tests.helpers.quick import every, thinned
from tinygrad_lossmix.cli import COMMANDS, main

TEXTS = [
    *("", " ", "x" * 10_000, "--", "-", "-1", "0", "nan", "inf", "1e400", "1,2,", ",", "½", "٣"),
    *("\udcff", "\u202e", "..", "/dev/null/x", "0x10", "None", "softmax;ll", "$(id)"),
    *("9" * 30, "0.5", "{}", "[]", "a:b", "os:nothing", "no.such:thing", "\r\n", "*", "~", "%s"),
]

QUICK = ("--mixes", "softmax ll", "--seeds", "1", "--epochs", "1", "--data", "few.csv")
FUNCTION = ("demos.network:loss", "--input", "3x5", "--input", "5", "--input", "5x3", "--input")
MIXED = [("X", "ll"), ("softmax", "X"), ("softmax", "ll", "X")]
ON_Z = [*MIXED, ("softmax", "ll", "--z", "X"), ("softmax", "ll", "--y", "X")]

COMMAND_LINES = {
    "compare": [
        (*QUICK, "X"),
        *[(*QUICK, option, "X") for option in ("--mixes", "--seeds", "--epochs", "--hidden")],
        *[(*QUICK, option, "X") for option in ("--eta", "--batch", "--data", "--dtype", "--plot")],
    ],
    "report": [
        ("--only", "graphs", "X"),
        ("--only", "X"),
        ("--workers", "X", "--only", "graphs"),
        ("--only", "graphs", "--beside", "softmax", "X"),
    ],
    "verdict": [("X",), ("softmax", "X"), ("softmax", "ll", "--classes", "X")],
    "claims": [("X",), ("--X",)],
    "names": [("X",)],
    "delta": [*ON_Z, ("softmax", "ll", "--beside", "X", "ll")],
    "match": [("X",), ("output", "X"), ("cost", "X"), ("output", "softmax", "--classes", "X")],
    "prove": [*MIXED, ("softmax", "ll", "--classes", "X")],
    "step": [
        *[(*line, "--batch") for line in ON_Z],
        ("softmax", "ll", "--batch", "-c", "X"),
        ("softmax", "ll", "--batch", "-c", "print X"),
        ("softmax", "ll", "--batch", "-c", "draw X"),
        ("softmax", "ll", "--batch", "--beside", "softmax", "X"),
    ],
    "draw": [
        *ON_Z,
        ("X:loss", "--input", "3"),
        ("demos.network:X", "--input", "3"),
        (*FUNCTION, "X"),
        (*FUNCTION, "3", "--seed", "X"),
        *[("softmax", "ll", "-o", "X"), ("softmax", "ll", "-o", "X.svg")],
    ],
    "page": [*[(*line, "-o", "p.html") for line in ON_Z], ("-o", "X"), ("-o", "X.html")],
    "check": [
        ("X",),
        *MIXED,
        *[("softmax", "ll", option, "X") for option in ("--input", "--method", "--mode")],
        *[("softmax", "ll", option, "X") for option in ("--order", "--seed")],
        ("math:sin", "--input", "X"),
    ],
    "diagnose": [
        ("X",),
        *[("0.5", option, "X") for option in ("--npz", "--classes", "--accuracy")],
    ],
    "plateau": [("X",), *[("0.5", option, "X") for option in ("--classes", "--accuracy")]],
    "doctor": [("X",)],
}


def test_every_command_has_an_entry():
    assert {name for group in COMMANDS.values() for name in group} == set(COMMAND_LINES)


def few(folder):
    """A few examples to train on."""
    rows = [f"{i % 3},{i % 5},{i % 2}" for i in range(40)]
    (folder / "few.csv").write_text("\n".join(rows))


def trouble(args):
    """What is wrong with how the command line takes its arguments; '' for nothing."""
    done = CliRunner().invoke(main, args, input="")
    if done.exception and not isinstance(done.exception, SystemExit):
        return f"{type(done.exception).__name__}: {done.exception}"
    if done.exit_code not in (0, 1, 2) or "Traceback" in done.output:
        return f"exit code {done.exit_code}: {done.stderr}"
    messages = len(re.findall(r"^(Error: |\*\*\* )", done.stderr, re.MULTILINE))
    if done.exit_code == 2 and messages != 1:
        return f"{messages} messages: {done.stderr}"
    if done.exit_code and not done.output.strip():
        return f"exit code {done.exit_code} without a word"
    if any(part in done.stderr for part in INTERNAL):
        return f"speaks of our inside: {done.stderr}"
    return ""


@every(23)
@pytest.mark.parametrize("command", COMMAND_LINES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_whatever_is_typed_gets_an_answer_or_one_clear_error(command, every, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    few(tmp_path)
    troubles = []
    for line, text in list(itertools.product(COMMAND_LINES[command], TEXTS))[::every]:
        args = [command, *(word.replace("X", text) for word in line)]
        if wrong := trouble(args):
            troubles.append(f"{' '.join(args)[:100]!r}: {wrong[:300]}")
    assert troubles == []


WRITES = {
    "draw svg": ("draw", "softmax", "ll", "-o", "{}.svg"),
    "draw mmd": ("draw", "softmax", "ll", "-o", "{}.mmd"),
    "draw walk": ("draw", "softmax", "ll", "--animate", "-o", "{}.svg"),
    "draw dot": ("draw", "softmax", "ll", "-o", "{}.dot"),
    "page": ("page", "softmax", "ll", "-o", "{}.html"),
    "step draw": ("step", "softmax", "ll", "--batch", "-c", "draw {}.svg"),
    "step page": ("step", "softmax", "ll", "--batch", "-c", "page {}.html"),
    "compare": ("compare", *QUICK, "--out", "{}"),
    "compare plot": ("compare", *QUICK, "--plot", "{}.svg"),
    "report": ("report", "--only", "graphs", "--out", "{}"),
}


@pytest.mark.parametrize("name", WRITES)
def test_what_cannot_be_written_is_one_error_and_leaves_nothing(name, tmp_path, monkeypatch):
    *args, target = WRITES[name]
    monkeypatch.chdir(tmp_path)
    few(tmp_path)
    (tmp_path / "file").write_text("kept")
    (tmp_path / "taken.svg").mkdir()
    for suffix in (".dot", ".html", ".mmd"):
        (tmp_path / f"taken{suffix}").mkdir()
    before = sorted(tmp_path.rglob("*"))
    places = [tmp_path / "file" / "under"]
    folders = name == "report" or name.startswith("compare")
    places += [] if folders else [tmp_path / "missing" / "x", tmp_path / "taken"]
    for place in places:
        done = CliRunner().invoke(main, [*args, target.format(place)])
        assert (done.exit_code, type(done.exception)) in ((1, SystemExit), (2, SystemExit))
        assert len(re.findall(r"^(Error: |\*\*\* )", done.stderr, re.MULTILINE)) == 1
        assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device here")
@pytest.mark.parametrize(
    "args",
    thinned(
        [
            ((),),
            (("delta", "softmax", "ll"),),
            (("draw", "softmax", "ll"),),
            (("plateau", "2.3", "--json"),),
            (("--help",),),
        ],
        4,
    ),
    ids=" ".join,
)
def test_a_full_disk_is_one_error(args):
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "tinygrad_lossmix", *args]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
