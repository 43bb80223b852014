"""Every command over every format: the same numbers make the same model, and a wrong file one clear error."""

import gzip
import struct

import numpy as np
import pytest
from pyarrow import csv, feather, parquet
from sklearn.datasets import dump_svmlight_file

TRAINING = "{learning_rate: 0.1, epochs: 2, seed: 3}"


@pytest.fixture(scope="module")
def digits(tmp_path_factory, root):
    """The digits in every format, and the config of each."""
    folder = tmp_path_factory.mktemp("formats")
    table = np.loadtxt(root / "data" / "digits.csv", delimiter=",", skiprows=1)
    X, y = table[:, :64], table[:, 64].astype(np.uint8)
    np.save(folder / "X.npy", X)
    np.save(folder / "small.npy", np.asfortranarray(X.astype(">i2").reshape(-1, 8, 8)))
    np.save(folder / "y.npy", y)
    np.savez(folder / "both.npz", X=X, y=y.astype("U1"))
    images = struct.pack(">4B3I", 0, 0, 8, 3, len(X), 8, 8) + X.astype(np.uint8).tobytes()
    (folder / "images-idx3-ubyte").write_bytes(images)
    (folder / "images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
    (folder / "labels-idx1-ubyte").write_bytes(struct.pack(">4BI", 0, 0, 8, 1, len(y)) + y.tobytes())
    named = csv.read_csv(root / "data" / "digits.csv")
    named = named.rename_columns([*(f"x{j}" for j in range(1, 65)), "y"])
    parquet.write_table(named, folder / "t.parquet")
    feather.write_feather(named, folder / "t.feather")
    csv.write_csv(named, folder / "t.csv")
    dump_svmlight_file(X, y, str(folder / "t.svm"), zero_based=False)
    return folder


PATHS = {
    "t.csv": "",
    "t.parquet": "",
    "t.feather": "",
    "both.npz": "",
    "X.npy": "y.npy",
    "small.npy": "labels-idx1-ubyte",
    "images-idx3-ubyte": "labels-idx1-ubyte",
    "images-idx3-ubyte.gz": "y.npy",
}


def config(folder, path, target_path, more=""):
    file = folder / f"{path}.yaml"
    own = f", target_path: {target_path}" if target_path else ""
    file.write_text(
        f"model: {{type: softmax}}\nloss: cce\ntraining: {TRAINING}\n"
        f"data: {{path: {path}, target: y, scale: 16, validation: 0.2{own}{more}}}\noutput: {folder}/runs/{path}\n"
    )
    return file


def test_the_same_numbers_make_the_same_model(bpcli, digits):
    weights, said, evaluated = {}, {}, {}
    for path, target_path in PATHS.items():
        file = config(digits, path, target_path)
        assert bpcli("validate", file).code == 0
        trained = bpcli("train", file, "--quiet")
        assert trained.code == 0
        assert "the classes are separated" in trained.err
        run = digits / "runs" / path
        with np.load(run / "model.npz") as archive:
            weights[path] = archive["w"].tobytes()
        predicted = bpcli("predict", run, digits / path)
        assert predicted.code == 0
        said[path] = predicted.out
        target = ("--target", digits / target_path) if target_path else ()
        evaluated[path] = bpcli("evaluate", run, digits / path, *target).out
        assert bpcli("inspect", run).code == 0
    for results in (weights, said, evaluated):
        assert len(set(results.values())) == 1


@pytest.mark.slow
def test_a_sparse_table_makes_the_model_of_the_same_table_written_out(bpcli, digits):
    losses = []
    for path, target in (("t.csv", "y"), ("t.svm", "none")):
        file = config(digits, path, "")
        trained = bpcli("train", file, "--set", f"data.target={target}", "--force", "--quiet", "--format", "json")
        assert trained.code == 0
        losses.append(trained.json[0]["validation"]["loss"])
    assert losses[1] == pytest.approx(losses[0], rel=1e-11)
    run = digits / "runs" / "t.svm"
    columns = [np.loadtxt(bpcli("predict", run, digits / path).lines[1:], delimiter=",") for path in ("t.svm", "t.csv")]
    assert columns[0] == pytest.approx(columns[1], rel=1e-11)
    (shown,) = bpcli("inspect", run, "--format", "json").json
    assert len(shown["weights"]) == len(shown["features"]) == len(shown["standardize"]["scale"]) == 64
    own = bpcli("evaluate", run, "--split", "validation", "--format", "json").json[0]
    assert own["loss"] == losses[1]
    file.write_text(file.read_text().replace("target: y", "target: none"))
    assert bpcli("check", file).code == 0
    picture = bpcli("plot", run, "--output", digits / "p.png")
    assert (picture.code, picture.err) == (0, "")


def test_init_writes_a_config_that_trains(bpcli, digits, monkeypatch):
    monkeypatch.chdir(digits)
    for path, target in (("both.npz", "y"), ("t.parquet", "y"), ("t.svm", "none")):
        (digits / "drafted.yaml").write_text(bpcli("init", "--data", path, "--target", target).out)
        assert bpcli("validate", "drafted.yaml").code == 0


def test_predict_reads_the_format_of_the_training_from_stdin(bpcli, digits):
    file = config(digits, "X.npy", "y.npy", ", format: npy")
    assert bpcli("train", file, "--quiet", "--force").code == 0
    run = digits / "runs" / "X.npy"
    piped = bpcli("predict", run, "-", stdin=(digits / "X.npy").read_bytes())
    assert piped.out == bpcli("predict", run, digits / "X.npy").out


def test_a_gap_or_an_infinity_is_named_by_its_row_and_column(bpcli, digits):
    for value, words in ((np.nan, "row 3: column x2: the cell is missing"), (np.inf, "row 3: column x2: 'inf' is not")):
        X = np.ones((1797, 64))
        X[2, 1] = value
        np.save(digits / "bad.npy", X)
        result = bpcli("train", config(digits, "bad.npy", "y.npy"))
        assert result.code == 3
        assert words in result.err


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        (np.ones((4, 2)), np.ones(3), "has 3 rows, "),
        (np.ones((4, 2)), np.ones((4, 2)), "none named y"),
        (np.array([None, 1]), np.ones(2), "Python objects"),
    ],
)
def test_files_that_do_not_fit(bpcli, tmp_path, X, y, words):
    np.save(tmp_path / "X.npy", X, allow_pickle=True)
    np.save(tmp_path / "y.npy", y)
    result = bpcli("train", config(tmp_path, "X.npy", "y.npy"))
    assert (result.code, result.out) == (3, "")
    assert words in result.err
    assert not (tmp_path / "runs" / "X.npy").exists()


def test_memory_is_for_the_features_that_occur_not_for_those_that_are_named(bpcli, tmp_path):
    """Of 2 000 000 000 named features three occur: each has its weight, as in a file that numbers only them."""
    (tmp_path / "few.svm").write_text("1 1:1 3:1\n0 2:1\n1 1:2\n0 2:3\n")
    (tmp_path / "far.svm").write_text("1 1:1 2000000000:1\n0 2:1\n1 1:2\n0 2:3\n")
    assert bpcli("init", "--data", tmp_path / "far.svm").code == 0
    outcomes = []
    for name in ("few", "far"):
        (tmp_path / f"{name}.yaml").write_text(
            "model: {type: neuron, activation: sigmoid}\nloss: bce\n"
            "training: {learning_rate: 0.1, epochs: 3, batch_size: 2}\n"
            f"data: {{path: {name}.svm, target: none}}\noutput: {tmp_path}/{name}\n"
        )
        assert bpcli("train", tmp_path / f"{name}.yaml", "--quiet").code == 0
        predicted = bpcli("predict", tmp_path / name, tmp_path / f"{name}.svm")
        weights = bpcli("inspect", tmp_path / name)
        outcomes.append((predicted.code, predicted.out, weights.out.replace("2000000000", "3").split()))
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][0] == 0
