"""How commands are given a mix, its logits and its labels."""

import numpy as np
import pytest

from tinygrad_lossmix.cli.options import labels_of, numbers


def test_numbers_are_separated_by_commas():
    np.testing.assert_array_equal(numbers("-1, 2.5,1e3"), [-1.0, 2.5, 1000.0])


@pytest.mark.parametrize("text", ["", "1,,2", "a", "1;2", "nan,1"])
def test_what_is_not_numbers_is_refused(text):
    with pytest.raises(ValueError, match=r"numbers separated by commas|NaN"):
        numbers(text)


def test_a_single_label_is_a_class():
    np.testing.assert_array_equal(labels_of("2", np.zeros(3)), [0, 0, 1])


def test_several_labels_are_one_for_each_logit():
    np.testing.assert_array_equal(labels_of("0,.5,.5", np.zeros(3)), [0, 0.5, 0.5])


def test_the_label_of_a_single_neuron_is_its_value():
    np.testing.assert_array_equal(labels_of("0", np.zeros(1)), [0.0])


@pytest.mark.parametrize("text", ["3", "-1", "1.0", "x", "0,1", "0,nan,1"])
def test_labels_that_do_not_belong_to_the_logits_are_refused(text):
    with pytest.raises(ValueError, match=r"class|labels|NaN"):
        labels_of(text, np.zeros(3))
