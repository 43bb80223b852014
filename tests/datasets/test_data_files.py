"""The data sets beside what their origins say of them."""

import numpy as np
import pytest

from bpcli.datasets.table import read_table

# As UCI and scikit-learn's documentation ("Toy datasets") describe them: min, max, mean, SD.
STATED = {
    "iris.csv": {
        "sepal_length": (4.3, 7.9, 5.84, 0.83),
        "sepal_width": (2.0, 4.4, 3.05, 0.43),
        "petal_length": (1.0, 6.9, 3.76, 1.76),
        "petal_width": (0.1, 2.5, 1.20, 0.76),
    },
    "breast_cancer.csv": {
        "mean_radius": (6.981, 28.11),
        "error_area": (6.802, 542.2),
        "worst_area": (185.2, 4254.0),
        "worst_concavity": (0.0, 1.252),
        "worst_texture": (12.02, 49.54),
    },
    "diabetes.csv": {"progression": (25.0, 346.0)},
    "digits.csv": {"pixel_0_0": (0, 0), "pixel_3_3": (0, 16), "digit": (0, 9)},
}


@pytest.mark.parametrize("name", STATED)
def test_the_columns_are_as_stated(root, name):
    table = read_table(root / "data" / name)
    for column, (low, high, *rest) in STATED[name].items():
        values = table.numeric(column)
        assert (values.min(), values.max()) == (low, high), column
        if rest:
            assert values.mean() == pytest.approx(rest[0], abs=0.011)
            assert values.std(ddof=1) == pytest.approx(rest[1], abs=0.006)


@pytest.mark.parametrize(
    ("name", "rows", "columns", "target", "counts"),
    [
        ("iris.csv", 150, 5, "species", {"setosa": 50, "versicolor": 50, "virginica": 50}),
        ("breast_cancer.csv", 569, 31, "diagnosis", {"malignant": 212, "benign": 357}),
        ("digits.csv", 1797, 65, "digit", None),
        ("diabetes.csv", 442, 11, "progression", None),
    ],
)
def test_shapes_and_classes_are_as_stated(root, name, rows, columns, target, counts):
    table = read_table(root / "data" / name)
    assert (table.rows, len(table.names)) == (rows, columns)
    assert not any(table.missing(column).any() for column in table.names)
    if counts:
        values, number = np.unique(table.text(target), return_counts=True)
        assert dict(zip(values.tolist(), number.tolist(), strict=True)) == counts
