"""Expressions at many points at once, beside balls; and what `python -m tests.fuzz.many_points` found."""

from itertools import islice

import numpy as np
import pytest

from tests.fuzz.drawing import Question
from tests.fuzz.many_points import finding, main, questions

ZEROS = [{"x": float(k), "y": 2.0 * k} for k in range(1, 40)]  # at which bounds tell nothing, and the slope is right
EXHAUSTING = [  # the work of series, in the middle of an exponential function
    -331.0000564013177,
    -6.934467979098052e-11,
    -0.9999997259340312,
    -0.7,
    0.999999996575418,
    2.120704504775723e-05,
    51.416745394145096,
    2.2997398226871435e-151,
    -5e-324,
    -6484835798.478988,
    0.0005903086443960711,
    -36.750515275866945,
    1.00000000000054,
    -12047808.753347335,
    2.946878706829532e293,
    -0.8,
    -4.1937774005848336e-151,
    3.721137132742948e302,
    1.000000000000059,
    69.40231198599247,
    0.5599878311028439,
    -678.1772144390172,
    488.8431276249346,
    3.0,
    -0.9997106884604174,
    -1.0000000000000016,
    2.0000000170583085,
]
FOUND = [
    ("y/x*x", [*ZEROS, {"x": -0.19826035708205803, "y": 0.3253756584104177}]),
    ("sign(-(sigmoid(x)**0.5*exp(-x/2)))", [{"x": 1.0}, {"x": 1.7584717984229812e144}]),
    ("sign(cosh(x)**2-sinh(x)**2)+y", [{"x": 1.0, "y": 2.0}, {"x": -650.4439170835519, "y": 54.5}]),
    ("exp(-inf*(tanh(z)-1)**2)", [{"z": z} for z in EXHAUSTING]),
]


@pytest.mark.parametrize(("text", "points"), FOUND)
def test_what_was_found_stays_mended(text, points, tmp_path):
    assert finding([Question(text, point) for point in points], tmp_path) == ""


@pytest.mark.parametrize("seed", range(2))
def test_nothing_is_lost_silently_among_many_points(seed, tmp_path):
    with np.errstate(all="ignore"):
        assert [told for several in islice(questions(seed), 20) if (told := finding(several, tmp_path))] == []


def test_the_command(capsys):
    assert main(["--seconds", "0.1"]) == 0
    assert "expressions" in capsys.readouterr().out
