"""`check`: derivatives against difference quotients, and the mistakes in answers."""

import json
import subprocess
import sys

import numpy as np
import pytest

from bpcli.calculus.checks.grading import Tolerance
from bpcli.calculus.checks.questions import grade

NEURON = ["neuron", "--x", "1,2", "--w", "0.5,0.1", "--b", "0", "--activation", "sigmoid"]


@pytest.mark.parametrize(
    ("arguments", "finding", "factor"),
    [
        (["x**2*y", "--at", "1,3", "--mine", "6,1"], "right", None),
        (["x**2*y", "--at", "1,3", "--mine", "6 1"], "right", None),
        (["x**2*y", "--at", "1,3", "--mine", "[6, 1]"], "right", None),
        (["x**2*y", "--at", "1,3", "--mine", "2*x*y, x**2"], "right", None),
        (["x**2*y", "--at", "1,3", "--mine", "2*x*y x**2"], "right", None),
        (["x**2*y", "--at", "1,3", "--mine", "6;1"], "transposed", None),
        (["x**2*y", "--at", "1,3", "--mine", "-6,-1"], "sign", None),
        (["x**2*y", "--at", "1,3", "--mine", "-2*x*y, x**2"], "sign", None),
        (["x**2*y", "--at", "1,3", "--mine", "3,0.5"], "factor", 0.5),
        (["x**2*y", "--at", "1,3", "--mine", "4*x*y, 2*x**2"], "factor", 2),
        (["x**2*y", "--at", "1,3", "--mine", "7*x*y, 3.5*x**2"], "factor", 3.5),
        (["x**2*y", "--at", "1,3", "--mine", "x**2, 2*x*y"], "swapped", None),
        (["x**2*y", "--at", "1,3", "--mine", "1,6"], "swapped", None),
        (["x**2*y", "--at", "1,3", "--mine", "6"], "shape", None),
        (["x**2*y", "--at", "1,3", "--mine", "6,1.7"], "value", None),
        (["x**2*y", "--at", "1,3", "--mine", "6*x**4, x"], "domain", None),
        (["x**2*y", "--at", "1,3", "--mine", "2*"], "unreadable", None),
        (["x**2*y", "--at", "1,3", "--mine", "q, 1"], "unreadable", None),
        (["x**2*y", "--at", "1,3", "--mine", " "], "unreadable", None),
        (["sin(3*x)", "--at", "0.4", "--mine", "cos(3*x)"], "inner_derivative", None),
        (["(x**2+1)**3", "--at", "1", "--mine", "3*(x**2+1)**2"], "inner_derivative", None),
        (["sin(x)", "--at", "1", "--mine", "0.540"], "right", None),
        (["sin(x)", "--at", "1", "--mine", "0.54"], "value", None),
        (["softmax", "--logits", "1,2,3", "--mine", "p*(1-p)"], "diagonal_only", None),
        (["softmax", "--logits", "1,2", "--mine", "p[0]*(1-p[0]),-p[0]*p[1];-p[0]*p[1],p[1]*(1-p[1])"], "right", None),
        (["sigmoid", "--z", "0.5", "--mine", "a*(1-a)"], "right", None),
        (["tanh", "--z", "0.5,1", "--mine", "1-tanh(z)**2"], "right", None),
        ([*NEURON, "--mine", "w*a*(1-a), x*a*(1-a), a*(1-a)"], "right", None),
        ([*NEURON, "--mine", "w, x, 1"], "outer_derivative", None),
        (["mse", "--y", "1,2", "--yhat", "2,4", "--mine", "-2*(y-yhat)"], "missing_mean", 2),
        (["mse", "--y", "1,2,3", "--yhat", "2,4,1", "--mine", "-2*(y-yhat)"], "missing_mean", 3),
        (["bce", "--y", "1,0", "--yhat", "0.3,0.4", "--mine", "(yhat-y)/(yhat*(1-yhat))/2"], "right", None),
        (["softmax_cce", "--logits", "1,2,3", "--label", "2", "--mine", "p-y"], "right", None),
        (["affine", "--x", "1,2", "--w", "3,4", "--b", "1", "--mine", "w, x, 1"], "right", None),
        (["dot", "--u", "1,2", "--v", "3,4", "--mine", "u, v"], "swapped", None),
        (["dot", "--u", "1,2", "--v", "3,4", "--wrt", "u", "--mine", "1,2"], "swapped", None),
        (["dot(u,v)", "--at", "u=[1,2],v=[3,4]", "--wrt", "u", "--mine", "u"], "swapped", None),
        (["sum(A@B)", "--at", "A=[[1,2],[3,4]],B=[[1,0],[2,1]]", "--wrt", "A", "--mine", "4,4;6,6"], "swapped", None),
        ([*NEURON, "--wrt", "w", "--mine", "w*a*(1-a)"], "swapped", None),
    ],
)
def test_answers(bpcli, arguments, finding, factor):
    result = bpcli("check", *arguments, "--format", "json")
    (record,) = result.json
    assert record["finding"] == finding, record
    assert record["agree"] == (finding == "right")
    assert record.get("factor") == (pytest.approx(factor) if factor else None)
    assert result.code == (0 if finding == "right" else 1)
    assert {"answer", "inputs", "agree", "max_error", "entries", "finding"} <= record.keys()
    assert all(entry.keys() == {"name", "exact", "given", "error"} for entry in record["entries"])


def test_a_formula_right_by_chance_is_not_right(bpcli):
    record = bpcli("check", "x**2", "--at", "2", "--mine", "x+2", "--format", "json").json[0]
    assert record["finding"] == "domain"
    assert "not at others" in record["message"]
    x = record["input"]["x"]
    assert 2 * x != pytest.approx(x + 2)


def test_a_bad_answer_never_stops_the_rest(bpcli):
    result = bpcli("check", "x**2", "--at", "3", "--mine", "2*", "--mine", "2*x", "--mine", "6")
    assert [line for line in result.lines if not line.startswith(" ")] == ["2*: unreadable", "2*x: right", "6: right"]
    assert result.code == 1


def test_the_grade_of_numbers():
    names = ["a", "b", "c", "d"]
    truth = [[1.0, 2.0], [3.0, 4.0]]
    found = grade(truth, [[1.0, 3.0], [2.0, 4.0]], names, Tolerance())
    assert found.finding == "transposed"
    assert grade(truth, [[1.0, 0.0], [0.0, 4.0]], names, Tolerance()).finding == "diagonal_only"
    assert grade(truth, [[2.0, 1.0], [3.0, 4.0]], names, Tolerance()).message == "a and b are swapped"
    assert grade(truth, truth, names, Tolerance()).max_error == 0
    found = grade(truth, [[1.0, 2.0], [3.0, -4.0]], names, Tolerance())
    assert (found.finding, [e.name for e in found.entries if not e.right]) == ("sign", ["d"])
    assert Tolerance(0.01).holds(1.0, 1.005)
    assert not Tolerance(0.001).holds(1.0, 1.005)
    assert Tolerance(0.0).holds(1.23449, 1.234, "1.234")
    assert not Tolerance(0.0).holds(1.2346, 1.234, "1.234")
    assert not Tolerance(0.0).holds(1234.4, 1234.0, "1234")


def test_entries_beside_quotients(bpcli):
    result = bpcli("check", "x**2*sin(y)", "--at", "1,2", "--format", "json")
    assert result.code == 0
    (record,) = result.json
    assert (record["agree"], record["function"], record["inputs"]) == (True, "x**2*sin(y)", {"x": 1, "y": 2})
    assert [e["name"] for e in record["entries"]] == ["d/dx", "d/dy"]
    assert record["max_error"] < 1e-9
    assert bpcli("check", "x*y", "x+y", "--at", "1,2").lines[1].startswith("d(x*y)/dx")
    assert "at a kink" in bpcli("check", "relu(x)", "--at", "0").out
    assert (
        bpcli("check", "x**2", "--points", "-", "--format", "csv", stdin="x\n1\n2\n").lines[0]
        == "x,entry,exact,numeric,error,agree"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["softmax", "--logits", "1,2,3"],
        ["log_softmax", "--logits", "1,2,3"],
        ["sigmoid", "--z", "0.5,-2"],
        ["tanh", "--z", "1"],
        ["relu", "--z", "1,-2"],
        ["identity", "--z", "1"],
        ["softplus", "--z", "1"],
        ["dot", "--u", "1,2", "--v", "3,4"],
        ["affine", "--x", "1,2", "--w", "1,2;3,4", "--b", "0,1"],
        ["neuron", "--x", "1,2", "--w", "0.5,0.1", "--b", "0", "--activation", "tanh"],
        ["mse", "--y", "1,2", "--yhat", "2,4"],
        ["bce", "--y", "1,0", "--yhat", "0.3,0.4"],
        ["cce", "--label", "0", "--yhat", "0.3,0.7"],
        ["sigmoid_bce", "--z", "1,2", "--y", "1,0"],
        ["softmax_cce", "--logits", "1,2,3", "--label", "2"],
    ],
)
def test_the_functions_of_the_lecture(bpcli, arguments):
    result = bpcli("check", *arguments, "--format", "json")
    assert result.code == 0
    assert all(entry["agree"] for record in result.json for entry in record["entries"])


@pytest.mark.parametrize("config", ["iris", "breast_cancer", "concavity", "diabetes", "digits", "early_stopping"])
def test_configs(bpcli, root, config):
    result = bpcli("check", root / f"configs/{config}.yaml", "--format", "json")
    assert result.code == 0, result.out
    assert [record["inputs"]["weights"] for record in result.json] == ["start", "random weights"]
    entries = [entry for record in result.json for entry in record["entries"]]
    assert sum(entry["agree"] is True for entry in entries) > 0.8 * len(entries)


def test_a_wrong_step_of_a_config_is_caught(bpcli, root, monkeypatch):
    from bpcli.formulas.steps import SoftmaxCce

    step = SoftmaxCce.__call__

    def wrong(self, z, y, weights=None):
        loss = step(self, z, y, weights)
        z *= 1.0001
        return loss

    monkeypatch.setattr(SoftmaxCce, "__call__", wrong)
    result = bpcli("check", root / "configs/iris.yaml")
    assert result.code == 1
    assert "WRONG" in result.out


@pytest.mark.slow
def test_ten_thousand_points_in_one_call(bpcli, tmp_path):
    points = np.random.default_rng(0).normal(size=(10000, 2))
    grads = np.column_stack([2 * points[:, 0] * points[:, 1], points[:, 0] ** 2])
    np.save(tmp_path / "p.npy", points)
    np.save(tmp_path / "g.npy", grads)
    arguments = ["check", "x**2*y", "--points", tmp_path / "p.npy", "--mine", f"@{tmp_path / 'g.npy'}"]
    result = bpcli(*arguments)
    assert (result.code, result.lines) == (0, ["10000 points: right"])
    grads[77, 1] *= 2
    np.save(tmp_path / "p.npy", points[:1000])
    np.save(tmp_path / "g.npy", grads[:1000])
    result = bpcli(*arguments)
    assert result.code == 1
    assert result.lines[0].startswith("row 78, at x = ")
    assert "a factor 2 too much in d/dy" in result.lines[0]
    records = bpcli(*arguments, "--format", "json").json
    assert sum(r["agree"] for r in records) == 999
    np.save(tmp_path / "g.npy", grads[:5])
    assert bpcli(*arguments).code == 3


@pytest.mark.slow
def test_a_class(root, tmp_path):
    """The ten lines of the page `grading`, over sixteen files of which seven are wrong."""
    text = (root / "bpcli/docs/grading.md").read_text(encoding="utf-8")
    script = text.split("```sh grade\n")[1].split("```")[0]
    (tmp_path / "answers").mkdir()
    wrong = {1: "p*(1-p)", 3: "1", 4: "2*", 7: "-a*(1-a)", 10: "2*a*(1-a)", 12: "a", 13: "", 15: "a*(1+a)"}
    for k in range(16):
        (tmp_path / "answers" / f"student{k:02d}.txt").write_text(wrong.get(k, "a*(1-a)") + "\n")
    wrong.pop(1)  # for a sigmoid p is a
    (tmp_path / "bpcli").write_text(f'#!/bin/sh\nexec {sys.executable} -m bpcli "$@"\n')
    (tmp_path / "bpcli").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "PYTHONPATH": str(root)}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 17, done.stderr
    assert lines[-1] == f"{16 - len(wrong)} of 16 are right"
    assert "a factor 2 too much" in lines[10]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["x**2"], 2, "x has no value"),
        (["x**2", "--at", "1", "--rtol", "0.1"], 2, "--rtol and --atol go with --mine"),
        (["x**2", "--at", "1", "--mine", "2", "--rtol", "-1"], 2, "expected a number of at least 0"),
        (["softmax", "--logits", "1,2", "--at", "1"], 2, "is a function of the lecture"),
        (["x**2", "--at", "1", "--z", "1"], 2, "--z: these are inputs of the lecture's functions"),
        (["3"], 2, "no variables to differentiate by"),
        (["x", "--at", "1", "--mine", "@/nowhere"], 3, "does not exist"),
        (["nowhere.yaml"], 3, "nowhere.yaml"),
        (["softmax"], 2, "needs --logits"),
    ],
)
def test_wrong_usage(bpcli, arguments, code, message):
    result = bpcli("check", *arguments)
    assert result.code == code, result.err
    assert message in result.err


def test_a_file_of_answers(bpcli, tmp_path):
    (tmp_path / "mine.txt").write_text("2*x, 2*y\n")
    assert bpcli("check", "x**2+y**2", "--at", "1,2", "--mine", f"@{tmp_path / 'mine.txt'}").code == 0
    np.save(tmp_path / "mine.npy", [2.0, 4.0])
    assert bpcli("check", "x**2+y**2", "--at", "1,2", "--mine", f"@{tmp_path / 'mine.npy'}").code == 0
    assert json.loads(bpcli("check", "x**2", "--at", "1", "--mine", "2", "--format", "json").out)["agree"]


@pytest.mark.parametrize(
    ("asked", "mine", "hint"),
    [
        ("sigmoid", "a(1-a)", "to multiply, write a*(1-a)"),
        ("sigmoid", "a .* (1-a)", "write *"),
        ("softmax_cce", "p-", "the expression ends"),
        ("x**2", "(2x", "never closed"),
        ("x**2", "2*ln(x)", "did you mean log(x)?"),
    ],
)
def test_an_unreadable_formula_is_told_before_inputs_that_are_missing(bpcli, asked, mine, hint):
    found = bpcli("check", asked, "--mine", mine)
    assert (found.code, found.out.splitlines()[0]) == (1, f"{mine}: unreadable")
    assert hint in found.out
    assert "needs" not in found.err


@pytest.mark.parametrize(
    ("asked", "mine"), [("identity", "1"), ("3*x", "3"), ("x/3", "0.3333"), ("3*x-y/2", "3,-0.5"), ("7*x", "d/dx: 7")]
)
def test_a_right_constant_needs_no_point(bpcli, asked, mine):
    assert bpcli("check", asked, "--mine", mine).out.endswith(": right\n")


CONSTANTS = [
    ("x**2", "2", "value", 0),
    ("relu(x)", "1", "domain", 0),
    ("sqrt(x**2)", "1", "domain", 0),
    ("abs(x)", "1", "domain", 0),
    ("sigmoid", "0.25", "value", 0),
    ("relu", "1", "domain", 0),
    ("3*x+y**2", "3,2", "value", 0.5),
    ("x/3+y**2", "0.333,0.88", "domain", 0.5),
    ("x/3+y**2", "0.334,1", "value", 0),
    ("x/3+y**2", ".3333,2*y", "right", 1),
    ("x/3+y**2", "1/3,-2.", "value", 0.5),
    ("3*x+y**2", "33.3%,nan", "value", 0),
    ("y-x**3", "3,1", "value", 0.5),
    ("3*x+y**2", "3", "shape", 0),
]


@pytest.mark.parametrize(("asked", "mine", "finding", "score"), CONSTANTS)
def test_numbers_without_a_point_are_constants(bpcli, asked, mine, finding, score):
    found = bpcli("check", asked, "--mine", mine, "--format", "json", "--score")
    (record,) = found.json
    assert found.code == int(finding != "right")
    assert (record["finding"], record["score"]) == (finding, score)
    assert "numbers are taken as constants" in found.err or finding == "right"


def test_a_constant_stops_no_class(bpcli):
    found = bpcli("check", "x**2", "--mine", "2*x", "--mine", "2", "--mine", "x", "--mine", "(", "--format", "json")
    assert [record["finding"] for record in found.json] == ["right", "value", "factor", "unreadable"]
    assert "tried at x = 0.67, and at others" in found.err


def test_a_wrong_constant_is_wrong_without_a_point(bpcli):
    found = bpcli("check", "3*x", "--mine", "4", "--mine", "3")
    assert (found.code, found.out.splitlines()[-1]) == (1, "3: right")


def test_formulas_need_no_point(bpcli):
    right = bpcli("check", "x**2*sin(y)", "--mine", "2*x*sin(y), x**2*cos(y)")
    assert (right.code, right.lines) == (0, ["2*x*sin(y), x**2*cos(y): right"])
    assert "no point is given: the formulas are tried at x = 0.67, y = 0.44, and at others" in right.err
    wrong = bpcli("check", "x**2*sin(y)", "--mine", "x**2*cos(y), 2*x*sin(y)", "--format", "json")
    assert (wrong.code, wrong.json[0]["finding"]) == (1, "swapped")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["relu(x)", "--at", "0", "--mine", "0"], "this is the slope on the left; 1 is used there"),
        (["relu(x)", "--at", "0", "--mine", "0.5"], "wrong: d/dx"),
        (["sin(relu(2*x))", "--at", "0", "--mine", "1"], "wrong: d/dx"),
        (["abs(x)", "--at", "0", "--mine", "1"], "this is the slope on the right; 0 is used there"),
        (["relu(x)*y**2", "--at", "0,3", "--mine", "0,0"], "this is the slope on the left in d/dx; 9 is used there"),
        (["relu(x)+y**2", "--at", "0,3", "--mine", "1,3"], "twice as much is right in d/dy"),
        (["max(x,y)", "--at", "1,1", "--mine", "1,0"], "this is the slope on one side; 0.5 is used there"),
        (["relu", "--z", "0,1", "--mine", "0,1"], "this is the slope on the left in drelu[0]/dz[0]; 1 is used there"),
        (["relu", "--z", "0,1", "--mine", "0.5,1"], "wrong: drelu[0]/dz[0]; the other 3 are right"),
        (["relu(x)", "--at", "0", "--mine", "1"], "right"),
    ],
)
def test_a_grade_at_a_kink_says_which_slope_is_used(bpcli, arguments, message):
    asked = arguments[: arguments.index("--mine")]
    note = bpcli("jacobian" if asked[0] == "relu" else "grad", *asked).err.partition("; --kink")[0]
    done = bpcli("check", *arguments, "--format", "json")
    assert done.json[0]["message"] == message
    assert note
    assert done.err.startswith(f"{note}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x**3", "--mine", "3*x**2*1.000000001"], "a factor 1.000000001 too much"),
        (["x*y", "--at", "1,2", "--mine", "2.0000002,1.0000001"], "a factor 1.0000001 too much"),
        (["x*y", "--at", "1,2", "--mine", "-2.0000002,-1.0000001"], "a factor −1.0000001 too much"),
        (["x*y", "--at", "1,2", "--mine", "1.9999996,0.9999998"], "1.0000002 times as much is right"),
    ],
)
def test_a_factor_is_written_with_the_digits_that_tell_it_from_1(bpcli, arguments, message):
    assert bpcli("check", *arguments, "--format", "json").json[0]["message"] == message


def test_numbers_that_differ_are_written_differently(bpcli):
    message = bpcli("check", "x**3", "--mine", "3*x**2+1e-12", "--format", "json").json[0]["message"]
    exact, given = message.partition(": d/dx is ")[2].split(", not ")
    assert exact != given
    assert float(given) - float(exact) == pytest.approx(1e-12, rel=0.1)


@pytest.mark.parametrize("label", [0, 1, 2])
def test_entries_that_are_right_at_the_point_alone_are_named(bpcli, label):
    given = ["check", "softmax_cce", "--logits", "1,2,3", "--label", str(label), "--mine", "p", "--format", "json"]
    (found,) = bpcli(*given, "--score").json
    right = [entry["name"] for entry in found["entries"] if entry["error"] == 0]
    assert len(right) == 2
    assert found["score"] == 0  # p is p − y for no entry, whatever the label
    assert found["message"].endswith(f"; right at this point, but not at others: {', '.join(right)}")


def test_a_mistake_that_explains_the_whole_stands_alone(bpcli):
    (found,) = bpcli("check", "x*y", "--at", "3,0", "--mine", "-y,-x", "--format", "json").json
    assert found["message"] == "the sign is wrong"
    (found,) = bpcli("check", "mse", "--y", "1,2", "--yhat", "1,1", "--mine", "2*(yhat-y)", "--format", "json").json
    assert found["message"] == "the mean is missing: times 1/2"


@pytest.mark.parametrize("formula", ["4*x, x+y", "y**2, x+y", "x**3, y+1", "-2*x*y, x+5"])
def test_an_entry_is_named_once(bpcli, formula):
    arguments = ["check", "x**2*y", "--at", "1,2", "--mine", formula, "--format", "json"]
    message = bpcli(*arguments).json[0]["message"]
    assert all(message.count(name) <= 1 for name in ("d/dx", "d/dy"))


ORDERS = [
    (["y*x**2", "--at", "x=1,y=3"], "y,x", "1,6", "x**2,2*x*y"),
    (["bce(1, sigmoid(x@w+b))", "--at", "x=[1,2],w=[0.5,-0.25],b=0"], "w,b", "-0.5,-1,-0.5", None),
    (["neuron", "--x", "1,2", "--w", "1,0", "--b", "0", "--activation", "sigmoid"], "b,w", None, "da_dz,da_dz*x"),
]


@pytest.mark.parametrize(("subject", "wrt", "numbers", "formulas"), ORDERS)
def test_the_order_of_wrt_picks_alone_and_an_answer_in_it_is_told_so(bpcli, subject, wrt, numbers, formulas):
    for mine in filter(None, (numbers, formulas)):
        kept = bpcli("check", *subject, "--wrt", wrt, "--mine", mine)
        assert kept.code == 1
        assert "--wrt only picks" in kept.err
        asked, given = (", ".join(f"d/d{name}" for name in names.split(",")) for names in (wrt[::-1], wrt))
        swapped = f"{asked.replace(',', ' and')} are swapped"
        assert kept.lines[0].endswith((f"these are in the order {given}; asked for are {asked}", swapped))
    straight = bpcli("check", *subject, "--wrt", wrt[::-1], "--mine", numbers or formulas)
    assert "--wrt" not in straight.err


def test_an_order_that_is_not_kept_is_noted_where_it_does_not_show(bpcli):
    asked = ["y*x**2", "--wrt", "y,x", "--at", "x=1,y=3"]
    for command, line in (("grad", "6 1"), ("jacobian", "6 1"), ("hessian", "6 2")):
        found = bpcli(command, *asked)
        assert (found.lines[0], "the order is d/dx, d/dy, and not d/dy, d/dx" in found.err) == (line, True)
        assert not bpcli(command, *asked, "--vars", "y,x").err


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["check", "sigmoid", "--z", "0.5", "--mine", "0,235"], "with decimal points it is 0.235"),
        (["check", "x*y", "--at", "1.5,2", "--mine", "2,0,1,5"], "with decimal points it is 2.0,1.5"),
        (["grad", "x**2", "--at", "1,5"], "--at 1.5 is one number, with a decimal point"),
        (["grad", "x**2", "--at", "x=-1,5"], "--at x=-1.5 is one number, with a decimal point"),
        (["hessian", "x**2", "--at", "1,5"], "--at 1.5 is one number, with a decimal point"),
    ],
)
def test_a_decimal_comma_gets_the_number_with_a_point(bpcli, arguments, advice):
    done = bpcli(*arguments)
    assert done.code
    assert advice in done.out + done.err


@pytest.mark.parametrize(
    "arguments", [["check", "sigmoid", "--z", "0.5", "--mine", "0.1,0.2"], ["grad", "x**2", "--at", "1,2,3"]]
)
def test_what_is_no_decimal_comma_gets_no_advice_on_points(bpcli, arguments):
    done = bpcli(*arguments)
    assert "decimal" not in done.out + done.err


@pytest.mark.parametrize("mine", ["0,105 -0,105; -0,105 0,105", "0,105;-0,105;-0,105;0,105"])
def test_an_answer_with_decimal_commas_is_shown_with_points(bpcli, mine):
    found = bpcli("check", "softmax", "--logits", "0,2", "--mine", mine)
    assert found.code == 1
    assert "with decimal points it is 0.105,-0.105" in found.out


@pytest.mark.parametrize(
    ("answers", "summary"),
    [
        (["x+"], "1 of 1 is unreadable"),
        (["2*x", "x+", "3*("], "2 of 3 are unreadable"),
        (["3*x", "x+", "x**2", "2*x"], "2 of 4 are wrong, 1 unreadable"),
    ],
)
def test_an_answer_that_cannot_be_read_is_not_counted_as_wrong(bpcli, answers, summary):
    given = [part for answer in answers for part in ("--mine", answer)]
    result = bpcli("check", "x**2", "--at", "5", *given)
    assert result.code == 1
    assert result.err == f"bpcli: error: {summary}\n"


@pytest.mark.parametrize("mine", ["1) 2*x", "a) 2*x", "B). 2*x", "3: 2*x", "1)2*x", "1) 4", "iv) 4.00"])
def test_a_numbering_before_an_answer_is_to_be_left_out(bpcli, mine):
    found = bpcli("check", "x**2", "--at", "2", "--mine", mine)
    bare = found.lines[-1].partition("leave it out: ")[2]
    assert found.code == 1
    assert bpcli("check", "x**2", "--at", "2", "--mine", bare).code == 0


@pytest.mark.parametrize("mine", ["dlag(p)-p", "2*x+hyp(x)+1", "dlag(2)*x"])
def test_the_argument_of_a_function_that_is_not_known_is_no_numbering(bpcli, mine):
    found = bpcli("check", "x**2", "--at", "2", "--mine", mine)
    assert "there is no function" in found.out
    assert "numbering" not in found.out


def test_numbered_rows_of_a_file(bpcli, tmp_path):
    (tmp_path / "a.txt").write_text("1) 2, 1\n2) 1, 1\n")
    found = bpcli("check", "x*y", "x+y", "--at", "1,2", "--mine", f"@{tmp_path}/a.txt")
    assert found.lines[-1].endswith("leave it out: 2, 1; 1, 1")


@pytest.mark.parametrize(
    ("asked", "mine", "code"),
    [
        (["softmax_cce", "--logits", "1,2,3", "--label", "2"], "0.09003,0.24473,0.66524-1", 0),
        (["sigmoid", "--z", "0.5"], "0.6225*(1-0.6225)", 0),
        (["sigmoid", "--z", "0.5"], r"\frac{0.622}{1}-0.622^2", 0),
        (["sigmoid_bce", "--z", "0.3", "--y", "1"], "0.574-1", 0),
        (["sigmoid_bce", "--z", "0.3", "--y", "1"], "0.575-1", 1),
        (["sigmoid_bce", "--z", "0.3", "--y", "1"], "1-0.574", 1),
        (["sigmoid_bce", "--z", "0.3", "--y", "1"], "1/(0.123-0.122)", 1),
        (["sigmoid_bce", "--z", "7", "--y", "1"], "0.999-1", 1),
        (["x**2", "--at", "3"], "2*3.01", 1),
    ],
)
def test_arithmetic_of_rounded_numbers_counts_by_their_digits(bpcli, asked, mine, code):
    assert bpcli("check", *asked, "--mine", mine).code == code
