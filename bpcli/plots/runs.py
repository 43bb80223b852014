"""The views of a trained model: learning curves, boundary or line, confusion, weights, probabilities."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.datasets.preparation.labels import class_text
from bpcli.plots import class_curves, fold_bands
from bpcli.plots.over_features import boundary, fit
from bpcli.plots.style import COLORS, label, legend_below, name_columns, new_figure, plain, set_title
from bpcli.plots.subjects import MAX_NAMES, Image, Subject
from bpcli.plots.weight_views import weights
from bpcli.training import metric_formulas
from bpcli.training.metrics import METRICS
from bpcli.training.model import Model, log_odds
from bpcli.training.thresholds import Thresholds


@dataclass(frozen=True)
class View:
    """A row of `VIEWS`: its name, the function that draws it, which models have it, whether it is in the overview,
    and whether it can show the folds of a cross-validation."""

    name: str
    draw: Callable[[Any, Subject], None]
    fits: Callable[[Model], bool] = lambda model: True
    in_overview: bool = True
    by_folds: bool = False


def views_of(model: Model, history: Mapping[str, Sequence[float]], image: Image) -> list[str]:
    """The views of a model's overview; `image` is the height and width if the features are pixels."""
    hidden = {"curves"} if not len(next(iter(history.values()), ())) else set()
    if image is not None:  # a boundary over two pixels says little
        hidden.add("boundary")
    return [v.name for v in VIEWS.values() if v.in_overview and v.fits(model) and v.name not in hidden]


def draw(subject: Subject, views: Sequence[str], size: tuple[float, float], title: str = "", remark: str = "") -> Any:
    """The figure of one view, or of several side by side, with a title of its own and a remark in its corner."""
    figure = new_figure(size)
    columns = 1 if len(views) == 1 else 2
    grid = figure.add_gridspec(-(-len(views) // columns), columns)
    for k, name in enumerate(views):
        # If the number is odd, the last view gets a whole row.
        last = k == len(views) - 1 and k % columns == 0
        box = figure.add_subfigure(grid[k // columns, :] if last else grid[k // columns, k % columns])
        VIEWS[name].draw(box, subject)
    if title:
        set_title(figure, title)
    if remark:
        figure.supxlabel(label(remark, 100), x=0.995, ha="right", fontsize=7, color="#666666")
    return figure


def _spaced(name: str) -> str:
    return plain(name.replace(".", " ").replace("_", " "))


def _curves(figure: Any, subject: Subject) -> None:
    history, axes = subject.history, figure.subplots()
    epochs = history["epoch"]
    shown = [(name, values) for name, values in history.items() if name == "loss" or name.endswith(".loss")]
    positive = all(v > 0 for _, values in shown for v in values)
    wide = positive and any(max(values) > 20 * min(values) for _, values in shown)
    marker = "o" if len(epochs) == 1 else None  # a line of one point is not seen
    on_log = (wide if subject.log is None else subject.log) and positive
    for (name, values), color in zip(shown, COLORS, strict=False):
        called = "training loss" if name == "loss" else f"{name.removesuffix('.loss')} loss"
        axes.plot(epochs, values, color=color, label=called, marker=marker)
    axes.set(
        xlabel="epoch",
        ylabel="loss" if len(shown) > 1 else "training loss",
        title="Learning curves",
        yscale="log" if on_log else "linear",
    )
    if marker:
        axes.set_xlim(epochs[0] - 1, epochs[0] + 1)
    axes.xaxis.get_major_locator().set_params(integer=True)
    handles = axes.get_legend_handles_labels()[0]
    # A metric of which more is better is shown next to the loss; an error such as rmse is the loss in other units.
    metric = next((n for n in history if n.split(".")[-1] in _BETTER), None)
    if metric is not None:
        twin = axes.twinx()
        twin.plot(epochs, history[metric], color=COLORS[2], linestyle="--", label=_spaced(metric), marker=marker)
        twin.set_ylabel(_spaced(metric))
        twin.grid(False)
        twin.spines["right"].set_visible(True)
        handles += twin.get_legend_handles_labels()[0]
    if len(handles) > 1:
        legend_below(figure, handles, 3)


_BETTER = {name for name, row in METRICS.items() if row.higher_is_better}


def _confusion(figure: Any, subject: Subject) -> None:
    """Counts and, if there are few classes, the share of each in its true class; a count of 0 is grey."""
    axes, model = figure.subplots(), subject.model
    part, z, y = subject.scored()
    K = len(model.classes or ())
    table = metric_formulas.confusion(y, model.predicted(z), K)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if K <= MAX_NAMES:
        for (row, column), count in np.ndenumerate(table):
            share = shares[row, column]
            color = "#BBBBBB" if not count else "white" if share > 0.55 else "#222222"
            text = f"{count}\n{share:.1%}" if K <= _MAX_RATES and count else str(int(count))
            axes.text(column, row, text, ha="center", va="center", color=color, fontsize=9 if K <= _MAX_RATES else 7)
        names = [label(name, 20) for name in _class_names(model)]
        name_columns(axes, names)
        axes.set_yticks(range(K), names)
    axes.set(xlabel="predicted", ylabel="true", title=f"Confusion, {len(y):,} {label(part)} rows")
    axes.grid(False)


_MAX_RATES = 6  # classes up to which a cell has room for its share


def _over_features(figure: Any, subject: Subject) -> None:
    (boundary if subject.model.classes else fit)(figure, subject)


def _class_names(model: Model) -> list[str]:
    return [class_text(name) for name in model.classes or ()]


def _of_folds(subject: Subject) -> str:
    """The rows that the folds held out, for a title."""
    return f"{len(subject.folds)} folds of {sum(len(y) for _, y in subject.folds):,} rows"


def _of_scores(
    draw: Callable[..., None], draw_folds: Callable[..., None], called: str
) -> Callable[[Any, Subject], None]:
    """A view of how the log-odds of the classes, which never saturate, rank the rows."""

    def view(figure: Any, subject: Subject) -> None:
        model = subject.model
        if subject.folds:
            draw_folds(figure, [(y, log_odds(z)) for z, y in subject.folds], _class_names(model))
            figure.axes[0].set_title(f"{called}, {_of_folds(subject)}")
            return
        (part, z, y), at = subject.scored(), None
        if model.has_threshold:
            positive = model.predicted(z) == 1
            counts = [np.array([np.sum((positive == p) & (y == t))]) for p, t in ((1, 1), (1, 0), (0, 1), (0, 0))]
            at = Thresholds(np.array([model.threshold]), *counts)
        draw(figure, y, log_odds(z), _class_names(model), at)
        figure.axes[0].set_title(f"{called}, {len(y):,} {label(part)} rows")

    return view


def _calibration(figure: Any, subject: Subject) -> None:
    model = subject.model
    if subject.folds:
        folds = [(y, model.probabilities(z)) for z, y in subject.folds]
        error, rows = fold_bands.calibration(figure, folds, _class_names(model)), _of_folds(subject)
    else:
        part, z, y = subject.scored()
        error = class_curves.calibration(figure, y, model.probabilities(z), _class_names(model))
        rows = f"{len(y):,} {label(part)} rows"
    figure.axes[0].set_title(f"Calibration, {rows}, expected error {error}")


def _has_classes(model: Model) -> bool:
    return model.classes is not None


_ROC = _of_scores(class_curves.roc, fold_bands.roc, "ROC")
_PR = _of_scores(class_curves.precision_recall, fold_bands.precision_recall, "Precision and recall")

VIEWS: dict[str, View] = {
    row.name: row
    for row in (
        View("curves", _curves),
        View("boundary", _over_features),
        View("confusion", _confusion, _has_classes),
        View("weights", weights),
        View("roc", _ROC, _has_classes, in_overview=False, by_folds=True),
        View("pr", _PR, _has_classes, in_overview=False, by_folds=True),
        View("calibration", _calibration, lambda model: model.says_probabilities, in_overview=False, by_folds=True),
    )
}
"""The views of a run, from which the command takes its choices."""
