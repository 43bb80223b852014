"""The data sets beside what their origins say of them."""

import numpy as np
import pytest

from tests.tables import read_table

# As the descriptions that come with the sets state it, in the order of the columns: the summaries of iris and breast
# cancer in scikit-learn's sklearn/datasets/descr/, and the counts of the test set in UCI's optdigits.names.
IRIS = [  # min, max, mean, SD
    (4.3, 7.9, 5.84, 0.83),
    (2.0, 4.4, 3.05, 0.43),
    (1.0, 6.9, 3.76, 1.76),
    (0.1, 2.5, 1.20, 0.76),
]
BREAST_CANCER = [  # min, max; mean, standard error and worst of ten measures
    *[(6.981, 28.11), (9.71, 39.28), (43.79, 188.5), (143.5, 2501.0), (0.053, 0.163)],
    *[(0.019, 0.345), (0.0, 0.427), (0.0, 0.201), (0.106, 0.304), (0.05, 0.097)],
    *[(0.112, 2.873), (0.36, 4.885), (0.757, 21.98), (6.802, 542.2), (0.002, 0.031)],
    *[(0.002, 0.135), (0.0, 0.396), (0.0, 0.053), (0.008, 0.079), (0.001, 0.03)],
    *[(7.93, 36.04), (12.02, 49.54), (50.41, 251.2), (185.2, 4254.0), (0.071, 0.223)],
    *[(0.027, 1.058), (0.0, 1.252), (0.0, 0.291), (0.156, 0.664), (0.055, 0.208)],
]
DIGIT_COUNTS = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


@pytest.fixture(scope="module")
def table(root):
    return lambda name: read_table(root / "data" / f"{name}.csv")


@pytest.mark.parametrize(
    ("name", "rows", "columns", "target", "counts"),
    [
        ("iris", 150, 5, "species", {"setosa": 50, "versicolor": 50, "virginica": 50}),
        ("breast_cancer", 569, 31, "diagnosis", {"malignant": 212, "benign": 357}),
        ("digits", 1797, 65, "digit", {str(d): count for d, count in enumerate(DIGIT_COUNTS)}),
        ("diabetes", 442, 11, "progression", None),
    ],
)
def test_shapes_and_classes_are_as_stated(table, name, rows, columns, target, counts):
    read = table(name)
    assert (read.rows, len(read.names), read.names[-1]) == (rows, columns, target)
    assert not any(read.missing(column).any() for column in read.names)
    assert all(name.isidentifier() for name in read.names)
    if counts:
        values, number = np.unique(read.text(target), return_counts=True)
        assert dict(zip(values.tolist(), number.tolist(), strict=True)) == counts


def test_iris_has_the_stated_summary(table):
    read = table("iris")
    for column, (low, high, mean, deviation) in zip(read.names, IRIS, strict=False):
        values = read.numeric(column)
        assert (values.min(), values.max()) == (low, high), column
        assert values.mean() == pytest.approx(mean, abs=0.011)  # the source rounds 3.057 to 3.05
        assert values.std(ddof=1) == pytest.approx(deviation, abs=0.006)


def test_iris_is_fishers_table_and_not_the_one_with_two_errors(table):
    """Rows 35 and 38, as corrected in the note of UCI's iris.names."""
    read = table("iris")
    rows = [[read.numeric(name)[row] for name in read.names[:4]] for row in (34, 37)]
    assert rows == [[4.9, 3.1, 1.5, 0.2], [4.9, 3.6, 1.4, 0.1]]


def test_breast_cancer_has_the_stated_summary(table):
    read = table("breast_cancer")
    for column, (low, high) in zip(read.names[:30], BREAST_CANCER, strict=True):
        values = read.numeric(column)
        assert values.min() == pytest.approx(low, abs=0.00051), column  # stated to three decimals
        assert values.max() == pytest.approx(high, abs=0.00051), column
    groups = [name.partition("_")[0] for name in read.names[:30]]
    assert groups == ["mean"] * 10 + ["error"] * 10 + ["worst"] * 10


def test_digits_are_counts_of_the_pixels_in_a_4_by_4_block(table):
    read = table("digits")
    pixels = np.column_stack([read.numeric(name) for name in read.names[:64]])
    assert sorted(set(pixels.ravel().tolist())) == list(range(17))
    assert read.names[:64] == [f"pixel_{row}_{column}" for row in range(8) for column in range(8)]


def test_diabetes_is_in_its_own_units(table):
    read = table("diabetes")
    assert read.numeric("progression").mean() == pytest.approx(152.13, abs=0.005)  # the intercept of the paper's fits
    assert (read.numeric("progression").min(), read.numeric("progression").max()) == (25, 346)
    # s4 is s1/s3, total cholesterol over HDL, most often to whole numbers; which it is not once all three are scaled
    ratio = read.numeric("s1") / read.numeric("s3")
    assert np.mean(np.abs(ratio - read.numeric("s4")) <= 0.5) > 0.97
    assert set(read.numeric("sex").tolist()) == {1, 2}
