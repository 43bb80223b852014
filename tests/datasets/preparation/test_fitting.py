"""What is learned of the training rows: means, scales and classes, and what is refused."""

import pytest
from fits import both, fit, table

from bpcli.errors import DataError, UsageError


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
