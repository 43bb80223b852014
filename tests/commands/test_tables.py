"""Text tables of all kinds, from the file to predictions by the commands alone."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

CONFIG = "model: {type: neuron, activation: sigmoid}\nloss: bce\ntraining: {learning_rate: 0.5, epochs: 5}\ndata:\n"
ROWS = ["1,2,u", "3,1,v", "2,2.5,u", "4,0,v", "0,3,u", "5,1,v"]


def write(name, lines, encoding="utf-8"):
    Path(name).write_text("\n".join(lines) + "\n", encoding)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def parts(here):
    for k, rows in (("1", ROWS[:2]), ("2", ROWS[2:4]), ("10", ROWS[4:])):
        write(f"part-{k}.csv", ["a,b,y", *rows])
    write("all.csv", ["a,b,y", *ROWS])


def config(**data):
    Path("c.yaml").write_text(CONFIG + "".join(f"  {key}: {json.dumps(value)}\n" for key, value in data.items()))


def weights(bpcli, run):
    return json.loads(bpcli("inspect", run, "--format", "json").out)["weights"]


def test_files_by_pattern_and_list_are_the_rows_of_one(bpcli, parts):
    found = []
    for k, path in enumerate(
        ["all.csv", "part-*.csv", ["part-1.csv", "part-2.csv", "part-10.csv"], ["part-[12].csv", "part-1?.csv"]]
    ):
        config(path=path, target="y")
        assert bpcli("train", "c.yaml", "--quiet", "--output", f"runs/{k}").code == 0
        found.append(weights(bpcli, f"runs/{k}"))
        assert bpcli("train", f"runs/{k}/config.yaml", "--resume", "--output", f"runs/{k}").code == 0
        assert bpcli("evaluate", f"runs/{k}").code == 0
    assert found.count(found[0]) == 4
    Path("part-*.csv").write_text("a,b,y\n1,2,u\n3,1,v\n")  # a file of the very name
    config(path="part-*.csv", target="y")
    train = json.loads(bpcli("train", "c.yaml", "--format", "json", "--force").out.splitlines()[-1])["train"]
    assert train["rows"] == 2


@pytest.mark.parametrize(
    ("data", "code", "message"),
    [
        ({"path": "none-*.csv"}, 3, "no file matches .*none-\\*.csv"),
        ({"path": ["all.csv", "all.csv"]}, 2, "stands twice"),
        ({"path": ["all.csv", "./all.csv"]}, 2, "all.csv is in data.path already"),
        ({"path": "part-*.csv", "validation": "part-2.csv"}, 2, "data.validation: .*part-2.csv is in data.path"),
        (
            {"path": "part-1.csv", "validation": ["part-2.csv"], "test": "part-?.csv"},
            2,
            "data.test: .*part-1.csv is in",
        ),
        ({"path": ["all.csv", "other.csv"]}, 3, "other.csv has other columns than .*: it lacks b and has c"),
        ({"path": ["all.csv", "bad.csv"]}, 3, "bad.csv:3: column b: 'x' is not a number"),
        ({"path": "all.csv", "target": None}, 2, "data.target is missing"),
        ({"path": "only.npz", "target": None}, 2, "data.target is missing: .*only.npz names none"),
    ],
)
def test_what_can_t_be_one_table_is_refused(bpcli, parts, data, code, message):
    write("other.csv", ["a,c,y", "1,2,u"])
    write("bad.csv", ["a,b,y", "1,2,u", "1,x,v"])
    np.savez("only.npz", X=np.ones((3, 2)))
    config(**({"target": "y"} | data))
    if data.get("target", "") is None:
        Path("c.yaml").write_text(Path("c.yaml").read_text().replace("  target: null\n", ""))
    result = bpcli("validate", "c.yaml")
    assert result.code == code
    assert re.search(message, result.err), result.err


def test_the_target_may_be_left_out_where_the_data_names_it(bpcli, parts):
    write("x.csv", ["a,b", *(row.rpartition(",")[0] for row in ROWS)])
    for k in range(2):
        write(f"y-{k}.csv", ["label", *(row.rpartition(",")[2] for row in ROWS[3 * k : 3 * k + 3])])
    np.savez("a.npz", X=np.arange(12.0).reshape(6, 2), y=np.array([0, 1] * 3))
    write("a.svm", ["1 1:2", "-1 1:1", "1 1:3"])
    for data, target in (
        ({"path": "x.csv", "target_path": "y-*.csv"}, "label"),
        ({"path": "a.npz"}, "y"),
        ({"path": "a.svm"}, "none"),
    ):
        config(**data)
        run = f"runs/{target}"
        assert bpcli("train", "c.yaml", "--quiet", "--output", run).code in (0, 1)
        assert yaml.safe_load(Path(run, "config.yaml").read_text())["data"]["target"] == target
        assert bpcli("train", "c.yaml", "--resume", "--quiet", "--output", run).code in (0, 1)


def test_what_training_decides_is_kept(bpcli, here):
    write("t.csv", ["price;share;kind;y", "$1.234,5;1,5 %;NA;u", "$2,5;3 %;EU;v", "$0,5;-;AS;u", "$7;2 %;EU;v"])
    config(
        path="t.csv", target="y", numbers=["price", "share"], categorical=["kind"], missing="median", standardize=True
    )
    result = bpcli("train", "c.yaml", "--quiet")
    assert result.code == 0
    assert "semicolons between cells" in result.err
    assert "column kind: NA is a value" in result.err
    data = yaml.safe_load(Path("runs/c/config.yaml").read_text())["data"]
    assert data["numbers"] == {
        "price": {"decimal": ",", "unit": "$"},
        "share": {"decimal": ",", "unit": "%"},
    }
    assert "NA" not in data["missing_words"]["kind"]
    assert (data["delimiter"], data["header"]) == (";", "yes")
    whole = bpcli("predict", "runs/c", "t.csv").out.splitlines()
    rows = Path("t.csv").read_text().splitlines()
    for k in (1, 2, 3):  # a row alone, with another delimiter, means the same
        text = "\n".join([rows[0], rows[k]]).replace(";", "\t")
        assert bpcli("predict", "runs/c", "-", stdin=text).out.splitlines() == [whole[0], whole[k]]
    assert bpcli("train", "c.yaml", "--resume", "--quiet").code == 0
    kept = [
        json.loads(line)
        for line in bpcli("predict", "runs/c", "t.csv", "--keep", "price,share", "--format", "json").out.splitlines()
    ]
    assert [(row["price"], row["share"]) for row in kept[1:3]] == [("$2,5", "3 %"), ("$0,5", None)]
    for cell, message in (("€2", "does not read as a number of $"), ("$1,234.5", "does not read")):
        result = bpcli("predict", "runs/c", "-", stdin=f"price;share;kind\n{cell};1 %;EU\n")
        assert result.code == 3
        assert message in result.err


FILES = sorted((Path(__file__).parents[1] / "datasets" / "files").iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_as_it_is_found_goes_to_a_model_without_an_editor(bpcli, here, file):
    Path(file.name).write_bytes(file.read_bytes())
    drafted = bpcli("init", "--data", file.name)
    if drafted.code:
        assert drafted.code == 3
        assert drafted.err.count("\n") <= 3  # a note, what is the matter, what to do
        return
    Path("c.yaml").write_text(drafted.out)
    trained = bpcli("train", "c.yaml", "--quiet", "--set", "training.epochs=30")
    assert trained.code in (0, 1), trained.err
    assert bpcli("predict", "runs/c", file.name).code == 0
