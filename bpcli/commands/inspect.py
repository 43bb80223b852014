"""`bpcli inspect`: the weights of a model, by feature and class."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np

from bpcli.api.run_statistics import run_statistics
from bpcli.commands import Command, option, output
from bpcli.commands.option_groups import PATH, TEXT_DIGITS, format_option, precision_option
from bpcli.commands.statistics_table import print_statistics
from bpcli.datasets.preparation.labels import class_text
from bpcli.errors import NotFiniteError, UsageError
from bpcli.text.notation import json_text
from bpcli.training.model import Model
from bpcli.training.run import load_model


@click.command(cls=Command)
@click.argument("model", type=PATH)
@option("Weights", "--raw", is_flag=True, help="Weights for the features in their own units.")
@option("Weights", "--sort", is_flag=True, help="Sort the features by the size of their weights, the largest first.")
@option("Statistics", "--stats", is_flag=True, help="Standard errors, tests, intervals, and measures of fit.")
@option("Statistics", "--refit", is_flag=True, help="Go to the optimum first, in memory.")
@option("Statistics", "--robust", is_flag=True, help="Sandwich errors (HC0; HC1 in csv and json).")
@option("Statistics", "--data", type=PATH, metavar="FILE", help="The training data, if it has moved.")
@format_option()
@precision_option(tables=True)
def command(
    model: Path,
    raw: bool,
    sort: bool,
    stats: bool,
    refit: bool,
    robust: bool,
    data: Path | None,
    format_: str,
    precision: int | None,
) -> None:
    """The weights of MODEL (a run folder or its model.npz): a row for each feature, a column for each output.

    The weights act on the prepared features (standardised, if the config says so); with --raw on the features as they
    stand in the data.

    \b
    bpcli inspect runs/iris
    bpcli inspect runs/diabetes --raw --format csv
    bpcli inspect runs/iris --sort
    bpcli inspect runs/diabetes --stats --refit
    """
    if stats and sort:
        raise UsageError("--sort is for the weights, and --stats prints the features in order", "take one of them")
    if stats:
        from bpcli.commands.activity import activity, reading_any

        with activity(reading_any):
            found = run_statistics(model, raw=raw, refit=refit, robust=robust, data=data)
        print_statistics(found, format_, precision)
        return
    if refit or robust or data is not None:
        raise UsageError("--refit, --robust and --data are for --stats", "add --stats")
    loaded = load_model(model)
    description = describe(loaded, raw, sort)
    _print(loaded, description, format_, precision)
    weights = zip([*description["features"], "(bias)"], [*description["weights"], description["bias"]], strict=True)
    for name, row in weights:
        if not np.isfinite(row).all():
            raise NotFiniteError(f"the weight of {name} in its own units is beyond the doubles")


def _print(loaded: Model, description: dict[str, Any], format_: str, precision: int | None) -> None:
    if format_ == "json":
        output.emit_data(json_text(description, precision))
        return
    rows = list(_rows(loaded, description))
    if format_ == "csv":
        output.emit_csv(rows, precision)
        return
    target = loaded.preparation.target
    classes = f": {', '.join(description['classes'])}" if description["classes"] else ""
    output.sentence(f"{loaded.kind}, loss {loaded.loss_in_words}, target {target}{classes}")
    output.emit_table(rows, precision or TEXT_DIGITS)


def describe(model: Model, raw: bool, sort: bool = False) -> dict[str, Any]:
    """The record that JSON prints.

    With `raw` the weights are w/s and the bias b − Σ w·m/s, for mean m and scale s; with `sort` the features are in the
    order of Σ|w| over the outputs, the largest first.
    """
    w, b = model.weights(raw)
    preparation = model.preparation
    order = np.argsort(-np.abs(w).sum(axis=1), kind="stable") if sort else np.arange(len(w))
    standardize = None
    if preparation.scale is not None and not raw:
        mean, scale = (None if x is None else np.asarray(x)[order] for x in (preparation.mean, preparation.scale))
        standardize = {"mean": mean, "scale": scale}
    classes = None if model.classes is None else [class_text(c) for c in model.classes]
    settings: dict[str, Any] = {"type": model.type, "activation": model.activation}
    if model.has_threshold:
        settings["threshold"] = model.threshold
    return {
        "model": settings,
        "loss": model.loss,
        "features": [preparation.feature_names[k] for k in order],
        "classes": classes,
        "weights": w[order],
        "bias": b,
        "standardize": standardize,
    }


def _rows(model: Model, description: dict[str, Any]) -> Iterator[list[Any]]:
    outputs = description["classes"] if model.g is None else ["weight"]
    yield ["feature", *outputs]
    for name, row in zip(description["features"], description["weights"], strict=True):
        yield [name, *row]
    yield ["(bias)", *description["bias"]]
