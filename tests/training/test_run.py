"""The run folder: what is written is read back; what is damaged is told."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from bpcli.errors import DataError, UnfinishedError
from bpcli.folders import MARK, staging_path
from bpcli.training.checkpoint import CHECKPOINT
from bpcli.training.run import (
    CONFIG,
    HISTORY,
    MODEL,
    SUMMARY,
    check_one_run,
    flat,
    is_finished,
    load_model,
    load_summary,
    model_path,
    read_history,
    save_model,
    summary_rows,
)


@pytest.fixture
def run(bpcli, root, tmp_path):
    options = ["--quiet", "--set", "training.epochs=3", "--output", tmp_path / "run"]
    assert bpcli("train", root / "configs/iris.yaml", *options).code == 0
    return tmp_path / "run"


def test_what_is_written_is_read_back(run, tmp_path):
    model = load_model(run)
    save_model(model, tmp_path / "again.npz")
    again = load_model(tmp_path / "again.npz")
    assert (again.w.tobytes(), again.b.tobytes()) == (model.w.tobytes(), model.b.tobytes())
    assert again.preparation == model.preparation
    assert is_finished(run)
    history = read_history(run)
    assert history["epoch"] == [1, 2, 3]
    summary = load_summary(run)
    assert summary["epochs"] == 3
    assert summary_rows(run, "train") == summary["train"]["rows"]
    assert summary_rows(run, "nothing") is None


def test_records_are_spread_out():
    record = {"epoch": 1, "validation": {"loss": 0.5, "accuracy": 1.0}}
    assert flat(record) == {"epoch": 1, "validation.loss": 0.5, "validation.accuracy": 1.0}


def changed(path, **members):
    with np.load(path) as archive:
        np.savez(path, **{**{name: archive[name] for name in archive.files}, **members})


def cut(path):
    path.write_bytes(path.read_bytes()[:100])


def without_a_weight(path):
    with np.load(path) as archive:
        w = archive["w"][1:]
    changed(path, w=w)


def not_finite(path):
    changed(path, b=np.array([np.nan, 0, 0]))


def newer(path):
    with np.load(path) as archive:
        meta = json.loads(str(archive["meta"]))
    changed(path, meta=np.array(json.dumps(meta | {"format": 99})))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut, "is not a model of bpcli, or is damaged"),
        (without_a_weight, "is not a model of bpcli, or is damaged"),
        (not_finite, "is not a model of bpcli, or is damaged"),
        (newer, "was written by a newer bpcli"),
    ],
)
def test_a_model_that_is_damaged_is_told(run, damage, message):
    damage(run / MODEL)
    with pytest.raises(DataError, match=message):
        load_model(run)


def test_other_files_that_are_damaged_are_told(run):
    (run / HISTORY).write_text("epoch,loss\n1\n")
    with pytest.raises(DataError, match="not the history of a run"):
        read_history(run)
    (run / SUMMARY).write_text("{")
    with pytest.raises(DataError, match="can't be read, or is damaged"):
        load_summary(run)
    assert summary_rows(run, "train") is None


def test_where_there_is_no_model(tmp_path):
    (tmp_path / "runs" / "iris").mkdir(parents=True)
    with pytest.raises(DataError, match="not a run folder"):
        model_path(tmp_path / "runs" / "iris")
    with pytest.raises(DataError, match=r"(?s)does not exist.*did you mean .*iris"):
        model_path(tmp_path / "runs" / "irs")
    staging = staging_path(tmp_path / "runs" / "new")
    staging.mkdir()
    for name in (MARK, CHECKPOINT):
        (staging / name).write_text("")
    with pytest.raises(UnfinishedError, match="is not finished"):
        model_path(tmp_path / "runs" / "new")
    assert not is_finished(tmp_path / "runs" / "iris")


@pytest.mark.parametrize("name", [CONFIG, MODEL, HISTORY])
def test_files_of_different_runs_are_not_read_as_one(bpcli, run, root, tmp_path, name):
    options = ["--quiet", "--set", "training.epochs=2", "--output", tmp_path / "other"]
    assert bpcli("train", root / "configs/iris.yaml", *options).code == 0
    check_one_run(run, load_model(run))
    assert bpcli("evaluate", run, "--split", "validation").code == 0
    shutil.copy(tmp_path / "other" / name, run / name)
    result = bpcli("evaluate", run, "--split", "validation")
    assert (result.code, f"{name} and {SUMMARY} are of different runs" in result.err) == (3, True)


def test_a_model_of_a_run_that_was_replaced_meanwhile_is_not_of_the_new_one(bpcli, run, root):
    model = load_model(run)
    options = ["--quiet", "--force", "--set", "training.epochs=2", "--output", run]
    assert bpcli("train", root / "configs/iris.yaml", *options).code == 0
    with pytest.raises(DataError, match=f"{MODEL} and {SUMMARY} are of different runs"):
        check_one_run(run, model)


def test_a_run_of_an_earlier_version_has_no_digests(run):
    summary = json.loads((run / SUMMARY).read_text())
    digests = summary.pop("files")
    assert sorted(digests) == sorted([CONFIG, MODEL, HISTORY])
    (run / SUMMARY).write_text(json.dumps(summary))
    (run / CONFIG).write_text((run / CONFIG).read_text() + "# changed\n")
    check_one_run(run, load_model(run))


def test_what_is_no_archive_is_not_read_as_a_model():
    """A device without an end: the first bytes tell."""
    with pytest.raises(DataError, match="not a model of bpcli"):
        load_model(Path("/dev/zero"))


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{}", "[" * 100_000, '{"train": "x"}', '{"train": {"rows": 1e999}}', '{"train": {"loss": 1}}'],
)
def test_a_summary_of_another_shape_is_told(bpcli, root, iris_run, tmp_path, text):
    shutil.copytree(iris_run, tmp_path / "run")
    (tmp_path / "run" / SUMMARY).write_text(text)
    result = bpcli("train", root / "configs/iris.yaml", "--output", tmp_path / "run", "--resume")
    assert (result.code, "summary.json can't be read, or is damaged" in result.err) == (3, True)


@pytest.mark.parametrize("name", [SUMMARY, HISTORY])
def test_what_stands_in_place_of_a_runs_file_is_not_read_without_end(iris_run, tmp_path, name):
    shutil.copytree(iris_run, tmp_path / "run")
    (tmp_path / "run" / name).unlink()
    (tmp_path / "run" / name).symlink_to("/dev/zero")
    if name == HISTORY:
        assert read_history(tmp_path / "run") == {}
    else:
        with pytest.raises(DataError, match="it is no file"):
            load_summary(tmp_path / "run")


def test_of_the_folder_of_a_sweep_the_best_run_is_offered(bpcli, iris_run, tmp_path):
    folder = tmp_path / "choice"
    shutil.copytree(iris_run, folder / "best")
    for words in (
        ("evaluate", folder),
        ("compare", iris_run, folder),
        ("predict", folder, "data.csv"),
        ("inspect", folder),
        ("plot", folder, "--output", tmp_path / "p.svg"),
        ("backprop", folder, "--row", 1),
        ("export", folder, "--format", "sql"),
    ):
        told = bpcli(*words)
        assert (told.code, told.out) == (3, "")
        assert told.err.endswith(f"it has no model.npz\n  {folder / 'best'} is the best run of the sweep in it\n")
    shutil.rmtree(folder / "best")
    assert "best" not in bpcli("evaluate", folder).err
