"""Text to tree: precedence, juxtaposition, notation, and each error with its place and its advice."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import trees

from bpcli.calculus.language import parser
from bpcli.calculus.language.parser import MAX_DEPTH, parse
from bpcli.calculus.language.render import to_text
from bpcli.calculus.language.tokens import MAX_LENGTH, normal_name
from bpcli.calculus.language.tree import Binary, Call, Index, Name, Negative, Number, names_in, postorder
from bpcli.calculus.rules.functions import FUNCTIONS
from bpcli.errors import ExpressionError

READS_AS = [  # typed, the same with every operation in parentheses
    # precedence and association
    ("x+y*z", "x+(y*z)"),
    ("x-y-z", "(x-y)-z"),
    ("x-y+z", "(x-y)+z"),
    ("x/y/z", "(x/y)/z"),
    ("x/y*z", "(x/y)*z"),
    ("x@y@z", "(x@y)@z"),
    ("x·y*z", "(x·y)*z"),
    ("-2^2", "-(2^2)"),
    ("2^3^2", "2^(3^2)"),
    ("2**3^2", "2^(3^2)"),
    ("2**-1", "2^(-1)"),
    ("2^-x^2", "2^(-(x^2))"),
    ("2^-x*y", "(2^(-x))*y"),
    ("-x*y", "(-x)*y"),
    ("-x+y", "(-x)+y"),
    ("x*-y", "x*(-y)"),
    ("x--y", "x-(-y)"),
    ("--x", "-(-x)"),
    ("+x", "x"),
    ("x++y", "x+y"),
    ("x<y+1", "x<(y+1)"),
    ("x+1>=y*2", "(x+1)>=(y*2)"),
    ("-x.T", "-(x.T)"),
    ("-x[0]", "-(x[0])"),
    ("x^A.T", "x^(A.T)"),
    ("x[0]^2", "(x[0])^2"),
    ("A.T@B.T", "(A.T)@(B.T)"),
    ("A[0].T[1]", "((A[0]).T)[1]"),
    # juxtaposition
    ("2x", "2*x"),
    ("2 x", "2*x"),
    ("2(x+1)", "2*(x+1)"),
    ("(x+1)(x-1)", "(x+1)*(x-1)"),
    ("(1/3)sum(x)", "(1/3)*(sum(x))"),
    ("2sin(x)cos(x)", "(2*sin(x))*cos(x)"),
    ("(x)y", "x*y"),
    ("2x^2", "2*(x^2)"),
    ("2x²", "2*(x^2)"),
    ("-2x", "(-2)*x"),
    ("x-2y", "x-(2*y)"),
    ("x*2y", "(x*2)*y"),
    ("2x/3", "(2*x)/3"),
    ("3(x)(y)z", "((3*x)*y)*z"),
    ("2x[0]", "2*(x[0])"),
    ("2√x", "2*sqrt(x)"),
    ("(x)√2", "x*sqrt(2)"),
    ("2x<3y", "(2*x)<(3*y)"),
    # numbers next to names
    ("2e", "2*e"),
    ("2ex", "2*ex"),
    ("2e+x", "(2*e)+x"),
    ("2e-x", "(2*e)-x"),
    ("2e3x", "2000*x"),
    ("2.x", "2*x"),
    ("2x3", "2*x3"),
    # what looks like mathematics
    ("x×y−z÷2", "x*y-z/2"),
    ("x²", "x^2"),
    ("x³+x¹⁰", "x^3+x^10"),
    ("x⁻¹", "x^(-1)"),
    ("-x²", "-(x^2)"),
    ("2^x²", "2^(x^2)"),
    ("sin(x)²", "(sin(x))^2"),
    ("|x|²", "(|x|)^2"),
    ("x[0]²", "(x[0])^2"),
    ("√2", "sqrt(2)"),
    ("√x*y", "sqrt(x)*y"),
    ("√(x+1)", "sqrt(x+1)"),
    ("√(x+1)y", "sqrt(x+1)*y"),
    ("√(x)²", "sqrt(x)^2"),
    ("√√x", "sqrt(sqrt(x))"),
    ("√x[0]", "sqrt(x[0])"),
    ("√sin(x)", "sqrt(sin(x))"),
    ("√|x|", "sqrt(abs(x))"),
    ("√-x", "sqrt(-x)"),
    ("1/√x", "1/sqrt(x)"),
    ("π", "pi"),
    ("2πr", "2*πr"),
    ("σ(x)·σ", "sigmoid(x)·σ"),
    ("x≤y", "x<=y"),
    ("x≥y", "x>=y"),
    ("x≠y", "x!=y"),
    ("u⋅v", "u·v"),
    ("log_2(x)", "log2(x)"),
    # absolute values
    ("|x|", "abs(x)"),
    ("|x|*|y|", "abs(x)*abs(y)"),
    ("||x|-1|", "abs(abs(x)-1)"),
    ("|x-|y||", "abs(x-abs(y))"),
    ("|x*|y|*z|", "abs(x*abs(y)*z)"),
    ("-|x|^2", "-(abs(x)^2)"),
    ("max(|x|,|y|)", "max(abs(x),abs(y))"),
    ("|[x,y]|", "abs([x,y])"),
    # names
    ("x_1+x₁+x1", "x1+x1+x1"),
    ("x_12", "x12"),
    ("xᵢ+x_ᵢ", "x_i+x_i"),
    ("2*pᵢ+wᵢⱼ", "2*p_i+w_ij"),  # not pi, nor xi
    ("µ", "μ"),
    # room
    (" x\n+\ty ", "x+y"),
    ("sin (x)", "sin(x)"),
    ("A [0 , 1 : ]", "A[0,1:]"),
]


@pytest.mark.parametrize(("typed", "meant"), READS_AS)
def test_reads_as(typed, meant):
    tree = parse(typed)
    expected = parse(meant)
    assert _valued(tree) == _valued(expected), to_text(tree)


def _valued(tree):
    """The tree as text with numbers by value, so that 2e3 and 2000 agree."""
    for node in postorder(tree):
        if isinstance(node, Number):
            node.text = repr(node.value)
    return to_text(tree)


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("1", 1.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e-3", 0.001),
        ("1E5", 1e5),
        ("1e+5", 1e5),
        (".5e1", 5.0),
        ("1.e2", 100.0),
        ("007", 7.0),
        ("0.1", 0.1),
        ("1e400", float("inf")),
        ("5e-324", 5e-324),
    ],
)
def test_numbers(typed, value):
    tree = parse(typed)
    assert tree == Number(typed, value)
    assert tree.value == value
    assert tree.span == (0, len(typed))


@pytest.mark.parametrize(
    ("typed", "indices"),
    [
        ("x[0]", (0,)),
        ("x[-1]", (-1,)),
        ("A[0,1]", (0, 1)),
        ("x[1:3]", ((1, 3),)),
        ("x[:]", ((None, None),)),
        ("A[:,0]", ((None, None), 0)),
        ("A[-1,1:]", (-1, (1, None))),
        ("A[:-1,0]", ((None, -1), 0)),
    ],
)
def test_indices(typed, indices):
    assert parse(typed) == Index(Name(typed[0]), indices)


def test_every_function_can_be_called_and_axis_given_where_the_table_says():
    for name, row in FUNCTIONS.items():
        low, high = row.arity
        for count in {low, min(high, low + 1)}:
            arguments = tuple(Name(f"x{i}") for i in range(count))
            text = f"{name}({','.join(a.name for a in arguments)})"
            assert parse(text) == Call(name, arguments)
            with_axis = f"{text[:-1]}, axis=0)"
            if row.takes_axis(count):
                assert parse(with_axis) == Call(name, arguments, 0)
            else:
                with pytest.raises(ExpressionError, match="takes no axis"):
                    parse(with_axis)
        with pytest.raises(ExpressionError, match=rf"^{name} takes .* argument"):
            parse(f"{name}()")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("x", "x"),
        ("x_1", "x1"),
        ("x₁", "x1"),
        ("x₁₂", "x12"),
        ("x_₁", "x1"),
        ("pᵢ", "p_i"),
        ("wᵢⱼ₂", "w_ij2"),
        ("x₁ᵢ", "x1_i"),
        ("x_1_2", "x_1_2"),
        ("x__1", "x__1"),
        ("_1", "_1"),
        ("learning_rate", "learning_rate"),
        ("α_0", "α0"),
        ("π", "pi"),
        ("y\u0302", "ŷ"),
        ("x̂_1", "x̂1"),
        ("ϕ", "φ"),
        ("", ""),
        ("1x", ""),
        ("x y", ""),
        ("x-y", ""),
        ("xⁿ", ""),
        ("x²", ""),
        ("x½", ""),
        ("x'", ""),
    ],
)
def test_the_one_form_of_a_name(written, name):
    assert normal_name(written) == name
    assert not name or normal_name(name) == name


ERRORS = [  # typed, what the caret marks, part of the message, part of the advice
    # two readings
    ("1/2x", "1/2x", "after / this can be read in two ways", "write (1/2)*x or 1/(2*x)"),
    ("x+1/2(y+1)", "1/2(y+1)", "two ways", "write (1/2)*(y+1) or 1/(2*(y+1))"),
    ("1/(2)x", "1/(2)x", "two ways", "write (1/(2))*x or 1/((2)*x)"),
    ("1/-2x", "1/-2x", "two ways", "write (1/-2)*x or 1/(-2*x)"),
    ("1/2sin(x)", "1/2sin(x)", "two ways", "write (1/2)*sin(x) or 1/(2*sin(x))"),
    ("1/x y", "1/x y", "two ways", "write (1/x)*y or 1/(x*y)"),
    ("x^2y", "x^2y", "after ^", "write x^2*y or x^(2*y)"),
    ("x**2(y)", "x**2(y)", "after **", "write x**2*(y) or x**(2*(y))"),
    ("2^-3x", "2^-3x", "two ways", "write 2^-3*x or 2^(-3*x)"),
    ("x²^3", "x²^3", "a power of a power", "write (x^2)^3 or x^(2^3)"),
    ("√2x", "√2x", "under the √", "write (√2)*x or √(2*x)"),
    ("√x²", "√x²", "under the √", "write (√x)² or √(x²)"),
    ("√x^2", "√x^2", "under the √", "write (√x)^2 or √(x^2)"),
    # side by side
    ("x y", "x y", "side by side", "to multiply, write x*y"),
    ("x + y z", "y z", "side by side", "write y*z"),
    ("x 2", "x 2", "side by side", "write x*2"),
    ("(x)2", ")2", "side by side", "write (x)*2"),
    ("[1 2]", "1 2", "side by side", "between the entries of a list stands a comma"),
    ("x²y", "²y", "side by side", "write x²*y"),
    ("x[0]y", "]y", "side by side", "write x[0]*y"),
    ("x.5", "x.5", "side by side", "write x*.5"),
    ("|x|y", "|y", "side by side", "write |x|*y"),
    ("A.T x", "T x", "side by side", "write A.T@x"),
    ("x√y", "x√", "side by side", "write x*√y"),
    ("not x", "not", "'not' means nothing here", "1 - (x > 0)"),
    ("x and y", "and", "'and' means nothing here", "(x > 0)*(y > 0)"),
    ("x if y else z", "if", "means nothing here", "where(x > 0, a, b)"),
    ("lambda x: x", "lambda", "means nothing here", "formula alone"),
    ("x mod y", "mod", "means nothing here", "x - y*floor(x/y)"),
    # functions that aren't there
    ("a(1-a)", "a", "there is no function 'a'", "to multiply, write a*(1-a)"),
    ("2a (1-a)", "a", "no function 'a'", "a*(1-a)"),
    ("pi(x+1)", "pi", "no function", "write pi*(x+1)"),
    ("sine(x)", "sine", "no function 'sine'", "did you mean sin(x)? To multiply, write sine*(x)"),
    ("Sin(x)", "Sin", "no function", "did you mean sin(x)?"),
    ("ln(x)", "ln", "no function", "did you mean log(x)?"),
    ("arcsin(x)", "arcsin", "no function", "did you mean asin(x)?"),
    ("logsoftmax(x)", "logsoftmax", "no function", "did you mean log_softmax(x)?"),
    ("xsin(y)", "xsin", "no function", "write x*sin(y)"),
    ("qqq(x,[1,2])", "qqq", "no function 'qqq'", "the functions are abs sign sqrt"),
    ("q([1,2])", "q", "no function 'q'", "write q*([1,2])"),
    ("x(", "x", "no function 'x'", ""),
    ("σσ(x)", "σσ", "no function", "write σσ*(x)"),
    # functions without their arguments
    ("sin", "sin", "sin is a function", "write sin(x)"),
    ("sin x", "sin", "sin is a function", "write sin(x)"),
    ("2sin 3", "sin", "sin is a function", "write sin(3)"),
    ("sin^2(x)", "sin", "sin is a function", "write sin(x)^2"),
    ("sin³(x)", "sin", "sin is a function", "write sin(x)^3"),
    ("max+1", "max", "max is a function", "max(x)"),
    # arguments
    ("clip(x)", "clip(x)", "clip takes 3 arguments, not 1", "its form is clip(x, low, high)"),
    ("1+sin(x, y)", "sin(x, y)", "sin takes 1 argument, not 2", "its form is sin(x)"),
    ("sin()", "sin()", "sin takes 1 argument, not 0", "sin(x)"),
    ("hypot(x)+1", "hypot(x)", "hypot takes 2 arguments, not 1", "hypot(x, y)"),
    ("max()", "max()", "max takes 1", "max"),
    ("sum(axis=0)", "sum(axis=0)", "sum takes 1 argument, not 0", ""),
    ("sin(x,)", ")", "found ')' where a number, a name or a (", ""),
    ("sin(,x)", ",", "found ','", ""),
    ("sum(A, dim=0)", "dim", "sum has no argument dim=", "axis="),
    ("sum(A, axis=x)", "x", "an integer such as axis=0", ""),
    ("sum(A, axis=0.5)", "0.5", "an integer such as axis=0", ""),
    ("sum(A, axis=0, 1)", ",", "axis= is the last argument", ""),
    ("sum(A, axis=9999999999)", "9999999999", "an integer", ""),
    ("max(x, y, axis=0)", "max(x, y, axis=0)", "max of 2 arguments takes no axis", "max(x, axis=0)"),
    ("sin(A, axis=0)", "sin(A, axis=0)", "takes no axis", "write sin(x)"),
    # comparisons
    ("0<x<1", "<", "comparisons are not chained", "write (0 < x)*(x < 1)"),
    ("x == y != z+1", "!=", "not chained", "write (x == y)*(y != z+1)"),
    ("x=1", "=", "= gives no value here", "the right side alone, 1; compare with =="),
    ("x+1=2", "=", "= gives no value here", "compare with =="),
    # brackets
    ("(x", "(", "this ( is never closed", ""),
    ("2*sin(x", "(", "this ( is never closed", ""),
    ("[1,2", "[", "this [ is never closed", ""),
    ("x[0", "[", "this [ is never closed", ""),
    ("|x", "|", "this | is never closed", ""),
    ("x)", ")", "this ) closes nothing", ""),
    ("x]", "]", "this ] closes nothing", ""),
    ("(x]", "]", "the ) of the (", ""),
    ("(|x)", "|", "this | has no partner", "|x|"),
    ("2|x|", "|", "this | has no partner", "and a product *|x|"),
    ("|x||y|", "|", "this | has no partner", "and a product *|x|"),
    ("(1,2)", ",", "found ','", "a vector is written [1, 2]"),
    ("[]", "[]", "this list is empty", ""),
    ("[1,]", "]", "found ']'", ""),
    ("()", ")", "found ')' where a number", ""),
    ("||", "", "the expression ends where a number", ""),
    # indices
    ("x[]", "]", "an integer, counted from 0", ""),
    ("x[i]", "i", "an integer, counted from 0", ""),
    ("x[1.5]", "1.5", "an integer, counted from 0", ""),
    ("x[1:2:3]", ":", "a range has no step", ""),
    ("A[0,1,2]", ",", "at most two indices", ""),
    ("2[0]", "[", "a number has no entries", "write 2*[…]"),
    ("A.shape", "shape", "found 'shape' where T", "A.T is the transpose"),
    ("A.t", "t", "found 't'", "A.T is the transpose"),
    ("x.", "", "the expression ends where T", ""),
    # ends and beginnings
    ("", "", "the expression is empty", ""),
    (" \n ", " ", "the expression is empty", ""),
    ("x+", "", "the expression ends where a number, a name or a (", ""),
    ("x +  ", " ", "the expression ends", ""),
    ("x+*y", "*", "found '*' where a number", ""),
    ("/x", "/", "found '/' where a number", ""),
    ("x ** ** y", "**", "found '**'", ""),
    ("²x", "²", "found '²'", ""),
    ("x,y", ",", "a comma stands between", "a decimal is written 1.5, a vector [1, 2]"),
    ("1,5", ",", "a comma", "1.5"),
    ("x:y", ":", "only in an index", ""),
    # characters
    ("1_000", "1_000", "no underscores", "write 1000"),
    ("0x1F+1", "0x1F", "only decimal ones", "write 31; 0*x1F multiplies"),
    ("0b12", "0b12", "only decimal ones", "write 0*b12"),
    ("1.2.3", "1.2.3", "one decimal point", ""),
    ("x // y", "//", "'//' means nothing here", "floor(x/y)"),
    ("x:=1", ":=", "':='", "apart from the expression"),
    ("x % y", "%", "'%' means nothing here", "x - y*floor(x/y)"),
    ("x & y", "&", "'&'", "(x > 0)*(y > 0)"),
    ("x!", "!", "'!'", "!="),
    ("x;y", ";", "';'", "[[1,2],[3,4]]"),
    ("{x}", "{", "'{'", "parentheses"),
    (r"\alpha", "\\", "'\\'", "alpha or α"),
    ("x'", "'", "means nothing here", "x.T"),
    ("__import__('os')", "'", "means nothing here", ""),
    ("x–y", "–", "U+2013 EN DASH", "write - (minus)"),
    ("x（y", "（", "FULLWIDTH LEFT PARENTHESIS", "write ("),
    ("٣*x", "٣", "ARABIC-INDIC DIGIT THREE", "write 3"),
    ("x\u200by", "\u200b", "U+200B ZERO WIDTH SPACE", ""),
    ("x\x00", "\x00", "U+0000", ""),
    ("∂x", "∂", "PARTIAL DIFFERENTIAL", "write the function itself"),
    ("xⁿ", "xⁿ", "'xⁿ' is no name", "x^n"),
    ("Aᵀ", "Aᵀ", "'Aᵀ' is no name", "x.T"),
    ("1/x½", "x½", "'x½' is no name", "1/2"),
    ("x⁻", "⁻", "no exponent", ""),
    ("x²⁻²", "²⁻²", "no exponent", ""),
]


@pytest.mark.parametrize(("typed", "marked", "message", "advice"), ERRORS)
def test_errors(typed, marked, message, advice):
    with pytest.raises(ExpressionError) as caught:
        parse(typed)
    error = caught.value
    assert error.exit_code == 2
    assert error.text == typed
    assert typed[error.start : error.end] == marked
    assert message in error.message
    assert advice in error.hint
    assert ("^" in str(error)) == bool(typed.strip())


def test_the_caret_stands_under_the_place():
    with pytest.raises(ExpressionError) as caught:
        parse("x + sine(y)")
    assert str(caught.value).splitlines() == [
        "there is no function 'sine'",
        "  x + sine(y)",
        "      ^^^^",
        "  did you mean sin(y)? To multiply, write sine*(y)",
    ]


OFFERED = [
    (typed, text)
    for typed, _, _, advice in ERRORS
    if advice.startswith(("write ", "to multiply, write "))
    for text in advice.split("write ")[1].split("; ")[0].split(" or ")
    if not {"…", "(minus)", "itself", "*|x|"} & set(text.split()) and text not in ("(", "2*[…]")
]


@pytest.mark.parametrize(("typed", "offered"), OFFERED)
def test_what_is_offered_instead_can_be_read(typed, offered):
    tree = parse(offered)
    assert parse(to_text(tree)) == tree


NESTED = ["(", "[", "|", "-", "√", "2^", "sin(", "max(1,", "x+(", "2(", "√(", "x<("]
CLOSING = {"(": ")", "[": "]", "|": "|"}


@pytest.mark.parametrize("opening", NESTED)
def test_depth_is_bounded_and_what_is_allowed_needs_no_more_of_pythons_stack(opening):
    closing = next((CLOSING[c] for c in reversed(opening) if c in CLOSING), "")
    levels = MAX_DEPTH // 2 - 1 if opening in ("x<(", "2(", "x+(", "√(") else MAX_DEPTH - 1
    tree = parse(opening * levels + "x" + closing * levels)
    assert parse(to_text(tree)) == tree
    with pytest.raises(ExpressionError, match="nest more than 200 deep"):
        parse(opening * (MAX_DEPTH + 1) + "x" + closing * (MAX_DEPTH + 1))


def test_length_is_bounded_before_the_work(monkeypatch):
    taken, take = 0, parser._Parser.take

    def counted(self):
        nonlocal taken
        taken += 1
        return take(self)

    monkeypatch.setattr(parser._Parser, "take", counted)
    for text in ("(" * (MAX_LENGTH + 1), "x+" * 3_000_000):
        with pytest.raises(ExpressionError, match="at most 10000 are read"):
            parse(text)
    assert not taken
    for text in ("√" * MAX_LENGTH, "-" * MAX_LENGTH, "|" * MAX_LENGTH):
        with pytest.raises(ExpressionError, match="nest more than 200 deep"):
            parse(text)
    assert taken <= 3 * (MAX_DEPTH + 1)


@pytest.mark.parametrize("operator", ["+", "-", "*", "/", "@"])
def test_long_chains(operator):
    tree = parse(operator.join(["x"] * (MAX_LENGTH // 2)))
    assert len(postorder(tree)) == MAX_LENGTH - 1
    assert tree == parse(to_text(tree))
    assert hash(tree) == hash(parse(to_text(tree)))
    assert names_in(tree) == ["x"]


def test_a_long_product_of_parentheses():
    assert len(postorder(parse("(x)" * 3_000))) == 5_999


@settings(max_examples=200)
@given(trees())
def test_every_node_knows_its_place(tree):
    """The text at a node's place, read alone, is that node."""
    text = to_text(tree)
    for node in postorder(parse(text)):
        start, end = node.span
        assert parse(text[start:end]) == node
        if isinstance(node, Binary):
            assert text[slice(*node.op_span)] == node.op
        if isinstance(node, Call):
            assert text[slice(*node.function_span)] == node.function


def test_places_in_what_looks_like_mathematics():
    text = "2x² + √(y)|z|"
    with pytest.raises(ExpressionError):
        parse(text)
    tree = parse("2x²+√(y)*|z|")
    places = {to_text(node): node.span for node in postorder(tree)}
    assert places == {
        "2": (2, 3),  # the exponent, which came last
        "x": (1, 2),
        "x**2": (1, 3),
        "2*x**2": (0, 3),
        "y": (5, 8),
        "sqrt(y)": (4, 8),
        "z": (10, 11),
        "abs(z)": (9, 12),
        "sqrt(y)*abs(z)": (4, 12),
        "2*x**2+sqrt(y)*abs(z)": (0, 12),
    }


def test_a_minus_exponent_stands_at_its_place():
    tree = parse("x⁻¹²")
    assert tree == Binary("**", Name("x"), Negative(Number("12", 12.0)))
    assert tree.right.span == (1, 4)


PIECES = [
    *"+-*/@·()[]|,:.<>=!^√²³⁻π×−σ xyABTe0123456789'\"\\;&%$#\n\t_ᵀⁿ½x̂，",
    *["**", "sin", "max(", "axis=", ".T", "1e", "0x", "1.5", "[:", "sum(", "e400", "x_1", " or ", "//", ":="],
]


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join) | st.text(max_size=40))
def test_garbage_is_a_tree_or_an_expression_error(text):
    assert_read_or_explained(text)


def test_mangled_expressions_are_a_tree_or_an_expression_error():
    random.seed(0)
    for _ in range(3_000):
        text = list(random.choice(READS_AS)[0] + random.choice(READS_AS)[0])
        for _ in range(random.randrange(4)):
            text[random.randrange(len(text))] = random.choice(PIECES)
        assert_read_or_explained("".join(text))


def assert_read_or_explained(text):
    try:
        tree = parse(text)
    except ExpressionError as caught:
        error = caught
    else:
        assert parse(to_text(tree)) == tree
        return
    assert 0 <= error.start <= len(text)
    assert error.start < error.end <= max(len(text), error.start + 1)
    assert error.message
    assert ("^" in str(error)) == bool(text.strip())
