"""What an export holds of a model: its columns, its outputs as trees of the row's own functions, and rows."""

import numpy as np
import pytest

from bpcli.api.predictions import prediction_names, predictions
from bpcli.calculus.language.render import to_text
from bpcli.datasets.preparation.columns import category_codes
from bpcli.exporting.exported_model import exported, same_cells
from bpcli.formulas.activations import ACTIVATIONS


def test_the_outputs_are_the_functions_of_the_rows(export_of):
    for tree in export_of.outputs:
        assert to_text(tree)  # an expression of bpcli's own
    assert len(export_of.outputs) == (0 if export_of.kind == "softmax" else 2 if export_of.says_probabilities else 1)


def test_its_own_rows_reach_saturation_and_have_gaps_and_unseen_categories(model_of):
    found = exported(model := model_of("neuron", "sigmoid", "bce"), prediction_names(model), predictions)
    cells = [cell for row in found.rows for cell in row.cells]
    assert None in cells
    assert "never seen" in cells
    assert min(row.expected[1] for row in found.rows) < 1e-250
    assert max(row.expected[1] for row in found.rows) == 1
    assert all(np.isfinite(row.expected[1:]).all() for row in found.rows)


def test_a_cell_that_means_a_category_is_one_for_predict_too(model_of):
    from bpcli.datasets.from_python import table_of

    model = model_of("neuron", "sigmoid", "bce")
    found = exported(model, prediction_names(model), predictions)
    for column, raw in zip(found.inputs, model.preparation.columns, strict=True):
        for cell, code in same_cells(column).items() if column.categories else ():
            if not (cell in "01" and "true" in raw.categories):  # where a database has 1 and 0 for booleans
                table = table_of({raw.name: np.array([cell, "text"])}, [raw.name])
                assert category_codes(table, raw, {})[0] == code


def test_an_activation_without_a_formula_is_refused(model_of, monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "odd", ACTIVATIONS["identity"]._replace(name="odd", value=lambda z: np.sort(z[0])))
    model = model_of("neuron", "odd", "mse")
    with pytest.raises(Exception, match="odd has no formula that can be exported"):
        exported(model, prediction_names(model), predictions)
