"""Checks that the ranks agree before they begin: in versions, config, model, data, and shares of rows."""

import platform
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from bpcli import sums
from bpcli.datasets.sharing import check_same_files
from bpcli.errors import ConfigError, DataError, UsageError
from bpcli.ranks import Ranks
from bpcli.training import checkpoint as checkpoints
from bpcli.training.config.loading import Config
from bpcli.training.resumption import config_texts
from bpcli.training.trainer import Training

_LIBRARIES = ("bpcli", "numpy", "scipy", "pyarrow", "mpi4py")
"""The libraries whose versions may change what is read or computed."""


def check_same_start(ranks: Ranks, config: Config, options: Mapping[str, Any]) -> None:
    """UsageError, which names the differences, if a rank has other library versions, config or options than rank 0.

    ConfigError for a config that only a single process can run.
    """
    if ranks.size == 1:
        return
    _check_alike(ranks, {**versions(), **config_texts(_by_name(config)), **_texts(options)})
    if config.training.engine == "numba":
        raise _mistake(config, "engine", "numba takes the steps of one process alone: numpy, or leave the key out")


def check_same_inputs(ranks: Ranks, files: Iterable[Path], options: Mapping[str, Any]) -> None:
    """For a command that reads a model: UsageError for other versions or options, DataError for another file.

    Files are compared by name, size and a sample of their bytes.
    """
    if ranks.size == 1:
        return
    _check_alike(ranks, {**versions(), **_texts(options)})
    check_same_files(files, ranks)


def _texts(options: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in options.items()}


def _check_alike(ranks: Ranks, mine: Mapping[str, str]) -> None:
    """UsageError, which names the differences, if a rank has other values than rank 0."""
    first, *others = ranks.gathered(mine)
    differing = [
        f"{ranks.named(rank)}: {name}: {other.get(name)}, and rank 0 has {first.get(name)}"
        for rank, other in enumerate(others, 1)
        for name in dict.fromkeys([*first, *other])
        if first.get(name) != other.get(name)
    ]
    if differing:
        raise UsageError("\n  ".join(["the processes do not start alike:", *differing]))


def _by_name(config: Config) -> Config:
    """The config with file names instead of paths: machines may keep the files in different folders.

    The content of the files is compared later, by `check_same_data`.
    """

    def named(value: Any) -> Any:
        if isinstance(value, tuple) and all(isinstance(one, Path) for one in value):
            return tuple(map(named, value))
        return Path(value.name) if isinstance(value, Path) else value

    def of_section(section: Any) -> Any:
        return replace(section, **{field.name: named(getattr(section, field.name)) for field in fields(section)})

    data, model = of_section(config.data), of_section(config.model)
    return replace(config, data=data, model=model, output=named(config.output))


def versions() -> dict[str, str]:
    """The versions of Python and of the libraries that compute, by name."""
    from importlib.metadata import PackageNotFoundError, version  # takes 30 ms, and a single process never gets here

    from bpcli import __version__

    found = {"Python": platform.python_version(), "bpcli": __version__}
    for name in _LIBRARIES[1:]:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found


def other_processors(ranks: Ranks) -> list[str]:
    """A warning for each rank on another kind of processor than rank 0."""
    first, *others = ranks.gathered(checkpoints.processor())
    return [
        f"{ranks.named(rank)} runs on another kind of processor ({other}; rank 0: {first}), whose last bits may differ"
        for rank, other in enumerate(others, 1)
        if other != first
    ]


def check_same_data(ranks: Ranks, data: Mapping[str, Mapping[str, Any]]) -> None:
    """DataError if a rank has read other data than rank 0, as their fingerprints show."""
    first, *others = ranks.gathered(data)
    differing = []
    for rank, other in enumerate(others, 1):
        for name in dict.fromkeys([*first, *other]):
            here, there = other.get(name, {}), first.get(name, {})
            if here != there:
                rows = (
                    f" ({here['rows']} rows, and rank 0 has {there['rows']})" if {"rows"} <= here.keys() & there else ""
                )
                differing.append(f"{ranks.named(rank)} has read other data than rank 0: its {name} differs{rows}")
                break
    if differing:
        raise DataError("\n  ".join(differing), "every process reads the same files")


def check_shares(ranks: Ranks, training: Training) -> None:
    """UsageError if there are too few training rows for the ranks, ConfigError if a batch has too few."""
    if ranks.size == 1:
        return
    rows, least = len(training.parts["train"].y), sums.ROWS * ranks.size
    batch = rows if training.solver else min(training.batch_size, rows)
    each = f"for {ranks.size} processes, each of which takes a block of {sums.ROWS} rows or more"
    if rows < least:
        raise UsageError(f"{rows} training rows are too few {each}", f"take {_at_most(rows)}")
    if batch < least:
        what = f"batches of {batch} rows are too small {each}: full or at least {least}, or {_at_most(batch)}"
        raise _mistake(training.config, "batch_size", what)


def _at_most(rows: int) -> str:
    """The number of processes that can share this many rows, in words."""
    most = rows // sums.ROWS
    return f"at most {most} processes" if most > 1 else "one process"


def _mistake(config: Config, key: str, what: str) -> ConfigError:
    key = f"training.{key}"
    return ConfigError([f"{config.places.get(key, 'config')}: {key}: {what}"])
