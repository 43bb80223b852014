"""The calculator's commands as scripts use them: three formats, points in bulk, exit codes, pipes."""

import csv
import io
import json
from contextlib import contextmanager

import numpy as np
import pytest

from bpcli.commands.jacobian import ACTIVATIONS
from bpcli.formulas.activations import ACTIVATIONS as TABLE
from bpcli.lecture.inputs import INPUTS
from bpcli.lecture.named_functions import NAMED


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["eval", "x**2+y**2", "--at", "1,2"], ["5"]),
        (["eval", "2x", "--at", "x=0.5"], ["1"]),
        (["eval", "1/3"], ["0.3333333333333333"]),
        (["eval", "-2^2"], ["-4"]),
        (["eval", "2^3^2"], ["512"]),
        (["eval", "[[1,2],[3,4]]"], ["1 2", "3 4"]),
        (["grad", "x**2+y**2", "--at", "1,2"], ["2 4"]),
        (["grad", "-x**2", "--at", "1"], ["-2"]),
        (["grad", "x**2+y**2", "--at", "1,2", "--at", "-1,0"], ["2 4", "-2 0"]),
        (["grad", "(1/3)sum(x**2)", "--at", "1,2,3"], ["0.6666666666666666 1.3333333333333333 2"]),
        (["grad", "x@w+b", "--at", "x=[1,2],w=[3,4],b=5", "--wrt", "w"], ["1 2"]),
        (["grad", "x@w+b", "--at", "x=[1,2],w=[3,4],b=5"], ["d/db:", "1", "d/dw:", "1 2", "d/dx:", "3 4"]),
        (["grad", "sum(A)", "--at", "A=1,2;3,4"], ["1 1", "1 1"]),
        (["grad", "k*x", "--at", "3", "--let", "k=2"], ["2"]),
        (["grad", "y*x", "--at", "5,7", "--vars", "y,x"], ["7 5"]),
        (["hessian", "x**2*y", "--at", "1,2"], ["4 2", "2 0"]),
        (["hessian", "x**2*y", "--at", "1,2", "--at", "0,1"], ["4 2", "2 0", "", "2 0", "0 0"]),
        (["jacobian", "x*y", "x+y", "--at", "1,2"], ["2 1", "1 1"]),
        (["jacobian", "x*y", "x+y", "--at", "1,2", "--at", "3,4"], ["2 1", "1 1", "", "4 3", "1 1"]),
        (["jacobian", "A@x", "--at", "A=1,2;3,4, x=[5,6]", "--wrt", "x"], ["1 2", "3 4"]),
        (["jacobian", "x*y", "x+y", "--at", "1,2", "--vjp", "1,10"], ["12 11"]),
        (["jacobian", "x*y", "x+y", "--at", "1,2", "--jvp", "1,10"], ["12 11"]),
        (["jacobian", "sigmoid", "--z", "0,0"], ["0.25 0", "0 0.25"]),
        (["jacobian", "relu", "--z", "-1,3,2"], ["0 0 0", "0 1 0", "0 0 1"]),
        (["jacobian", "identity", "--z", "7"], ["1"]),
        (["jacobian", "softmax", "--logits", "0,0"], ["0.25 -0.25", "-0.25 0.25"]),
        (["jacobian", "softmax", "--logits", "0,0;1,1"], ["0.25 -0.25", "-0.25 0.25", "", "0.25 -0.25", "-0.25 0.25"]),
        (["jacobian", "softmax", "--logits", "0,0", "--vjp", "1,0"], ["0.25 -0.25"]),
        (["jacobian", "log_softmax", "--logits", "0,0"], ["0.5 -0.5", "-0.5 0.5"]),
        (["jacobian", "dot", "--u", "1,2", "--v", "3,4"], ["d/du:", "3 4", "d/dv:", "1 2"]),
        (
            ["jacobian", "affine", "--x", "1,2", "--w", "3,4", "--b", "5"],
            ["d/dx:", "3 4", "d/dw:", "1 2", "d/db:", "1"],
        ),
        (
            ["jacobian", "affine", "--x", "1,2", "--w", "3,4;5,6", "--b", "7,8"],
            ["d/dx:", "3 5", "4 6", "d/dw:", "1 0 2 0", "0 1 0 2", "d/db:", "1 0", "0 1"],
        ),
        (
            ["jacobian", "neuron", "--x", "1,2", "--w", "1,-0.5", "--b", "0", "--activation", "sigmoid"],
            ["d/dx:", "0.25 -0.125", "d/dw:", "0.25 0.5", "d/db:", "0.25"],
        ),
        (["jacobian", "mse", "--y", "1,0", "--yhat", "0.5,0.25"], ["-0.5 0.25"]),
        (["jacobian", "mse", "--y", "1,0;0,1", "--yhat", "0.5,0.25;0,1"], ["-0.5 0.25", "0 0"]),
        (["jacobian", "bce", "--y", "1,0", "--yhat", "0.5,0.5"], ["-1 1"]),
        (["jacobian", "cce", "--yhat", "0.5,0.25,0.25", "--label", "1"], ["0 -4 0"]),
        (["jacobian", "cce", "--yhat", "0.5,0.5;0.2,0.8", "--y", "1,0;0,1"], ["-1 0", "0 -0.625"]),
        (["jacobian", "sigmoid_bce", "--z", "40", "--y", "1"], ["-4.248354255291589e-18"]),
        (["jacobian", "softmax_cce", "--logits", "0,0", "--label", "0"], ["-0.5 0.5"]),
        (["jacobian", "softmax_cce", "--logits", "0,0;0,0", "--label", "0,1"], ["-0.25 0.25", "0.25 -0.25"]),
        (
            ["descend", "x**2+y**2", "--at", "1,2", "--lr", "0.25", "--steps", "2"],
            ["1 2 5", "0.5 1 1.25", "0.25 0.5 0.3125"],
        ),
        (["descend", "x**2", "--at", "1", "--lr", "0.5", "--steps", "1", "--ascend"], ["1 1", "2 4"]),
        (["descend", "x**2", "--at", "1", "--lr", "0.25", "--tolerance", "0.6"], ["1 1", "0.5 0.25", "0.25 0.0625"]),
        (["descend", "x**2", "--at", "1", "--lr", "0.25", "--steps", "0"], ["1 1"]),
        (["eval", "pi", "--precision", "3"], ["3.14"]),
    ],
)
def test_what_it_prints(bpcli, arguments, lines):
    result = bpcli(*arguments)
    assert (result.code, result.err) == (0, "")
    # −0 and rounding in the last place aside, these are values worked by hand.
    assert len(result.lines) == len(lines)
    for got, expected in zip(result.lines, lines, strict=True):
        assert got == expected or numbers(got) == pytest.approx(numbers(expected), rel=1e-15)


def numbers(line):
    return [float(v) for v in line.split()]


@pytest.mark.parametrize(
    ("signs", "expected"),
    [("x=+,y=+", (1.2, 2.4)), ("x=+,y=-", (1.2, 1.6)), ("x=-,y=+", (0.8, 2.4)), ("x=-,y=-", (0.8, 1.6))],
)
def test_the_lectures_four_sign_combinations(bpcli, signs, expected):
    result = bpcli("descend", "x**2+y**2", "--at", "1,2", "--lr", "0.1", "--steps", "1", "--direction", signs)
    assert numbers(result.lines[1])[:2] == pytest.approx(expected, rel=1e-15)


def test_json_has_the_shapes_of_the_page(bpcli):
    (record,) = bpcli("grad", "x**2+y**2", "--at", "1,2", "--format", "json").json
    assert record == {"function": "x**2+y**2", "inputs": {"x": 1, "y": 2}, "value": 5, "gradient": {"x": 2, "y": 4}}
    (record,) = bpcli("grad", "sum(A@x)", "--at", "A=1,2;3,4, x=[1,1]", "--format", "json").json
    assert record["inputs"] == {"A": [[1, 2], [3, 4]], "x": [1, 1]}
    assert record["gradient"] == {"A": [[1, 1], [1, 1]], "x": [4, 6]}
    (record,) = bpcli("jacobian", "x*y", "--at", "1,2", "--format", "json").json
    assert (record["value"], record["jacobian"]) == (2, {"x": [[2]], "y": [[1]]})
    (record,) = bpcli("jacobian", "A@x", "--at", "A=1,2;3,4, x=[1,1]", "--format", "json").json
    assert record["value"] == [3, 7]
    assert record["jacobian"] == {"A": [[1, 1, 0, 0], [0, 0, 1, 1]], "x": [[1, 2], [3, 4]]}
    (record,) = bpcli("hessian", "w[0]*w[1]*x", "--at", "w=[2,3],x=4", "--format", "json").json
    assert record["variables"] == ["w[0]", "w[1]", "x"]
    assert record["hessian"] == [[0, 4, 3], [4, 0, 2], [3, 2, 0]]
    first, second = bpcli("descend", "x**2", "--at", "1", "--lr", "0.25", "--steps", "1", "--format", "json").json
    assert first == {"step": 0, "point": {"x": 1}, "value": 1, "gradient": {"x": 2}}
    assert second == {"step": 1, "point": {"x": 0.5}, "value": 0.25, "gradient": {"x": 1}}
    (record,) = bpcli("jacobian", "mse", "--y", "1,0;0,1", "--yhat", "0.5,0.25;0,1", "--format", "json").json
    assert record["jacobian"] == {"yhat": [[-0.5, 0.25, 0, 0]]}
    (record,) = bpcli("jacobian", "softmax", "--logits", "0,0", "--format", "json").json
    assert record["value"] == [0.5, 0.5]
    assert record["inputs"] == {"logits": [0, 0]}
    assert record["jacobian"] == {"logits": [[0.25, -0.25], [-0.25, 0.25]]}
    assert len(bpcli("jacobian", "softmax", "--logits", "0,0;1,2", "--format", "json").json) == 2


def rows(result):
    return list(csv.reader(io.StringIO(result.out)))


def test_csv_has_the_columns_of_the_page(bpcli):
    assert rows(bpcli("grad", "x**2+y**2", "--at", "1,2", "--at", "3,4", "--format", "csv")) == [
        ["x", "y", "value", "d/dx", "d/dy"],
        ["1", "2", "5", "2", "4"],
        ["3", "4", "25", "6", "8"],
    ]
    entries = ["A[0,0]", "A[0,1]", "A[1,0]", "A[1,1]", "x[0]", "x[1]"]
    table = rows(bpcli("grad", "sum(A@x)", "--at", "A=1,2;3,4, x=[1,1]", "--format", "csv"))
    assert table[0] == [*entries, "value", *(f"d/d{entry}" for entry in entries)]
    assert rows(
        bpcli("eval", "A@x", "--points", "-", "--format", "csv", stdin="A[0,0],A[0,1],x[0],x[1]\n1,2,3,4\n")
    ) == [
        ["A[0,0]", "A[0,1]", "x[0]", "x[1]", "value[0]"],
        ["1", "2", "3", "4", "11"],
    ]
    table = rows(bpcli("jacobian", "x*y", "x+y", "--at", "1,2", "--format", "csv"))
    assert "output" in table[0]
    assert [row[-2:] for row in table] == [["d/dx", "d/dy"], ["2", "1"], ["1", "1"]]
    table = rows(bpcli("hessian", "x**2*y", "--at", "1,2", "--format", "csv"))
    assert "output" in table[0]
    assert [row[-2:] for row in table[1:]] == [["4", "2"], ["2", "0"]]


@pytest.mark.parametrize(
    ("arguments", "line", "operation"),
    [
        (["eval", "log(x)", "--at", "0"], "-inf", "log(x) at x = 0"),
        (["grad", "sqrt(x)", "--at", "0"], "inf", "the derivative of sqrt(x) at x = 0"),
        (["grad", "log(x)", "--at", "-1"], "nan", "log(x) at x = -1"),
        (["eval", "9**9**9"], "inf", "9**9**9"),
    ],
)
def test_what_is_not_finite_is_printed_with_its_operation_and_exit_4(bpcli, arguments, line, operation):
    result = bpcli(*arguments)
    assert (result.code, result.lines) == (4, [line])
    assert operation in result.err
    (record,) = bpcli(*arguments, "--format", "json").json
    assert {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}[line] in json.dumps(record)


def test_a_descent_that_leaves_the_finite_says_which_step_was_allowed(bpcli):
    result = bpcli("descend", "x**2", "--at", "1", "--lr", "1e200", "--steps", "9")
    assert result.code == 4
    # f'' = 2: beyond 2/2 = 1 the steps grow
    assert "allows a step below --lr 1" in result.err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["eval", "x**2"], 2, "x has no value"),
        (["grad", "x*y", "--at", "1"], 2, "--at has 1 value for the 2 variables x, y"),
        (["grad", "y*x", "--at", "1,2"], 2, 'write --at "y=1,x=2"'),
        (["grad", "x", "--at", "x=1,z=2"], 2, "z, which does not occur"),
        (["grad", "x", "--at", "1", "--wrt", "y"], 2, "y is not a variable"),
        (["grad", "x", "--at", "1", "--points", "p.csv"], 2, "--at and --points both give points"),
        (["grad", "x", "--at", "1", "--output", "g.npy"], 2, "goes with --points"),
        (["grad", "[x,y]", "--at", "1,2"], 2, "bpcli jacobian"),
        (["grad", "x+", "--at", "1"], 2, "^"),
        (["grad", "foo(x)", "--at", "1"], 2, "foo"),
        (["grad", "x", "--points", "nothing.csv"], 3, "does not exist"),
        (["grad"], 2, "bpcli grad needs EXPR"),
        (["grad", "x", "y", "--at", "1"], 2, "bpcli jacobian x y --at 1"),
        (["grad", "x", "--at", "1", "--precision", "18"], 2, "--precision"),
        (["grad", "x", "--at", "1", "--format", "xml"], 2, "--format"),
        (["grad", "x", "--att", "1"], 2, "--at"),
        (["grad", "x", "--at", "@nothing"], 3, "nothing"),
        (["jacobian", "softmax", "--vjp", "1"], 2, "needs --logits"),
        (["jacobian", "softmax", "--z", "1"], 2, "--logits"),
        (["jacobian", "softmax", "--logits", "1,2", "--z", "1"], 2, "takes no --z"),
        (["jacobian", "softmax", "--at", "1"], 2, "given by --logits"),
        (["jacobian", "x", "--at", "1", "--z", "1"], 2, "--z"),
        (["jacobian", "dot", "--u", "1,2", "--v", "1"], 2, "shapes do not fit"),
        (["jacobian", "affine", "--x", "1,2", "--w", "1,2,3", "--b", "0"], 2, "--x is a vector of 2"),
        (["jacobian", "affine", "--x", "1,2", "--w", "1,2", "--b", "0,1"], 2, "--b is a vector of 2"),
        (["jacobian", "neuron", "--x", "1", "--w", "1", "--b", "0", "--activation", "sinus"], 2, "--activation"),
        (["jacobian", "bce", "--y", "2", "--yhat", "0.5"], 2, "labels between 0 and 1"),
        (["jacobian", "bce", "--y", "1", "--yhat", "3"], 2, "sigmoid_bce"),
        (["jacobian", "cce", "--yhat", "0.5,0.5"], 2, "the true class once"),
        (["jacobian", "cce", "--yhat", "0.5,0.5", "--label", "2"], 2, "counted from 0 to 1"),
        (["jacobian", "cce", "--yhat", "0.5,0.5", "--y", "1,1"], 2, "one-hot"),
        (["jacobian", "softmax", "--logits", "1,2", "--vjp", "1"], 2, "--vjp has 1 entry for 2 outputs"),
        (["jacobian", "softmax", "--logits", "1,2", "--vjp", "1,0", "--jvp", "1,0"], 2, "take one"),
        (["descend", "x", "--at", "1"], 2, "--lr"),
        (["descend", "x", "--at", "1", "--lr", "0"], 2, "greater than 0"),
        (["descend", "x", "--at", "1", "--lr", "1,2"], 2, "--lr takes one number"),
        (["descend", "x", "--at", "1", "--lr", "1", "--tolerance", "-1"], 2, "of at least 0"),
        (["descend", "x", "--at", "1", "--lr", "1", "--direction", "x=+,x=-"], 2, "x twice"),
        (["descend", "2", "--lr", "1"], 2, "no variables to descend in"),
        (["eval", "2", "--points", "p.csv"], 2, "no variables"),
        (["eval", "x", "--at", "x=1", "--vars", "x,y"], 2, "y, which --vars names, has no value"),
        (["eval", "--x", "--at", "1"], 2, "after a lone --"),
        (["hessian", "sum(x)", "--at", "x=[1,2]", "--wrt", "y"], 2, "y is not a variable"),
        (["descend", "x", "--at", "1", "--lr", "1", "--direction", "y=+"], 2, "y is no variable"),
        (["descend", "x", "--at", "1", "--lr", "1", "--direction", "x"], 2, "expected NAME=+"),
        (["descend", "x", "--at", "1", "--at", "2", "--lr", "1"], 2, "begins at one point"),
        (["descent", "x"], 2, "did you mean 'descend'?"),
    ],
)
def test_wrong_usage_is_one_clear_error(bpcli, tmp_path, monkeypatch, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    result = bpcli(*arguments)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith("bpcli: error: ")
    assert message.casefold() in result.err.casefold()


def test_points_in_bulk_from_csv_npy_and_stdin(bpcli, tmp_path):
    points = np.random.default_rng(3).normal(size=(20000, 2))
    np.save(tmp_path / "p.npy", points)
    lines = "x,y\n" + "".join(f"{a!r},{b!r}\n" for a, b in points.tolist())
    (tmp_path / "p.csv").write_text(lines)
    expected = np.column_stack([points[:, 0] ** 2 * points[:, 1], 2 * points[:, 0] * points[:, 1], points[:, 0] ** 2])
    text = "x**2*y"
    for source, stdin in ((tmp_path / "p.npy", b""), (tmp_path / "p.csv", b""), ("-", lines)):
        result = bpcli("grad", text, "--points", source, stdin=stdin)
        got = np.array([numbers(line) for line in result.lines])
        np.testing.assert_allclose(got, expected[:, 1:], rtol=1e-15)
    result = bpcli("grad", text, "--points", tmp_path / "p.npy", "--output", tmp_path / "g.npy")
    assert (result.code, result.out) == (0, "")
    np.testing.assert_allclose(np.load(tmp_path / "g.npy"), expected, rtol=1e-15)
    assert bpcli("grad", text, "--points", tmp_path / "p.npy", "--output", tmp_path / "g.npy").code == 2
    assert bpcli("eval", text, "--points", tmp_path / "p.npy", "--output", tmp_path / "g.npy", "--force").code == 0
    np.testing.assert_allclose(np.load(tmp_path / "g.npy"), expected[:, :1], rtol=1e-15)


def test_vectors_in_bulk_by_the_names_of_their_entries(bpcli):
    content = "A[0,1],x[1],A[0,0],x[0],note\n2,6,1,5,0\n"
    result = bpcli("jacobian", "A@x", "--points", "-", "--format", "json", stdin=content)
    assert result.json[0]["inputs"] == {"A": [[1, 2]], "x": [5, 6]}
    assert result.json[0]["jacobian"] == {"A": [[5, 6]], "x": [[1, 2]]}
    assert "note" in result.err


@pytest.mark.parametrize("command", ["eval", "grad", "hessian", "jacobian"])
@pytest.mark.parametrize("format_", ["text", "json", "csv"])
def test_no_points_no_lines(bpcli, command, format_):
    result = bpcli(command, "x*y", "--points", "-", "--format", format_, stdin="x,y\n")
    assert (result.code, result.out, result.err) == (0, "", "")


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        ("x,y\n1,2\n3\n", 3, ":3: "),
        ("x,y\n1,2\n3,four\n", 3, "'four' is not a number"),
        ("x\n1\n", 3, "no column for the variable y"),
        ("x,y,y\n1,2,3\n", 3, "two columns y"),
        ("", 3, "is empty"),
    ],
)
def test_points_that_can_t_be_read(bpcli, content, code, message):
    result = bpcli("grad", "x*y", "--points", "-", stdin=content)
    assert result.code == code
    assert message in result.err


def test_what_is_printed_can_be_given_back(bpcli, tmp_path):
    first = bpcli("eval", "[[1/3,2],[3,4]]").out
    (tmp_path / "m").write_text(first)
    assert bpcli("eval", "A", "--at", f"A=@{tmp_path / 'm'}").out == first
    assert bpcli("eval", "A", "--at", f"A={first}").out == first
    assert bpcli("jacobian", "softmax", "--logits", "@-", stdin="0 0\n").lines == ["0.25 -0.25", "-0.25 0.25"]


def test_a_column_of_logits_is_a_vector(bpcli):
    assert bpcli("jacobian", "softmax", "--logits", "@-", stdin="0\n0\n").lines == ["0.25 -0.25", "-0.25 0.25"]


@pytest.mark.slow
def test_products_with_many_logits_take_linear_memory(bpcli, tmp_path):
    rng = np.random.default_rng(1)
    logits, v = rng.normal(size=200_000), rng.normal(size=200_000)
    np.save(tmp_path / "l.npy", logits)
    np.save(tmp_path / "v.npy", v)
    e = np.exp(logits)
    p = e / e.sum()
    expected = p * (v - p @ v)
    for option in ("--vjp", "--jvp"):
        result = bpcli("jacobian", "softmax", "--logits", f"@{tmp_path / 'l.npy'}", option, f"@{tmp_path / 'v.npy'}")
        np.testing.assert_allclose(numbers(result.out), expected, rtol=1e-9, atol=1e-20)
    refused = bpcli("jacobian", "softmax", "--logits", f"@{tmp_path / 'l.npy'}")
    assert refused.code == 2
    assert "200000 × 200000" in refused.err
    assert "--vjp" in refused.err
    refused = bpcli("jacobian", "softmax(l)", "--at", f"l=@{tmp_path / 'l.npy'}")
    assert refused.code == 2
    assert "--vjp" in refused.err


def test_the_names_are_those_of_the_table():
    assert set(NAMED) == set(INPUTS)
    assert set(ACTIVATIONS) == set(TABLE)


def test_points_of_unequal_shapes_do_not_share_a_csv(bpcli):
    result = bpcli("eval", "sum(x)", "--at", "1,2", "--at", "1,2,3", "--format", "csv")
    assert result.code == 2
    assert "one shape" in result.err
    assert bpcli("eval", "sum(x)", "--at", "1,2", "--at", "1,2,3").lines == ["3", "6"]


def test_csv_of_named_jacobians_tells_the_samples_apart(bpcli):
    table = rows(bpcli("jacobian", "softmax", "--logits", "1,1;3,3", "--format", "csv"))
    assert table[0] == ["logits[0]", "logits[1]", "output", "value", "d/dlogits[0]", "d/dlogits[1]"]
    assert [row[:2] for row in table[1:]] == [["1", "1"], ["1", "1"], ["3", "3"], ["3", "3"]]


def test_descend_says_when_no_step_would_have_been_small_enough(bpcli):
    upward = bpcli("descend", "x**2", "--at", "3", "--lr", "5", "--ascend", "--steps", "1000")
    assert upward.code == 4
    assert "no step is small enough" in upward.err
    led_astray = bpcli("descend", "log(x)", "--at", "1", "--lr", "1.5", "--ascend", "--direction", "x=-")
    assert led_astray.code == 4
    assert bpcli("descend", "x**2", "--at", "1", "--lr", "1/4", "--steps", "1").lines == ["1 1", "0.5 0.25"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["grad", "sinx", "--at", "1"], "sin(x)"),
        (["eval", "2*xy", "--at", "1"], "x*y"),
        (["eval", "xy", "--at", "xy=1"], None),
        (["eval", "xy", "--at", "1", "--vars", "xy"], None),
        (["grad", "rate**2", "--at", "1"], None),
    ],
)
def test_a_name_that_may_be_meant_as_more_is_told_of(bpcli, arguments, told):
    found = bpcli(*arguments)
    assert found.code == 0
    assert f"write {told}" in found.err if told else not found.err


@pytest.mark.parametrize("command", ["hessian", "jacobian", "check"])
def test_points_that_are_taken_one_by_one_are_counted_for_a_bar(bpcli, tmp_path, monkeypatch, command):
    counted = []

    @contextmanager
    def activity(measure, quiet=False):
        yield
        counted.append((measure().done, quiet))

    monkeypatch.setattr("bpcli.commands.activity.activity", activity)
    points = tmp_path / "p.csv"
    points.write_text("x\n" + "1\n2\n3\n" * 700)
    assert bpcli(command, "x**2", "--points", points).code == 0
    assert counted == [(2100, False)]


POINTS_MEANT = [
    (["grad", "[x,y]", "--at", "1,2"], "", "decimal point"),
    (["grad", "[x,x]", "--at", "1,2"], "", "decimal point"),
    (
        ["grad", "x*y", "--at", "1,2", "--let", "x=3"],
        "x has its value by --let, and --at is for y alone",
        "decimal point",
    ),
    (
        ["grad", "x*y*z", "--at", "1,2,4", "--let", "x=3"],
        "by --let, and --at is for y, z alone",
        "decimal",
    ),
    (
        ["hessian", "k*c*y", "--at", "1,2,3", "--let", "k=3", "--let", "c=2"],
        "k, c have their values",
        "decimal",
    ),
    (["grad", "x", "--at", "1", "--let", "x=3"], "--let gives x", "decimal"),
    (["grad", "x**2", "--at", "1,5"], "--at 1.5 is one number, with a decimal point", "--let"),
    (["grad", "x*y", "--at", "x=1,5;y=2,5"], "--at x=1.5,y=2.5 has decimal points", "--let"),
    (["grad", "k*x", "--at", "1,5", "--let", "k=2,5"], "", "--at 1.5 is one"),
]


@pytest.mark.parametrize(("words", "hint", "no"), POINTS_MEANT)
def test_a_decimal_comma_is_meant_where_it_makes_the_point_right(bpcli, words, hint, no):
    failed = bpcli(*words)
    assert failed.code == 2
    assert hint in failed.err
    assert no not in failed.err


@pytest.mark.parametrize("words", [["5"], ["x+1", "--let", "x=1"], ["pi/2", "--format", "json"]])
@pytest.mark.parametrize("command", ["grad", "jacobian", "hessian"])
def test_a_constant_has_nothing_to_differentiate_by(bpcli, command, words):
    found = bpcli(command, *words)
    assert (found.code, "nothing to differentiate by" in found.err) == (0, True)
    assert not bpcli(command, "x+1", "--at", "1").err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("grad", "x**2", "--at", "1e400"), "1e400"),
        (("eval", "x", "--at", "x=-1E+309"), "1E+309"),
        (("eval", "x*c", "--at", "1", "--let", "c=2.5e308"), "2.5e308"),
        (("eval", "1/1e400"), "1e400"),
        (("eval", "x+y", "--at", "x=1e400,y=1e401"), "1e400, 1e401"),
        (("eval", "x", "--at", "1" * 400), "1" * 20 + "…" + "1" * 19),
        (("eval", "x1e400", "--at", "2"), ""),
        (("eval", "x", "--at", "inf"), ""),
        (("eval", "x", "--at", "1e308"), ""),
        (("grad", "x**2", "--at", "1e400", "--certify"), ""),
    ],
)
def test_a_number_too_large_for_a_double_is_noted(bpcli, words, told):
    found = bpcli(*words).err
    assert (f"note: {told}: too large for a double" in found) == bool(told), found
    assert ("too large for a double" in found) == bool(told)
