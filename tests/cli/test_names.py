"""`lossmix names` as a user sees it."""

import json
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tinygrad_lossmix.answers import vocabulary
from tinygrad_lossmix.answers.vocabulary import NAMES
from tinygrad_lossmix.cli import main


def names(*args: str) -> Result:
    return CliRunner().invoke(main, ["names", *args])


@pytest.fixture
def none_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "installed", lambda library: False)


@pytest.fixture
def all_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    def values(wanted: Any) -> Any:
        return {key: [np.array(np.nan)] * len(asked) for key, asked in wanted.items()}

    monkeypatch.setattr(vocabulary, "values", values)


@pytest.mark.usefixtures("none_installed")
def test_the_table_has_every_name_and_says_what_was_not_checked() -> None:
    result = names()
    assert result.exit_code == 0
    flat = " ".join(result.stdout.split())
    for name in NAMES:
        assert name.book in flat
        assert name.here in flat
        assert not name.torch or name.torch.split(", z)")[0][:40] in flat
    for library in ("PyTorch", "Keras", "scikit-learn"):
        assert f"{library}: not installed, not checked." in flat
    assert '"cross-entropy" (CE) means eq. 63' in flat


@pytest.mark.usefixtures("none_installed")
@pytest.mark.parametrize("columns", [80, 100])
def test_output_is_plain_complete_and_fits(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    result = names()
    assert "\x1b" not in result.stdout
    assert "…" not in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= columns


@pytest.mark.usefixtures("none_installed")
def test_json_is_one_object_with_a_record_for_each_name() -> None:
    found = json.loads(names("--json").stdout)["names"]
    assert [each["here"] for each in found] == [name.here for name in NAMES]
    for each, name in zip(found, NAMES, strict=True):
        assert {"book", "statistics", "reduction", "torch", "keras", "sklearn"} < set(each)
        assert each["torch"] == {
            "expression": name.torch,
            "error": None,
            "agrees": None,
            "note": "not installed, not checked" if name.torch else "",
        }


@pytest.mark.usefixtures("all_wrong")
def test_a_difference_exits_1_and_is_null_in_json_where_it_is_no_number() -> None:
    assert names().exit_code == 1
    result = names("--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)["names"]
    assert all(each["torch"]["error"] is None for each in found)
    assert all(not each["torch"]["agrees"] for each in found)
