"""`lossmix compare` as a user sees it."""

import functools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import tinygrad_lossmix
from tests.helpers.once import verdict_on
from tests.helpers.quick import thinned
from tinygrad_lossmix.cli import main
from tinygrad_lossmix.cli.options import chosen
from tinygrad_lossmix.lab.tasks import answer
from tinygrad_lossmix.mixes.mix import MIXES, Mix

NAMES = [f"{mix.output} {mix.cost_name}" for mix in MIXES]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to run in, with a small data file: three groups of points in the plane."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    y = np.arange(30) % 3
    x = np.eye(3)[y][:, :2] * 5 + np.random.default_rng(0).normal(size=(30, 2))
    np.savetxt("points.csv", np.column_stack([x, y]), delimiter=",")
    return tmp_path


def compare(*args: str) -> Result:
    fast = ["--data", "points.csv", "--seeds", "2", "--epochs", "2", "--hidden", "3"]
    return CliRunner().invoke(main, ["compare", *fast, *args])


@functools.cache
def printed(*args: str) -> str:
    """All that is printed with no number of columns set, computed once for many tests."""
    result = compare(*args)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def test_the_table_has_a_row_and_a_diagnosis_for_every_mix() -> None:
    table, rest = printed().split("\nProblems after 2 epochs\n")
    for name in NAMES:
        assert len(re.findall(rf"^{name} ", table, re.MULTILINE)) == 2
        assert re.search(rf"^{name} +\w", rest, re.MULTILINE)


def test_the_table_says_which_delta_is_a_minus_y() -> None:
    lines = printed().splitlines()
    rows = {name: next(line for line in lines if name in line) for name in NAMES}
    first = {name: line.removeprefix(name).split()[0] for name, line in rows.items()}
    assert set(first.values()) == {"yes", "no"}
    assert [name for name in NAMES if first[name] == "yes"] == ["sigmoid ce", "softmax ll"]


def test_the_table_says_which_mixes_are_proper_and_convex() -> None:
    lines = printed().splitlines()
    header = next(line for line in lines if "proper convex" in line)
    for name in NAMES:
        verdict = verdict_on(Mix(*name.split()), 3)
        line = next(line for line in lines if name in line)
        for word, found in (("proper", verdict.proper), ("convex", verdict.convex)):
            assert line[header.index(word) :].split()[0] == ("yes" if found else "no")


def test_redirected_output_is_plain_and_at_most_100_columns_wide() -> None:
    assert "\x1b" not in printed()
    assert max(map(len, printed().splitlines())) <= 100


def test_at_80_columns_every_row_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = compare().stdout.splitlines()
    assert max(map(len, lines)) <= 80
    start = next(i for i, line in enumerate(lines) if line.startswith("───"))
    for name, row in zip(NAMES, lines[start + 1 : start + 7], strict=True):
        assert re.fullmatch(rf"{name} +(yes|no) +(yes|no) +(yes|no) +\S+ ± \S+ +\S+ +\S+ +\S+", row)


def test_each_delta_is_below_the_table_with_its_distance_from_a_minus_y() -> None:
    found = json.loads(printed("--json"))["mixes"]
    text = printed()
    assert "delta in closed form; max |delta - (a - y)| on a mini-batch\n" in text
    assert "\nS = sum of y = 1, e = a - y, r = a/(1 - a)\n" in text
    for name, mix, each in zip(NAMES, MIXES, found, strict=True):
        line = rf"^{name} +{re.escape(mix.formula)} +{each['delta_error']:.4g}$"
        assert re.search(line, text, re.MULTILINE)


def test_json_is_one_object_with_what_the_files_hold(folder: Path) -> None:
    result = compare("--json", "--out", "out")
    found = json.loads(result.stdout)
    assert found == json.loads((folder / "out" / "results.json").read_text())
    assert result.stderr == "wrote out/results.json, out/results.csv\n"
    assert [f"{m['output']} {m['cost']}" for m in found["mixes"]] == NAMES
    for mix in found["mixes"]:
        assert 0 <= mix["accuracy"]["mean"] <= 1
        assert mix["proper"] == (mix["output"] != "sigmoid" or mix["cost"] != "ll")
        assert mix["convex"] == (mix["cost"] == "ll" or mix["output"] + mix["cost"] == "sigmoidce")
        assert {"accuracy", "ece", "epochs_to_95", "final_cost", "delta", "delta_error"} < set(mix)
        assert [len(curve["test_accuracy"]) for curve in mix["curves"]] == [2, 2]
    assert found["settings"]["data"] == "points.csv"
    rows = (folder / "out" / "results.csv").read_text().splitlines()
    assert len(rows) == 1 + 6 * 2 * 2


def test_without_out_nothing_is_written(folder: Path) -> None:
    before = sorted(folder.iterdir())
    result = compare("--mixes", "softmax ll")
    assert (result.exit_code, result.stderr) == (0, "")
    assert sorted(folder.iterdir()) == before


def test_json_has_null_for_what_is_not_a_finite_number() -> None:
    found = json.loads(compare("--json", "--seeds", "1", "--eta", "1e308").stdout)
    assert all(mix["accuracy"]["std"] is None for mix in found["mixes"])
    assert any("diverged" in mix["diagnosis"] for mix in found["mixes"])


def test_a_diverged_mix_is_a_dash_and_a_sentence() -> None:
    result = compare("--eta", "1e308", "--mixes", "softmax ll")
    assert result.exit_code == 0
    assert "nan" not in result.stdout
    assert "diverged" in result.stdout


def test_mixes_are_chosen_in_order_and_once() -> None:
    found = json.loads(compare("--json", "--mixes", " softmax  ll,sigmoid ce,softmax ll").stdout)
    assert [mix["output"] for mix in found["mixes"]] == ["softmax", "sigmoid"]


def test_all_mixes_are_the_six_and_lml_with_the_cost_that_goes_with_it() -> None:
    found = [mix.words for mix in chosen(None, None, "all")]
    assert found == [*NAMES, "lml ce"]
    text = compare("--mixes", "lml ce").stdout
    assert re.search(r"^lml ce +(yes +){3}\d", text, re.MULTILINE)
    assert "s = a(1 - a), w = s/sum of s" in text


def test_runs_do_not_depend_on_which_other_mixes_run() -> None:
    every = json.loads(printed("--json"))["mixes"]
    alone = json.loads(compare("--json", "--mixes", "softmax ll").stdout)["mixes"]
    assert alone[0]["curves"] == every[NAMES.index("softmax ll")]["curves"]


def test_out_is_where_results_go(folder: Path) -> None:
    assert compare("--out", "a/b", "--mixes", "softmax ll").exit_code == 0
    assert (folder / "a" / "b" / "results.json").exists()


@pytest.mark.parametrize("dtype", thinned(["float32", "float64"], 2))
def test_digits_are_the_default(dtype: str) -> None:
    one = ["--mixes", "softmax ll", "--epochs", "1", "--seeds", "1", "--json", "--dtype", dtype]
    result = CliRunner().invoke(main, ["compare", *one])
    settings = json.loads(result.stdout)["settings"]
    assert (settings["data"], settings["rows"], settings["dtype"]) == ("digits", 1797, dtype)


@pytest.mark.parametrize(
    "args",
    [
        ["--seeds", "0"],
        ["--seeds", "x"],
        ["--epochs", "-1"],
        ["--hidden", "0"],
        ["--batch", "0"],
        ["--eta", "0"],
        ["--eta", "nan"],
        ["--eta", "inf"],
        ["--eta", "-1"],
        ["--dtype", "int8"],
        ["--mixes", ""],
        ["--mixes", "softmax"],
        ["--mixes", "tanh ll"],
        ["--mixes", "softmax ll;sigmoid ce"],
        ["--data", "missing.csv"],
        ["--data", "."],
        ["--out", "points.csv"],
        ["surplus"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_2_with_one_error_and_trains_nothing(
    args: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tinygrad_lossmix.lab.studies.train", None)
    result = compare(*args)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("Error: ") == 1
    assert "Traceback" not in result.stderr


def test_an_unknown_mix_is_answered_with_the_six() -> None:
    stderr = " ".join(compare("--mixes", "softmax hinge").stderr.split())
    assert all(name in stderr for name in NAMES)


@pytest.mark.parametrize("content", ["", "1,2\n", "1,2,0\n1,2,-1\n", "1,nan,0\n1,2,1\n", "\0\0"])
def test_unusable_data_is_one_line_on_stderr(folder: Path, content: str) -> None:
    (folder / "bad.csv").write_text(content)
    result = compare("--data", "bad.csv")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: bad.csv: ")
    assert result.stderr.count("\n") == 1


def test_classes_by_name_are_listed_in_printable_letters(folder: Path) -> None:
    names = "iris\x1b[31m", "setosa"
    rows = [f"{i % 7},{i % 5},{names[i % 2]}\n" for i in range(24)]
    (folder / "flowers.csv").write_text("length,width,species\n" + "".join(rows))
    result = compare("--data", "flowers.csv", "--mixes", "softmax ll")
    assert (result.exit_code, result.stderr) == (0, "")
    text = " ".join(result.stdout.split())
    assert text.startswith("flowers.csv: 24 examples, ")
    assert "float64; classes 0, 1, …: iris\\x1b[31m, setosa " in text
    result = compare("--data", "flowers.csv", "--mixes", "softmax ll", "--json")
    found = json.loads(result.stdout)
    assert found["settings"]["class_names"] == list(names)


def test_features_too_large_for_the_dtype_are_one_line_on_stderr(folder: Path) -> None:
    (folder / "big.csv").write_text("1e308,0\n-1e308,0\n1e308,1\n-1e308,1\n")
    result = compare("--data", "big.csv")
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1


@pytest.fixture
def interrupted_after_seven(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ctrl-C in the eighth run."""
    started = []

    def until_ctrl_c(*args: Any) -> Any:
        started.append(args)
        if len(started) == 8:
            raise KeyboardInterrupt
        return answer(*args)

    monkeypatch.setattr("tinygrad_lossmix.lab.tasks.answer", until_ctrl_c)
    return


@pytest.mark.usefixtures("interrupted_after_seven")
def test_ctrl_c_keeps_what_was_finished_and_says_so(folder: Path) -> None:
    result = compare("--json", "--out", "out")
    assert result.exit_code == 130
    assert "7 of 12 runs" in result.stderr
    found = json.loads(result.stdout)
    assert not found["complete"]
    assert [len(mix["curves"]) for mix in found["mixes"]] == [2, 1, 1, 1, 1, 1]
    assert json.loads((folder / "out" / "results.json").read_text()) == found


@pytest.mark.skipif(os.name == "nt", reason="signals are sent in another way there")
def test_a_real_interrupt_exits_130_without_a_traceback(folder: Path) -> None:
    args = ["compare", "--data", "points.csv", "--epochs", "1000000", "--out", "results"]
    heeding = "signal.signal(signal.SIGINT, signal.default_int_handler)"  # in the background too
    run = "runpy.run_module('tinygrad_lossmix', run_name='__main__', alter_sys=True)"
    with subprocess.Popen(
        [sys.executable, "-c", f"import runpy, signal; {heeding}; {run}", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(tinygrad_lossmix.__file__).parents[1])},
    ) as process:
        while process.poll() is None and not (folder / "results").exists():
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        try:
            stdout, stderr = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, stdout) == (130, "")
    assert "interrupted: 0 of 30 runs" in stderr
    assert "Traceback" not in stderr


def test_another_ending_of_the_plot_is_refused_before_anything_is_computed(folder: Path) -> None:
    result = compare("--plot", "curves.pdf")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "a name ending in .svg or .png is wanted, not curves.pdf" in result.stderr
    assert not (folder / "curves.pdf").exists()


@pytest.mark.slow
def test_the_plot_shows_both_curves_and_every_mix(folder: Path) -> None:
    result = compare("--plot", "curves.svg")
    assert (result.exit_code, result.stderr, result.stdout) == (0, "", printed())
    text = (folder / "curves.svg").read_text()
    for name in (*NAMES, "test accuracy", "training cost"):
        assert f">{name}</text>" in text
