"""The trainer's commands as a user runs them, on the shipped data and on messy data."""

import csv
import io
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bpcli.training.run import load_model


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def train(bpcli, root, here):
    """`train("iris", …)` trains a shipped config and returns its `done` record."""

    def train(name, *options):
        result = bpcli("train", root / "configs" / f"{name}.yaml", "--format", "json", *options)
        assert result.code == 0, result.err
        return result.json[-1]

    return train


def settings(*pairs):
    return [part for pair in pairs for part in ("--set", pair)]


@pytest.mark.parametrize("preparation", ["data.scale=16", "data.standardize=true"])
def test_digits_reach_95_percent_on_a_stratified_quarter(train, preparation):
    options = ["data.scale=null"] if "standardize" in preparation else []
    done = train("digits", *settings(*options, preparation))
    assert done["test"]["rows"] == 449
    assert done["test"]["accuracy"] >= 0.95
    assert max(done["test"]["per_class"][str(d)]["support"] for d in range(10)) <= 47


def test_breast_cancer_reaches_97_percent_and_auc_99(train):
    done = train("breast_cancer")
    assert done["test"]["accuracy"] >= 0.97
    assert done["test"]["auc"] >= 0.99


def test_iris_reaches_96_percent_on_its_own_training_rows(train):
    done = train("iris", *settings("data.validation=null", "training.epochs=300"))
    assert done["train"] | {"loss": 0, "auc": 0} == done["train"] | {"loss": 0, "auc": 0, "rows": 150}
    assert done["train"]["accuracy"] >= 0.96


def test_diabetes_comes_near_least_squares(train, root):
    done = train("diabetes", *settings("data.test=null", "training.epochs=400", "training.batch_size=full"))
    rows = np.loadtxt(root / "data" / "diabetes.csv", delimiter=",", skiprows=1)
    A = np.column_stack([rows[:, :-1], np.ones(len(rows))])
    residual = rows[:, -1] - A @ np.linalg.lstsq(A, rows[:, -1], rcond=None)[0]
    best = float(np.mean(residual**2))
    assert best < done["train"]["loss"] < 1.05 * best


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_bent_activation_learns_by_squared_error(train, activation):
    done = train("concavity", *settings(f"model.activation={activation}"))
    assert done["test"]["r2"] > 0.75


CONFIGS = sorted(path.stem for path in (Path(__file__).parents[2] / "configs").glob("*.yaml"))


@pytest.mark.parametrize("name", CONFIGS)
def test_every_shipped_config_beats_a_constant_and_says_how_to_run_it(bpcli, root, here, name):
    path = root / "configs" / f"{name}.yaml"
    assert f"bpcli train configs/{name}.yaml" in path.read_text()
    result = bpcli("train", path, "--quiet", "--format", "json", *settings("training.epochs=30"))
    (done,) = result.json
    assert done["train"]["loss"] < done["best_constant_loss"]
    assert "no better than a constant" not in result.err


def test_the_best_constant_by_hand(train):
    # iris: three classes of a third each, log 3; breast cancer: H(212/569)
    assert train("iris", *settings("data.validation=null"))["best_constant_loss"] == pytest.approx(np.log(3))
    p = 212 / 569
    entropy = -p * np.log(p) - (1 - p) * np.log(1 - p)
    assert train("breast_cancer", *settings("data.test=null"))["best_constant_loss"] == pytest.approx(entropy)


def test_a_model_no_better_than_a_constant_is_pointed_out(bpcli, root, here):
    result = bpcli(
        "train", root / "configs" / "iris.yaml", *settings("training.learning_rate=1e-300", "training.epochs=1")
    )
    assert result.code == 1
    assert "error: the model is no better than a constant" in result.err
    assert "try another training.learning_rate" in result.err
    assert load_model(here / "runs/iris").w.shape == (4, 3)
    again = bpcli("train", here / "runs/iris/config.yaml", "--resume")
    assert (again.code, again.err.splitlines()[1:]) == (1, result.err.splitlines())


def test_the_run_folder_holds_what_it_should(train, here, bpcli):
    done = train("iris", *settings("training.epochs=3"))
    run = here / "runs" / "iris"
    assert done["run"] == "runs/iris"
    files = ["checkpoint.npz", "config.yaml", "history.csv", "model.npz", "summary.json"]
    assert sorted(p.name for p in run.iterdir()) == files
    summary = json.loads((run / "summary.json").read_text())
    assert sorted(summary.pop("files")) == ["config.yaml", "history.csv", "model.npz"]
    assert summary == done
    history = list(csv.DictReader((run / "history.csv").read_text().splitlines()))
    assert [row["epoch"] for row in history] == ["1", "2", "3"]
    assert set(history[0]) == {"epoch", "loss", "validation.loss", "validation.accuracy", "learning_rate", "seconds"}
    with np.load(run / "model.npz", allow_pickle=False) as archive:
        assert archive["w"].shape == (4, 3)
    again = bpcli("train", run / "config.yaml", "--output", "again", "--quiet")
    assert again.code == 0, again.err
    np.testing.assert_array_equal(load_model(here / "again").w, load_model(run).w)


def test_the_same_seed_gives_the_same_bits_and_another_others(train, here):
    files = []
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        train("digits", "--output", name, *settings(f"training.seed={seed}", "training.epochs=3", "model.init=normal"))
        files.append((here / name / "model.npz").read_bytes())
    assert files[0] == files[1] != files[2]


def test_single_precision_trains(train, here):
    double, single = (
        train("digits", "--force", *settings(f"training.dtype={dtype}", "training.epochs=20"))["test"]
        for dtype in ("float64", "float32")
    )
    assert single["loss"] == pytest.approx(double["loss"], rel=1e-5)
    assert single["accuracy"] == pytest.approx(double["accuracy"], abs=1 / 449)
    assert load_model(here / "runs" / "digits").w.dtype == np.float32


@pytest.mark.parametrize("init", ["normal", "uniform"])
def test_random_starts_have_the_stated_spread(bpcli, root, here, init):
    useless = settings(f"model.init={init}", "training.epochs=1", "training.learning_rate=1e-300")
    assert bpcli("train", root / "configs" / "digits.yaml", *useless).code in (0, 1)  # by chance
    w = load_model(here / "runs" / "digits").w
    sigma = 1 / 8 if init == "normal" else 1 / 8 / 3**0.5  # n = 64: σ = 1/√n, or uniform in ±1/√n
    assert w.std() == pytest.approx(sigma, rel=0.1)
    assert (abs(w).max() <= 1 / 8) == (init == "uniform")


def test_epochs_in_all_three_formats(bpcli, root, here):
    path = root / "configs" / "iris.yaml"
    options = settings("training.epochs=2")
    text = bpcli("train", path, "--precision", "3", *options)
    assert text.lines[0].split() == [
        "epoch",
        "loss",
        "validation.loss",
        "validation.accuracy",
        "learning_rate",
        "seconds",
    ]
    assert [line.split()[0] for line in text.lines[1:3]] == ["1", "2"]
    assert text.lines[-1] == "run: runs/iris"
    assert any(line.startswith("best constant") for line in text.lines)
    table = bpcli("train", path, "--format", "csv", "--force", *options)
    rows = list(csv.reader(io.StringIO(table.out)))
    assert len(rows) == 3
    assert {len(row) for row in rows} == {6}
    first, second, done = bpcli("train", path, "--format", "json", "--force", *options).json
    assert (first["event"], first["epoch"], second["epoch"]) == ("epoch", 1, 2)
    assert set(first) == {"event", "epoch", "loss", "validation", "learning_rate", "seconds"}
    assert (done["event"], done["epochs"]) == ("done", 2)
    assert {"train", "validation", "best_constant_loss", "seconds", "run"} <= set(done)


def test_an_existing_run_is_refused_before_training_and_replaced_with_force(bpcli, train, root, here):
    train("iris", *settings("training.epochs=1"))
    before = (here / "runs/iris/model.npz").read_bytes()
    refused = bpcli("train", root / "configs" / "iris.yaml")
    assert (refused.code, refused.out) == (2, "")
    assert "--force" in refused.err
    assert "--output" in refused.err
    assert (here / "runs/iris/model.npz").read_bytes() == before
    train("iris", "--force", *settings("training.epochs=2"))
    assert (here / "runs/iris/model.npz").read_bytes() != before


def test_a_forced_training_that_learned_nothing_leaves_the_old_run(bpcli, train, root, here):
    train("iris")
    before = (here / "runs/iris/model.npz").read_bytes()
    useless = settings("training.learning_rate=1e-300", "training.epochs=1")
    result = bpcli("train", root / "configs" / "iris.yaml", "--force", *useless)
    assert result.code == 1
    assert "no better than a constant" in result.err
    assert (here / "runs/iris/model.npz").read_bytes() == before
    assert bpcli("train", root / "configs" / "iris.yaml", "--output", "new", *useless).code == 1
    assert (here / "new/model.npz").exists()


def test_a_reader_that_has_read_enough_does_not_end_the_training(root, here):
    command = f"{sys.executable} -m bpcli train {root / 'configs/diabetes.yaml'} --set training.epochs=3000 | head -n 1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert load_model(here / "runs/diabetes").w.shape == (10,)


def test_a_training_that_diverges_exits_4_and_leaves_the_old_run(bpcli, train, root, here):
    train("diabetes")
    before = (here / "runs/diabetes/model.npz").read_bytes()
    result = bpcli("train", root / "configs" / "diabetes.yaml", "--force", *settings("training.learning_rate=1e3"))
    assert result.code == 4
    assert "diverged" in result.err
    assert "learning_rate" in result.err
    assert "standardize" in result.err
    assert (here / "runs/diabetes/model.npz").read_bytes() == before
    assert os.listdir(here / "runs") == ["diabetes"]


@pytest.mark.parametrize("lines", [0, 1, 7, 19, 20, 21])
def test_a_forced_training_killed_after_some_epochs_leaves_a_whole_model(train, root, here, lines):
    train("digits", *settings("training.epochs=2"))
    command = [sys.executable, "-m", "bpcli", "train", str(root / "configs/digits.yaml"), "--force"]
    command += ["--format", "json", *settings("training.epochs=20")]
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as process:
        for _ in range(lines):
            assert process.stdout.readline()
        process.kill()
    assert load_model(here / "runs/digits").w.shape == (64, 10)


@pytest.mark.parametrize(("signal", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_training_that_is_stopped_says_so_by_its_exit_code(root, here, signal, code):
    import signal as signals

    command = [sys.executable, "-m", "bpcli", "train", str(root / "configs/digits.yaml"), "--format", "json"]
    command += settings("training.epochs=100000")
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        process.stdout.readline()
        process.send_signal(getattr(signals, signal))
        _, err = process.communicate()
    assert process.returncode == code
    assert b"Traceback" not in err
    assert b"saved after " in err
    assert b"bpcli train " in err
    assert err.rstrip().endswith(b"--resume")
    assert os.listdir(here / "runs") == [".digits.partial"]


@pytest.fixture
def messy(here):
    """A table as users have them: an id, dates, text, gaps, a yes/no target, Windows newlines, a byte order mark."""
    rng = random.Random(11)
    with open("customers.csv", "w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(["customer_id", "signed up", "plan", "age", "monthly fee", "comment", "churn"])
        for i in range(400):
            plan = rng.choice(["basic", "plus", "pro", "basic", "NA"])
            age = rng.choice([str(rng.randint(18, 80))] * 9 + [""])
            fee = {"basic": 10, "plus": 20, "pro": 40}.get(plan, 15) + rng.random() * 10
            odds = -3 + fee / 10 + (1 if age and int(age) < 30 else 0) + rng.gauss(0, 0.7)
            writer.writerow(
                [
                    f"C-{i:04d}",
                    f"20{rng.randint(10, 24)}-{rng.randint(1, 12):02d}-01",
                    plan,
                    age,
                    f"{fee:.2f}",
                    f'said "{rng.random()}", left' if rng.random() < 0.5 else "",
                    "yes" if odds > 0 else "no",
                ]
            )
    return here / "customers.csv"


def test_a_new_user_trains_on_a_messy_table_predicts_evaluates_and_reads_the_weights(bpcli, messy, here):
    drafted = bpcli("init", "--data", messy, "--target", "churn")
    assert drafted.code == 0, drafted.err
    (here / "churn.yaml").write_text(drafted.out)
    checked = bpcli("validate", "churn.yaml")
    assert checked.code == 0, checked.err
    assert "neuron sigmoid, loss bce" in checked.out
    trained = bpcli("train", "churn.yaml", "--format", "json", "--quiet")
    (done,) = trained.json
    assert done["validation"]["accuracy"] > 0.8
    assert done["train"]["loss"] < 0.6 * done["best_constant_loss"]

    predicted = bpcli("predict", "runs/churn", messy, "--keep", "customer_id")
    rows = list(csv.DictReader(io.StringIO(predicted.out)))
    assert [row["customer_id"] for row in rows] == [f"C-{i:04d}" for i in range(400)]
    assert list(rows[0]) == ["customer_id", "prediction", "p(no)", "p(yes)"]
    for row in rows:
        assert float(row["p(no)"]) + float(row["p(yes)"]) == pytest.approx(1)
        assert (row["prediction"] == "yes") == (float(row["p(yes)"]) >= 0.5)

    weights = bpcli("inspect", "runs/churn", "--format", "json").json[0]
    assert weights["features"] == ["plan=basic", "plan=plus", "plan=pro", "age", "monthly fee"]
    assert weights["weights"][4][0] > 0 > weights["weights"][3][0]
    evaluated = bpcli("evaluate", "runs/churn", messy, "--format", "json", "--fail-under", "auc=0.8")
    assert evaluated.code == 0, evaluated.err
    assert evaluated.json[0]["rows"] == 400


def test_without_help_the_messy_table_is_refused_with_all_that_would_help(bpcli, messy, here):
    Path("c.yaml").write_text(
        "model: {type: neuron, activation: sigmoid}\nloss: bce\ntraining: {learning_rate: 0.1}\n"
        "data: {path: customers.csv, target: churn}\n"
    )
    result = bpcli("train", "c.yaml")
    assert result.code == 3
    for words in ("customers.csv:2: column customer_id", "data.exclude: [", "data.categorical: [plan]", "data.missing"):
        assert words in result.err


def test_a_target_that_is_no_column_is_an_error_with_its_line(bpcli, messy, here):
    Path("c.yaml").write_text(
        "model: {type: neuron, activation: sigmoid}\nloss: bce\ntraining: {learning_rate: 0.1}\n"
        "data:\n  path: customers.csv\n  target: churned\n"
    )
    for command in ("train", "validate"):
        result = bpcli(command, "c.yaml")
        assert result.code == 2
        assert "c.yaml:6:11: data.target:" in result.err
        assert "did you mean churn?" in result.err


def test_a_validation_file_and_a_target_file(bpcli, root, here):
    lines = (root / "data" / "iris.csv").read_text().splitlines()
    header, rows = lines[0], lines[1:]
    Path("train.csv").write_text("\n".join([header, *rows[::2]]))
    Path("held.csv").write_text("\n".join([header, *rows[1::2]]))
    Path("x.csv").write_text("\n".join(line.rpartition(",")[0] for line in lines))
    Path("y.csv").write_text("\n".join(line.rpartition(",")[2] for line in lines))
    config = (
        (root / "configs" / "iris.yaml").read_text().replace("../data/iris.csv", "train.csv").replace("0.2", "held.csv")
    )
    Path("a.yaml").write_text(config)
    done = bpcli("train", "a.yaml", "--quiet", "--format", "json").json[0]
    assert (done["train"]["rows"], done["validation"]["rows"]) == (75, 75)
    assert done["validation"]["accuracy"] > 0.9
    both = ["data.path=x.csv", "data.target_path=y.csv", "data.validation=null"]
    result = bpcli("train", "a.yaml", "--output", "b", "--quiet", "--format", "json", *settings(*both))
    # --set paths are relative to the config, as the config's own
    assert result.json[0]["train"]["rows"] == 150
    evaluated = bpcli("evaluate", "b", "x.csv", "--target", "y.csv", "--format", "json")
    assert evaluated.json[0]["accuracy"] == result.json[0]["train"]["accuracy"]


def test_files_without_a_known_extension_are_read_as_the_data(bpcli, root, here):
    lines = (root / "data" / "iris.csv").read_text().splitlines()
    Path("held").write_text("\n".join([lines[0], *lines[1::5]]))
    config = (root / "configs" / "iris.yaml").read_text().replace("../data", str(root / "data")).replace("0.2", "held")
    Path("a.yaml").write_text(config)
    result = bpcli("train", "a.yaml", "--quiet", "--format", "json", *settings("training.epochs=2"))
    assert result.code == 0, result.err
    assert result.json[0]["validation"]["rows"] == 30


def test_features_beyond_single_precision_are_an_error(bpcli, here):
    Path("t.csv").write_text("a,y\n1e300,1\n2e300,2\n3e300,3\n")
    Path("a.yaml").write_text(
        "model: {type: neuron}\nloss: mse\ntraining: {learning_rate: 0.1, dtype: float32}\n"
        "data: {path: t.csv, target: y}\n"
    )
    result = bpcli("train", "a.yaml")
    assert (result.code, result.out) == (3, "")
    assert "too large for float32" in result.err
    assert bpcli("train", "a.yaml", *settings("data.standardize=true")).code == 0


def test_commands_of_the_config_that_are_not_there(bpcli, here):
    result = bpcli("train", "nothing.yaml")
    assert result.code == 3
    assert "does not exist" in result.err
    assert bpcli("train").code == 2


def test_a_timeout_without_other_processes_is_noted(bpcli, root, tmp_path):
    words = ["train", root / "configs/iris.yaml", "--set", "training.epochs=2", "--quiet", "--output"]
    told = bpcli(*words, tmp_path / "a", "--timeout", 5).err
    assert "note: --timeout is for the processes that mpiexec starts, and here is one: it changes nothing\n" in told
    assert "timeout" not in bpcli(*words, tmp_path / "b").err
