"""Tree to text: the text is short, has no spaces, and reads back as the same tree."""

import pytest
from hypothesis import given, settings
from strategies import trees

from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.render import to_text
from bpcli.calculus.language.tree import Binary, Name, Negative, Number, Transpose, fold, postorder, replace_children
from bpcli.errors import ExpressionError

CANONICAL = [  # typed, written
    ("2x + 1", "2*x+1"),
    ("x^2", "x**2"),
    ("-x^2", "-x**2"),
    ("(-x)^2", "(-x)**2"),
    ("-(x*y)", "-(x*y)"),
    ("-x*y", "-x*y"),
    ("2^(3^2)", "2**3**2"),
    ("(2^3)^2", "(2**3)**2"),
    ("2^-x^2", "2**-x**2"),
    ("2^(-x*y)", "2**(-x*y)"),
    ("a-(b-c)", "a-(b-c)"),
    ("(a-b)-c", "a-b-c"),
    ("a-(b+c)+(d*e)", "a-(b+c)+d*e"),
    ("a/(b*c)", "a/(b*c)"),
    ("a/b*c", "a/b*c"),
    ("(a*b)/c", "a*b/c"),
    ("a--b", "a-(-b)"),
    ("2*-x", "2*(-x)"),
    ("--x", "--x"),
    ("(x+y)(x-y)", "(x+y)*(x-y)"),
    ("|x-1|", "abs(x-1)"),
    ("√(x)·σ(x)", "sqrt(x)·sigmoid(x)"),
    ("x² − x⁻¹", "x**2-x**-1"),
    ("(x<1)*2", "(x<1)*2"),
    ("(x<1)<2", "(x<1)<2"),
    ("1-(x<=1)", "1-(x<=1)"),
    ("where(x ≥ 0, x, -x)", "where(x>=0,x,-x)"),
    ("[[1, 2], [x, y]]", "[[1,2],[x,y]]"),
    ("sum( A , axis = -1 )", "sum(A,axis=-1)"),
    ("A.T@B[0, 1:]", "A.T@B[0,1:]"),
    ("(A@B).T", "(A@B).T"),
    ("(-A).T", "(-A).T"),
    ("-A.T", "-A.T"),
    ("(2)[0]", "(2)[0]"),
    ("(x[:,0])[-1]", "x[:,0][-1]"),
    ("f_1·π", "f1·pi"),
    ("1.50*x", "1.50*x"),
]


@pytest.mark.parametrize(("typed", "written"), CANONICAL)
def test_canonical_text(typed, written):
    tree = parse(typed)
    assert to_text(tree) == written
    assert parse(written) == tree


def test_a_number_that_is_transposed_keeps_its_parentheses():
    # Without them `5.T` would be the number `5.` and a name.
    tree = Transpose(Number("5.", 5.0))
    assert parse(to_text(tree)) == tree


@settings(max_examples=400)
@given(trees())
def test_text_reads_back_as_the_same_tree(tree):
    text = to_text(tree)
    assert " " not in text
    assert parse(text) == tree


@given(trees(max_leaves=12))
def test_no_parentheses_can_be_left_out(tree):
    """A pair of parentheses that groups is there because without it the text reads differently, or for the eye."""
    text = to_text(tree)
    opening = []
    for place, character in enumerate(text):
        if character == "(":
            opening.append(place)
        elif character == ")":
            start = opening.pop()
            groups = start == 0 or not (text[start - 1].isalnum() or text[start - 1] == "_")
            inner = text[start + 1 : place]
            if groups and inner[0] != "-" and not _is_number(inner):
                assert not _reads_as(text[:start] + inner + text[place + 1 :], tree)


def _is_number(text):  # `5.T` reads differently, `5.0.T` doesn't: a number keeps its parentheses either way
    try:
        return float(text) >= 0
    except ValueError:
        return False


def _reads_as(text, tree):
    try:
        return parse(text) == tree
    except ExpressionError:
        return False


def test_a_long_sum_and_a_deep_chain_need_no_recursion():
    total = Name("x")
    for _ in range(20_000):
        total = Binary("+", total, Negative(Name("x")))
    text = to_text(total)
    assert text.startswith("x+(-x)+(-x)")
    assert len(postorder(total)) == 60_001
    short = "+".join(["x"] * 2_000)
    assert to_text(parse(short)) == short


@given(trees())
def test_a_tree_has_its_text_whether_or_not_its_parts_were_written_before(tree):
    for node in postorder(tree):
        to_text(node)
    copy = fold(tree, replace_children)
    assert to_text(tree) == to_text(copy)
