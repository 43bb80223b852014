"""The statistics of a trained run: standard errors, tests, intervals and measures of fit, or why there are none."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bpcli.api.predictions import check_unchanged, config_of_run, of_its_path
from bpcli.datasets.preparation.labels import Class, class_text
from bpcli.errors import BpcliError, CheckError, ConfigError, DataError, several
from bpcli.training.config.loading import Config
from bpcli.training.inference.fit import MOST_WEIGHTS, NEAR, Fit, Rows
from bpcli.training.inference.model_statistics import Coefficients, coefficients_of, dependent, statistics
from bpcli.training.inference.separation import separation, units_of
from bpcli.training.model import Model
from bpcli.training.named_data import read_data
from bpcli.training.run import check_one_run, load_model, model_path
from bpcli.training.setup import prepare
from bpcli.training.start import carried
from bpcli.training.trainer import Training

_BUDGET = 1 << 34  # products to find out whether classes are separated


class OffOptimumError(CheckError):
    """The weights are not at the minimum of the training's J, penalties included (exit 1)."""


def run_statistics(
    run: Path, *, raw: bool = False, refit: bool = False, robust: bool = False, data: Path | None = None
) -> dict[str, Any]:
    """The statistics of a linear, logistic or multinomial run at its optimum.

    They are those of the weights of the prepared features or, with `raw`, of the features in their own units. `refit`
    goes to the optimum in memory; with `robust` the covariance is the sandwich; `data` is the file of the training rows
    if it has moved. Where classes are separated there is no optimum: `coefficients` is then None, and `separated_by`
    has the columns.

    CheckError where statistics would be wrong: off the optimum, under l1, for other models, for columns that depend on
    each other. DataError where the training rows are gone or have changed.
    """
    model = load_model(run)
    config = of_its_path(config_of_run(run), data)
    _refuse(model, config)
    training = _same_rows(run, model, config, data)
    part, model = training.parts["train"], _in_its_units(model, training, config)
    fit = Fit(model, Rows(part.X, part.y, part.weights), config.training.l2)
    if fit.likelihood is None:
        raise CheckError(
            "statistics are of linear (identity, mse), logistic (sigmoid, bce) and multinomial (softmax, cce) models, "
            f"and this is {model.kind} of loss {model.loss_in_words}"
        )
    separated_by: list[str] = []
    if model.classes is not None:
        _refuse_absent(model.classes, fit.rows)
        units, K = units_of(model.preparation), len(model.classes)
        found = separation(part.X, part.y, K, model.w, model.b, part.weights, _BUDGET, units)
        separated_by = [model.preparation.feature_names[j] for j in found.features]
        if found.separated and not config.training.l2:
            decrement, _ = fit.distance()
            return {
                "optimum": {"newton_decrement": decrement, "reached": False},
                "rows": fit.N,
                "coefficients": None,
                "separated_by": separated_by,
            }
    coefficients = coefficients_of(fit, raw)
    _refuse_undetermined(fit, coefficients)
    decrement, errors = fit.distance()
    solved = fit.solve() and fit.has_optimum()
    if fit.is_exact():
        raise CheckError("the model fits every target up to rounding: there are no residuals to estimate errors from")
    if errors > NEAR and not refit:
        raise OffOptimumError(_off(errors), ways={"refit": "goes there in memory, and writes nothing"})
    if not solved:
        raise CheckError("Newton's steps from the weights of this run lead to no optimum: it may have none")
    if refit:
        decrement, _ = fit.distance()
    return {
        "optimum": {"newton_decrement": decrement, "reached": True},
        **statistics(fit, coefficients, robust),
        "separated_by": separated_by,
    }


def _refuse_undetermined(fit: Fit, coefficients: Coefficients) -> None:
    """CheckError where the rows don't determine the weights, or leave no residuals to estimate their errors from."""
    if depends := dependent(fit, coefficients):
        raise CheckError(
            f"these features depend on each other linearly, so that their weights are not determined: "
            f"{', '.join(depends)}",
            "leave one out with data.exclude, or train with training.l2",
        )
    if fit.parameters() >= fit.N:
        raise CheckError(f"{fit.N} rows are too few to estimate the errors of {fit.parameters():g} weights")


def statistics_or_reason(run: Path, *, raw: bool = False) -> tuple[dict[str, Any] | None, str]:
    """The statistics of a run, or None, and the reason why there are no intervals, which is empty if there are."""
    try:
        found = run_statistics(run, raw=raw)
    except BpcliError as error:
        return None, error.message
    reasons = []
    if found["separated_by"]:
        none = found["coefficients"] is None
        what = ", so that the likelihood has no maximum" if none else "; only l2 holds the weights"
        reasons.append(f"the classes are separated by {several(found['separated_by'])}{what}")
    if "withheld" in found:
        reasons.append(found["withheld"])
    return None if found["coefficients"] is None else found, "; ".join(reasons)


def _off(errors: float) -> str:
    far = f"some weights are about {errors:.2g} standard errors from it" if errors < 1e6 else "it is far"
    return f"the weights are not at the optimum of the training ({far}), where the statistics are"


def _refuse(model: Model, config: Config) -> None:
    p = model.w.size + model.b.size
    if config.training.l1:
        raise CheckError(
            "under l1 a weight that is exactly 0 has no standard error, and the others' errors depend on which are 0",
            "train with training.l1: 0, or training.l2 instead",
        )
    if p > MOST_WEIGHTS:
        raise CheckError(f"statistics are of models of up to {MOST_WEIGHTS} weights, and this one has {p}")


def _refuse_absent(classes: Sequence[Class], rows: Rows) -> None:
    """CheckError where a class has no row of a weight above 0: the likelihood grows without end as its bias falls."""
    absent = [class_text(name) for k, name in enumerate(classes) if not (rows.y == k).any()]
    if absent:
        raise CheckError(f"no row whose weight is above 0 is of {' or '.join(absent)}: the likelihood has no maximum")


def _same_rows(run: Path, model: Model, config: Config, data: Path | None) -> Training:
    """The training on its own rows; DataError where they are gone or have changed, unless `data` names them."""
    ways = {"data FILE": "names the file that has its rows"}
    try:
        training = prepare(config)
    except (ConfigError, DataError) as error:
        if data is not None:
            if isinstance(error, ConfigError):
                _check_columns(config, model)
            raise
        raise DataError(f"{error.message}; the statistics need the rows of the training", ways=ways) from error
    if data is not None:
        return training
    check_one_run(model_path(run).parent, model)
    check_unchanged(run, training, ["train"], ways=ways)
    return training


def _check_columns(config: Config, model: Model) -> None:
    """DataError, with the file and the columns, where the data lacks columns that the model needs."""
    target = [] if config.data.target is None else [config.data.target]
    read_data(config, config.data.path).require([*(column.name for column in model.preparation.columns), *target])


def _in_its_units(model: Model, training: Training, config: Config) -> Model:
    """The model for features as they are prepared now: other rows have other means and scales than in the training."""
    preparation = training.model.preparation
    if preparation == model.preparation:
        return model
    if preparation.classes != model.classes or list(preparation.feature_names) != list(model.preparation.feature_names):
        _check_columns(config, model)
        raise DataError("the data has other columns, categories or classes than the model")
    w, b, _ = carried(model, model.type, preparation)
    return replace(model, w=w, b=b, preparation=preparation)
