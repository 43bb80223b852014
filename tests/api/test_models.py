"""Training and prediction from Python give what the commands write and print."""

import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml
from scipy.sparse import coo_array, csr_array, csr_matrix
from sklearn.datasets import dump_svmlight_file

import bpcli as package
from bpcli import ConfigError, DataError, DivergedError, UsageError
from bpcli.api.models import DataWarning
from bpcli.errors import BpcliError, CheckError


@pytest.fixture
def here(tmp_path, monkeypatch, root):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").symlink_to(root / "configs")
    (tmp_path / "data").symlink_to(root / "data")
    return tmp_path


SHORT = ("training.epochs=20",)


@pytest.mark.parametrize("name", ["iris", "breast_cancer", "diabetes"])
def test_train_predict_evaluate_do_what_the_commands_do(bpcli, here, root, name):
    run = package.train(f"configs/{name}.yaml", settings=SHORT, output="mine")
    told = bpcli("train", f"configs/{name}.yaml", "--set", *SHORT, "--output", "theirs", "--format", "json").json
    assert (here / "mine/model.npz").read_bytes() == (here / "theirs/model.npz").read_bytes()
    assert {**run.summary, "run": 0, "seconds": 0} == {**told[-1], "run": 0, "seconds": 0}
    assert run.history["loss"].tolist() == [epoch["loss"] for epoch in told[:-1]]
    path = here / f"data/{name}.csv"
    predicted = bpcli("predict", "theirs", path, "--format", "json").json
    with path.open() as file:
        rows = list(csv.DictReader(file))
    by_name = {key: [row[key] for row in rows] for key in rows[0]}
    numbers = np.array([[float(row[c]) for c in run.model.columns] for row in rows])
    model = package.load("mine")
    for X in (path, str(path), by_name, numbers, numbers.tolist()):
        assert model.predict(X).tolist() == [row["prediction"] for row in predicted]
        if model.classes:
            expected = [[row[f"p({c})"] for c in model.classes] for row in predicted]
            assert model.probabilities(X).tolist() == expected
    measured = bpcli("evaluate", "theirs", path, "--format", "json").json[0]
    target = yaml.safe_load((root / f"configs/{name}.yaml").read_text())["data"]["target"]
    assert json.loads(json.dumps(model.evaluate(path))) == measured
    y = by_name[target] if model.classes else [float(v) for v in by_name[target]]
    assert json.loads(json.dumps(model.evaluate(numbers, y))) == measured
    shown = bpcli("inspect", "theirs", "--format", "json").json[0]
    assert model.features == shown["features"]
    assert model.weights()[0].tolist() == shown["weights"]


def mapping(root, **training):
    config = yaml.safe_load((root / "configs/iris.yaml").read_text())
    config["data"]["path"] = root / "data/iris.csv"
    config["training"] |= {"epochs": 5, **training}
    return config


def test_a_mapping_resumes_forces_and_refuses_as_the_command(here, root):
    run = package.train(mapping(root))
    assert str(run.path) == "runs/model"
    with pytest.raises(UsageError, match="exists already"):
        package.train(mapping(root))
    with pytest.warns(DataWarning, match="going on after 5 epochs"):
        longer = package.train(mapping(root, epochs=9), resume=True)
    whole = package.train(mapping(root, epochs=9), output="whole")
    assert longer.history["loss"].tolist() == whole.history["loss"].tolist()
    assert len(longer.history["epoch"]) == 9
    assert len(package.train(mapping(root), force=True).history["epoch"]) == 5
    with pytest.raises(ConfigError, match="learning_rate"):
        package.train(mapping(root, learning_rate=-1))
    assert len(package.train(mapping(root), settings=SHORT, force=True).history["epoch"]) == 20
    with pytest.warns(DataWarning, match="no better than a constant"):
        package.train(mapping(root, learning_rate=1e-300), output="useless")


def test_divergence_is_an_error(here):
    with pytest.raises(DivergedError, match="diverged"):
        package.train("configs/diabetes.yaml", settings=["training.learning_rate=1e3"])


def test_what_does_not_fit_a_model_is_told(here):
    model = package.train("configs/iris.yaml", settings=SHORT).model
    row = [5.1, 3.5, 1.4, 0.2]
    with pytest.raises(DataError, match=r"expected rows of 4 columns .* shape \(4,\)"):
        model.predict(row)
    with pytest.raises(DataError, match=r"shape \(1, 3\)"):
        model.predict([row[:3]])
    with pytest.raises(DataError, match="X, row 2: column petal_width: the cell is missing"):
        model.predict([row, [*row[:3], float("nan")]])
    with pytest.raises(DataError, match="X, row 1: column sepal_length: inf is not a finite number"):
        model.predict([[float("inf"), *row[1:]]])
    columns = dict(zip(model.columns, [[v] for v in row], strict=True))
    assert model.predict(columns).tolist() == ["setosa"]
    with pytest.raises(DataError, match="'long' is not a number"):
        model.predict({**columns, "petal_length": ["long"]})
    with pytest.raises(DataError, match="no column petal_width"):
        model.predict({name: column for name, column in columns.items() if name != "petal_width"})
    with pytest.raises(DataError, match="one cell for each row"):
        model.predict({**columns, "petal_length": [1.0, 2.0]})
    with pytest.warns(DataWarning, match="does not use: colour") as caught:
        model.predict({**columns, "colour": ["red"]})
    assert caught[0].filename == __file__
    with pytest.raises(DataError, match="y has 2 rows"):
        model.evaluate([row], ["setosa", "setosa"])
    with pytest.raises(DataError, match="does not exist"):
        package.load("nothing")
    assert model.predict(np.empty((0, 4))).tolist() == []


def test_categories_of_a_mapping_are_those_of_a_file(here):
    (here / "t.csv").write_text("plan,code,age,y\n" + "basic,1,20,no\npro,2,30,yes\n,3,40,yes\nbasic,1,,no\n" * 5)
    config = {
        "model": {"type": "neuron", "activation": "sigmoid"},
        "loss": "bce",
        "training": {"learning_rate": 0.1, "epochs": 3},
        "data": {
            "path": "t.csv",
            "target": "y",
            "categorical": ["plan", "code"],
            "missing": "median",
            "standardize": True,
        },
    }
    model = package.train(config).model
    expected = model.probabilities("t.csv")
    columns = {
        "plan": ["basic", "pro", None, "basic"] * 5,
        "code": [1, 2, 3, 1] * 5,
        "age": [20, 30, 40, None] * 5,
    }
    np.testing.assert_array_equal(model.probabilities(columns), expected)


@pytest.mark.parametrize("more", ["", ", exclude: [x2]", ", scale: 2"])
def test_sparse_matrices_go_where_a_sparse_file_was(here, more):
    rng = np.random.default_rng(0)
    X = np.where(rng.random((60, 5)) < 0.4, rng.normal(size=(60, 5)), 0.0)
    X[:, 4] = 1
    dump_svmlight_file(X, np.where(X[:, 0] + X[:, 2] > 0, 1, -1), str(here / "t.svm"), zero_based=False)
    (here / "t.yaml").write_text(
        "model: {type: neuron, activation: sigmoid}\nloss: bce\ntraining: {learning_rate: 0.5}\n"
        f"data: {{path: t.svm, target: none{more}}}\n"
    )
    model = package.train("t.yaml").model
    chosen = X[:, [0, 2, 3, 4]] if "exclude" in more else X
    assert model.columns == [f"x{j}" for j in (1, 2, 3, 4, 5) if "exclude" not in more or j != 2]
    expected = model.probabilities(here / "t.svm")
    for given in (csr_array(chosen), coo_array(chosen), csr_matrix(chosen), chosen):
        np.testing.assert_allclose(model.probabilities(given), expected, rtol=1e-12)
    with pytest.raises(DataError, match=r"features, found a matrix of shape \(60, 1\)"):
        model.predict(csr_array(X[:, :1]))
    with pytest.raises(DataError, match="not a finite number"):
        model.predict(csr_array(np.full(chosen.shape, np.inf)))


def test_a_sparse_matrix_for_another_model_is_refused(here):
    model = package.train("configs/iris.yaml", settings=SHORT).model
    with pytest.raises(DataError, match="not trained on sparse data"):
        model.predict(csr_array(np.ones((2, 4))))


KEYS_OF_IRIS = {"type": "softmax", "loss": "cce", "learning_rate": 0.1, "epochs": 4, "validation": 0.2, "seed": 5}


@pytest.mark.parametrize("library", ["", "numpy", "pandas", "polars", "pyarrow"])
def test_what_is_in_memory_trains_as_the_file_does(here, library):
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv("data/iris.csv")
    of_file = package.train(path="data/iris.csv", target="species", **KEYS_OF_IRIS, output="file")
    X = {
        "": lambda: {name: frame[name].tolist() for name in frame},
        "numpy": lambda: frame.drop(columns="species").to_numpy(),
        "pandas": lambda: frame,
        "polars": lambda: pytest.importorskip("polars").DataFrame({name: frame[name].tolist() for name in frame}),
        "pyarrow": lambda: pytest.importorskip("pyarrow").table(frame),
    }[library]()
    y = frame["species"] if library == "numpy" else "species"
    run = package.train(X=X, y=y, **KEYS_OF_IRIS)
    assert run.path is None
    assert run.history["loss"].tolist() == of_file.history["loss"].tolist()
    assert run.model.predict(X).tolist() == of_file.model.predict("data/iris.csv").tolist()
    assert {k: run.summary[k] for k in ("train", "validation")} == {
        k: of_file.summary[k] for k in ("train", "validation")
    }
    assert sorted(path.name for path in here.iterdir() if path.name[0] != ".") == ["configs", "data", "file"]
    written = package.train(X=X, y=y, **KEYS_OF_IRIS, output="mine")
    assert (
        package.load("mine").predict(X).tolist() == written.model.predict(X).tolist() == run.model.predict(X).tolist()
    )
    with pytest.raises(UsageError, match="exists already"):
        package.train(X=X, y=y, **KEYS_OF_IRIS, output="mine")


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        ({}, ConfigError, "target is missing"),
        ({"y": [1, 2, 3]}, DataError, "y has 3 rows, X has 2"),
        ({"y": [[0, 1], [1, 0]]}, DataError, r"y: expected a target for each row, \(N,\), found the shape \(2, 2\)"),
        ({"y": "c"}, ConfigError, ": X has no column c"),
        ({"y": [0, 1], "target": "a"}, UsageError, "X has a column a itself"),
        ({"y": "b", "learning_rat": 1}, UsageError, "did you mean learning_rate"),
        ({"y": "b", "epochs": -1}, ConfigError, "expected a whole number"),
        ({"y": "b", "resume": True}, UsageError, "none can be resumed"),
        ({"y": [0, 1], "X": [1, 2]}, DataError, r"found an array of shape \(2,\)"),
        ({"y": "b", "X": None}, UsageError, "nothing to train on"),
        ({"y": "b", "X": {"a": [1, None], "b": [1, 2]}}, DataError, "row 2: column a: the cell is missing"),
    ],
)
def test_what_is_in_memory_and_does_not_fit(here, given, kind, message):
    keys = {"X": {"a": [1.0, 2.0], "b": [0, 1]}, "type": "neuron", "loss": "mse", "learning_rate": 0.1}
    with pytest.raises(kind, match=message):
        package.train(**(keys | given))
    assert sorted(path.name for path in here.iterdir()) == ["configs", "data"]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"epochs": -1}, r"epochs: expected a whole number of at least 1, or auto, found -1"),
        ({"loss": "nse"}, r"loss: expected one of mse, .*\n?.*nse"),
        ({"epoch": 3}, r"there is no parameter epoch\n  did you mean epochs\?"),
        ({"training": {"epochs": 3}}, r"no parameter training\n  its keys are parameters themselves: learning_rate, "),
        ({"early_stopping": {"metric": "loss"}}, r"early_stopping: it watches the validation rows, and validation is"),
        ({"optimizer": "newton", "tolerance": "x"}, r"tolerance: expected a finite number"),
        ({"X": {"a": [1.0, np.nan], "b": [0.0, 1.0]}}, r"column a: the cell is missing"),
        ({"features": ["c"]}, r"features: X has no column c; its columns are a, b"),
    ],
)
def test_errors_of_a_call_speak_of_its_parameters(here, keys, message):
    given = {"X": {"a": [1.0, 2.0], "b": [0.0, 1.0]}, "y": "b", "type": "neuron", "loss": "mse", "learning_rate": 0.1}
    with pytest.raises(BpcliError, match=message) as caught:
        package.train(**(given | keys))
    assert isinstance(caught.value, ValueError)
    for word in ("config", "training.", "data.", "model.", "--"):
        assert word not in str(caught.value)


def test_remarks_of_a_call_speak_of_its_parameters(here):
    table = {"a": [1.0, 2.0, 4.0], "b": [0.0, 1.0, 5.0]}
    with pytest.warns(DataWarning) as found:
        package.train(X=table, y="b", type="neuron", loss="mse", optimizer="lbfgs", epochs=1, batch_size=2)
    texts = [str(warning.message) for warning in found]
    assert any("batch_size" in text for text in texts)
    assert not any("training." in text for text in texts)
    assert {warning.filename for warning in found} == {__file__}


@pytest.mark.parametrize("form", [csr_array, csr_matrix, coo_array])
def test_sparse_arrays_train_as_the_dense_ones(here, form):
    X = np.array([[0.0, 1.0], [2.0, 0.0], [0.0, 0.0], [1.0, 3.0]])
    keys = {"y": [1.0, 2.0, 0.5, 4.0], "type": "neuron", "loss": "mse", "learning_rate": 0.1, "epochs": 20}
    sparse, dense = (package.train(X=given, **keys).model for given in (form(X), X))
    np.testing.assert_allclose(sparse.weights()[0], dense.weights()[0], rtol=1e-12)
    np.testing.assert_allclose(sparse.predict(form(X)), dense.predict(X), rtol=1e-12)
    np.testing.assert_allclose(sparse.predict(X), dense.predict(X), rtol=1e-12)


def test_a_training_in_memory_that_learned_nothing_does_not_replace_a_run(here):
    X = np.arange(20.0).reshape(10, 2)
    keys = {"type": "neuron", "loss": "mse", "epochs": 200, "output": "mine"}
    package.train(X=X, y=2 * X[:, 0] + 1, **keys, learning_rate=1e-3)
    before = Path("mine/model.npz").read_bytes()
    with pytest.raises(CheckError, match="the run that was there stays"), pytest.warns(DataWarning):
        package.train(X=X, y=2 * X[:, 0] + 1, **keys, learning_rate=1e-12, force=True)
    assert Path("mine/model.npz").read_bytes() == before


def test_a_run_prints_ten_lines_and_is_a_table_in_a_notebook():
    X = {"a": [0.0, 1.0, 2.0, 3.0], "<b>": [1, 0, 1, 1], "<y>": ["<p>", "q", "q", "<p>"]}
    run = package.train(X=X, y="<y>", type="softmax", loss="cce", optimizer="newton", l2=0.1, test=0.5)
    lines = str(run).splitlines()
    assert len(lines) <= 10
    assert lines[:2] == ["softmax: <y> from 2 columns", "classes: <p>, q"]
    assert [line.partition(":")[0] for line in lines[3:]] == ["train", "test", "best constant"]
    root = ElementTree.fromstring(f"<div>{run._repr_html_()}</div>")
    rows = [[cell.text or "" for cell in row] for row in root.iter("tr")]
    assert [row[0] for row in rows] == ["", "train", "test", "best constant"]
    assert {len(row) for row in rows} == {len(rows[0])}
    loss = rows[0].index("loss")
    assert float(rows[1][loss]) == pytest.approx(run.summary["train"]["loss"], rel=1e-3)
    assert float(rows[-1][loss]) == pytest.approx(np.log(2), rel=1e-3)
    assert "array" not in repr(run)


def test_the_package_shows_its_public_names_alone():
    assert dir(package) == sorted(package.__all__)
    assert all(hasattr(package, name) for name in dir(package))
