"""Whole numbers, booleans and kept cells: the same in every format, in memory and larger than it, to the last digit."""

import csv
import io
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import feather, parquet

import bpcli as library
from bpcli.datasets import large
from bpcli.datasets.readers import arrays, columnar, delimited

ROWS = 24
BIG = 2**53
SOFTMAX = "model: {{type: softmax}}\nloss: cce\ntraining: {{learning_rate: 0.1, epochs: 2{training}}}\n"


def write(path, columns):
    """A table of columns in the format of its name: text, typed, or arrays X and y."""
    if path.suffix in (".csv", ".tsv"):
        with path.open("w", newline="") as file:
            rows = zip(*columns.values(), strict=True)
            csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",").writerows([list(columns), *rows])
    elif path.suffix == ".npz":
        X = np.column_stack([values for name, values in columns.items() if name != "y"])
        np.savez(path, X=X, y=np.array(columns["y"]))
    elif path.suffix == ".svm":
        lines = (f"{y} 1:{x1}" for x1, y in zip(columns["x1"], columns["y"], strict=True))
        path.write_text("\n".join(lines) + "\n")
    elif path.suffix == ".feather":
        feather.write_feather(pa.table(columns), path, chunksize=5)
    else:
        parquet.write_table(pa.table(columns), path)
    return path


def trained(bpcli, path, more="", training=""):
    target = "none" if path.suffix == ".svm" else "y"
    config = path.with_name(f"{path.name}.yaml")
    config.write_text(
        SOFTMAX.format(training=training)
        + f"data: {{path: {path}, target: {target}{more}}}\noutput: {path.parent}/runs/{path.name}\n"
    )
    result = bpcli("train", config, "--quiet", "--force", "--format", "json")
    assert result.code in (0, 1), result.err
    return path.parent / "runs" / path.name


def classes_and_counts(bpcli, run, data):
    shown = bpcli("inspect", run, "--format", "json").json[0]
    evaluated = bpcli("evaluate", run, data, "--format", "json").json[0]
    return shown["classes"], [entry["support"] for entry in evaluated["per_class"].values()]


@pytest.fixture(params=["memory", "files"])
def place(request, monkeypatch, tmp_path):
    if request.param == "files":
        monkeypatch.setattr(large, "available_memory", lambda: 0)
        for module in (delimited, arrays, columnar):
            monkeypatch.setattr(module, "_BLOCK", 100)
    return tmp_path


LABELS = [
    [BIG, BIG + 1],
    [BIG + 1, BIG + 2, BIG + 3],
    [-BIG - 1, -BIG, BIG],
    [2**63 - 1, 2**63 - 2, 0],
    [2**64 - 1, 2**64 - 2, 2**64 - 3],
    [7, BIG + 1, BIG],
]


@pytest.mark.parametrize("labels", LABELS, ids=str)
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".npz", ".parquet", ".feather", ".svm"])
def test_whole_numbers_are_as_many_classes_as_they_are(bpcli, place, suffix, labels):
    y = np.array([labels[k % len(labels)] for k in range(ROWS)])
    columns = {"x1": [k / 7 for k in range(ROWS)], "y": y}
    data = write(place / f"t{suffix}", columns)
    weight = f", class_weight: {{{labels[0]}: 2}}"
    run = trained(bpcli, data, training=weight)
    names, counts = classes_and_counts(bpcli, run, data)
    assert names == [str(label) for label in sorted(labels)]
    assert counts == [y.tolist().count(label) for label in sorted(labels)]
    predicted = bpcli("predict", run, data, "--format", "json").json
    assert list(predicted[0])[1:] == [f"p({label})" for label in sorted(labels)]
    assert {row["prediction"] for row in predicted} <= {str(label) for label in labels}


def test_labels_longer_than_any_double(bpcli, place):
    one, other = 10**400, 10**400 + 1
    data = write(place / "t.csv", {"x1": range(ROWS), "y": [f"+{one}" if k % 2 else other for k in range(ROWS)]})
    names, counts = classes_and_counts(bpcli, trained(bpcli, data), data)
    assert (names, counts) == ([str(one), str(other)], [12, 12])


def test_a_positive_class_is_named_to_its_last_digit(bpcli, tmp_path):
    write(tmp_path / "t.csv", {"x1": range(ROWS), "y": [BIG + k % 2 for k in range(ROWS)]})
    config = tmp_path / "c.yaml"
    config.write_text(
        "model: {type: neuron, activation: sigmoid}\nloss: bce\ntraining: {learning_rate: 0.1, epochs: 1}\n"
        f"data: {{path: t.csv, target: y, positive: {BIG}, standardize: true}}\noutput: {tmp_path}/run\n"
    )
    bpcli("train", config)
    assert bpcli("inspect", tmp_path / "run", "--format", "json").json[0]["classes"] == [str(BIG + 1), str(BIG)]
    assert f"positive: {BIG}\n" in (tmp_path / "run/config.yaml").read_text()
    refused = bpcli("train", config, "--force", "--set", f"data.positive={BIG + 2}")
    assert (refused.code, f"no class {BIG + 2}" in refused.err) == (3, True)


def test_splits_are_stratified_by_all_digits(bpcli, tmp_path):
    data = write(tmp_path / "t.csv", {"x1": range(40), "y": [BIG + k % 2 for k in range(40)]})
    run = trained(bpcli, data, ", validation: 0.25")
    held = bpcli("evaluate", run, "--split", "validation", "--format", "json").json[0]["per_class"]
    assert [entry["support"] for entry in held.values()] == [5, 5]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_categories_are_told_apart_to_the_last_digit(bpcli, place, suffix):
    ids = [BIG + k % 3 for k in range(ROWS)]
    columns = {"shop": ids, "x": [k % 5 for k in range(ROWS)], "y": [k % 2 for k in range(ROWS)]}
    data = write(place / f"t{suffix}", columns)
    run = trained(bpcli, data, ", categorical: [shop]")
    assert bpcli("inspect", run, "--format", "json").json[0]["features"][:3] == [f"shop={BIG + k}" for k in range(3)]
    other = write(place / f"o{suffix}", {**columns, "shop": [BIG + 3] * ROWS})
    assert f"not seen in training, so none of its categories: {BIG + 3}" in bpcli("predict", run, other).err


WORDS = {True: ["true", "True", "TRUE"], False: ["false", "False", "FALSE"], None: ["", "NA"]}
TRUTHS = st.lists(st.sampled_from([True, False, None]), min_size=ROWS, max_size=ROWS)


@given(TRUTHS, st.integers(0, 2))
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_boolean_means_one_thing_in_every_format(bpcli, tmp_path, truths, spelling):
    truths[:3] = [True, False, True]
    columns = {
        "flag": truths,
        "kind": truths[::-1],
        "x": [float(k % 5) for k in range(ROWS)],
        "y": [k % 3 > 0 for k in range(ROWS)],
    }
    words = {n: [WORDS[v][(spelling) % len(WORDS[v])] if n != "x" else v for v in c] for n, c in columns.items()}
    numbers = {n: ["" if v is None else int(v) for v in c] if n == "flag" else words[n] for n, c in columns.items()}
    files = [
        write(tmp_path / f"t{s}", words if s in (".csv", ".tsv") else columns) for s in (".csv", ".tsv", ".parquet")
    ]
    files.append(write(tmp_path / "numbers.csv", numbers))
    frame = {name: np.array(column, object) for name, column in columns.items()}
    runs, said = [], set()
    for file in files:
        runs.append(trained(bpcli, file, ", categorical: [kind], missing: {flag: mean, kind: most_frequent}"))
    for run in runs:
        shown = bpcli("inspect", run, "--format", "json").json[0]
        assert shown["classes"] == ["false", "true"]
        assert shown["features"] == ["flag", "kind=false", "kind=true", "x"]
        for file in files:
            said.add(bpcli("predict", run, file).out)
            assert bpcli("evaluate", run, file, "--format", "json").json[0]["per_class"]["true"]["support"] == 16
        rows = csv.reader(io.StringIO(next(iter(said))))
        p = [float(row[2]) for row in list(rows)[1:]]
        assert library.load(run).probabilities(frame)[:, 1].tolist() == p
    assert len(said) == 1


@pytest.mark.parametrize("suffix", [".csv", ".npz", ".parquet"])
def test_booleans_are_the_classes_of_a_model_of_0_and_1(bpcli, place, suffix):
    columns = {"x1": [k % 5 for k in range(ROWS)], "y": [k % 3 % 2 for k in range(ROWS)]}
    run = trained(bpcli, write(place / f"t{suffix}", columns))
    booleans = write(place / f"b{suffix}", {**columns, "y": [bool(v) for v in columns["y"]]})
    names, counts = classes_and_counts(bpcli, run, booleans)
    assert (names, counts) == (["0", "1"], [16, 8])


def test_booleans_are_numbers_of_a_regression_and_a_word_beside_others_is_text(bpcli, tmp_path):
    data = write(tmp_path / "t.csv", {"x": ["True", "false", "TRUE"] * 8, "y": [1.5, 0.5, 1.5] * 8})
    config = tmp_path / "c.yaml"
    config.write_text(
        "model: {type: neuron}\nloss: mse\ntraining: {learning_rate: 0.1, epochs: 500, batch_size: full}\n"
        f"data: {{path: t.csv, target: y}}\noutput: {tmp_path}/run\n"
    )
    assert bpcli("train", config).code == 0
    shown = bpcli("inspect", tmp_path / "run", "--format", "json").json[0]
    assert np.isclose([shown["weights"][0][0], shown["bias"][0]], [1, 0.5], atol=1e-3).all()
    data.write_text("x,y\ntrue,1\nmaybe,2\n")
    assert "is not a number" in bpcli("train", config, "--force").err


KEPT = {
    "id": ["9007199254740993", "1", "-7"],
    "zip": ["02134", "10001", "94110"],
    "sum": ["1e5", "2.50", "3"],
    "gap": ["1", "NA", ""],
    "word": ["a", "007", ""],
    "flag": ["true", "false", ""],
    "shout": ["TRUE", "false", ""],
    "half": ["0.5", "-1.25", "1e300"],
    "age": ["28.0", "30", "0.5"],
}
AS_JSON = {
    "id": [9007199254740993, 1, -7],
    "zip": KEPT["zip"],
    "sum": KEPT["sum"],
    "gap": [1, None, None],
    "word": ["a", "007", None],
    "flag": [True, False, None],
    "shout": ["TRUE", "false", None],
    "half": [0.5, -1.25, 1e300],
    "age": [28.0, 30, 0.5],
}


@pytest.fixture
def line(bpcli, tmp_path):
    data = write(tmp_path / "line.csv", {"x": range(ROWS), "y": ["a", "b"] * 12})
    return trained(bpcli, data, ", standardize: true")


def test_a_kept_cell_comes_out_as_it_stands(bpcli, line, tmp_path):
    data = write(tmp_path / "kept.csv", {"x": [1, 2, 3], **KEPT})
    names = ",".join(KEPT)
    rows = bpcli("predict", line, data, "--keep", names, "--format", "json").json
    assert {name: [row[name] for row in rows] for name in KEPT} == AS_JSON
    assert json.dumps([row["age"] for row in rows]) == "[28.0, 30, 0.5]"
    table = list(csv.DictReader(io.StringIO(bpcli("predict", line, data, "--keep", names).out)))
    assert {name: [row[name] for row in table] for name in KEPT} == KEPT


def test_a_kept_cell_of_a_typed_column_has_its_type(bpcli, line, tmp_path):
    columns = {
        "text": ["007", "8", None],
        "whole": [2**63 - 1, None, -1],
        "unsigned": pa.array([2**64 - 1, 0, None], pa.uint64()),
        "real": [0.1, None, 1e300],
        "flag": [True, None, False],
        "words": pa.array(["1", "2", "1"]).dictionary_encode(),
    }
    parquet.write_table(pa.table({"x": [1.0, 2.0, 3.0], **columns}), tmp_path / "k.parquet")
    printed = bpcli("predict", line, tmp_path / "k.parquet", "--keep", ",".join(columns), "--format", "json")
    for name, values in columns.items():
        expected = values.to_pylist() if isinstance(values, pa.Array) else values
        assert [row[name] for row in map(json.loads, printed.lines)] == expected, name
    np.savez(tmp_path / "k.npz", X=np.zeros((2, 1)), y=np.array(["01", "2"]))
    flat = trained(bpcli, write(tmp_path / "flat.npz", {"x1": range(ROWS), "y": [k % 2 for k in range(ROWS)]}))
    kept = bpcli("predict", flat, tmp_path / "k.npz", "--keep", "y", "--format", "json").json
    assert [row["y"] for row in kept] == ["01", "2"]
