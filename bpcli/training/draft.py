"""Drafts a config from a look at a table: what to predict, what to learn from, and what to do about gaps and text."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bpcli.datasets.labels import class_text
from bpcli.datasets.table import MISSING, Table
from bpcli.errors import UsageError
from bpcli.training.schema import KEYS
from bpcli.yaml12 import yaml_text as yaml_value

TARGET_NAMES = ("target", "label", "class", "y", "outcome", "diagnosis", "species", "churn", "churned", "result")
MAX_CATEGORIES = 20
"""A text column with more values than this, or as many as a quarter of the rows, is no category."""

_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")
_ID = re.compile(r"(^|_|\b)(id|uuid|guid|key|index|nr|number)$", re.IGNORECASE)


@dataclass
class Draft:
    """The choices of a draft; each list of remarks becomes comments beside its key."""

    target: str
    target_remark: str
    loss: str
    positive: str | None = None
    exclude: dict[str, str] = field(default_factory=dict)
    categorical: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)


def draft(table: Table, target: str | None, model: str | None) -> Draft:
    """Look at `table` and choose; UsageError if there is no such target or `model` can't predict it."""
    if target is not None:
        table.require([target])
    chosen, remark = (target, "as given") if target is not None else _guess_target(table)
    result = Draft(chosen, remark, _choose_loss(table, chosen, model))
    if result.loss == "bce":
        result.positive = _labels(table, chosen)[-1]
    for name in table.names:
        if name == chosen:
            continue
        reason = _useless(table, name)
        if reason:
            result.exclude[name] = reason
            continue
        if not table.is_numeric(name):
            result.categorical.append(name)
        if table.missing(name).any():
            result.missing[name] = "median" if table.is_numeric(name) else "most_frequent"
    if table.missing(chosen).any():
        result.missing[chosen] = "drop"
    if len(result.exclude) == len(table.names) - 1:
        raise UsageError(f"{table.path} has no column that could be learned from beside {chosen}")
    return result


def _guess_target(table: Table) -> tuple[str, str]:
    lowered = {name.casefold(): name for name in table.names}
    for name in TARGET_NAMES:
        if name in lowered:
            return lowered[name], "guessed by its name"
    return table.names[-1], "guessed: the last column"


def _labels(table: Table, target: str) -> list[str]:
    """The distinct values of the target in the order of classes."""
    from bpcli.naming import natural_key

    if table.is_numeric(target):
        values = table.numeric(target)
        return [class_text(v) for v in np.unique(values[~np.isnan(values)]).tolist()]
    return sorted({cell for cell in table.text(target) if cell not in MISSING}, key=natural_key)


def _choose_loss(table: Table, target: str, model: str | None) -> str:
    labels = _labels(table, target)
    numeric = table.is_numeric(target)
    if len(labels) < 2:
        raise UsageError(f"{table.path}: column {target} has one value only, so there is nothing to learn")
    whole = numeric and all(re.fullmatch(r"-?\d+", label) for label in labels)
    classes = not numeric or (whole and len(labels) <= MAX_CATEGORIES and len(labels) <= table.rows / 5)
    if model == "softmax":
        if not classes and numeric:
            raise UsageError(f"{table.path}: column {target} holds numbers, not classes", "--model neuron")
        return "cce"
    if classes and len(labels) == 2:
        return "bce"
    if not classes:
        return "mse"
    if model == "neuron" and not numeric:
        raise UsageError(
            f"{table.path}: column {target} has {len(labels)} classes, a neuron tells two", "--model softmax"
        )
    return "mse" if model == "neuron" else "cce"


def _useless(table: Table, name: str) -> str | None:
    """Why a column is no use as a feature, or None."""
    cells = [cell for cell in table.text(name) if cell not in MISSING]
    if not cells:
        return "empty"
    distinct = len(set(cells))
    if distinct == 1:
        return "the same in every row"
    if table.is_numeric(name):
        whole = all(cell.lstrip("-").isdecimal() for cell in cells)
        return "an id" if whole and distinct == len(cells) and _ID.search(name) and table.rows > 2 else None
    if sum(bool(_DATE.match(cell)) for cell in cells) > len(cells) / 2:
        return "dates"
    if distinct > MAX_CATEGORIES or distinct > max(2, len(cells) / 4):
        return "an id" if distinct == len(cells) else f"text, {distinct} different values"
    return None


def render(result: Draft, path: Path, folder: Path) -> str:
    """The draft as a commented config; `path` is written relative to `folder`, where the config will be."""
    model = ["  type: softmax"] if result.loss == "cce" else ["  type: neuron"]
    if result.loss != "cce":
        model.append(f"  activation: {'sigmoid' if result.loss == 'bce' else 'identity'}")
    data = [
        f"  path: {yaml_value(os.path.relpath(path, folder))}",
        f"  target: {yaml_value(result.target)} # {result.target_remark}",
    ]
    if result.positive is not None:
        data.append(f"  positive: {yaml_value(result.positive)}")
    if result.exclude:
        data += ["  exclude:", *(f"    - {yaml_value(n)} # {why}" for n, why in result.exclude.items())]
    if result.categorical:
        data.append(f"  categorical: {yaml_value(result.categorical)}")
    if result.missing:
        data += ["  missing:", *(f"    {yaml_value(n)}: {how}" for n, how in result.missing.items())]
    data += ["  standardize: true", "  validation: 0.2"]
    return _config(model, result.loss, data, "0.01" if result.loss == "mse" else "0.1")


def template(model: str) -> str:
    """A commented config without a table to look at: every key there is, the optional ones as comments."""
    loss = "cce" if model == "softmax" else "bce"
    lines = [f"  type: {model}"] + ([] if model == "softmax" else ["  activation: sigmoid"])
    data = ["  path: data.csv # relative to this file", "  target: label", "  standardize: true", "  validation: 0.2"]
    return _config(lines, loss, data, "0.1")


def _config(model: Sequence[str], loss: str, data: Sequence[str], learning_rate: str) -> str:
    training = [f"  learning_rate: {learning_rate}", "  batch_size: 32", "  epochs: 100"]
    lines = [
        "# A training of bpcli: bpcli train THIS_FILE",
        "model:",
        *model,
        *_others("model", model),
        f"loss: {loss} # {KEYS['loss'].kind.expected}",
        "training:",
        *training,
        *_others("training", training),
        "data:",
        *data,
        *_others("data", data),
        f"# output: runs/name # {KEYS['output'].text}",
    ]
    return "\n".join(lines) + "\n"


def _others(section: str, written: Sequence[str]) -> list[str]:
    """The keys of a section that are not written out, as comments with their defaults."""
    there = {line.strip().partition(":")[0] for line in written}
    if "type: softmax" in "".join(written):
        there |= {"activation", "threshold"}
    lines = []
    for path, key in KEYS.items():
        owner, _, name = path.partition(".")
        if owner == section and name not in there:
            lines.append(f"  # {name}: {yaml_value(key.default)} # {key.text}")
    return lines
