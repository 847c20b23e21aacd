"""The picture of the rule in the docs is what its script makes; its numbers add up."""

import re
from pathlib import Path

import numpy as np
import pytest

from tests.helpers import rule_picture

KEPT = Path(__file__).parents[3] / "docs" / "rule.svg"


def test_the_sides_add_up_to_the_work_round_the_path():
    texts = re.findall(r">([^<>]+)</text>", KEPT.read_text(encoding="utf-8"))
    sides = [float(text) for text in texts if re.fullmatch(r"[+-]\d\.\d{3}", text)]
    totals = [float(text.split(": ")[1]) for text in texts if text.startswith("work round")]
    assert len(sides) == 9
    np.testing.assert_allclose(np.reshape(sides, (3, 3)).sum(axis=1), totals, atol=0.0016)
    assert [total == 0 for total in totals] == [True, False, False]


@pytest.mark.slow
def test_the_picture_in_the_docs_is_what_its_script_makes():
    pytest.importorskip("matplotlib")
    assert rule_picture.Rule().svg() == KEPT.read_text(encoding="utf-8")
