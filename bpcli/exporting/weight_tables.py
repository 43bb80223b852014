"""Exports a model's weights in the units of the data: as JSON, with everything that a prediction needs, and as CSV."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from bpcli import __version__
from bpcli.errors import NotFiniteError
from bpcli.exporting.exported_model import Exported
from bpcli.text.notation import csv_line, json_text
from bpcli.training.model import Model


def weights_json(model: Model, exported: Exported) -> bytes:
    """A JSON object in one line, with weights and bias for z = x·weights + bias.

    The features x are in the units of the data; those of a category are 1 or 0. NotFiniteError for weights that
    overflow in these units.
    """
    w, b = _raw(model)
    record: dict[str, Any] = {
        "bpcli": __version__,
        "model": {"type": model.type, "activation": model.activation},
        "loss": model.loss,
        "target": model.preparation.target,
        "columns": [
            {
                "name": column.name,
                "categories": column.categories,
                "missing": column.words,
                "fill": column.filling,
            }
            for column in exported.inputs
        ],
        "features": list(model.preparation.feature_names),
        "classes": exported.classes,
        "weights": w,
        "bias": b,
        "threshold": model.threshold if model.has_threshold else None,
        "rows": [
            {
                "row": dict(zip([c.name for c in exported.inputs], row.cells, strict=True)),
                "expected": dict(zip(exported.names, row.expected, strict=True)),
            }
            for row in exported.rows
        ],
    }
    return f"{json_text(record)}\n".encode()


def weights_csv(model: Model, exported: Exported) -> bytes:
    """A row for each feature, a column for each output, and the bias as the last row. NotFiniteError as above."""
    return "".join(f"{csv_line(row)}\n" for row in _csv_rows(model, exported)).encode()


def _csv_rows(model: Model, exported: Exported) -> Iterator[Sequence[Any]]:
    w, b = _raw(model)
    yield ["feature", *(exported.classes if model.g is None and exported.classes else ["weight"])]
    for name, row in zip([*model.preparation.feature_names, "(bias)"], [*w.tolist(), b.tolist()], strict=True):
        yield [name, *row]


def _raw(model: Model) -> tuple[Any, Any]:
    w, b = model.weights(raw=True)
    for name, row in zip([*model.preparation.feature_names, "bias"], [*w, b], strict=True):
        if not np.isfinite(row).all():
            raise NotFiniteError(f"the weight of {name} in its own units is beyond the doubles")
    return w, b
