"""Losses and accuracies in what training runs print; where they rest, the floors not crossed."""

import json
import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.formulas import evaluated
from tests.helpers.quick import in_one
from tinygrad_lossmix.answers.diagnosis.training_log import Level, levels, read

FLOOR = math.log1p(9 / math.e)


@in_one(
    ("line", "expected"),
    [
        ("loss=0.7", {"loss": ["0.7"]}),
        ("loss: 0.70", {"loss": ["0.70"]}),
        ("train_loss 0.7", {"train_loss": ["0.7"]}),
        ("Training loss = .7", {"train_loss": [".7"]}),
        ("Loss/train 7e-1", {"train_loss": ["7e-1"]}),
        ("loss (val): 0.7", {"val_loss": ["0.7"]}),
        ('{"step": 1, "val/loss": 0.7, "lr": 0.1}', {"val_loss": ["0.7"]}),
        ("{'loss': 2.3026, 'learning_rate': 5e-05, 'epoch': 0.5}", {"loss": ["2.3026"]}),
        ("box_loss: 0.3 cls_loss: 0.4", {"box_loss": ["0.3"], "cls_loss": ["0.4"]}),
        ("train_loss_step=0.7, loss_epoch=.8", {"train_loss_step": ["0.7"], "loss_epoch": [".8"]}),
        ("loss=tensor(0.6931, grad_fn=<NllLossBackward0>)", {"loss": ["0.6931"]}),
        ("{'loss': np.float64(0.6931), 'step': 3}", {"loss": ["0.6931"]}),
        ("Step 3 | Loss: Array([0.6931], dtype=float32)", {"loss": ["0.6931"]}),
        ("Epoch: [0][10/500] Loss 6.9 (7.0)", {"loss": ["6.9"]}),
        ("Epoch 1: loss 2,3026, acc 0,910", {"loss": ["2.3026"], "accuracy": ["0.910"]}),
        ("val_loss: -2,30", {"val_loss": ["-2.30"]}),
        (
            "{'loss': [2.4, 2.3], 'accuracy': [0.1, 0.2], 'val loss': [nan, 2.2]}",
            {"loss": ["2.4", "2.3"], "accuracy": ["0.1", "0.2"], "val_loss": ["nan", "2.2"]},
        ),
        ("loss: nan", {"loss": ["nan"]}),
        ("\x1b[1mloss\x1b[0m: \x1b[31;1m2.3\x1b[0m", {"loss": ["2.3"]}),
        ("loss: 12, 3 left", {"loss": ["12"]}),
        ("Cost: 3.25", {"cost": ["3.25"]}),
        (
            "938/938 [===] - 3s 3ms/step - loss: 2.3026 - accuracy: 0.1135 - val_loss: 2.3 "
            "- val_accuracy: 0.1",
            {
                "loss": ["2.3026"],
                "accuracy": ["0.1135"],
                "val_loss": ["2.3"],
                "val_accuracy": ["0.1"],
            },
        ),
        ("\rEpoch 1: 100%|███| 938/938 [00:05<00:00, 180it/s, loss=2.3]", {"loss": ["2.3"]}),
        ("Train Epoch: 1 [640/60000 (1%)]\tLoss: 2.295193", {"train_loss": ["2.295193"]}),
        (
            "Test set: Average loss: 0.0547, Accuracy: 9824/10000 (98%)",
            {"test_loss": ["0.0547"], "test_accuracy": ["0.9824"]},
        ),
        (
            "train loss 0.69 acc 91.2% | Val Loss: 0.8, Val Acc: 90.1",
            {
                "train_loss": ["0.69"],
                "train_accuracy": ["0.912"],
                "val_loss": ["0.8"],
                "val_accuracy": ["0.901"],
            },
        ),
    ],
)
def test_a_line_is_read(line, expected):
    assert read([line]) == expected


@pytest.mark.parametrize(
    "line",
    [
        "",
        "lossless 3",
        "loss_scale=65536",
        "accumulation_steps=4",
        "loss function: cross-entropy",
        "gloss=3",
        "loss improved from 3 to 2",
        "epoch 3 lr=0.1",
        "loss: 2,303",
        "loss: 1,234.5",
        "loss: 1,2,3",
        "loss: [12/500]",
    ],
)
def test_what_is_no_loss_is_not_read(line):
    assert read([line]) == {}


@in_one(
    ("table", "expected"),
    [
        (  # Keras, CSVLogger, with a byte order mark; appended to by a second run
            "\ufeffepoch,accuracy,loss,val_accuracy,val_loss\r\n0,0.11,2.30,0.1,NA\r\n"
            "epoch,accuracy,loss,val_accuracy,val_loss\r\n1,0.5,2.20,0.4,2.25\r\n",
            {
                "accuracy": ["0.11", "0.5"],
                "loss": ["2.30", "2.20"],
                "val_accuracy": ["0.1", "0.4"],
                "val_loss": ["2.25"],
            },
        ),
        (  # Lightning, metrics.csv: a row is of training or of validation
            "epoch,step,train_loss_epoch,train_loss_step,val_acc,val_loss\n0,9,,0.693,,\n"
            "0,9,,,0.5,0.694\n0,9,0.70,,,\n",
            {
                "train_loss_step": ["0.693"],
                "val_accuracy": ["0.5"],
                "val_loss": ["0.694"],
                "train_loss_epoch": ["0.70"],
            },
        ),
        (
            '"Time";"my run - train/loss"\n"12:30";"0.5"\n',
            {"train_loss": ["0.5"]},
        ),
        ("train samples\tloss\n60000\tnan\n", {"loss": ["nan"]}),
        ("epoch;loss\n1;0,50\n2;0,25\n", {"loss": ["0.50", "0.25"]}),
        (
            "| Training Loss | Epoch | Accuracy |\n|:---:|:--|--:|\n| 0.5 | 1.0 | 91% |\n"
            "| No log | 2.0 | 92.5 % |\n",
            {"train_loss": ["0.5"], "accuracy": ["0.91", "0.925"]},
        ),
        ("epoch | loss\n--- | ---\n1 | 2.30\n2 | 2.25\n", {"loss": ["2.30", "2.25"]}),
        (  # rich
            "┏━━━━━━━┳━━━━━━┓\n┃ epoch ┃ loss ┃\n┡━━━━━━━╇━━━━━━┩\n│ 1     │ 2.30 │\n",
            {"loss": ["2.30"]},
        ),
        (  # fastai
            "epoch     train_loss  valid_loss  time  \n0         2.301       2.302       00:12  \n",
            {"train_loss": ["2.301"], "val_loss": ["2.302"]},
        ),
        (  # pandas: a number before each row
            "       loss  val loss\n9  2.302585  2.310000\n10 2.202585  2.210000\n",
            {"loss": ["2.302585", "2.202585"], "val_loss": ["2.310000", "2.210000"]},
        ),
        (
            "epoch loss     acc\n    1 2.3000   0.11\nThe loss is high.\n    2 2.2000   0.2\n",
            {"loss": ["2.3000", "2.2000"], "accuracy": ["0.11", "0.2"]},
        ),
        ("the loss is high\n1 2 3 4\nepoch,lr,loss,a\n1,2,3,4\n", {"loss": ["3"]}),
        ("loss\n0.5\n3 epochs left\n1,2\n", {"loss": ["0.5"]}),
        ("loss, accuracy\nloss: 0.5\n1,2,3\n", {"loss": ["0.5"]}),
    ],
)
def test_a_table_with_a_header_is_read(table, expected):
    assert read(table.splitlines(keepends=True)) == expected


def test_a_list_is_read_across_lines_until_it_ends():
    history = {
        "note": ["a"],
        "history": {"loss": [2.4, 2.3, 2.25], "val_loss": [2.5]},
        "lr": [1, 2],
    }
    expected = {"loss": ["2.4", "2.3", "2.25"], "val_loss": ["2.5"]}
    for indent in (None, 2):
        text = json.dumps(history, indent=indent)
        assert read(text.splitlines(keepends=True)) == expected
    printed = np.array2string(np.full(30, 0.5), prefix="loss: ")
    assert read(f"loss: {printed}\n7, 8\n".splitlines()) == {"loss": ["0.5"] * 30}
    assert read(["loss: [2.4, 2.3", "3 epochs left", "4, 5"]) == {"loss": ["2.4", "2.3"]}


@pytest.mark.parametrize("line", ["a " * 50_000, "a" * 100_000, "loss: [" * 20_000])
def test_a_long_line_without_a_loss_is_passed_over_at_once(line):
    started = time.perf_counter()
    assert read([line]) == {}
    assert time.perf_counter() - started < 5.0


def test_a_log_of_one_long_line_is_read_in_linear_time():
    started = time.perf_counter()
    found = read(['val: {"loss": 2.30}, ' + '{"loss": 2.30}, ' * 10_000])
    assert found == {"val_loss": ["2.30"] * 10_001}
    assert time.perf_counter() - started < 5.0


def test_a_log_in_utf_16_is_read():
    text = "epoch,loss\r\n0,2.30\r\n".encode("utf-16").decode(errors="replace")
    assert read(text.splitlines(keepends=True)) == {"loss": ["2.30"]}


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=20))
def test_numbers_keep_their_order_and_their_digits(values):
    lines = [f"step {i} loss={value!r} lr=0.1" for i, value in enumerate(values)]
    assert read(lines) == {"loss": [repr(value) for value in values]}


@given(st.lists(st.text(st.characters(), max_size=60), max_size=5))
def test_any_text_is_read_without_an_error(lines):
    for series in read(lines).values():
        assert all(isinstance(float(value), float) for value in series)


def test_a_percentage_and_a_count_become_fractions():
    found = read(["acc 50%", "acc: 5/20", "acc 12.5", "acc 1.0", "acc 0/0"])["accuracy"]
    assert [float(x) for x in found] == [0.5, 0.25, 0.125, 1.0, 0.0]
    assert all(math.isfinite(float(x)) for x in found)


def falling_to(floor, noise=0.0, n=400):
    """A loss that falls to a floor, with noise above it."""
    rng = np.random.default_rng(0)
    curve = floor + (2.3 - floor) * np.exp(-np.arange(n) / 30) + noise * rng.random(n)
    return [f"{x:.4f}" for x in curve]


def test_the_floor_of_softmax_twice_is_never_crossed():
    found = Level("loss", falling_to(FLOOR + 0.01, 0.02), 10)
    assert found.flat
    assert found.floors[0].name == "softmax twice"
    assert found.floors[0].value == pytest.approx(FLOOR)
    assert found.floors[0].above == pytest.approx(found.lowest / FLOOR - 1)
    assert "It never crossed ln(1 + (K - 1)/e) = 1.4612" in str(found)


def test_a_floor_that_was_crossed_is_none():
    assert Level("loss", falling_to(0.3), 10).floors == ()
    assert Level("loss", falling_to(FLOOR - 0.01), 10).floors == ()
    assert Level("loss", falling_to(2.2), 10).floors == ()


def test_sigmoid_twice_has_a_floor_summed_and_as_a_mean():
    floor = math.log1p(1 / math.e) + 9 * math.log(2)
    for value in (floor, floor / 10):
        found = Level("loss", [f"{value * 1.01:.5f}"] * 8, 10)
        assert [f.name for f in found.floors] == ["sigmoid twice"]


def test_the_level_is_the_median_of_the_last_quarter_with_the_digits_of_the_log():
    found = Level("loss", ["9.00"] * 6 + ["2.30", "2.31"])
    assert found.value == "2.31" or found.value == "2.30"
    assert found.plateau.matches[0].name == "uniform predictions"
    assert Level("loss", ["2.3", "2.3", "2.3", "2.3"]).value == "2.3"
    assert Level("loss", ["1e-3"] * 4).value == "0.001"


def test_a_loss_that_is_still_falling_is_not_flat():
    assert not Level("loss", [f"{2 - i / 100:.2f}" for i in range(100)]).flat
    assert Level("loss", ["2.30"] * 100).flat


def test_an_outlier_at_the_end_does_not_move_the_level():
    assert Level("loss", ["2.3026"] * 99 + ["50.0"]).value == "2.3026"


def test_values_that_are_not_finite_are_counted_and_left_out():
    found = Level("loss", ["2.0", "nan", "1.0", "inf"])
    assert (found.count, found.not_finite, found.lowest) == (4, 2, 1.0)
    assert "2 of them not finite" in str(found)
    with pytest.raises(ValueError, match="no value is a finite number"):
        Level("loss", ["nan"])


def test_a_run_that_ends_without_a_number_says_so_and_why():
    found = " ".join(str(Level("loss", ["2.0"] * 12 + ["nan"] * 8)).split())
    assert "8 of them not finite" in found
    assert "It ends in nan; NaN comes of 0 log 0" in found
    assert "Before that, the last quarter is about 2.0, flat." in found
    assert "ends" not in str(Level("loss", ["2.0", "nan", "1.0"]))


def test_of_one_value_nothing_is_said_but_that():
    assert Level("loss", ["1.2345"]).summary() == "loss: one value, 1.2345."


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
    record = json.loads(json.dumps(Level("loss", falling_to(FLOOR), 10).to_dict(), allow_nan=False))
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
    found = Level("loss", losses, 10)
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
        assert Level("loss", [f"{x:.4f}" for x in 2.3026 + noise], 10).flat
    falling = 2.3 - 0.002 * np.arange(200) + rng.normal(0, 0.01, 200)
    assert not Level("loss", [f"{x:.4f}" for x in falling], 10).flat
    rising = Level("loss", [f"{x:.4f}" for x in falling[::-1]], 10)
    assert "still rising" in " ".join(str(rising).split())


def test_a_change_too_small_to_matter_leaves_a_plateau():
    for losses in (
        ["2.3050", "2.3040", "2.3035", "2.3030"],
        ["2.4125", "2.3027", "2.3026", "2.3026"],
    ):
        found = Level("loss", losses, 10)
        assert found.flat
        assert found.plateau.matches[0].name == "uniform predictions"


def test_noise_takes_digits_from_the_level():
    rng = np.random.default_rng(1)
    found = Level("loss", [f"{x:.4f}" for x in math.log(1000) + rng.normal(0, 0.01, 200)])
    assert len(found.value.partition(".")[2]) < 4
    assert found.plateau.matches[0].classes == 1000


def test_every_floor_of_the_table_is_looked_for():
    names = {f.name for f in Level("loss", ["0.5032"] * 8, 10).floors}
    assert names == {"label smoothing of 0.1", "sigmoid twice, one output, half of the labels 1"}
    assert [f.name for f in Level("loss", ["0.3200"] * 8, 1).floors] == [
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
    found = Level("loss", ["2.3026"] * 4, 10)
    assert repr(found) == str(found)
    assert found.fit() == "Best fit: uniform predictions: ln K = 2.3026, K = 10."
    assert Level("loss", ["1.2345"] * 4, 10).fit() == "It fits no known plateau."
    assert Level("loss", ["2.0", "1.0"]).fit() == ""


@pytest.mark.parametrize(("lowest", "k"), [("0.32", 1), ("0.66", 10), ("1.47", 10), ("6.6", 10)])
def test_the_equation_of_a_floor_is_true(lowest, k):
    found = Level("loss", [lowest] * 8, k)
    assert found.floors
    for floor in found.floors:
        assert f"{floor.formula} = {floor.value:.4f}" in " ".join(str(found).split())
        assert evaluated(floor.formula, k, None) == pytest.approx(floor.value)
