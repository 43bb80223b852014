"""The sections of a report on a trained model: tables and pictures, or the reason why there are none."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.preparation.labels import class_text
from bpcli.plots.runs import VIEWS, draw, views_of
from bpcli.plots.style import drawing, svg_text
from bpcli.plots.subjects import Subject
from bpcli.plots.weight_views import has_room_for_intervals, pixels
from bpcli.reporting.markup import bullets, code, page, paragraph, picture, table
from bpcli.text.notation import number
from bpcli.training.metric_formulas import BINS, calibration, confusion
from bpcli.training.model import Model
from bpcli.training.thresholds import best, threshold_rule, thresholds

Array = NDArray[Any]

MOST_CLASSES = 40  # in a confusion matrix
MOST_WEIGHTS = 400  # features whose weights are listed, the largest first
BIAS = "(bias)"


@dataclass(frozen=True)
class Material:
    """The data of a report. Fields that could not be read are empty; `untold` gives the reason, by section."""

    name: str
    model: Model
    commands: Sequence[str] = ()
    config: str = ""
    history: Mapping[str, Sequence[float]] = field(default_factory=dict)
    outcome: Mapping[str, str | float] = field(default_factory=dict)
    """How the training ended: values by name."""
    notes: Sequence[str] = ()
    scored: Mapping[str, tuple[Array, Array]] = field(default_factory=dict)
    """z and y of the rows of each part; the model is judged by the last one."""
    measured: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The metrics of each part, also of parts whose rows can no longer be read."""
    features: Mapping[str, tuple[Array, Array]] = field(default_factory=dict)
    """X and y of parts whose rows are in memory."""
    statistics: Mapping[str, Any] | None = None
    untold: Mapping[str, str] = field(default_factory=dict)

    def classes(self) -> list[str]:
        """The names of the classes; empty for a regression."""
        return [class_text(c) for c in self.model.classes or ()]

    def judged(self) -> tuple[str, Array, Array] | None:
        """The name, z and y of the part by which the model is judged; None if there is none."""
        return next(((part, z, y) for part, (z, y) in reversed([*self.scored.items()])), None)


def report_page(material: Material) -> str:
    """The HTML file. MissingExtraError without Matplotlib."""
    title = f"{material.model.preparation.target} by {material.model.kind}"
    with drawing():
        pictures = _Pictures(material)
        sections = [
            (name, heading, make(material, pictures) + _reason(material, name))
            for name, (heading, make) in _SECTIONS.items()
        ]
    return page(title, sections)


def _reason(material: Material, name: str) -> str:
    return paragraph(material.untold[name]) if name in material.untold else ""


def prepared_statistics(material: Material) -> Mapping[str, Any] | None:
    """The statistics of the weights of prepared features, from those in the units of the data; None without intervals.

    All categories of a column have the same scale, so that the contrasts between them have it as well.
    """
    found, preparation = material.statistics, material.model.preparation
    if found is None or "withheld" in found:
        return None
    scale = np.ones(len(preparation.feature_names)) if preparation.scale is None else preparation.scale
    of = dict(zip(preparation.feature_names, scale, strict=True))
    ends = ("weight", "low", "high")
    records = [{**r, **{key: r[key] * of.get(r["name"], 1.0) for key in ends}} for r in found["coefficients"]]
    return {**found, "coefficients": records}


class _Pictures:
    """Draws the pictures of a report, and numbers them."""

    def __init__(self, material: Material) -> None:
        model = material.model
        image = pixels(model.preparation.feature_names)
        found = prepared_statistics(material) if has_room_for_intervals(model, image) else None
        self.subject = Subject(
            model, material.history, material.features, image=image, others=material.judged(), statistics=found
        )
        self._overview = views_of(model, material.history, image)
        self._drawn = 0

    def has(self, view: str) -> bool:
        """Whether this view can be drawn from the model and the data of the report."""
        row = VIEWS[view]
        return row.fits(self.subject.model) and (view in self._overview or not row.in_overview)

    def of(self, view: str, called: str) -> str:
        """A view as HTML; empty if it can't be drawn."""
        if not self.has(view):
            return ""
        self._drawn += 1
        drawn = picture(svg_text(draw(self.subject, [view], (6.0, 4.5))), self._drawn, called)
        return drawn or paragraph(f"{called}: the picture is a bitmap, which bpcli plot draws.")


def _about(material: Material, _: _Pictures) -> str:
    model = material.model
    preparation = model.preparation
    rows: list[tuple[str, Any]] = [("model", material.name), ("kind", model.kind)]
    rows += [("loss", model.loss_in_words), ("target", preparation.target)]
    rows += [("features", len(preparation.feature_names))]
    if material.classes():
        rows.append(("classes", ", ".join(material.classes())))
    if model.has_threshold:
        rows.append(("threshold", model.threshold))
    return table([("", "value"), *((name, _worded(value)) for name, value in rows)], "The model")


def _worded(value: Any) -> str:
    return value if isinstance(value, str) else number(value)


def _again(material: Material, _: _Pictures) -> str:
    return code("\n".join(material.commands), "Commands") if material.commands else ""


def _data(material: Material, _: _Pictures) -> str:
    preparation = material.model.preparation
    parts = {part: len(y) for part, (_, y) in material.scored.items()}
    parts |= {part: int(found["rows"]) for part, found in material.measured.items() if "rows" in found}
    shown = table([("rows", "number"), *parts.items()], "Rows") if parts else ""
    names = preparation.feature_names[:MOST_WEIGHTS]
    header: list[str] = ["feature"]
    columns: list[Sequence[Any]] = [names]
    for called, numbers in (("mean", preparation.mean), ("scale", preparation.scale)):
        if numbers is not None and len(numbers) == len(preparation.feature_names):
            header.append(called)
            columns.append(numbers[: len(names)])
    what = "Features" + {2: ", each divided by its scale", 3: ", each less its mean and divided by its scale"}.get(
        len(header), ""
    )
    if len(names) < len(preparation.feature_names):
        what += f": the first {len(names)} of {len(preparation.feature_names)}"
    remarks = bullets(material.notes)
    left_out = paragraph("What was left out or noted:") + remarks if remarks else ""
    return shown + left_out + table([header, *zip(*columns, strict=True)], what)


def _learning(material: Material, pictures: _Pictures) -> str:
    history = material.history
    if not history or not len(history["epoch"]):
        return ""
    last = len(history["epoch"]) - 1
    header = ["", "first epoch", "last epoch"]
    rows = [(n, _known(values[0]), _known(values[last])) for n, values in history.items() if n != "seconds"]
    shown = pictures.of("curves", "Learning curves") + table([header, *rows], "The first epoch and the last")
    ended = [(name.replace("_", " ").replace(".", ", "), value) for name, value in material.outcome.items()]
    return shown + (table([("at the end", "value"), *ended], "How the training ended") if ended else "")


def _known(value: float) -> float | None:
    return None if isnan(value) else value


def _metrics(material: Material, _: _Pictures) -> str:
    found = material.measured
    if not found:
        return ""
    last = list(found)[-1]
    names = [n for n, v in found[last].items() if not isinstance(v, list | dict) and (n != "threshold" or v)]
    shown = table([("metric", *found), *((n, *(found[p].get(n) for p in found)) for n in names)], "Metrics")
    if by_class := found[last].get("per_class"):
        keys = list(next(iter(by_class.values())))
        rows = [(name, *(values[key] for key in keys)) for name, values in by_class.items()]
        shown += table([("class", *keys), *rows], f"Metrics by class, {last} rows")
    return shown


def _thresholds(material: Material, _: _Pictures) -> str:
    """The metrics at the model's threshold, at the best thresholds by two rules, and at 0.1, 0.2, …, 0.9."""
    model, judged = material.model, material.judged()
    if not model.has_threshold or judged is None:
        return ""
    part, z, y = judged
    at: list[tuple[str, float]] = [("the model's", model.threshold)]
    positive = y == 1
    if positive.any() and not positive.all():
        every = thresholds(model.probabilities(z)[:, 1], positive)
        rules = {"best F1": threshold_rule("f1"), "best Youden's J": threshold_rule("youden")}
        at += [(name, rule if isinstance(rule, float) else best(every, rule)) for name, rule in rules.items()]
    at += [("", tenth / 10) for tenth in range(1, 10)]
    positive_class = material.classes()[1]
    rows = []
    for name, threshold in at:
        found = replace(model, threshold=threshold).measure_z(z, y)
        (tn, fp), (fn, tp) = found["confusion"]
        of = list(found["per_class"].values())[1]
        rows.append((name, threshold, tp, fp, fn, tn, of["precision"], of["recall"], of["f1"], found["accuracy"]))
    header = ("", "threshold", "tp", "fp", "fn", "tn", "precision", "recall", "f1", "accuracy")
    return table([header, *rows], f"What a threshold for {positive_class} does, {part} rows")


def _confusion(material: Material, _: _Pictures) -> str:
    judged, names = material.judged(), material.classes()
    if judged is None or not names:
        return ""
    part, z, y = judged
    if len(names) > MOST_CLASSES:
        return paragraph(f"The model has {len(names)} classes, too many for a table; evaluate prints it.")
    counts = confusion(y, material.model.predicted(z), len(names)).tolist()
    rows = [(name, *row) for name, row in zip(names, counts, strict=True)]
    return table([("true \\ predicted", *names), *rows], f"Confusion, {part} rows")


def _curves(material: Material, pictures: _Pictures) -> str:
    if material.judged() is None:
        return ""
    shown = pictures.of("roc", "ROC") + pictures.of("pr", "Precision and recall")
    return f'<div class="pictures">\n{shown}</div>\n' if shown else ""


def _calibration(material: Material, pictures: _Pictures) -> str:
    judged = material.judged()
    if judged is None or not pictures.has("calibration"):
        return ""
    part, z, y = judged
    bins = zip(*(column.tolist() for column in calibration(y, material.model.probabilities(z))), strict=True)
    rows = [(f"{k / BINS:.3g} to {(k + 1) / BINS:.3g}", *row) for k, row in enumerate(bins) if row[0]]
    header = ("probability", "rows", "mean probability", "share that is so")
    return pictures.of("calibration", "Calibration") + table([header, *rows], f"Calibration, {part} rows")


def _fit(material: Material, pictures: _Pictures) -> str:
    if not material.features or material.model.classes is not None:
        return ""
    return pictures.of("boundary", "Prediction and target")


def _weights(material: Material, pictures: _Pictures) -> str:
    model = material.model
    w, b = (np.asarray(part) for part in model.weights())
    order = np.sort(np.argsort(-np.abs(w).sum(axis=1), kind="stable")[:MOST_WEIGHTS])
    names = model.preparation.feature_names
    outputs = material.classes() if model.g is None else ["weight"]
    columns = np.vstack([w[order], b[None]])
    called = "Weights" if model.preparation.scale is None else "Weights of the prepared features"
    if model.preparation.scale is not None:
        own = model.weights(raw=True)
        columns = np.hstack([columns, np.vstack([own[0][order], own[1][None]])])
        outputs = [*outputs, *(f"{name}, own units" for name in outputs)]
    if len(order) < len(names):
        called += f": the {len(order)} largest of {len(names)}"
    rows = [(name, *row) for name, row in zip([*(names[j] for j in order), BIAS], columns.tolist(), strict=True)]
    return pictures.of("weights", "Weights") + table([("feature", *outputs), *rows], called) + _intervals(material)


def _intervals(material: Material) -> str:
    found = material.statistics
    if found is None:
        return ""
    records = found["coefficients"]
    keys = [key for key in records[0] if any(record[key] is not None for record in records)]
    against = f", against {found['base']}" if "base" in found else ""
    rows = [[record[key] for key in keys] for record in records]
    called = f"Statistics of the weights, in their own units{against}{', 95 % intervals' if 'low' in keys else ''}"
    return table([["feature" if k == "name" else k for k in keys], *rows], called)


def _config(material: Material, _: _Pictures) -> str:
    return code(material.config, "Config") if material.config else ""


_SECTIONS: dict[str, tuple[str, Callable[[Material, _Pictures], str]]] = {
    "model": ("Model", _about),
    "again": ("To do it again", _again),
    "data": ("Data", _data),
    "learning": ("Learning", _learning),
    "metrics": ("Metrics", _metrics),
    "thresholds": ("Thresholds", _thresholds),
    "confusion": ("Confusion", _confusion),
    "curves": ("ROC, precision and recall", _curves),
    "calibration": ("Calibration", _calibration),
    "fit": ("Fit", _fit),
    "weights": ("Weights", _weights),
    "config": ("Config", _config),
}
"""The sections by id: the heading, and the function for the content; a section without content is left out."""
