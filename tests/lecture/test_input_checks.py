"""What functions of the lecture take: shapes, labels and settings, and one clear error for each mistake."""

import math

import numpy as np
import pytest

from bpcli.errors import InputError, MissingInputError, UsageError
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.losses import LOSSES
from bpcli.lecture.input_checks import (
    blocks_of,
    check_labels,
    check_names,
    check_settings,
    check_sums,
    kind_of,
    one_hot,
)
from bpcli.lecture.inputs import INPUTS
from bpcli.lecture.named_functions import NAMED


def test_one_hot_rows():
    assert one_hot(np.array([1.0, 0.0]), 2, 3).tolist() == [[0, 1, 0], [1, 0, 0]]


@pytest.mark.parametrize(
    ("name", "inputs", "message"),
    [
        ("softmax", {"logits": [[1.0], [2.0]]}, "logits is a 2 × 1 matrix; expected a vector"),
        ("sigmoid", {"z": [[1.0, 2.0]]}, "z is a 1 × 2 matrix"),
        ("dot", {"u": [1.0], "v": [1.0, 2.0]}, "u is one number, v is a vector of 2"),
        ("affine", {"x": [1.0, 2.0], "w": [1.0], "b": 0.0}, "x is a vector of 2, w is one number"),
        ("affine", {"x": [1.0], "w": [1.0], "b": [0.0, 1.0]}, "b is a vector of 2; expected one number"),
        ("affine", {"x": [1.0], "w": [[1.0, 2.0]], "b": 0.0}, "b is one number; expected a vector of 2"),
        ("neuron", {"x": [1.0], "w": [[1.0]], "b": [0.0], "activation": "relu"}, "a neuron has one output"),
        ("mse", {"y": [1.0], "yhat": [[1.0, 2.0]]}, "y is one number, yhat is a 1 × 2 matrix"),
        ("bce", {"y": [2.0], "yhat": [0.5]}, "y holds labels between 0 and 1, found 2"),
        ("bce", {"y": [1.0], "yhat": [-0.5]}, "yhat holds probabilities between 0 and 1, found -0.5"),
        ("bce", {"y": [math.nan], "yhat": [0.5]}, "found nan"),
        ("cce", {"yhat": [0.5, 0.5]}, "the true class once"),
        ("cce", {"yhat": [0.5, 0.5], "y": [1.0, 0.0], "label": 0.0}, "the true class once"),
        ("cce", {"yhat": [0.5, 1.5], "label": 0.0}, "found 1.5"),
        ("cce", {"yhat": [0.5, 0.5], "y": [1.0, 1.0]}, "add up to 1; found a sum of 2"),
        ("cce", {"yhat": [0.5, 0.5], "y": [1.0]}, "label gives class numbers"),
        ("cce", {"yhat": [0.5, 0.5], "label": 2.0}, "label 2: the classes are counted from 0 to 1"),
        ("softmax_cce", {"logits": [0.5, 0.5], "label": 0.5}, "label 0.5: the classes"),
        ("softmax_cce", {"logits": [0.5, 0.5], "label": -1.0}, "label -1: the classes"),
        ("softmax_cce", {"logits": [0.5, 0.5], "label": [0.0, 1.0]}, "label is a vector of 2; expected one number"),
        ("softmax_cce", {"logits": [0.5, 0.5], "label": math.nan}, "label nan: the classes"),
    ],
)
def test_a_wrong_input_is_one_clear_error(name, inputs, message):
    with pytest.raises(UsageError) as error:
        NAMED[name].check(inputs)
    assert message in str(error.value)


def test_what_an_array_is_in_words():
    shapes = {(): "one number", (1,): "one number", (3,): "a vector of 3", (2, 3): "a 2 × 3 matrix"}
    assert {shape: kind_of(np.zeros(shape)) for shape in shapes} == shapes


@pytest.mark.parametrize("name", INPUTS)
def test_each_input_is_needed_and_no_other_is_taken(name):
    given = dict.fromkeys(INPUTS[name], 1.0)
    check_names(name, given)
    with pytest.raises(InputError, match="takes no q"):
        check_names(name, {**given, "q": 1.0})
    for key in set(INPUTS[name]) - ({"y", "label"} if "label" in INPUTS[name] else set()):
        with pytest.raises(MissingInputError) as error:
            check_names(name, {other: 1.0 for other in given if other != key})
        assert error.value.names == (key,)


@pytest.mark.parametrize("row", [*ACTIVATIONS.values(), *LOSSES.values()], ids=lambda row: row.name)
def test_settings_stay_within_their_bounds(row):
    for name, setting in row.settings.items():
        assert check_settings(row, {name: setting.default})[name] == setting.default
        for bound in (setting.above, setting.below, math.nan, math.inf):
            if bound is not None:
                with pytest.raises(InputError, match=f"^{name}: expected"):
                    check_settings(row, {name: bound})
        with pytest.raises(InputError, match="expected one number"):
            check_settings(row, {name: [1.0, 2.0]})


@pytest.mark.parametrize("row", LOSSES.values(), ids=lambda row: row.name)
def test_labels_lie_where_the_loss_takes_them(row):
    for end, beyond in ((row.labels.low, -1.0), (row.labels.high, 1.0)):
        if math.isfinite(end):
            with pytest.raises(InputError, match="y holds labels"):
                check_labels(row, np.array([end + beyond]))


def test_rows_of_shares_add_up_to_1():
    check_sums(np.array([[0.25, 0.75], [0.0, 1.0]]))
    with pytest.raises(InputError, match=r"found a sum of 0\.5"):
        check_sums(np.array([[0.25, 0.25]]))


@pytest.mark.parametrize(
    ("wrt", "chosen"), [(None, ["x", "w", "b"]), ("w", ["w"]), ("b, x", ["x", "b"]), (["w", "b"], ["w", "b"])]
)
def test_blocks_are_named_by_a_text_or_a_list(wrt, chosen):
    assert blocks_of("affine", ("x", "w", "b"), wrt) == chosen


@pytest.mark.parametrize("wrt", ["q", "x,q", ["q"], ""])
def test_an_unknown_block_is_an_error(wrt):
    with pytest.raises(UsageError, match="affine has no block"):
        blocks_of("affine", ("x", "w", "b"), wrt)
