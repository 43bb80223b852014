"""Models with every kind of column and of name, each with a thousand rows, from the middle to saturation."""

import random

import numpy as np
import pytest

from bpcli.api.predictions import prediction_names, predictions
from bpcli.datasets.preparation.columns import Column
from bpcli.datasets.preparation.fitted import Preparation
from bpcli.exporting.exported_model import TestRow as Row
from bpcli.exporting.exported_model import answers, exported
from bpcli.formulas.layers import LAYERS, loss_of, pairs, task_of
from bpcli.training.model import Model

NAMES = ["x y", "x-y", 'a "b"', "it's", "*/ ??/ //\\", "new\nline", "é\u2028", "class", "__proto__", "<script>{0}%d"]
CLASSES = ('no "x"', "it's\n*/ \\", "9007199254740993", "é")
COLUMNS = (
    Column(NAMES[0], None, "mean", -0.0),
    Column(NAMES[1], None, "error", None),
    Column(NAMES[2], None, "error", None, boolean=True),
    Column(NAMES[3], ('r"ed', "it's", "a\\b", "*/é"), "most_frequent", "it's"),
    Column(NAMES[4], ("9007199254740993", "9007199254740992", "1", "2.5"), "error", None),
    Column(NAMES[5], ("false", "true"), "error", None),
    Column(NAMES[6], None, "median", 1e300),
    Column(NAMES[7], None, "error", None),
    Column(NAMES[8], None, "error", None),
    Column(NAMES[9], None, "error", None),
)


def _model_of(layer, activation, loss, standardize=True, dtype=float, many=4):
    """A model of all columns, with weights of both signs."""
    rng = np.random.default_rng(5 if many > 2 else 6)
    task = task_of(layer, loss)
    per_class = LAYERS[layer].per_class
    classes = None if task == "regression" else CLASSES[: many if per_class else 2]
    n = sum(1 if column.categories is None else len(column.categories) for column in COLUMNS)
    mean = scale = None
    if standardize:
        mean, scale = tuple(rng.normal(size=n).tolist()), tuple((0.5 + rng.random(n)).tolist())
        mean, scale = (*mean[:-4], 0.0, *mean[-3:]), (*scale[:-4], 1e300, *scale[-3:])
    else:
        scale = (*[1.0] * (n - 4), 1e300, *[1.0] * 3)
    preparation = Preparation("y", task, False, COLUMNS, classes, mean, scale)
    shape = (n, many) if per_class else (n,)
    w, b = rng.normal(size=shape).astype(dtype), rng.normal(size=shape[1:]).astype(dtype)
    return Model(layer, activation, loss, 0.3, w, b, preparation)


@pytest.fixture(scope="session")
def model_of():
    return _model_of


def rows_of(model, count=1000):
    """Cells whose z reach to ±800 and beyond, with gaps where they are filled and categories never seen."""
    draw = random.Random(3)
    rows = []
    for _ in range(count):
        size = draw.choice([1, 1, 30, 500])
        cells = []
        for column in COLUMNS:
            if column.fill is not None and draw.random() < 0.1:
                cells.append(None)
            elif column.categories is not None:
                cells.append(draw.choice([*column.categories, "never seen"]))
            elif column.boolean:
                cells.append(draw.random() < 0.5)
            else:
                value = round(draw.gauss(0, 1) * size, 3)
                cells.append(value * 1e300 if column.fill == 1e300 else value)
        rows.append(tuple(cells))
    return rows


def with_rows(model, count=1000):
    """The model for other languages, to be tested by rows of which each has finite outputs."""
    found = exported(model, prediction_names(model), predictions)
    rows = rows_of(model, count)
    pairs_ = zip(rows, answers(model, rows, found, predictions), strict=True)
    kept = [Row(cells, y) for cells, y in pairs_ if np.isfinite([v for v in y if isinstance(v, float)]).all()]
    return found._replace(rows=tuple(kept))


def _cases():
    """One model for each activation and each way from there to a prediction, and a softmax; one of two classes has a
    threshold."""
    seen = {}
    for layer, activation, loss in pairs():
        row = loss_of(loss)
        seen.setdefault((layer, activation, row.task, row.probability), (layer, activation, loss))
    two = [(*case, True, float, 2) for case in seen.values() if LAYERS[case[0]].per_class]
    return [*seen.values(), *two]


@pytest.fixture(
    params=_cases(),
    ids=lambda case: "-".join(part for part in map(str, case[:3]) if part != "None") + "-two" * (len(case) > 3),
    scope="session",
)
def export_of(request):
    """A model with a thousand rows."""
    found = with_rows(_model_of(*request.param))
    assert len(found.rows) > 600
    return found


TAMPERED = {"number": ("neuron", "tanh", "mse"), "classes": ("softmax", None, "cce")}


@pytest.fixture(params=TAMPERED.values(), ids=list(TAMPERED), scope="session")
def tampered(request):
    """A model with 50 rows, of which one expects a last number that bpcli does not give, by 1e-11 of it."""
    found = with_rows(_model_of(*request.param), 50)
    cells, expected = found.rows[7]
    rows = [*found.rows]
    rows[7] = Row(cells, (*expected[:-1], expected[-1] * (1 + 1e-11) + 1e-290))
    return found._replace(rows=tuple(rows))
