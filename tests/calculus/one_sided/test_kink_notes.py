"""The note on a kink."""

import subprocess
import sys

import pytest

from bpcli.calculus.one_sided.kink_notes import Kink, in_words


@pytest.mark.parametrize(
    ("kinks", "said"),
    [
        ([Kink("d/dx", 0, 0.0, 1.0, 1.0, False)], "P has a kink: d/dx is 0 on the left, 1 on the right; 1 is used; A"),
        ([Kink("d/dx", 0, 1.0, 1.0, 1.0, True)], "P has a jump: d/dx is 1 on the left, 1 on the right; 1 is used"),
        (
            [Kink("d/dx", 0, None, 1.0, 1.0, False)],
            "P has a kink: d/dx is nothing on the left, 1 on the right; 1 is used; A",
        ),
        ([Kink("d/dx", 0, None, None, 0.0, False)], "P has no d/dx: there is no slope on either side"),
        (
            [Kink("d/dx", 0, 0.0, 1.0, 1.0, False, False)],
            "P: d/dx is not known, nor whether there is one",
        ),
        (
            [Kink("d²/dxdy", 0, 0.0, 0.0, 0.0, True, beside=True)],
            "P has a jump beside the point too: d²/dxdy does not exist, 0 is used",
        ),
        (
            [Kink("", 0, 0.0, 0.0, 0.0, False)],
            "P may be a kink; among so many entries the sides were not looked at",
        ),
        (
            [Kink(f"d/d{name}", 0, None, None, 0.0, False) for name in "xxyz"],
            "P has no d/dx: there is no slope on either side (and so for d/dy, d/dz)",
        ),
    ],
)
def test_the_note_on_kinks(kinks, said):
    assert in_words("P", kinks, "A") == said


def test_it_is_told_without_numpy():
    module = "bpcli.calculus.one_sided.kink_notes"
    code = f"import sys, {module}; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
