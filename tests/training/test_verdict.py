"""A model that has learned nothing is told, with the advice that fits its features."""

import re

import numpy as np
import pytest
from scipy.sparse import csr_array

from bpcli.datasets.preparation.columns import Column
from bpcli.datasets.preparation.fitted import Preparation
from bpcli.formulas.choices import Task
from bpcli.training.model import Model
from bpcli.training.verdict import advice, no_better_than_constant, short_of_optimum


@pytest.mark.parametrize(
    ("loss", "constant", "useless"),
    [
        (0.5, 0.6931, False),
        (0.6931, 0.6931, True),
        (0.6931 * (1 - 1e-13), 0.6931, True),  # rounding
        (0.6931 * (1 - 1e-11), 0.6931, False),
        (5.7, 0.69, True),
        (-3.0, -2.0, False),  # poisson's may be negative
        (-2.0, -2.0, True),
        (0.0, 0.0, True),
    ],
)
def test_a_loss_that_is_not_below_the_best_constants_is_useless(loss, constant, useless):
    assert bool(no_better_than_constant({"train": {"loss": loss}, "best_constant_loss": constant})) == useless
    weighted = {"loss": loss, "best_constant_loss": constant}
    other = {"train": {"loss": 1.0}, "best_constant_loss": 2.0 - useless, "weighted": weighted}
    assert bool(no_better_than_constant(other)) == useless


@pytest.mark.parametrize(
    ("X", "mean", "expected"),
    [
        ([[1.0, 2], [3, 4]], None, "try another training.learning_rate"),
        ([[1.0, 2000], [3, 4]], None, "try data.standardize: true, as .* such as 3 .a. and 2000 .b.; or another"),
        ([[1e-5, 0], [3e-5, 0]], None, "try data.standardize: true, as .* such as 3e-5 .a.; or"),
        ([[0.0, 0], [0, 0]], None, "try another"),
        ([[1.0, 2000], [3, 4]], (0.0, 0.0), "try another training.learning_rate"),
        (csr_array([[0, 200.0], [0, 0]]), None, "try data.scale: 200, or another"),
        (csr_array([[0, 2.0], [0, 0]]), None, "try another"),
    ],
)
def test_the_advice_looks_at_the_scales(X, mean, expected):
    columns = (Column("a", None, "error", None), Column("b", None, "error", None))
    preparation = Preparation("y", Task.REGRESSION, False, columns, None, mean, None)
    model = Model("neuron", "identity", "mse", 0.5, np.zeros(2), np.zeros(()), preparation)
    data = X if hasattr(X, "indptr") else np.array(X)
    away = {"gradient_norm": 0.5, "reached": False}
    assert re.match(expected, advice(model, data, away))
    flat, there = {"gradient_norm": 0.0, "reached": False}, {"gradient_norm": 0.0, "reached": True}
    assert "model.init: normal, or a smaller training.learning_rate" in advice(model, data, flat)
    assert "other features" in advice(model, data, there)
    for optimum in (away, flat, there):  # of a solver, whose steps are its own
        assert "learning_rate" not in advice(model, data, optimum, own_steps=True)


@pytest.mark.parametrize(
    ("norm", "epochs", "best", "said"),
    [
        (1e-3, 17, {"best_epoch": 7}, "early stopping kept epoch 7 of 17"),
        (1e-3, 50, {"best_epoch": 40}, "early stopping kept epoch 40 of 50"),
        (1e-3, 50, {"best_epoch": 50}, "training.epochs were used up"),
        (1e-3, 50, {}, "training.epochs were used up"),
        (1e-3, 17, {}, "no step led further down"),
        (1e-9, 17, {"best_epoch": 7}, ""),
    ],
)
def test_why_the_optimum_is_not_reached(norm, epochs, best, said):
    summary = {"optimum": {"gradient_norm": norm, "reached": norm < 1e-8}, "epochs": epochs, **best}
    told = short_of_optimum(summary, 1e-8, 50)
    assert said in told
    assert bool(said) == bool(told)
