import io
from pathlib import Path

import numpy as np
import pytest

from bpcli.datasets.preparation.labels import class_text, encode, fit_classes
from bpcli.errors import DataError
from bpcli.formulas.choices import Task
from tests.tables import read_table


def table(labels, name="t.csv"):
    return read_table(Path(name), "csv", io.BytesIO(("y,a\n" + "".join(f"{label},0\n" for label in labels)).encode()))


def classes(labels, task="classes", positive=None):
    return fit_classes(table(labels), "y", Task(task), "the loss", positive, np.arange(len(labels)))


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["b10", "b2", "b2"], ("b2", "b10")),
        (["10", "9", "-1"], (-1.0, 9.0, 10.0)),
        (["1", "1.0", "1e0", "0"], (0.0, 1.0)),
        (["01", "x"], ("01", "x")),
        (["1", "1.0", "x"], ("1", "1.0", "x")),
        ([f"n{k}" for k in range(20)], tuple(f"n{k}" for k in range(20))),
    ],
)
def test_classes_in_natural_order_numbers_as_numbers(labels, expected):
    assert classes(labels) == expected


@pytest.mark.parametrize(
    ("labels", "positive", "expected"),
    [
        (["no", "yes"], None, ("no", "yes")),
        (["no", "yes"], "no", ("yes", "no")),
        (["0", "1"], 0.0, (1.0, 0.0)),
        (["0", "1"], "0", (1.0, 0.0)),
        (["1", "x"], 1.0, ("x", "1")),  # data.positive: 1, among labels that are text
        (["-1", "1"], None, (-1.0, 1.0)),
    ],
)
def test_the_positive_class_is_the_later_one_or_the_one_named(labels, positive, expected):
    assert classes(labels, "binary", positive) == expected


@pytest.mark.parametrize(
    ("labels", "task", "positive", "message"),
    [
        (["x", "x"], "classes", None, "every training row is x"),
        (["x", "x"], "binary", None, "every training row is x"),
        (["1", "1.0"], "binary", None, "every training row is 1;"),
        (["x", "y", "z"], "binary", None, r"(?s)has 3 classes \(x, y, z\).*softmax"),
        (["malignant", "benign"], "binary", "malignent", "did you mean malignant"),
        (["0", "1"], "binary", 7.0, r"(?s)no class 7 .*its classes are 0, 1"),
        (["0", "1"], "binary", "one", "its classes are 0, 1"),
        ([f"{k}.5" for k in range(60)], "classes", None, "(?s)60 different numbers.*loss: mse"),
        ([f"{k}.5" for k in range(60)], "binary", None, "(?s)60 different numbers.*loss: mse"),
        ([f"{k % 1001}" for k in range(4004)], "classes", None, "(?s)1001 different numbers.*loss: mse"),
        ([f"name{k}" for k in range(60)], "classes", None, r"(?s)60 different labels.*data\.target"),
        (["1", "x"], "regression", None, r"(?s)t\.csv:3: column y: 'x' is not a number.*loss: cce"),
    ],
)
def test_a_target_that_does_not_fit(labels, task, positive, message):
    with pytest.raises(DataError, match=message):
        classes(labels, task, positive)


def test_only_the_given_rows_count():
    assert fit_classes(table(["x", "y", "z"]), "y", Task.TWO_CLASSES, "bce", None, np.array([0, 2])) == ("x", "z")


@pytest.mark.parametrize(
    ("known", "labels", "codes"),
    [(("x", "y"), ["y", "x"], [1, 0]), ((0.0, 1.0), ["1.0", "0", "1e0"], [1, 0, 1]), (("1", "x"), ["1", "x"], [0, 1])],
)
def test_labels_become_the_numbers_of_their_classes(known, labels, codes):
    got = encode(table(labels), "y", known, np.arange(len(labels)))
    assert (got.tolist(), got.dtype) == (codes, np.intp)


@pytest.mark.parametrize(
    ("known", "labels", "message"),
    [
        (("x", "z"), ["x", "w"], r"(?s)t\.csv:3: column y: the label 'w' is none of the classes.*x, z"),
        ((0.0, 1.0), ["0", "2"], r"(?s)t\.csv:3: column y: the label '2' is none of the classes.*0, 1"),
        ((0.0, 1.0), ["0", "maybe"], r"t\.csv:3: column y: the label 'maybe' is none of the classes"),
    ],
)
def test_a_label_that_training_has_not_seen_is_an_error_with_its_place(known, labels, message):
    with pytest.raises(DataError, match=message):
        encode(table(labels), "y", known, np.arange(len(labels)))


def test_a_class_prints_as_the_number_it_is():
    assert [class_text(c) for c in ("x", 1.0, 0.5)] == ["x", "1", "0.5"]


@pytest.mark.parametrize("infinite", ["inf", "-Infinity"])
def test_an_infinite_number_among_numbers_is_no_class(tmp_path, infinite):
    with pytest.raises(DataError, match=rf"t\.csv:3: column y: {infinite} is not a finite number"):
        classes(["2", infinite, "2"])
    np.savez(tmp_path / "t.npz", X=np.zeros((3, 1)), y=[2.0, float(infinite), 2.0])
    with pytest.raises(DataError, match=r"row 2: column y: -?inf is not a finite number"):
        fit_classes(read_table(tmp_path / "t.npz"), "y", Task.CLASSES, "cce", None, np.arange(3))
    assert classes(["info", "inf"]) == ("inf", "info")
