"""Which engine trains: by config and data alone, told, kept by --resume, refused where it can't be."""

import numpy as np
import pytest

from bpcli.errors import ConfigError, MissingExtraError
from bpcli.formulas.optimizers import OPTIMIZERS, Optimizer
from bpcli.training import engine
from bpcli.training.setup import prepare

MANY = {"batch_size": 1, "epochs": 9000}  # 60 rows: 540,000 steps


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(engine, "is_installed", lambda: True)
    monkeypatch.setattr(engine, "check_installed", lambda: None)


def decided(config):
    training = prepare(config)
    assert bool(training.program) == (training.config.training.engine == "numba")
    return training.config.training.engine, [note for note in training.notes if "compil" in note]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "numpy"),
        (MANY, "numba"),
        ({**MANY, "batch_size": 2}, "numpy"),  # too few steps
        ({**MANY, "engine": "numpy"}, "numpy"),
        ({"engine": "numba"}, "numba"),
        ({"optimizer": "newton", "epochs": 600000}, "numpy"),
    ],
)
def test_auto_takes_many_small_steps(line, options, expected):
    found, notes = decided(line(options))
    assert found == expected
    assert len(notes) == (expected == "numba")


def test_large_steps_are_numpys(line, monkeypatch):
    monkeypatch.setattr(engine, "MOST_PRODUCTS", 1)
    assert decided(line(MANY)) == ("numpy", [])


def test_a_kept_program_needs_no_note_but_that_of_auto(line, monkeypatch):
    monkeypatch.setattr(engine, "is_compiled", lambda text: True)
    assert decided(line({"engine": "numba"})) == ("numba", [])
    _, (note,) = decided(line(MANY))
    assert note == "training.engine: numba, as compiling pays for 540000 steps of 1 × 2 numbers"


def test_without_numba_auto_names_the_extra_and_numba_is_refused(line, monkeypatch):
    def missing():
        raise MissingExtraError("compiled", "numba", "training.engine: numba")

    monkeypatch.setattr(engine, "is_installed", lambda: False)
    monkeypatch.setattr(engine, "check_installed", missing)
    found, (note,) = decided(line(MANY))
    assert (found, "pip install 'bpcli[compiled]'" in note) == ("numpy", True)
    assert decided(line()) == ("numpy", [])
    with pytest.raises(MissingExtraError) as error:
        prepare(line({"engine": "numba"}))
    assert "bpcli[compiled]" in error.value.hint


def test_what_can_not_be_compiled_is_refused_or_told(line, monkeypatch):
    def step(p, g, t, learning_rate, l1, settings, slots, scratch):
        np.subtract(p, learning_rate * g / np.linalg.norm(g), p)

    monkeypatch.setitem(OPTIMIZERS, "normed", Optimizer({}, (), step, "p := p - αg/‖g‖", "none"))
    found, (note,) = decided(line({**MANY, "optimizer": "normed"}))
    assert found == "numpy"
    assert "but numba can't compile" in note
    with pytest.raises(ConfigError, match="numba can't compile"):
        prepare(line({"optimizer": "normed", "engine": "numba"}))


def test_rows_in_files_are_refused(line):
    with pytest.raises(ConfigError, match="stay in files"):
        prepare(line({"engine": "numba"}), in_files=True)


def test_a_solver_passes_numba_over(line):
    training = prepare(line({"optimizer": "newton", "engine": "numba", "learning_rate": None}))
    assert training.config.training.engine == "numpy"
    assert any("training.engine" in note and "passed over" in note for note in training.notes)


@pytest.mark.slow
def test_a_run_keeps_its_engine(bpcli, tmp_path, line, monkeypatch):
    pytest.importorskip("numba")
    path, run = tmp_path / "c.yaml", tmp_path / "run"
    path.write_text(
        "model: {type: neuron}\nloss: mse\ntraining: {learning_rate: 0.01, epochs: 3, engine: numba}\n"
        f"data: {{path: {line().data.path}, target: y, validation: 0.2}}\n"
    )
    assert bpcli("train", path, "--output", run, "--quiet").code == 0
    assert "engine: numba" in (run / "config.yaml").read_text()
    longer = ("train", path, "--output", run, "--quiet", "--resume", "--set", "training.epochs=5")
    assert bpcli(*longer, "--set", "training.engine=numpy").code == 2
    assert bpcli(*longer, "--set", "training.engine=auto").code == 0
    assert "engine: numba" in (run / "config.yaml").read_text()
    expected = tmp_path / "whole"
    assert bpcli("train", path, "--output", expected, "--quiet", "--set", "training.epochs=5").code == 0
    models = [np.load(folder / "model.npz") for folder in (run, expected)]
    assert np.array_equal(models[0]["w"], models[1]["w"])
