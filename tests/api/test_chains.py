"""The chain from Python: difference quotients for every pair, mini-batches, layouts, and mistakes."""

import mpmath
import numpy as np
import pytest

import bpcli as library
from bpcli.errors import BpcliError, UsageError
from bpcli.formulas.activations import ACTIVATIONS, Activation
from bpcli.formulas.choices import Kink, Setting, Task
from bpcli.formulas.layers import pairs
from bpcli.formulas.losses import LOSSES, Loss
from bpcli.numbers.namespaces import namespace

X = np.array([[0.3, -1.2], [2.0, 0.7], [-0.4, 0.9]])
W, B = np.array([0.5, -0.3]), 0.1


def labels(row):
    """Labels that a loss takes, none of them at a kink."""
    if row.encoding:
        return np.array(row.encoding)[[0, 1, 1]]
    return np.clip([1.4, 0.2, 2.0], max(row.labels.low, -9), min(row.labels.high, 9))


def slope(f, at, h=1e-5):
    """The gradient of f by central differences, with an error of h⁴."""
    found = []
    for k in range(at.size):
        move = np.zeros(at.shape)
        move.reshape(-1)[k] = h
        near, far = (f(at + s * move) - f(at - s * move) for s in (1, 2))
        found.append((8 * near - far) / (12 * h))
    return np.array(found)


@pytest.mark.parametrize("N", [1, 3])
@pytest.mark.parametrize(("activation", "loss"), [(a, loss) for layer, a, loss in pairs() if a is not None])
def test_the_products_of_every_neuron_are_its_slopes(activation, loss, N):
    y = labels(LOSSES[loss])[:N]

    def J(x=X[:N], w=W, b=B):
        chain = library.backprop("neuron", x=x, w=w, b=b, y=y, activation=activation, loss=loss)
        return chain.quantities["J"].value.item()

    found = library.backprop("neuron", x=X[:N], w=W, b=B, y=y, activation=activation, loss=loss).quantities
    for name, truth in (
        ("dJ_dw", slope(lambda w: J(w=w), W)),
        ("dJ_db", slope(lambda b: J(b=float(b)), np.array(B))),
        ("dJ_dx", slope(lambda x: J(x=x), X[:N])),
    ):
        np.testing.assert_allclose(found[name].value.ravel(), truth, rtol=1e-8, atol=1e-11, err_msg=name)
    product = found["dJ_da"].value.ravel() * found["da_dz"].value.ravel()
    np.testing.assert_allclose(product, found["dJ_dz"].value.ravel(), rtol=1e-13)


@pytest.mark.parametrize("loss", [loss for layer, a, loss in pairs() if a is None])
def test_the_products_of_every_softmax_layer_are_its_slopes(loss):
    w, b, label = np.array([[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]]), np.array([0.1, 0.0, -0.2]), [2, 0, 1]

    def J(w=w, b=b):
        return library.backprop("softmax", x=X, w=w, b=b, label=label, loss=loss).quantities["J"].value.item()

    found = library.backprop("softmax", x=X, w=w, b=b, label=label, loss=loss).quantities
    np.testing.assert_allclose(found["dJ_dw"].value.ravel(), slope(lambda v: J(w=v), w), rtol=1e-8, atol=1e-11)
    np.testing.assert_allclose(found["dJ_db"].value.ravel(), slope(lambda v: J(b=v), b), rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("N", [1, 3])
def test_what_is_called_x_and_the_layouts(N):
    arguments = {"x": X[:N], "w": W, "b": B, "y": [1, 0, 1][:N], "activation": "sigmoid", "loss": "bce"}
    chain = library.backprop("neuron", **arguments, learning_rate=0.5)
    q = chain.quantities
    words = {1: ("xᵀ·w + b", "xᵀ", "x"), 3: ("X·w + b", "X", "X")}[N]
    assert (q["z"].formula.text, q["dz_dw"].formula.text, next(iter(chain.given))) == words
    turned = library.backprop("neuron", **arguments, learning_rate=0.5, layout="denominator").quantities
    assert turned["dz_dw"].formula.text == {1: "x", 3: "Xᵀ"}[N]
    assert turned["w_new"].formula.text == "w − α(∂J/∂w)"
    for name, quantity in q.items():
        value = np.swapaxes(quantity.value, -1, -2) if name.startswith("d") else quantity.value
        assert turned[name].value.tolist() == value.tolist()
        back = turned[name].in_denominator_layout()
        assert (back.formula, back.shape) == (quantity.formula, quantity.shape)


@pytest.fixture
def added(monkeypatch):
    """An activation with a kink off the origin, and a loss with a kink, both with a setting."""

    def bent(z, steep=2.0):
        return namespace(z).where(z >= 1.0, steep * (z - 1.0), 0.5 - 0.5 * z)

    def dbent(z, steep=2.0):
        return namespace(z).where(z >= 1.0, steep, -0.5)

    row = Activation(
        "bent", bent, dbent, "where(z>=1, steep*(z-1), (1-z)/2)", "where(z>=1, steep, -1/2)",
        kinks=lambda steep=2.0: (Kink(1.0, -0.5, steep),), settings={"steep": Setting(2.0, above=0.0)},
    )  # fmt: skip

    def pinball(y, yhat, share=0.25):
        return namespace(y, yhat).where(y >= yhat, share * (y - yhat), (1.0 - share) * (yhat - y))

    def dpinball(y, yhat, share=0.25):
        return namespace(y, yhat).where(y >= yhat, -share, 1.0 - share)

    loss = Loss(
        "pinball", Task.REGRESSION, pinball, dpinball, lambda y, yhat, share=0.25: -dpinball(y, yhat, share),
        "where(y>=yhat, share*(y-yhat), (1-share)*(yhat-y))", "where(y>=yhat, -share, 1-share)",
        lambda y, weights, share=0.25: 0.0,
        kinks=lambda y, share=0.25: (Kink(y, -share, 1.0 - share),),
        settings={"share": Setting(0.25, above=0.0, below=1.0)},
    )  # fmt: skip
    monkeypatch.setitem(ACTIVATIONS, "bent", row)
    monkeypatch.setitem(LOSSES, "pinball", loss)


def test_rows_that_are_added_have_a_chain(bpcli, added):
    arguments = ["--x", "3", "--w", "1", "--b", "2", "--activation", "bent", "--loss", "pinball", "--y", "2"]
    record = bpcli("backprop", "neuron", *arguments, "--steep", "3", "--share", "1/4", "--format", "json").json[0]
    # a = 3(5 − 1) = 12, J = ¾·10, ∂J/∂z = ¾·3
    assert [record[name]["value"] for name in ("z", "a", "J", "dJ_da", "da_dz", "dJ_dw")] == [5, 12, 7.5, 0.75, 3, 6.75]
    assert record["a"]["formula"] == "steep(z − 1) if z ≥ 1, else (1 − z)/2"
    assert record["J"]["formula"] == "share(y − a) if y ≥ a, else (1 − share)(a − y)"
    text = bpcli("backprop", "neuron", *arguments).out
    assert "steep = 2" in text
    assert "collapses" not in text
    latex = bpcli("backprop", "neuron", *arguments, "--format", "latex").out
    assert latex.count("{") == latex.count("}")


def test_rows_that_are_added_have_jacobians_kinks_and_formulas(bpcli, added):
    left = bpcli("jacobian", "bent", "--z", "1,3", "--kink", "left")
    assert left.lines == ["-0.5 0", "0 2"]
    assert "bent(z) at z = 1 has a kink: d/dz[0] is -0.5 on the left, 2 on the right; -0.5 is used" in left.err
    neuron = ["neuron", "--x", "3,1", "--w", "-1,1", "--b", "3", "--activation", "bent", "--steep", "4"]
    # z = 1 rises with x[1] and falls with x[0], whose right slope is the left one of z times −1
    assert bpcli("jacobian", *neuron, "--kink", "right").lines[:2] == ["d/dx:", "0.5 4"]
    assert bpcli("jacobian", *neuron, "--kink", "left").lines[:2] == ["d/dx:", "-4 -0.5"]
    loss = ["pinball", "--y", "1,2", "--yhat", "1,5", "--share", "0.5"]
    assert bpcli("jacobian", *loss).lines == ["-0.25 0.25"]
    assert bpcli("jacobian", *loss, "--kink", "right").lines == ["0.25 0.25"]
    assert bpcli("jacobian", *loss, "--kink", "right", "--jvp", "1,1").lines == ["0.5"]
    assert bpcli("jacobian", "bent").lines[0] == "da[i]/dz[i]  where(z[i]>=1, steep, -1/2)"
    assert "steep = 3" in bpcli("jacobian", "bent", "--steep", "3").out
    assert bpcli("jacobian", "pinball", "--format", "json").json[0]["formulas"] == {
        "dJ/dyhat[i]": "where(y[i]>=yhat[i],-share,1-share)/N"
    }
    assert "--steep" in bpcli("jacobian", "--help").out
    assert "--share: expected a number less than 1, found 2" in bpcli("jacobian", *loss[:-1], "2").err


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"layer": "neurn"}, "did you mean neuron"),
        ({}, "neuron needs x"),
        ({"x": [1, 2]}, "neuron needs w"),
        ({"x": [1, 2], "w": [1, 2], "b": 0}, "neuron needs loss"),
        ({"x": [1, 2], "w": [1, 2], "b": 0, "loss": "mse"}, "neuron needs y"),
        ({"x": [1, 2], "w": [1], "b": 0, "loss": "mse", "y": 1}, "w is one number"),
        ({"x": [1, 2], "w": [1, 2], "b": [0, 1], "loss": "mse", "y": 1}, "b is a vector of 2; expected one number"),
        ({"x": [1, 2], "w": [1, 2], "b": 0, "loss": "mse", "y": [1, 2]}, "one label for each row"),
        ({"x": [1, 2], "w": [1, 2], "b": 0, "loss": "msd", "y": 1}, "did you mean mse"),
        ({"x": [1, 2], "w": [1, 2], "b": 0, "loss": "bce", "y": 1}, "there is no such neuron"),
        ({"x": [1, 2], "w": [1, 2], "b": 0, "loss": "mse", "y": 1, "label": 1}, "label goes with softmax"),
        ({"x": [np.inf, 2], "w": [1, 2], "b": 0, "loss": "mse", "y": 1}, "x holds inf"),
        (
            {"x": 1, "w": 1, "b": 0, "loss": "mse", "y": 1, "learning_rate": 0},
            "learning_rate 0: the learning rate is a number greater than 0",
        ),
        ({"x": 1, "w": 1, "b": 0, "loss": "mse", "y": 1, "layout": "wide"}, "expected numerator or denominator"),
        ({"layer": "softmax", "x": 1, "w": [1, 2], "b": [0, 0], "activation": "tanh"}, "activation goes with neuron"),
        ({"layer": "softmax", "x": 1, "w": [1, 2], "b": [0, 0], "y": [0.5, 0.6]}, "found a sum of 1.1"),
        ({"layer": "softmax", "x": 1, "w": [1, 2], "b": [0, 0], "y": [-1, 2]}, "one-hot"),
    ],
)
def test_a_mistake_is_one_clear_error(call, message):
    with pytest.raises(UsageError) as error:
        library.backprop(call.pop("layer", "neuron"), **call)
    assert message in str(error.value)


def test_no_number_of_another_loss(added):
    """J and its slope by the formula that is shown, in exact numbers."""
    y, z = 2.0, 5.0
    found = library.backprop(
        "neuron", x=1, w=z, b=0, y=y, loss={"name": "pinball", "share": 0.125}
    ).quantities  # fmt: skip
    share = mpmath.mpf("0.125")
    assert found["J"].value.item() == (1 - share) * (z - y)
    assert found["dJ_da"].value.item() == 1 - share


def test_rows_of_a_run(root, tmp_path):
    run = library.train(root / "configs/iris.yaml", output=str(tmp_path / "iris")).path
    found = library.backprop_run(run, [3, range(51, 53)])
    assert found.rows == (3, 51, 52)
    assert found.chain.quantities["p"].value.shape == (3, 3)
    with pytest.raises(BpcliError, match="the data has 150 rows"):
        library.backprop_run(run, [range(1, 10**12)])
    with pytest.raises(BpcliError, match="needs row"):
        library.backprop_run(run, [])


def test_a_notebook_shows_the_chain_in_latex():
    for layout in ("numerator", "denominator"):
        chain = library.backprop(
            "neuron", x=[1, 2], w=[0.5, -0.25], b=0, activation="sigmoid", loss="bce", y=1, layout=layout
        )
        shown = chain._repr_latex_()
        assert shown.count("$$") == 2 * shown.count(r"\begin{aligned}") == 2 * shown.count(r"\end{aligned}") > 0
        assert "%" not in shown
        assert r"\frac{\partial J}{\partial z}" in shown
