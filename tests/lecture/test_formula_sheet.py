"""The formulas that are shown of the lecture's functions, evaluated entry by entry beside the Jacobians in numbers."""

import re

import numpy as np
import pytest

from bpcli.lecture.formula_sheet import SHEETS, SLOPES, neuron_sheet, sheet_of
from bpcli.lecture.inputs import INPUTS
from bpcli.lecture.named_functions import NAMED

RNG = np.random.default_rng(3)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)


ONE_HOT = np.eye(3)[[0, 2]]
CASES = {
    "softmax": ({"logits": RNG.normal(size=3)}, lambda x: {"p": softmax(x["logits"])}),
    "log_softmax": ({"logits": RNG.normal(size=3)}, lambda x: {"p": softmax(x["logits"])}),
    **{
        name: ({"z": RNG.normal(size=3)}, lambda x, f=f: {"a": f(x["z"])})
        for name, f in {"sigmoid": sigmoid, "tanh": np.tanh, "relu": abs, "identity": abs, "softplus": abs}.items()
    },
    "dot": ({"u": RNG.normal(size=3), "v": RNG.normal(size=3)}, lambda x: {}),
    "affine": ({"x": RNG.normal(size=3), "w": RNG.normal(size=(3, 2)), "b": RNG.normal(size=2)}, lambda x: {}),
    "mse": ({"y": RNG.normal(size=4), "yhat": RNG.normal(size=4)}, lambda x: {"N": 4}),
    "bce": ({"y": np.array([0.0, 1, 1]), "yhat": RNG.uniform(0.1, 0.9, 3)}, lambda x: {"N": 3}),
    "cce": ({"y": ONE_HOT, "yhat": softmax(RNG.normal(size=(2, 3)))}, lambda x: {"N": 2}),
    "sigmoid_bce": ({"y": np.array([0.0, 1, 1]), "z": RNG.normal(size=3)}, lambda x: {"N": 3, "a": sigmoid(x["z"])}),
    "softmax_cce": (
        {"y": ONE_HOT, "logits": RNG.normal(size=(2, 3))},
        lambda x: {"N": 2, "p": softmax(x["logits"])},
    ),
}


def evaluated(sheet, inputs, names, block, outputs, shape):
    """The Jacobian by a block that the entries of a sheet describe: outputs × entries, NaN where none does."""
    found = np.full((outputs, int(np.prod(shape, dtype=int))), np.nan)
    for entry in sheet.entries:
        output, by = entry.of.split("/")
        if by.partition("[")[0] != f"d{block}":
            continue
        rows = re.findall(r"\[(.*)\]", output)
        columns = re.findall(r"\[(.*)\]", by)
        letters = sorted({letter for part in (*rows, *columns) for letter in part.split(",")})
        for places in np.ndindex(*[max(outputs, *shape, 1)] * len(letters)):
            at = dict(zip(letters, places, strict=True))
            row = at[rows[0]] if rows else 0
            column = tuple(at[letter] for letter in columns[0].split(",")) if columns else ()
            inside = row < outputs and all(k < n for k, n in zip(column, shape, strict=True))
            if not inside or (entry.where and not eval(entry.where, {}, at)):
                continue
            value = eval(entry.formula, {"where": np.where, "sigmoid": sigmoid, **inputs, **names, **at})
            place = int(np.ravel_multi_index(column, shape)) if shape else 0
            assert np.isnan(found[row, place]), entry
            found[row, place] = value
    return found


def test_every_function_has_its_formulas():
    assert {*SHEETS, "neuron"} == set(INPUTS) == set(NAMED)
    assert set(CASES) == set(SHEETS)


@pytest.mark.parametrize("name", CASES)
def test_the_formulas_are_the_jacobian(name):
    inputs, names = CASES[name]
    checked = NAMED[name].check(dict(inputs))
    for block, matrix in NAMED[name].jacobian(checked).items():
        shape = np.shape(inputs[block])
        got = evaluated(sheet_of(name), inputs, names(inputs), block, len(matrix), shape)
        np.testing.assert_allclose(got, np.reshape(matrix, got.shape), rtol=1e-12)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "identity"])
def test_the_formulas_of_a_neuron_are_its_jacobian(activation):
    inputs = {"x": RNG.normal(size=3), "w": RNG.normal(size=3), "b": 0.2}
    z = inputs["x"] @ inputs["w"] + 0.2
    names = {"z": z, "a": {"sigmoid": sigmoid, "tanh": np.tanh}.get(activation, abs)(z)}
    checked = NAMED["neuron"].check({**inputs, "activation": activation})
    for block, matrix in NAMED["neuron"].jacobian(checked).items():
        got = evaluated(neuron_sheet(activation), inputs, names, block, 1, np.shape(inputs[block]))
        np.testing.assert_allclose(got, np.reshape(matrix, got.shape), rtol=1e-12)


def test_the_command_shows_them(bpcli):
    assert bpcli("jacobian", "softmax").lines == [
        "dp[i]/dlogits[i]  p[i]*(1-p[i])",
        "dp[i]/dlogits[j]  -p[i]*p[j]     i != j",
        "",
        "where p = softmax(logits)",
    ]
    for name in INPUTS:
        assert bpcli("jacobian", name).code == 0
        (*_, last) = bpcli("jacobian", name, "--latex").lines
        assert last.startswith(r"\frac{\partial")
        assert last.count("{") == last.count("}")
        assert bpcli("jacobian", name, "--format", "json").json[0]["function"] == name
        assert bpcli("jacobian", name, "--format", "csv").lines[0] == "entry,formula,where"
    assert "a*(1-a)*w[j]" in bpcli("jacobian", "neuron", "--activation", "sigmoid").out
    assert set(SLOPES) < set(INPUTS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["softmax", "--explain"], "--explain is of expressions"),
        (["softmax", "--logits", "1,2", "--latex"], "--latex is of formulas"),
        (["softmax", "--activation", "relu"], "softmax takes no --activation"),
        (["neuron", "--x", "1"], "neuron needs --w, --b, --activation"),
        (["softmax", "--vjp", "1,2"], "softmax needs --logits"),
    ],
)
def test_mistakes(bpcli, options, message):
    result = bpcli("jacobian", *options)
    assert result.code == 2
    assert message in result.err
