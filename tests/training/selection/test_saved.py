"""The folder of a sweep: what stands there, one process at a time, and files that are damaged."""

import os

import pytest

from bpcli.errors import UsageError
from bpcli.training.selection.saved import STATE, SavedOutcomes, check_folder
from bpcli.training.selection.trials import Outcome

OUTCOMES = [Outcome(3, {"loss": 0.1, "auc": None}, ["a note"]), Outcome(3, {"loss": float("inf"), "auc": 0.5})]


def test_what_is_saved_is_read_and_what_is_damaged_is_not(tmp_path):
    saved = SavedOutcomes(tmp_path, {"folds": 2})
    with saved.held():
        saved.write(0, OUTCOMES)
        assert saved.read(0, 2) == OUTCOMES
        assert saved.read(0, 1) is None
        assert saved.read(1, 2) is None
        path = tmp_path / STATE / "0.outcomes"
        whole = path.read_bytes()
        for damaged in (b"", whole[:-4], whole.replace(b"0.1", b"0.2"), b"\xff" + whole):
            path.write_bytes(damaged)
            assert saved.read(0, 2) is None


def test_a_second_process_and_another_plan_are_refused(tmp_path):
    saved = SavedOutcomes(tmp_path, {"folds": 2, "data": "x"})
    with saved.held(), pytest.raises(UsageError, match="another process"), saved.held():
        pass
    with SavedOutcomes(tmp_path, {"folds": 4, "data": "x"}).held():  # nothing is saved yet
        saved.write(0, OUTCOMES)
    with pytest.raises(UsageError, match="another sweep: what has changed is folds"):
        SavedOutcomes(tmp_path, {"folds": 3, "data": "x"}).held().__enter__()
    for damaged in ("", "{", "[]", "3", '"x"', "\0"):
        (tmp_path / STATE / "plan.json").write_text(damaged)
        with pytest.raises(UsageError, match="another sweep"):
            SavedOutcomes(tmp_path, {"folds": 4, "data": "x"}).held().__enter__()


def test_results_name_a_folder_of_any_name(tmp_path):
    name = b"s\xff"  # no UTF-8
    folder = tmp_path / os.fsdecode(name)
    SavedOutcomes(folder, {}).write_results(f"run\n{folder / 'best'}\n")
    assert (folder / "results.csv").read_bytes() == b"run\n" + os.fsencode(tmp_path) + b"/" + name + b"/best\n"


def test_what_stands_in_the_way(tmp_path):
    check_folder(tmp_path / "new", resume=False)
    check_folder(tmp_path, resume=False)
    (tmp_path / "file").write_text("x")
    for resume in (False, True):
        with pytest.raises(UsageError, match="is a file, not a folder"):
            check_folder(tmp_path / "file", resume)
        with pytest.raises(UsageError, match="other things in it"):
            check_folder(tmp_path, resume)
    (tmp_path / STATE).mkdir()
    check_folder(tmp_path, resume=False)  # a mistake may have ended it before anything was saved
    (tmp_path / STATE / "0.outcomes").touch()
    with pytest.raises(UsageError, match="holds a sweep that was stopped"):
        check_folder(tmp_path, resume=False)
    check_folder(tmp_path, resume=True)
