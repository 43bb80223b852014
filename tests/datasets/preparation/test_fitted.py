import io
import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bpcli.datasets.preparation.fitted import Preparation
from bpcli.datasets.preparation.fitting import fit_preparation
from bpcli.datasets.preparation.options import PreparationOptions
from bpcli.datasets.reading import read_table
from bpcli.errors import DataError, UsageError
from bpcli.formulas.choices import Task


def table(text, name="t.csv"):
    return read_table(Path(name), "csv", io.BytesIO(text.encode()))


def fit(text, task="regression", rows=None, target="y", **options):
    source = table(text)
    chosen = np.arange(source.rows) if rows is None else np.array(rows)
    of_config = PreparationOptions(target=target, task=Task(task), loss="mse", **options)
    return fit_preparation(source, of_config, chosen)


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


thousandths = st.integers(-(10**9), 10**9).map(lambda k: k / 1000)


@given(st.lists(thousandths, min_size=2, max_size=40).filter(lambda v: len(set(v)) > 1))
def test_standardised_columns_have_the_exact_mean_and_sigma(values):
    fitted = fit("a,y\n" + "".join(f"{v!r},0\n" for v in values), standardize=True)
    exact = [Fraction(v) for v in values]
    mean = sum(exact) / len(exact)
    variance = sum((v - mean) ** 2 for v in exact) / len(exact)
    assert fitted.mean[0] == pytest.approx(float(mean), rel=1e-15, abs=1e-16 * max(map(abs, values)))
    assert fitted.scale[0] == pytest.approx(math.sqrt(variance), rel=1e-12)


def test_what_overflows_only_on_the_way_does_not():
    prepared = both("a,y\n1.7e308,0\n-1.7e308,1\n", standardize=True)
    assert prepared.X.ravel().tolist() == [1, -1]
    fitted = fit("a,b,y\n1,0,0\n1.5,1,1\n", standardize=True)
    with pytest.raises(DataError, match=r"new\.csv:3: column a: 1e308 is too large to be scaled"):
        fitted.apply(table("b,a\n1,1\n1,1e308\n", "new.csv"), with_target=False)
    with pytest.raises(DataError, match=r"t\.csv:2: column a: 1e300 is too large"):
        both("a,y\n1e300,0\n", scale=1e-10)


def test_a_constant_column_is_only_centred():
    prepared = both("a,b,y\n" + "0.1,1,0\n0.1,2,0\n0.1,3,0\n" * 3, standardize=True)
    assert prepared.X[:, 0].tolist() == [0] * 9
    # so is one whose σ, half the smallest double, rounds to 0
    assert fit("a,y\n0,0\n5e-324,1\n", standardize=True).scale == (1.0,)


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
        ("a,y\n1,2\nNA,3\n", {"missing": "mean", "rows": [1]}, "every cell of the training rows is missing"),
        ("a,y\n,2\n,3\n", {"missing": "mean"}, "every cell is missing"),
        (
            "c,y\n,1\nx,3\n",
            {"categorical": ["c"], "missing": "mean", "rows": [0]},
            r"(?s)training rows.*exclude: \[c\]",
        ),
        ("a,y\n1,\n2,3\n", {}, r'(?s)t\.csv:2: column y: the target is missing \(1 of 2.*data\.missing: \{"y": drop\}'),
        ("a,y\n1,x\n2,z\n", {}, r"t\.csv:2: column y: 'x' is not a number"),
    ],
)
def test_data_that_does_not_fit(text, options, message):
    with pytest.raises(DataError, match=message):
        fit(text, **options)


def test_the_classes_are_part_of_the_preparation():
    text = "a,y\n1,yes\n2,no\n3,yes\n"
    fitted = fit(text, task="binary", positive="no")
    assert fitted.classes == ("yes", "no")
    assert fitted.apply(table(text)).y.tolist() == [0, 1, 0]
    with pytest.raises(DataError, match=r"(?s)new\.csv:3: column y: 'w' is no class.*yes, no"):
        fitted.apply(table("a,y\n1,yes\n2,w\n", "new.csv"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"missing": {"y": "mean"}}, "y is the target, which is never filled"),
        ({"missing": {"c": "median"}, "categorical": ["c"]}, "c is categorical and has no median: most_frequent"),
        ({"missing": {"a": "mean"}, "exclude": ["a"]}, "a is not among the features"),
    ],
)
def test_an_option_that_could_do_nothing_is_refused(options, message):
    with pytest.raises(UsageError, match=message):
        fit("a,c,y\n1,u,0\n2,v,1\n", **options)


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


def test_a_category_that_is_a_number_is_found_as_that_number():
    """Where a table has a gap, many a program writes its whole numbers as 1.0."""
    fitted = fit("c,y\n1,0\n2,1\n", categorical=["c"], missing="most_frequent")
    prepared = fitted.apply(table('c\n2.0\n1.0\n""\n3.0\n'), with_target=False)
    assert prepared.X.tolist() == [[0, 1], [1, 0], [1, 0], [0, 0]]
    assert prepared.notes == ["t.csv: column c: not seen in training, so none of its categories: 3.0"]
    both_kinds = fit("c,y\n01,0\n1,1\n", categorical=["c"]).apply(table("c\n01\n1\n1.0\n"), with_target=False)
    assert both_kinds.X.tolist() == [[1, 0], [0, 1], [0, 0]]


def test_a_row_that_goes_anyway_is_no_reason_to_refuse():
    text = "a,b,y\n1,1,0\n,,1\n2,2,2\n3,3,\n"
    prepared = both(text, missing={"a": "drop", "y": "drop"})
    assert prepared.rows.tolist() == [0, 2]


def messy(rows=60):
    """A customer table as people have them: an id, a date, text, gaps, slips, a yes/no target."""
    lines = ["id,signed up,plan,age,visits,empty,churn"]
    for i in range(rows):
        age = "" if i % 7 == 3 else 20 + i % 50
        visits = "12 x" if i == 20 else i
        plan = "" if i == 5 else ("basic", "plus", "pro")[i % 3]
        lines.append(
            f"C-{i:03d},2024-01-{i % 28 + 1:02d},{plan},{age},{visits},,{'' if i == 9 else ('no', 'yes')[i % 2]}"
        )
    return "\n".join(lines) + "\n"


def test_the_words_of_the_error_are_the_config_that_works():
    """Each hint, copied as it stands, leads to a fit in one go; what was chosen before is kept in it."""
    with pytest.raises(DataError) as caught:
        fit(messy(), task="binary", target="churn", exclude=["id"], missing={"age": "mean"})
    problems, _, hint = str(caught.value).partition("to mend it, in the config:")
    for words in (
        "t.csv:2: column signed up: '2024-01-01' is not a number (28 different values in 60 rows)",
        "t.csv:2: column plan: 'basic' is not a number (3 different values in 60 rows)",
        "t.csv:22: column visits: '12 x' is not a number (1 of 60 cells is not; mend them",
        "t.csv: column empty: every cell is missing",
        "t.csv:11: column churn: the target is missing (1 of 60 are)",
    ):
        assert words in problems
    assert yaml.safe_load(hint.replace("data.", "")) == {
        "categorical": ["plan"],
        "exclude": ["id", "signed up", "visits", "empty"],
        "missing": {"age": "mean", "plan": "most_frequent", "churn": "drop"},
    }
    prepared = both(messy(), task="binary", target="churn", **yaml.safe_load(hint.replace("data.", "")))
    assert prepared.X.shape == (59, 4)
    assert set(prepared.y.tolist()) == {0, 1}


def test_names_that_yaml_would_take_for_something_else_are_quoted():
    with pytest.raises(DataError) as caught:
        fit('"a: b",null,"[x]","it\'s",größe 2,y\nu,u,u,u,u,1\nv,v,v,v,v,2\n')
    _, _, hint = str(caught.value).partition("data.categorical: ")
    assert yaml.safe_load(hint) == ["a: b", "null", "[x]", "it's", "größe 2"]


def test_an_error_of_very_many_columns_ends():
    names = [f"x{j}" for j in range(500)]
    with pytest.raises(DataError) as caught:
        fit(",".join([*names, "y"]) + "\n" + ",".join(["u"] * 500 + ["1"]) + "\n")
    assert "… and 480 more columns" in str(caught.value)
    assert len(str(caught.value).splitlines()) < 30


def test_a_preparation_survives_json():
    text = "a,c,y\n0.1,u,x\n,v,z\n0.3,u,z\n"
    fitted = fit(text, task="classes", categorical=["c"], missing="mean", standardize=True)
    again = Preparation.from_json(json.loads(json.dumps(fitted.to_json())))
    assert again == fitted
    np.testing.assert_array_equal(again.apply(table(text)).X, fitted.apply(table(text)).X)
