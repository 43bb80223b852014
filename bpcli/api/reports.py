"""A report on a trained model as HTML: its data, its learning curves, its metrics, its weights."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bpcli.api.predictions import own_data, scores, trained_on
from bpcli.api.run_statistics import statistics_or_reason
from bpcli.datasets.sparse import is_sparse
from bpcli.datasets.table import Table
from bpcli.errors import BpcliError, DataError, several
from bpcli.reporting.sections import Material, report_page
from bpcli.training.config.full_config import dump_config
from bpcli.training.config.loading import load_config
from bpcli.training.model import Model
from bpcli.training.named_data import PARTS
from bpcli.training.run import CONFIG, SUMMARY, check_one_run, flat, load_model, load_summary, model_path, read_history


@dataclass(frozen=True)
class Report:
    """The text of an HTML file that needs no other, notes on what it can't show and why, and the metrics by part."""

    html: str
    notes: list[str]
    metrics: dict[str, dict[str, Any]]


def report(
    model: str | os.PathLike[str],
    data: str | os.PathLike[str] | Table | None = None,
    *,
    data_format: str = "auto",
    commands: Sequence[str] = (),
) -> Report:
    """A report on the model of a run folder or a `model.npz`, on the rows of `data` or else those of its training.

    Config, history and data are left out where they are missing, and the report says so. `commands` are those that
    make the model and the report again. DataError for `data` that do not fit; MissingExtraError without Matplotlib.
    """
    path, rows = Path(model), Path(data) if isinstance(data, str | os.PathLike) else data
    loaded = load_model(path)
    if data_format != "auto":
        loaded = replace(loaded, data_format=data_format)
    material = replace(_of_run(path, loaded), commands=commands)
    material = _on_own_rows(path, material) if rows is None else _on(path, material, rows)
    measured = {part: loaded.measure_z(z, y) for part, (z, y) in material.scored.items()}
    material = replace(material, measured={**material.measured, **measured})
    notes = dict.fromkeys(text for section, text in material.untold.items() if section != "weights")
    return Report(
        report_page(_with_statistics(path, material)),
        [*notes],
        {part: dict(found) for part, found in material.measured.items()},
    )


def _of_run(path: Path, model: Model) -> Material:
    """The material from the folder of a run; of a model file alone there is no config and no history."""
    folder = model_path(path).parent
    untold = {}
    history: Mapping[str, Sequence[float]] = {}
    config = ""
    if (folder / CONFIG).is_file():
        check_one_run(folder, model)
        config, history = dump_config(load_config(folder / CONFIG)), read_history(folder)
    else:
        untold["config"] = f"{path} has no {CONFIG} next to it, which would say how it was trained"
    if not history:
        untold["learning"] = f"{path} has no history next to it, which would say how it learned"
    return Material(str(path), model, config=config, history=history, outcome=_outcome(folder), untold=untold)


def _outcome(folder: Path) -> dict[str, str | float]:
    """The entries of a run's summary on the optimum, the best constant and separated classes, for a table."""
    if not (folder / SUMMARY).is_file():
        return {}
    summary = load_summary(folder)
    found = flat({name: summary[name] for name in ("best_constant_loss", "optimum", "separated") if name in summary})
    shown = {n: ("yes" if v else "no") if isinstance(v, bool) else v for n, v in found.items() if v is not None}
    if by := [name for name in summary.get("separated_by") or () if isinstance(name, str)]:
        shown["separated_by"] = several(by)
    return {name: value for name, value in shown.items() if isinstance(value, str | int | float)}


def _on_own_rows(path: Path, material: Material) -> Material:
    """The report on the rows of the training; if these are gone, with the metrics from its summary."""
    if not material.config:
        why = f"{material.untold['config']}, and on which rows; give DATA to measure it on"
        return replace(material, untold={**material.untold, "metrics": why})
    try:
        training = own_data(path, material.model, PARTS, "give DATA")
    except BpcliError as error:
        why = f"the rows of the training can't be read again: {error.message}"
        return replace(material, measured=_as_measured(path), untold={**material.untold, "metrics": why})
    parts = {part: training.parts[part] for part in ("train", "validation", "test") if part in training.parts}
    model, excluded = material.model, training.config.data.exclude
    return replace(
        material,
        notes=[*training.notes, *([f"data.exclude leaves out {several(excluded)}"] if excluded else [])],
        scored={part: (model.z(rows.X), rows.y) for part, rows in parts.items() if len(rows.y)},
        features={} if training.in_files else {p: (r.X, r.y) for p, r in parts.items() if not is_sparse(r.X)},
    )


def _with_statistics(path: Path, material: Material) -> Material:
    """The report with the statistics of the weights in their own units, or why there are none."""
    found, why = statistics_or_reason(path, raw=True)
    untold = {"weights": f"No intervals: {why}."} if why else {}
    return replace(material, statistics=found, untold={**material.untold, **untold})


def _as_measured(path: Path) -> dict[str, dict[str, Any]]:
    """The metrics of each part from the summary of the training; empty if there is none."""
    folder = model_path(path).parent
    if not (folder / SUMMARY).is_file():
        return {}
    summary = load_summary(folder)
    return {part: summary[part] for part in ("train", "validation", "test") if part in summary}


def _on(path: Path, material: Material, data: Path | Table) -> Material:
    """The report on rows that the user gave."""
    found = scores(material.model, data)
    if not len(found.y):
        raise DataError("there are no rows to report on")
    notes = [*found.remarks, *(trained_on(path, data) if isinstance(data, Path) else ())]
    name = data.name if isinstance(data, Path) else "given"
    return replace(material, notes=notes, scored={name: (found.z, found.y)})
