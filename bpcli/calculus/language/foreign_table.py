"""The table of functions as other books, languages and tools call them, and what they are here."""

from bpcli.calculus.language.hints import DERIVATIVE

CALLS = """
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
sec secant(x): 1/cos(x)
csc cosec cosecant(x): 1/sin(x)
cot cotan cotangent ctg cotg(x): 1/tan(x)
arcsin arcsine arcsen(x): asin(x)
arccos arccosine(x): acos(x)
arctan arctangent arctg(x): atan(x)
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
arcsinh arsinh argsinh argsh arsh(x): asinh(x)
arccosh arcosh argcosh argch arch(x): acosh(x)
arctanh artanh argtanh argth arth(x): atanh(x)
asech arcsech arsech(x): acosh(1/x)
acsch arccsch arcsch(x): asinh(1/x)
acoth arccoth arcoth(x): atanh(1/x)
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

KEYWORDS = {
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

LIBRARIES = {"tensorflow": "tf", "keras": "tf", "K": "tf", "cmath": "math", "jnp": "jax", "numpy": "np"}

_NO_MATRICES = "matrices have A@B, A.T and dot(x, y); other things are written out by entries, A[0,1]"
_NO_ORDER = "the functions of many entries are sum, mean, prod, min, max, norm and dot"
_OF_LABELS = "the labels stand first: cce(y, yhat) and bce(y, yhat) of probabilities, bce(y, sigmoid(z)) of a logit"
NO_CALLS = {
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
    "argmax": "there is no place of the largest entry; its value is max(x)",
    "argmin": "there is no place of the least entry; its value is min(x)",
    **dict.fromkeys(["comb", "binom", "binomial", "nchoosek", "ncr", "choose"], "there is no binomial coefficient"),
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
