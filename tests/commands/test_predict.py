"""`predict`, `evaluate` and `inspect` on a trained run, against predictions worked from the weights."""

import csv
import io
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bpcli.commands import predict
from bpcli.formulas.choices import Task
from bpcli.training.metrics import metrics_of


@pytest.fixture(scope="module")
def runs(tmp_path_factory, root):
    from bpcli.commands.running import run

    folder = tmp_path_factory.mktemp("runs")
    for name in ("iris", "breast_cancer", "diabetes"):
        code = run(["train", str(root / "configs" / f"{name}.yaml"), "--quiet", "--output", str(folder / name)])
        assert code == 0
    return folder


def read(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def test_predictions_follow_from_the_raw_weights(bpcli, runs, root):
    """softmax(xᵀw + b), worked out here in plain Python from what `inspect --raw` prints."""
    model = bpcli("inspect", runs / "iris", "--raw", "--format", "json").json[0]
    predicted = bpcli("predict", runs / "iris", root / "data/iris.csv", "--format", "json").json
    for row, got in zip(read(root / "data/iris.csv"), predicted, strict=True):
        x = [float(row[name]) for name in model["features"]]
        z = [sum(a * w for a, w in zip(x, column, strict=True)) for column in zip(*model["weights"], strict=True)]
        e = [math.exp(v + b) for v, b in zip(z, model["bias"], strict=True)]
        p = dict(zip(model["classes"], (v / sum(e) for v in e), strict=True))
        assert got["prediction"] == max(p, key=p.get)
        for name, value in p.items():
            assert got[f"p({name})"] == pytest.approx(value, rel=1e-9)


def test_the_weights_act_on_the_standardised_features(bpcli, runs, root):
    model = bpcli("inspect", runs / "diabetes", "--format", "json").json[0]
    predicted = bpcli("predict", runs / "diabetes", root / "data/diabetes.csv", "--format", "json").json
    scaling = model["standardize"]
    for row, got in zip(read(root / "data/diabetes.csv"), predicted, strict=True):
        x = [
            (float(row[name]) - m) / s
            for name, m, s in zip(model["features"], scaling["mean"], scaling["scale"], strict=True)
        ]
        z = sum(a * w[0] for a, w in zip(x, model["weights"], strict=True)) + model["bias"][0]
        assert got["prediction"] == pytest.approx(z, rel=1e-9)
    assert model["classes"] is None
    raw = bpcli("inspect", runs / "diabetes", "--raw", "--format", "json").json[0]
    assert raw["standardize"] is None


def test_inspect_names_features_and_classes(bpcli, runs):
    text = bpcli("inspect", runs / "iris")
    assert text.lines[0] == "softmax, loss cce, target species: setosa, versicolor, virginica"
    assert text.lines[1].split() == ["feature", "setosa", "versicolor", "virginica"]
    assert [line.split()[0] for line in text.lines[2:]] == [
        "sepal_length",
        "sepal_width",
        "petal_length",
        "petal_width",
        "(bias)",
    ]
    rows = list(csv.reader(io.StringIO(bpcli("inspect", runs / "breast_cancer", "--format", "csv").out)))
    assert rows[0] == ["feature", "weight"]
    assert len(rows) == 32
    json = bpcli("inspect", runs / "breast_cancer", "--format", "json").json[0]
    assert json["model"] == {"type": "neuron", "activation": "sigmoid", "threshold": 0.5}
    assert json["classes"] == ["benign", "malignant"]
    assert np.shape(json["weights"]) == (30, 1)


def test_stdin_columns_in_any_order_and_kept_columns(bpcli, runs):
    content = "petal_width,note,sepal_width,petal_length,sepal_length\n0.2,a,3.5,1.4,5.1\n2.1,b,3.0,5.9,7.1\n"
    result = bpcli("predict", runs / "iris" / "model.npz", "-", "--keep", "note,petal_width", stdin=content)
    assert result.code == 0, result.err
    rows = list(csv.reader(io.StringIO(result.out)))
    assert rows[0] == ["note", "petal_width", "prediction", "p(setosa)", "p(versicolor)", "p(virginica)"]
    assert [row[:3] for row in rows[1:]] == [["a", "0.2", "setosa"], ["b", "2.1", "virginica"]]
    assert "note: columns that the model does not use: note" in result.err


def test_predict_in_text_and_with_precision(bpcli, runs):
    content = "sepal_length,sepal_width,petal_length,petal_width\n5.1,3.5,1.4,0.2\n"
    result = bpcli("predict", runs / "iris", "-", "--format", "text", "--precision", "2", stdin=content)
    header, row = result.lines
    assert header.split() == ["prediction", "p(setosa)", "p(versicolor)", "p(virginica)"]
    assert row.split()[0] == "setosa"
    assert all(len(cell.lstrip("0.").split("e")[0].replace(".", "")) <= 2 for cell in row.split()[1:])


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        ("sepal_length,sepal_width,petal_length\n1,2,3\n", 3, "no column petal_width"),
        ("sepal_length,sepal_width,petal_length,petal_widht\n1,2,3,4\n", 3, "did you mean petal_widht?"),
        ("sepal_length,sepal_width,petal_length,petal_width\n1,2,3,wide\n", 3, "<stdin>:2: column petal_width: 'wide'"),
        (
            "sepal_length,sepal_width,petal_length,petal_width\n1,2,3,\n",
            3,
            "<stdin>:2: column petal_width: the cell is",
        ),
        ("", 3, "<stdin> is empty"),
    ],
)
def test_data_that_the_model_can_t_use(bpcli, runs, content, code, message):
    result = bpcli("predict", runs / "iris", "-", stdin=content)
    assert (result.code, result.out) == (code, "")
    assert message in result.err


def test_columns_to_keep_that_are_not_there(bpcli, runs, root):
    result = bpcli("predict", runs / "iris", root / "data/iris.csv", "--keep", "specis")
    assert result.code == 3
    assert "did you mean species?" in result.err


def test_evaluate_beside_counts_made_from_the_predictions(bpcli, runs, root):
    data = root / "data/breast_cancer.csv"
    predicted = bpcli("predict", runs / "breast_cancer", data, "--format", "json").json
    truth = [row["diagnosis"] for row in read(data)]
    got = bpcli("evaluate", runs / "breast_cancer", data, "--format", "json").json[0]
    assert set(got) == {"rows", *metrics_of(Task.TWO_CLASSES), "threshold", "confusion", "per_class"}
    right = [p["prediction"] == t for p, t in zip(predicted, truth, strict=True)]
    assert got["accuracy"] == sum(right) / len(right)
    assert got["loss"] == pytest.approx(
        -sum(math.log(p[f"p({t})"]) for p, t in zip(predicted, truth, strict=True)) / len(truth), rel=1e-12
    )
    table = [[0, 0], [0, 0]]
    names = ["benign", "malignant"]
    for p, t in zip(predicted, truth, strict=True):
        table[names.index(t)][names.index(p["prediction"])] += 1
    assert got["confusion"] == table
    assert got["per_class"]["malignant"]["support"] == 212
    assert got["per_class"]["malignant"]["recall"] == table[1][1] / 212
    scores = [(p["p(malignant)"], t == "malignant") for p, t in zip(predicted, truth, strict=True)]
    positive, negative = ([s for s, is_ in scores if is_ == kind] for kind in (True, False))
    wins = sum((a > b) + (a == b) / 2 for a in positive for b in negative)
    assert got["auc"] == pytest.approx(wins / len(positive) / len(negative), abs=1e-6)


def test_evaluate_a_regression(bpcli, runs, root):
    data = root / "data/diabetes.csv"
    predicted = [row["prediction"] for row in bpcli("predict", runs / "diabetes", data, "--format", "json").json]
    truth = [float(row["progression"]) for row in read(data)]
    got = bpcli("evaluate", runs / "diabetes", data, "--format", "json").json[0]
    assert set(got) == {"rows", "loss", "rmse", "mae", "r2"}
    assert got["loss"] == pytest.approx(
        sum((a - b) ** 2 for a, b in zip(truth, predicted, strict=True)) / 442, rel=1e-12
    )
    assert got["rmse"] == pytest.approx(math.sqrt(got["loss"]), rel=1e-12)


def test_splits_are_those_of_the_training(bpcli, runs):
    import json

    summary = json.loads((runs / "iris" / "summary.json").read_text())
    for options, part in (([], "validation"), *((["--split", part], part) for part in ("train", "validation"))):
        result = bpcli("evaluate", runs / "iris", *options, "--format", "json")
        assert result.json[0] == summary[part]
        assert ("validation rows of the run" in result.err) == (not options)
    result = bpcli("evaluate", runs / "iris", "--split", "test")
    assert result.code == 2
    assert "held out no test rows" in result.err


def test_fail_under_decides_the_exit_code(bpcli, runs):
    run = runs / "breast_cancer"
    assert (
        bpcli("evaluate", run, "--split", "test", "--fail-under", "auc=0.9", "--fail-under", "accuracy=0.9").code == 0
    )
    low = bpcli("evaluate", run, "--split", "test", "--fail-under", "auc=0.9", "--fail-under", "accuracy=1.1")
    assert low.code == 1
    assert "accuracy is" in low.err
    assert low.out
    for text, message in (
        ("acuracy=1", "did you mean accuracy=1?"),
        ("auc", "expected METRIC=VALUE"),
        ("auc=", "'' is not a number"),
        ("auc=nan", "'nan' is not a number"),
        ("rmse=3", "rmse: this model has no such metric"),
    ):
        wrong = bpcli("evaluate", run, "--fail-under", text)
        assert (wrong.code, wrong.out) == (2, "")
        assert message in wrong.err
    other = bpcli("evaluate", runs / "diabetes", "--fail-under", "auc=0.5")
    assert other.code == 2
    assert "has no such metric" in other.err


def test_evaluate_in_text_and_csv(bpcli, runs):
    text = bpcli("evaluate", runs / "iris", "--split", "validation", "--precision", "3").out
    for words in ("accuracy", "precision", "recall", "support", "virginica", "true \\ predicted"):
        assert words in text
    rows = list(csv.reader(io.StringIO(bpcli("evaluate", runs / "iris", "--format", "csv").out)))
    assert rows[0] == ["rows", *metrics_of(Task.CLASSES), "threshold"]
    assert len(rows) == 2


def test_one_class_alone_leaves_auc_undefined(bpcli, runs, root):
    lines = (root / "data/breast_cancer.csv").read_text().splitlines()
    only = "\n".join([lines[0], *(line for line in lines if line.endswith("benign"))])
    result = bpcli("evaluate", runs / "breast_cancer", "-", "--format", "json", "--fail-under", "auc=0.5", stdin=only)
    assert result.json[0]["auc"] is None
    assert result.code == 1
    assert "auc is undefined" in result.err


def test_a_format_that_training_was_told_is_that_of_new_data_too(bpcli, root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tabs = (root / "data/iris.csv").read_text().replace(",", "\t")
    Path("tabs.csv").write_text(tabs)
    config = (root / "configs/iris.yaml").read_text().replace("../data/iris.csv", "tabs.csv\n  format: tsv")
    Path("t.yaml").write_text(config)
    assert bpcli("train", "t.yaml", "--quiet").code == 0
    assert bpcli("evaluate", "runs/t", "tabs.csv").code == 0
    for source, stdin in (("tabs.csv", ""), ("-", tabs)):
        assert len(bpcli("predict", "runs/t", source, stdin=stdin).lines) == 151


def test_kept_names_may_hold_a_comma_but_not_be_those_of_the_prediction(bpcli, runs):
    content = 'petal_width,"a, b",sepal_width,petal_length,sepal_length,prediction\n0.2,x,3.5,1.4,5.1,mine\n'
    result = bpcli(
        "predict", runs / "iris", "-", "--keep", '"a, b",petal_width', "--keep", "sepal_width", stdin=content
    )
    assert result.lines[0].startswith('"a, b",petal_width,sepal_width,prediction')
    assert result.lines[1].startswith("x,0.2,3.5,setosa")
    refused = bpcli("predict", runs / "iris", "-", "--keep", "prediction", stdin=content)
    assert (refused.code, refused.out) == (2, "")


@pytest.mark.parametrize("keep", [["--keep", "species,species"], ["--keep", "species", "--keep", "species"]])
def test_a_column_is_kept_once(bpcli, runs, root, keep):
    for command in (["predict", runs / "iris", root / "data/iris.csv"], ["export", runs / "iris", "--format", "sql"]):
        refused = bpcli(*command, *keep)
        assert (refused.code, refused.out) == (2, "")
        assert "--keep gives species twice\n  --keep species" in refused.err


@pytest.mark.parametrize("in_place", [False, True])
def test_a_split_of_data_that_has_changed_is_refused(bpcli, root, tmp_path, monkeypatch, in_place):
    monkeypatch.chdir(tmp_path)
    lines = (root / "data/iris.csv").read_text().splitlines(keepends=True)
    Path("iris.csv").write_text("".join(lines))
    Path("i.yaml").write_text((root / "configs/iris.yaml").read_text().replace("../data/iris.csv", "iris.csv"))
    assert bpcli("train", "i.yaml", "--quiet").code == 0
    assert bpcli("evaluate", "runs/i", "--split", "validation").code == 0
    changed = [line.replace("5", "6") for line in lines] if in_place else lines[:-20]
    Path("iris.csv").write_text("".join(changed))
    result = bpcli("evaluate", "runs/i", "--split", "validation")
    assert (result.code, result.out) == (3, "")
    assert "the data has changed since the training" in result.err


def test_every_limit_counts(bpcli, runs):
    limits = ["--fail-under", "auc=1.5", "--fail-under", "auc=0.1"]
    assert bpcli("evaluate", runs / "breast_cancer", *limits).code == 1


def truncated(source: Path, target: Path) -> Path:
    target.write_bytes(source.read_bytes()[:-100])
    return target


def test_what_is_no_model(bpcli, runs, root, tmp_path):
    (tmp_path / "other.npz").write_bytes(b"not a zip")
    np.savez(tmp_path / "arrays.npz", x=np.zeros(3))
    with np.load(runs / "iris" / "model.npz") as archive:
        np.savez(tmp_path / "nan.npz", w=archive["w"] * np.nan, b=archive["b"], meta=archive["meta"])
    broken = truncated(runs / "iris" / "model.npz", tmp_path / "model.npz")
    for path, message in (
        (tmp_path / "nothing", "does not exist"),
        (root / "data", "is not a run folder"),
        (tmp_path / "other.npz", "is not a model of bpcli, or is damaged"),
        (tmp_path / "arrays.npz", "is not a model of bpcli, or is damaged"),
        (broken, "is not a model of bpcli, or is damaged"),
        (tmp_path / "nan.npz", "is not a model of bpcli, or is damaged"),
        (root / "data/iris.csv", "is a table, not a model"),
    ):
        for command in (["inspect", path], ["predict", path, root / "data/iris.csv"], ["evaluate", path]):
            result = bpcli(*command)
            assert (result.code, result.out) == (3, ""), (path, command)
            assert message in result.err


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("-2.5", "-2.5"),
        ("+3e4", "+3e4"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_cells_that_a_spreadsheet_takes_for_formulas_get_an_apostrophe(cell, safe):
    assert predict._safe([cell, -1.5]) == [safe, -1.5]


def test_safe_csv_is_of_csv(bpcli):
    result = bpcli("predict", "runs/cells", "new.csv", "--safe-csv", "--format", "json")
    assert (result.code, "--safe-csv is for CSV" in result.err) == (2, True)


@pytest.fixture(scope="module")
def iris(runs):
    return runs / "iris"


def test_output_is_what_stdout_would_show(bpcli, iris, root, tmp_path):
    data = root / "data/iris.csv"
    for format_ in ("csv", "json"):
        for options in ((), ("--keep", "species"), ("--precision", "3")):
            file = tmp_path / f"p.{format_}"
            done = bpcli("predict", iris, data, data, "--output", file, "--force", *options)
            assert (done.code, done.out) == (0, "")
            assert file.read_text() == bpcli("predict", iris, data, data, "--format", format_, *options).out


def test_output_as_an_array_has_the_probabilities_else_the_prediction(bpcli, iris, root, tmp_path):
    import numpy as np

    import bpcli as library

    data = root / "data/iris.csv"
    assert bpcli("predict", iris, data, "--output", tmp_path / "p.npy").code == 0
    assert np.array_equal(np.load(tmp_path / "p.npy"), library.load(iris).probabilities(data))
    pytest.importorskip("pyarrow")
    assert bpcli("predict", iris, data, "--keep", "species,petal_width", "--output", tmp_path / "p.parquet").code == 0
    table = __import__("pyarrow.parquet").parquet.read_table(tmp_path / "p.parquet")
    assert table.column_names[:3] == ["species", "petal_width", "prediction"]
    assert str(table.schema.field("petal_width").type) == "double"
    assert table.column(2).to_pylist() == library.load(iris).predict(data).tolist()


OUTPUTS_REFUSED = {
    "no format": (["--output", "p.txt"], "its extension names no format"),
    "another format": (["--output", "p.csv", "--format", "json"], "--format json"),
    "text": (["--output", "p.csv", "--format", "text"], "--format text"),
    "columns in an array": (["--output", "p.npy", "--keep", "species"], "--keep"),
    "rounded doubles": (["--output", "p.npy", "--precision", "3"], "--precision"),
    "safe JSON": (["--output", "p.json", "--safe-csv"], "--safe-csv"),
    "a file that is there": (["--output", "there.csv"], "--force"),
}


@pytest.mark.parametrize("case", OUTPUTS_REFUSED)
def test_an_output_that_can_not_be_is_refused(bpcli, iris, root, tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.csv").write_text("old")
    options, message = OUTPUTS_REFUSED[case]
    refused = bpcli("predict", iris, root / "data/iris.csv", *options)
    assert (refused.code, refused.out) == (2, "")
    assert message in refused.err
    assert [path.name for path in tmp_path.iterdir()] == ["there.csv"]


def test_an_output_that_can_not_be_finished_is_not_there(bpcli, iris, root, tmp_path):
    (tmp_path / "bad.csv").write_text("sepal_length,sepal_width,petal_length,petal_width\n1,2,3,x\n")
    for file in ("p.csv", "p.npy"):
        failed = bpcli("predict", iris, root / "data/iris.csv", tmp_path / "bad.csv", "--output", tmp_path / file)
        assert (failed.code, failed.out) == (3, "")
        assert not (tmp_path / file).exists()


@pytest.mark.parametrize("format_", ["csv", "json", "text"])
def test_a_coprocess_answers_each_line(iris, root, format_):
    command = [sys.executable, "-m", "bpcli", "predict", iris, "-", "--format", format_, "--keep", "id"]
    run = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": root}
    with subprocess.Popen(command, bufsize=1, **run) as process:
        process.stdin.write("petal_width,petal_length,id,sepal_length,sepal_width\n")
        if format_ == "csv":
            assert process.stdout.readline().startswith("id,prediction,p(setosa)")
        for k in range(3):
            process.stdin.write(f"0.2,1.4,a{k},5.1,3.5\n")
            if format_ == "text" and k == 0:
                assert process.stdout.readline().split()[:2] == ["id", "prediction"]
            answer = process.stdout.readline()
            assert f"a{k}" in answer
            assert "setosa" in answer
        process.stdin.write("0.2,1.4,b,5.1,3.5\n0.2,x,c,5.1,3.5\n0.2,1.4,d,5.1,3.5\n")
        out, err = process.communicate()
    assert process.returncode == 3
    assert "b" in out
    assert len(out.splitlines()) == 1
    assert "<stdin>:6: column petal_length: 'x' is not a number" in err


def test_a_terminated_stream_leaves_no_file(iris, root, tmp_path):
    command = [sys.executable, "-m", "bpcli", "predict", iris, "-", "--output", tmp_path / "p.csv"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=root) as process:
        process.stdin.write(b"petal_width,petal_length,sepal_length,sepal_width\n" + b"1,2,3,4\n" * 1000)
        process.stdin.flush()
        while not [*tmp_path.iterdir()]:
            pass
        process.terminate()
        process.wait()
    assert process.returncode == 143
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(("mark", "other", "word"), [(",", ".", "comma"), (".", ",", "point")])
def test_the_other_decimal_mark_is_told_by_that_of_the_training(bpcli, tmp_path, mark, other, word):
    rows = "".join(f"{k}{mark}5;{3 * k + 1}{mark}25\n" for k in range(12))
    (tmp_path / "t.csv").write_text("x;y\n" + rows)
    assert bpcli("init", "--data", tmp_path / "t.csv", "--target", "y", "--output", tmp_path / "t.yaml").code == 0
    assert bpcli("train", tmp_path / "t.yaml", "--quiet", "--output", tmp_path / "run").code in (0, 1)
    for cell, told in ((f"100{other}5", True), ("many", False)):
        refused = bpcli("predict", tmp_path / "run", "-", stdin=f"x\n{cell}\n")
        assert refused.code == 3
        assert f"column x: '{cell}' is not a number, as it was in training" in refused.err
        assert (f"written with a decimal {word}" in refused.err) == told
