from dataclasses import replace
from pathlib import Path

import pytest

from bpcli.errors import ConfigError, DataError, UsageError
from bpcli.ranks import ALONE
from bpcli.training.agreement import check_same_data, check_same_start, check_shares, other_processors, versions
from bpcli.training.checkpoint import processor
from bpcli.training.config.loading import load_config
from bpcli.training.setup import prepare


class Two:
    """Two ranks, of which the other's values are made of this one's."""

    rank, size = 0, 2

    def __init__(self, other=lambda value: value):
        self._other = other

    def named(self, rank):
        return f"rank {rank} of 2 on far"

    def gathered(self, value):
        return [value, self._other(value)]


@pytest.fixture
def config(tmp_path):
    (tmp_path / "rows.csv").write_text("x,y\n" + "".join(f"{k % 7},{k % 3}\n" for k in range(9000)))
    (tmp_path / "c.yaml").write_text(
        "model: {type: neuron}\nloss: mse\ntraining: {learning_rate: 0.01, batch_size: full, epochs: 2}\n"
        "data: {path: rows.csv, target: y}\n"
    )
    return load_config(tmp_path / "c.yaml")


@pytest.mark.parametrize(
    ("key", "value"), [("numpy", "1.0"), ("bpcli", "0"), ("training.learning_rate", "0.5"), ("resume", "True")]
)
def test_what_differs_on_a_rank_is_named_before_the_first_step(config, key, value):
    options = {"resume": False}
    check_same_start(Two(), config, options)
    check_same_start(ALONE, config, options)
    with pytest.raises(UsageError, match=f"rank 1 of 2 on far: {key}: {value}, and rank 0 has "):
        check_same_start(Two(lambda mine: mine | {key: value}), config, options)


def test_a_rank_may_have_the_same_files_in_another_folder(config, tmp_path):
    other = replace(config, data=replace(config.data, path=Path("/elsewhere/rows.csv")), output=Path("/scratch/c"))
    check_same_start(Two(lambda _: start_of(other)), config, {})
    other = replace(config, data=replace(config.data, path=(Path("/elsewhere/cells.csv"),)))
    with pytest.raises(UsageError, match=r"rank 1 of 2 on far: data.path: .*cells.csv.*, and rank 0 has .*rows.csv"):
        check_same_start(Two(lambda _: start_of(other)), config, {})


def start_of(config):
    """What a rank says of itself at the start."""
    said = []
    check_same_start(Two(lambda value: said.append(value) or value), config, {})
    return said[0]


def test_the_versions_are_of_what_computes():
    assert {"Python", "bpcli", "numpy", "scipy", "mpi4py"} <= versions().keys()


def test_another_processor_is_told():
    assert other_processors(Two()) == other_processors(ALONE) == []
    assert (
        "rank 1 of 2 on far runs on another kind of processor (abacus; " in other_processors(Two(lambda _: "abacus"))[0]
    )


def test_one_thread_computes_as_another_kind_of_processor_does(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    several = processor()
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    assert processor() == f"{several} one-thread"


def test_other_data_on_a_rank_is_named():
    data = {"train": {"rows": 9000, "digest": "a"}, "preparation": {"columns": "c"}}
    check_same_data(Two(), data)
    for other, said in [
        ({"rows": 8999, "digest": "b"}, r"its train differs \(8999 rows, and rank 0 has 9000\)"),
        ({"rows": 9000, "digest": "b"}, r"its train differs \(9000 rows"),
    ]:
        with pytest.raises(DataError, match=f"rank 1 of 2 on far has read other data than rank 0: {said}"):
            check_same_data(Two(lambda mine, other=other: mine | {"train": other}), data)


def test_small_batches_are_refused_with_the_remedy(config):
    def with_training(**keys):
        return replace(config, training=replace(config.training, **keys))

    for size in (32, 8191):
        with pytest.raises(ConfigError, match=rf"batches of {size} rows .*: full or at least 8192, or one process"):
            check_shares(Two(), prepare(with_training(batch_size=size)))
    for keys in ({"batch_size": 8192}, {"batch_size": "full"}, {"batch_size": 32, "optimizer": "newton"}):
        check_shares(Two(), prepare(with_training(**keys)))
    with pytest.raises(ConfigError, match="numba takes the steps of one process"):
        check_same_start(Two(), with_training(engine="numba"), {})
    three = Two()
    three.size = 3
    for keys in ({"batch_size": "full"}, {"batch_size": 32}, {"optimizer": "lbfgs"}):  # no batch of 9000 rows is enough
        with pytest.raises(UsageError, match=r"^9000 training rows are too few for 3 processes") as refused:
            check_shares(three, prepare(with_training(**keys)))
        assert refused.value.hint == "take at most 2 processes"
    check_shares(ALONE, prepare(with_training(batch_size=1)))
