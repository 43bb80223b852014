import io
import json
import math
import statistics
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.datasets.preparation import Preparation, PreparationOptions
from bpcli.datasets.table import read_table
from bpcli.errors import DataError


def table(text, name="t.csv"):
    return read_table(Path(name), "csv", io.BytesIO(text.encode()))


def fit(text, task="regression", rows=None, target="y", **options):
    source = table(text)
    chosen = np.arange(source.rows) if rows is None else np.array(rows)
    return Preparation.fit(source, PreparationOptions(target=target, task=task, **options), chosen)


def both(text, **options):
    return fit(text, **options).apply(table(text))


def test_features_are_every_other_column_in_the_order_of_the_file():
    prepared = both("b,y,a\n1,2,3\n4,5,6\n")
    assert prepared.X.tolist() == [[1, 3], [4, 6]]
    assert prepared.y.tolist() == [2, 5]
    assert fit("b,y,a\n1,2,3\n4,5,6\n").feature_names == ["b", "a"]


def test_columns_are_found_by_name_in_any_order_and_others_ignored():
    fitted = fit("a,y,b\n1,2,3\n4,5,6\n", features=["a", "b"])
    prepared = fitted.apply(table("id,b,a\nx,30,10\n"), with_target=False)
    assert prepared.X.tolist() == [[10, 30]]
    assert prepared.ignored == ["id"]
    assert "id" in prepared.remarks[0]


def test_categories_are_one_hot_in_natural_order_with_text_that_looks_like_numbers():
    text = "size,y\nx10,1\nx2,2\nx1,3\nx2,4\n"
    fitted = fit(text, categorical=["size"])
    assert fitted.feature_names == ["size=x1", "size=x2", "size=x10"]
    assert fitted.apply(table(text)).X.tolist() == [[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 1, 0]]
    codes = fit("zip,y\n01,1\n10,2\n", categorical=["zip"])
    assert codes.feature_names == ["zip=01", "zip=10"]


def test_a_category_not_seen_in_training_counts_as_none_with_a_note():
    fitted = fit("c,y\nred,1\nblue,2\ngreen,3\n", categorical=["c"], rows=[0, 1])
    assert fitted.feature_names == ["c=blue", "c=red"]
    prepared = fitted.apply(table("c\nred\ngreen\n"), with_target=False)
    assert prepared.X.tolist() == [[0, 1], [0, 0]]
    assert "green" in prepared.notes[0]


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40).filter(lambda v: len(set(v)) > 1))
def test_standardised_columns_have_the_exact_mean_and_sigma(values):
    fitted = fit("a,y\n" + "".join(f"{v!r},0\n" for v in values), standardize=True)
    exact = [Fraction(v) for v in values]
    mean = sum(exact) / len(exact)
    variance = sum((v - mean) ** 2 for v in exact) / len(exact)
    assert fitted.mean[0] == pytest.approx(float(mean), rel=1e-15, abs=1e-16 * max(map(abs, values)))
    assert fitted.scale[0] == pytest.approx(math.sqrt(variance), rel=1e-12)


@pytest.mark.parametrize("size", [1e-300, 1.0, 1e300])
def test_mean_and_sigma_neither_overflow_nor_underflow(size):
    values = [1.0 * size, 1.5 * size, -1.7 * size]
    fitted = fit("a,y\n" + "".join(f"{v!r},0\n" for v in values), standardize=True)
    assert fitted.scale[0] == pytest.approx(statistics.pstdev([1, 1.5, -1.7]) * size, rel=1e-14)


def test_a_constant_column_is_only_centred():
    prepared = both("a,b,y\n" + "0.1,1,0\n0.1,2,0\n0.1,3,0\n" * 3, standardize=True)
    assert prepared.X[:, 0].tolist() == [0] * 9


def test_statistics_come_from_the_training_rows_alone():
    text = "a,y\n1,0\n3,0\n100,0\n"
    fitted = fit(text, rows=[0, 1], standardize=True)
    assert (fitted.mean, fitted.scale) == ((2.0,), (1.0,))
    assert fitted.apply(table(text)).X.ravel().tolist() == [-1, 1, 98]


def test_one_hot_features_are_not_scaled():
    text = "a,c,y\n1,u,0\n3,v,0\n"
    assert both(text, categorical=["c"], standardize=True).X.tolist() == [[-1, 1, 0], [1, 0, 1]]
    assert both(text, categorical=["c"], scale=2.0).X.tolist() == [[0.5, 1, 0], [1.5, 0, 1]]


@pytest.mark.parametrize(
    ("strategy", "fill"),
    [("mean", 3.0), ("median", 2.0), ("most_frequent", 1.0), ({"a": "mean"}, 3.0)],
)
def test_gaps_are_filled_as_training_did(strategy, fill):
    # the training rows hold 1 1 2 3 8
    text = "a,y\n1,0\n1,0\n2,0\n3,0\n8,0\n,0\n1000,0\n"
    fitted = fit(text, rows=[0, 1, 2, 3, 4, 5], missing=strategy)
    assert fitted.apply(table(text)).X.ravel().tolist() == [1, 1, 2, 3, 8, fill, 1000]
    assert fitted.apply(table("a\n\nNA\n7\n".replace("\n\n", "\n?\n")), with_target=False).X.ravel().tolist() == [
        fill,
        fill,
        7,
    ]


def test_a_gap_in_a_category_takes_the_most_frequent():
    text = "c,y\nu,1\nv,2\nv,3\nNA,4\n"
    assert both(text, categorical=["c"], missing="mean").X.tolist() == [[1, 0], [0, 1], [0, 1], [0, 1]]


def test_rows_with_gaps_are_dropped_with_a_note():
    text = "a,b,y\n1,2,3\n,2,4\n5,,6\n7,8,\n9,9,9\n"
    prepared = both(text, missing="drop")
    assert prepared.rows.tolist() == [0, 4]
    assert prepared.X.tolist() == [[1, 2], [9, 9]]
    assert "3 of 5 rows" in prepared.notes[0]
    only_a = both("a,b,y\n1,2,3\n,2,4\n", missing={"a": "drop"})
    assert only_a.rows.tolist() == [0]


def test_predict_loses_no_row_to_a_gap_that_training_dropped():
    fitted = fit("a,y\n1,2\n,3\n", missing="drop")
    with pytest.raises(DataError, match=r"(?s)new\.csv:3: column a: the cell is missing.*data\.missing: \{a: median\}"):
        fitted.apply(table("a\n1\nNA\n", "new.csv"), with_target=False)


def test_every_unusable_column_is_named_with_what_would_help():
    rows = [f"p{i},{['red', 'blue'][i % 2]},{'' if i == 3 else i},{i}" for i in range(40)]
    with pytest.raises(DataError) as caught:
        fit("id,colour,age,y\n" + "\n".join(rows))
    text = str(caught.value)
    assert "t.csv:2: column id: 'p0' is not a number (40 different values in 40 rows)" in text
    assert "t.csv:2: column colour: 'red' is not a number (2 different values in 40 rows)" in text
    assert "t.csv:5: column age: the cell is missing (1 of 40 are)" in text
    assert "data.categorical: [colour]" in text
    assert "data.exclude: [id]" in text
    assert "data.missing: median" in text
    help_taken = {"categorical": ["colour"], "exclude": ["id"], "missing": "median"}
    fit("id,colour,age,y\n" + "\n".join(rows), **help_taken)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("a,y\n1,2\n", {"target": "z"}, "no column z"),
        ("a,yes\n1,2\n", {"target": "yess"}, "did you mean yes"),
        ("a,y\n1,2\n", {"exclude": ["a"]}, "no column left"),
        ("a,y\n1,2\n,3\n", {"missing": "drop", "rows": [1]}, "leaves no row"),
        ("a,y\n1,2\nNA,3\n", {"missing": "mean", "rows": [1]}, "no number in the training rows"),
        ("a,y\n,2\n,3\n", {"missing": "mean"}, "every cell is missing"),
        ("a,y\n1,\n2,3\n", {}, r"t\.csv:2: column y: the target is missing \(1 of 2"),
        ("a,y\n1,x\n2,z\n", {}, r"t\.csv:2: column y: 'x' is not a number"),
        ("a,y\n1,x\n2,x\n", {"task": "classes"}, "every training row is x"),
        ("a,y\n1,x\n2,z\n3,w\n", {"task": "binary"}, "has 3 classes"),
        ("a,y\n1,yes\n2,no\n", {"task": "binary", "positive": "yess"}, "did you mean yes"),
        ("a,y\n" + "".join(f"1,{i}.5\n" for i in range(60)), {"task": "classes"}, "60 different numbers"),
    ],
)
def test_data_that_does_not_fit(text, options, message):
    with pytest.raises(DataError, match=message):
        fit(text, **options)


@pytest.mark.parametrize(
    ("labels", "options", "classes", "codes"),
    [
        (["b10", "b2", "b2"], {}, ("b2", "b10"), [1, 0, 0]),
        (["1", "1.0", "-2"], {}, (-2.0, 1.0), [1, 1, 0]),
        (["no", "yes", "no"], {"task": "binary"}, ("no", "yes"), [0, 1, 0]),
        (["no", "yes", "no"], {"task": "binary", "positive": "no"}, ("yes", "no"), [1, 0, 1]),
        (["0", "1", "1"], {"task": "binary", "positive": 0.0}, (1.0, 0.0), [1, 0, 0]),
    ],
)
def test_labels_become_class_numbers(labels, options, classes, codes):
    text = "a,y\n" + "".join(f"1,{label}\n" for label in labels)
    fitted = fit(text, **{"task": "classes", **options})
    assert fitted.classes == classes
    assert fitted.apply(table(text)).y.tolist() == codes


def test_a_class_that_training_has_not_seen_is_an_error_with_its_place():
    fitted = fit("a,y\n1,x\n2,z\n", task="classes")
    with pytest.raises(DataError, match=r"(?s)new\.csv:3: column y: 'w' is no class.*x, z"):
        fitted.apply(table("a,y\n1,x\n2,w\n", "new.csv"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("b\n1\n", "no column a"),
        ("a\n1\nx\n", r"new\.csv:3: column a: 'x' is not a number"),
        ("a\n1\n?\n", r"new\.csv:3: column a: the cell is missing"),
    ],
)
def test_new_data_that_does_not_fit_the_model(text, message):
    with pytest.raises(DataError, match=message):
        fit("a,y\n1,2\n2,3\n").apply(table(text, "new.csv"), with_target=False)


def test_a_preparation_survives_json():
    text = "a,c,y\n0.1,u,x\n,v,z\n0.3,u,z\n"
    fitted = fit(text, task="classes", categorical=["c"], missing="mean", standardize=True)
    again = Preparation.from_json(json.loads(json.dumps(fitted.to_json())))
    assert again == fitted
    np.testing.assert_array_equal(again.apply(table(text)).X, fitted.apply(table(text)).X)
