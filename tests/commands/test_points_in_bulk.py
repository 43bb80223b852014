"""Points in bulk print as the same points do one by one, in each format and shape."""

import json
import re

import numpy as np
import pytest

from bpcli.commands import points_in_bulk as bulk

RNG = np.random.default_rng(8)
SCALARS = RNG.normal(size=(11, 2)) * 10.0 ** RNG.integers(-9, 9, (11, 2))
CASES = [
    # the expression, its options, the header, points that have nothing to round
    ("x*y", [], "y,x", SCALARS),
    ("x*y", ["--wrt", "x"], "y,x", SCALARS),
    ("x*y", ["--vars", "y,x"], "x,y", SCALARS),
    ("k*x+y", ["--let", "k=3"], "x,y", SCALARS),
    ("x/y", [], "x,y", [[1, 2], [1, 0], [-1, 0], [0, 0], ["inf", 1], ["nan", 1], [0, -2]]),
    ("2*x", [], "x", [[0.5], [-0.0], [1e300], [3]]),
    ("x@x", [], "x[0],x[1],x[2]", [[1, 2, 3], [4, 5, 6.5]]),
    ("b*sum(x)", [], "x[1],b,x[0]", [[1, 2, 3], [4, 5, 6.5]]),
    ("sum(A*A)", [], '"A[0,0]",A[0,1],A[1,0],A[1,1]', [[1, 2, 3, 4], [5, 6, 7, 8]]),
    ("sum(A@x)", [], "A[0,0],A[0,1],A[1,0],A[1,1],x[0],x[1]", [[1, 2, 3, 4, 5, 6]] * 3),
    ("sum(A@x)", ["--wrt", "A"], "A[0,0],A[0,1],A[1,0],A[1,1],x[0],x[1]", [[1, 2, 3, 4, 5, 6]] * 3),
]
VALUES = [
    ("[x,2*x]", [], "x", [[1], [2.5]]),
    ("[[x,2*x],[y,x*y]]", [], "x,y", [[1, 7], [2.5, 3]]),
    ("A.T", [], "A[0,0],A[0,1],A[1,0],A[1,1],A[2,0],A[2,1]", [[1, 2, 3, 4, 5, 6]] * 2),
]


def at(names, row):
    """A row as `--at` takes it: `x=[1,2]` of the columns `x[0]` and `x[1]`."""
    cells = dict(zip(names, row, strict=True))
    texts = []
    for name in dict.fromkeys(n.partition("[")[0] for n in names):
        if name in cells:
            texts.append(f"{name}={cells[name]!r}".replace("'", ""))
            continue
        places = sorted(json.loads(n.removeprefix(name)) for n in names if n.startswith(f"{name}["))
        array = np.empty([m + 1 for m in places[-1]])
        for place in places:
            array[tuple(place)] = cells[f"{name}{place}".replace(" ", "")]
        texts.append(f"{name}={array.tolist()}")
    return ", ".join(texts)


@pytest.mark.parametrize(
    "options", [["--format", f, *p] for f in ("text", "csv", "json") for p in ([], ["--precision", "3"])]
)
@pytest.mark.parametrize(
    ("command", "case"), [(c, case) for c in ("grad", "eval") for case in CASES] + [("eval", c) for c in VALUES]
)
def test_as_the_points_one_by_one(bpcli, monkeypatch, command, case, options):
    expression, more, header, table = case
    if command == "eval" and "--wrt" in more:
        return
    monkeypatch.setattr(bulk, "PRINTED_CELLS", 8)
    monkeypatch.setattr(bulk, "BLOCK", 5)
    table = table.tolist() if isinstance(table, np.ndarray) else table
    content = header + "\n" + "".join(",".join(map(str, row)) + "\n" for row in table)
    names = re.split(r",(?![^\[]*\])", header.replace('"', ""))
    points = [argument for row in table for argument in ("--at", at(names, row))]
    many = bpcli(command, expression, *more, *options, "--points", "-", stdin=content)
    single = bpcli(command, expression, *more, *options, *points)
    assert (many.code, many.out) == (single.code, single.out)
    assert many.err == single.err
    assert many.out.count("\n") >= len(table)


@pytest.mark.parametrize("form", ["text", "csv", "json"])
def test_lost_digits_are_one_note_with_the_first_point_and_the_count(bpcli, form):
    points = "x\n1\n2\n1e-8\n3\n1e-9\n"  # of 1 − cos x the value is lost there, its slope is right
    note = "bpcli: note: point 3: digits are lost to rounding, terms cancel: {}, and at about 1 more points"
    lost = bpcli("eval", "1-cos(x)", "--points", "-", "--format", form, stdin=points)
    assert note.format("1-cos(x) = 0 ± 4e-16") in lost.err
    assert lost.err.count("note:") == 1
    lost = bpcli("grad", "1-cos(x)", "--points", "-", "--format", form, stdin=points)
    assert (note.format("1-cos(x) = 0 ± 4e-16") in lost.err) == (form != "text")
    assert lost.code == 0
    lost = bpcli("grad", "x-sin(x)", "--points", "-", "--format", form, stdin=points)
    assert "point 3" in lost.err


JACOBIANS = [
    (["x*y", "x/y-y**3", "5"], [], "x,y", np.array([[1.5, 2.0], [-3.0, 0.25], [4.0, -1e-3]])),
    (["x*y", "[x,sin(y)]"], ["--wrt", "y"], "x,y", np.array([[1.5, 2.0], [-3.0, 0.25]])),
    (["softmax(x)", "x[0]*k"], ["--let", "k=3"], "x[0],x[1],x[2]", np.array([[1.0, 2, 3], [0.5, -4, 0]])),
    (["[[x,y],[x*y,x-y]]", "[[x,y],[y,x]].T"], [], "x,y", np.array([[1.0, 2], [3, 4]])),
    (["A@x", "sum(A)"], ["--wrt", "x,A"], "A[0,0],A[0,1],A[1,0],A[1,1],x[0],x[1]", np.arange(12.0).reshape(2, 6)),
    (["abs(x)*y", "max(x,y)", "where(x>y,1,y)"], ["--kink", "left"], "x,y", np.array([[0.0, 2], [3, 3], [1, 2]])),
    (["exp(x)*exp(-x)", "x**3"], [], "x", np.array([[800.0], [2.0]])),  # out of the range of doubles on the way
]


@pytest.mark.parametrize("certify", [[], ["--certify"]])
@pytest.mark.parametrize("case", JACOBIANS)
def test_jacobians_written_are_those_of_the_points_one_by_one(bpcli, monkeypatch, tmp_path, case, certify):
    expressions, options, header, table = case
    monkeypatch.setattr(bulk, "WRITTEN_CELLS", 2)  # a point at a time
    content = header + "\n" + "".join(",".join(map(str, row)) + "\n" for row in table.tolist())
    words = ["jacobian", *expressions, *options, *certify, "--points", "-"]
    written = bpcli(*words, "--output", tmp_path / "j.npy", stdin=content)
    assert (written.code, written.out) == (0, "")
    one_by_one = bpcli(*words, "--format", "json", stdin=content)
    assert written.err == one_by_one.err
    rows = []
    for point in one_by_one.json:
        lines = zip(*(block for block in point["jacobian"].values()), strict=True)
        values = np.concatenate([np.ravel(value) for value in np.atleast_1d(np.array(point["value"], object))])
        rows.append(np.hstack([[v, *np.concatenate(line)] for v, line in zip(values, lines, strict=True)]))
    np.testing.assert_allclose(np.load(tmp_path / "j.npy"), rows, rtol=4e-16, atol=0)


def test_jacobians_written_tell_each_output_that_lost_digits_and_what_is_not_finite(bpcli, tmp_path):
    words = ["jacobian", "[1-cos(x),x-sin(x)]", "x**2", "--points", "-", "--output", tmp_path / "j.npy"]
    lost = bpcli(*words, stdin="x\n1\n2\n1e-8\n3\n1e-9\n")
    for k, value in enumerate(["4e-16", "4e-24"]):
        note = f"[1-cos(x),x-sin(x)][{k}], point 3: digits are lost to rounding, terms cancel: "
        assert f"{note}[1-cos(x),x-sin(x)][{k}] = 0 ± {value}, and at about 1 more points" in lost.err
    assert (lost.code, lost.err.count("note:")) == (0, 2)
    words = ["jacobian", "x", "1/x", "log(x)", "--points", "-", "--output", tmp_path / "i.npy"]
    infinite = bpcli(*words, stdin="x\n1\n0\n")
    assert (infinite.code, np.load(tmp_path / "i.npy").shape) == (4, (2, 6))
    assert "1/x at x = 0" in infinite.err
    assert bpcli(*words, stdin="x\n1\n").code == 2
    assert bpcli(*words, "--force", stdin="x\n").code == 0
    assert np.load(tmp_path / "i.npy").shape == (0, 6)


def test_a_jacobian_that_is_too_large_is_refused_before_it_is_made(bpcli, tmp_path):
    np.save(tmp_path / "p.npy", np.ones((1, 40_000)))
    words = ["jacobian", "2*x", "--points", tmp_path / "p.npy", "--output", tmp_path / "j.npy"]
    refused = bpcli(*words)
    assert (refused.code, refused.out) == (2, "")
    assert "40000 × 40000" in refused.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["grad", "x*y"], "goes with --points"),
        (["jacobian", "x*y", "x"], "goes with --points"),
        (["jacobian", "x*y", "x", "--at", "1,2"], "goes with --points"),
        (["jacobian", "x*y", "x", "--vjp", "1,1", "--points", "-"], "--vjp"),
        (["jacobian", "x*y", "x", "--jvp", "1,1", "--points", "-"], "--jvp"),
        (["jacobian", "x*y", "x", "--latex", "--points", "-"], "--latex"),
        (["jacobian", "softmax"], "--logits"),
        (["jacobian", "softmax", "--logits", "1,2"], "--logits"),
    ],
)
def test_a_file_of_columns_needs_points_and_whole_derivatives(bpcli, tmp_path, words, message):
    refused = bpcli(*words, "--output", tmp_path / "g.npy", stdin="x,y\n1,2\n")
    assert (refused.code, refused.out) == (2, "")
    assert message in refused.err
    assert not (tmp_path / "g.npy").exists()
