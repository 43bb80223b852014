"""A model as an ONNX graph, run by onnxruntime."""

import json

import numpy as np
import pytest

from bpcli.exporting.onnx_graph import onnx_graph

pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")


def session_of(model):
    return runtime.InferenceSession(onnx_graph(model), providers=["CPUExecutionProvider"])


def outputs_of(session, rows):
    """The outputs for rows of cells, as the rows in the file's metadata have them."""
    inputs = {}
    for place, declared in enumerate(session.get_inputs()):
        column = [row[place] for row in rows]
        text = declared.type == "tensor(string)"
        numbers = None if text else np.array([np.nan if x is None else float(x) for x in column])
        inputs[declared.name] = (np.array(["" if x is None else x for x in column], object) if text else numbers)[
            :, None
        ]
    return session.run(None, inputs)


def test_it_agrees_on_a_thousand_rows(export_of):
    model = export_of
    session = session_of(model)
    rows = json.loads(session.get_modelmeta().custom_metadata_map["test_rows"])
    prediction, *p = outputs_of(session, [row["inputs"] for row in rows])
    expected = [row["outputs"] for row in rows]
    assert len(rows) == len(model.rows)
    if model.classes is None:
        assert prediction == pytest.approx(np.array([y[0] for y in expected]), rel=1e-12, abs=1e-322)
    else:
        assert prediction.tolist() == [y[0] for y in expected]
    for found in p:
        assert found == pytest.approx(np.array([y[1:] for y in expected]), rel=1e-12, abs=1e-322)


def test_it_tests_itself(export_of, capsys):
    rows = len(export_of.rows)
    test = session_of(export_of).get_modelmeta().custom_metadata_map["test"]
    exec(test, {"session": session_of(export_of)})
    assert capsys.readouterr().out == f"{rows} of {rows} rows agree with bpcli\n"
    first = export_of.rows[0]
    other = "another" if export_of.classes else first.expected[0] + 1e-9 * (1 + abs(first.expected[0]))
    wrong = export_of._replace(rows=(first._replace(expected=(other, *first.expected[1:])), *export_of.rows[1:]))
    with pytest.raises(SystemExit, match="1"):
        exec(test, {"session": session_of(wrong)})
    assert capsys.readouterr().out == f"{rows - 1} of {rows} rows agree with bpcli\n"
