"""The threshold from which a model of two classes predicts the positive one: set it, choose it, write it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from bpcli.errors import UsageError
from bpcli.files import write_atomically
from bpcli.text.notation import number
from bpcli.training.config.full_config import dump_config
from bpcli.training.config.keys import KEYS
from bpcli.training.config.loading import load_config
from bpcli.training.model import Model
from bpcli.training.run import CONFIG, check_one_run, is_finished, model_bytes, model_path, replace_model
from bpcli.training.thresholds import Rule, best, thresholds

Array = NDArray[Any]


def with_threshold(model: Model, wanted: float | Rule, z: Array, y: Array) -> Model:
    """The model with a threshold, which a rule chooses on rows with z (N,) or (N, 2) and class numbers `y` (N,)."""
    check_two_classes(model)
    if not isinstance(wanted, float):
        positive = y == 1
        if not positive.any() or positive.all():
            raise UsageError("threshold is chosen on rows of both classes, and these are of one", names=["threshold"])
        wanted = best(thresholds(model.probabilities(z)[:, 1], positive), wanted)
    return replace(model, threshold=wanted)


def check_two_classes(model: Model) -> None:
    """UsageError for a model that has no threshold."""
    if model.has_threshold:
        return
    if model.classes is None:
        what = "this model predicts a number"
    elif not model.says_probabilities:
        what = f"a model of loss {model.loss_row.name} has no probabilities"
    else:
        what = f"this model has {number(len(model.classes))}"
    raise UsageError(f"threshold decides between two classes, and {what}", names=("threshold",))


def save_threshold(path: Path, loaded: Model, threshold: float) -> None:
    """Write a threshold into the model `loaded` from `path` and, for a run, into its config; the weights stay.

    UsageError where the config of such a model has no threshold; DataError for files that can't be read or written.
    """
    check_two_classes(loaded)
    model, path = replace(loaded, threshold=threshold), model_path(path)
    if not is_finished(path.parent) or not (path.parent / CONFIG).is_file():
        write_atomically(path, lambda file: file.write(model_bytes(model)), force=True)
        return
    fits = KEYS["model.threshold"].fits
    if fits is not None and not fits(model.loss_row):
        raise UsageError(
            f"the config of a {model.kind} of loss {model.loss_row.name} has no model.threshold to set",
            "predict and evaluate take a threshold each time",
        )
    check_one_run(path.parent, loaded)
    config = load_config(path.parent / CONFIG)
    config = replace(config, model=replace(config.model, threshold=threshold))
    replace_model(path.parent, dump_config(config), model)
