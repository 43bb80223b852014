"""The tables that a config names: their files, how they are read and split, and how its open choices are decided."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.column_file import Progress
from bpcli.datasets.dialect import AUTO
from bpcli.datasets.meaning import decided_words
from bpcli.datasets.preparation.labels import label_codes
from bpcli.datasets.preparation.options import PreparationOptions
from bpcli.datasets.preparation.splits import split_rows
from bpcli.datasets.reading import Files, read_files
from bpcli.datasets.share import WHOLE, Gathering, total
from bpcli.datasets.stored import stored
from bpcli.datasets.table import Table, only_column, with_target
from bpcli.errors import ConfigError
from bpcli.formulas.choices import Task
from bpcli.formulas.layers import loss_of, task_of
from bpcli.paths import Paths, matching
from bpcli.training.config.loading import Config, check_columns

Array = NDArray[Any]

PARTS = ("train", "validation", "test")


def cache_of(config: Config) -> Path:
    """The folder for copies of large data, next to the run folder."""
    return config.output.absolute().parent / ".cache"


def read_data(
    config: Config, paths: Paths, large: bool = False, progress: Progress | None = None, share: Gathering = WHOLE
) -> Table:
    """The table at `paths`, or one process's `share` of it; a `large` one is read from a copy.

    If the target of `data.path` has a file of its own, it is joined to the table.
    """
    data, files = config.data, files_of(config, paths)
    has_classes = task_of(config.model.type, config.loss) is not Task.REGRESSION
    as_text = (*data.categorical, *((data.target,) if has_classes else ()))  # so that labels are exact
    table = (
        stored(files, as_text, cache_of(config), progress)
        if large and all(path.is_file() for path in files.paths)
        else read_files(files, share=share)
    )
    if data.target_path is not None and paths == data.path:
        other = read_files(files_of(config, data.target_path), share=share)
        target = data.target or only_column(other, table)
        table = with_target(table, other, target)
        table.own_target = target
        if other.share.size > 1:
            table.first_row = other.first_row
            table.agree(share)
    return table


def decided(config: Config, table: Table) -> tuple[Config, list[str]]:
    """The config with its open choices decided: target, dialect and missing words; and notes.

    ConfigError for columns that the table does not have.
    """
    data = config.data
    target = data.target or table.own_target
    if target is None:
        raise ConfigError(
            [f"{config.places.get('data.path', 'config')}: data.target is missing: {table.path} names none"]
        )
    dialect = table.dialect
    config = replace(config, data=replace(data.decided(dialect), target=target))
    if problems := check_columns(config, table.names):
        raise ConfigError(problems)
    if dialect.missing_words != AUTO:
        return config, []
    words, notes = decided_words(table, dict.fromkeys([*data.categorical, target]), target)
    table.missing_words |= {name: frozenset(found) for name, found in words.items()}
    return replace(config, data=replace(config.data, missing_words=words)), notes


def files_of(config: Config, paths: Paths) -> Files:
    """The files at `paths` and how they are read; all but `data.path` detect their own delimiter."""
    data, dialect = config.data, config.data.dialect
    first = data.path if isinstance(data.path, Path) else data.path[0]
    return Files(matching(paths), data.format, dialect if paths == data.path else dialect.for_others(), first)


def named_files(config: Config) -> dict[str, Paths]:
    """The files of `data.path`, under `path`, and of the validation and test sets if they are files, by name.

    ConfigError for a file that is named twice.
    """
    data = config.data
    given = {"path": data.path, "validation": data.validation, "test": data.test}
    found: dict[str, Paths] = {name: paths for name, paths in given.items() if isinstance(paths, Path | tuple)}
    seen: dict[Path, str] = {}
    for name, paths in found.items():
        for path in matching(paths):
            if before := seen.get(whole := path.resolve()):
                place = config.places.get(f"data.{name}", "config")
                raise ConfigError([f"{place}: data.{name}: {path} is in data.{before} already"])
            seen[whole] = name
    return found


def data_files(config: Config) -> list[Files]:
    """The files of all the tables that the config names."""
    return [files_of(config, paths) for paths in named_files(config).values()]


def split(config: Config, table: Table, rng: np.random.Generator) -> dict[str, Array]:
    """The rows of `data.path` for training, validation and test, by name."""

    def fraction(value: float | Paths | None) -> float | None:
        return value if isinstance(value, float) else None

    codes, validation, test = None, fraction(config.data.validation), fraction(config.data.test)
    if (validation or test) and task_of(config.model.type, config.loss) is not Task.REGRESSION:
        codes = label_codes(table, config.data.target or "")
    parts = split_rows(table.rows, validation, test, codes, rng, table.share)
    return {name: rows for name, rows in zip(PARTS, parts, strict=True) if total(table.share, len(rows))}


def preparation_options(config: Config) -> PreparationOptions:
    """The options of the preparation, from the config's `data`."""
    data, loss = config.data, loss_of(config.loss)
    return PreparationOptions(
        target=data.target or "",
        task=task_of(config.model.type, config.loss),
        loss=loss.name,
        positive=data.positive,
        features=data.features,
        exclude=data.exclude if data.weight is None else (*data.exclude, data.weight),
        categorical=data.categorical,
        standardize=data.standardize,
        scale=data.scale,
        missing=data.missing,
        labels=loss.labels,
    )
