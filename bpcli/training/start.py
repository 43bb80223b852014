"""The initial weights: zeros, random ones, or those of another run, converted to the units of this training."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.preparation.fitted import Preparation
from bpcli.datasets.preparation.labels import class_text
from bpcli.errors import DataError, several
from bpcli.formulas.choices import Task
from bpcli.formulas.initial_weights import STARTS
from bpcli.formulas.layers import LAYERS, settings_in_words
from bpcli.training.config.loading import Config
from bpcli.training.model import Model
from bpcli.training.run import load_model

Array = NDArray[Any]


@dataclass(frozen=True)
class Start:
    """Initial weights w (n,) or (n, K) and bias b () or (K,), the digest of the model they come from, and notes."""

    w: Array
    b: Array
    digest: str = ""
    notes: list[str] = field(default_factory=list)


def start(config: Config, preparation: Preparation, rng: np.random.Generator) -> Start:
    """The initial weights w (n,) or (n, K) by `model.init`, a row of `STARTS` or a run; the bias is 0, or the run's.

    Of a run see `carried`; DataError if it can't be read or doesn't fit.
    """
    n, dtype, init = len(preparation.feature_names), np.dtype(config.training.dtype), config.model.init
    outputs = (len(preparation.classes or ()),) if LAYERS[config.model.type].per_class else ()
    if isinstance(init, Path):
        return _from_run(config, init, preparation, dtype)
    return Start(STARTS[init](rng, (n, *outputs)).astype(dtype), np.zeros(outputs, dtype))


def _from_run(config: Config, path: Path, preparation: Preparation, dtype: np.dtype[Any]) -> Start:
    """The start from the run at `path`; errors name the place of `model.init` in the config."""
    try:
        old = load_model(path)
        w, b, notes = carried(old, config.model.type, preparation)
    except DataError as error:
        place = config.places.get("model.init", "config")
        which = f"{path} is to be a run"
        if not path.exists():
            which = "a run to start from is given relative to the config's folder, not to where you are"
        raise type(error)(f"{place}: model.init: {error.message}", error.hint or which) from error
    functions = dict.fromkeys((_function(old.activation, old.loss), _function(config.model.activation, config.loss)))
    if len(functions) > 1:
        notes.append(f"its weights are those of {', now of '.join(functions)}")
    with np.errstate(over="ignore"):
        w, b = w.astype(dtype), b.astype(dtype)
    if not (np.isfinite(w).all() and np.isfinite(b).all()):
        raise DataError(f"model.init: the weights of {path} are too large in the units of this training")
    return Start(w, b, old.digest, [f"model.init: {path.name}: {note}" for note in notes])


def _function(activation: Any, loss: Any) -> str:
    return " and ".join(filter(None, [settings_in_words(activation), settings_in_words(loss)]))


def carried(old: Model, type_: str, preparation: Preparation) -> tuple[Array, Array, list[str]]:
    """The weights of a model converted to another preparation, w (n,) or (n, K) and b, and notes.

    Features and classes are matched by name; new ones have the weight 0. In the units of the data the weights stay the
    same: with x' = (x − m)/s before and x'' = (x − m')/s' now, w'' = w·s'/s and b'' = b + Σ w(m' − m)/s. DataError if
    the model is of another type or task, or has no feature in common with this one.
    """
    _check_task(old, type_, preparation)
    before, now = list(old.preparation.feature_names), list(preparation.feature_names)
    of_old, of_new = _matched(before, now)
    if not len(of_old):
        raise DataError(
            f"it has no feature of this training: its features are {several(before)}, here they are {several(now)}"
        )
    w, b = old.weights()
    (mean, scale), (new_mean, new_scale) = _units(old.preparation, len(before)), _units(preparation, len(now))
    shift = -mean / scale  # a feature that is left out counts as 0 in its own units
    shift[of_old] = (new_mean[of_new] - mean[of_old]) / scale[of_old]
    moved = np.zeros((len(now), w.shape[1]))
    with np.errstate(all="ignore"):
        moved[of_new] = w[of_old] * (new_scale[of_new] / scale[of_old])[:, None]
        b = b + shift @ w
    notes = _said("features", before, now)
    if not LAYERS[type_].per_class:
        sign = _sign(old, preparation)
        return sign * moved[:, 0], np.asarray(sign * b[0]), notes
    classes, new_classes = _names(old.preparation), _names(preparation)
    of_old, of_new = _matched(classes, new_classes)
    if not len(of_old):
        raise DataError(f"its classes are {several(classes)}, here they are {several(new_classes)}")
    by_class, bias = np.zeros((len(now), len(new_classes))), np.zeros(len(new_classes))
    by_class[:, of_new], bias[of_new] = moved[:, of_old], b[of_old]
    return by_class, bias, notes + _said("classes", classes, new_classes)


def _check_task(old: Model, type_: str, preparation: Preparation) -> None:
    if old.type != type_:
        raise DataError(f"it is a {old.type}, and this model is a {type_}", f"model.type: {old.type}")
    if old.preparation.task is not preparation.task:
        raise DataError(f"it predicts {_predicts(old.preparation)}, and this model {_predicts(preparation)}")


def _predicts(preparation: Preparation) -> str:
    return "numbers" if preparation.task is Task.REGRESSION else f"the classes {several(_names(preparation))}"


def _names(preparation: Preparation) -> list[str]:
    return [class_text(c) for c in preparation.classes or ()]


def _matched(before: Sequence[str], now: Sequence[str]) -> tuple[Array, Array]:
    """The positions in `before` and in `now` of the names that are in both."""
    places = {name: k for k, name in enumerate(before)}
    of_new = [k for k, name in enumerate(now) if name in places]
    return np.array([places[now[k]] for k in of_new], np.intp), np.array(of_new, np.intp)


def _units(preparation: Preparation, n: int) -> tuple[Array, Array]:
    """The mean and the scale of each feature, (n,) each: 0 and 1 if it is not changed."""
    mean = 0.0 if preparation.mean is None else np.asarray(preparation.mean)
    scale = 1.0 if preparation.scale is None else np.asarray(preparation.scale)
    return np.broadcast_to(mean, n), np.broadcast_to(scale, n)


def _said(what: str, before: Sequence[str], now: Sequence[str]) -> list[str]:
    """Notes on the names that are in only one of the lists."""
    known, wanted = {*before}, {*now}
    new, gone = [name for name in now if name not in known], [name for name in before if name not in wanted]
    notes = [f"new {what} start at 0: {several(new)}"] if new else []
    return notes + ([f"{what} that are not here are left out: {several(gone)}"] if gone else [])


def _sign(old: Model, preparation: Preparation) -> float:
    """1 if the positive class is the same; −1 if it is now the other one, and −z exchanges the two outputs.

    DataError for other classes.
    """
    before, now = _names(old.preparation), _names(preparation)
    if before == now:
        return 1.0
    z, g = np.linspace(-8.0, 8.0, 33), old.g
    if sorted(before) == sorted(now) and g is not None:
        sums = g.value(z) + g.value(-z)
        if np.allclose(sums, sums[0], rtol=1e-12, atol=1e-12):
            return -1.0
    raise DataError(f"its classes are {' and '.join(before)}, here they are {' and '.join(now)}")
