"""The lecture's functions as questions: their names in formulas, every label and side, forgotten links."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from bpcli.api.derivative_checks import NamedSubject, grade
from bpcli.calculus.checks.questions import smooth
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.losses import LOSSES
from bpcli.lecture.inputs import INPUTS
from bpcli.lecture.named_functions import NAMED
from bpcli.lecture.named_questions import named_probes, named_question, some_inputs

SLOPES = {  # by hand, in the value a
    "sigmoid": ["a*(1-a)", "exp(-z)/(1+exp(-z))**2", "a-a**2"],
    "tanh": ["1-a**2", "(1+a)*(1-a)", "1/cosh(z)**2"],
    "relu": ["where(z>0,1,0)", "a/z"],
    "identity": ["1+0*z", "where(z==0,1,a/z)"],
    "softplus": ["1-exp(-a)", "1/(1+exp(-z))"],
}
WRONG = {"sigmoid": "a", "tanh": "1-a", "relu": "z/z", "identity": "z", "softplus": "a"}


@pytest.mark.parametrize("name", SLOPES)
@pytest.mark.parametrize("z", [None, 0.5, [0.5, -1.0], -30.0])
def test_a_is_the_value_of_the_function(name, z):
    inputs = {} if z is None else {"z": z}
    for mine in SLOPES[name]:
        assert grade(name, mine=mine, **inputs).finding == "right", mine
    assert grade(name, mine=WRONG[name], **inputs).agree is False


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_slope_that_a_row_writes_is_right(name):
    row = ACTIVATIONS[name]
    mine = row.derivative_formula
    mine = f"{mine}+0*z" if mine.replace(".", "").isdigit() else mine
    assert grade(name, mine=mine).finding == "right"


@pytest.mark.parametrize("name", LOSSES)
def test_the_slope_that_a_loss_writes_is_right(name):
    found = grade(name, mine=LOSSES[name].slope_formula)
    assert found.finding == "right", found


ANSWERS = [
    ("softmax", {}, "p*(1-p)", "diagonal_only"),
    ("softmax", {"logits": [1, 2]}, "p[0]*(1-p[0]),-p[0]*p[1];-p[0]*p[1],p[1]*(1-p[1])", "right"),
    ("softmax", {"logits": [1, 2]}, "p[0]*(1-p[0]),p[0]*p[1];p[0]*p[1],p[1]*(1-p[1])", "sign"),
    ("log_softmax", {"logits": [1, 2]}, "1-p[0],-p[1];-p[0],1-p[1]", "right"),
    ("log_softmax", {"logits": [1, 2]}, "1-p[0],-p[0];-p[1],1-p[1]", "transposed"),
    ("softmax_cce", {}, "p-y", "right"),
    ("softmax_cce", {}, "y-p", "sign"),
    ("softmax_cce", {}, "-y/p", "inner_derivative"),
    ("softmax_cce", {"logits": [[1, 2, 3], [0, 1, 0]], "label": [2, 0]}, "p-y", "missing_mean"),
    ("softmax_cce", {"logits": [[1, 2, 3], [0, 1, 0]], "label": [2, 0]}, "(p[i,k]-y[i,k])/N", "right"),
    ("softmax_cce", {"logits": [1.0, 2.0, 3.0], "label": 2}, "p-[0,0,1]", "domain"),
    ("sigmoid_bce", {}, "a-y", "right"),
    ("sigmoid_bce", {}, "(a-y)/(a*(1-a))", "inner_derivative"),
    ("sigmoid_bce", {"z": 0.3, "y": 0}, "a+y", "domain"),
    ("sigmoid_bce", {"z": 0.3, "y": 1}, "a-1", "domain"),
    ("sigmoid_bce", {"z": [0.3, 1.0], "y": [1, 0]}, "a-y", "missing_mean"),
    ("bce", {"y": 1, "yhat": 0.7}, "-y/yhat-(1-y)/(1-yhat)", "domain"),
    ("bce", {"y": 0, "yhat": 0.7}, "1/(1-yhat)", "domain"),
    ("bce", {"y": 1, "yhat": 0.7}, "-y/yhat+(1-y)/(1-yhat)", "right"),
    ("mse", {"y": [[1, 2], [3, 4]], "yhat": [[2, 4], [1, 1]]}, "-2*(y-yhat)", "missing_mean"),
    ("mse", {"y": [[1, 2], [3, 4]], "yhat": [[2, 4], [1, 1]]}, "-2/N*(y-yhat)", "right"),
    ("cce", {"yhat": [[0.3, 0.7], [0.6, 0.4]], "label": [0, 1]}, "-y/yhat", "missing_mean"),
    ("mse", {"y": [1, 2], "yhat": [3, 5]}, "4*(yhat-y)/N", "factor"),
    ("mse", {"y": [1, 2, 4], "yhat": [3, 5, 1]}, "6*(yhat-y)/N", "factor"),
    ("mse", {"y": [1, 2, 4], "yhat": [3, 5, 1]}, "2*(yhat-y)/3*3", "missing_mean"),
    ("softmax_cce", {"logits": [[1, 2, 3], [0, 1, 0], [1, 1, 1]], "label": [2, 0, 1]}, "3*(p-y)/N", "factor"),
    ("neuron", {"activation": "sigmoid"}, "a*w,a*x,a", "value"),
    ("neuron", {"activation": "tanh"}, "a*w,a*x,a", "value"),
    ("dot", {}, "u,v", "swapped"),
    ("affine", {"x": [1, 2], "w": [3, 4], "b": 1}, "x,w,1", "swapped"),
    ("neuron", {"activation": "tanh"}, "w*(1-a**2),x*(1-a**2),1-a**2", "right"),
    ("neuron", {"activation": "tanh"}, "x*(1-a**2),w*(1-a**2),1-a**2", "swapped"),
    ("neuron", {"activation": "tanh"}, "w,x,1+0*b", "outer_derivative"),
    ("neuron", {"activation": "sigmoid", "wrt": "w"}, "x*a*(1-a)", "right"),
    ("neuron", {"activation": "sigmoid", "wrt": "w"}, "x", "outer_derivative"),
    ("neuron", {"activation": "tanh", "wrt": "b"}, "1+0*b", "outer_derivative"),
    ("neuron", {"activation": "sigmoid", "wrt": "w"}, "a*(1-a)", "inner_derivative"),
    ("neuron", {"activation": "sigmoid", "wrt": "w"}, "a", "shape"),
    ("neuron", {"activation": "sigmoid"}, "a*(1-a)", "inner_derivative"),
    ("sigmoid", {"z": [0.5, 1.0]}, "-a*(1-a)", "sign"),
    ("sigmoid", {"z": [0.5, 1.0]}, "2*a*(1-a)", "factor"),
    ("sigmoid_bce", {"z": 0.3, "y": 1}, "(a-y)*(1-a)/(1-a)", "right"),
    # right but for zeros, saturation, a side, a label
    ("mse", {}, "2*(yhat-y)/N*sign(y)**2", "domain"),
    ("mse", {}, "2*(yhat-y)/N + (y==0)", "domain"),
    ("poisson", {}, "1-y/yhat+(y==0)", "domain"),
    ("affine", {"x": [1, 2], "w": [3, 4], "b": 1}, "w*sign(x)**2,x,1", "domain"),
    ("affine", {"x": [1, 2], "w": [3, 4], "b": 1}, "w,x,sign(b)**2", "domain"),
    ("tanh", {}, "(1-a**2)*sign(z)**2", "domain"),
    ("identity", {}, "a/z", "domain"),
    ("mse", {}, "2*(yhat-y)**2/(yhat-y)", "domain"),
    ("bce", {}, "-y**2/y/yhat+(1-y)/(1-yhat)", "domain"),
    ("dot", {}, "v*sum(u)/sum(u),u", "domain"),
    ("tanh", {}, "where(z<50,1-a**2,1)", "domain"),
    ("softplus", {}, "where(z>-30,sigmoid(z),1)", "domain"),
    ("elu", {}, "where(z>-5,where(z>0,1,exp(z)),1)", "domain"),
    ("elu", {}, "where(z>0,1,a+1)", "right"),
    ("softmax", {"logits": [1, 2]}, "p[0]*(1-p[0]),-p[0]*p[1];-p[0]*p[1],where(logits[1]<10,p[1]*p[0],p[1])", "domain"),
    ("softmax", {"logits": [1, 2]}, "[[p[0]*(1-p[0]),-p[0]*p[1]],[-p[0]*p[1],p[1]*(1-p[1])]]", "right"),
]


@pytest.mark.parametrize(("name", "inputs", "mine", "finding"), ANSWERS)
def test_the_finding(name, inputs, mine, finding):
    found = grade(name, mine=mine, **inputs)
    assert found.finding == finding, found
    if finding == "domain":
        assert found.counterexample


def test_numbers_without_the_outer_derivative():
    inputs = {"x": [1, 2], "w": [0.5, -0.4], "b": 0.1}
    assert grade("neuron", mine="1,2", activation="sigmoid", wrt="w", **inputs).finding == "outer_derivative"


def test_the_factor_that_is_missing_is_of_what_was_asked_for():
    for wrt, missing in (("w", "times ∂z/∂w"), ("x", "times ∂z/∂x"), (["w", "x"], "times ∂z/∂w, ∂z/∂x")):
        assert grade("neuron", mine="a*(1-a)", activation="sigmoid", wrt=wrt).message.endswith(missing)


COUNTS = [
    ("poisson", {"yhat": 1.3}, "1-y**2/yhat", "1-y/yhat"),
    ("exp_poisson", {"z": 0.5}, "a-y**2", "a-y"),
    ("softplus_poisson", {"z": 0.3}, "(1-y**2/a)*sigmoid(z)/N", "(1-y/a)*sigmoid(z)/N"),
    ("mse", {"yhat": 0.3}, "2*(yhat-y**2)", "2*(yhat-y)"),
]


@pytest.mark.parametrize(("name", "inputs", "wrong", "right"), COUNTS)
@pytest.mark.parametrize("y", [0, 1, [1, 0], [1, 1]])
def test_labels_that_are_numbers_are_not_only_0_and_1(name, inputs, wrong, right, y):
    inputs = {key: value if np.ndim(y) == 0 else [value, value + 0.4] for key, value in inputs.items()} | {"y": y}
    each = [f"({mine})/N" if "N" not in mine else mine for mine in (wrong, right)]
    assert [grade(name, mine=mine, **inputs).finding for mine in each] == ["domain", "right"]


KINKS_OF_ANSWERS = [
    ("softplus", {"z": 0.67}, "where(z>15,1,sigmoid(z))", "where(z>40,1,sigmoid(z))"),
    ("relu", {"z": 0.67}, "z>-1e-3", "z>0"),
    ("relu", {"z": [0.3, -0.2, 1.0]}, "z>-1e-8", "z>0"),
    ("mse", {"y": [1, 0], "yhat": [1.3, 2]}, "where(y>100,0,2*(yhat-y)/N)", "where(y>100,2*yhat-2*y,2*(yhat-y))/N"),
    ("huber", {"y": 1, "yhat": 1.3}, "clip(yhat-y,-1.001,1)", "where(abs(y-yhat)<=1,yhat-y,sign(yhat-y))"),
    ("bce", {"y": 1, "yhat": 0.7}, "-1/max(yhat,1e-9)", "where(y==1,-1/yhat,1/(1-yhat))"),
    ("sigmoid", {"z": 0.5}, "where(z<-30,0,a*(1-a))", "where(z<-800,0,a*(1-a))"),
    ("softmax_cce", {"logits": [1, 2, 3], "label": 2}, "where(logits>20,0,p-y)", "where(logits>20,p-y,p-y)"),
]


@pytest.mark.parametrize(("name", "inputs", "wrong", "right"), KINKS_OF_ANSWERS)
def test_the_kinks_of_an_answer_are_tried(name, inputs, wrong, right):
    assert grade(name, mine=right, **inputs).finding == "right"
    assert grade(name, mine=wrong, **inputs).finding == "domain"


@pytest.mark.parametrize("name", INPUTS)
def test_probes_are_inputs_that_the_function_takes_away_from_kinks(name):
    words = {"activation": "relu"} if "activation" in INPUTS[name] else {}
    row = NAMED[name]
    checked = row.check({**some_inputs(name), **words})
    truth = named_question(name, checked).truth
    probes = named_probes(name, checked, truth)
    assert len(probes) >= 16
    for probe in probes:
        row.check(probe.inputs)
        with np.errstate(all="ignore"):
            true = truth(probe.inputs)
        assert np.isfinite(true).all() if probe.plain else not np.isnan(true).any()
    if "y" in checked and set(np.ravel(checked["y"])) <= {0.0, 1.0} and name != "mse":
        assert {float(np.ravel(p.inputs["y"])[0]) for p in probes} >= {0.0, 1.0} or name not in ("bce", "sigmoid_bce")
    for block in row.blocks:
        if np.ravel(checked[block]).size and block in ("z", "x", "logits"):
            signs = {np.sign(np.ravel(probe.inputs[block])[0]) for probe in probes}
            assert {-1.0, 1.0} <= signs


def test_a_kink_is_told_from_a_smooth_place():
    truth = named_question("relu", NAMED["relu"].check({"z": 0.5})).truth
    assert not smooth(truth, {"z": np.zeros(1)}, ["z"])
    assert smooth(truth, {"z": np.ones(1)}, ["z"])
    assert smooth(lambda inputs: np.sqrt(abs(inputs["z"]))[None], {"z": np.zeros(1)}, ["z"])
    assert smooth(lambda inputs: inputs["z"][None], {"z": np.zeros(1)}, ["z"])
    assert not smooth(lambda inputs: np.sign(inputs["z"])[None], {"z": np.zeros(1)}, ["z"])


@pytest.mark.parametrize("name", INPUTS)
def test_the_check_of_every_function_agrees(name):
    words = {"activation": "tanh"} if "activation" in INPUTS[name] else {}
    assert NamedSubject(name, {**some_inputs(name), **words}).check().agree


@pytest.mark.parametrize("name", [name for name, row in ACTIVATIONS.items() if row.kinks()])
def test_at_a_kink_the_check_of_a_convention_is_open_and_not_wrong(name):
    for kink in ACTIVATIONS[name].kinks():
        found = NamedSubject(name, {"z": np.array([kink.at, kink.at + 1.0])}).check()
        assert found.agree is not False, found


def test_a_kink_far_out_is_seen():
    assert grade("huber", mine="yhat-y", y=1.0, yhat=4.0, delta=5000.0).finding == "domain"


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
@given(w=st.tuples(*[st.integers(-9, 9).map(lambda n: n / 10)] * 2), x=st.tuples(*[st.integers(1, 9)] * 2))
@settings(max_examples=2, deadline=None, phases=[Phase.generate])
def test_where_z_is_0_but_for_rounding_the_textbook_formula_is_not_wrong(activation, w, x):
    """0.3·1 − 0.4·2 + 0.5 is 0 in doubles step by step, and −5.6e-17 of these doubles exactly."""
    b = -(w[0] * 10 * x[0] + w[1] * 10 * x[1]) / 10
    inputs = {"x": list(x), "w": list(w), "b": b, "activation": activation}
    below = {"relu": "0", "leaky_relu": "0.01"}[activation]
    for z in ("z", "(x@w+b)"):
        slope = f"where({z}>=0,1,{below})"
        found = grade("neuron", mine=f"{slope}*w", wrt="x", **inputs)
        assert found.finding in ("right", "open"), (inputs, z, found.message)
        assert grade("neuron", mine=f"2*{slope}*w", wrt="x", **inputs).finding not in ("right", "open")
