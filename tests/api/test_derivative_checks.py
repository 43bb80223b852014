"""Check and grading from Python, and the marks of a class."""

import numpy as np
import pytest

import bpcli
from bpcli.api.derivative_checks import formulas_alone, grade_points, read_answers
from bpcli.calculus.checks.grading import FINDINGS
from bpcli.errors import BpcliError, DataError, UsageError


def test_check():
    found = bpcli.check("x**2*sin(y)", x=1, y=2)
    assert found.agree
    assert [entry.name for entry in found.entries] == ["d/dx", "d/dy"]
    assert [entry.exact for entry in found.entries] == pytest.approx([2 * np.sin(2), np.cos(2)])
    assert found.max_error < 1e-12
    assert bpcli.check("sum(v**2)", at={"v": [1.0, 2.0]}).agree
    assert bpcli.check("x*y", "x+y", x=1, y=2, wrt="y").entries[1].name == "d(x+y)/dy"
    assert bpcli.check("softmax", logits=[1, 2, 3]).agree
    assert len(bpcli.check("dot", u=[1, 2], v=[3, 4], wrt="u").entries) == 2


@pytest.mark.parametrize(("text", "x"), [("sin(x)/x", 1e-8), ("(1-cos(x))/x**2", 1e-4), ("relu(x)", 0.0)])
def test_what_is_open_neither_agrees_nor_disagrees(bpcli, text, x):
    result = bpcli("check", text, f"--at={x}", "--format", "json")
    assert result.code == 1
    assert result.json[0]["agree"] is None
    assert result.json[0]["entries"][0]["agree"] is None


def test_grade():
    found = bpcli.grade("sin(3*x)", mine="cos(3*x)")
    assert (found.finding, found.agree, found.score) == ("inner_derivative", False, 0)
    assert bpcli.grade("x**2", mine="6", x=3).agree
    assert bpcli.grade("x**2", mine="6.01", x=3, rtol=0.01).agree
    assert bpcli.grade("x**2", mine="6.01", x=3, atol=0.1).agree
    assert bpcli.grade("x**2", mine="2*", x=3).finding == "unreadable"
    assert bpcli.grade("neuron", mine="w*a*(1-a)", wrt="x", activation="sigmoid").finding == "right"


def test_wrong_usage():
    with pytest.raises(UsageError, match="one expression or more"):
        bpcli.check()
    assert bpcli.grade("x**2", mine="6").finding == "value"  # a constant
    assert bpcli.grade("x**2", mine="6", x=3).finding == "right"
    assert bpcli.grade("x/3", mine="0.333").finding == "right"
    with pytest.raises(UsageError, match="no block q"):
        bpcli.check("dot", u=[1, 2], v=[3, 4], wrt="q")


def test_a_bad_file_ends_one_answer_alone():
    with pytest.raises(DataError):
        read_answers(["@/nowhere"])
    answers = read_answers(["@/nowhere", "2*x", "2*"])
    assert isinstance(answers[0], DataError)
    assert formulas_alone(answers)


MARKS = [
    ("2*x*y,x**2", 1, "right"),
    ("2*x*y,2*x**2", 0.5, "factor"),
    ("x**2,2*x*y", 0, "swapped"),
    ("6;1", 0, "transposed"),
    ("6", 0, "shape"),
    ("2*", 0, "unreadable"),
    ("6,1.001", 0.5, "value"),
]


def test_marks(bpcli):
    answers = [part for mine, _, _ in MARKS for part in ("--mine", mine)]
    asked = ["check", "x**2*y", "--at", "1,3", *answers, "--score"]
    result = bpcli(*asked, "--format", "json")
    assert result.code == 1
    assert [(r["answer"], r["score"], r["finding"]) for r in result.json] == MARKS
    assert {finding for _, _, finding in MARKS} <= set(FINDINGS)
    table = bpcli(*asked, "--format", "csv").lines
    assert table[0] == "answer,score,finding"
    assert [line.rsplit(",", 2)[1:] for line in table[1:]] == [[f"{s:g}", f] for _, s, f in MARKS]
    text = bpcli(*asked).lines
    assert text[0].split() == ["answer", "score", "finding"]
    assert [line.split()[-2:] for line in text[1:]] == [[f"{s:g}", f] for _, s, f in MARKS]
    assert bpcli("check", "x**2", "--at", "1", "--score").code == 2


def test_rows_of_many_points(bpcli, tmp_path):
    (tmp_path / "p.csv").write_text("x\n1\n2\n3\n")
    (tmp_path / "g.csv").write_text("2\n4\n7\n")
    asked = ["check", "x**2", "--points", tmp_path / "p.csv", "--mine", f"@{tmp_path / 'g.csv'}", "--mine", "2*"]
    records = bpcli(*asked, "--format", "json", "--score").json
    assert [r["finding"] for r in records] == ["right", "right", "value", "unreadable"]
    assert [r["score"] for r in records] == [1, 1, 0, 0]
    assert list(grade_points([], read_answers(["2*x"])[0], None)) == []


_NO_INPUTS = [10**400, None, "1,2", [], [[1, 2], [3]], {"x": 1}, 1j, np.zeros((2, 2, 2)), [None], lambda x: x]


@pytest.mark.parametrize("value", _NO_INPUTS, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize(
    "call",
    [
        lambda v: bpcli.check("x**2", x=v),
        lambda v: bpcli.check("softmax_cce", logits=[1, 2], label=v),
        lambda v: bpcli.grade("softmax", mine="1", logits=v),
        lambda v: bpcli.grade("x**2", mine="2*x", x=1, rtol=[v]),
        lambda v: bpcli.grade("x**2", mine=[v], x=1),
        lambda v: bpcli.check([v], x=1),
        lambda v: bpcli.check("x**2", at=[v]),
        lambda v: bpcli.named_jacobian("softmax", logits=v, wrt=[v]),
        lambda v: bpcli.named_jacobian([v], logits=[1, 2]),
        lambda v: bpcli.named_vjp("tanh", [v], z=[1, 2, 3]),
        lambda v: bpcli.backprop([v], x=[1], w=[1], b=0),
        lambda v: bpcli.backprop("neuron", x=[1], w=[1], b=0, activation=[v], loss="mse", y=1),
        lambda v: bpcli.backprop("neuron", x=[1], w=[v], b=0, activation="relu", loss="mse", y=1),
        lambda v: bpcli.backprop("neuron", x=[1], w=[1], b=0, loss="mse", y=1, learning_rate=[v, v]),
    ],
)
def test_what_is_no_input_is_an_error_of_ours(call, value):
    with pytest.raises(BpcliError):
        call(value)
