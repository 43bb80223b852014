"""Errors for tables that can't be prepared: every column at fault, and the config keys that would help."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.cells import no_number
from bpcli.datasets.meaning import refuse_other_decimal
from bpcli.datasets.preparation.options import DROP, ERROR, PreparationOptions
from bpcli.datasets.table import Table
from bpcli.errors import DataError

Array = NDArray[Any]

_MOST_SHOWN = 20  # problems that an error lists
_MOST_MISTAKES = 5  # in a column of numbers, up to which they may be words for a gap


def refuse_unusable(table: Table, options: PreparationOptions, strategies: Mapping[str, str], drop: Array) -> None:
    """One DataError for all columns that can't be used as they are, with the config keys that would help."""
    problems: list[str] = []
    for name in strategies:
        refuse_other_decimal(table, name)
    exclude, categorical = list(options.exclude), list(options.categorical)
    fillings: dict[str, str] = {}
    words: dict[str, list[str]] = {}
    for name, strategy in strategies.items():
        if table.is_whole(name) and name not in categorical:
            continue
        missing = table.missing(name) & ~drop
        is_text = name not in categorical and not table.is_numeric(name)
        if table.all_missing(name):
            problems.append(f"{table.path}: column {name}: every cell is missing")
            exclude.append(name)
        elif is_text:
            what, is_category, mistakes = _describe(table, name)
            problems.append(what)
            if 0 < len(mistakes) <= _MOST_MISTAKES:
                words[name] = mistakes
                if strategy == ERROR:
                    fillings[name] = "median"
            else:
                (categorical if is_category else exclude).append(name)
        if strategy == ERROR and missing.any() and name not in exclude and name not in words:
            fillings[name] = "most_frequent" if name in categorical else "median"
            if not is_text:
                problems.append(first_gap(table, name, missing, "cell"))
    missing = table.missing(options.target) & ~drop
    if missing.any():
        problems.append(first_gap(table, options.target, missing, "target"))
        fillings[options.target] = DROP
    hints = []
    if words:  # a comment of YAML, so that the lines can be copied
        hints.append(f"data.missing_words: {as_yaml(words)}  # or data.exclude: {as_yaml([*exclude, *words])}")
    if len(categorical) > len(options.categorical):
        hints.append(f"data.categorical: {as_yaml(categorical)}")
    if len(exclude) > len(options.exclude):
        hints.append(f"data.exclude: {as_yaml(exclude)}")
    if fillings:
        hints.append(f"data.missing: {_missing_words(table, options, strategies, fillings)}")
    raise_problems(problems, ["to mend it, in the config:", *hints])


def _describe(table: Table, name: str) -> tuple[str, bool, list[str]]:
    """The message for a column that is not numeric, and whether its values look like categories.

    And, if it is one of numbers with some mistakes, these and the words for a gap in it.
    """
    row, cell = table.first_not_numeric(name)
    present = [c for c in table.text(name) if c not in table.words(name)]
    distinct = len(set(present))
    words = sum(not table.reads(c) for c in present)
    if words <= len(present) // 10:  # a column of numbers with some mistakes
        what = (
            f"{words} of {len(present)} cells {'is' if words == 1 else 'are'} not; mend them, or leave the column out"
        )
        gaps = {c for c in table.text(name) if c in table.words(name)} - {""}
        mistakes = sorted({c for c in present if not table.reads(c)} | gaps)
        return f"{table.where(row, name)}: {no_number(cell)} ({what})", False, mistakes
    what = f"{distinct} different values in {table.rows} rows"
    return f"{table.where(row, name)}: {no_number(cell)} ({what})", distinct <= max(2, min(20, table.rows // 5)), []


def first_gap(table: Table, name: str, missing: Array, what: str) -> str:
    """The message for missing cells: the place of the first, and their number; `what`: the word cell, or target."""
    where = table.where(int(np.argmax(missing)), name)
    return f"{where}: the {what} is missing ({missing.sum()} of {table.rows} are)"


def _missing_words(
    table: Table, options: PreparationOptions, strategies: Mapping[str, str], fillings: Mapping[str, str]
) -> str:
    """The value of `data.missing` that keeps the chosen strategies and adds `fillings`; a single word if possible."""
    if options.missing == ERROR and DROP not in fillings.values():
        return "median  (or mean, most_frequent, drop)"
    if isinstance(options.missing, str):
        chosen = {n: s for n, s in strategies.items() if s != ERROR and table.missing(n).any()}
    else:
        chosen = dict(options.missing)
    return as_yaml(chosen | dict(fillings))


def as_yaml(value: Sequence[str] | Mapping[str, str | list[str]]) -> str:
    """A value as it would be written in a config."""
    from bpcli.text.yaml12 import yaml_text  # imported only for an error: it imports PyYAML

    return yaml_text(value)


def raise_problems(problems: Sequence[str], hints: Sequence[str]) -> None:
    """A DataError of all problems, if there are any."""
    if problems:
        more = len(problems) - _MOST_SHOWN
        shown = [*problems[:_MOST_SHOWN], f"… and {more} more columns"] if more > 0 else problems
        raise DataError("\n  ".join(shown), "\n  ".join(hints))


def without_values(table: Table, name: str, options: PreparationOptions) -> DataError:
    """The error for a column that is missing in every training row."""
    hint = f"data.exclude: {as_yaml([*options.exclude, name])}"
    return DataError(f"{table.path}: column {name}: every cell of the training rows is missing", hint)
