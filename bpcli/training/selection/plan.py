"""The plan of a sweep: its combinations with their configs, and the groups of trials that are run together."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from numpy.typing import NDArray

from bpcli.datasets.table import Table
from bpcli.errors import UsageError
from bpcli.files import digest_of
from bpcli.formulas.choices import name_and_settings
from bpcli.paths import Paths, matching
from bpcli.text.yaml12 import yaml_text
from bpcli.training.config.conflicts import solver_of
from bpcli.training.config.full_config import config_values
from bpcli.training.config.loading import Config
from bpcli.training.named_data import named_files, split
from bpcli.training.selection.folds import HELD_OUT, folds_of
from bpcli.training.selection.grid import Setting
from bpcli.training.selection.trials import Bench, Trial
from bpcli.training.setup import streams

Array = NDArray[Any]

TOGETHER = 16
"""The most models that are trained side by side: more save little time, and can't be divided well among processes."""


_ROOM = 1 << 26
"""The most prepared cells of a group at a time (512 MB): the folds of a larger table are run one after another."""

_NUMBERS = ("learning_rate", "l1", "l2")
"""The keys of `training` in which the trials of a group may differ."""


@dataclass(frozen=True)
class Group:
    """Trials that are run together; `members` are the combination and the fold of each, from 0."""

    members: tuple[tuple[int, int], ...]
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class Plan:
    """The plan of a sweep; its `groups` depend only on the configs and the data, not on the number of processes."""

    combinations: list[tuple[Setting, ...]]
    configs: list[Config]
    folds: int | None
    groups: list[Group]
    notes: list[str]


def plan_of(combinations: list[tuple[Setting, ...]], configs: list[Config], folds: int | None, bench: Bench) -> Plan:
    """The plan for combinations, each with its config. UsageError if there are no rows to measure on; as `folds_of`.

    The configs of a group differ only in `_NUMBERS` and the optimiser's settings: a whole path of penalties for a
    solver, else up to `TOGETHER` configs.
    """
    alike: dict[tuple[str, ...], list[int]] = {}
    for k, config in enumerate(configs):
        alike.setdefault(_likeness(config), []).append(k)
    groups, notes = list[Group](), list[str]()
    if len({config.training.seed for config in configs}) > 1:
        notes.append(
            "training.seed: each seed has validation rows, or folds, of its own, so that a better value may be that of "
            "easier rows"
        )
    for members in alike.values():
        is_path = solver_of(config_values(configs[members[0]])) is not None
        of_seed: dict[int, list[int]] = {}
        for k in members:
            of_seed.setdefault(configs[k].training.seed, []).append(k)
        pieces: list[Group] = []
        for some in of_seed.values():
            settled, table, large, told = bench.tables.of(configs[some[0]])
            notes += told
            parts = _parts(settled, table, folds)
            size = len(some) if is_path else TOGETHER
            for start in range(0, len(some), size):
                for fold, part in enumerate(parts):
                    few = some[start : start + size]
                    trials = tuple(Trial(configs[k], part, "validation" if folds is None else HELD_OUT) for k in few)
                    pieces.append(Group(tuple((k, fold) for k in few), trials))
        groups += pieces if is_path else packed(pieces, 1 if large else most_sets(table))
    return Plan(combinations, configs, folds, groups, list(dict.fromkeys(notes)))


def packed(pieces: Sequence[Group], sets: int) -> list[Group]:
    """The pieces, each on one set of rows, joined to groups of up to `TOGETHER` trials on up to `sets` sets of rows."""
    found: list[list[Group]] = []
    for piece in pieces:
        fits = found and len(found[-1]) < sets
        if fits and sum(len(p.trials) for p in found[-1]) + len(piece.trials) <= TOGETHER:
            found[-1].append(piece)
        else:
            found.append([piece])
    return [Group(tuple(chain(*(p.members for p in some))), tuple(chain(*(p.trials for p in some)))) for some in found]


def most_sets(table: Table) -> int:
    """The most sets of prepared rows of a table, such as the parts of a fold, that may be in memory at a time."""
    return max(1, _ROOM // max(1, table.rows * len(table.names)))


def _likeness(config: Config) -> tuple[str, ...]:
    """The values that the configs of a group share; without a solver, seed and optimiser settings may differ."""
    values = config_values(config)
    free = {"output", *(f"training.{name}" for name in _NUMBERS)}
    if solver_of(values) is None:
        free |= {"training.seed"}
        values["training.optimizer"] = name_and_settings(config.training.optimizer)[0]
    return tuple(yaml_text(value) for key, value in values.items() if key not in free)


def _parts(config: Config, table: Table, folds: int | None) -> list[dict[str, Array]]:
    """The rows to train and measure on, by part: of each fold, or of the config's own split."""
    if folds is not None:
        return folds_of(config, table, folds, 0)
    rows = split(config, table, streams(config)[0])
    if "validation" not in rows and "validation" not in named_files(config):
        raise UsageError(
            "there are no validation rows to choose by", "data.validation: 0.2, or folds 5", names=("folds",)
        )
    return [{name: part for name, part in rows.items() if name in ("train", "validation")}]


def identity(plan: Plan, choice: dict[str, Any]) -> dict[str, Any]:
    """The identity of a sweep, which must be equal to resume it: configs, values, folds, `choice` and data files."""
    files = dict.fromkeys(path for config in plan.configs for path in _files(config))
    texts = [
        yaml_text(value) for config in plan.configs for key, value in config_values(config).items() if key not in _FREE
    ]
    configs = hashlib.blake2b("\n".join(texts).encode(), digest_size=16).hexdigest()
    values = [[str(setting) for setting in combination] for combination in plan.combinations]
    groups = [group.members for group in plan.groups]
    return {
        "values": values,
        "folds": plan.folds,
        **choice,
        "groups": hashlib.blake2b(repr(groups).encode(), digest_size=16).hexdigest(),
        "config": configs,
        "data": digest_of(files),
    }


_FREE = ("output", "training.checkpoint_seconds")


def _files(config: Config) -> list[Any]:
    given: Sequence[Paths | None] = [*named_files(config).values(), config.data.target_path]
    return [path for paths in given if paths is not None for path in matching(paths)]
