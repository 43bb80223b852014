"""The plan of a sweep: its combinations with their configs, and the groups of trials that are run together."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from bpcli.errors import UsageError
from bpcli.files import digest_of
from bpcli.paths import Paths, matching
from bpcli.text.yaml12 import yaml_text
from bpcli.training.config.conflicts import solver_of
from bpcli.training.config.loading import Config, config_values
from bpcli.training.named_data import named_files, split
from bpcli.training.selection.folds import HELD_OUT, folds_of
from bpcli.training.selection.grid import Setting
from bpcli.training.selection.trials import NUMBERS, Bench, Trial
from bpcli.training.setup import streams

Array = NDArray[Any]

_TOGETHER = 16
"""The most models that are trained side by side: more gain little, and several processes would share them badly."""


@dataclass(frozen=True)
class Group:
    """Trials on the same rows, by the number of their combination; `fold` counts from 0."""

    combinations: tuple[int, ...]
    fold: int
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class Plan:
    """What a sweep does: `groups` depend on the configs and the data alone."""

    combinations: list[tuple[Setting, ...]]
    configs: list[Config]
    folds: int | None
    groups: list[Group]
    notes: list[str]


def plan_of(combinations: list[tuple[Setting, ...]], configs: list[Config], folds: int | None, bench: Bench) -> Plan:
    """The plan for combinations, each with its config. UsageError where there are no rows to measure on; as `folds_of`.

    A group has configs that differ in `NUMBERS` alone: a whole path of a solver, or as many as are trained together.
    """
    alike: dict[str, list[int]] = {}
    for k, config in enumerate(configs):
        values = config_values(config)
        texts = [yaml_text(v) for key, v in values.items() if key.removeprefix("training.") not in (*NUMBERS, "output")]
        alike.setdefault("\n".join(texts), []).append(k)
    groups, notes = [], []
    for members in alike.values():
        settled, table, _, told = bench.tables.of(configs[members[0]])
        notes += told
        if folds is not None:
            parts = folds_of(settled, table, folds, 0)
        else:
            rows = split(settled, table, streams(settled)[0])
            if "validation" not in rows and "validation" not in named_files(settled):
                raise UsageError(
                    "there are no validation rows to choose by", "data.validation: 0.2, or folds 5", names=("folds",)
                )
            parts = [{name: part for name, part in rows.items() if name in ("train", "validation")}]
        size = _TOGETHER if solver_of(config_values(settled)) is None else len(members)
        for start in range(0, len(members), size):
            some = tuple(members[start : start + size])
            for fold, part in enumerate(parts):
                measured = "validation" if folds is None else HELD_OUT
                groups.append(Group(some, fold, tuple(Trial(configs[k], part, measured) for k in some)))
    return Plan(combinations, configs, folds, groups, list(dict.fromkeys(notes)))


def identity(plan: Plan, choice: dict[str, Any]) -> dict[str, Any]:
    """What a resumed sweep compares: configs, values, folds, how to choose, and the content of the files."""
    files = dict.fromkeys(path for config in plan.configs for path in _files(config))
    texts = [
        yaml_text(value) for config in plan.configs for key, value in config_values(config).items() if key not in _FREE
    ]
    configs = hashlib.blake2b("\n".join(texts).encode(), digest_size=16).hexdigest()
    values = [[str(setting) for setting in combination] for combination in plan.combinations]
    return {"values": values, "folds": plan.folds, **choice, "config": configs, "data": digest_of(files)}


_FREE = ("output", "training.checkpoint_seconds")


def _files(config: Config) -> list[Any]:
    given: Sequence[Paths | None] = [*named_files(config).values(), config.data.target_path]
    return [path for paths in given if paths is not None for path in matching(paths)]
