"""`--certify` on the calculator's commands: printed digits are proven, and undecided results are errors."""

import sys

import mpmath
import numpy as np
import pytest

from bpcli.lecture.inputs import INPUTS
from bpcli.lecture.named_functions import NAMED

mp = mpmath.MPContext()
mp.dps = 60


def test_cancellation_that_doubles_do_not_see(bpcli):
    assert bpcli("eval", "(exp(x)-1)/x", "--at", "1e-8", "--certify").lines == ["1.000000005"]
    assert bpcli("eval", "(1-cos(x))/x**2", "--at", "1e-8", "--certify").lines == ["0.5"]
    assert bpcli("grad", "(exp(x)-1)/x", "--at", "1e-8", "--certify").lines == ["0.5000000033333334"]
    assert bpcli("hessian", "(exp(x)-1)/x", "--at", "1e-8", "--certify").lines == ["0.33333333583333336"]
    assert bpcli("jacobian", "(exp(x)-1)/x", "x-0.1", "--at", "1e-8", "--certify").lines == ["0.5000000033333334", "1"]


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (["eval", "x**2"], {"value": 9}),
        (["grad", "x**2"], {"value": 9, "gradient": {"x": 6}}),
        (["hessian", "x**2"], {"value": 9, "gradient": {"x": 6}, "variables": ["x"], "hessian": [[2]]}),
        (["jacobian", "x**2"], {"value": 9, "jacobian": {"x": [[6]]}}),
        (["jacobian", "x**2", "--vjp", "2"], {"value": 9, "vjp": {"x": 12}}),
        (["jacobian", "x**2", "--jvp", "3"], {"value": 9, "jvp": 18}),
    ],
)
def test_the_record_says_so(bpcli, arguments, keys):
    shared = {"function": "x**2", "inputs": {"x": 3}}
    assert bpcli(*arguments, "--at", "3", "--certify", "--format", "json").json == [
        {**shared, **keys, "certified": True}
    ]
    assert "certified" not in bpcli(*arguments, "--at", "3", "--format", "json").json[0]


def test_decimals_and_pi_of_the_text_are_themselves_and_points_are_doubles(bpcli):
    assert bpcli("eval", "x-0.1", "--at", "0.1", "--certify").lines == ["5.551115123125783e-18"]
    assert bpcli("eval", "sin(pi)", "--certify").lines == ["0"]
    assert bpcli("eval", "0.1+0.2-0.3", "--certify").lines == ["0"]
    assert bpcli("eval", "log(e)", "--certify").lines == ["1"]
    assert bpcli("eval", "1e400/1e399", "--certify").lines == ["10"]


def test_more_digits_than_a_double_holds(bpcli):
    result = bpcli("grad", "exp(x)", "--at", "1", "--certify", "--precision", "50")
    assert result.lines == [mp.nstr(mp.e, 50)]
    assert bpcli("eval", "1/3", "--certify", "--precision", "30", "--format", "csv").lines == ["value", "0." + "3" * 30]
    refused = bpcli("grad", "exp(x)", "--at", "1", "--precision", "18")
    assert refused.code == 2
    assert "--certify proves more" in refused.err
    assert bpcli("eval", "2/3", "--certify", "--precision", "3").lines == ["0.667"]


def test_what_no_precision_decides_is_said(bpcli):
    result = bpcli("eval", "floor(sin(pi))+x", "--at", "1", "--at", "2", "--certify", "--format", "json")
    assert result.code == 4
    assert [(r["value"], r["certified"]) for r in result.json] == [("NaN", False)] * 2
    assert "results of 2 points are not decided" in result.err
    assert bpcli("eval", "1/x", "--at", "0", "--certify").lines == ["inf"]


def test_points_in_bulk(bpcli, tmp_path):
    points = "x,y\n1,2\n1e-8,4\n"
    result = bpcli("grad", "(exp(x)-1)/x+y", "--points", "-", "--certify", "--format", "csv", stdin=points)
    assert result.lines == [
        "x,y,value,d/dx,d/dy",
        "1,2,3.718281828459045,1,1",
        "1e-8,4,5.000000005,0.5000000033333334,1",
    ]
    target = tmp_path / "g.npy"
    assert bpcli("grad", "(exp(x)-1)/x+y", "--points", "-", "--certify", "--output", target, stdin=points).code == 0
    np.testing.assert_array_equal(np.load(target), [[3.718281828459045, 1, 1], [5.000000005, 0.5000000033333334, 1]])
    bpcli("eval", "x[0]-x[1]", "--points", "-", "--certify", "--output", target, "--force", stdin="x[0],x[1]\n1,0.5\n")
    np.testing.assert_array_equal(np.load(target), [[0.5]])


VALUES = {"logits": "0.3,-1,40", "z": "40,-0.3", "u": "1,0.1", "v": "0.3,2", "activation": "tanh", "label": "1"}
VALUES |= {"x": "1,0.1", "b": "0.1", "w": "0.3,2", "y": "1,0.25", "yhat": "0.3,2"}
OF = {  # where these don't fit: the values of a function's own
    "affine": {"w": "0.3,2;-1,0.7", "b": "0.1,0.2"},
    "bce": {"yhat": "0.3,0.2"},
    "cce": {"yhat": "0.3,0.7"},
    "hinge": {"y": "1,-1"},
    "poisson": {"y": "1,2"},
    "relu": {"z": "40,-0.3,0"},
    "softmax_cce": {"y": "0,0.5,0.5"},
}


def options_of(name):
    """An option for each input; of y and label only one, the label where no y is a function's own."""
    values = VALUES | OF.get(name, {})
    skipped = {"label" if "y" in OF.get(name, {}) else "y"} if "label" in INPUTS[name] else set()
    return [text for key in INPUTS[name] if key not in skipped for text in (f"--{key}", values[key])]


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("product", [None, "--vjp", "--jvp"])
def test_the_functions_of_the_lecture(bpcli, name, product):
    """Doubles are within 10 ulp of proven results; the proven results of a batch are those of textbook formulas."""
    arguments = ["jacobian", name, *options_of(name), "--format", "json"]
    if product:
        record = bpcli(*arguments).json[0]
        sizes = [len(np.ravel(record["value"])), sum(len(block[0]) for block in record["jacobian"].values())]
        arguments += [
            product,
            ",".join(["0.7", "-0.2", "1.1", "3", "0.1", "-4", "2", "-0.6"][: sizes[product == "--jvp"]]),
        ]
    plain, proven = bpcli(*arguments).json[0], bpcli(*arguments, "--certify").json[0]
    assert proven.pop("certified") is True
    assert plain.keys() == proven.keys()
    for key in plain.keys() - {"function", "inputs"}:
        blocks = [r[key].values() if isinstance(r[key], dict) else [r[key]] for r in (plain, proven)]
        for a, b in zip(*blocks, strict=True):
            np.testing.assert_array_max_ulp(np.array(a, float), np.array(b, float), 10)


def test_a_softmax_by_hand(bpcli):
    p = [mp.exp(v) / (mp.exp(0) + mp.exp(40)) for v in (0, 40)]
    off = mp.nstr(-p[0] * p[1], 25)
    result = bpcli("jacobian", "softmax", "--logits", "0,40", "--certify", "--precision", "25")
    assert result.lines == [f"{off[1:]} {off}", f"{off} {off[1:]}"]


def test_a_missing_library_is_named(bpcli, monkeypatch):
    monkeypatch.setitem(sys.modules, "flint", None)
    for module in ("bpcli.numbers.balls", "bpcli.numbers.enclosures", "bpcli.calculus.sweeps.certified"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    result = bpcli("grad", "x", "--at", "1", "--certify")
    assert result.code == 2
    assert "python-flint" in result.err
    assert "pip install 'bpcli[certify]'" in result.err
