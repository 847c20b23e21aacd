"""Names, comparisons and values as they are typed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lossmix as lm
from tests.helpers.quick import in_one
from tinygrad_lossmix.debugger.expressions import (
    CommandError,
    assignment,
    entry_in,
    holds,
    label_numbers,
    numbers,
    quantity,
)
from tinygrad_lossmix.printing import short

z = lm.Tensor([2.0, 1.0, 0.0], name="z")
WALK = lm.Stepper(lm.Mix("softmax", "ll").composed(z, 0))
END = WALK.at(len(WALK))
z_grad = END.gradient(z)


@in_one(
    ("text", "holding"),
    [
        ("z > 1", True),
        ("z > 2", False),
        ("z.grad < -.3", True),
        ("z.grad < -3e-1 and position == 8", True),
        ("z.grad<-0.3 and position<8", False),
        ("downstream >= 0.2", True),
        ("accumulated != accumulated", False),
        ("upstream <= inf", True),
        ("C.grad == 1", True),
        ("y == 1", True),
        ("a > z", True),
    ],
)
def test_one_entry_that_fulfils_it_is_enough(text, holding):
    assert holds(text, END) == holding


def test_a_quantity_without_a_value_fulfils_nothing():
    assert not holds("z.grad < 1", WALK)
    assert not holds("downstream < 1", WALK)


@pytest.mark.parametrize("text", ["z <", "< 1", "1 < z < 2", "z > 1 and", "z > 1 and z"])
def test_what_is_no_comparison_is_a_mistake(text):
    with pytest.raises(CommandError, match="compares names and numbers"):
        holds(text, END)


@pytest.mark.parametrize("text", ["q > 1", "1 < grad", "z > 1e99999"])
def test_what_is_not_known_is_a_mistake(text):
    with pytest.raises(CommandError, match="there is no"):
        holds(text, END)


@pytest.mark.parametrize("text", ["z.grd", "z * 2", "z[0:1]", "__import__('os')", "z()"])
def test_what_is_not_evaluated_is_a_mistake_that_says_what_can_be_typed(text):
    with pytest.raises(CommandError, match=r"is not evaluated: type NAME, NAME\.grad"):
        quantity(text, END)


@in_one(
    ("text", "value"),
    [
        ("z[0]", 2.0),
        ("z[ -1 ]", 0.0),
        ("z.grad[2]", z_grad[2]),
        ("dC/dz", z_grad),
        ("dC/dz[2]", z_grad[2]),
        ("y[0]", 1.0),
        ("downstream[1]", END.stop.contribution[1]),
    ],
)
def test_an_entry_and_a_gradient_are_read_as_they_are_shown(text, value):
    np.testing.assert_array_equal(quantity(text, END), value)


def test_rows_columns_and_transposes_are_read_as_they_are_shown():
    w = lm.Tensor([[1.0, 2.0], [3.0, 5.0]], name="w")
    walk = lm.Stepper((w * w).sum())
    end = walk.at(len(walk))
    for text, value in [
        ("w[:, 1]", [2.0, 5.0]),
        ("w[1, :]", [3.0, 5.0]),
        ("dn2/dw[:, 0]", [2.0, 6.0]),
        ("w.grad[:,-1]", [4.0, 10.0]),
        ("w.T", [[1.0, 3.0], [2.0, 5.0]]),
        ("w.T[0]", [1.0, 3.0]),
        ("w.grad.T", [[2.0, 6.0], [4.0, 10.0]]),
    ]:
        np.testing.assert_array_equal(quantity(text, end), value)
    assert quantity("w.grad.T", walk) is None
    for text, words in [("w[:, 2]", r"it has no \[:, 2\]"), ("w[:, :, :]", "it has no")]:
        with pytest.raises(CommandError, match=words):
            quantity(text, end)
    with pytest.raises(CommandError, match="the place of an entry"):
        entry_in("w[:, 1]", end)


def test_fewer_numbers_than_axes_are_a_row():
    w = lm.Tensor([[1.0, 2.0], [3.0, 4.0]], name="w")
    np.testing.assert_array_equal(quantity("w[1]", lm.Stepper(w.sum())), [3.0, 4.0])


@pytest.mark.parametrize("text", ["z[3]", "z[0,0]", "z[0][0]", "1[0]", "z" + "[0]" * 9999])
def test_an_entry_that_is_not_there_is_a_mistake(text):
    with pytest.raises(CommandError, match=r"has no|is not evaluated"):
        quantity(text, END)


def test_shapes_that_do_not_belong_together_are_a_mistake():
    x, w = lm.Tensor([1.0, 2.0], name="x"), lm.Tensor([1.0, 2.0, 3.0], name="w")
    walk = lm.Stepper(x.sum() * w.sum())
    with pytest.raises(CommandError, match=r"shapes \(2,\) and \(3,\)"):
        holds("x < w", walk)


@given(st.floats(allow_nan=False))
def test_a_number_is_read_as_python_writes_it(number):
    assert quantity(repr(number), WALK) == number


@given(st.text(st.characters(), max_size=40))
def test_nothing_else_happens_whatever_is_typed(text):
    try:
        found = quantity(text, END)
    except CommandError:
        return
    assert found is None or np.asarray(found).dtype.kind in "bif"


@given(st.lists(st.sampled_from([0.0, 1.5, -2.0, 1e-9, np.inf]), min_size=4, max_size=4))
def test_an_array_is_read_as_it_is_printed(entries):
    x = np.array(entries).reshape(2, 2)
    np.testing.assert_array_equal(numbers(short(x), (2, 2)), x)
    np.testing.assert_array_equal(numbers(repr(x)[6:-1], (2, 2)), x)
    np.testing.assert_array_equal(numbers(str(x), (2, 2)), x)


def test_a_fraction_is_a_number():
    np.testing.assert_array_equal(numbers("1/4, -2/8,.5", (3,)), [0.25, -0.25, 0.5])


def test_a_single_number_fills_a_shape():
    np.testing.assert_array_equal(numbers("3", (2, 2)), np.full((2, 2), 3.0))


@pytest.mark.parametrize(
    "text", ["", "x", "1/0", "1/x", "9" * 999 + "/1", "1,2", "1;2", "1,2,3,4", "__import__('os')"]
)
def test_a_value_that_does_not_fit_is_a_mistake(text):
    with pytest.raises(CommandError, match="numbers"):
        numbers(text, (3,))


@in_one(
    ("text", "shape", "read"),
    [
        ("1", (3,), 1),
        ("0,.5,.5", (3,), [0.0, 0.5, 0.5]),
        ("1", (2, 3), [1, 1]),
        ("0,2", (2, 3), [0, 2]),
        ("0 2", (2, 3), [0, 2]),
        ("[[1, 0], [0, 1]]", (2, 2), [[1.0, 0.0], [0.0, 1.0]]),
        ("1", (1, 3), [1]),
        ("1,0,2,1", (2, 2, 3), [[1, 0], [2, 1]]),
        ("1", (1,), [1.0]),
        ("0.5,1", (2, 1), [[0.5], [1.0]]),
    ],
)
def test_labels_are_a_class_or_a_class_for_each_example_or_a_label_for_each_logit(
    text, shape, read
):
    found = label_numbers(text, shape)
    np.testing.assert_array_equal(found, read)
    assert found.dtype == np.asarray(read).dtype


@pytest.mark.parametrize(
    ("text", "shape", "words"),
    [
        ("9", (3,), "a class, 0 to 2, or 3 labels"),
        ("0.5", (3,), "a class, 0 to 2, or 3 labels"),
        ("nan", (3,), "a class, 0 to 2"),
        ("-1", (2, 3), "2 classes, one for each example, or 6 labels"),
        ("0,0.5", (2, 3), "2 classes, one for each example"),
        ("0,1,2", (2, 3), "2 classes, one for each example"),
        ("0,1", (3, 1), "y takes 3 labels"),
        ("a", (3,), "numbers"),
    ],
)
def test_labels_that_are_none_of_these_are_a_mistake_that_lists_them(text, shape, words):
    with pytest.raises(CommandError, match=words):
        label_numbers(text, shape)


@in_one(
    ("text", "parts"),
    [
        ("z 2,1,0", ("z", "", "2,1,0")),
        ("z = 2, 1", ("z", "", "2, 1")),
        ("z=[2, 1]", ("z", "", "[2, 1]")),
        ("z [[1,2],[3,4]]", ("z", "", "[[1,2],[3,4]]")),
        ("z[1] 5", ("z", "1", "5")),
        ("z[0, -1]=5", ("z", "0, -1", "5")),
        ("z[0] 5", ("z", "0", "5")),
        ("a b 3", ("a b", "", "3")),
        ("a[0] 3", ("a[0]", "", "3")),
        ("mix softmax ll", ("mix", "", "softmax ll")),
    ],
)
def test_an_assignment_in_parts(text, parts):
    known = ["z", "zz", "a b", *(["a[0]"] if text.startswith("a[0]") else ["a"])]
    assert assignment(text, known) == parts


@pytest.mark.parametrize("text", ["", "z", "z ", "z =", "=", " 3", "= 3", "[0] 3"])
def test_an_assignment_without_a_name_or_a_value_is_a_mistake(text):
    with pytest.raises(CommandError, match="set takes an input"):
        assignment(text, ["z"])


def test_one_number_too_many_for_one_is_said_plainly():
    with pytest.raises(CommandError, match=r"2 numbers where the shape \(\) takes 1$"):
        numbers("1, 2", ())
