"""A fitted preparation turns tables into features and targets, and survives JSON."""

import json
import math
from fractions import Fraction

import numpy as np
import pytest
from fits import both, fit, table
from hypothesis import given
from hypothesis import strategies as st

from bpcli.datasets.preparation.fitted import Preparation
from bpcli.errors import DataError


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


thousandths = st.integers(-(10**9), 10**9).map(lambda k: k / 1000)


@given(st.lists(thousandths, min_size=2, max_size=40).filter(lambda v: len(set(v)) > 1))
def test_standardised_columns_have_the_exact_mean_and_sigma(values):
    fitted = fit("a,y\n" + "".join(f"{v!r},0\n" for v in values), standardize=True)
    exact = [Fraction(v) for v in values]
    mean = sum(exact) / len(exact)
    variance = sum((v - mean) ** 2 for v in exact) / len(exact)
    assert fitted.mean[0] == pytest.approx(float(mean), rel=1e-15, abs=1e-16 * max(map(abs, values)))
    assert fitted.scale[0] == pytest.approx(math.sqrt(variance), rel=1e-12)


def test_the_classes_are_part_of_the_preparation():
    text = "a,y\n1,yes\n2,no\n3,yes\n"
    fitted = fit(text, task="binary", positive="no")
    assert fitted.classes == ("yes", "no")
    assert fitted.apply(table(text)).y.tolist() == [0, 1, 0]
    with pytest.raises(DataError, match=r"(?s)new\.csv:3: column y: the label 'w' is none of the classes.*yes, no"):
        fitted.apply(table("a,y\n1,yes\n2,w\n", "new.csv"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("b\n1\n", "no column a"),
        ("A\n1\n", "(?s)no column a.*did you mean A"),
        ("a\n1\nx\n", r"new\.csv:3: column a: 'x' is not a number"),
        ("a\n1\n?\n", r"new\.csv:3: column a: the cell is missing"),
    ],
)
def test_new_data_that_does_not_fit_the_model(text, message):
    with pytest.raises(DataError, match=message):
        fit("a,y\n1,2\n2,3\n").apply(table(text, "new.csv"), with_target=False)


def test_every_column_that_the_model_can_t_take_is_named():
    text = "a,b,c,y\n" + "1,2,u,3\n4,5,v,6\n"
    fitted = fit(text, categorical=["c"])
    with pytest.raises(DataError) as caught:
        fitted.apply(table("c,b,a\nu,1,x\n,?,2\n", "new.csv"), with_target=False)
    assert str(caught.value).splitlines() == [
        "new.csv:2: column a: 'x' is not a number, as it was in training",
        "  new.csv:3: column b: the cell is missing, and the model was trained without a filling for it",
        "  new.csv:3: column c: the cell is missing, and the model was trained without a filling for it",
        "  train it with data.missing: {b: median, c: most_frequent}",
    ]


def test_a_preparation_survives_json():
    text = "a,c,y\n0.1,u,x\n,v,z\n0.3,u,z\n"
    fitted = fit(text, task="classes", categorical=["c"], missing="mean", standardize=True)
    again = Preparation.from_json(json.loads(json.dumps(fitted.to_json())))
    assert again == fitted
    np.testing.assert_array_equal(again.apply(table(text)).X, fitted.apply(table(text)).X)
