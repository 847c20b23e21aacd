"""Every engine that is installed computes the same gradients; the ones that do not are named."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import workloads
from checking import difference, reference
from engines import FILES
from engines.byhand import ENGINES as BY_HAND
from ratios_to_hand import builder

from tests.helpers.quick import in_one

RUN = Path(workloads.__file__).with_name("run.py")


def run(folder, *arguments):
    """The object that a run writes."""
    file = folder / "result.json"
    done = subprocess.run(
        [sys.executable, RUN, *arguments, "--json", file],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(file.read_text(), parse_constant=pytest.fail)


@pytest.mark.slow
def test_all_engines_of_each_library_here_agree_with_the_hand_written_gradients(tmp_path):
    """W2 by everything that is installed, W3 and W4 by all that is quick."""
    checked = run(tmp_path, "--check", "--only", "W2")
    checked["ratios"] += run(tmp_path, "--check", "--quick", "--only", "W3", "W4")["ratios"]
    for library in {*FILES.values()} - {"micrograd"} - set(checked["absent"]):
        rows = [row for row in checked["ratios"] if row["library"] == library]
        assert [row for row in rows if row["state"] != "agrees"] == []
        assert {row["mix"] for row in rows} == {" ".join(corner) for corner in workloads.CORNERS}


@pytest.mark.slow
def test_all_engines_that_have_scalars_agree_on_a_chain(tmp_path):
    result = run(tmp_path, "--quick", "--only", "W6")
    short = [row for row in result["chains"] if row["operations"] == 100]
    assert [row for row in short if row["state"] != "timed"] == []
    expected = {"lossmix, written plainly"}
    expected |= {"micrograd"} - set(result["absent"])
    assert expected <= {row["engine"] for row in short}


def test_a_quick_run_of_one_workload_writes_its_figures(tmp_path):
    result = run(tmp_path, "--quick", "--only", "W2", "--engines", "NumPy by hand", "one node")
    assert len(result["ratios"]) == 3 * 4
    for row in result["ratios"]:
        low, high = row["quartiles"]
        assert 0 < low <= row["median"] <= high
    assert {"machine", "absent", "seconds"} <= set(result)
    assert "chains" not in result


CASES = [workloads.logits("W2", shape, *c) for c in workloads.CORNERS for shape in ((7,), (3, 5))]
CASES += [workloads.network("W4", (6, 5, 4), 3, *corner) for corner in workloads.CORNERS]
CASES.append(workloads.classes((3, 5)))


@in_one("case", CASES, ids=lambda case: f"{case.size} {case.mix}")
def test_both_hand_written_versions_agree_and_leave_their_inputs_alone(case):
    before = [array.copy() for array in case.inputs]
    for engine in BY_HAND:
        step = builder(engine, case)(case)
        for _ in range(2):  # the second time in buffers that were used
            assert difference(step(*case.inputs), case) is None
    for array, copy in zip(case.inputs, before, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda value, g: (value * 1.001, (g,)), "value"),
        (lambda value, g: (np.nan, (g,)), "value"),
        (lambda value, g: (value, (g * 1.001,)), "off by"),
        (lambda value, g: (value, (np.where(g == g.max(), np.nan, g),)), "off by"),
        (lambda value, g: (value, (g.astype(np.float32),)), "float32"),
        (lambda value, g: (value, (g[None],)), "shape"),
        (lambda value, g: (value, (g, g)), "2 gradients"),
        (lambda value, g: (value, (list(g),)), "list"),
    ],
)
def test_a_wrong_value_or_gradient_is_named(spoil, word):
    case = workloads.logits("W2", (7,), "softmax", "ll")
    value, (gradient,) = reference(case)
    assert difference((value, (gradient,)), case) is None
    assert word in difference(spoil(value, gradient), case)


def test_the_hand_written_gradient_is_that_of_its_value():
    case = workloads.logits("W3", (3, 5), "softmax", "ce")
    _, (gradient,) = reference(case)
    step = 1e-6
    for at in np.ndindex(gradient.shape):
        up, down = [case.inputs[0].copy() for _ in range(2)]
        up[at] += step
        down[at] -= step
        moved = [reference(replace(case, inputs=(z,)))[0] for z in (up, down)]
        assert (moved[0] - moved[1]) / (2 * step) == pytest.approx(gradient[at], rel=1e-6)
