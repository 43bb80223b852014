"""`compare`: its output and its errors."""

import csv
import io

import pytest

from bpcli import train


@pytest.fixture(scope="module")
def runs(root, tmp_path_factory):
    from bpcli import train

    folder, iris = tmp_path_factory.mktemp("runs"), root / "configs/iris.yaml"
    for name, settings in {"a": [], "b": ["training.l2=0.1"], "c": ["training.seed=1"], "d": ["loss=mse"]}.items():
        train(iris, settings=["training.epochs=3", *settings], output=folder / name)
    train(root / "configs/diabetes.yaml", settings=["training.epochs=20"], output=folder / "diabetes")
    return folder


def test_text_json_and_csv_say_the_same(bpcli, runs):
    shown = bpcli("compare", runs / "a", runs / "b", "--format", "json")
    assert (shown.code, shown.err) == (0, "")
    assert [{*line} for line in shown.json] == [{"run", "rows", "metric", "value", "difference", "low", "high"}] * 2
    best = min(shown.json, key=lambda line: line["value"])
    assert (best["difference"], best["low"], best["high"]) == (0, 0, 0)
    rows = list(csv.DictReader(io.StringIO(bpcli("compare", runs / "a", runs / "b", "--format", "csv").out)))
    assert [float(row["high"]) for row in rows] == [line["high"] for line in shown.json]
    text = bpcli("compare", runs / "a", runs / "b")
    assert text.lines[0].split() == ["run", "rows", "loss", "difference", "low", "high"]
    assert text.lines[2].split()[2] == f"{shown.json[1]['value']:.4g}"


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["a"], 2, "nothing to compare with"),
        (["a", "c"], 2, "--data FILE"),
        (["a", "diabetes"], 2, "predicts species"),
        (["a", "d"], 2, "the losses are cce and mse, and their values are not comparable\n  --metric accuracy"),
        (["a", "b", "--metric", "acuracy"], 2, "did you mean accuracy?"),
        (["a", "b", "--split", "test"], 2, "has no test rows"),
        (["a", "b", "--seed", -1], 2, "--seed is -1"),
        (["a", "none"], 3, "none"),
        (["a", "b", "--data", "none.csv"], 3, "none.csv"),
        (["a", "b", "--data", "x.csv", "--split", "test"], 2, "--split"),
    ],
)
def test_what_goes_wrong(bpcli, runs, monkeypatch, arguments, code, text):
    monkeypatch.chdir(runs)
    shown = bpcli("compare", *arguments)
    assert (shown.code, shown.out) == (code, "")
    assert text in shown.err


def test_a_model_file_is_as_good_as_its_folder(bpcli, runs):
    folder, file = (
        bpcli("compare", path, path, "--format", "json") for path in (runs / "diabetes", runs / "diabetes/model.npz")
    )
    assert "no validation rows" in file.err
    assert [line["value"] for line in file.json] == [line["value"] for line in folder.json]


def test_a_loss_that_is_not_finite_is_printed_and_exit_4(bpcli, runs, root, tmp_path):
    content = (root / "data/diabetes.csv").read_text().splitlines()
    (tmp_path / "far.csv").write_text("\n".join([content[0], "1e300," + content[1].partition(",")[2]]))
    shown = bpcli("compare", runs / "diabetes", runs / "diabetes", "--data", tmp_path / "far.csv", "--format", "json")
    assert (shown.code, [line["value"] for line in shown.json]) == (4, ["Infinity"] * 2)
    assert "the loss is not finite" in shown.err


def test_rows_that_a_run_was_trained_on_are_told(bpcli, runs, root, tmp_path):
    path = root / "data/diabetes.csv"
    shown = bpcli("compare", runs / "diabetes", runs / "diabetes/model.npz", "--data", path)
    assert f"has the rows that {runs / 'diabetes'} was trained on" in shown.err
    (tmp_path / "copy.csv").write_bytes(path.read_bytes())
    assert "trained on" not in bpcli("compare", *[runs / "diabetes"] * 2, "--data", tmp_path / "copy.csv").err


def test_rows_that_have_changed_since_are_not_called_those_of_the_training(bpcli, root, tmp_path):
    path, run = tmp_path / "d.csv", tmp_path / "run"
    path.write_bytes((root / "data/diabetes.csv").read_bytes())
    train(root / "configs/diabetes.yaml", settings=[f"data.path={path}"], output=run)
    path.write_text(path.read_text().replace(".3", ".4"))
    shown = bpcli("compare", run, run, "--data", path)
    assert f"a file that {run} was trained on, and not as it was then" in shown.err
    assert "has the rows" not in shown.err
