"""Losses and accuracies in what training runs print."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_lossmix.answers.diagnosis.training_log import read


@pytest.mark.parametrize(
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
        ("loss=tensor(0.6931, grad_fn=<NllLossBackward0>)", {"loss": ["0.6931"]}),
        ("Epoch: [0][10/500] Loss 6.9 (7.0)", {"loss": ["6.9"]}),
        ("loss: nan", {"loss": ["nan"]}),
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
    ],
)
def test_what_is_no_loss_is_not_read(line):
    assert read([line]) == {}


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=20))
def test_numbers_keep_their_order_and_their_digits(values):
    lines = [f"step {i} loss={value!r} lr=0.1" for i, value in enumerate(values)]
    assert read(lines) == {"loss": [repr(value) for value in values]}


@given(st.lists(st.text(max_size=60), max_size=5))
def test_any_text_is_read_without_an_error(lines):
    for series in read(lines).values():
        assert all(isinstance(float(value), float) for value in series)


def test_a_percentage_and_a_count_become_fractions():
    found = read(["acc 50%", "acc: 5/20", "acc 12.5", "acc 1.0", "acc 0/0"])["accuracy"]
    assert [float(x) for x in found] == [0.5, 0.25, 0.125, 1.0, 0.0]
    assert all(math.isfinite(float(x)) for x in found)
