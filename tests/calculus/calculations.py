"""What the tests of the calculator share: a calculation of texts, or of any tree."""

import math

import mpmath
import numpy as np

from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.render import to_text
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.errors import ExpressionError


def calculation(texts, point=None, /, **named):
    """Of one text or several, by the variables of a point, whose values only give the shapes."""
    texts, point = ([texts] if isinstance(texts, str) else texts), {**(point or {}), **named}
    return Calculation([parse(t) for t in texts], texts, {n: np.shape(v) for n, v in point.items()}, list(point))


def built(tree, shapes, wrt):
    """The calculation of a tree, or None where it does not fit: then the error shows a place in the text."""
    text = to_text(tree)
    try:
        return Calculation([parse(text)], [text], shapes, wrt)
    except ExpressionError as caught:
        error = caught
    assert error.text == text
    assert 0 <= error.start < error.end <= len(text)
    return None


def ulps(got, exact):
    """How far a double is from an exact number, in units of its last place."""
    if not exact or abs(exact) > mpmath.mpf("1.7976931348623158e308"):
        return 0 if got == float(exact) else math.inf
    return float(abs(mpmath.mpf(float(got)) - exact) / mpmath.mpf(float(np.spacing(abs(float(exact))))))
