"""`--resume` is refused where the data has a new name, class, category, target or unit."""

import pytest

ROWS = [f"{k / 3:.3f},{'red' if k % 2 else 'blue'},{k % 3},{'yes' if k % 3 else 'no'}" for k in range(30)]
TABLE = "\n".join(["x,color,plan,y", *ROWS]) + "\n"
CONFIG = """
model: {type: softmax}
loss: cce
training: {learning_rate: 0.01, epochs: 2}
data: {path: t.csv, target: y, categorical: [color, plan], standardize: true, missing: most_frequent}
output: run
"""


@pytest.fixture
def trained(bpcli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(TABLE)
    (tmp_path / "c.yaml").write_text(CONFIG)
    assert bpcli("train", "c.yaml").code in (0, 1)
    return tmp_path / "t.csv"


def resumed(bpcli, *more):
    return bpcli("train", "c.yaml", "--resume", "--set", "training.epochs=3", *more)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("yes", "yep", "other classes now"),
        ("red", "ruby", "other columns, categories or fillings now"),
        ("x,color", "width,color", "other columns"),
        ("blue", "7", "other columns"),
    ],
)
def test_another_name_for_the_same_numbers_is_refused(bpcli, trained, old, new, words):
    trained.write_text(TABLE.replace(old, new))
    result = resumed(bpcli)
    assert (result.code, words in result.err) == (3, True), result.err


def test_other_units_of_the_same_numbers_are_refused(bpcli, trained):
    """Each number is doubled: standardised features have the same bits, but weights in raw units differ."""
    twice = [",".join([f"{2 * float(row.split(',')[0])!r}", *row.split(",")[1:]]) for row in ROWS]
    trained.write_text("\n".join(["x,color,plan,y", *twice]) + "\n")
    assert "other means and scales now" in resumed(bpcli).err


def test_the_same_table_goes_on(bpcli, trained):
    trained.write_text(TABLE.replace("\n", "\r\n"))
    assert resumed(bpcli).code in (0, 1)


def test_booleans_for_numbers_are_refused(bpcli, trained):
    boolean = "".join(f"{k},{k % 2}\n" for k in range(30))
    (trained.parent / "c.yaml").write_text(CONFIG.replace(", categorical: [color, plan]", ""))
    trained.write_text("x,y\n" + boolean)
    assert bpcli("train", "c.yaml", "--output", "other").code in (0, 1)
    trained.write_text("x,y\n" + boolean.replace(",1\n", ",true\n").replace(",0\n", ",false\n"))
    assert "other classes now" in resumed(bpcli, "--output", "other").err
