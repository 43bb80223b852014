"""`bpcli init` as a user runs it: it prints a config that trains without an edit."""

import csv
import random
from pathlib import Path

import numpy as np
import pytest
from pyarrow import csv as csv_reader
from pyarrow import parquet

from bpcli.training.config.keys import KEYS
from bpcli.training.config.loading import load_config


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def drafted(bpcli, here):
    """`drafted(columns, …)` writes a table, drafts a config for it and trains: the config's text, and `done`."""

    def drafted(columns, *options):
        write(columns)
        text = bpcli("init", "--data", "t.csv", *options)
        assert text.code == 0, text.err
        Path("c.yaml").write_text(text.out)
        checked = bpcli("validate", "c.yaml")
        assert (checked.code, checked.err) == (0, "")
        result = bpcli("train", "c.yaml", "--quiet", "--format", "json")
        assert result.code == 0, result.err
        return text.out, result.json[0]

    return drafted


def write(columns):
    with open("t.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([list(columns), *zip(*columns.values(), strict=True)])


def test_without_data_a_template_holds_every_key_and_is_a_config(bpcli, here):
    for model in ("neuron", "softmax"):
        text = bpcli("init", "--model", model).out
        Path("c.yaml").write_text(text)
        assert load_config("c.yaml").model.type == model
        skipped = {"model.activation", "data.positive"} if model == "softmax" else set()
        for path in KEYS:
            name = path.split(".")[-1]
            assert any(line.strip(" #").startswith(f"{name}:") for line in text.splitlines()) == (path not in skipped)


def test_each_commented_key_can_be_uncommented(bpcli, here):
    text = bpcli("init").out
    lines = text.splitlines()
    for i, line in enumerate(lines[1:], 1):
        if line.strip().startswith("# "):
            Path("c.yaml").write_text("\n".join([*lines[:i], line.replace("# ", "", 1), *lines[i + 1 :]]))
            assert load_config("c.yaml").model.type == "neuron", line


@pytest.mark.parametrize(
    ("name", "metric", "least"),
    [
        ("iris", "accuracy", 0.95),
        ("digits", "accuracy", 0.95),
        ("breast_cancer", "auc", 0.99),
        ("diabetes", "r2", 0.35),
    ],
)
def test_a_draft_for_each_shipped_table_trains_well(bpcli, root, here, name, metric, least):
    Path("c.yaml").write_text(bpcli("init", "--data", root / "data" / f"{name}.csv").out)
    done = bpcli("train", "c.yaml", "--quiet", "--format", "json").json[0]
    assert done["validation"][metric] >= least


def test_names_and_values_that_yaml_would_take_for_something_else(drafted):
    rng = random.Random(1)
    names = [
        "no",
        "null",
        "1e3",
        "true",
        "a: b",
        "x #y",
        'say "hi"',
        "two\nlines",
        "é",
        "~",
        "- x",
        "[z]",
        "2020",
        "0x1F",
    ]
    columns = {name: [round(rng.random(), 3) if rng.random() > 0.1 else "" for _ in range(60)] for name in names}
    columns["yes"] = [rng.choice(["on", "off", "null "]) for _ in range(60)]
    columns["id"] = [f"#{i}" for i in range(60)]
    columns["class: y"] = [rng.choice(["yes", "no"]) for _ in range(60)]
    text, done = drafted(columns)
    config = load_config("c.yaml")
    assert config.data.target == "class: y"
    assert config.data.positive == "yes"
    assert set(config.data.missing) == {*names, "yes"}
    assert (config.data.exclude, config.data.categorical) == (("id",), ("yes",))
    assert done["train"]["rows"] == 48
    assert "different in every row: an id or free text" in text


def test_large_targets_and_outliers_come_near_least_squares(drafted):
    rng = np.random.default_rng(3)
    size, rooms, tax = rng.gamma(4, 30, 400), rng.integers(1, 7, 400), rng.standard_cauchy(400) * 1e4
    price = 200_000 + 1500 * size + 20_000 * rooms + rng.normal(0, 20_000, 400)
    _, done = drafted({"size": size.round(1), "rooms": rooms, "tax": tax.round(), "price": price.round()})
    assert done["train"]["r2"] > 0.94
    assert done["validation"]["r2"] > 0.9


def test_more_columns_than_rows_do_not_diverge(drafted):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(300, 100)).round(3)
    y = X[:10].sum(0)
    _, done = drafted({**{f"x{j}": X[j] for j in range(300)}, "y": y.round(4)})
    assert done["train"]["r2"] > 0.9


def test_a_weak_signal_in_many_rows_still_beats_a_constant(drafted):
    rng = np.random.default_rng(6)
    X = rng.normal(size=(12, 8000)).round(3)
    y = rng.random(8000) < 1 / (1 + np.exp(-0.1 * X[0]))
    _, done = drafted({**{f"x{j}": column for j, column in enumerate(X)}, "y": np.where(y, "yes", "no")})
    assert done["train"]["loss"] < done["best_constant_loss"] - 0.001


@pytest.mark.parametrize(
    "columns",
    [
        {"x": [1, 2], "y": ["a", "b"]},
        {"x": [1.5, 2, 4], "y": ["a", "b", "c"]},
        {"x": [1, 2, 4], "y": [0.5, 2.5, 3.5]},
        {"x": [1, 2, 4, 5], "c": ["u", "v", "u", "v"], "y": [0, 1, 0, 1]},
    ],
)
def test_a_table_of_a_few_rows_trains(drafted, columns):
    text, done = drafted(columns)
    assert "too few rows to hold some out" in text
    assert done["train"]["rows"] == len(columns["x"])
    assert done["train"]["loss"] < done["best_constant_loss"]


def random_column(rng, rows):
    kind = rng.choice(
        ["number", "gaps", "class", "id", "date", "text", "constant", "empty", "slips", "flag", "count", "rare"]
    )
    cells = {
        "number": lambda i: f"{rng.lognormvariate(0, 3):.4g}",
        "gaps": lambda i: rng.choice(["", "NA", f"{rng.gauss(5, 2):.3f}"]),
        "class": lambda i: rng.choice(["a", "b b", "c,c", "?"]),
        "id": lambda i: i,
        "date": lambda i: f"2024-0{rng.randint(1, 9)}-1{rng.randint(0, 9)}",
        "text": lambda i: f"word {rng.random()}",
        "constant": lambda i: "k",
        "empty": lambda i: "",
        "slips": lambda i: rng.choice(["~", *[f"{rng.random():.3f}"] * 9]),
        "flag": lambda i: rng.choice(["0", "1"]),
        "count": lambda i: rng.randint(0, 30),
        "rare": lambda i: "x" if i == rows // 2 else "y",
    }[kind]
    return [cells(i) for i in range(rows)]


def run_random(bpcli, seed):
    """Drafts for a random table and checks what it printed; whether there was something to learn."""
    rng = random.Random(seed)
    rows = rng.choice([5, 30, 60, 120])
    write({f"c{j}": random_column(rng, rows) for j in range(rng.randint(2, 7))})
    drafted = bpcli(
        "init", "--data", "t.csv", *rng.choice([[], ["--target", "c0"], ["--model", "softmax"], ["--model", "neuron"]])
    )
    if drafted.code:
        assert drafted.code in (2, 3)
        assert "internal error" not in drafted.err
        return False
    Path("c.yaml").write_text(drafted.out)
    for command in ("validate", "train"):
        result = bpcli(
            *(command, "c.yaml", "--set", "training.epochs=3"),
            *(["--quiet", "--output", f"runs/{seed}"] if command == "train" else []),
        )
        assert result.code in (0, int(command == "train")), f"seed {seed}: {result.err}\n{drafted.out}"
    return True


def test_a_draft_of_any_table_is_a_config_that_trains(bpcli, here):
    assert sum(run_random(bpcli, seed) for seed in range(40)) > 15


@pytest.mark.parametrize(
    ("content", "options", "code", "message"),
    [
        ("a,b\n1,2\n3,4\n", ["--target", "c"], 3, "no column c"),
        ("a,b\n1,2\n3,2\n", ["--target", "b"], 3, "one value only"),
        ("a,b\n1,x\n3,y\n4,z\n", ["--target", "b", "--model", "neuron"], 2, "--model softmax"),
        ("a,b\n1,0.5\n3,0.7\n4,0.2\n", ["--model", "softmax"], 2, "--model neuron"),
        ("a,b\n", [], 3, "no rows"),
        ("", [], 3, "empty"),
    ],
)
def test_a_draft_that_can_t_be_made(bpcli, here, content, options, code, message):
    Path("t.csv").write_text(content)
    result = bpcli("init", "--data", "t.csv", *options)
    assert (result.code, result.out) == (code, "")
    assert message in result.err


def test_wrong_usage(bpcli, here):
    assert bpcli("init", "--target", "y").code == 2
    assert bpcli("init", "--model", "svm").code == 2
    missing = bpcli("init", "--data", "nothing.csv")
    assert (missing.code, "does not exist" in missing.err) == (3, True)


def test_what_is_left_out_or_read_specially_is_said_with_the_reason(bpcli, here):
    columns = {
        "Unnamed: 0": [3 * i for i in range(60)],
        "name": [f"person {i}" for i in range(60)],
        "age": ["" if i % 7 == 0 else 20 + i % 31 for i in range(60)],
        "color": [["red", "blue", "green"][i % 3] for i in range(60)],
        "member": ["True", "False", "", "True", "TRUE", "false"] * 10,
        "churned": ["no", "yes", "yes"] * 20,
    }
    write(columns)
    drafted = bpcli("init", "--data", "t.csv")
    told = [line.removeprefix("bpcli: note: ") for line in drafted.err.splitlines()]
    assert told == [
        "data.target: churned (guessed by its name)",
        'data.positive: "yes" (or "no")',
        "data.exclude: Unnamed: 0 (an id), name (different in every row: an id or free text)",
        "data.categorical: color (3 values)",
        "data.missing: age: median (9 gaps), member: most_frequent (10 gaps)",
    ]


def test_lists_of_what_is_said_are_capped(bpcli, here):
    columns = {f"word{j}": [f"{j} {i}" for i in range(60)] for j in range(100)}
    write({**columns, "x": [i % 7 for i in range(60)], "y": [0, 1] * 30})
    assert len(bpcli("init", "--data", "t.csv", "--target", "y").err) < 1000


def test_paths_are_right_from_wherever_the_config_is_written(bpcli, here, monkeypatch):
    Path("in").mkdir()
    Path("out/deep").mkdir(parents=True)
    write({"x": [i % 7 for i in range(60)], "y": ["a", "b"] * 30})
    Path("t.csv").rename("in/t.csv")
    assert bpcli("init", "--data", "in/t.csv", "--output", "out/deep/c.yaml").out == ""
    monkeypatch.chdir("in")
    assert bpcli("validate", "../out/deep/c.yaml").code == 0
    before = Path("../out/deep/c.yaml").read_bytes()
    for data, code in (("t.csv", 2), ("no.csv", 2)):
        assert bpcli("init", "--data", data, "--output", "../out/deep/c.yaml").code == code
    failed = bpcli("init", "--data", "no.csv", "--output", "../out/deep/c.yaml", "--force")
    assert (failed.code, Path("../out/deep/c.yaml").read_bytes()) == (3, before)
    assert bpcli("init", "--data", "no.csv", "--output", "new.yaml").code == 3
    assert not Path("new.yaml").exists()
    assert bpcli("init", "--data", "t.csv", "--output", "../out/deep/c.yaml", "--force").code == 0
    assert bpcli("init", "--output", "plain.yaml").code == 0
    assert "data.csv" in Path("plain.yaml").read_text()


def test_a_target_in_a_file_of_its_own_and_no_pixel_as_target(bpcli, here):
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 256, (60, 28 * 28)), rng.integers(0, 3, 60)
    np.save("X.npy", X.astype(np.uint8).reshape(60, 28, 28))
    np.save("y.npy", y)
    Path("named.csv").write_text(
        "\n".join([",".join([f"pixel{j}" for j in range(64)]), *(",".join(map(str, row)) for row in X[:, :64])]) + "\n"
    )
    for name in ("X.npy", "named.csv"):
        refused = bpcli("init", "--data", name)
        assert (refused.code, refused.out) == (3, "")
        assert "no column looks like a target" in refused.err
        assert "--target NAME" in refused.err
        assert "--target-path FILE" in refused.err
        drafted = bpcli("init", "--data", name, "--target-path", "y.npy", "--output", f"{name}.yaml")
        assert drafted.code == 0, drafted.err
        done = bpcli("train", f"{name}.yaml", "--set", "training.epochs=2", "--output", f"runs/{name}")
        assert done.code in (0, 1), done.err
        classes = bpcli("inspect", f"runs/{name}", "--format", "json").json[0]["classes"]
        assert classes == ["0", "1", "2"]


def test_the_format_of_the_data_may_be_said(bpcli, here):
    write({"x": [i % 7 for i in range(60)], "y": ["a", "b"] * 30})
    Path("t.csv").rename("table.thing")
    assert bpcli("init", "--data", "table.thing").code == 3
    assert bpcli("init", "--data", "table.thing", "--data-format", "csv", "--output", "c.yaml").code == 0
    assert bpcli("train", "c.yaml", "--output", "run").code in (0, 1)
    parquet.write_table(csv_reader.read_csv("table.thing"), "table.bin")
    for command in ("predict", "evaluate"):
        right = bpcli(command, "run", "table.thing")
        assert right.code == 0, right.err
        assert bpcli(command, "run", "table.bin", "--data-format", "parquet").out == right.out


def test_a_name_that_a_config_can_not_hold_is_told(bpcli, here):
    (here / "t.csv").write_text("a,y\n1,no\n2,yes\n")
    result = bpcli("init", "--data", "t.csv", "--output", "a\udcffb")
    assert result.code == 2
    assert "not UTF-8" in result.err
    assert [path.name for path in here.iterdir()] == ["t.csv"]


def test_a_config_does_not_replace_its_data(bpcli, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("a,b\n1,x\n2,y\n")
    failed = bpcli("init", "--data", table, "--output", tmp_path / "." / table.name, "--force")
    assert (failed.code, "is the data itself" in failed.err) == (2, True)
    assert table.read_text() == "a,b\n1,x\n2,y\n"
