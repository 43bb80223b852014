"""`bpcli plot RUN`: the figure of a trained model."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bpcli.commands import output
from bpcli.commands.option_groups import pair
from bpcli.datasets.sparse import dense
from bpcli.errors import UsageError, listed, nearest
from bpcli.plots.runs import VIEWS
from bpcli.plots.subjects import Image
from bpcli.training.model import Model


def figure_of_run(
    run: Path,
    size: tuple[float, float] | None,
    title: str,
    show: str | None,
    folds: int | None,
    features: str | None,
    image: str | None,
    log: bool,
) -> Any:
    """The figure of one view of a run, or of its overview; UsageError for an option that changes nothing in it."""
    from datetime import UTC, datetime

    from bpcli.api.predictions import config_of_run, own_data
    from bpcli.api.selection import held_out_scores
    from bpcli.plots.runs import draw, views_of
    from bpcli.plots.subjects import Subject
    from bpcli.plots.weight_views import pixels
    from bpcli.training.run import load_model, model_path, read_history

    model = load_model(run)
    names = model.preparation.feature_names
    shape = pixels(names)
    if image is not None:
        sides = pair(image, "--image", "pixels", 1, 10_000, "8x8") or (0.0, 0.0)
        shape = (int(sides[0]), int(sides[1]))
        if shape != sides or shape[0] * shape[1] != len(names):
            raise UsageError(f"--image {image}: the model has {len(names)} features")
    history = read_history(model_path(run).parent)
    available = views_of(model, history, shape)
    asked_for = [view.name for view in VIEWS.values() if view.fits(model) and not view.in_overview]
    known = {*available, "boundary", *asked_for}
    if show is not None and show not in known:
        raise UsageError(f"--show {show}: this run has none", f"it has {', '.join(v for v in VIEWS if v in known)}")
    views = [show] if show else available
    chosen = _features(features, names)
    if chosen and "boundary" not in views:
        raise UsageError("--features goes with the boundary or line, which is not shown", "--show boundary")
    if image is not None and "weights" not in views:
        raise UsageError("--image goes with the weights, which are not shown", "--show weights")
    if log and "curves" not in views:
        raise UsageError("--log goes with the learning curves, which are not shown", "--show curves")
    if folds and not (show and VIEWS[show].by_folds):
        able = [view.name for view in VIEWS.values() if view.by_folds]
        raise UsageError(f"--folds goes with {listed(able)}", f"--show {able[0]} --folds {folds}")
    found = own_data(run, model, ("train", "validation", "test"), "train it again").parts
    parts = {} if folds else {name: (dense(part.X), part.y) for name, part in found.items()}
    subject = Subject(model, history, parts, chosen, shape, log or None)
    if show == "weights":
        subject = replace(subject, statistics=_intervals(run, model, shape))
    if folds:
        subject = replace(subject, folds=held_out_scores(config_of_run(run), folds))
    trained = datetime.fromtimestamp(model_path(run).stat().st_mtime, UTC)
    remark = f"{model_path(run).parent.name}, trained on {trained:%Y-%m-%d}"
    return draw(subject, views, size or ((6.0, 4.5) if show else (11.0, 8.0)), title, remark)


def _intervals(run: Path, model: Model, image: Image) -> Mapping[str, Any] | None:
    """The statistics with the intervals of the weights; None, with a note on the reason, if there are none."""
    from bpcli.api.run_statistics import statistics_or_reason
    from bpcli.plots.weight_views import has_room_for_intervals

    if not has_room_for_intervals(model, image):
        output.note("no intervals: these weights are drawn as colours, and only bars have them")
        return None
    found, why = statistics_or_reason(run)
    if not why:
        return found
    output.note(f"no intervals: {why}")
    return None


def _features(text: str | None, names: Sequence[str]) -> tuple[int, ...]:
    """The positions of the features that `--features a,b` names."""
    chosen: list[int] = []
    for name in (part.strip() for part in (text or "").split(",") if part.strip()):
        if name not in names:
            close = nearest(name, names)
            raise UsageError(
                f"--features {name}: the model has no such feature",
                f"did you mean {close}?"
                if close
                else f"it has {', '.join(names[:10])}{' …' if len(names) > 10 else ''}",
            )
        if names.index(name) in chosen:
            raise UsageError(f"--features gives {name} twice")
        chosen.append(names.index(name))
    if len(chosen) > 2 or (text is not None and not chosen):
        raise UsageError("--features takes one or two names", f"--features {','.join(names[:2])}")
    return tuple(chosen)
