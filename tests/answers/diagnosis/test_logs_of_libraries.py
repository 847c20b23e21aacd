"""Logs as XGBoost, LightGBM and Ultralytics print them, and histories that are kept as JSON."""

import json
import time

import pytest

from tests.helpers.quick import in_one
from tinygrad_lossmix.answers.diagnosis.training_log import read

YOLO = """
      Epoch    GPU_mem   box_loss   cls_loss   dfl_loss  Instances       Size
      1/2      2.61G      1.153      3.398      1.321         71        640: 100%|███| 8/8 [00:03<00:00]
                 Class     Images  Instances      Box(P          R      mAP50  mAP50-95): 100%|██| 4/4
                   all        128        929       0.64      0.537      0.605      0.446

      Epoch    GPU_mem   box_loss   cls_loss   dfl_loss  Instances       Size
      2/2      2.61G      1.100      3.300      1.300         80        640: 100% ━━━━ 8/8 2.1it/s 3.8s
                 Class     Images  Instances      Box(P          R      mAP50  mAP50-95): 100% ━━ 4/4
                   all        128        929       0.64      0.537      0.605      0.446
"""  # noqa: E501


@in_one(
    ("line", "expected"),
    [
        (  # XGBoost
            "[10]\ttrain-mlogloss:0.69\teval-mlogloss:0.70",
            {"train_mlogloss": ["0.69"], "val_mlogloss": ["0.70"]},
        ),
        (
            "[0]\tvalidation_0-logloss:0.68\tvalidation_1-logloss:0.69",
            {"val_0_logloss": ["0.68"], "val_1_logloss": ["0.69"]},
        ),
        (  # LightGBM
            "[10]\ttraining's binary_logloss: 0.69\tvalid_1's binary_logloss: 0.7",
            {"train_binary_logloss": ["0.69"], "val_1_binary_logloss": ["0.7"]},
        ),
        ("iter,train-logloss\n0,0.69\n", {"train_logloss": ["0.69"]}),
    ],
)
def test_the_losses_of_boosters_are_read(line, expected):
    assert read(line.splitlines()) == expected


@pytest.mark.parametrize("indent", [None, 2])
@in_one(
    ("history", "expected"),
    [
        (
            {"train": {"loss": [2.3, 2.2], "acc": [0.1, 0.2]}, "val": {"loss": [2.4]}, "loss": 9},
            {
                "train_loss": ["2.3", "2.2"],
                "train_accuracy": ["0.1", "0.2"],
                "val_loss": ["2.4"],
                "loss": ["9"],
            },
        ),
        (
            {"loss": {"train": [2.3, 2.2], "val": [2.4]}},
            {"train_loss": ["2.3", "2.2"], "val_loss": ["2.4"]},
        ),
        (
            {"model": {"validation_0": {"logloss": [0.69]}, "validation_1": {"logloss": [0.7]}}},
            {"val_0_logloss": ["0.69"], "val_1_logloss": ["0.7"]},
        ),
        (
            {"log": [{"train": {"loss": 2.3}, "test": {"loss": 2.4}}, {"loss": 2.2}]},
            {"train_loss": ["2.3"], "test_loss": ["2.4"], "loss": ["2.2"]},
        ),
    ],
)
def test_an_object_named_after_a_part_of_the_data_holds_losses_of_that_part(
    history, expected, indent
):
    text = json.dumps(history, indent=indent)
    assert read(text.splitlines()) == read(text.replace('"', "'").splitlines()) == expected


def test_an_object_that_was_cut_off_names_nothing_in_the_next():
    assert read(['{"val": {"loss": 2.4, "ac', '{"loss": 2.3}']) == {
        "val_loss": ["2.4"],
        "loss": ["2.3"],
    }


def test_a_row_is_read_before_its_progress_bar_and_not_under_the_names_of_another_table():
    assert read(YOLO.splitlines()) == {
        "box_loss": ["1.153", "1.100"],
        "cls_loss": ["3.398", "3.300"],
        "dfl_loss": ["1.321", "1.300"],
    }


def test_a_row_of_nan_alone_is_no_header():
    table = "loss  val_loss\nnan  nan\n2.3  2.4\n"
    assert read(table.splitlines()) == {"loss": ["nan", "2.3"], "val_loss": ["nan", "2.4"]}


@pytest.mark.parametrize("line", ['{"a": ' * 10_000, "word  " * 20_000, '"' * 100_000])
def test_a_long_line_of_names_is_passed_over_at_once(line):
    started = time.perf_counter()
    assert read([line]) == {}
    assert time.perf_counter() - started < 5.0
