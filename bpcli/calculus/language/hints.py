"""The tables of hints: words and characters of other books, languages and tools, and what to write here."""

DERIVATIVE = "grad differentiates; write the function itself"
"""The advice on a sign of a derivative."""

ONE_POINT = "a number has one decimal point"
"""The error of `1.2.3`, which may be of thousands."""

INVERSES = {
    "sin": "asin", "cos": "acos", "tan": "atan", "sinh": "asinh", "cosh": "acosh", "tanh": "atanh",
    "asin": "sin", "acos": "cos", "atan": "tan", "asinh": "sinh", "acosh": "cosh", "atanh": "tanh",
    "exp": "log", "log": "exp", "exp2": "log2", "log2": "exp2", "expm1": "log1p", "log1p": "expm1",
    "sigmoid": "logit", "logit": "sigmoid",
}  # fmt: skip
"""The inverse of each function, for `sin^-1(x)`."""

MODULES = {
    *("np", "numpy", "math", "cmath", "Math", "jnp", "jax", "torch", "tf", "tensorflow", "scipy", "sp", "sympy", "mp"),
    *("mpmath", "cp", "cupy", "F", "K", "nn", "special", "linalg", "functional", "autograd"),
    *("keras", "optax", "lax", "stats", "random"),
}
"""Prefixes of functions, as in `np.exp(x)`."""

STRAY = {
    ")": "this ) closes nothing",
    "]": "this ] closes nothing",
    "|": "this | has no partner",
    ",": "a comma stands between the arguments of a function or the entries of a list",
    ":": "a colon stands only in an index, as in x[1:3]",
    "=": "= gives no value here",
}
"""What a character means where the expression should have ended."""

STRAY_HINTS = {
    "|": "an absolute value is |x|, and a product *|x|; where one of two conditions holds, max(x > 0, y > 0) is 1",
    ",": "a decimal is written 1.5, a vector [1, 2]",
    "=": "compare with ==",
}
"""What to write instead."""

WORDS = {  # of other languages; the advice is given only where a name can't stand
    "and": "multiply conditions: (x > 0)*(y > 0)",
    "or": "the larger of two conditions is max(x > 0, y > 0)",
    "not": "1 - (x > 0) is the opposite of x > 0",
    "if": "where(x > 0, a, b) chooses",
    "else": "where(x > 0, a, b) chooses",
    **dict.fromkeys(["lambda", "def", "return", "function"], "write the function's formula alone"),
    "in": "(0 <= x)*(x <= 1) is whether x lies in [0, 1]",
    "for": "sum, mean and prod go over all entries of a vector",
    **dict.fromkeys(["mod", "rem"], "the remainder is x - y*floor(x/y)"),
    "div": "floor(x/y) rounds a quotient down",
    "xor": "(x > 0) != (y > 0) is whether one of two conditions holds alone",
    "choose": "there is no binomial coefficient",
    "let": "a name gets its value apart from the expression",
    **dict.fromkeys(["then", "otherwise", "when"], "where(x > 0, a, b) chooses"),
    **dict.fromkeys(["times", "plus", "minus"], "write the sign: + - * /"),
    "arc": "the inverse functions are asin acos atan asinh acosh atanh",
}

GREEK = {
    *(
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "zeta",
        "eta",
        "theta",
        "iota",
        "kappa",
        "lambda",
        "mu",
        "nu",
        "xi",
    ),
    *("pi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega"),
}
"""Letters by their names."""

CHARACTERS = {
    "//": "floor(x/y) rounds a quotient down",
    ":=": "a name gets its value apart from the expression",
    "<>": "!= compares for 'not equal'",
    "->": "write the function's formula alone",
    "=>": "write the function's formula alone; >= is 'at least'",
    "=<": "write <=",
    "&": "multiply conditions: (x > 0)*(y > 0)",
    "%*%": "write @ to multiply matrices",
    "%/%": "floor(x/y) rounds a quotient down",
    "%": "5 % is 5/100; the remainder is x - y*floor(x/y)",
    "!": "!= compares for 'not equal'; there is no factorial",
    "~": "1 - (x > 0) is the opposite of x > 0",
    "?": "where(x > 0, a, b) chooses",
    "::": "a function stands alone, as in exp(x)",
    ";": "a comma stands between arguments; a matrix is written [[1,2],[3,4]] in an expression",
    "{": "group with parentheses: ( )",
    "}": "group with parentheses: ( )",
    "\\": "write names plainly: alpha or α, sqrt(x), x1; / is the only division",
    "'": "x.T is the transpose; grad differentiates; nothing stands in quotes",
    "′": "x.T is the transpose; grad differentiates",
    '"': "nothing in an expression stands in quotes",
    "`": "nothing in an expression stands in quotes",
    "$": "a $ around a formula is LaTeX's: leave it out",
    "#": "an expression has no comments",
    "–": "write - (minus)",
    "—": "write - (minus)",
    "‐": "write - (minus)",
    "‑": "write - (minus)",
    "•": "write · or dot(u, v) for the dot product; * multiplies entry by entry",
    "✕": "write * to multiply",
    "⨯": "write * to multiply",
    "⊗": "* multiplies entry by entry, @ matrices; there is no outer product",
    "⊤": "write x.T for the transpose",
    "†": "write x.T for the transpose",
    "∙": "write · or dot(u, v) for the dot product; * multiplies entry by entry",
    "⊙": "write * to multiply entry by entry",
    "∘": "write f(g(x)) out; * multiplies entry by entry",
    "∕": "write /",
    "⁄": "write /",
    "∞": "write inf",
    "∑": "write sum(x)",
    "∏": "write prod(x)",
    "∛": "write cbrt(x)",
    "∜": "write x**(1/4)",
    "∂": DERIVATIVE,
    "∇": DERIVATIVE,
    "∫": "there is no integral",
    "→": "write the function's formula alone",
    "↦": "write the function's formula alone",
    "∧": "multiply conditions: (x > 0)*(y > 0)",
    "∨": "the larger of two conditions is max(x > 0, y > 0)",
    "¬": "1 - (x > 0) is the opposite of x > 0",
    "⩽": "write <=",
    "⩾": "write >=",
    "≈": "== compares for 'equal'",
    "°": "a degree is pi/180",
    "±": "write one of + and -",
}
"""Characters that have no meaning here, and what to write instead."""

PAIRS = {"‖": ("‖", "norm"), "∥": ("∥", "norm"), "⌊": ("⌋", "floor"), "⌈": ("⌉", "ceil"), "⟨": ("⟩", "dot")}
"""Opening brackets of other notations, each with its closing one and the function that the pair means."""


def norm_here(inside: str, behind: str) -> str:
    """The norm of what stands between ‖ and ‖, with the order that stands behind, `_1`, `₂` or `∞`, and a power.

    Empty where such an order means nothing here.
    """
    order, length = _order(behind)
    power = _power(behind[length:])
    plain = order.lower()
    meant = {"": "norm(x)", "2": "norm(x)", "f": "norm(x)", "fro": "norm(x)", "0": "sum(x!=0)", "1": "sum(abs(x))"}.get(
        plain
    )
    meant = "max(abs(x))" if plain in ("inf", "infty", "infinity", "max", "∞") else meant
    if meant is None:
        simple = order.isdecimal() or order in ("p", "q", "r")
        meant = f"sum(abs(x)**{order})**(1/{order})" if simple else ""
        meant = f"({meant})" if meant and power else meant
    return meant.replace("(x", f"({inside}") + (f"^{power}" if meant and power else "")


def bars_here(inside: str, behind: str) -> list[str]:
    """What ||x|| may mean here, the norm or |x|, with its power; an order behind it makes it a norm."""
    norm = norm_here(inside, behind)
    absolute = "" if _order(behind)[1] else f"|{inside}|" + (f"^{power}" if (power := _power(behind)) else "")
    return [text for text in (norm, absolute) if text]


def _power(behind: str) -> str:
    """The exponent at the beginning of a text, a number; empty if there is none."""
    found = behind.lstrip()
    sign = next((sign for sign in ("^", "**") if found.startswith(sign)), "")
    digits = found.removeprefix(sign).lstrip() if sign else ""
    raised = "".join(_RAISED.get(c, "") for c in found[:2])
    return raised or digits[: len(digits) - len(digits.lstrip("0123456789"))]


_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True))
_LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉ₚ", "0123456789p", strict=True))


def _order(behind: str) -> tuple[str, int]:
    """The order of a norm at the beginning of a text, and where it ends; empty and 0 if there is none."""
    if behind[:1] == "∞":
        return "∞", 1
    if behind[:1] in _LOWERED:
        return _LOWERED[behind[0]], 1
    if behind[:1] != "_" or len(behind) < 2:
        return "", 0
    if behind[1] == "{":
        end = behind.find("}")
        return (behind[2:end].strip().lstrip("\\"), end + 1) if end > 0 else ("?", 1)
    end = 1
    while end < len(behind) and (
        (behind[end].isalnum() and behind[end] not in _RAISED) or (end == 1 and behind[end] in "∞*")
    ):
        end += 1
    return behind[1:end], end
