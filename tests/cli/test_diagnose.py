"""`lossmix diagnose` as a user sees it: a number, a file, a log from a pipe."""

import json
import math
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tinygrad_lossmix.cli import main

RNG = np.random.default_rng(0)
CLASSES = RNG.integers(0, 10, 50)
E = np.exp(RNG.normal(size=(50, 10)) + 4 * np.eye(10)[CLASSES])
SOFTMAX = (E / E.sum(axis=1, keepdims=True)).astype(np.float32)
TWICE = np.exp(SOFTMAX) / np.exp(SOFTMAX).sum(axis=1, keepdims=True)
LOSS = -np.log(TWICE)[np.arange(50), CLASSES].mean()


def diagnose(*args: str, log: str | bytes | None = None, **env: str) -> Result:
    return CliRunner().invoke(main, ["diagnose", *args], input=log, env=env)


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Softmax outputs that went into a loss with a softmax of its own."""
    np.savez(tmp_path / "held.npz", outputs=SOFTMAX, labels=CLASSES, loss=LOSS)
    return str(tmp_path / "held.npz")


def test_one_number_is_plateau() -> None:
    args = ["1.56", "--classes", "10", "--accuracy", ".90"]
    for form in ([], ["--json"]):
        expected = CliRunner().invoke(main, ["plateau", *args, *form]).stdout
        assert diagnose(*args, *form).stdout == expected
    assert "softmax twice" in expected


def test_a_file_is_diagnosed(file: str) -> None:
    result = diagnose("--npz", file)
    assert result.exit_code == 0
    words = " ".join(result.stdout.split())
    assert "every row sums to 1" in words
    assert "In all, softmax twice + log-likelihood" in words
    assert "nn.CrossEntropyLoss()(logits, classes)" in words
    assert max(map(len, result.stdout.splitlines())) <= 100


def test_json_of_a_file(file: str) -> None:
    found = json.loads(diagnose("--npz", file, "--json").stdout)
    [match] = found["matches"]
    assert (match["transform"], match["cost"], match["in_all"]) == (
        "softmax",
        "ll",
        "softmax twice",
    )
    assert match["value"] == pytest.approx(float(LOSS), rel=1e-5)
    assert match["floor"] == pytest.approx(math.log1p(9 / math.e))
    assert found["outputs"]["activation"] == "softmax"


def test_a_file_without_a_loss_lists_what_each_pairing_would_report(tmp_path: Path) -> None:
    np.savez(tmp_path / "held.npz", outputs=SOFTMAX, labels=CLASSES)
    result = diagnose("--npz", str(tmp_path / "held.npz"), "--accuracy", "0.5")
    row = next(
        line for line in result.stdout.splitlines() if line.endswith("softmax + log-likelihood")
    )
    assert float(row.split()[0]) == pytest.approx(float(LOSS), rel=1e-4)
    assert "The reported 0.5 is neither" in " ".join(result.stdout.split())


def log_of(floor: float, name: str = "loss=") -> str:
    values = [floor + (2.3 - floor) * math.exp(-i / 10) + 0.01 for i in range(200)]
    return "\n".join(f"step {i} {name}{value:.4f} acc=0.995" for i, value in enumerate(values))


@pytest.mark.parametrize("name", ["loss=", "loss: ", "train_loss "])
def test_a_log_names_the_floor_never_crossed(name: str) -> None:
    result = diagnose("-", "--classes", "10", log=log_of(math.log1p(9 / math.e), name))
    assert result.exit_code == 0
    words = " ".join(result.stdout.split())
    assert "It never crossed ln(1 + (K - 1)/e) = 1.4612, the floor of softmax twice" in words


def test_json_of_a_log() -> None:
    log = log_of(math.log1p(9 / math.e)) + "\nval_loss: 2.3026 val_acc: 0.1\n"
    found = json.loads(diagnose("-", "--classes", "10", "--json", log=log).stdout)
    train, val = found["series"]
    assert (train["name"], val["name"]) == ("loss", "val_loss")
    assert train["floors"][0]["name"] == "softmax twice"
    assert val["plateau"]["matches"][0]["name"] == "uniform predictions"
    assert found["matches"] == []
    [only] = json.loads(
        diagnose("-", "--classes", "10", "--json", "--series", "val_loss", log=log).stdout
    )["series"]
    assert only == val


def test_of_several_series_all_are_listed_and_none_is_chosen() -> None:
    log = "loss: 2.303 box_loss: 0.69\n" * 4
    result = diagnose("-", "--classes", "10", log=log)
    words = " ".join(result.stdout.split())
    assert words.count("Best fit: ") == 2
    assert "\n1. " not in result.stdout
    assert words.endswith("--series NAME explains one of them: loss, box_loss.")
    picked = diagnose("-", "--classes", "10", "--series", "box_loss", log=log).stdout
    assert picked.startswith("box_loss: 4 values")
    assert "1. sigmoid outputs all at one half" in picked


def test_a_log_that_still_falls_has_no_match() -> None:
    log = "loss: 1.574\nloss: 1.528\nloss: 1.469\n"
    text = diagnose("-", "--classes", "10", log=log).stdout
    assert "not a plateau yet" in " ".join(text.split())
    assert "softmax" not in text
    assert json.loads(diagnose("-", "--json", log=log).stdout)["matches"] == []


def test_a_log_that_is_not_text_throughout_is_read_all_the_same() -> None:
    log = b"\xff\xfe\x00 loss=2.3026\r\xe2\x96 loss=2.3026 \x1b[0m loss=2.3026\n"
    result = diagnose("-", "--classes", "10", log=log)
    assert result.exit_code == 0
    assert "3 values" in result.stdout


@pytest.mark.parametrize("log", ["", "nothing here\n", "loss=nan\n", b"\x00\xff\x80"])
def test_a_log_without_a_loss_is_one_line_on_stderr(log: str | bytes) -> None:
    result = diagnose("-", log=log)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arrays",
    [
        {"outputs": SOFTMAX},
        {"labels": CLASSES},
        {"outputs": SOFTMAX, "labels": CLASSES + 5},
        {"outputs": SOFTMAX, "labels": CLASSES[:3]},
        {"outputs": SOFTMAX * np.nan, "labels": CLASSES},
        {"outputs": SOFTMAX, "labels": CLASSES, "loss": np.nan},
        {"outputs": SOFTMAX, "labels": CLASSES, "loss": "high"},
        {"outputs": SOFTMAX, "labels": CLASSES, "loss": [1.0, 2.0]},
        {"outputs": np.array([{}], object), "labels": CLASSES},
    ],
    ids=lambda arrays: " ".join(arrays),
)
def test_a_file_that_does_not_fit_is_one_line_on_stderr(
    tmp_path: Path, arrays: dict[str, np.ndarray]
) -> None:
    path = tmp_path / "held.npz"
    np.savez(path, **arrays)
    result = diagnose("--npz", str(path))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"Error: {path}: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["missing.npz", "."])
def test_a_file_that_cannot_be_read_is_one_line_on_stderr(tmp_path: Path, name: str) -> None:
    result = diagnose("--npz", str(tmp_path / name))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1


def test_what_a_file_is_called_and_holds_never_steers_the_terminal(tmp_path: Path) -> None:
    steering = "\x1b]0;title\x07\x1b[2J\u202e"
    path = tmp_path / f"a{steering}.npz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{steering}.npy", b"")
    for given in (path, tmp_path / f"none{steering}.npz"):
        result = diagnose("--npz", str(given))
        assert result.exit_code == 2
        assert all(c.isprintable() for c in result.stderr.replace("\n", ""))
    assert "\\x1b]0;title" in diagnose("--npz", str(path)).stderr


def test_a_series_never_steers_the_terminal() -> None:
    log = "\x1b[31mloss: 2.303\x1b[0m val\u202e_loss: 2.303\n" * 4
    for result in (
        diagnose("-", log=log),
        diagnose("-", "--series", "\x1b[2J", log=log),
    ):
        assert all(c.isprintable() for c in (result.stdout + result.stderr).replace("\n", ""))
