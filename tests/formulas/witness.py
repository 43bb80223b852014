"""What the tests of the formulas share: the textbook in exact numbers, the distance from it, and a third namespace.

`mp` has 400 digits, since 1 + e^−745 needs 330. `Exact` arrays hold its numbers and bring a namespace of their own:
what a formula computes in them must be the textbook, for there is no rounding that its care for doubles could hide.
"""

import math

import mpmath
import numpy as np

mp = mpmath.MPContext()
mp.dps = 400
SMALLEST = 2.0**-1022  # of the doubles with all their digits
BEYOND = mp.mpf(2) ** 1024 - mp.mpf(2) ** 970  # rounds to infinity


def ulps(got, truth):
    """How far a double is from the truth, in units of the truth's last place (one unit for subnormals)."""
    if abs(truth) >= BEYOND:
        return 0 if got == math.copysign(math.inf, truth) else mp.inf
    if not math.isfinite(got):
        return mp.inf
    return abs(mp.mpf(float(got)) - truth) / mp.mpf(math.ulp(float(truth)))


def assert_within(bound, got, truth, info=""):
    """Each entry within `bound` ulp."""
    got = np.asarray(got, float).ravel().tolist()
    truth = list(np.asarray(truth, object).ravel())
    assert len(got) == len(truth), info
    for k, (g, t) in enumerate(zip(got, truth, strict=True)):
        assert ulps(g, t) <= bound, (k, g, mp.nstr(t, 20), mp.nstr(ulps(g, t), 5), info)


# The textbook. Where 400 digits would not do, as in e^(−1e308), the same in a form that needs fewer.


def sigmoid(z):
    z = mp.mpf(z)
    return 1 / (1 + mp.exp(-z)) if abs(z) < 1e20 else mp.mpf(z > 0)


def dsigmoid(z):
    z = abs(mp.mpf(z))
    return mp.exp(-z) / (1 + mp.exp(-z)) ** 2 if z < 1e20 else mp.mpf(0)


def tanh(z):
    z = mp.mpf(z)
    return z if abs(z) < mp.mpf("1e-300") else mp.tanh(z) if abs(z) < 1e20 else mp.sign(z)


def dtanh(z):
    return 4 * dsigmoid(2 * mp.mpf(z))


def softplus(z):
    z = mp.mpf(z)
    return mp.log1p(mp.exp(z)) if z < 1e20 else z


def expm1(z):
    z = mp.mpf(z)
    return z + z * z / 2 if abs(z) < mp.mpf("1e-200") else mp.expm1(z) if z > -2000 else mp.mpf(-1)


def exp(z):
    return mp.exp(mp.mpf(z))


def _huber(y, yhat, delta=1):
    d = abs(y - yhat)
    return (d * d / 2, yhat - y) if d <= delta else (delta * (d - mp.mpf(delta) / 2), delta * mp.sign(yhat - y))


LEAKY = mp.mpf(0.01)
ACTIVATIONS = {
    "identity": lambda z: (mp.mpf(z), mp.mpf(1)),
    "sigmoid": lambda z: (sigmoid(z), dsigmoid(z)),
    "tanh": lambda z: (tanh(z), dtanh(z)),
    "relu": lambda z: (max(mp.mpf(z), mp.mpf(0)), mp.mpf(z >= 0)),
    "leaky_relu": lambda z, slope=LEAKY: (mp.mpf(z), mp.mpf(1)) if z >= 0 else (slope * z, slope),
    "elu": lambda z, alpha=1: (mp.mpf(z), mp.mpf(1)) if z >= 0 else (alpha * expm1(z), alpha * exp(z)),
    "softplus": lambda z: (softplus(z), sigmoid(z)),
    "exp": lambda z: (exp(z), exp(z)),
}
"""a and ∂a/∂z of each activation, also at ±∞: what all tests compare it with."""

LOSSES = {
    "mse": lambda y, yhat: ((y - yhat) ** 2, -2 * (y - yhat)),
    "bce": lambda y, yhat: (-(y * mp.log(yhat) + (1 - y) * mp.log(1 - yhat)), (yhat - y) / (yhat * (1 - yhat))),
    "cce": lambda y, yhat: (-y * mp.log(yhat), -y / yhat),
    "huber": _huber,
    "hinge": lambda y, yhat: (1 - y * yhat, -y) if y * yhat < 1 else (mp.mpf(0), mp.mpf(0)),
    "poisson": lambda y, yhat: (yhat - (y * mp.log(yhat) if y else 0), 1 - y / yhat),
}
"""J₀ and ∂J₀/∂ŷ of each loss, of labels and predictions: what all tests compare it with."""


class Softmax:
    """p, 1 − p, log p, and log Σ e^l of logits."""

    def __init__(self, logits):
        logits = [mp.mpf(float(v)) for v in logits]
        m = max(logits)
        top = logits.index(m)
        e = [mp.exp(v - m) if v - m > -10000 else mp.mpf(0) for v in logits]
        rest = mp.fsum(v for k, v in enumerate(e) if k != top)
        S = 1 + rest
        self.p = [v / S for v in e]
        self.q = [(rest if k == top else S - v) / S for k, v in enumerate(e)]
        self.log_p = [(v - m) - mp.log1p(rest) for v in logits]
        self.logsumexp = m + mp.log1p(rest)
        self.largest_term = max(abs(m), mp.log1p(rest))

    def jacobian(self):
        p, q = self.p, self.q
        return [[p[i] * q[i] if i == j else -p[i] * p[j] for j in range(len(p))] for i in range(len(p))]

    def log_jacobian(self):
        p, q = self.p, self.q
        return [[q[i] if i == j else -p[j] for j in range(len(p))] for i in range(len(p))]


class Exact(np.ndarray):
    """An array of `mp` numbers."""

    @property
    def namespace(self):
        return PLAIN


def exact(x):
    """x in exact numbers."""
    return np.vectorize(lambda v: mp.mpf(float(v)), otypes=[object])(np.asarray(x)).view(Exact)


def _each(function):
    return np.frompyfunc(function, 1, 1)


class _Namespace:
    """The namespace of exact numbers: NumPy for shapes, `mp` for functions, and nothing lost to rounding."""

    name, dual = "exact", False
    exp, expm1, log, log1p, tanh = map(_each, (mp.exp, mp.expm1, mp.log, mp.log1p, mp.tanh))
    isfinite = staticmethod(lambda x: np.asarray(_each(mp.isfinite)(x), bool))

    def __getattr__(self, name):
        return getattr(np, name)

    def two_sum(self, a, b):
        return a + b, 0 * (a + b)

    def two_product(self, a, b):
        return a * b, 0 * (a * b)

    def exp_pair(self, x, low=0.0):
        return (self.exp(x + low), 0 * x), np.zeros(np.shape(x), int)

    def frexp(self, x):
        return x, np.zeros(np.shape(x), int)

    def ldexp(self, x, k):
        return x * np.vectorize(lambda n: mp.ldexp(1, int(n)), otypes=[object])(k)

    def total(self, x, axis, folds=1):
        s = x.sum(axis=axis, keepdims=True)
        return s, 0 * s

    def refined(self, plain, condition, better):
        return plain

    def divide(self, x, y):
        return x / y


PLAIN = _Namespace()
