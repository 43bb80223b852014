"""Missing cells are filled or dropped as training did."""

import math

import pytest
from fits import both, fit, table

from bpcli.errors import DataError


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


def test_mean_and_sigma_are_those_of_the_filled_column():
    fitted = fit("a,y\n0,0\n0,0\n6,0\n,0\n", missing="most_frequent", standardize=True)
    assert (fitted.mean, fitted.scale) == ((1.5,), (math.sqrt(6.75),))  # of 0 0 6 0


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


def test_a_row_that_goes_anyway_is_no_reason_to_refuse():
    text = "a,b,y\n1,1,0\n,,1\n2,2,2\n3,3,\n"
    prepared = both(text, missing={"a": "drop", "y": "drop"})
    assert prepared.rows.tolist() == [0, 2]
