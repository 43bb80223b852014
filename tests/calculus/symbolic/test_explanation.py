"""The steps of a derivation: they multiply to the gradient, and each rule is called what it is."""

import math

import pytest

from bpcli.calculus.language.parser import parse
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.symbolic.explanation import VectorStepsError, explained


def test_the_steps_of_a_derivation_multiply_to_the_gradient():
    text = "x**2*sin(y)+x/y"
    steps = explained(parse(text), text, ["x", "y"], {}, ["x", "y"])
    values = {"x": 0.7, "y": 1.3}
    rules = []
    for step in steps:
        formula = step.formula
        for name in sorted((n for n in values if n.startswith("df/")), key=len, reverse=True):
            formula = formula.replace(f"({name})", f"({values[name]!r})")
        code = {**{n: v for n, v in values.items() if "/" not in n}, "sin": math.sin, "cos": math.cos}
        values[step.name] = eval(formula, code)
        rules.append(step.rule)
        assert step.place in text
    _, gradient = Calculation([parse(text)], [text], {"x": (), "y": ()}, ["x", "y"]).gradient({"x": 0.7, "y": 1.3})
    assert values["df/dx"] == pytest.approx(gradient["x"], rel=1e-12)
    assert values["df/dy"] == pytest.approx(gradient["y"], rel=1e-12)
    assert {"product rule", "power rule, added to the other paths"} <= set(rules)
    with pytest.raises(VectorStepsError, match="steps are of expressions of numbers"):
        explained(parse("sum([x,y])"), "sum([x,y])", ["x", "y"], {}, ["x", "y"])


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("x**3", {"power rule"}),
        ("2**x", {"exponential rule"}),
        ("e^x", {"exponential rule"}),
        ("x**x", {"power rule", "exponential rule, added to the other paths"}),
        ("x**y", {"power rule", "exponential rule"}),
        ("x*y", {"product rule"}),
        ("3*x", {"constant factor rule"}),
        ("x/3", {"constant factor rule"}),
        ("3/x", {"quotient rule"}),
        ("x/y", {"quotient rule"}),
        ("-x", {"constant factor rule"}),
        ("x+y", {"sum rule"}),
        ("x-1", {"sum rule"}),
        ("sin(x)", {"derivative of sin"}),
        ("bce(1,x)", {"derivative of bce"}),
        ("max(x,y)", {"the largest has the slope"}),
    ],
)
def test_a_rule_is_called_what_it_is(text, rules):
    names = [name for name in ("x", "y") if name in text.replace("exp", "").replace("max", "")] or ["x"]
    names = ["x", "y"] if text == "max(x,y)" else names
    steps = explained(parse(text), text, names, {}, names)
    assert {step.rule for step in steps} - {"", "the output"} == rules


def test_what_is_held_fixed_is_a_constant_factor():
    steps = explained(parse("x*y"), "x*y", ["x", "y"], {}, ["x"])
    assert [(step.name, step.formula, step.rule) for step in steps[2:]] == [("df/dx", "y", "constant factor rule")]


def test_a_step_takes_no_name_of_a_variable():
    steps = explained(parse("sin(v2)*v2"), "sin(v2)*v2", ["v2"], {}, ["v2"])
    assert [step.name for step in steps[:2]] == ["t1", "t2"]


def test_in_latex():
    steps = explained(parse("Σ_1**2"), "Σ_1**2", ["Σ1"], {}, ["Σ1"], latex=True)
    assert steps[0] == ("v_{1}", r"\Sigma_{1}^{2}", "", r"\Sigma_{1}^{2}")
    assert steps[-1].name == r"\frac{\partial f}{\partial \Sigma_{1}}"
    assert steps[-1].formula == r"2 \Sigma_{1}"
    deep = explained(parse("sin(x**2)"), "sin(x**2)", ["x"], {}, ["x"], latex=True)
    assert deep[-1].formula == r"2 \frac{\partial f}{\partial v_{1}} x"
