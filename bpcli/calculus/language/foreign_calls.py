"""Calls of functions as other books, languages and tools write them, and what they are here."""

from collections.abc import Sequence
from functools import cache

from bpcli.calculus.language.hints import DERIVATIVE
from bpcli.calculus.rules.functions import CONSTANTS, FUNCTIONS

_CALLS = """
ln logarithm logf(x): log(x)
ln logb(x, y): log(x)/log(y)
exponential e expf(x): exp(x)
lb ld(x): log2(x)
lg(x): log10(x)
any:log(x, 2): log2(x)
any:log(x, 10): log10(x)
any:log(x, y): log(x)/log(y)
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
root sqrt(x, y): x**(1/y)
nthroot surd real_root(x, 2): sqrt(x)
nthroot surd real_root(x, 3): cbrt(x)
nthroot surd real_root(x, 4): sqrt(sqrt(x))
nthroot surd real_root(x, 5): sign(x)*abs(x)**(1/5)
nthroot surd real_root(x, y): where(y-2*floor(y/2)==1, sign(x)*abs(x)**(1/y), x**(1/y))
rsqrt inversesqrt invsqrt(x): 1/sqrt(x)
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
floor(x, y): y*floor(x/y)
ceil ceiling(x, y): y*ceil(x/y)
floordiv floor_divide quotient(x, y): floor(x/y)
any:remainder(x, y): x-y*floor(x/y)
math:remainder(x, y): x-y*floor(x/y+0.5)
frac(x): x-floor(x)
mod(x, y): x-y*floor(x/y)
fmod rem(x, y): x-y*sign(x/y)*floor(abs(x/y))
rational fraction(x, y): x/y
add(x, y): x+y
subtract(x, y): x-y
multiply mul hadamard(x, y): x*y
divide(x, y): x/y
negative neg(x): -x
maximum fmax fmaxf pmax(x, y): max(x, y)
minimum fmin fminf pmin(x, y): min(x, y)
logistic expit sig sigm σ sigma logisticsigmoid(x): sigmoid(x)
rectifier ramp(x): relu(x)
leakyrelu lrelu(x): leaky_relu(x)
leakyrelu lrelu(x, y): leaky_relu(x, y)
tf:leaky_relu(x): leaky_relu(x, 0.2)
softplus(x, y): softplus(y*x)/y
selu(x): 1.0507009873554805*where(x>0, x, 1.6732632423543772*(exp(x)-1))
relu6(x): clip(x, 0, 6)
celu(x): where(x>0, x, exp(x)-1)
celu(x, y): where(x>0, x, y*(exp(x/y)-1))
prelu(x, y): where(x>0, x, y*x)
hardsigmoid hard_sigmoid(x): clip(x/6+0.5, 0, 1)
hardswish hard_swish(x): x*clip(x/6+0.5, 0, 1)
tanhshrink(x): x-tanh(x)
softshrink(x): x-clip(x, -0.5, 0.5)
softshrink(x, y): where(abs(x)>y, x-y*sign(x), 0)
hardshrink(x): where(abs(x)>0.5, x, 0)
hardshrink(x, y): where(abs(x)>y, x, 0)
threshold(x, y, z): where(x>y, x, z)
logsigmoid log_sigmoid(x): -softplus(-x)
hardtanh(x): clip(x, -1, 1)
hardtanh(x, y, z): clip(x, y, z)
mish(x): x*tanh(softplus(x))
softmin(x): softmax(-x)
swish silu(x): x*sigmoid(x)
swish(x, y): x*sigmoid(y*x)
gelu(x): x*(1+erf(x/sqrt(2)))/2
jax:gelu(x): x*(1+tanh(sqrt(2/pi)*(x+0.044715*x**3)))/2
softsign(x): x/(1+abs(x))
heaviside(x, 0): x>0
heaviside(x, 1): x>=0
heaviside(x, y): where(x==0, y, x>0)
heaviside heavisidetheta unitstep step Θ(x): x>=0
normcdf Φ(x): (1+erf(x/sqrt(2)))/2
normpdf φ(x): exp(-x**2/2)/sqrt(2*pi)
if ifelse ite iif cond select wenn(x, y, z): where(x, y, z)
clamp clip_by_value(x, y, z): clip(x, y, z)
any:clip any:clamp(x, y): max(x, y)
not(x): 1-x
and und(x, y): x*y
or oder(x, y): max(x, y)
average avg E mittelwert moyenne reduce_mean(x): mean(x)
product Π reduce_prod(x): prod(x)
total Σ summe somme reduce_sum(x): sum(x)
amax reduce_max(x): max(x)
amin reduce_min(x): min(x)
sumsq(x): sum(x**2)
sumproduct(x, y): sum(x*y)
norm(x, 0): sum(x!=0)
norm(x, 1): sum(abs(x))
norm(x, 2): norm(x)
norm(x, inf): max(abs(x))
norm(x, -inf): min(abs(x))
norm(x, y): sum(abs(x)**y)**(1/y)
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
name that fits the arguments counts; one of the library's own, `tf:`, or of any library, `any:`, before the others."""

_KEYWORDS = {
    **dict.fromkeys(["leaky_relu", "leakyrelu", "lrelu"], ("negative_slope alpha slope",)),
    **dict.fromkeys(["elu", "celu"], ("alpha",)),
    **dict.fromkeys(["softplus", "swish"], ("beta",)),
    **dict.fromkeys(["softshrink", "hardshrink"], ("lambd",)),
    **dict.fromkeys(["clip", "clamp"], ("min a_min min_val", "max a_max max_val")),
    **dict.fromkeys(["heaviside"], ("values x2",)),
    "hardtanh": ("min_val", "max_val"),
    "threshold": ("threshold", "value"),
    "prelu": ("weight alpha",),
    "norm": ("ord p",),
    "log": ("base",),
    "pow": ("exponent",),
}
"""The names of the arguments behind the first, in their order."""

_LIBRARIES = {"tensorflow": "tf", "keras": "tf", "K": "tf", "cmath": "math", "jnp": "jax", "numpy": "np"}

_NO_MATRICES = "matrices have A@B, A.T and dot(x, y); other things are written out by entries, A[0,1]"
_NO_ORDER = "the functions of many entries are sum, mean, prod, min, max, norm and dot"
_OF_LABELS = "the labels stand first: cce(y, yhat) and bce(y, yhat) of probabilities, bce(y, sigmoid(z)) of a logit"
_NO_CALLS = {
    "isqrt": "did you mean floor(sqrt(x)) or 1/sqrt(x)?",
    "np:identity": _NO_MATRICES,
    "sinc": "did you mean sin(x)/x or, as NumPy and MATLAB have it, sin(pi*x)/(pi*x)?",
    "sqr": "the square is x**2, the root sqrt(x)",
    "div": "x/y divides, and floor(x/y) rounds it down",
    "remainder": "the remainder is x-y*floor(x/y)",
    **dict.fromkeys(["var", "variance"], "over all N it is mean((x-mean(x))**2), over N-1 sum((x-mean(x))**2)/(N-1)"),
    **dict.fromkeys(["std", "sd", "stdev"], "over all N it is sqrt(mean((x-mean(x))**2)); others divide by N-1"),
    **dict.fromkeys(["cross_entropy", "crossentropy", "binary_cross_entropy", "nll_loss"], _OF_LABELS),
    **dict.fromkeys(["binary_cross_entropy_with_logits", "sigmoid_binary_cross_entropy"], _OF_LABELS),
    **dict.fromkeys(["erfinv", "erfcinv", "probit"], "there is no inverse of erf"),
    "diag": "there are no diagonal matrices; write the matrix by entries, [[a,0],[0,b]]",
    **dict.fromkeys(["diff", "derivative", "deriv", "differentiate", "grad", "gradient"], DERIVATIVE),
    **dict.fromkeys(["jacobian", "jac"], "jacobian differentiates; write the functions themselves"),
    **dict.fromkeys(["hessian", "hess"], "hessian differentiates; write the function itself"),
    **dict.fromkeys(["integral", "integrate", "quad"], "there is no integral"),
    "int": "there is no integral; int(x), without the digits behind the point, is sign(x)*floor(abs(x))",
    **dict.fromkeys(["argmax", "argmin"], "there is no place of the largest entry; its value is max(x)"),
    **dict.fromkeys(["inv", "pinv"], "there is no inverse of a matrix; of a number it is 1/x"),
    **dict.fromkeys(
        ["det", "trace", "tr", "rank", "eig", "cross", "outer", "kron", "eye", "zeros", "ones"], _NO_MATRICES
    ),
    **dict.fromkeys(["median", "sort", "cumsum", "cumprod", "quantile", "percentile", "cov", "corr"], _NO_ORDER),
    **dict.fromkeys(["rand", "random", "randn"], "a function has one value at a point: there are no random numbers"),
    **dict.fromkeys(["lim", "limit"], "there is no limit"),
    **dict.fromkeys(["factorial", "fact"], "there is no factorial; prod multiplies the entries of a vector"),
    **dict.fromkeys(["gamma", "lgamma", "gammaln", "Γ"], "there is no gamma function"),
    **dict.fromkeys(["function", "func", "fun"], "write the function's formula alone"),
}
"""Functions that do not exist here, and what to do instead."""


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


def call_here(name: str, arguments: Sequence[str], base: str = "") -> str:
    """How a call of another language is written here, from the texts of its arguments; empty if that is not known.

    `base` is the library before its name, as in `np.exp`. Each argument has its part in what is written.
    """
    found = readings_of_call(name, arguments, base)
    return found[0] if found else ""


def readings_of_call(name: str, arguments: Sequence[str], base: str = "") -> list[str]:
    """The ways to write a call of another language here, the likeliest first."""
    library, key = _LIBRARIES.get(base, base), _key(name)
    plain = [text for text in arguments if not _named(text)]
    named = dict(part for text in arguments if (part := _named(text)))
    if key in ("clip", "clamp") and len(plain) == len(named) == 1:
        (bound, value), names = *named.items(), _KEYWORDS[key]
        side = next((side for side, known in zip(("max", "min"), names, strict=True) if bound in known.split()), "")
        return [f"{side}({plain[0]}, {value})"] if side else []
    axis = named.pop("axis", named.pop("dim", ""))
    placed = _placed(key, plain, named)
    if not placed or "" in placed:
        return []
    meant, of_one = _positional(name, placed, library), _positional(name, placed[:1], library)
    if axis:
        along = _along(meant, axis) if len(placed) == 1 or key == "norm" else ""
        return [along] if along else []
    if meant and not (key in ("max", "min") and name.islower() and library not in ("", "math", "Math")):
        by_order = key == "log" and not library and len(placed) == 2 and placed[0] in ("2", "10", "e")
        return [meant, f"log({placed[0]})/log({placed[1]})"] if by_order else [meant]
    along = _along(of_one, placed[1]) if len(placed) == 2 else ""
    function = of_one.partition("(")[0]
    listed = function in _OF_LISTS and of_one == f"{function}({placed[0]})" and not library
    every = f"{function}([{', '.join(placed)}])" if listed and not meant else ""
    return [text for text in (along, "" if along else meant, every) if text]


_OF_LISTS = ("sum", "mean", "prod", "max", "min", "logsumexp")
"""Functions whose several arguments elsewhere are the entries of one vector here."""


def _positional(name: str, arguments: Sequence[str], library: str) -> str:
    """The meaning of a call whose arguments have no names; empty if it is not known."""
    key = _key(name)
    if key in ("piecewise", "ifs") or (key in ("select", "cond") and arguments[:1] and arguments[0][:1] == "["):
        return _piecewise(arguments)
    for wanted in filter(None, [library and f"{library}:{key}", library and f"any:{key}"]):
        if meant := _row_of(wanted, arguments):
            return meant
    if f"{library}:{key}" in _NO_CALLS:
        return ""
    folded = {function.lower(): function for function in FUNCTIONS}.get(name.lower(), name)
    if folded in FUNCTIONS and _fits(folded, len(arguments)):
        return f"{folded}({', '.join(arguments)})"
    number = _base_of_log(name) if len(arguments) == 1 else ""
    return _row_of(key, arguments) or (_filled("log(x)/log(y)", {"x": arguments[0], "y": number}) if number else "")


def _row_of(key: str, arguments: Sequence[str]) -> str:
    plain = [_literal(text) for text in arguments]
    for parameters, meant in _rows().get(key, []):
        if len(parameters) == len(arguments) and all(
            p in "xyz" or p == a for p, a in zip(parameters, plain, strict=True)
        ):
            return _filled(meant, dict(zip(parameters, arguments, strict=True)))
    return ""


def _literal(text: str) -> str:
    """A number as the table has it: `1` for 1.0, `inf` for np.inf and oo."""
    sign = text[: text.startswith("-")]
    name = text.removeprefix("-").rpartition(".")[2].lower()
    if name in ("inf", "infinity", "infty", "oo"):
        return f"{sign}inf"
    return text.rstrip("0").rstrip(".") if text.rstrip("0").endswith(".") else text


def _named(argument: str) -> tuple[str, str] | None:
    """The name and the value of an argument that is given by name, axis=0; else None."""
    name, sign, value = argument.partition("=")
    given = bool(sign) and name.strip().isidentifier() and not value.startswith("=")
    return (name.strip(), value.strip()) if given else None


def _placed(key: str, plain: list[str], named: dict[str, str]) -> list[str] | None:
    """The arguments in their order; None if one has a name or a place that means nothing here."""
    places = _KEYWORDS.get(key, ())
    found = [*plain, *[""] * (1 + len(places) - len(plain))] if plain else []
    for name, value in named.items():
        place = next((k for k, names in enumerate(places, 1) if name in names.split()), 0)
        if not found or not place or found[place]:
            return None
        found[place] = value
    while len(found) > len(plain) and not found[-1]:
        found.pop()
    return found


def _along(meant: str, axis: str) -> str:
    """A call of one array along an axis, `sum(x, axis=0)`; empty where there is none such."""
    row = FUNCTIONS.get(meant.partition("(")[0])
    whole = row is not None and row.takes_axis(1) and _closing(meant) == len(meant) - 1
    return f"{meant[:-1]}, axis={axis})" if whole and axis in ("0", "1", "-1", "-2") else ""


def _closing(call: str) -> int:
    """Where the first parenthesis of a text closes."""
    depth = 0
    for place, character in enumerate(call):
        depth += (character == "(") - (character == ")")
        if character == ")" and depth == 0:
            return place
    return -1


def _piecewise(arguments: Sequence[str]) -> str:
    """SymPy's pairs (value, condition), or conditions and values by turns and what else there is, as where(…)."""
    pairs = [text[1:-1].rpartition(",")[::2] for text in arguments if text[:1] == "(" and text[-1:] == ")"]
    if len(pairs) == len(arguments) and all(value for value, _ in pairs):
        if pairs[-1][1].strip() not in ("True", "true", "otherwise"):
            return ""
        cases, rest = [(condition.strip(), value.strip()) for value, condition in pairs[:-1]], pairs[-1][0].strip()
    elif len(arguments) % 2 and len(arguments) > 1 and not any(text[:1] == "[" for text in arguments):
        cases, rest = list(zip(arguments[:-1:2], arguments[1::2], strict=True)), arguments[-1]
    else:
        return ""
    for condition, value in reversed(cases):
        rest = f"where({condition}, {value}, {rest})"
    return rest


def advice_on_call(name: str, arguments: Sequence[str], base: str = "") -> str:
    """The advice on a function that does not exist here; empty if its name is not known from elsewhere."""
    if name == "LOG" and len(arguments) == 1:
        return "did you mean log(x), the natural logarithm, or log10(x)?"
    if found := readings_of_call(name, arguments, base):
        return f"did you mean {' or '.join(found)}?"
    library = f"{_LIBRARIES.get(base, base)}:{_key(name)}"
    instead = _NO_CALLS.get(library) or _NO_CALLS.get(name) or _NO_CALLS.get(_key(name))
    along = len(arguments) > 1 and _key(name) in ("var", "variance", "std", "sd", "stdev")  # an axis, or N-1
    if instead and not along:
        return instead
    rows = _rows().get(_key(name), [])
    if rows and not any(arguments):
        parameters, meant = rows[0]
        return f"{name}({', '.join(parameters)}) is {meant}"
    known = rows or instead or name in FUNCTIONS or _base_of_log(name) or _key(name) in ("piecewise", "ifs")
    if not known:
        return ""
    unknown = [f"{part[0]}=" for text in arguments if (part := _named(text)) and part[0] not in ("axis", "dim")]
    which = " and ".join(unknown) or f"a call with {len(arguments)} argument{'s' if len(arguments) > 1 else ''}"
    return f"what {which} means for {name} is not known here"


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
