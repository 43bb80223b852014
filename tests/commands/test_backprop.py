"""`backprop`: every number of the chain against autograd, which knows none of the lecture's formulas, and mpmath."""

import json
import math

import autograd.numpy as anp
import mpmath
import numpy as np
import pytest
from autograd import jacobian

from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.layers import pairs

G = {
    "identity": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + anp.exp(-z)),
    "tanh": anp.tanh,
    "relu": lambda z: anp.where(z >= 0, z, 0.0),
    "leaky_relu": lambda z: anp.where(z >= 0, z, 0.01 * z),
    "elu": lambda z: anp.where(z >= 0, z, anp.exp(z) - 1),
    "softplus": lambda z: anp.log(1 + anp.exp(z)),
    "exp": anp.exp,
}
LOSS = {
    "mse": lambda y, a: anp.sum((y - a) ** 2) / len(y),
    "bce": lambda y, a: -anp.sum(y * anp.log(a) + (1 - y) * anp.log(1 - a)) / len(y),
    "cce": lambda y, a: -anp.sum(y * anp.log(a)) / len(y),
    "huber": lambda y, a: anp.mean(anp.where(abs(y - a) <= 1, (y - a) ** 2 / 2, abs(y - a) - 0.5)),
    "hinge": lambda y, a: anp.mean(anp.maximum(0, 1 - y * a)),
    "poisson": lambda y, a: anp.mean(a - y * anp.log(a)),
}
LABELS = {
    "bce": np.array([1.0, 0.0, 1.0]),
    "hinge": np.array([1.0, -1.0, 1.0]),
    "poisson": np.array([2.0, 0.0, 1.0]),
}
X = np.array([[0.3, -1.2], [2.0, 0.7], [-0.4, 0.9]])


def text(value):
    value = np.asarray(value)
    rows = value if value.ndim == 2 else [value.ravel()]
    return ";".join(",".join(repr(float(v)) for v in row) for row in rows)


def softmax(logits):
    e = anp.exp(logits - anp.max(logits, axis=-1, keepdims=True))
    return e / anp.sum(e, axis=-1, keepdims=True)


def values(record):
    return {name: np.asarray(entry["value"], float) for name, entry in record.items()}


def close(got, expected):
    np.testing.assert_allclose(np.ravel(got), np.ravel(expected), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("N", [1, 3])
@pytest.mark.parametrize(("activation", "loss"), [(a, loss) for kind, a, loss in pairs() if kind == "neuron"])
def test_a_neuron(bpcli, activation, loss, N):
    x, w, b, lr = X[:N], np.array([0.5, -0.3]), 0.1, 0.25
    y = LABELS.get(loss, np.array([0.4, -1.0, 2.0]))[:N]
    arguments = ["neuron", "--x", text(x), "--w", text(w), "--b", b, "--activation", activation, "--loss", loss]
    record = bpcli("backprop", *arguments, "--y", text(y), "--lr", lr, "--format", "json").json[0]
    got = values(record)
    names = "z a J dJ_da da_dz dJ_dz dz_dw dz_dx dz_db dJ_dw dJ_db dJ_dx w_new b_new"
    assert list(record) == names.split()
    assert all(set(entry) == {"formula", "shape", "value"} for entry in record.values())
    z = x @ w + b
    a = G[activation](z)
    J = LOSS[loss]
    close(got["z"], z)
    close(got["a"], a)
    close(got["J"], J(y, a))
    close(got["dJ_da"], jacobian(lambda v: J(y, v))(a))
    close(got["da_dz"], np.diag(jacobian(G[activation])(z)))
    close(got["dJ_dz"], jacobian(lambda v: J(y, G[activation](v)))(z))
    close(got["dz_dw"], jacobian(lambda v: anp.dot(x, v) + b)(w))
    close(got["dz_dx"], [w] * N)
    close(got["dz_db"], np.ones(N))
    slopes = [jacobian(lambda *v, i=i: J(y, G[activation](anp.dot(v[0], v[1]) + v[2])), i)(x, w, b) for i in range(3)]
    for name, slope in zip(("dJ_dx", "dJ_dw", "dJ_db"), slopes, strict=True):
        close(got[name], slope)
    close(got["w_new"], w - lr * slopes[1])
    close(got["b_new"], b - lr * slopes[2])
    shapes = {"dJ_dw": "1×2", "w_new": "2×1", "dz_dx": "1×2" if N == 1 else "3 × (1×2)", "dJ_dz": f"1×{N}"}
    assert {name: record[name]["shape"] for name in shapes} == shapes
    turned = bpcli(
        "backprop", *arguments, "--y", text(y), "--lr", lr, "--format", "json", "--layout", "denominator"
    ).json[0]
    assert turned["dJ_dw"]["shape"] == "2×1"
    assert turned["dJ_dw"]["formula"] == "∂z/∂w · ∂J/∂z"
    for name in record:
        value = np.asarray(record[name]["value"], float)
        jacobian_ = name.startswith("d") and value.ndim > 1
        close(turned[name]["value"], np.swapaxes(value, -1, -2) if jacobian_ else value)


@pytest.mark.parametrize("N", [1, 3])
@pytest.mark.parametrize("loss", ["cce", "mse"])
@pytest.mark.parametrize("soft", [False, True])
def test_a_softmax_layer(bpcli, loss, N, soft):
    x, w, b, lr = X[:N], np.array([[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]]), np.array([0.1, 0.0, -0.2]), 0.5
    labels = np.array([2, 0, 1])[:N]
    y = np.array([[0.2, 0.3, 0.5]] * N) if soft else np.eye(3)[labels]
    label = ["--y", text(y)] if soft else ["--label", text(labels)]
    arguments = ["softmax", "--x", text(x), "--w", text(w), "--b", text(b), "--loss", loss, *label]
    record = bpcli("backprop", *arguments, "--lr", lr, "--format", "json").json[0]
    got = values(record)
    names = "l p J dJ_dp dp_dl dJ_dl dl_dw dl_dx dl_db dJ_dw dJ_db dJ_dx w_new b_new"
    assert list(record) == names.split()
    logits = x @ w + b
    p = softmax(logits)
    J = LOSS[loss]
    close(got["l"], logits)
    close(got["p"], p)
    close(got["J"], J(y, p))
    close(got["dJ_dp"], jacobian(lambda v: J(y, v))(p))
    close(got["dp_dl"], [jacobian(softmax)(row) for row in logits])
    close(got["dJ_dl"], jacobian(lambda v: J(y, softmax(v)))(logits))
    close(got["dl_dw"], [jacobian(lambda v, row=row: anp.dot(row, v))(w) for row in x])
    close(got["dl_dx"], [w.T] * N)
    close(got["dl_db"], [np.eye(3)] * N)
    slopes = [jacobian(lambda *v, i=i: J(y, softmax(anp.dot(v[0], v[1]) + v[2])), i)(x, w, b) for i in range(3)]
    for name, slope in zip(("dJ_dx", "dJ_dw", "dJ_db"), slopes, strict=True):
        close(got[name], slope)
    close(got["w_new"], w - lr * slopes[1])
    close(got["b_new"], b - lr * slopes[2])
    assert record["dJ_dw"]["shape"] == "1×6"


@pytest.mark.parametrize("loss", ["bce", "mse"])
def test_a_saturated_neuron_keeps_what_z_knew(bpcli, loss):
    arguments = ["--x", "1", "--w", "40", "--b", "0", "--activation", "sigmoid", "--loss", loss, "--y", "1"]
    got = values(bpcli("backprop", "neuron", *arguments, "--format", "json").json[0])
    with mpmath.workdps(60):
        z = mpmath.mpf(40)
        a, rest = 1 / (1 + mpmath.exp(-z)), 1 / (1 + mpmath.exp(z))
        dJ_da = -1 / a if loss == "bce" else -2 * rest
        exact = {"dJ_da": dJ_da, "da_dz": a * rest, "dJ_dz": dJ_da * a * rest, "dJ_dw": dJ_da * a * rest}
        exact["J"] = -mpmath.log(a) if loss == "bce" else rest**2
        for name, value in exact.items():
            assert abs(got[name].item() / value - 1) < 1e-14, name


def test_a_run_and_rows_of_its_data(bpcli, root, tmp_path):
    run = tmp_path / "iris"
    assert bpcli("train", root / "configs/iris.yaml", "--output", run, "--quiet").code == 0
    result = bpcli("backprop", run, "--row", "3,51:52", "--format", "json")
    record = result.json[0]
    predicted = bpcli("predict", run, root / "data/iris.csv").lines[1:]
    for k, row in enumerate((3, 51, 52)):
        close([float(v) for v in predicted[row - 1].split(",")[1:]], record["p"]["value"][k])
    assert "rows 3, 51, 52 of" in result.err
    assert "rows 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, … (150 in all) of" in bpcli("backprop", run, "--row", "1:150").err
    assert bpcli("backprop", run, "--row", "151").code == 2
    assert "the data has 150 rows" in bpcli("backprop", run, "--row", "0").err
    assert "needs --row" in bpcli("backprop", run).err
    assert "--row 99999999999: the data has 150 rows" in bpcli("backprop", run, "--row", "1:99999999999").err


def test_what_is_drawn(bpcli):
    arguments = [
        "neuron",
        "--x",
        "1,2",
        "--w",
        "0.5,-0.25",
        "--b",
        "0.5",
        "--activation",
        "sigmoid",
        "--loss",
        "bce",
        "--y",
        "1",
    ]
    result = bpcli("backprop", *arguments)
    assert "  ∂J/∂w = ∂J/∂z · ∂z/∂w   [1×2]\n    ( " in result.out
    assert "which collapses to a − y" in result.out
    assert max(map(len, result.lines)) <= 80
    wide = bpcli(
        "backprop",
        "neuron",
        "--x",
        text(np.arange(30) / 7),
        "--w",
        text(np.arange(30) / 3),
        "--b",
        "1",
        "--loss",
        "mse",
        "--y",
        "1",
    )
    assert max(map(len, wide.lines)) <= 80
    assert "columns 29 to 30:" in wide.out
    assert "12:" not in wide.out
    assert wide.lines[-1] == "… stands for entries that are left out; --all shows them"
    assert "left out" not in result.out
    latex = bpcli("backprop", *arguments, "--format", "latex", "--lr", "1").out
    assert latex.count("{") == latex.count("}")
    assert latex.count(r"\begin{aligned}") == latex.count(r"\end{aligned}") == 5
    assert r"\frac{\partial J}{\partial \vec{w}}" in latex
    markdown = bpcli("backprop", *arguments, "--format", "markdown").out
    assert markdown.count("$$") % 2 == 0
    assert "| $z$ | xᵀ·w + b | 1×1 |" in markdown
    rows = bpcli("backprop", *arguments, "--format", "csv").lines
    assert rows[0] == "name,sample,row,column,value"
    assert "dz_dw,,1,2,2" in rows


def test_the_mean_of_a_batch_is_drawn(bpcli):
    arguments = ["neuron", "--x", "1;2;3;4", "--w", "1", "--b", "0", "--loss", "mse", "--y", "1,2,3,5"]
    assert (
        "Local Jacobians\n  ∂J/∂J₀ = (1/N … 1/N)   [1×4]\n    ( 0.25  0.25  0.25  0.25 )"
        in bpcli("backprop", *arguments).out
    )
    turned = bpcli("backprop", *arguments, "--layout", "denominator").out
    assert "∂J/∂J₀ = (1/N … 1/N)   [4×1]\n    ⎛ 0.25 ⎞" in turned
    latex = bpcli("backprop", *arguments, "--format", "latex").out
    assert r"\frac{\partial J}{\partial \vec{J}_0}" in latex
    assert r"\vec{J}_0 &=" in latex
    assert "| $\\vec{J}_0$ | (y − a)² | 4×1 |" in bpcli("backprop", *arguments, "--format", "markdown").out
    assert "J₀" not in bpcli("backprop", "neuron", "--x", "1", *arguments[3:-1], "1").out


@pytest.mark.parametrize(
    ("typed", "formula", "worked"),
    [  # the losses of the rows by hand; J is their mean
        ("neuron --x 1;2;3;4 --w 1 --b 0 --loss mse --y 1,2,3,6", "(y − a)²", [0, 0, 0, 4]),
        ("neuron --activation relu --x 1;-2 --w 3 --b 0 --loss mse --y 1,2", "(y − a)²", [4, 4]),
        (
            "neuron --activation sigmoid --x 0;40 --w 1 --b 0 --loss bce --y 1,0",
            "−[y log a + (1 − y) log(1 − a)]",
            [math.log(2), 40 + math.log1p(math.exp(-40))],
        ),
        ("softmax --x 0;1 --w 0,0 --b 0,0 --y 1,0;0,1", "−Σ y_k log p_k", [math.log(2)] * 2),
    ],
)
def test_the_losses_of_the_rows_stand_before_their_mean(bpcli, typed, formula, worked):
    shown = bpcli("backprop", *typed.split(), "--precision", 12).out
    head, _, rest = shown.partition(f"  J₀ = {formula}   [{len(worked)}×1]\n")
    assert "Forward" in head
    lines = rest.splitlines()
    assert [float(line.split()[1]) for line in lines[: len(worked)]] == pytest.approx(worked, rel=1e-11)
    assert lines[len(worked)].startswith("  J = ")
    assert float(lines[len(worked)].split("= ")[-1]) == pytest.approx(sum(worked) / len(worked), rel=1e-11)


def test_a_learning_rate_may_be_a_fraction(bpcli):
    arguments = ["neuron", "--x", "1", "--w", "1", "--b", "0", "--loss", "mse", "--y", "-0.5", "--format", "json"]
    assert bpcli("backprop", *arguments, "--lr", "1/3").json[0]["w_new"]["value"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["neuron", "--x", "1,2"], "needs --w"),
        (["neuron", "--x", "1,2", "--w", "1", "--b", "0", "--loss", "mse", "--y", "1"], "the shapes do not fit"),
        (["neuron", "--x", "1,2", "--w", "1,2", "--b", "0,1", "--loss", "mse", "--y", "1"], "--b is a vector of 2"),
        (["neuron", "--x", "1,2", "--w", "1,2", "--b", "0", "--loss", "mse", "--y", "1,2"], "for 1 row of --x"),
        (["neuron", "--x", "1,2", "--w", "1,2", "--b", "0", "--loss", "bce", "--y", "1"], "there is no such neuron"),
        (["neuron", "--x", "1,2", "--w", "1,2", "--b", "0", "--y", "1"], "needs --loss"),
        (["neuron", "--x", "1,nan", "--w", "1,2", "--b", "0", "--loss", "mse", "--y", "1"], "expected finite numbers"),
        (
            ["neuron", "--x", "1", "--w", "1", "--b", "0", "--activation", "sigmoid", "--loss", "bce", "--y", "2"],
            "between 0 and 1",
        ),
        (["softmax", "--x", "1,2", "--w", "1,2", "--b", "0", "--label", "0"], "the shapes do not fit"),
        (["softmax", "--x", "1", "--w", "1,2", "--b", "0", "--label", "0"], "expected a vector of 2"),
        (["softmax", "--x", "1", "--w", "1,2", "--b", "0,0"], "give the true class once"),
        (["softmax", "--x", "1", "--w", "1,2", "--b", "0,0", "--label", "2"], "counted from 0 to 1"),
        (["softmax", "--x", "1", "--w", "1,2", "--b", "0,0", "--y", "1,1"], "add up to 1"),
        (
            ["softmax", "--x", "1", "--w", "1,2", "--b", "0,0", "--label", "0", "--row", "1"],
            "--row takes rows of a run",
        ),
        (["neurone", "--x", "1"], "expected neuron, softmax, or the folder of a run"),
        (["neurone"], "expected neuron, softmax, or the folder of a run\n  did you mean neuron?"),
        (["neuron", "--x", "1", "--w", "1", "--b", "0", "--loss", "mse", "--y", "1", "--lr", "-1"], "greater than 0"),
        (["neuron", "--x", "1", "--w", "1", "--b", "0", "--loss", "mse", "--y", "1", "--lr", "1,2"], "one number"),
        (["neuron", "--x", "1", "--w", "1", "--b", "0", "--loss", "mse", "--y", "1", "--lr", "nan"], "--lr nan"),
    ],
)
def test_wrong_usage(bpcli, arguments, message):
    result = bpcli("backprop", *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err


@pytest.mark.parametrize("name", [name for name, row in ACTIVATIONS.items() if row.kinks()])
def test_a_neuron_at_a_kink_says_so(bpcli, name):
    (kink,) = ACTIVATIONS[name].kinks()
    of = ["--x", "1,2", "--w", f"1,{(kink.at - 1) / 2}", "--b", "0", "--activation", name, "--loss", "mse", "--y", "1"]
    found = bpcli("backprop", "neuron", *of)
    assert found.code == 0
    if kink.left == kink.right:
        assert not found.err
    else:
        assert f"{name}(z) at z = {kink.at:g} has a kink: ∂a/∂z is {kink.left:g} on the left" in found.err
    assert "kink" not in bpcli("backprop", "neuron", *of[:3], "3,4", *of[4:]).err


def test_a_loss_at_a_kink_says_so(bpcli):
    found = bpcli("backprop", "neuron", "--x", "1", "--w", "1", "--b", "0", "--loss", "hinge", "--y", "1")
    assert "hinge(y, a) at y = 1, a = 1 has a kink: ∂J₀/∂a is -1 on the left, 0 on the right; 0 is used" in found.err


@pytest.fixture(scope="module")
def wide_run(root, tmp_path_factory):
    from bpcli.commands.running import run as command

    folder = tmp_path_factory.mktemp("runs") / "wide"
    config = str(root / "configs/breast_cancer.yaml")
    assert command(["train", config, "--set", "training.epochs=1", "--output", str(folder), "--quiet"]) == 0
    return folder


def test_the_features_of_a_run_are_named_and_dots_are_in_the_middle(bpcli, wide_run):
    found = bpcli("backprop", wide_run, "--row", 3, "--lr", 0.1)
    assert max(map(len, found.lines)) <= 80
    names = [line.split()[-1] for line in found.lines[2:14]]
    assert names[:2] == ["mean_radius", "mean_texture"]
    assert names[5:7] == ["mean_compactness", "⎟"]
    assert names[-1] == "worst_fractal_dimension"
    assert found.out.count("mean_radius") == 7  # x, w, ∂z/∂w, ∂z/∂x, ∂J/∂w, ∂J/∂x and the new w
    assert "… stands for" in found.lines[-1]


@pytest.mark.parametrize("format_", ["text", "latex", "markdown"])
def test_all_leaves_nothing_out(bpcli, wide_run, format_):
    shown = bpcli("backprop", wide_run, "--row", 3, "--all", "--format", format_, "--precision", 17).out
    assert "…" not in shown
    assert "dots" not in shown
    whole = json.loads(bpcli("backprop", wide_run, "--row", 3, "--format", "json").out)
    for value in np.ravel(whole["dJ_dw"]["value"]):
        text = f"{value:.17g}".partition("e")[0].rstrip("0").replace("-", "")
        assert text[:12] in shown


def test_the_rows_of_a_run_name_the_features_of_each_sample(bpcli, wide_run):
    found = bpcli("backprop", wide_run, "--row", "3,4", "--layout", "denominator").out
    assert "mean_radius" in found.partition("∂J/∂w")[2]
    assert "columns 1 to" in found


@pytest.mark.parametrize("rows", ["1", "1,2"])
def test_the_names_of_a_square_matrix_stand_at_its_features(bpcli, tmp_path, rows):
    (tmp_path / "square.csv").write_text("u,v,kind\n1,2,a\n4,3,b\n0,2,a\n5,1,b\n")
    (tmp_path / "square.yaml").write_text(
        "model: {type: softmax}\nloss: cce\ntraining: {learning_rate: 0.1}\ndata: {path: square.csv, target: kind}\n"
    )
    run = tmp_path / "run"
    assert bpcli("train", tmp_path / "square.yaml", "--output", run, "--quiet").code == 0
    first = 1 if rows == "1" else 2  # below a line that says which sample
    by_layout = {
        layout: bpcli("backprop", run, "--row", rows, "--layout", layout).out.partition("∂l/∂x")[2].splitlines()[first:]
        for layout in ("numerator", "denominator")
    }
    assert by_layout["numerator"][0].split() == ["u", "v"]  # ∂l/∂x has a column for each feature, its transpose a row
    assert [line.split()[-1] for line in by_layout["denominator"][:2]] == ["u", "v"]


@pytest.mark.parametrize("word", ["runs/nope", "nope", "there/nope.npz"])
def test_a_run_that_does_not_exist_is_told_so(bpcli, tmp_path, monkeypatch, word):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs/hope").mkdir(parents=True)
    found = bpcli("backprop", word, "--row", 1)
    assert found.code == 3
    assert found.err.startswith(f"bpcli: error: {word} does not exist\n")
    assert ("did you mean runs/hope?" in found.err) == (word == "runs/nope")
    assert "expected neuron, softmax, or the folder of a run" in bpcli("backprop", "nope").err
