"""Notes on what may be read otherwise."""

import re

import pytest

from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.readings import nearest_function, reading_of, readings
from bpcli.calculus.language.tree import names_in
from bpcli.calculus.rules.functions import FUNCTIONS
from bpcli.errors import ExpressionError


def hint_of(typed):
    with pytest.raises(ExpressionError) as caught:
        parse(typed)
    return caught.value.hint


def notes(text):
    tree = parse(text)
    return readings([tree], names_in(tree))


@pytest.mark.parametrize(
    ("name", "reading"),
    [
        ("xy", "for a product write x*y"),
        ("sinx", "for the function write sin(x)"),
        ("sin2x", "for the function write sin(2x)"),
        ("lnx", "for the function write log(x)"),
        ("exp2x", "for the function write exp2(x) or exp(2x)"),
        ("log10x", "for the function write log10(x) or log(10x)"),
        ("secx", "for the function write 1/cos(x)"),
        ("sqrtx", "for the function write sqrt(x)"),
        ("Σx", "for the sum write sum(x)"),
        ("Σx_i", "for the sum write sum(x)"),
        ("sqrt2", "for the root write sqrt(2)"),
        ("xyz", "for a product write x*y*z"),
        ("w1x1", "for a product write w1*x1"),
        ("θ1x", "for a product write θ1*x"),
        ("oo", "for the number write inf"),
        ("PI", "for the number write pi"),
        ("ln2", "for the number write log(2)"),
        ("lg5", "for the number write log10(5)"),
        ("exp1", "for the number write exp(1)"),
        ("sin2", "for the number write sin(2)"),
        ("sec10", "for the number write 1/cos(10)"),
    ],
)
def test_a_name_that_may_be_read_otherwise(name, reading):
    assert reading_of(name) == reading


@pytest.mark.parametrize(
    "name",
    [
        "cost",
        "logs",
        "mu",
        "lr",
        "yhat",
        "x1",
        "w10",
        "learning_rate",
        "sink",
        "x",
        "Σ",
        "Σ1",
        "dx",
        "pi",
        "relu1",
        "logit1",
        "abs2",
        "sin0",
    ],
)
def test_a_name_that_is_a_name(name):
    assert reading_of(name) == ""


def test_letters_that_are_variables_are_a_product():
    assert notes("a+ab*b") == ["ab is one name, and names are never split: for a product write a*b"]


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("w^T*x", "T is a name here: for the transpose of w write w.T"),
        ("w^Tx", "Tx is a name here: for the transpose of w write w.T@x"),
        ("x^T*A*x^T", "T is a name here: for the transpose of x write x.T"),
        ("dy/dx", "dy/dx is a quotient of two names; grad differentiates"),
        ("df/dx*2", "df/dx is a quotient of two names; grad differentiates"),
        ("dx^2/dx", "dx**2/dx is a quotient of names, dx and dx; grad differentiates"),
        ("3*dy^2*x/dx", "3*dy**2*x/dx is a quotient of names, dy and dx; grad differentiates"),
        ("E^x", "E is a name here: for the number write e**x"),
        ("2*E^(-x*y)", "E is a name here: for the number write e**(-x*y)"),
    ],
)
def test_a_sign_of_another_language(text, note):
    assert notes(text) == [note]


@pytest.mark.parametrize(
    "text",
    ["2^T", "w.T@x", "T*x", "dx/2", "d/x", "x/dx", "delta/density", "dot(x, y)/dx", "x^dy/dx", "E**2", "E*x", "x^E"],
)
def test_no_note(text):
    assert notes(text) == []


def test_a_long_term_has_its_differential_found():
    assert len(notes("*".join(["x"] * 3000) + "*dy/dx")) == 1


@pytest.mark.parametrize("name", ["sni", "epx", "sigmod", "soft_max", "sinn", "hypto", "softmix", "sqt"])
def test_one_slip_of_the_hand(name):
    (near,) = [function for function in FUNCTIONS if function == nearest_function(name)]
    assert re.search(rf"did you mean {near}\(", hint_of(f"{name}(x)"))


@pytest.mark.parametrize(
    "name", ["sec", "son", "erfi", "sindd", "logm", "expm", "msle", "tanx", "mse2", "log3", "argmax", "cumsum", "hsin"]
)
def test_no_function_is_offered_for_its_spelling_alone(name):
    assert nearest_function(name) == ""
