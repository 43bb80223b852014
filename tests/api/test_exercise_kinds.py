"""The tasks of each kind at each level."""

from bpcli.api.exercise_kinds import LEVELS
from bpcli.api.exercises import exercise


def test_levels_ask_for_more():
    sizes = [exercise("softmax_cce", level=level)[0].answer.size for level in LEVELS]
    assert sizes == [2, 3, 6]
