"""The formulas that `grad`, `jacobian` and `hessian` print without a point."""

import sys

import pytest


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["grad", "x**2+y**2"], ["2*x 2*y"]),
        (["grad", "x**2*y", "--wrt", "x"], ["2*x*y"]),
        (["grad", "k*x**2", "--let", "k=3"], ["6*x"]),
        (["hessian", "x**2*y"], ["2*y 2*x", "2*x 0"]),
        (["jacobian", "x*y", "x+y"], ["y x", "1 1"]),
        (["jacobian", "x*y", "x+y", "--latex"], [r"\begin{pmatrix} y & x \\ 1 & 1 \end{pmatrix}"]),
        (["grad", "x**2", "--latex"], ["2 x"]),
        (["grad", "dot(w,x)", "--shape", "w=2,x=2"], ["d/dw:", "x[0] x[1]", "d/dx:", "w[0] w[1]"]),
        (["grad", "x**2+y", "--format", "csv"], ["d/dx,d/dy", "2*x,1"]),
        (["grad", "(x**2-1)/(x-1)"], ["1"]),
    ],
)
def test_formulas(bpcli, arguments, lines):
    result = bpcli(*arguments)
    assert (result.code, result.err) == (0, "")
    assert result.lines == lines


def test_json(bpcli):
    assert bpcli("grad", "x*y", "--format", "json").json == [
        {"function": "x*y", "variables": ["x", "y"], "gradient": {"x": "y", "y": "x"}}
    ]
    assert bpcli("jacobian", "x*y", "x", "--format", "json").json == [
        {"function": ["x*y", "x"], "variables": ["x", "y"], "jacobian": {"x": [["y"], ["1"]], "y": [["x"], ["0"]]}}
    ]
    assert bpcli("hessian", "x*y", "--format", "json").json[0]["hessian"] == [["0", "1"], ["1", "0"]]
    steps = bpcli("grad", "x*y", "--explain", "--format", "json").json
    assert steps[0] == {"function": "x*y", "step": 1, "name": "v1", "formula": "x*y", "rule": "", "place": "x*y"}
    assert bpcli("grad", "x*y", "--explain", "--format", "csv").lines[0] == "function,step,name,formula,rule,place"
    assert "product rule" in bpcli("grad", "x*y", "--explain").out


def test_sympy_shortens_only_where_it_is_asked_to(bpcli, monkeypatch):
    assert bpcli("grad", "sin(x)*cos(x)").lines == ["cos(x)**2-sin(x)**2"]
    assert bpcli("grad", "sin(x)*cos(x)", "--simplify").lines == ["cos(2*x)"]
    monkeypatch.setitem(sys.modules, "sympy", None)
    assert bpcli("grad", "(x**2-1)/(x-1)").lines == ["1"]
    for command in ("grad", "jacobian", "hessian"):
        result = bpcli(command, "x*y", "--simplify")
        assert (result.code, result.out) == (2, "")
        assert "pip install 'bpcli[symbolic]'" in result.err


def test_steps_in_latex(bpcli):
    lines = bpcli("grad", "2^x", "--explain", "--latex").lines
    assert lines[0] == r"\begin{aligned}"
    assert lines[1] == r"v_{1} &= 2^{x} && \text{value} && 2^{x} \\"
    assert lines[-2].endswith(r"&& \text{exponential rule} && 2^{x}")
    record = bpcli("grad", "x/y", "--explain", "--latex", "--format", "json").json[0]
    assert record["formula"] == r"\frac{x}{y}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["grad", "sum(x)"], "--shape x=3 for a vector of 3"),
        (["grad", "x", "--at", "1", "--latex"], "--latex goes with formulas, and a point is given"),
        (["grad", "x", "--at", "1", "--simplify"], "--simplify goes with formulas, and a point is given"),
        (["grad", "x", "--simplify", "--explain"], "take one of them"),
        (["jacobian", "softmax", "--simplify"], "--simplify goes with expressions, and softmax is a name"),
        (["grad", "x", "--certify"], "--certify needs a point"),
        (["grad", "x", "--kink", "left"], "--kink needs a point"),
        (["grad", "x", "--shape", "y=3"], "y is no variable"),
        (["grad", "x", "--shape", "x=0"], "expected NAME=N"),
        (["grad", "x", "--shape", "x"], "expected NAME=N"),
        (["grad", "sum(x)", "--shape", "x=2", "--explain"], "--explain takes expressions of numbers"),
        (["jacobian", "softmax(x)", "--shape", "x=100"], "there would be 100 × 100 formulas"),
        (["grad", "x[9999999]"], "x would have 10000000 entries"),
        (["jacobian", "x*y", "--vjp", "1"], "x has no value"),
        (["grad", "[x,y]"], "a gradient is of one number"),
    ],
)
def test_wrong_usage(bpcli, arguments, message):
    result = bpcli(*arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err


def test_the_steps_of_several_outputs_and_of_second_derivatives(bpcli):
    lines = bpcli("jacobian", "x*y", "sin(x)", "--explain").lines
    assert [line for line in lines if line.startswith("f =")] == ["f = x*y", "f = sin(x)"]
    assert any("derivative of sin" in line for line in lines)
    lines = bpcli("hessian", "x**2*y", "--explain").lines
    assert [line for line in lines if " = " in line] == ["f = x**2*y", "df/dx = 2*x*y", "df/dy = x**2"]
    records = bpcli("hessian", "x**2*y", "--explain", "--format", "json").json
    assert list(dict.fromkeys(record["function"] for record in records)) == ["x**2*y", "2*x*y", "x**2"]
    rows = bpcli("jacobian", "x*y", "sin(x)", "--explain", "--format", "csv").lines
    assert rows[0] == "function,step,name,formula,rule,place"
    assert {row.partition(",")[0] for row in rows[1:]} == {"x*y", "sin(x)"}
