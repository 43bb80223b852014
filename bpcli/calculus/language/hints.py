"""The table of hints: notation of other books, languages and tools, and the words for it here."""

from collections.abc import Sequence
from functools import cache

from bpcli.calculus.rules.functions import CONSTANTS, FUNCTIONS

_CALLS = """
ln logarithm logf(x): log(x)
ln logb(x, y): log(x)/log(y)
exponential e expf(x): exp(x)
lb ld(x): log2(x)
lg(x): log10(x)
log(x, 2): log2(x)
log(x, 10): log10(x)
log(x, e): log(x)
log(2, y): log2(y)
log(10, y): log10(y)
log(e, y): log(y)
log(x, y): log(x)/log(y)
ln1p(x): log1p(x)
exp10(x): 10**x
pow power powf(x, y): x**y
square(x): x**2
cube(x): x**3
reciprocal(x): 1/x
root wurzel racine sqrtf(x): sqrt(x)
root nthroot sqrt surd(x, y): x**(1/y)
cuberoot(x): cbrt(x)
tg tangent tangens(x): tan(x)
cosine cosinus cosf(x): cos(x)
sinus sen sinf(x): sin(x)
sind(x): sin(x*pi/180)
cosd(x): cos(x*pi/180)
tand(x): tan(x*pi/180)
sec(x): 1/cos(x)
csc cosec(x): 1/sin(x)
cot cotan ctg cotg(x): 1/tan(x)
arcsin arcsen(x): asin(x)
arccos(x): acos(x)
arctan arctg(x): atan(x)
arctan2 atan arctan(x, y): atan2(x, y)
arcsec asec(x): acos(1/x)
arccsc acsc arccosec(x): asin(1/x)
arccot arcctg arccotg arccotan(x): pi/2-atan(x)
acot(x): atan(1/x)
sh senh(x): sinh(x)
ch(x): cosh(x)
th tgh(x): tanh(x)
sech(x): 1/cosh(x)
csch cosech(x): 1/sinh(x)
coth cth ctgh(x): 1/tanh(x)
arcsinh arsinh argsh arsh(x): asinh(x)
arccosh arcosh argch arch(x): acosh(x)
arctanh artanh argth arth(x): atanh(x)
asech(x): acosh(1/x)
acsch(x): asinh(1/x)
acoth(x): atanh(1/x)
versin(x): 1-cos(x)
hav(x): (1-cos(x))/2
radians deg2rad(x): x*pi/180
degrees rad2deg(x): x*180/pi
erfc(x): 1-erf(x)
sgn signum(x): sign(x)
fabs fabsf absolute betrag(x): abs(x)
trunc fix(x): sign(x)*floor(abs(x))
round rint(x): floor(x+0.5)
ceiling(x): ceil(x)
frac(x): x-floor(x)
mod(x, y): x-y*floor(x/y)
fmod rem(x, y): x-y*sign(x/y)*floor(abs(x/y))
rational fraction(x, y): x/y
add(x, y): x+y
subtract(x, y): x-y
multiply mul hadamard(x, y): x*y
divide(x, y): x/y
negative neg(x): -x
maximum fmax fmaxf(x, y): max(x, y)
minimum fmin fminf(x, y): min(x, y)
logistic expit sig sigm σ sigma logisticsigmoid(x): sigmoid(x)
rectifier ramp(x): relu(x)
leakyrelu(x): leaky_relu(x)
selu(x): 1.0507009873554805*where(x>0, x, 1.6732632423543772*(exp(x)-1))
relu6(x): clip(x, 0, 6)
celu(x): where(x>0, x, exp(x)-1)
prelu(x, y): where(x>0, x, y*x)
hardsigmoid hard_sigmoid(x): clip(x/6+0.5, 0, 1)
hardswish hard_swish(x): x*clip(x/6+0.5, 0, 1)
tanhshrink(x): x-tanh(x)
softshrink(x): x-clip(x, -0.5, 0.5)
logsigmoid log_sigmoid(x): -softplus(-x)
hardtanh(x): clip(x, -1, 1)
mish(x): x*tanh(softplus(x))
softmin(x): softmax(-x)
swish silu(x): x*sigmoid(x)
gelu(x): x*(1+erf(x/sqrt(2)))/2
softsign(x): x/(1+abs(x))
heaviside heavisidetheta unitstep step Θ(x): x>=0
normcdf Φ(x): (1+erf(x/sqrt(2)))/2
normpdf φ(x): exp(-x**2/2)/sqrt(2*pi)
if ifelse ite piecewise iif cond select wenn(x, y, z): where(x, y, z)
clamp(x, y, z): clip(x, y, z)
not(x): 1-x
and und(x, y): x*y
or oder(x, y): max(x, y)
average avg E mittelwert moyenne reduce_mean(x): mean(x)
product Π reduce_prod(x): prod(x)
total Σ summe somme reduce_sum(x): sum(x)
amax reduce_max(x): max(x)
amin reduce_min(x): min(x)
sum(x, y): sum([x, y])
mean(x, y): mean([x, y])
prod(x, y): prod([x, y])
norm(x, 1): sum(abs(x))
norm(x, 2): norm(x)
norm1(x): sum(abs(x))
norm2 magnitude(x): norm(x)
lse reduce_logsumexp(x): logsumexp(x)
logaddexp(x, y): logsumexp([x, y])
xlogy(x, y): x*log(y)
entropy(x): -sum(x*log(x))
inner vdot(x, y): dot(x, y)
matmul(x, y): x@y
transpose(x): x.T
array vector matrix tensor float(x): x
rmse(x, y): sqrt(mse(x, y))
mean_squared_error mse_loss(x, y): mse(x, y)
mae mean_absolute_error l1_loss(x, y): mean(abs(x-y))
log_loss logloss binary_crossentropy(x, y): bce(x, y)
categorical_crossentropy(x, y): cce(x, y)
"""
"""A line for calls of one meaning: their names elsewhere, the arguments, and what they are here. The first line of a
name that fits the arguments counts."""

_DERIVATIVE = "grad differentiates; write the function itself"
_NO_MATRICES = "matrices have A@B, A.T and dot(x, y); other things are written out by entries, A[0,1]"
_NO_ORDER = "the functions of many entries are sum, mean, prod, min, max, norm and dot"
_OF_LABELS = "the labels stand first: cce(y, yhat) and bce(y, yhat) of probabilities, bce(y, sigmoid(z)) of a logit"
_NO_CALLS = {
    "LOG": "did you mean log(x), the natural logarithm, or log10(x)?",
    "sinc": "did you mean sin(x)/x or, as NumPy and MATLAB have it, sin(pi*x)/(pi*x)?",
    "sqr": "the square is x**2, the root sqrt(x)",
    "div": "x/y divides, and floor(x/y) rounds it down",
    "remainder": "the remainder is x-y*floor(x/y)",
    **dict.fromkeys(["var", "variance"], "over all N it is mean((x-mean(x))**2), over N-1 sum((x-mean(x))**2)/(N-1)"),
    **dict.fromkeys(["std", "sd", "stdev"], "over all N it is sqrt(mean((x-mean(x))**2)); others divide by N-1"),
    **dict.fromkeys(["cross_entropy", "crossentropy", "binary_cross_entropy", "nll_loss"], _OF_LABELS),
    **dict.fromkeys(["binary_cross_entropy_with_logits", "sigmoid_binary_cross_entropy"], _OF_LABELS),
    **dict.fromkeys(["erfinv", "erfcinv", "probit"], "there is no inverse of erf"),
    "diag": "there are no diagonal matrices; of one that is a derivative, its diagonal is answer enough",
    **dict.fromkeys(["diff", "derivative", "deriv", "differentiate", "grad", "gradient"], _DERIVATIVE),
    **dict.fromkeys(["jacobian", "jac"], "jacobian differentiates; write the functions themselves"),
    **dict.fromkeys(["hessian", "hess"], "hessian differentiates; write the function itself"),
    **dict.fromkeys(["integral", "integrate", "quad"], "there is no integral"),
    "int": "there is no integral; int(x), without the digits behind the point, is sign(x)*floor(abs(x))",
    **dict.fromkeys(["argmax", "argmin"], "there is no place of the largest entry; its value is max(x)"),
    **dict.fromkeys(["inv", "pinv"], "there is no inverse of a matrix; of a number it is 1/x"),
    **dict.fromkeys(
        ["det", "trace", "tr", "rank", "eig", "cross", "outer", "kron", "eye", "ones", "zeros"], _NO_MATRICES
    ),
    **dict.fromkeys(["median", "sort", "cumsum", "cumprod", "quantile", "percentile", "cov", "corr"], _NO_ORDER),
    **dict.fromkeys(["rand", "random", "randn"], "a function has one value at a point: there are no random numbers"),
    **dict.fromkeys(["lim", "limit"], "there is no limit"),
    **dict.fromkeys(["factorial", "fact"], "there is no factorial; prod multiplies the entries of a vector"),
    **dict.fromkeys(["gamma", "lgamma", "gammaln", "Γ"], "there is no gamma function"),
    **dict.fromkeys(["function", "func", "fun"], "write the function's formula alone"),
}
"""Functions that do not exist here, and what to do instead."""

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
}
"""Prefixes of functions, as in `np.exp(x)`."""

WORDS = {  # of other languages; the advice is given only where a name can't stand
    "and": "multiply conditions: (x > 0)*(y > 0)",
    "or": "the larger of two conditions is max(x > 0, y > 0)",
    "not": "1 - (x > 0) is the opposite of x > 0",
    "if": "where(x > 0, a, b) chooses",
    "else": "where(x > 0, a, b) chooses",
    **dict.fromkeys(["lambda", "def", "return", "function"], "write the function's formula alone"),
    "in": "(0 <= x)*(x <= 1) is whether x lies in [0, 1]",
    "for": "sum, mean and prod go over all entries of a vector",
    "mod": "the remainder is x - y*floor(x/y)",
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
    "%": "5 % is 5/100; the remainder is x - y*floor(x/y)",
    "!": "!= compares for 'not equal'; there is no factorial",
    "~": "1 - (x > 0) is the opposite of x > 0",
    "?": "where(x > 0, a, b) chooses",
    "::": "a function stands alone, as in exp(x)",
    ";": "a comma stands between arguments; a matrix is written [[1,2],[3,4]] in an expression",
    "{": "group with parentheses: ( )",
    "}": "group with parentheses: ( )",
    "\\": "write names plainly: alpha or α, sqrt(x), x1",
    "'": "x.T is the transpose; grad differentiates; nothing stands in quotes",
    "′": "x.T is the transpose; grad differentiates",
    '"': "nothing in an expression stands in quotes",
    "`": "nothing in an expression stands in quotes",
    "$": "put the expression in quotes, so that the shell leaves it alone",
    "#": "an expression has no comments",
    "–": "write - (minus)",
    "—": "write - (minus)",
    "‐": "write - (minus)",
    "‑": "write - (minus)",
    "•": "write * to multiply",
    "✕": "write * to multiply",
    "⨯": "write * to multiply",
    "⊗": "* multiplies entry by entry, @ matrices; there is no outer product",
    "⊤": "write x.T for the transpose",
    "†": "write x.T for the transpose",
    "∙": "write * to multiply",
    "⊙": "write * to multiply entry by entry",
    "∘": "write f(g(x)) out; * multiplies entry by entry",
    "∕": "write /",
    "⁄": "write /",
    "∞": "write inf",
    "∑": "write sum(x)",
    "∏": "write prod(x)",
    "∛": "write cbrt(x)",
    "∜": "write x**(1/4)",
    "∂": _DERIVATIVE,
    "∇": _DERIVATIVE,
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
    """The norm of what stands between ‖ and ‖, by what stands behind: `_1` and `₁` for the sum of the sizes, `_∞`."""
    order = behind.lstrip("_{ ")[:1] if behind.lstrip()[:1] in ("_", "₁") else ""
    return {"1": f"sum(abs({inside}))", "₁": f"sum(abs({inside}))", "∞": f"max(abs({inside}))"}.get(
        order, f"norm({inside})"
    )


@cache
def _rows() -> dict[str, list[tuple[list[str], str]]]:
    rows: dict[str, list[tuple[list[str], str]]] = {}
    for line in _CALLS.strip().splitlines():
        call, meant = line.split(": ")
        names, arguments = call.removesuffix(")").split("(", 1)
        parameters = arguments.split(", ")
        for name in names.split():
            if name not in FUNCTIONS or not _fits(name, len(parameters)):  # a row may have been added under the name
                rows.setdefault(name, []).append((parameters, meant))
    return rows


def is_foreign(name: str) -> bool:
    """Whether other languages have a function of this name, and bpcli has not."""
    known = _key(name) in _rows() or _key(name) in _NO_CALLS or bool(_base_of_log(name))
    return name not in FUNCTIONS and name not in CONSTANTS and known


def _key(name: str) -> str:
    """A name as the tables have it; Σ, whose small letter is σ, stays, with or without an index, and so does E."""
    if name[:2] in ("Σ", "Σ_") or name[:4].lower() == "sum_":
        return "Σ"
    return name.lower() if name.isascii() and name != "E" else name


def call_here(name: str, arguments: Sequence[str]) -> str:
    """How a call of another language is written here, from the texts of its arguments; empty if that is not known."""
    plain = [text for text in arguments if not _is_named(text)]
    if len(plain) < len(arguments):
        if _key(name) in ("clip", "clamp") and len(plain) == 1 and len(arguments) == 2:
            side, _, bound = arguments[1].replace(" ", "").partition("=")
            return {"min": f"max({plain[0]}, {bound})", "max": f"min({plain[0]}, {bound})"}.get(side, "")
        row = FUNCTIONS.get(name)
        axes = [text.replace("dim", "axis").replace(" ", "") for text in arguments if text.startswith(("axis", "dim"))]
        known = row and len(plain) == 1 and row.takes_axis(1) and len(plain) + len(axes) == len(arguments)
        return f"{name}({', '.join([*plain, *axes])})" if known else ""
    if name in FUNCTIONS and _fits(name, len(arguments)):
        return f"{name}({', '.join(arguments)})"
    folded = {function.lower(): function for function in FUNCTIONS}.get(name.lower(), name)
    if folded != name and _fits(folded, len(arguments)):
        return f"{folded}({', '.join(arguments)})"
    rows = _rows().get(_key(name), [])
    for parameters, meant in rows:
        if len(parameters) == len(arguments) and all(
            p in "xyz" or p == a for p, a in zip(parameters, arguments, strict=True)
        ):
            return _filled(meant, dict(zip(parameters, arguments, strict=True)))
    if folded != name:
        return f"{folded}({', '.join(arguments)})"
    base = _base_of_log(name) if len(arguments) == 1 else ""
    return _filled("log(x)/log(y)", {"x": arguments[0], "y": base}) if base else ""


def _is_named(argument: str) -> bool:
    """Whether an argument is given by name: axis=0."""
    name, sign, value = argument.partition("=")
    return bool(sign) and name.strip().isidentifier() and not value.startswith("=")


def advice_on_call(name: str, arguments: Sequence[str]) -> str:
    """The advice on a function that does not exist here; empty if its name is not known from elsewhere."""
    if instead := _NO_CALLS.get(name) or _NO_CALLS.get(_key(name)):
        return instead
    if meant := call_here(name, arguments):
        return f"did you mean {meant}?"
    if rows := _rows().get(_key(name)):
        parameters, meant = rows[-1]
        return f"{name}({', '.join(parameters)}) is {meant}"
    return ""


def _base_of_log(name: str) -> str:
    """`3` of log3 and log_3, `b` of log_b; empty for other names."""
    base = name[3:].removeprefix("_")
    alone = base.isdecimal() or (name[3:4] == "_" and len(base) == 1)
    return base if name[:3].lower() == "log" and alone else ""


def _fits(name: str, count: int) -> bool:
    low, high = FUNCTIONS[name].arity
    return low <= count <= high


def _filled(meant: str, arguments: dict[str, str]) -> str:
    """The text with arguments in the place of x, y, z; in parentheses next to an operator."""
    result: list[str] = []
    for place, character in enumerate(meant):
        before, after = meant[:place][-1:], meant[place + 1 : place + 2]
        if character not in arguments or before.isalnum() or after.isalnum():
            result.append(character)
            continue
        argument = arguments[character]
        alone = before in ("", "(", ",", " ", "[") and after in ("", ")", ",", "]")
        simple = argument.replace("_", "").replace(".", "").isalnum() or argument.startswith(("[", "("))
        result.append(argument if alone or simple else f"({argument})")
    return "".join(result)
