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
