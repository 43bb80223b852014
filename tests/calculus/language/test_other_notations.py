"""What a text means in another notation is told in its error; what is offered can be read, and is what was meant."""

import pytest

from bpcli.calculus.language.other_notations import explanation, latex_here
from bpcli.calculus.language.parser import parse
from bpcli.errors import ExpressionError


def read(text):
    """A reader that knows single names and sums of two, and no notation but its own."""
    first, plus, second = text.partition("+")
    if not first.isidentifier() or (plus and not second.isidentifier()):
        raise ExpressionError("it can't be read", text, 0, 1, "a hint")
    return parse(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("∑x", "write sum(x)"),
        ("∏x", "write prod(x)"),
        ("∑ 2", "a hint"),  # of Σ 2, which can't be read either
        (r"\alpha", "write alpha; a hint"),
        ("{x+y}", ""),
        (r"\sin x", ""),  # it can be read in LaTeX, but not by this reader
        ("xⁿ", ""),
        ("1'000", ""),
    ],
)
def test_what_can_not_be_read_is_not_offered(text, hint):
    found = explanation(ExpressionError("no", text, 0, 1, "a hint"), read)
    assert (found.hint if found else "") == hint


@pytest.mark.parametrize(
    ("text", "message", "marked", "hint"),
    [
        ("d/dx x**2", "a derivative is not written in the expression", "d/dx", 'bpcli grad "x**2" differentiates'),
        ("e⁻ˣ", "no", "e", "write e^(-x)"),
        ("1,5", "no", "1", "a decimal is written 1.5, a vector [1, 5]"),
        ("{1, 2}", "no", "{", "write [1,2]; a decimal"),
        (r"\frac{x}{2}", "no", "\\", "write x/2; a decimal"),
        ("2+|x|_1", "a |…| with an order behind it is a norm", "|x|", "write sum(abs(x))"),
    ],
)
def test_an_error_says_what_is_meant(text, message, marked, hint):
    comma = "a decimal is written 1.5, a vector [1, 2]"  # the parser's hint on a stray comma
    found = explanation(ExpressionError("no", text, 0, 1, comma), parse)
    assert (found.message, found.text[found.start : found.end]) == (message, marked)
    assert found.hint.startswith(hint)


@pytest.mark.parametrize("text", ["x+", "(x", "@x", "5 % 3"])
def test_a_text_of_no_other_notation_has_no_explanation(text):
    assert explanation(ExpressionError("no", text, 0, 1), parse) is None


def test_latex_is_written_in_one_form():
    assert latex_here(r"\frac{1}{2}  x^{2}", parse) == latex_here(r"\tfrac12x^2", parse) == "1/2*x**2"
    assert latex_here(r"\undefined x", parse) == ""
