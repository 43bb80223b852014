"""Where a run may be put, and what stays when it may not."""

from dataclasses import replace

import numpy as np
import pytest

from bpcli.errors import CheckError, UsageError
from bpcli.folders import MARK, staging_path
from bpcli.training.checkpoint import CHECKPOINT
from bpcli.training.placing import check_place, check_start, write_run
from bpcli.training.run import SUMMARY, is_finished, load_model, load_summary
from bpcli.training.setup import prepare

RECORDS = [{"epoch": 1, "train": {"loss": 2.0}}]


@pytest.fixture
def write(line, tmp_path):
    """`write(loss, force)` puts a run of a loss in place, where a constant reaches 4; returns its folder."""
    config = replace(line(), output=tmp_path / "run")
    model = prepare(config).result

    def run(loss, force=False, **summary):
        write_run(config, model, RECORDS, {"train": {"loss": loss}, "best_constant_loss": 4.0, **summary}, force)
        return config.output

    return run


def test_a_run_is_put_where_there_is_none_and_replaces_one_only_when_it_may(write, tmp_path):
    check_place(tmp_path / "run", replaces=False)
    target = write(2.0)
    assert is_finished(target)
    assert load_summary(target)["train"]["loss"] == 2.0
    assert np.isfinite(load_model(target).w).all()
    for refused in (lambda: check_place(target, False), lambda: write(1.0)):
        with pytest.raises(UsageError, match=r"(?s)exists already.*resume .*force .*output"):
            refused()
    assert load_summary(target)["train"]["loss"] == 2.0
    check_place(target, replaces=True)
    assert load_summary(write(1.0, force=True))["train"]["loss"] == 1.0


def test_a_run_no_better_than_a_constant_is_put_in_place_but_replaces_none(write):
    target = write(4.5)
    write(2.0, force=True)
    kept = (target / SUMMARY).read_bytes()
    with pytest.raises(CheckError, match="the run that was there stays") as caught:
        write(4.5, force=True, advice="try more")
    assert caught.value.hint == "try more"
    assert (target / SUMMARY).read_bytes() == kept
    assert not staging_path(target).exists()


@pytest.mark.parametrize(("resume", "force"), [(False, False), (True, False), (False, True)])
def test_a_stopped_training_is_neither_begun_again_nor_lost_unasked(tmp_path, resume, force):
    target = tmp_path / "run"
    check_start(target, resume, force)
    staging = staging_path(target)
    staging.mkdir()
    for name in (MARK, CHECKPOINT):
        (staging / name).write_bytes(b"kept")
    if resume or force:
        check_start(target, resume, force)
    else:
        with pytest.raises(UsageError, match=r"(?s)stopped is saved.*resume .*force .*output"):
            check_start(target, resume, force)


def test_other_things_are_never_replaced(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    for replaces in (False, True):
        with pytest.raises(UsageError, match=r"thesis\.tex"):
            check_place(tmp_path, replaces)
