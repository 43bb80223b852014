"""The lecture as a tour: one test a heading, each formula of it by one command, beside values worked by hand."""

import math

import numpy as np
import pytest


@pytest.fixture
def numbers(bpcli):
    """What a command prints, as numbers: a list of rows."""

    def call(*arguments):
        result = bpcli(*arguments)
        assert result.code == 0, result.err
        return [[float(v) for v in line.split()] for line in result.lines if not line.startswith("d/d")]

    return call


@pytest.fixture
def chain(bpcli):
    """A whole chain of `backprop`, by name."""

    def call(*arguments):
        return {k: np.array(v["value"]) for k, v in bpcli("backprop", *arguments, "--format", "json").json[0].items()}

    return call


# Multivariate Functions


def test_multiple_input_and_single_output(numbers):
    for text, value in (("x+y", 5), ("x**2+y**2", 13), ("x*y", 6)):
        assert numbers("eval", text, "--at", "2,3") == [[value]]
    assert numbers("eval", "(1/3)sum(x)", "--at", "1,2,6") == [[3]]
    assert numbers("eval", "(1/3)sum(x**2)", "--at", "1,2,4") == [[7]]
    assert numbers("eval", "dot(x,w)+b", "--at", "x=[1,2], w=[3,4], b=5") == [[16]]


# Partial Derivatives and Gradients


def test_partial_derivatives(bpcli):
    """By the limit of (f(x + h, y) − f(x, y))/h, and exactly."""
    (record,) = bpcli("check", "x**2*y", "--at", "3,2", "--format", "json").json
    assert [(e["name"], e["exact"], e["agree"]) for e in record["entries"]] == [("d/dx", 12, True), ("d/dy", 9, True)]
    assert [e["numeric"] for e in record["entries"]] == pytest.approx([12, 9])


def test_parameter_update_of_one_variable(numbers):
    assert numbers("descend", "x**2", "--at", "3", "--lr", "0.1", "--steps", "1")[1] == pytest.approx([2.4, 5.76])
    assert numbers("descend", "x**2", "--at", "3", "--lr", "0.1", "--steps", "1", "--ascend")[1] == pytest.approx(
        [3.6, 12.96]
    )


def test_parameter_update_in_four_directions(numbers):
    start = ["descend", "x**2+y**2", "--at", "1,2", "--lr", "0.1", "--steps", "1"]
    for direction, point in (
        ("x=+,y=+", [1.2, 2.4]),
        ("x=+,y=-", [1.2, 1.6]),
        ("x=-,y=+", [0.8, 2.4]),
        ("x=-,y=-", [0.8, 1.6]),
    ):
        assert numbers(*start, "--direction", direction)[1][:2] == pytest.approx(point)


def test_general_multivariate_functions(numbers):
    assert numbers("grad", "x1*x2*x3+x1**2", "--at", "2,3,4") == [[16, 8, 6]]


def test_gradients(bpcli, numbers):
    assert bpcli("grad", "x+y").lines == ["1 1"]
    assert bpcli("grad", "x**2+y**2").lines == ["2*x 2*y"]
    assert bpcli("grad", "x*y").lines == ["y x"]
    assert bpcli("grad", "(1/3)sum(x)", "--shape", "x=3").lines == ["1/3 1/3 1/3"]
    assert bpcli("grad", "(1/3)sum(x**2)", "--shape", "x=3").lines == ["2*x[0]/3 2*x[1]/3 2*x[2]/3"]
    assert numbers("grad", "(1/3)sum(x**2)", "--at", "3,6,9") == [[2, 4, 6]]


def test_gradients_and_jacobians(bpcli):
    assert bpcli("jacobian", "x**2*y", "x+y", "x*y").lines == ["2*x*y x**2", "1 1", "y x"]
    record = bpcli("jacobian", "x**2", "[x,2*x]", "--at", "3", "--format", "json").json[0]
    assert record["jacobian"] == {"x": [[6], [1], [2]]}


def test_gradients_and_parameter_update(numbers):
    """x := x − α(∇f)ᵀ for a vector: −∇f is the most decreasing direction."""
    rows = numbers("descend", "sum(x**2)", "--at", "x=[1,2,3]", "--lr", "0.25", "--steps", "2")
    assert rows == [[1, 2, 3, 14], [0.5, 1, 1.5, 3.5], [0.25, 0.5, 0.75, 0.875]]
    rises = []
    for angle in np.linspace(0, 2 * math.pi, 17)[:-1]:
        step = [1 + 1e-6 * math.cos(angle), 2 + 1e-6 * math.sin(angle)]
        rises.append(numbers("eval", "x**2+y**2", "--at", f"{step[0]!r},{step[1]!r}")[0][0])
    gradient = numbers("grad", "x**2+y**2", "--at", "1,2")[0]
    steepest = np.linspace(0, 2 * math.pi, 17)[int(np.argmax(rises))]
    assert abs(steepest - math.atan2(gradient[1], gradient[0])) <= math.pi / 16


# Artificial Neurons and Jacobians


def test_dot_product_and_jacobians(numbers, bpcli):
    assert numbers("jacobian", "dot", "--u", "1,2,3", "--v", "4,5,6") == [[4, 5, 6], [1, 2, 3]]
    assert bpcli("grad", "dot(u,v)", "--shape", "u=3,v=3").lines == [
        "d/du:",
        "v[0] v[1] v[2]",
        "d/dv:",
        "u[0] u[1] u[2]",
    ]


def test_affine_functions_and_jacobians(numbers, chain):
    assert numbers("jacobian", "affine", "--x", "1,2", "--w", "3,4", "--b", "5") == [[3, 4], [1, 2], [1]]
    got = chain("neuron", "--x", "1,2", "--w", "3,4", "--b", "5", "--loss", "mse", "--y", "10", "--lr", "0.5")
    assert got["z"] == 16
    dJ_dz = 12  # −2(10 − 16)
    np.testing.assert_array_equal(got["dJ_dx"], [[dJ_dz * 3, dJ_dz * 4]])
    np.testing.assert_array_equal(got["dJ_dw"], [[dJ_dz * 1, dJ_dz * 2]])
    np.testing.assert_array_equal(got["dJ_db"], dJ_dz)
    np.testing.assert_array_equal(got["w_new"], [[-3], [-8]])
    assert got["b_new"] == -1


def test_activation_functions_and_jacobians(bpcli, numbers):
    assert bpcli("check", "sigmoid", "--z", "0.5", "--mine", "a*(1-a)").code == 0
    assert bpcli("grad", "tanh(z)").lines == ["(1+tanh(z))*(1-tanh(z))"]
    assert numbers("jacobian", "relu", "--z", "3") == [[1]]
    assert numbers("jacobian", "relu", "--z", "-3") == [[0]]
    assert numbers("jacobian", "relu", "--z", "0") == [[1]]
    a = 1 / (1 + math.exp(-0.5))
    assert numbers("jacobian", "sigmoid", "--z", "0.5")[0][0] == pytest.approx(a * (1 - a), rel=1e-15)
    t = math.tanh(0.5)
    assert numbers("jacobian", "tanh", "--z", "0.5")[0][0] == pytest.approx((1 + t) * (1 - t), rel=1e-15)


def test_the_chain_of_a_neuron(chain):
    """∂J/∂w = ∂J/∂a·∂a/∂z·xᵀ, and the update w := w − α ∂J/∂a ∂a/∂z x."""
    arguments = ["--x", "1,2", "--w", "0.5,-0.25", "--b", "0.5", "--activation", "tanh", "--loss", "mse", "--y", "1"]
    got = chain("neuron", *arguments, "--lr", "0.1")
    a = math.tanh(0.5)
    dJ_da, da_dz = -2 * (1 - a), (1 + a) * (1 - a)
    assert got["dJ_da"].item() == pytest.approx(dJ_da, rel=1e-14)
    np.testing.assert_allclose(got["dJ_dw"], [[dJ_da * da_dz, 2 * dJ_da * da_dz]], rtol=1e-14)
    np.testing.assert_allclose(got["w_new"], [[0.5 - 0.1 * dJ_da * da_dz], [-0.25 - 0.2 * dJ_da * da_dz]], rtol=1e-14)


# Loss Functions and Jacobians


def test_loss_functions_and_backpropagation(numbers):
    """A loss is one more multivariate function, of ŷ."""
    assert numbers("grad", "mse(y, yhat)", "--at", "yhat=[2,4]", "--let", "y=[1,2]") == [[1, 2]]


def test_gradients_for_mini_batch(chain):
    """∂J/∂ŷ⁽ⁱ⁾ = (1/N) ∂J₀⁽ⁱ⁾/∂ŷ⁽ⁱ⁾: of three rows a third of what each has alone."""
    x, y = ["1,2", "0,1", "-1,3"], ["1", "0", "1"]
    rest = ["--w", "0.5,-0.25", "--b", "0.1", "--activation", "sigmoid", "--loss", "bce"]
    together = chain("neuron", "--x", ";".join(x), "--y", ",".join(y), *rest)
    alone = [chain("neuron", "--x", row, "--y", label, *rest) for row, label in zip(x, y, strict=True)]
    np.testing.assert_allclose(together["dJ_da"].ravel(), [one["dJ_da"].item() / 3 for one in alone], rtol=1e-13)
    np.testing.assert_allclose(together["J"], np.mean([one["J"] for one in alone]), rtol=1e-13)
    np.testing.assert_allclose(together["dJ_dw"], np.mean([one["dJ_dw"] for one in alone], axis=0), rtol=1e-13)


def test_mse_and_jacobians(numbers, bpcli):
    assert numbers("jacobian", "mse", "--y", "1,2,3", "--yhat", "2,2,6") == [pytest.approx([2 / 3, 0, 2])]
    assert bpcli("check", "mse", "--y", "1,2,3", "--yhat", "2,2,6", "--mine", "-(2/3)*(y-yhat)").code == 0


def test_bce_and_jacobians(numbers, bpcli):
    assert bpcli("grad", "bce(y, p)", "--wrt", "p").lines == ["(p-y)/(p*(1-p))"]
    assert numbers("jacobian", "bce", "--y", "1", "--yhat", "0.25") == [[-4]]
    assert numbers("jacobian", "bce", "--y", "1,0", "--yhat", "0.25,0.5") == [[-2, 1]]
    assert numbers("eval", "bce([1,0], [0.25,0.5])")[0][0] == pytest.approx(-(math.log(0.25) + math.log(0.5)) / 2)


def test_cce_and_jacobians(numbers):
    assert numbers("jacobian", "cce", "--yhat", "0.25,0.25,0.5", "--label", "2") == [[0, 0, -2]]
    assert numbers("jacobian", "cce", "--yhat", "0.25,0.25,0.5", "--y", "1,0,0") == [[-4, 0, 0]]
    assert numbers("jacobian", "cce", "--yhat", "0.25,0.75;0.5,0.5", "--label", "0,1") == [[-2, 0], [0, -1]]
    assert numbers("eval", "cce([0,0,1], [0.25,0.25,0.5])")[0][0] == pytest.approx(math.log(2))


# Softmax and Jacobians


def test_calculation_of_softmax(numbers):
    e = [math.exp(v) for v in (1, 2, 3)]
    assert numbers("eval", "softmax(l)", "--at", "1,2,3")[0] == pytest.approx([v / sum(e) for v in e], rel=1e-15)


def test_diff_of_the_denominator(bpcli):
    assert bpcli("grad", "sum(exp(l))", "--shape", "l=3").lines == ["exp(l[0]) exp(l[1]) exp(l[2])"]


def test_jacobians_of_softmax(bpcli, numbers):
    rows = [
        "p[0]*(1-p[0]), -p[0]*p[1], -p[0]*p[2]",
        "-p[1]*p[0], p[1]*(1-p[1]), -p[1]*p[2]",
        "-p[2]*p[0], -p[2]*p[1], p[2]*(1-p[2])",
    ]
    assert bpcli("check", "softmax", "--logits", "1,2,3", "--mine", "; ".join(rows)).code == 0
    assert bpcli("jacobian", "softmax(l)", "--shape", "l=2").lines == [
        "softmax(l)[0]*(1-softmax(l)[0]) -softmax(l)[0]*softmax(l)[1]",
        "-softmax(l)[0]*softmax(l)[1] softmax(l)[1]*(1-softmax(l)[1])",
    ]
    p = np.exp([1, 2, 3]) / np.exp([1, 2, 3]).sum()
    np.testing.assert_allclose(
        numbers("jacobian", "softmax", "--logits", "1,2,3"), np.diag(p) - np.outer(p, p), rtol=1e-14
    )


def test_softmax_and_cce_collapse(bpcli):
    """∂J/∂p·∂p/∂l = (p − y)ᵀ."""
    assert bpcli("check", "softmax_cce", "--logits", "1,2,3", "--label", "2", "--mine", "p-y").code == 0
    shown = bpcli("backprop", "softmax", "--x", "1,2", "--w", "0.1,0.2;0.3,0.4", "--b", "0,0", "--label", "1").out
    assert "which collapses to (p − y)ᵀ" in shown
