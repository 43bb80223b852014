"""Arguments without parentheses: nothing that was typed is dropped, and all that is offered can be read."""

import re

import pytest

from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.tree import names_in
from bpcli.errors import ExpressionError

OFFERED = [
    ("log x y", ["log(x)*y", "log(x*y)"]),
    ("sin² x y", ["sin(x)^2*y", "sin(x*y)^2"]),
    ("sin 2x y", ["sin(2x)*y", "sin(2x*y)"]),
    ("sin 2(x+1)", ["sin(2)*(x+1)", "sin(2*(x+1))"]),
    ("log 1+x", ["log(1)+x", "log(1+x)"]),
    ("sqrt x+1", ["sqrt(x)+1", "sqrt(x+1)"]),
    ("sin x/2+y", ["sin(x)/2+y", "sin(x/2)+y"]),
    ("sin x + y*cos x", ["sin(x)+y*cos(x)"]),
    ("sin x cos x", ["sin(x)*cos(x)"]),
    ("sin^2 x + cos^2 x", ["sin(x)^2+cos(x)^2"]),
    ("sin x^(n+1)", ["sin(x^(n+1))"]),
    ("sin x > y", ["sin(x)>y"]),
    ("ln x + 1", ["log(x)+1", "log(x+1)"]),
    ("ln x - ln y", ["log(x)-log(y)"]),
    ("erfc x*y", ["(1-erf(x))*y", "1-erf(x*y)"]),
    ("erfc^2 x/y", ["(1-erf(x))^2/y", "(1-erf(x/y))^2"]),
    ("ln|x|*y", ["log(|x|)*y"]),
    ("log|x|^2", ["log(|x|)^2", "log(|x|^2)"]),
    ("max 0 x", ["max(0, x)"]),
    ("max x -1", ["max(x)-1", "max(x-1)"]),
    ("min x,y", ["min(x, y)"]),
    ("min -x, y+1, 2", ["min(-x, y+1, 2)"]),
    ("dot u v", ["dot(u, v)"]),
    ("where x>0, x, y", ["where(x>0, x, y)"]),
    ("log x, 2", ["log2(x)"]),
    ("maximum x y", ["max(x, y)"]),
    ("pow x 2", ["x**2"]),
]


def hint_of(typed):
    with pytest.raises(ExpressionError) as caught:
        parse(typed)
    return caught.value.hint


@pytest.mark.parametrize(("typed", "offered"), OFFERED)
def test_every_reading_keeps_all_that_was_typed(typed, offered):
    found = re.sub(r"^(?:write|did you mean) ", "", hint_of(typed)).removesuffix("?").split(" or ")
    assert found == offered
    for text in found:
        assert set(names_in(parse(text))) == set(re.findall(r"(?<![a-z])[a-z](?![a-z])", typed))


@pytest.mark.parametrize(
    ("typed", "advice"),
    [
        ("x sin y", "to multiply, write x*sin(y)"),
        ("x_i ln y", "to multiply, write x_i*log(y)"),
        ("x sin", ""),
        ("x^2 cos y", "write x^2*cos(y) or x^(2*cos(y))"),
        ("x^2 cos", ""),
        ("dot^2", "write dot(u, v)"),
        ("x y", "to multiply, write x*y"),
        ("2^x*log10", "write log10(x) or log(10)"),
        ("2^x*exp2", "write exp2(x) or exp(2)"),
        ("2^x*log", "write log(x)"),
        ("[max 0, x]", "write max(x) over all entries, max(x, axis=0), or max(x, y, …)"),
        ("[sin x, y]", "write sin(x)"),
    ],
)
def test_what_is_offered_of_a_part_can_be_read(typed, advice):
    assert hint_of(typed) == advice


@pytest.mark.parametrize("typed", ["dot u", "max x y + 1", "hypot x + 1", "sin +"])
def test_what_is_no_list_of_arguments_is_offered_as_none(typed):
    hint = hint_of(typed)
    assert not any(text in hint for text in ("max(0", "max(x y", "max(x, y)*", "dot(u)", "hypot(x)"))


def test_an_inverse_and_a_reciprocal_have_both_readings():
    inverse = "asin(x)/2 or asin(x/2) for the inverse function"
    assert hint_of("sin^-1 x/2") == f"write {inverse}; (1/sin(x))/2 or 1/sin(x/2) is the reciprocal"


@pytest.mark.parametrize("part", ["sin ", "ln ", "-sin ", "sin x + ", "ln x * ", "sin^2 x ", "max 0 ", "sin^-1 x "])
def test_a_long_text_has_its_error_soon(part):
    assert hint_of((part * 1500)[:9000] + "sin x") or True
