"""Files as users have them: each goes from `init` through `train` without an edit, or one line says why not."""

from pathlib import Path

import numpy as np
import pytest

from bpcli.datasets.discovery import discovered
from bpcli.datasets.reading import Files
from bpcli.training.config.full_config import dump_config
from bpcli.training.config.loading import load_config

FILES = Path(__file__).parent.parent / "datasets" / "files"

REFUSED = {
    "adult.test": "data.format: csv",
    "mnist.csv": "no column looks like a target",
    "duplicate.csv": "columns 1 and 2 are both named a",
    "empty.csv": "is empty",
    "header-alone.csv": "has a header but no rows",
    "joined.csv": ":9: the header again: a, b, y",
    "labels.csv": "LIBSVM's format",
    "lines.csv": "JSON lines",
    "mysql.txt": "a table drawn for eyes",
    "page.csv": "a web page",
    "ragged.csv": ":16: expected 3 cells as in the header, found 2",
    "single-quotes.csv": ":1: names in single quotes",
    "titled.csv": ":2: this line looks like the header",
    "total.csv": ":17: expected 3 cells as in the header, found 1: Total: 14 rows",
    "units.csv": ":2: the first row looks like names or units over numbers",
    "utf-32.csv": "text in UTF-32",
    "weather.csv": "ARFF",
    "widths.txt": ":3: expected 4 cells as in the header, found 5\n  a cell with blanks in it stands in quotes; pandas",
}
SAME = [  # the rows of windows.csv, written in other ways
    *("bars.txt", "brackets.csv", "carriage.csv", "decimal-commas.csv", "indexed.csv", "marked.csv", "packed.csv.gz"),
    *("percent-comment.csv", "percent-semicolons.csv", "quoted-rownames.csv", "rownames.txt", "sap.txt", "sep.csv"),
    *("tabs.tsv", "trailing.csv"),
]


@pytest.mark.parametrize("name", sorted(path.name for path in FILES.iterdir()))
def test_init_and_train_take_it_or_say_why_not(bpcli, tmp_path, name):
    config = tmp_path / "c.yaml"
    found = bpcli("init", "--data", FILES / name, "--output", config)
    if name in REFUSED:
        assert found.code == 3
        assert REFUSED[name] in found.err
        assert not config.exists()
        return
    assert found.code == 0, found.err
    trained = bpcli("train", config, "--quiet", "--output", tmp_path / "run")
    assert trained.code in (0, 1), trained.err  # 1: nothing is learned from a dozen rows
    kept = tmp_path / "run" / "config.yaml"
    assert dump_config(load_config(kept)) == kept.read_text()
    evaluated = bpcli("evaluate", tmp_path / "run")
    assert evaluated.code == 0, evaluated.err


@pytest.mark.parametrize("name", SAME)
def test_the_same_rows_are_read_however_they_are_written(name):
    expected, _, _ = discovered(Files((FILES / "windows.csv",)))
    table, _, _ = discovered(Files((FILES / name,)))
    for column in ("a", "b", "y"):
        np.testing.assert_array_equal(table.numeric(column), expected.numeric(column))


def test_thousands_behind_points_between_semicolons_are_asked_for(bpcli, tmp_path):
    config = tmp_path / "c.yaml"
    assert (
        ": column people: 1.001 is read as 1001 (data.numbers"
        in bpcli("init", "--data", FILES / "points.csv", "--output", config).err
    )
    train = ["train", config, "--quiet", "--output", tmp_path / "run", "--set"]
    refused = bpcli(*train, "data.numbers=[]")
    assert refused.code == 3
    assert "people: 1.001 could be 1.001 or 1001" in refused.err
    assert bpcli(*train, "data.numbers=[]", "--set", 'data.decimal="."').code in (0, 1)


def test_numbers_of_twenty_digits_are_kept(bpcli, tmp_path):
    config = tmp_path / "c.yaml"
    bpcli("init", "--data", FILES / "codes.csv", "--output", config)
    assert bpcli("train", config, "--quiet", "--output", tmp_path / "run").code == 0
    kept = bpcli("predict", tmp_path / "run", FILES / "codes.csv", "--keep", "id,zip", "--format", "json").json
    assert [row["id"] for row in kept] == [9007199254740993 + k for k in range(len(kept))]
    assert {row["zip"] for row in kept} == {"00000", "00001", "00002"}


def test_none_is_a_label_of_a_target_that_init_guesses(bpcli, tmp_path):
    (tmp_path / "t.csv").write_text("a,kind\n" + "".join(f"{k % 5},{('None', 'u', 'v')[k % 3]}\n" for k in range(30)))
    found = bpcli("init", "--data", tmp_path / "t.csv", "--output", tmp_path / "c.yaml")
    assert "column kind: None is a value" in found.err
    trained = bpcli("train", tmp_path / "c.yaml", "--quiet", "--output", tmp_path / "run")
    assert trained.code in (0, 1), trained.err
    assert bpcli("inspect", tmp_path / "run", "--format", "json").json[0]["classes"] == ["None", "u", "v"]
