"""Functions of one number by mpmath, under NumPy's names, and numbers on which they are tried."""

import mpmath
from hypothesis import strategies as st

_NAMED = {
    "arcsin": mpmath.asin,
    "arccos": mpmath.acos,
    "arctan": mpmath.atan,
    "arcsinh": mpmath.asinh,
    "arccosh": mpmath.acosh,
    "arctanh": mpmath.atanh,
    "exp2": lambda x: mpmath.mpf(2) ** x,
    "log2": lambda x: mpmath.log(x, 2),
    "abs": abs,
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
}


def true_function(name):
    """mpmath's function."""
    return _NAMED[name] if name in _NAMED else getattr(mpmath, name)


NUMBERS = st.one_of(
    st.floats(-3, 3), st.floats(-300, 8).map(lambda k: 10.0**k), st.floats(-300, 8).map(lambda k: -(10.0**k))
)
