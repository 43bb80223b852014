"""`check --mine` takes a derivative in every shape in which commands print it."""

import numpy as np
import pytest

NAMES = {
    "softmax": ["--logits", "1,2,3"],
    "log_softmax": ["--logits", "1,2.5"],
    "sigmoid": ["--z", "0.5,-1"],
    "tanh": ["--z", "0.5,-1,2"],
    "softplus": ["--z", "0.3"],
    "dot": ["--u", "1,2", "--v", "3,4.5"],
    "affine": ["--x", "1.5,2", "--w", "0.1,0.2,0.3;0.4,0.5,0.6", "--b", "0,1,2"],
    "neuron": ["--x", "1,2", "--w", "0.5,0.1", "--b", "0", "--activation", "sigmoid"],
    "mse": ["--y", "1,2;3,4.5", "--yhat", "2,4;1,1.3"],
    "bce": ["--y", "1,0,1", "--yhat", "0.3,0.4,0.9"],
    "cce": ["--label", "0,1", "--yhat", "0.3,0.7;0.6,0.4"],
    "sigmoid_bce": ["--z", "1,2", "--y", "1,0"],
    "softmax_cce": ["--logits", "1,2,3;0,1,0", "--label", "2,0"],
}
EXPRESSIONS = [
    (["jacobian", "x*y", "sin(x)+y"], ["--at", "x=1.3,y=2"]),
    (["jacobian", "x*v", "sum(v)*x"], ["--at", "x=1.3,v=[2,0.7]"]),
    (["jacobian", "A@v"], ["--at", "A=[[1,2],[3,4.5]],v=[0.3,0.7]"]),
    (["grad", "x**2*sin(y)"], ["--at", "x=1.3,y=2"]),
    (["grad", "sum(A**3)"], ["--at", "A=[[1.1,2,5],[3,4,6.7]]"]),
    (["grad", "sum(A**3)*x+norm(v)"], ["--at", "A=[[1.1,2],[3,4]],v=[0.3,0.7],x=2"]),
]


CASES = [(["jacobian", name], inputs) for name, inputs in NAMES.items()] + EXPRESSIONS


SEVERAL = [
    (["grad", "1e6*exp(x)*y"], ["--at", "x=1.3,y=0.7"]),
    (["grad", "x**2*sin(y)"], ["--at", "x=1.3,y=2", "--at", "x=0.3,y=1"]),
    (["jacobian", "x*v", "sum(v)*x"], ["--at", "x=1.3,v=[2,0.7]", "--at", "x=0.3,v=[1,4]"]),
    (["jacobian", "softmax"], ["--logits", "1,2,3;0,1,0.5"]),
]


@pytest.mark.parametrize("format_", ["text", "json", "csv"])
@pytest.mark.parametrize(("asked", "inputs"), CASES + SEVERAL, ids=[asked[1] for asked, _ in CASES + SEVERAL])
def test_what_is_printed_is_taken_back(bpcli, tmp_path, asked, inputs, format_):
    for digits in ([], ["--precision", 3], ["--precision", 7]):
        printed = bpcli(*asked, *inputs, *digits, "--format", format_)
        assert printed.code == 0
        answer = tmp_path / "mine.txt"
        answer.write_text(printed.out)
        found = bpcli("check", *asked[1:], *inputs, "--mine", f"@{answer}", "--format", "json")
        assert {record["finding"] for record in found.json} == {"right"}, (printed.out, found)


@pytest.mark.parametrize("format_", ["text", "json", "csv"])
@pytest.mark.parametrize("name", NAMES)
def test_the_sheet_of_formulas_is_taken_back(bpcli, name, format_):
    inputs = NAMES[name]
    activation = inputs[-2:] if name == "neuron" else []
    blocks = {"dot": ["u", "v"], "affine": ["x", "w", "b"], "neuron": ["x", "w", "b"]}.get(name, [])
    for wrt in ([], *(["--wrt", block] for block in blocks)):
        sheet = bpcli("jacobian", name, *activation, *wrt, "--format", format_).out
        found = bpcli("check", name, *inputs, *wrt, "--mine", sheet, "--format", "json")
        assert {record["finding"] for record in found.json} == {"right"}, (sheet, found)


POINTS = [
    (["grad", "x**2*y"], "x,y\n1.3,2\n3,4.1\n"),
    (["jacobian", "x**2*y", "x*y"], "x,y\n1.3,2\n3,4.1\n"),
    (["grad", "x*sum(v)"], "x,v[0],v[1]\n1.3,2,3\n3,4,5.2\n"),
    (["jacobian", "x*v"], "x,v[0],v[1]\n1.3,2,3\n3,4,5.2\n0,1,2\n"),
    (["grad", "sum(A**2)"], '"A[0,0]","A[0,1]","A[1,0]","A[1,1]"\n1.3,2,3,1\n3,4,5.2,2\n'),
]


@pytest.mark.parametrize("format_", ["text", "json", "csv"])
@pytest.mark.parametrize(("asked", "points"), POINTS, ids=[" ".join(asked) for asked, _ in POINTS])
def test_what_is_printed_for_points_in_bulk_is_taken_back(bpcli, tmp_path, asked, points, format_):
    table, answer = tmp_path / "p.csv", tmp_path / "mine.txt"
    table.write_text(points)
    printed = bpcli(*asked, "--points", table, "--format", format_).out
    answer.write_text(printed)
    found = bpcli("check", *asked[1:], "--points", table, "--mine", f"@{answer}")
    assert found.out == f"{points.count(chr(10)) - 1} points: right\n", (printed, found)
    header, *rows = points.splitlines()
    table.write_text("\n".join([header, *rows[::-1]]))
    assert bpcli("check", *asked[1:], "--points", table, "--mine", f"@{answer}").code == 1


def test_rows_for_fewer_points_are_told(bpcli, tmp_path):
    (tmp_path / "p.csv").write_text("x\n1\n2\n")
    (tmp_path / "mine.txt").write_text("x,value,d/dx\n1,1,2\n")
    found = bpcli("check", "x**2", "--points", tmp_path / "p.csv", "--mine", f"@{tmp_path / 'mine.txt'}")
    assert (found.code, "the answer has 1 rows, and there are more points" in found.err) == (3, True)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "softplus"])
@pytest.mark.parametrize("format_", ["text", "json", "csv"])
def test_the_sheet_of_a_neuron_of_any_activation_is_taken_back(bpcli, activation, format_):
    sheet = bpcli("jacobian", "neuron", "--format", format_).out
    inputs = ["--x", "1,2", "--w", "0.5,-0.3", "--b", "0.1", "--activation", activation]
    assert bpcli("check", "neuron", *inputs, "--mine", sheet).code == 0
    assert bpcli("check", "neuron", *inputs, "--mine", sheet.replace("*w[j]", "*x[j]")).code == 1


@pytest.mark.parametrize(
    "latex",
    [
        r"\left[\begin{array}{cc} 0.23500 & 0 \\ 0 & 0.19661 \end{array}\right]",
        r"$$\left(\begin{smallmatrix} 0.23500 & 0 \\ 0 & 0.19661 \end{smallmatrix}\right)$$",
        r"\[ J = \begin{bmatrix*}[r] 0.23500 & 0 \\[2pt] 0 & 0.19661 \\ \end{bmatrix*}. \]",
        r"\begin{equation}\mathbf{J} = \left[\begin{array}{c|c} 0.23500 & 0 \\ \hline 0 & 0.19661 \end{array}\right]"
        r"\end{equation}",
        r"\begin{tabular}{r r} 0.23500 & 0 \\ 0 & 0.19661 \\ \hline \end{tabular}",
        r"\begin{pmatrix} 2.3500 \cdot 10^{-1} & 0 \\ 0 & 0.19661 \end{pmatrix}",
    ],
)
def test_a_matrix_in_latex_is_taken(bpcli, latex):
    assert bpcli("check", "sigmoid", "--z", "0.5,1", "--mine", latex).out.endswith("right\n")
    assert bpcli("check", "sigmoid", "--z", "0.5,1", "--mine", latex.replace("0.19661", "0.19662")).code == 1


@pytest.mark.parametrize(
    ("name", "old", "new", "finding"),
    [
        ("softmax", "-p[i]*p[j]", "p[i]*p[j]", "sign"),
        ("softmax", "p[i]*(1-p[i])", "p[j]*(1-p[i])", "unreadable"),
        ("softmax", "dp[i]/dlogits[j]", "dp[i]/dlogits[i]", "unreadable"),
        ("sigmoid", "dz[i]", "dx[i]", "unreadable"),
        ("affine", "    w[j,k]", "    x[j]*w[j,k]", "value"),
        ("softmax_cce", "/N", "", "missing_mean"),
    ],
)
def test_a_sheet_with_a_mistake_is_wrong(bpcli, name, old, new, finding):
    sheet = bpcli("jacobian", name).out
    assert old in sheet
    found = bpcli("check", name, *NAMES[name], "--mine", sheet.replace(old, new), "--format", "json")
    assert found.code == 1
    assert [record["finding"] for record in found.json] == [finding]


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_the_jacobians_of_several_samples_are_taken_back(bpcli, tmp_path, name):
    inputs = ["--logits", "1,2,3;0,1,0.5"]
    lines = bpcli("jacobian", name, *inputs, "--precision", 4).lines
    answer = tmp_path / "mine.txt"
    answer.write_text("\n".join(lines))
    found = bpcli("check", name, *inputs, "--mine", f"@{answer}", "--format", "json").json
    assert [record["finding"] for record in found] == ["right", "right"]
    answer.write_text("\n".join([*lines[:-1], "1 1 1"]))
    found = bpcli("check", name, *inputs, "--mine", f"@{answer}", "--format", "json").json
    assert [record["agree"] for record in found] == [True, False]


@pytest.mark.parametrize(("asked", "inputs"), CASES, ids=[asked[1] for asked, _ in CASES])
def test_a_digit_that_is_off_is_found_in_every_shape(bpcli, tmp_path, asked, inputs):
    lines = bpcli(*asked, *inputs, "--precision", 5).lines
    line = next(k for k, text in enumerate(lines) if not text.startswith("d/d"))
    cells = lines[line].split()
    cells[0] = f"{float(cells[0]) + 0.0123:.5g}"
    lines[line] = " ".join(cells)
    answer = tmp_path / "mine.txt"
    answer.write_text("\n".join(lines))
    (record,) = bpcli("check", *asked[1:], *inputs, "--mine", f"@{answer}", "--format", "json", "--score").json
    assert record["agree"] is False
    assert record["score"] == pytest.approx(1 - 1 / len(record["entries"]))


def test_the_diagonal_stands_for_a_diagonal_matrix(bpcli):
    slopes = 1 - np.tanh([0.5, 1.0]) ** 2
    for separator in (",", " ", ";", "\n"):
        mine = separator.join(f"{v:.3f}" for v in slopes)
        assert bpcli("check", "tanh", "--z", "0.5,1", "--mine", mine).code == 0
    assert bpcli("check", "tanh", "--z", "0.5,1", "--mine", "0.79,0.42").code == 1  # two digits are too few


@pytest.mark.parametrize(
    ("asked", "mine", "right"),
    [
        (["sigmoid", "--z", "0.5,1"], "da/dz = a*(1-a)", True),
        (["sigmoid", "--z", "0.5,1"], "d/dz:\n0.2350 0.1966", True),
        (["sigmoid", "--z", "0.5,1"], "a·(1−a)", True),
        (["sigmoid", "--z", "0.5,1"], "a²·(1-a)/a", True),
        (["sigmoid", "--z", "0.5,1"], "2·a·(1-a)", False),
        (["sum(x*y**2)", "--at", "x=[1,2],y=[3,4]"], "y·y, 2x·y", True),
        (["dot(x,y)**2", "--at", "x=[1,2],y=[3,4]"], "2*(x·y)*y, 2*(x·y)*x", True),
        (["dot(x,y)", "--at", "x=[1,2],y=[3,4]"], "x·y, x·y", False),
        (["bce", "--y", "1,0", "--yhat", "0.3,0.4"], "(ŷ-y)/(ŷ·(1-ŷ))/N", True),
    ],
)
def test_a_title_the_dot_and_the_hat_of_lectures_are_read(bpcli, asked, mine, right):
    (record,) = bpcli("check", *asked, "--mine", mine, "--format", "json").json
    assert record["agree"] is right
    assert record["finding"] != "shape"
