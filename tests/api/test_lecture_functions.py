"""The lecture's functions from Python: the command's numbers, one-sided slopes by quotients, and mistakes."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bpcli as library
from bpcli.errors import InputError, UsageError
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.choices import Setting
from bpcli.lecture.inputs import INPUTS
from bpcli.lecture.named_functions import NAMED

NEURON = {"x": [1.0, -2.0, 0.0], "w": [2.0, 1.0, 5.0], "b": 0.0}


def test_the_jacobian_the_products_and_the_command_agree(bpcli):
    found = library.named_jacobian("softmax", logits=[1.0, 2.0, 3.0])
    record = bpcli("jacobian", "softmax", "--logits", "1,2,3", "--format", "json").json[0]
    assert found.jacobian["logits"].tolist() == record["jacobian"]["logits"]
    assert found.value.tolist() == record["value"]
    assert found.entries == ["logits[0]", "logits[1]", "logits[2]"]
    v = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(
        library.named_vjp("softmax", v, logits=[1, 2, 3]).vjp["logits"], v @ found.jacobian["logits"], rtol=1e-13
    )
    np.testing.assert_allclose(
        library.named_jvp("softmax", v, logits=[1, 2, 3]).jvp, found.jacobian["logits"] @ v, rtol=1e-13
    )


def test_a_certified_result_is_the_nearest_double():
    pytest.importorskip("flint")
    found = library.named_jacobian("sigmoid", z=[40.0], certify=True, digits=25)
    with mpmath.workdps(60):
        e = mpmath.exp(-40)
        assert found.jacobian["z"][0, 0].text == mpmath.nstr(e / (1 + e) ** 2, 25)


def one_sided(f, x, direction):
    """A one-sided difference quotient of a function that is linear on each side of x."""
    h = direction * 2.0**-10
    return (f(x + h) - f(x)) / h


@pytest.mark.parametrize("certify", [False, True])
@pytest.mark.parametrize(("kink", "direction"), [("left", -1.0), ("right", 1.0)])
def test_one_sided_slopes_of_a_neuron_are_those_of_its_inputs(kink, direction, certify):
    if certify:
        pytest.importorskip("flint")
    arguments = {**NEURON, "activation": "relu", "kink": kink, "certify": certify}
    found = library.named_jacobian("neuron", **arguments)
    relu = ACTIVATIONS["relu"].value
    x, w, b = (np.array(NEURON[name]) for name in "xwb")
    row = []
    for name, at in (("x", x), ("w", w), ("b", b)):
        for k in range(at.size):

            def f(v, name=name, at=at, k=k):
                moved = {"x": x, "w": w, "b": b, name: np.array(at, float)}
                moved[name].reshape(-1)[k] = v
                return relu(float(moved["x"] @ moved["w"] + moved["b"]))

            row.append(one_sided(f, float(at.reshape(-1)[k]), direction))
    got = np.concatenate([block.ravel() for block in found.jacobian.values()]).astype(float)
    assert got.tolist() == row
    assert "relu(z) at z = 0" in found.place
    assert [k.slope for k in found.kinks] == ["d/dx[0]", "d/dx[1]", "d/dx[2]", "d/dw[0]", "d/dw[1]", "d/db"]
    vjp = library.named_vjp("neuron", [3.0], **arguments).vjp
    assert np.concatenate([np.ravel(block) for block in vjp.values()]).astype(float).tolist() == [3 * v for v in row]
    t = np.arange(1.0, 8.0)
    assert float(np.ravel(library.named_jvp("neuron", t, **arguments).jvp)[0]) == t @ np.array(row)


def test_one_sided_slopes_entry_by_entry():
    assert library.named_jacobian("relu", z=[0, -1, 2], kink="left").jacobian["z"].tolist() == [
        [0, 0, 0], [0, 0, 0], [0, 0, 1]
    ]  # fmt: skip
    assert library.named_vjp("relu", [3, 3, 3], z=[0, -1, 2], kink="left").vjp["z"].tolist() == [0, 0, 3]
    assert library.named_jvp("relu", [3, 3, 3], z=[0, -1, 2], kink="right").jvp.tolist() == [3, 0, 3]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: library.named_jacobian("softmx", logits=[1]), "did you mean softmax"),
        (lambda: library.named_jacobian("neuron", x=[1]), "neuron needs w, b, activation"),
        (lambda: library.named_jacobian("tanh", z=1, y=1), "tanh takes no y"),
        (lambda: library.named_jacobian("softmax", logits=[[1, 2]]), "logits is a 1 × 2 matrix"),
        (lambda: library.named_jacobian("relu", z=0, kink="up"), "expected one of lecture, left, right"),
        (lambda: library.named_vjp("dot", [1, 2], u=[1], v=[2]), "vjp has 2 entries for 1 output"),
        (lambda: library.named_jvp("softmax", [1, 2], logits=[1, 2, 3]), "jvp has 2 entries for 3 inputs"),
        (lambda: library.named_jacobian("neuron", x=[1], w=[1], b=0, activation="rely"), "did you mean relu"),
    ],
)
def test_a_mistake_is_one_clear_error(call, message):
    with pytest.raises(UsageError) as error:
        call()
    assert message in str(error.value)


def test_the_command_shows_an_input_as_its_option(bpcli):
    assert issubclass(InputError, UsageError)
    result = bpcli("jacobian", "neuron", "--x", "1")
    assert result.code == 2
    assert "neuron needs --w, --b, --activation" in result.err
    assert "--x … --w … --b … --activation …" in result.err
    assert "--jvp has 2 entries for 3 inputs" in bpcli("jacobian", "softmax", "--logits", "1,2,3", "--jvp", "1,2").err


@pytest.mark.parametrize("name", [name for name, row in NAMED.items() if len(row.blocks) > 1])
def test_some_blocks_are_those_of_the_whole(name):
    given = {"u": [1.0, 2.0], "v": [3.0, -1.0], "x": [1.0, -2.0], "w": [0.5, 0.75], "b": 0.1, "activation": "tanh"}
    inputs = {key: given[key] for key in INPUTS[name]}
    whole = library.named_jacobian(name, **inputs).jacobian
    for block, matrix in whole.items():
        found = library.named_jacobian(name, wrt=block, **inputs)
        assert {k: v.tolist() for k, v in found.jacobian.items()} == {block: matrix.tolist()}
        assert len(found.entries) == matrix.shape[1]
        assert list(library.named_vjp(name, [2.0], wrt=[block], **inputs).vjp) == [block]
        t = np.arange(1.0, matrix.shape[1] + 1)
        np.testing.assert_allclose(
            np.ravel(library.named_jvp(name, t, wrt=block, **inputs).jvp), matrix @ t, rtol=1e-13
        )
    with pytest.raises(UsageError, match="has no block q"):
        library.named_jacobian(name, wrt="q", **inputs)


def test_the_command_picks_blocks_and_shows_settings(bpcli, monkeypatch):
    dot = ["dot", "--u", "1,2", "--v", "3,4"]
    assert bpcli("jacobian", *dot, "--wrt", "v").lines == ["1 2"]
    assert bpcli("jacobian", *dot, "--wrt", "v", "--jvp", "1,1").lines == ["3"]
    assert bpcli("jacobian", "neuron", "--wrt", "w,b").lines[:2] == ["da/dw[j]  da_dz*x[j]", "da/db     da_dz"]
    assert bpcli("jacobian", "affine", "--wrt", "b", "--latex").lines == [
        r"\frac{\partial \vec{z}}{\partial \vec{b}} = I"
    ]
    assert "affine has no block q" in bpcli("jacobian", "affine", "--wrt", "q").err
    row = ACTIVATIONS["relu"]._replace(settings={"slope": Setting(0.0)})
    row = row._replace(value=lambda z, slope=0.0: z * slope, derivative=lambda z, slope=0.0: 0 * z + slope)
    monkeypatch.setitem(ACTIVATIONS, "line", row._replace(name="line", kinks=lambda slope=0.0: ()))
    record = bpcli("jacobian", "line", "--z", "2", "--slope", "1/4", "--format", "json").json[0]
    assert record == {
        "function": "line",
        "inputs": {"z": 2, "slope": 0.25},
        "value": [0.5],
        "jacobian": {"z": [[0.25]]},
    }


FAR_OUT = st.builds(lambda s, e: s * 10.0**e, st.sampled_from([-1.0, 0.0, 1.0, 2.0]), st.integers(-300, 120))


@given(st.lists(st.tuples(FAR_OUT, FAR_OUT), min_size=1, max_size=3), st.booleans(), st.sampled_from([None, -1, 1]))
@settings(max_examples=60)
def test_a_neuron_is_at_a_kink_only_where_z_is_0(pairs, certify, way):
    """The sign of a z that is far below the doubles, or that cancels, decides: by mpmath with enough digits."""
    if way is not None:  # the same terms once more, which cancel or double
        pairs = [*pairs, *((x, way * w) for x, w in pairs)]
    x, w = (np.array(part) for part in zip(*pairs, strict=True))
    with mpmath.workdps(1500):
        z = mpmath.fsum(mpmath.mpf(one) * mpmath.mpf(two) for one, two in pairs)
    side = library.named_jacobian("neuron", x=x, w=w, b=0.0, activation="relu", kink="left", certify=certify)
    assert bool(side.kinks) == (z == 0)
    expected = [0.0 if z < 0 or (z == 0 and one >= 0) else one for one in w]
    assert side.jacobian["x"].tolist() == [expected]
