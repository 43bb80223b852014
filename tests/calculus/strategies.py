"""Hypothesis strategies for expressions: any tree that the parser can produce, and scalar ones that have a value."""

from hypothesis import strategies as st

from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.tree import Binary, Call, Compare, Index, Name, Negative, Number, Stack, Transpose
from bpcli.calculus.rules.functions import FUNCTIONS

NAMES = ["x", "y", "x1", "w10", "yhat", "long_name", "_t", "α", "ŷ", "x̂", "pi", "e", "inf", "T", "axis", "if", "σ"]
ARITHMETIC = ["+", "-", "*", "/", "**"]
COMPARISONS = ["<", "<=", ">", ">=", "==", "!="]


def number(text):
    return Number(text, float(text))


numbers = st.one_of(
    st.integers(0, 10**18).map(str),
    st.floats(0, allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["0", "1", "2", ".5", "1.", "1e-3", "1E5", "2.50", "007", "1e400"]),
).map(number)


def names(choices=NAMES):
    return st.sampled_from(choices).map(Name)


def calls(arguments, functions):
    """Calls of the functions with as many arguments as they take, and an axis where they may have one."""

    def call(name):
        row = FUNCTIONS[name]
        low, high = row.arity
        given = st.lists(arguments, min_size=low, max_size=min(high, low + 2)).map(tuple)
        return given.flatmap(
            lambda args: st.sampled_from([None, 0, 1, -1] if row.takes_axis(len(args)) else [None]).map(
                lambda axis: Call(name, args, axis)
            )
        )

    return st.sampled_from(sorted(functions)).flatmap(call)


def indices():
    end = st.none() | st.integers(-9, 9)
    return st.lists(st.integers(-9, 9) | st.tuples(end, end), min_size=1, max_size=2).map(tuple)


def trees(max_leaves=25):
    """Any tree that the parser can produce, whether or not its shapes fit."""

    def grown(below):
        return st.one_of(
            st.builds(Binary, st.sampled_from([*ARITHMETIC, "@", "·"]), below, below),
            st.builds(Negative, below),
            st.builds(Compare, st.sampled_from(COMPARISONS), below, below),
            calls(below, FUNCTIONS),
            st.lists(below, min_size=1, max_size=3).map(lambda items: Stack(tuple(items))),
            st.builds(Index, below, indices()),
            st.builds(Transpose, below),
        )

    return st.recursive(numbers | names(), grown, max_leaves=max_leaves)


def scalar_trees(variables=("x", "y"), functions=("sin", "exp", "tanh", "sqrt", "log", "sigmoid"), max_leaves=10):
    """Trees over scalar variables, small numbers, arithmetic and the given functions of numbers."""
    leaves = names(list(variables)) | st.sampled_from(["1", "2", "3", "0.5"]).map(number)

    def grown(below):
        return st.one_of(
            st.builds(Binary, st.sampled_from(ARITHMETIC), below, below),
            st.builds(Negative, below),
            calls(below, functions),
        )

    return st.recursive(leaves, grown, max_leaves=max_leaves)


def array_trees(variables, max_leaves=8):
    """Trees over variables of any shapes, and constant vectors and matrices; often the shapes fit."""
    constants = ["2", "0.5", "[1,2,3]", "[[1,2,3],[4,5,6]]", "[[1],[2],[3]]", "[[1,0.5],[3,4],[0.3,1]]"]
    leaves = names(list(variables)) | st.sampled_from(constants).map(parse)

    def grown(below):
        return st.one_of(
            st.builds(Binary, st.sampled_from(["+", "-", "*", "/", "@", "·"]), below, below),
            st.builds(Binary, st.just("**"), below, st.sampled_from(["2", "3", "-1", "0.5"]).map(number)),
            calls(below, FUNCTIONS),
            st.builds(lambda f, x: Call(f, (x,)), st.sampled_from(["sin", "tanh", "exp", "softmax", "norm"]), below),
            below.map(lambda x: Call("where", (Compare(">", x, number("0")), x, Negative(x)))),
            st.lists(below, min_size=1, max_size=2).map(lambda items: Stack((*items, items[0]))),
            st.builds(Index, below, st.lists(st.integers(-1, 1) | st.just((0, 2)), min_size=1, max_size=2).map(tuple)),
            st.builds(Transpose, below),
        )

    return st.recursive(leaves, grown, max_leaves=max_leaves)


PIECES = st.recursive(
    st.sampled_from(["x", "y", "2", "0.5", "1"]),
    lambda inner: st.one_of(
        *[st.builds(f"({{}}{op}{{}})".format, inner, inner) for op in "+-*/"],
        *[st.builds(f"{name}({{}})".format, inner) for name in ("sin", "exp", "tanh", "cos")],
        st.builds("({})**2".format, inner),
        st.builds("-{}".format, inner),
    ),
    max_leaves=8,
)
"""Texts of smooth expressions in x and y."""
