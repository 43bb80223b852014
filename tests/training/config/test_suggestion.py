"""What is suggested for a table: small tables by hand, one question each."""

import csv
import random

import numpy as np
import pytest

from bpcli.errors import BpcliError, DataError, UsageError
from bpcli.text.yaml12 import yaml_text
from bpcli.training.config.suggestion import remarks_on, suggest
from tests.tables import read_table


@pytest.fixture
def look(tmp_path):
    """`look(target=…, a=[…], b=[…])` drafts for a table of these columns, and returns the chosen values."""

    def look(target=None, model=None, **columns):
        path = tmp_path / "t.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([list(columns), *zip(*columns.values(), strict=True)])
        return suggest(read_table(path), target, model)

    return look


N = 60
X = [round(random.Random(i + 1000).gauss(0, 1), 3) for i in range(N)]
NUMBERS = [round(random.Random(i).gauss(0, 1), 3) for i in range(N)]


def cycle(*values):
    return [values[i % len(values)] for i in range(N)]


@pytest.mark.parametrize(
    ("target", "model", "expected"),
    [
        (cycle("no", "yes"), None, ("neuron", "sigmoid", "bce", "yes")),
        (cycle("Yes", "no"), None, ("neuron", "sigmoid", "bce", "Yes")),  # though n comes behind Y
        (cycle("ja", "nein"), None, ("neuron", "sigmoid", "bce", "ja")),
        (cycle("N", "J"), None, ("neuron", "sigmoid", "bce", "J")),
        (cycle("oui", "non"), None, ("neuron", "sigmoid", "bce", "oui")),
        (cycle("no", "Sí"), None, ("neuron", "sigmoid", "bce", "Sí")),
        (cycle("da", "nie"), None, ("neuron", "sigmoid", "bce", "da")),
        (cycle("left", "right"), None, ("neuron", "sigmoid", "bce", "right")),
        (cycle("positive", "negative"), None, ("neuron", "sigmoid", "bce", "positive")),
        (cycle("True", "False"), None, ("neuron", "sigmoid", "bce", "true")),
        (cycle("benign", "malignant"), None, ("neuron", "sigmoid", "bce", "malignant")),
        (cycle(0, 1), None, ("neuron", "sigmoid", "bce", 1.0)),
        (cycle(1, 2), None, ("neuron", "sigmoid", "bce", 2.0)),
        (cycle("no", "yes"), "softmax", ("softmax", None, "cce", None)),
        (cycle("a", "b", "c"), None, ("softmax", None, "cce", None)),
        (cycle("1", "2", "x"), None, ("softmax", None, "cce", None)),
        (cycle(3, 4, 5), None, ("softmax", None, "cce", None)),
        (cycle(3, 4, 5), "neuron", ("neuron", "identity", "mse", None)),
        (cycle(0.5, 1.5), None, ("neuron", "identity", "mse", None)),
        (list(range(100, 100 + 7 * N, 7)), None, ("neuron", "identity", "mse", None)),
        (NUMBERS, None, ("neuron", "identity", "mse", None)),
        (NUMBERS, "neuron", ("neuron", "identity", "mse", None)),
        (cycle(*range(12)), None, ("softmax", None, "cce", None)),
        (cycle(*range(13)), None, ("neuron", "identity", "mse", None)),  # more than a fifth of the rows
    ],
)
def test_the_target_decides_on_model_and_loss(look, target, model, expected):
    entries = look("t", model, x=X, t=target)
    keys = ("model.type", "model.activation", "loss", "data.positive")
    assert tuple(entries[key].value if key in entries else None for key in keys) == expected
    told = [line for line in remarks_on(entries) if line.startswith("data.positive: ")]
    assert len(told) == (expected[-1] is not None)
    assert all(line.startswith(f"data.positive: {yaml_text(expected[-1])} (or ") for line in told)


@pytest.mark.parametrize(
    ("target", "model", "kind", "message"),
    [
        (["a"] * N, None, DataError, "one value only"),
        (["a", "None"] * (N // 2), None, DataError, "one value only"),
        ([""] * N, None, DataError, "no value"),
        ([f"name {i}" for i in range(N)], None, DataError, "60 different texts in 60 rows: no classes, and no numbers"),
        (NUMBERS, "softmax", UsageError, "model neuron"),
        (cycle("a", "b", "c"), "neuron", UsageError, "model softmax"),
    ],
)
def test_a_target_that_can_t_be_learned(look, target, model, kind, message):
    with pytest.raises(kind, match=message):
        look("t", model, x=X, t=target)


def test_a_target_that_is_no_column(look):
    with pytest.raises(BpcliError, match="did you mean churn"):
        look("churm", x=X, churn=cycle(0, 1))


@pytest.mark.parametrize(
    ("columns", "target", "remark"),
    [
        ({"Diagnosis": cycle(0, 1), "x": X}, "Diagnosis", "guessed by its name"),
        ({"class": ["c"] * N, "label": cycle("a", "b"), "x": X}, "label", "guessed by its name"),
        ({"y": X, "outcome": NUMBERS, "x": X}, "y", "guessed by its name"),
        ({"x": X, "z": NUMBERS}, "z", "guessed: the last column that can be one"),
        (
            {"x": X, "z": NUMBERS, "id": range(N), "when": ["2020-01-01"] * 30 + ["2020-01-02"] * 30},
            "z",
            "guessed: the l",
        ),
    ],
)
def test_a_target_is_guessed(look, columns, target, remark):
    entry = look(**columns)["data.target"]
    assert entry.value == target
    assert entry.remark.startswith(remark)


def test_nothing_to_predict_or_to_learn_from(look):
    with pytest.raises(DataError, match="no column that could be predicted"):
        look(a=["c"] * N, id=range(N))
    with pytest.raises(DataError, match="no column that could be learned from beside t"):
        look("t", t=cycle(0, 1), c=["c"] * N)


@pytest.mark.parametrize(
    ("name", "cells", "reason"),
    [
        ("a", [""] * N, "empty"),
        ("a", [3] * N, "the same in every row"),
        ("a", ["x", ""] * (N // 2), "one value, or a gap"),
        *[
            (name, range(1000, 1000 + N), "an id")
            for name in ("id", "customer_id", "PassengerId", "customerID", "Row Number")
        ],
        ("user_id", [1000 + i // 2 for i in range(N)], "an id"),
        ("row", range(N), "an id"),
        ("Unnamed", range(1, N + 1), "an id"),
        ("Unnamed: 0", range(7, 7 + 3 * N, 3), "an id"),
        ("Unnamed: 0_level_0", range(N - 1, -1, -1), "an id"),
        ("shuffled", [(7 * i) % N for i in range(N)], "an id"),
        ("a", [f"C-{i:04}" for i in range(N)], "different in every row: an id or free text"),
        ("a", [f"word {i % 40}" for i in range(N)], "text of 40 values"),
        ("a", cycle("2020-01-05", "2021-12-31"), "dates or times"),
        ("a", cycle("2020-01-05T10:00:00Z", "2021-12-31 23:59"), "dates or times"),
        ("a", cycle("5.1.2020", "31/12/21", "1/2/2020"), "dates or times"),
        ("a", cycle("2020/1/5", "2020-07"), "dates or times"),
        ("a", cycle("Jan 5, 2020", "5. March 2021", "7 may 2020"), "dates or times"),
        ("a", cycle("12:30", "7:05:01"), "dates or times"),
        ("a", ["–", *NUMBERS[1:]], 'numbers, but for 1 of 60 cells such as "–"; mend them to use it'),
        ("a", ["12 kg", "13 kg", *NUMBERS[2:]], 'numbers, but for 2 of 60 cells such as "12 kg"; mend them to use it'),
    ],
)
def test_columns_that_are_no_use_are_left_out_with_the_reason(look, name, cells, reason):
    entries = look("t", **{name: list(cells)}, x=X, t=cycle(0, 1))
    assert dict(entries["data.exclude"].remarks) == {name: reason}


@pytest.mark.parametrize(
    ("name", "cells", "categorical"),
    [
        ("year", range(1990, 1990 + N), False),
        ("humid", [i * 7 % 100 for i in range(N)], False),
        ("paid", cycle(0, 1), False),
        ("id", cycle(0, 1), False),
        ("code", cycle(1, 2, 3, 4), False),
        ("plan", cycle("basic", "plus", "NA"), True),
        ("size", cycle("1", "2", "L"), True),
        ("version", cycle("1.2.3", "1.2.4"), True),
        ("month", cycle("May", "June", "March"), True),
    ],
)
def test_columns_that_are_of_use_are_kept(look, name, cells, categorical):
    entries = look("t", **{name: list(cells)}, x=X, t=cycle(0, 1))
    assert "data.exclude" not in entries
    assert ("data.categorical" in entries) == categorical


def test_gaps_are_filled_where_there_are_any_and_rows_without_a_target_dropped(look):
    entries = look("t", x=[*X[1:], ""], full=NUMBERS, plan=cycle("a", "b", "?"), t=["", *cycle(0, 1)[1:]])
    assert entries["data.missing"].value == {"x": "median", "plan": "most_frequent", "t": "drop"}
    assert "data.missing" not in look("t", x=X, t=cycle(0, 1))


@pytest.mark.parametrize(
    ("rows", "target", "validation"),
    [
        (24, cycle(0, 1), None),
        (25, cycle(0, 1), 0.2),
        (25, cycle("a", "b", "c"), 0.2),
        (40, cycle(*"abcdefghijklmnopqr"), None),
    ],
)
def test_a_part_is_held_out_if_there_are_rows_enough(look, rows, target, validation):
    assert look("t", x=X[:rows], t=target[:rows])["data.validation"].value == validation


@pytest.mark.parametrize(
    ("n", "rows", "alike", "outlier"), [(1, 300, 0, 0), (10, 300, 0, 0), (200, 300, 1, 0), (3, 20_000, 0, 1e6)]
)
def test_the_learning_rate_is_inside_the_bound_of_stable_descent(look, n, rows, alike, outlier):
    """Beside 2/λ, λ the largest eigenvalue of ∂²J/∂w² on a batch of 32 that holds the largest row."""
    rng = np.random.default_rng(5)
    columns = (rng.normal(size=(n, rows)) + 10 * alike * rng.normal(size=rows)).round(3)
    columns[0, 7] += outlier
    entries = look("t", **{f"x{j}": column for j, column in enumerate(columns)}, t=rng.normal(size=rows).round(3))
    rate = entries["training.learning_rate"].value
    X = ((columns - columns.mean(1, keepdims=True)) / columns.std(1, keepdims=True)).T
    batch = np.column_stack([X, np.ones(rows)])[:32]
    curvature = np.linalg.eigvalsh(2 / 32 * batch.T @ batch).max()
    assert 0.1 * min(0.01, 2 / curvature) < rate <= min(0.01, 2 / curvature)
    assert float(f"{rate:.0e}") == rate


def test_few_rows_have_more_epochs_and_many_fewer(look):
    def epochs(rows):
        rng = random.Random(2)
        numbers = [rng.random() for _ in range(rows)]
        return look("t", x=numbers, t=[int(x > 0.5) for x in numbers])["training.epochs"].value

    assert epochs(30) == 1000
    assert epochs(1000) == 100
    assert epochs(100_000) == 64  # of 3125 batches each


def test_a_word_in_a_row_without_a_target_is_told_of(look):
    entries = look("t", x=["–", *X[1:]], z=X, t=["", *cycle(0, 1)[1:]])
    assert entries["data.exclude"].remarks["x"] == "numbers, but for rows without a target"


def test_a_column_with_too_few_values_to_be_split_is_left_out(look):
    entries = look("t", x=[1.5, 2.5, 3.5, 4.5] + [""] * (N - 4), z=X, t=cycle(0, 1))
    assert entries["data.exclude"].remarks["x"] == "empty but for 4 rows"
