"""The statistics of a linear, logistic or multinomial model at its optimum: errors, tests, intervals, and its fit."""

from math import exp, inf, log, pi, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.preparation.fitted import Preparation
from bpcli.datasets.preparation.labels import class_text
from bpcli.datasets.sparse import dense
from bpcli.formulas.choices import Likelihood
from bpcli.training.inference.fit import Fit
from bpcli.training.inference.tails import f_tail, normal_tails, quantile, t_tails
from bpcli.training.model import best_constant_loss

Array = NDArray[Any]

LEVEL = 0.95
"""The confidence level of the intervals."""

BIAS = "bias"

WITHHELD = (
    "under l2 the weights are pulled towards 0, so that an interval round them does not hold the true ones as often as "
    "it says, and p has no meaning"
)

_DENSE = 1 << 24  # up to this many entries the condition number is computed from the features, not from XᵀX


class Coefficients(NamedTuple):
    """The m weights and the bias for which statistics are computed: A·(w, b) of the fit's (w, b), A (m + 1, n + 1)."""

    A: Array
    names: list[str]
    kept: Array
    """The numbers of the features of these weights."""
    bases: list[str]
    """The categories that the other categories of their columns are compared with."""


def coefficients_of(fit: Fit, raw: bool) -> Coefficients:
    """The weights of the prepared features, or, if `raw`, of features in the units of the data.

    Without a penalty, categories are compared with the first one of their column, because the weights of all of them
    and the bias are not determined.
    """
    preparation, n = fit.model.preparation, len(fit.mean)
    A, scale = fit.units.copy(), np.ones(n)
    if preparation.scale is not None:
        scale = np.broadcast_to(np.asarray(preparation.scale, np.float64), n)
    if raw:
        mean = np.zeros(n) if preparation.mean is None else np.asarray(preparation.mean)
        A[:-1] /= scale[:, None]
        A[-1] -= mean @ A[:-1]
        scale = np.ones(n)
    names, drop = list(preparation.feature_names), []
    for first, size in [] if fit.l2 else categories(preparation):
        A[-1] += A[first] / scale[first]  # the dummy is 1/scale where it is 1
        A[first + 1 : first + size] -= A[first]
        drop.append(first)
    kept = np.setdiff1d(np.arange(n), drop)
    return Coefficients(A[np.append(kept, n)], [names[j] for j in kept], kept, [names[j] for j in drop])


def categories(preparation: Preparation) -> list[tuple[int, int]]:
    """The number of the first feature and the number of features of each categorical column."""
    found, at = [], 0
    for column in preparation.columns:
        size = 1 if column.categories is None else len(column.categories)
        if column.categories is not None:
            found.append((at, size))
        at += size
    return found


def dependent(fit: Fit, what: Coefficients) -> list[str]:
    """The features whose weights are not determined, because each is a linear combination of the others."""
    if fit.l2 or not fit.null.size:
        return []
    moved = np.abs(what.A @ fit.null).max(axis=1)
    # The most that a direction of length 1, in features of size 1, can change a weight; far less is a rounding error.
    most = np.abs(what.A) @ (1.0 / np.sqrt(np.where(np.diag(fit.gram) > 0, np.diag(fit.gram), 1.0)))
    constant = [name for name, j in zip(what.names, what.kept, strict=True) if not fit.gram[j, j]]
    return constant or [
        name for name, by, unit in zip(what.names, moved[:-1], most[:-1], strict=True) if by > 1e-6 * unit
    ]


def statistics(fit: Fit, what: Coefficients, robust: bool) -> dict[str, Any]:
    """The statistics of a `fit` at its optimum, as plain numbers by name."""
    sandwich = fit.sandwiched(robust)
    estimate = what.A @ fit.theta.reshape(-1, fit.K)
    contrast = np.eye(fit.K) if fit.K == 1 else np.hstack([-np.ones((fit.K - 1, 1)), np.eye(fit.K - 1)])
    T = np.kron(what.A, contrast)
    V = T @ fit.covariance(robust) @ T.T
    measures = _fit_measures(fit, _wald(estimate[:-1, 0], V[:-1, :-1]) if sandwich and fit.K == 1 else None)
    df = measures["df_residual"] if fit.likelihood is Likelihood.NORMAL and not sandwich else inf
    return {
        "rows": fit.N,
        **measures,
        "coefficients": _coefficients(fit, what, estimate @ contrast.T, V, df, sandwich),
        "covariance": "sandwich" if sandwich else "information",
        **({"base": class_text(fit.model.classes[0])} if fit.K > 1 and fit.model.classes else {}),
        **({"base_categories": what.bases} if what.bases else {}),
        **({"effective_parameters": fit.parameters(), "withheld": WITHHELD} if fit.l2 else {}),
        "vif": _inflation(fit, what),
        "condition_number": _condition(fit, what),
    }


def _coefficients(
    fit: Fit, what: Coefficients, estimate: Array, V: Array, df: float, sandwich: bool
) -> list[dict[str, Any]]:
    """A record for each weight, feature by feature, the bias last; for softmax class by class."""
    errors = np.sqrt(np.diag(V)).reshape(estimate.shape)
    of_classes, names = fit.likelihood is Likelihood.CLASSES, [*what.names, BIAS]
    classes: list[str | None] = [*(class_text(c) for c in (fit.model.classes or ())[1:])] or [None]
    letter, q = "z" if df == inf else "t", quantile(LEVEL, df)
    hc1 = sqrt(fit.N / (fit.N - fit.parameters())) if sandwich and fit.parameters() < fit.N else None
    records = []
    for k, name_of_class in enumerate(classes):
        for j, name in enumerate(names):
            w, error = float(estimate[j, k]), float(errors[j, k])
            ratio = w / error if error else None
            tails = None if ratio is None else normal_tails(ratio) if df == inf else t_tails(ratio, df)
            withheld = bool(fit.l2)
            records.append(
                {
                    "name": name,
                    "class": name_of_class,
                    "weight": w,
                    "std_error": error,
                    **({"std_error_hc1": None if hc1 is None else error * hc1} if sandwich else {}),
                    letter: None if withheld else ratio,
                    "p_value": None if withheld else tails,
                    "low": None if withheld else w - q * error,
                    "high": None if withheld else w + q * error,
                    "odds_ratio": (exp(w) if w < 709.0 else inf) if of_classes else None,
                }
            )
    return records


def _fit_measures(fit: Fit, wald: float | None) -> dict[str, Any]:
    """The log-likelihood, that of a model of the bias only, and measures computed from them; F from `wald` if given."""
    model, N, y, omega = fit.model, fit.N, fit.rows.y, fit.rows.weights
    loss, parameters = fit.objective(fit.theta).loss, fit.parameters()
    null = best_constant_loss(model.loss, y, len(model.classes) if model.classes else None, omega)
    of_classes = fit.likelihood is Likelihood.CLASSES
    if of_classes:
        log_likelihood, none = -N * loss, -N * null
    else:  # of a normal y with the maximum-likelihood estimate of the variance
        spread = 0.5 * float(np.log(omega).sum()) if omega is not None else 0.0
        log_likelihood, none = (
            (spread - 0.5 * N * (log(2.0 * pi * part) + 1.0) if part > 0 else inf) for part in (loss, null)
        )
    measures: dict[str, Any] = {
        "log_likelihood": log_likelihood,
        "null_log_likelihood": none,
        "deviance": -2.0 * log_likelihood if of_classes else N * loss,
        "aic": 2.0 * parameters - 2.0 * log_likelihood,
        "bic": log(N) * parameters - 2.0 * log_likelihood,
        "mcfadden_r2" if of_classes else "r2": 1.0 - log_likelihood / none if of_classes else 1.0 - loss / null,
    }
    if not of_classes:
        df1, df2 = parameters - 1.0, N - parameters
        measures |= {"residual_std_error": sqrt(0.5 * fit.dispersion()), "df_model": df1, "df_residual": df2}
        if not fit.l2 and df1 > 0:
            f = (null - loss) / loss * df2 / df1 if wald is None else wald / df1
            measures |= {"f": f, "f_p_value": f_tail(f, df1, df2)}
    return measures


def _wald(w: Array, V: Array) -> float:
    """Wald's statistic wᵀV⁻¹w of the weights (m,) without the bias; it does not depend on units and base categories."""
    errors = np.sqrt(np.diag(V))
    errors = np.where(errors > 0, errors, 1.0)
    return float(w / errors @ np.linalg.lstsq(V / np.outer(errors, errors), w / errors, rcond=1e-12)[0])


def _inflation(fit: Fit, what: Coefficients) -> dict[str, float | None]:
    """The variance inflation factor of each feature, 1/(1 − R²) with the R² of its regression on the other features.

    It is the diagonal of the inverse correlation matrix; None if that is singular.
    """
    mean, square = fit.gram[-1, :-1] / fit.N, fit.gram[:-1, :-1] / fit.N
    centred = (square - np.outer(mean, mean))[np.ix_(what.kept, what.kept)]
    size = np.sqrt(np.diag(centred))
    try:
        with np.errstate(all="ignore"):
            found = np.diag(np.linalg.inv(centred / size / size[:, None])).tolist()
    except np.linalg.LinAlgError:
        found = [None] * len(what.names)
    return {
        name: v if v is not None and 1.0 - 1e-9 <= v < 1e12 else None for name, v in zip(what.names, found, strict=True)
    }


def _condition(fit: Fit, what: Coefficients) -> float | None:
    """The condition number of (X, 1) for the shown features: the largest singular value divided by the smallest."""
    # (x, 1)·β = (x', 1)·β' with β = Aβ', so that (x, 1) = (x', 1)·A⁻¹.
    everywhere = np.append(what.kept, len(fit.mean))
    back = np.linalg.pinv(what.A[:, everywhere])
    if fit.X.shape[0] * fit.X.shape[1] <= _DENSE:
        x = np.column_stack([dense(fit.X[:]), np.ones(fit.N)])[:, everywhere] @ back
        values = np.linalg.svd(x, compute_uv=False)
    else:
        values = np.sqrt(np.linalg.eigvalsh(back.T @ fit.gram[np.ix_(everywhere, everywhere)] @ back)[::-1].clip(0.0))
    return float(values[0] / values[-1]) if values[-1] > 0 else None
