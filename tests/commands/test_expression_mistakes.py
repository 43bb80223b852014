"""Other words in the place of an expression, a point or a layer."""

import shlex

import pytest

from bpcli.commands import cli
from bpcli.commands import expression_mistakes as mistakes
from bpcli.commands.typed_words import line_of


@pytest.mark.parametrize(
    ("of", "typed", "instead"),
    [
        (mistakes.point, "grad x*y x=1 y=2", "bpcli grad 'x*y' --at x=1,y=2"),
        (mistakes.point, "hessian x*y 1, 2", "bpcli hessian 'x*y' --at 1,2"),
        (mistakes.point, "descend x*y --at 1 2 --lr 0.5", "bpcli descend 'x*y' --lr 0.5 --at 1,2"),
        (mistakes.point, "grad x + y", "bpcli grad 'x + y'"),
        (mistakes.point, "eval a*x --a 2 --x 3", "bpcli eval 'a*x' --at a=2,x=3"),
        (mistakes.several_expressions, "jacobian 'x, y, x*y'", "bpcli jacobian x y 'x*y'"),
        (mistakes.several_expressions, "check 'x, y' --at 1,2", "bpcli check x y --at 1,2"),
        (mistakes.no_expression, "eval a.csv", "bpcli init --data a.csv > a.yaml writes a config for it"),
        (mistakes.no_expression, "eval a.yaml", "bpcli train a.yaml, or bpcli check a.yaml"),
        (mistakes.layer, "backprop tanh", "bpcli backprop neuron --activation tanh --x"),
        (mistakes.layer, "backprop huber", "bpcli backprop neuron --loss huber --x"),
        (mistakes.layer, "backprop softmax 1,2 --w 1", "bpcli backprop softmax --w 1 --x 1,2"),
    ],
)
def test_what_is_answered(of, typed, instead):
    assert of(line_of(shlex.split(typed), "", cli)).instead.startswith(instead)


@pytest.mark.parametrize(
    ("of", "typed"),
    [
        (mistakes.point, "grad x*y"),
        (mistakes.point, "jacobian x y"),
        (mistakes.several_expressions, "grad max(x,y)"),
        (mistakes.no_expression, "check a.yaml"),
        (mistakes.run_for_config, "train a.yaml"),
        (mistakes.config_for_model, "evaluate none.yaml"),
    ],
)
def test_what_is_no_mistake(of, typed):
    assert of(line_of(shlex.split(typed), "", cli)) is None
