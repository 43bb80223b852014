"""Traced formulas, as Python, give what the formulas give over floats."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.layers import activation_of, loss_of, of_z, pairs
from bpcli.formulas.optimizers import clip
from bpcli.formulas.schedules import warmed_up
from bpcli.numbers.namespaces import namespace
from bpcli.numbers.traced import CALLS, UntraceableError, entries_text, function_text, header


def made(name, text):
    names = {}
    exec(header() + text, names)
    return names[name]


FORMULAS = {f"{row.name} {form}": (("z",), getattr(row, form)) for row in ACTIVATIONS.values() for form in
            ("value", "derivative")} | {
    f"{activation} {loss} {part}": (("y", "z"), of_z(activation_of(activation), loss_of(loss))[part])
    for _, activation, loss in pairs() if activation
    for part in (0, 1)
}  # fmt: skip
TRACED = {
    name: (made("f", function_text("f", arguments, lambda *a, f=f: 0.0 + f(*a))), f)
    for name, (arguments, f) in FORMULAS.items()
}


@pytest.mark.parametrize("name", FORMULAS)
@given(z=st.floats(-30, 30), y=st.sampled_from([0.0, 1.0, -1.0, 3.0]))
def test_a_traced_formula_is_the_formula(name, z, y):
    traced, formula = TRACED[name]
    values = (y, z)[-len(FORMULAS[name][0]) :]
    assert traced(*values) == pytest.approx(formula(*values), rel=1e-14, abs=1e-300)


@given(t=st.integers(1, 20), warmup=st.integers(0, 10), norm=st.floats(0, 10), most=st.floats(0.1, 5))
def test_both_sides_of_an_if_are_followed(t, warmup, norm, most):
    assert made("f", function_text("f", ("t", "warmup"), warmed_up))(t, warmup) == warmed_up(t, warmup)
    assert made("f", function_text("f", ("norm", "most"), clip))(norm, most) == clip(norm, most)


def test_functions_of_numpy_change_the_entries_in_place():

    def step(entries, numbers):
        p, g = entries["p"], entries["g"]
        np.multiply(g, numbers["a"], g)
        np.clip(g, -1.0, 1.0, out=g)
        np.subtract(p, np.sign(g) * abs(g), out=p)

    f = made("f", entries_text("f", {"p": "p[i]", "g": "g[i]"}, ("a",), step))
    p, g = [1.0, 2.0, 3.0], [0.25, -4.0, 0.0]
    f(p, g, 2.0)
    assert (p, g) == ([0.5, 3.0, 3.0], [0.5, -1.0, 0.0])


def test_operators_in_place_change_an_entry_and_no_number():
    def step(entries, numbers):
        p, g = entries["p"], entries["g"]
        rate = doubled = numbers["a"]
        doubled *= 2.0
        g *= rate
        p -= g
        p /= doubled

    def of_number(z):
        before = z
        z += 1.0
        return before * z

    f = made("f", entries_text("f", {"p": "p[i]", "g": "g[i]"}, ("a",), step))
    p, g = [1.0, 2.0], [0.25, -4.0]
    f(p, g, 2.0)
    assert (p, g) == ([0.125, 2.5], [0.5, -8.0])
    assert made("f", function_text("f", ("z",), of_number))(3.0) == 12.0


def test_what_a_rare_branch_over_the_entries_computes_from_numbers_alone_is_in_the_branch():
    def step(entries, numbers):
        p, a = entries["p"], numbers["a"]
        xp = namespace(p)
        xp.put(xp.refined(p, p > 1.0, lambda: p * (a * a)), p)

    f = made("f", entries_text("f", {"p": "p[i]"}, ("a",), step))
    p = [1.0, 2.0, 3.0]
    f(p, 3.0)
    assert p == [1.0, 18.0, 27.0]


@pytest.mark.parametrize(
    "formula",
    [math.exp, float, sum, lambda z: z[0], lambda z: namespace(z).no_such(z), lambda z: z + "text", lambda z: 1 / 0],
)
def test_what_is_not_arithmetic_is_refused(formula):
    with pytest.raises(UntraceableError):
        function_text("f", ("z",), formula)


def test_a_loop_that_depends_on_a_number_is_refused():
    def halved(z):
        while z > 1:
            z = z / 2
        return z

    with pytest.raises(UntraceableError, match="branches"):
        function_text("f", ("z",), halved)


def test_numba_compiles_every_function_that_a_formula_may_call():
    numba = pytest.importorskip("numba")
    ufuncs = [u for name in CALLS if getattr(u := getattr(np, name, None), "nout", 0) == 1]
    assert len(ufuncs) > 25
    text = function_text("f", ("x", "y"), lambda x, y: tuple(u(*(x, y)[: u.nin]) for u in ufuncs))
    names = {}
    exec(f"{header()}\n{text}", names)
    for name, made in list(names.items()):
        if callable(made):
            names[name] = numba.njit(made)
    for x, y in ((0.5, 0.25), (0.25, 0.5), (0.125, 0.125)):
        with np.errstate(all="ignore"):  # arcosh has no value below 1
            expected = [u(*(x, y)[: u.nin]) for u in ufuncs]
        np.testing.assert_allclose(names["f"](x, y), expected, rtol=1e-15)
    assert [names["_sign"](v) for v in (-2.0, -0.0, 3.0)] == [-1.0, 0.0, 1.0]
    assert np.isnan(names["_sign"](np.nan))
