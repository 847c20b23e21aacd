"""Where a training log has come to rest, and the floor that it never crossed."""

import json
import math

import numpy as np
import pytest

from tinygrad_lossmix.answers.diagnosis.level import level, levels

FLOOR = math.log1p(9 / math.e)


def falling_to(floor, noise=0.0, n=400):
    """A loss that falls to a floor, with noise above it."""
    rng = np.random.default_rng(0)
    curve = floor + (2.3 - floor) * np.exp(-np.arange(n) / 30) + noise * rng.random(n)
    return [f"{x:.4f}" for x in curve]


def test_the_floor_of_softmax_twice_is_never_crossed():
    found = level("loss", falling_to(FLOOR + 0.01, 0.02), 10)
    assert found.flat
    assert found.floors[0].name == "softmax twice"
    assert found.floors[0].value == pytest.approx(FLOOR)
    assert found.floors[0].above == pytest.approx(found.lowest / FLOOR - 1)
    assert "It never crossed ln(1 + (K - 1)/e) = 1.4612" in str(found)


def test_a_floor_that_was_crossed_is_none():
    assert level("loss", falling_to(0.3), 10).floors == ()
    assert level("loss", falling_to(FLOOR - 0.01), 10).floors == ()
    assert level("loss", falling_to(2.2), 10).floors == ()


def test_sigmoid_twice_has_a_floor_summed_and_as_a_mean():
    floor = math.log1p(1 / math.e) + 9 * math.log(2)
    for value in (floor, floor / 10):
        found = level("loss", [f"{value * 1.01:.5f}"] * 8, 10)
        assert [f.name for f in found.floors] == ["sigmoid twice"]


def test_the_level_is_the_median_of_the_last_quarter_with_the_digits_of_the_log():
    found = level("loss", ["9.00"] * 6 + ["2.30", "2.31"])
    assert found.value == "2.31" or found.value == "2.30"
    assert found.plateau.matches[0].name == "uniform predictions"
    assert level("loss", ["2.3", "2.3", "2.3", "2.3"]).value == "2.3"
    assert level("loss", ["1e-3"] * 4).value == "0.001"


def test_a_loss_that_is_still_falling_is_not_flat():
    assert not level("loss", [f"{2 - i / 100:.2f}" for i in range(100)]).flat
    assert level("loss", ["2.30"] * 100).flat


def test_an_outlier_at_the_end_does_not_move_the_level():
    assert level("loss", ["2.3026"] * 99 + ["50.0"]).value == "2.3026"


def test_values_that_are_not_finite_are_counted_and_left_out():
    found = level("loss", ["2.0", "nan", "1.0", "inf"])
    assert (found.count, found.not_finite, found.lowest) == (4, 2, 1.0)
    assert "2 of them not finite" in str(found)
    with pytest.raises(ValueError, match="no value is a finite number"):
        level("loss", ["nan"])


def test_the_accuracy_of_the_same_data_is_used_and_a_given_one_counts_more():
    series = {"val_loss": ["1.5612"] * 4, "val_accuracy": ["0.900"] * 4, "accuracy": ["0.1"]}
    [found] = levels(series, 10)
    assert found.plateau.accuracy == 0.9
    assert found.plateau.matches[0].name == "softmax twice, outputs saturated"
    [found] = levels(series, 10, "0.2")
    assert found.plateau.accuracy == 0.2


def test_losses_on_training_data_come_first():
    names = [x.name for x in levels({"val_loss": ["1"], "train_loss": ["2"], "cost": ["3"]})]
    assert names == ["train_loss", "cost", "val_loss"]


def test_a_log_without_a_loss_gets_one_clear_error():
    with pytest.raises(ValueError, match="no loss found"):
        levels({"accuracy": ["0.5"]})
    with pytest.raises(ValueError, match="no value is a finite number"):
        levels({"loss": ["nan"], "val_loss": ["inf"]})
    assert [x.name for x in levels({"loss": ["nan"], "val_loss": ["1"]})] == ["val_loss"]


def test_the_record_is_json():
    record = json.loads(json.dumps(level("loss", falling_to(FLOOR), 10).to_dict(), allow_nan=False))
    assert record["floors"][0]["name"] == "softmax twice"
    assert record["plateau"]["matches"][0]["name"] == "softmax twice, on its floor"


@pytest.mark.parametrize(
    "losses",
    [
        ["1.574", "1.528", "1.469"],
        ["1.60", "1.50", "1.47"],
        [f"{1.5 - i / 1000:.4f}" for i in range(60)],
        [f"{2.303 - i / 100:.3f}" for i in range(4)],
        ["2.0", "1.0"],
    ],
)
def test_a_log_that_still_falls_is_no_plateau_and_on_no_floor(losses):
    found = level("loss", losses, 10)
    assert not found.flat
    assert found.plateau is None
    assert found.floors == ()
    assert "still falling" in " ".join(str(found).split())
    assert "softmax" not in str(found)
    assert found.to_dict()["plateau"] is None


def test_a_slope_is_told_from_scatter():
    rng = np.random.default_rng(0)
    for seed in range(20):
        noise = np.random.default_rng(seed).normal(0, 0.01, 200)
        assert level("loss", [f"{x:.4f}" for x in 2.3026 + noise], 10).flat
    falling = 2.3 - 0.002 * np.arange(200) + rng.normal(0, 0.01, 200)
    assert not level("loss", [f"{x:.4f}" for x in falling], 10).flat
    rising = level("loss", [f"{x:.4f}" for x in falling[::-1]], 10)
    assert "still rising" in " ".join(str(rising).split())


def test_a_change_too_small_to_matter_leaves_a_plateau():
    for losses in (
        ["2.3050", "2.3040", "2.3035", "2.3030"],
        ["2.4125", "2.3027", "2.3026", "2.3026"],
    ):
        found = level("loss", losses, 10)
        assert found.flat
        assert found.plateau.matches[0].name == "uniform predictions"


def test_noise_takes_digits_from_the_level():
    rng = np.random.default_rng(1)
    found = level("loss", [f"{x:.4f}" for x in math.log(1000) + rng.normal(0, 0.01, 200)])
    assert len(found.value.partition(".")[2]) < 4
    assert found.plateau.matches[0].classes == 1000


def test_every_floor_of_the_table_is_looked_for():
    names = {f.name for f in level("loss", ["0.5032"] * 8, 10).floors}
    assert names == {"label smoothing of 0.1", "sigmoid twice, one output, half of the labels 1"}
    assert [f.name for f in level("loss", ["0.3200"] * 8, 1).floors] == [
        "sigmoid twice, one output, label 1"
    ]


def test_one_series_is_picked_by_its_name():
    series = {"loss": ["1.0"], "val_loss": ["2.0"], "accuracy": ["0.5"]}
    assert [x.name for x in levels(series, name="val_loss")] == ["val_loss"]
    with pytest.raises(ValueError, match="no series 'val', only loss, val_loss"):
        levels(series, name="val")
    with pytest.raises(ValueError, match="no series 'accuracy'"):
        levels(series, name="accuracy")


def test_a_level_reads_as_text():
    found = level("loss", ["2.3026"] * 4, 10)
    assert repr(found) == str(found)
    assert found.fit() == "Best fit: uniform predictions: ln K = 2.3026, K = 10."
    assert level("loss", ["1.2345"] * 4, 10).fit() == "It fits no known plateau."
    assert level("loss", ["2.0", "1.0"]).fit() == ""
