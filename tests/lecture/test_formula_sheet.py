"""The formulas that are shown of the lecture's functions, evaluated entry by entry beside the Jacobians in numbers."""

import csv
import math
import re

import numpy as np
import pytest

import bpcli as package
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.choices import Task
from bpcli.formulas.losses import LOSSES
from bpcli.lecture.formula_sheet import fused_sheet, neuron_sheet, one_formula, sheet_of
from bpcli.lecture.inputs import INPUTS, fused_names, settings_of
from bpcli.lecture.named_functions import NAMED

RNG = np.random.default_rng(3)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)


FUNCTIONS = {
    "where": np.where, "sigmoid": sigmoid, "exp": np.exp, "log": np.log, "abs": abs, "sign": np.sign, "max": max,
    "min": min, "tanh": np.tanh,
}  # fmt: skip
ONE_HOT = np.eye(3)[[0, 2]]
MATRICES = {
    "softmax": ({"logits": RNG.normal(size=3)}, lambda x: {"p": softmax(x["logits"])}),
    "log_softmax": ({"logits": RNG.normal(size=3)}, lambda x: {"p": softmax(x["logits"])}),
    "dot": ({"u": RNG.normal(size=3), "v": RNG.normal(size=3)}, lambda x: {}),
    "affine": ({"x": RNG.normal(size=3), "w": RNG.normal(size=(3, 2)), "b": RNG.normal(size=2)}, lambda x: {}),
}


def settings(row):
    return {name: setting.default for name, setting in row.settings.items()}


def within(interval, size):
    """Numbers of an interval."""
    low = interval.low if math.isfinite(interval.low) else min(-2.0, interval.high - 2)
    high = interval.high if math.isfinite(interval.high) else max(2.0, low + 2)
    return RNG.uniform(low + 0.1 * (high - low), high - 0.1 * (high - low), size)


def labels(row):
    return np.array(row.encoding)[[0, 1, 1, 0]] if row.encoding else within(row.labels, 4)


def case(name):
    """Inputs of a function, and what the names in its formulas stand for."""
    if name in MATRICES:
        inputs, names = MATRICES[name]
        return inputs, names(inputs)
    if name in ACTIVATIONS:
        z = np.array([-1.3, 0.4, 2.1])
        return {"z": z}, {"a": ACTIVATIONS[name].value(z), **settings(ACTIVATIONS[name])}
    g, row = fused_names().get(name, (None, LOSSES.get(name)))
    if row.task is Task.CLASSES:
        logits = RNG.normal(size=(2, 3))
        p = softmax(logits)
        return {"y": ONE_HOT, "yhat" if g is None else "logits": p if g is None else logits}, {"N": 2, "p": p}
    if g is None:
        return {"y": labels(row), "yhat": within(row.domain, 4)}, {"N": 4, **settings(row)}
    z = np.array([-1.3, 0.4, 2.1, -0.2])
    names = {"a": ACTIVATIONS[g].value(z), **settings(row), **settings(ACTIVATIONS[g])}
    return {"y": labels(row), "z": z}, {"N": 4, **names}


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
            value = eval(entry.formula, {**FUNCTIONS, **inputs, **names, **at})
            place = int(np.ravel_multi_index(column, shape)) if shape else 0
            assert np.isnan(found[row, place]), entry
            found[row, place] = value
    return found


@pytest.mark.parametrize("name", [name for name in NAMED if "activation" not in INPUTS[name]])
def test_the_formulas_are_the_jacobian(name):
    inputs, names = case(name)
    checked = NAMED[name].check(dict(inputs))
    for block, matrix in NAMED[name].jacobian(checked).items():
        shape = np.shape(inputs[block])
        got = evaluated(sheet_of(name), inputs, names, block, len(matrix), shape)
        np.testing.assert_allclose(got, np.reshape(matrix, got.shape), rtol=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_formulas_of_a_neuron_are_its_jacobian(activation):
    inputs = {"x": RNG.normal(size=3), "w": RNG.normal(size=3), "b": 0.2}
    z = inputs["x"] @ inputs["w"] + 0.2
    row = ACTIVATIONS[activation]
    names = {"z": z, "a": row.value(z), **settings(row)}
    checked = NAMED["neuron"].check({**inputs, "activation": activation})
    for block, matrix in NAMED["neuron"].jacobian(checked).items():
        got = evaluated(neuron_sheet(row), inputs, names, block, 1, np.shape(inputs[block]))
        np.testing.assert_allclose(got, np.reshape(matrix, got.shape), rtol=1e-12)


ONE_FORMULA = [(name, None) for name in INPUTS if one_formula(name)] + [("neuron", name) for name in ACTIVATIONS]


@pytest.mark.parametrize(("name", "activation"), ONE_FORMULA)
def test_what_is_one_formula_has_the_value_and_the_derivatives_of_the_function(bpcli, name, activation):
    given = {key: 0.75 * setting.default for key, setting in settings_of(name, activation).items()}
    formula = one_formula(name, activation, given)
    inputs = dict.fromkeys(INPUTS[name], 0.4) | ({"y": 1.0} if "y" in INPUTS[name] else {})
    function = package.grad(formula.text, wrt=formula.blocks, let=formula.settings)
    values = {key: inputs[key] for key in function.variables}
    if "label" in inputs:  # of the entry of the true class
        inputs = {"yhat": [0.4, 0.6], "label": 0}
    chosen = {"activation": activation} if activation else {}
    blocks = NAMED[name].jacobian(NAMED[name].check({**inputs, **chosen, **given}))
    expected = [blocks[block].ravel()[0] for block in formula.blocks]
    assert [function(values)[function.wrt.index(block)] for block in formula.blocks] == pytest.approx(
        expected, rel=1e-12
    )
    options = ["--activation", activation] if activation else []
    lines = bpcli("jacobian", name, *options, "--explain").lines
    assert {line.split()[0] for line in lines} >= {f"df/d{block}" for block in formula.blocks}


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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["softmax", "--simplify"], "--simplify goes with expressions"),
        (["softmax", "--explain"], "--explain takes formulas of numbers, and softmax is none"),
        (["softmax_cce", "--explain"], "--explain takes formulas of numbers"),
        (["neuron", "--explain"], "--activation NAME names its g"),
        (["relu", "--z", "1", "--explain"], "--explain goes with formulas, and inputs are given"),
        (["mse", "--explain", "--wrt", "y"], "its blocks are yhat"),
        (["mse", "--explain", "--activation", "relu"], "mse takes no --activation"),
        (["softmax", "--logits", "1,2", "--latex"], "--latex goes with formulas"),
        (["softmax", "--activation", "relu"], "softmax takes no --activation"),
        (["neuron", "--x", "1"], "neuron needs --w, --b, --activation"),
        (["softmax", "--vjp", "1,2"], "softmax needs --logits"),
    ],
)
def test_mistakes(bpcli, options, message):
    result = bpcli("jacobian", *options)
    assert result.code == 2
    assert message in result.err


@pytest.mark.parametrize(
    ("slope", "line"),
    [
        ("a-y", r"\frac{\partial J}{\partial \vec{z}} = \frac{1}{N} (\vec{a} - \vec{y})^T"),
        ("(a-y)/a", r"\frac{\partial J}{\partial z_i} = \frac{1}{N} \frac{a_i - y_i}{a_i}"),
        ("3*a*y", r"\frac{\partial J}{\partial z_i} = \frac{3}{N} a_i y_i"),
    ],
)
def test_a_slope_is_written_in_vectors_where_it_is_one_of_them(slope, line):
    row = LOSSES["bce"]
    form = row.fused["sigmoid"]._replace(slope_formula=slope)
    assert fused_sheet("sigmoid", row._replace(fused={"sigmoid": form})).latex == (line,)


def last_steps(bpcli, *arguments, **at):
    """The slopes to which the printed steps lead, worked by Python one after the other."""
    names = {**at, "where": lambda c, a, b: a if c else b, "max": max, "exp": np.exp, "abs": abs, "sign": np.sign}
    for line in bpcli("jacobian", *arguments, "--explain", "--format", "csv").lines[1:]:
        _, _, name, formula, *_ = next(csv.reader([line]))
        formula = re.sub(r"\(?df/d(\w+)\)?", r"df_d\1", formula)
        names[name.replace("/", "_")] = eval(formula, {"__builtins__": {}}, names)
    return {name.removeprefix("df_d"): float(value) for name, value in names.items() if name.startswith("df_d")}


@pytest.mark.parametrize(
    ("name", "at", "by", "slope"),
    [
        ("relu", {"z": 0.0}, "z", 1),  # the lecture's
        ("relu", {"z": -1.0}, "z", 0),
        ("leaky_relu", {"z": 0.0, "slope": 0.01}, "z", 1),
        ("elu", {"z": 0.0, "alpha": 2.0}, "z", 1),
        ("hinge", {"y": 1.0, "yhat": 1.0}, "yhat", 0),
        ("hinge", {"y": -1.0, "yhat": -1.0}, "yhat", 0),
        ("hinge", {"y": -1.0, "yhat": 0.5}, "yhat", 1),
        ("huber", {"y": 0.0, "yhat": 1.0, "delta": 1.0}, "yhat", 1),
    ],
)
def test_the_steps_lead_to_the_slope_by_convention_at_a_kink(bpcli, name, at, by, slope):
    assert last_steps(bpcli, name, **at)[by] == slope


def test_the_steps_of_a_neuron_at_a_kink(bpcli):
    slopes = last_steps(bpcli, "neuron", "--activation", "relu", x=2.0, w=1.0, b=-2.0)
    assert (slopes["x"], slopes["w"], slopes["b"]) == (1, 2, 1)


def test_options_of_numbers_need_inputs(bpcli):
    for name in INPUTS:
        for option in (["--certify"], ["--kink", "left"]):
            result = bpcli("jacobian", name, *option)
            assert (result.code, result.out) == (2, "")
            assert f"{option[0]} needs a point" in result.err
