"""Scores and predictions of trained models, and the data of their runs; a large file is read block by block."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.large import is_large, shares_are_large
from bpcli.datasets.preparation.fitted import Prepared, Tally
from bpcli.datasets.preparation.labels import class_text
from bpcli.datasets.preparation.prepared_blocks import PreparedBlocks
from bpcli.datasets.readers.text_file import OtherEncodingError
from bpcli.datasets.reading import Files, read_files
from bpcli.datasets.share import NotSharedError, Share
from bpcli.datasets.sharing import fingerprint
from bpcli.datasets.spread import gathered_rows
from bpcli.datasets.table import Table
from bpcli.errors import BpcliError, DataError
from bpcli.ranks import ALONE, Ranks
from bpcli.training.checkpoint import CHECKPOINT
from bpcli.training.config.loading import Config, load_config
from bpcli.training.model import Model
from bpcli.training.named_data import PARTS, data_files, read_data
from bpcli.training.resumption import other_rows
from bpcli.training.run import CONFIG, check_one_run, model_path
from bpcli.training.setup import prepare, prepare_table
from bpcli.training.trainer import Training

Array = NDArray[Any]


class Scores(NamedTuple):
    """z of every row, its target if that was asked for, and the remarks on the data."""

    z: Array
    y: Array
    remarks: list[str]


def scores(model: Model, data: Table | Path, with_target: bool = True) -> Scores:
    """z = xᵀw + b of the rows of a table or a file, (N,) or (N, K); DataError for data that do not fit the model."""
    if isinstance(data, Path) and is_large([model.files(data)]):
        blocks = PreparedBlocks(model.preparation, model.files(data), with_target)
        parts = [(model.z(prepared.X), prepared.y) for _, prepared in blocks]
        z, y = (np.concatenate(part) for part in zip(*parts, strict=True))
        return Scores(z, y, blocks.remarks)
    table = read_files(model.files(data)) if isinstance(data, Path) else data
    prepared = model.preparation.apply(table, with_target)
    return Scores(model.z(prepared.X), prepared.y, prepared.remarks)


def shared(
    model: Model, files: Files, read: Callable[[Share], Table], ranks: Ranks, with_target: bool = True
) -> tuple[Table, Prepared] | None:
    """The share of some files that `read` reads on this rank, prepared, with the remarks on the whole.

    None where each rank has to read the whole: the files can't be shared, or have a mistake to report.
    """
    share, tally = Share(ranks), Tally()
    if shares_are_large([files], ranks):
        return None

    def prepared() -> tuple[Table, Prepared]:
        table = read(share)
        return table, model.preparation.apply(table, with_target, tally)

    try:
        table, found = share.done(prepared, OtherEncodingError)
    except NotSharedError:
        return None
    return table, replace(found, notes=tally.merged(share, model.preparation.columns).notes(table))


def shared_scores(model: Model, files: Files, read: Callable[[Share], Table], ranks: Ranks) -> Scores | None:
    """`scores` of a table that the ranks read together, the same on all ranks; None where `shared` gives None."""
    found = shared(model, files, read, ranks)
    if found is None:
        return None
    _, prepared = found
    z, y = (gathered_rows(own, ranks) for own in (model.z(prepared.X), prepared.y))
    return Scores(z, y, prepared.remarks)


def prediction_names(model: Model) -> list[str]:
    """The names of the columns of `predictions`."""
    return ["prediction", *(f"p({class_text(c)})" for c in model.classes or () if model.says_probabilities)]


def predictions(model: Model, z: Array) -> list[list[Any]]:
    """The predictions at z as a column and, where the model has them, the probability of each class as further ones."""
    predicted = model.predicted(z).tolist()
    if model.classes is None:
        return [predicted]
    names = [class_text(c) for c in model.classes]
    named = [names[k] for k in predicted]
    return [named, *model.probabilities(z).T.tolist()] if model.says_probabilities else [named]


def config_of_run(model: Path, hint: str = "") -> Config:
    """The config that a run was trained with; DataError for a model that has none next to it."""
    path = model_path(model).parent / CONFIG
    if not path.is_file():
        raise DataError(f"{model} has no {CONFIG} next to it, which would say what it was trained on", hint)
    return load_config(path)


def own_data(
    model: Path, loaded: Model, needed: Sequence[str], hint: str = "give a DATA file", ranks: Ranks = ALONE
) -> Training:
    """The data of a run, prepared as its training prepared them, by several `ranks` together.

    DataError where a part that is needed has changed since, or the run no longer has the model `loaded` from it.
    """
    config = config_of_run(model, hint)
    training = prepare(replace(config, model=replace(config.model, init="zeros")), ranks=ranks)
    check_unchanged(model, training, needed, hint)
    check_one_run(model_path(model).parent, loaded)
    return training


def check_unchanged(
    model: Path, training: Training, parts: Sequence[str], hint: str = "", ways: Mapping[str, str] | None = None
) -> None:
    """DataError where the rows of some `parts`, prepared anew, are not those that the run of a model had of them."""
    if changed := other_rows(model_path(model).parent, training, parts):
        raise DataError(f"the data has changed since the training: {changed}", hint, ways=ways)


def of_its_path(config: Config, path: Path | None = None) -> Config:
    """A run's config to prepare the rows of its `data.path` again, or of another `path`, without files of held-out
    rows; it trains nothing."""
    held: list[float | None] = [p if isinstance(p, float) else None for p in (config.data.validation, config.data.test)]
    data = replace(config.data, path=path or config.data.path, validation=held[0], test=held[1])
    trained = replace(config.training, early_stopping=None, epochs=1)
    return replace(config, model=replace(config.model, init="zeros"), training=trained, data=data)


def own_table(model: Path, hint: str = "") -> Table:
    """The table of a run's `data.path`; DataError where its rows have changed since the training."""
    config = of_its_path(config_of_run(model))
    table = read_data(config, config.data.path)
    check_unchanged(model, prepare_table(config, table), PARTS, hint)
    return table


def _trained_with(model: Path, data: Path) -> Config | None:
    """The config by which the run of a model was trained on a file; None where it was not, as far as can be seen."""
    path = model_path(model).parent / CONFIG
    if not path.is_file() or not data.is_file():
        return None
    try:
        config = of_its_path(load_config(path))
        return config if any(used.samefile(data) for used in data_files(config)[0].paths) else None
    except (OSError, BpcliError):  # it is gone
        return None


def trained_on(model: Path, data: Path, ranks: Ranks = ALONE, name: str = "the model") -> list[str]:
    """A remark if a file is one of those that the run of a model was trained on, and whether it is as it was then.

    `name` is what the remark calls the model. All `ranks` ask together; the remark is rank 0's.
    """
    config = _trained_with(model, data)
    run = [model_path(model).parent / name for name in (CONFIG, CHECKPOINT)]
    mine = None if config is None else [fingerprint(file) for file in run if file.is_file()]
    is_alike = all(of_rank == mine for of_rank in ranks.gathered(mine))
    if config is None:
        return []
    if not is_alike:
        return [f"{data} is a file that {name} was trained on; processes with other folders do not compare its rows"]
    try:
        changed = other_rows(model_path(model).parent, prepare(config, ranks=ranks), ["train"])
    except BpcliError as error:
        changed = error.message
    if changed:
        return [f"{data} is a file that {name} was trained on, and not as it was then: {changed}"]
    return [f"{data} has the rows that {name} was trained on"]
