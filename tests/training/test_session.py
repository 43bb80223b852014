"""Stopped anywhere and gone on with, a training ends with the same bits; what was saved outlives what goes wrong."""

import dataclasses
import json
import os
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from bpcli import folders, sums
from bpcli.datasets.preparation import splits, statistics
from bpcli.errors import CheckError, DataError, UsageError
from bpcli.formulas.solvers import SOLVERS
from bpcli.training import checkpoint, placing
from bpcli.training import session as sessions
from bpcli.training.checkpoint import CHECKPOINT, PREVIOUS
from bpcli.training.config.loading import config_from_mapping
from bpcli.training.descent import batches, loop
from bpcli.training.descent.loop import DivergedError
from bpcli.training.resumption import other_rows
from bpcli.training.session import session
from bpcli.training.setup import prepare


class Killed(BaseException):
    """The process ends here, as far as the disk can tell."""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(40, 3))
    table = "\n".join(f"{a},{b},{c},{'yes' if a + b > 0 else 'no'}" for a, b, c in rows.tolist())
    (tmp_path / "t.csv").write_text("a,b,c,y\n" + table + "\n")
    return tmp_path


def config(**training):
    data, output = training.pop("data", {}), training.pop("output", "run")
    return config_from_mapping(
        {
            "model": {"type": "softmax", "init": "normal"},
            "loss": "cce",
            "training": {"learning_rate": 0.3, "batch_size": 7, "epochs": 6, "checkpoint_seconds": 0, **training},
            "data": {"path": "t.csv", "target": "y", "validation": 0.25, **data},
            "output": output,
        }
    )


def finish(settled, **options):
    with session(settled, **options) as current:
        records = list(current.epochs())
        current.finish()
    return records


def timeless(value):
    """A record without its times."""
    if isinstance(value, dict):
        return {key: timeless(v) for key, v in value.items() if not key.endswith("seconds")}
    return value


def contents(run):
    """All that a run holds, but for its times."""
    with np.load(run / "model.npz") as archive:
        weights = {name: archive[name].tobytes() for name in archive.files}
    header, *rows = (run / "history.csv").read_text().splitlines()
    assert header.split(",")[-1] == "seconds"
    state = checkpoint.read(run / CHECKPOINT).state
    return (
        weights,
        (run / "config.yaml").read_text(),
        [header, *(row.rpartition(",")[0] for row in rows)],
        timeless(json.loads((run / "summary.json").read_text())),
        {k: v.tobytes() for k, v in state.arrays().items()},
        [timeless(r) for r in state.plain()["records"]],
        timeless({k: v for k, v in state.plain().items() if k != "records"}),
    )


@pytest.fixture
def every_step(monkeypatch):
    """The loop looks at the clock after each step."""
    monkeypatch.setattr(loop, "_PATIENCE", 0.0)


def stop_after(settled, steps, resume=True, force=False):
    """Train for so many steps and stop as a signal would; the number of the epoch it came to, or None if it ended."""
    try:
        with session(settled, resume=resume, force=force) as current:
            for taken, _ in enumerate(_events(current), 1):
                if taken >= steps:
                    raise KeyboardInterrupt
            current.finish()
    except KeyboardInterrupt:
        return current.training.state.epoch
    return None


def _events(current):
    """Each step, by way of the loop's pauses."""
    current._interrupts.pause.at = 0.0
    yield from current.training.epochs(current._interrupts.pause)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_stopped_after_every_single_step_it_ends_with_the_same_bits(here, every_step, shuffle, dtype):
    finish(config(output="whole", shuffle=shuffle, dtype=dtype))
    settled = config(shuffle=shuffle, dtype=dtype)
    stops = 0
    while stop_after(settled, 1) is not None:
        stops += 1
    assert stops == 6 * 5 or stops == 6 * 5 - 1
    assert _same(here / "run", here / "whole")


def _same(one, other):
    """Whether two runs are equal, but for their names and times."""
    first, second = contents(one), contents(other)
    for run, parts in ((one, first), (other, second)):
        assert parts[3].pop("run") == run.name
    assert first[1] == second[1].replace(f"output: {other.absolute()}", f"output: {one.absolute()}").replace(
        f"output: {other.name}", f"output: {one.name}"
    )
    return first[:1] + first[2:] == second[:1] + second[2:]


@pytest.mark.parametrize("gathered", [True, False])
def test_stopped_at_random_it_ends_with_the_same_bits(here, every_step, monkeypatch, gathered):
    if gathered:  # rows that are too many to be copied in order
        monkeypatch.setattr(batches, "_COPIED", 0)
    finish(config(output="whole"))
    rng = random.Random(2)
    for name in range(10):
        shutil.rmtree(here / "run", ignore_errors=True)
        while stop_after(config(), rng.randint(1, 12)) is not None:
            pass
        assert _same(here / "run", here / "whole"), name


@pytest.mark.parametrize(("then", "size", "refused"), [(0, 7, True), (0, 4, False), (4, 7, False)])
def test_steps_that_add_up_a_batch_in_another_order_are_no_continuation(
    here, every_step, monkeypatch, then, size, refused
):
    """Batches of more rows than a block, of which earlier versions, whose checkpoints name none, knew nothing."""
    monkeypatch.setattr(sums, "ROWS", 4)
    settled = config(batch_size=size, epochs=9)
    stop_after(settled, 6)
    path = here / ".run.partial" / CHECKPOINT
    checkpoint.write(path.parent, dataclasses.replace(checkpoint.read(path), block=then))
    if not refused:
        finish(settled, resume=True)
        return
    with pytest.raises(UsageError, match="more than 4 rows are now summed by blocks"):
        finish(settled, resume=True)
    assert path.is_file()


@pytest.mark.parametrize("changed", [False, True])
def test_a_training_that_an_earlier_version_saved_is_compared_by_the_digest_of_that_version(here, every_step, changed):
    settled = config()
    stop_after(settled, 6)
    path = here / ".run.partial" / CHECKPOINT
    found = checkpoint.read(path)
    parts = {name: part.arrays() for name, part in prepare(settled).parts.items()}
    digests = {name: checkpoint._digest({"names": np.array(["a", "b", "c"]), **part}) for name, part in parts.items()}
    data = {**found.data, **{name: {**found.data[name], "digest": digest} for name, digest in digests.items()}}
    assert data != found.data
    checkpoint.write(path.parent, dataclasses.replace(found, data=data))
    if changed:
        table = (here / "t.csv").read_text().splitlines()
        (here / "t.csv").write_text("\n".join([*table[:-1], table[-1].replace("0", "1")]) + "\n")
        with pytest.raises(DataError, match="do not hold the same values"):
            finish(settled, resume=True)
        return
    assert finish(settled, resume=True)
    assert checkpoint.read(here / "run" / CHECKPOINT).data == found.data


def test_means_of_many_rows_that_an_earlier_version_took_otherwise_are_told(here, every_step, monkeypatch):
    monkeypatch.setattr(statistics, "ROWS", 1 << 20)
    settled = config(data={"standardize": True, "validation": None})
    stop_after(settled, 6)
    path = here / ".run.partial" / CHECKPOINT
    checkpoint.write(path.parent, dataclasses.replace(checkpoint.read(path), block=0))
    monkeypatch.setattr(statistics, "ROWS", 8)
    with pytest.raises(UsageError, match="means and σ of more than 8 rows are now taken by blocks"):
        finish(settled, resume=True)


@pytest.mark.parametrize("validation", [0.25, None])
def test_rows_that_an_earlier_version_held_out_by_another_draw_are_told(here, every_step, monkeypatch, validation):
    """By `--resume`, and by whatever takes the rows of a finished run."""
    settled = config(data={"validation": validation})
    stop_after(settled, 6)
    path = here / ".run.partial" / CHECKPOINT
    earlier = dataclasses.replace(checkpoint.read(path), block=0)
    checkpoint.write(path.parent, earlier)
    if validation is None:
        finish(settled, resume=True)
    else:
        monkeypatch.setattr(splits, "_random_numbers", lambda rng, first, rows: np.arange(rows, dtype=np.uint64))
        with pytest.raises(UsageError, match="rows are held out by another draw"):
            finish(settled, resume=True)
        finish(settled, force=True)
        monkeypatch.undo()
    path = here / "run" / CHECKPOINT
    assert bool(other_rows(path.parent, prepare(settled), ["train"])) == (validation is not None)
    checkpoint.write(path.parent, dataclasses.replace(checkpoint.read(path), block=0))
    assert ("by another draw" in other_rows(path.parent, prepare(settled), ["train"])) == (validation is not None)


def test_a_finished_run_goes_on_when_epochs_have_grown_and_else_does_nothing(here):
    finish(config(output="whole", epochs=9))
    finish(config(epochs=4))
    before = {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in (here / "run").iterdir()}
    assert finish(config(epochs=4), resume=True) == []
    assert before == {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in (here / "run").iterdir()}
    assert [r["epoch"] for r in finish(config(epochs=9), resume=True)] == [5, 6, 7, 8, 9]
    assert _same(here / "run", here / "whole")


def test_resume_with_nothing_saved_starts(here):
    assert len(finish(config(), resume=True)) == 6
    assert sorted(os.listdir(here)) == ["run", "t.csv"]


@pytest.fixture
def killing(monkeypatch):
    """`killing(n)`: from its n-th call to the system on, which changes the disk, this process is dead."""

    class Death:
        left = None

        def tick(self):
            if self.left is not None:
                self.left -= 1
                if self.left < 0:
                    raise Killed

    death = Death()

    def deadly(module, name):
        real = getattr(module, name)

        def call(*arguments, **keywords):
            death.tick()
            return real(*arguments, **keywords)

        monkeypatch.setattr(module, name, call)

    monkeypatch.setattr(os, "fsync", lambda _: None)  # whose durability no test of this kind can see
    for name in ("fsync", "replace", "rename", "link", "mkdir", "unlink", "rmdir", "open"):
        deadly(os, name)
    deadly(checkpoint.np, "savez")
    deadly(placing, "save_run")
    deadly(folders, "_exchange")
    return death


@pytest.mark.parametrize("old", [False, True])
def test_dead_at_any_call_to_the_system_nothing_saved_is_lost(here, every_step, killing, tmp_path_factory, old):
    """Fifty calls at random, of those that change the disk, are each the last one once; then it is gone on with."""
    settled, run, fresh = config(epochs=2), here / "run", tmp_path_factory.mktemp("fresh")
    finish(config(epochs=2, output="whole"))
    if old:
        finish(config(epochs=1, seed=9))
    former = contents(run) if old else None
    shutil.copytree(here, fresh, dirs_exist_ok=True)

    def die(calls):
        """Train, and be dead after so many calls; the steps that were saved, and the calls that were left."""
        for path in list(here.iterdir()):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(fresh, here, dirs_exist_ok=True)
        killing.left, saved = calls, 0
        try:
            with session(settled, force=old) as current:
                for _ in _events(current):
                    saved = current.training.state.steps if current.keep() else saved
                current.finish()
        except Killed:
            pass
        left, killing.left = killing.left, None
        return saved, left

    _, left = die(10**6)
    calls = 10**6 - left
    assert calls > 100
    for instant in random.Random(1).sample(range(calls), 50):
        saved, left = die(instant)
        assert left < 0
        assert not old or run.exists()
        if not run.exists() or contents(run) == former:
            is_saved = checkpoint.unfinished(run) is not None
            with session(settled, resume=is_saved, force=old and not is_saved) as current:
                assert current.training.state.steps >= saved, instant
                list(current.epochs())
                current.finish()
        assert _same(run, here / "whole"), instant


def stopped(epochs=6, **options):
    """A training with two generations saved, and its folder."""
    settled = config(epochs=epochs, **options)

    def train():
        with session(settled) as current:
            for _ in _events(current):
                current.keep()
                if current.training.state.steps == 8:
                    raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train()
    return settled, checkpoint.unfinished(settled.output)


def damage_cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def damage_empty(path):
    path.write_bytes(b"")


def damage_bit(path):
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"state.w.npy") + 150] ^= 1
    path.write_bytes(raw)


def damage_weight(path):
    """Another weight in an archive that is otherwise in order."""
    with np.load(path) as archive:
        members = {name: archive[name] for name in archive.files}
    members["state.w"][0] += 1
    with path.open("wb") as file:
        np.savez(file, **members)


def damage_model(path):
    shutil.copy("whole/model.npz", path)


DAMAGES = [damage_cut, damage_empty, damage_bit, damage_weight, damage_model]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_told_and_the_one_before_it_gone_on_with(here, every_step, damage):
    finish(config(output="whole"))
    settled, folder = stopped()
    damage(folder / CHECKPOINT)
    with session(settled, resume=True) as current:
        (warning,) = current.warnings()
        assert "checkpoint.npz is damaged" in warning
        assert "going on from the one before it, after 1 epoch, 2 steps into the next" in warning
        list(current.epochs())
        current.finish()
    assert _same(here / "run", here / "whole")


@pytest.mark.parametrize("damage", DAMAGES)
def test_where_all_checkpoints_are_damaged_nothing_is_touched(here, every_step, damage):
    finish(config(output="whole"))
    settled, folder = stopped()
    damage(folder / CHECKPOINT)
    damage(folder / PREVIOUS)
    before = [(folder / name).read_bytes() for name in (CHECKPOINT, PREVIOUS)]
    with pytest.raises(DataError, match=r"is damaged(.|\n)*force to start afresh"), session(settled, resume=True):
        pass
    assert before == [(folder / name).read_bytes() for name in (CHECKPOINT, PREVIOUS)]


def test_a_checkpoint_of_a_newer_version_is_told(here, every_step, monkeypatch):
    _, folder = stopped()
    monkeypatch.setattr(checkpoint, "_FORMAT", 0)
    with pytest.raises(DataError, match="newer"):
        checkpoint.read(folder / CHECKPOINT)


CHANGES = [
    ({"learning_rate": 0.2}, "training.learning_rate: it was 0.3, now it is 0.2$"),
    ({"epochs": 5}, "training.epochs: it was 6, now it is 5, and may only grow"),
    ({"data": {"validation": 0.5}}, "data.validation: it was 0.25, now it is 0.5"),
    ({"data": {"standardize": True}}, "data.standardize: it was false, now it is true"),
    ({"data": {"validation": "t.csv"}}, "data.validation: it was 0.25, now it is .*t.csv"),
]


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize(("change", "words"), CHANGES)
def test_a_config_that_changed_is_refused_with_the_difference(here, every_step, change, words, finished):
    finish(config()) if finished else stopped()
    with pytest.raises(UsageError, match=f"(?m)^  {words}"), session(config(**change), resume=True):
        pass


@pytest.mark.parametrize("change", [{"epochs": 8}, {"checkpoint_seconds": 60}])
def test_what_may_change(here, every_step, change):
    finish(config(output="whole", **change))
    stopped()
    finish(config(**change), resume=True)
    assert _same(here / "run", here / "whole")


@pytest.mark.parametrize("finished", [True, False])
def test_data_that_changed_is_refused_with_the_reason(here, every_step, finished):
    text = Path("t.csv").read_text()
    finish(config()) if finished else stopped()
    settled = config(epochs=9)
    lines = text.splitlines()
    for other in ([*lines, lines[1]], lines[:-2]):
        Path("t.csv").write_text("\n".join(other) + "\n")
        with (
            pytest.raises(DataError, match=r"data has changed.* rows were 30, now they are"),
            session(settled, resume=True),
        ):
            pass
    cells = lines[7].split(",")
    lines[7] = ",".join(["0.125", *cells[1:]])
    Path("t.csv").write_text("\n".join(lines) + "\n")
    with (
        pytest.raises(DataError, match=r"rows are still .*, but do not hold the same values"),
        session(settled, resume=True),
    ):
        pass
    Path("t.csv").write_text(text)
    finish(settled, resume=True)


def test_data_that_moved_is_the_same(here, every_step):
    finish(config(output="whole"))
    stopped()
    os.rename("t.csv", "moved.csv")
    finish(config(data={"path": "moved.csv"}), resume=True)
    assert contents(here / "run")[0] == contents(here / "whole")[0]


def test_a_training_that_was_stopped_is_not_overwritten_unasked(here, every_step):
    settled, folder = stopped()
    before = (folder / CHECKPOINT).read_bytes()
    with pytest.raises(UsageError, match=r"resume .*force .*output"), session(settled):
        pass
    with pytest.raises(UsageError, match="take one of the two"), session(settled, resume=True, force=True):
        pass
    assert (folder / CHECKPOINT).read_bytes() == before
    bad = config(data={"exclude": ["a"], "path": "t.csv"})
    os.rename("t.csv", "gone.csv")
    with pytest.raises(DataError), session(bad, force=True):
        pass
    assert (folder / CHECKPOINT).read_bytes() == before
    os.rename("gone.csv", "t.csv")
    assert len(finish(settled, force=True)) == 6


def test_a_forced_training_that_is_stopped_leaves_the_old_run_and_replaces_it_when_gone_on_with(here, every_step):
    finish(config(output="whole"))
    finish(config(seed=4))
    old = contents(here / "run")
    assert stop_after(config(), 1, resume=False, force=True) is not None
    while stop_after(config(), 7) is not None:
        assert contents(here / "run") == old
    assert _same(here / "run", here / "whole")


@pytest.mark.parametrize("gone", [False, True])
def test_what_is_left_of_a_replaced_run_is_not_gone_on_with(here, killing, monkeypatch, gone):
    """Dead between the exchange of the two folders and the removal of the old one."""
    finish(config(seed=4))
    exchange = folders._exchange

    def exchange_and_die(first, second):
        exchange(first, second)
        killing.left = 0

    with monkeypatch.context() as patch:
        patch.setattr(folders, "_exchange", exchange_and_die)
        with pytest.raises(Killed):
            finish(config(), force=True)
    killing.left = None
    assert (here / ".run.partial" / CHECKPOINT).is_file()
    if gone:
        shutil.rmtree(here / "run")
        assert len(finish(config())) == 6
    else:
        assert finish(config(), resume=True) == []
        assert len(finish(config(epochs=7), resume=True)) == 1
    assert not (here / ".run.partial").exists()


@pytest.mark.parametrize("error", [DivergedError("no"), CheckError("no")])
def test_what_came_to_nothing_is_not_gone_on_with(here, every_step, error):
    def train():
        with session(config()) as current:
            next(_events(current))
            current.keep()
            raise error

    with pytest.raises(type(error)):
        train()
    assert os.listdir(here) == ["t.csv"]


def full(*_):
    raise OSError(28, "No space left on device")


def test_a_full_disk_on_the_way_is_a_warning_and_at_the_end_an_error_that_loses_nothing(here, every_step, monkeypatch):
    finish(config(output="whole"))
    settled, folder = stopped()
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", full)
    before = {p.name: p.read_bytes() for p in folder.iterdir()}

    def go_on():
        with session(settled, resume=True) as current:
            list(current.epochs())
            told.extend(current.warnings())
            current.finish()

    told = []
    with pytest.raises(DataError, match="can't be written: No space left"):
        go_on()
    assert len(told) == 1
    assert "No space left on device; saved last: after 1 epoch, 3 steps into the next" in told[0]
    after = {p.name: p.read_bytes() for p in folder.iterdir()}
    assert {**before, ".pid": b""} == {**after, ".pid": b""}
    monkeypatch.setattr(os, "fsync", sync)
    go_on()
    assert _same(here / "run", here / "whole")


def test_saving_takes_a_hundredth_of_the_time_at_most(here, every_step, monkeypatch):
    """A clock of ours, by which each look takes a second and each save five: a save comes every 500 seconds."""
    now = [0.0]

    def clock():
        now[0] += 1.0
        return now[0]

    saves = []

    def slow(*_):
        saves.append(now[0])
        now[0] += 5.0

    monkeypatch.setattr(loop, "perf_counter", clock)
    monkeypatch.setattr(sessions, "perf_counter", clock)
    monkeypatch.setattr(checkpoint, "write", slow)
    with session(config(epochs=400)) as current:
        list(current.epochs())
    gaps = np.diff(saves)
    assert len(gaps) > 3
    assert min(gaps) >= 500
    assert max(gaps) <= 620  # the looks at the clock are part of what a save takes


def test_who_shows_how_far_it_is_hears_within_an_epoch(here):
    settled = config(checkpoint_seconds=1e9)
    with session(settled) as current:
        seen = []
        for record in current.epochs(tick=0.0):
            seen.append((record is None, current.training.rows_seen))
        current.finish()
    with session(config(checkpoint_seconds=1e9, output="other")) as current:
        assert all(current.epochs())
        current.finish()
    assert any(within and rows % 30 for within, rows in seen)
    assert [rows for _, rows in seen] == sorted({rows for _, rows in seen})
    assert seen[-1] == (False, 6 * 30)
    assert contents(here / "run")[0] == contents(here / "other")[0]


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_solver_resumes_to_the_same_bits_and_tells_how_far_the_optimum_is(solver, here):
    def trained(folder, epochs, resume=False):
        settled = config(optimizer=solver, epochs=epochs, l2=0.01, output=str(here / folder))
        with session(settled, resume=resume) as current:
            assert list(current.epochs())
            return current.finish()["optimum"], current.warnings(), (here / folder / "model.npz").read_bytes()

    optimum, warnings, bits = trained("whole", 1000)
    assert optimum["reached"]
    assert optimum["gradient_norm"] <= 1e-8
    assert not warnings
    early, (warning,), _ = trained("stopped", 2)
    assert not early["reached"]
    assert "the optimum is not reached" in warning
    assert trained("stopped", 1000, resume=True)[2] == bits


@pytest.mark.usefixtures("here")
def test_a_tolerance_ends_any_training():
    settled = config(optimizer="nesterov", batch_size="full", tolerance=1e-3, epochs=5000, l2=0.1)
    with session(settled) as current:
        epochs = [record for record in current.epochs() if record]
        assert current.finish()["optimum"]["gradient_norm"] <= 1e-3
    assert len(epochs) < 5000


@pytest.mark.parametrize(
    ("saved_on", "told"), [("x86_64 Other avx2", True), ("x86_64 Here avx2 fma", False), ("", False)]
)
def test_going_on_on_another_kind_of_processor_is_told(here, every_step, monkeypatch, saved_on, told):
    monkeypatch.setattr(checkpoint, "processor", lambda: saved_on)
    stopped()
    monkeypatch.setattr(checkpoint, "processor", lambda: "x86_64 Here avx2 fma")
    with session(config(), resume=True) as current:
        warned = [text for text in current.warnings() if "processor" in text]
    assert bool(warned) == told
    if told:
        assert "(x86_64 Other avx2; here x86_64 Here avx2 fma)" in warned[0]
