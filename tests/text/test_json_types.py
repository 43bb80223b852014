"""Values from JSON beside the annotations of records."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pytest

from bpcli.text.json_types import conforms


@dataclass
class Record:
    name: str
    sizes: tuple[float, ...] | None = None


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        ("a", str, True),
        (1, str, False),
        (True, bool, True),
        (1, bool, False),
        (True, int, False),
        (1.0, int, False),
        (1, float, True),
        (2**70, float, False),
        (float("nan"), float, False),
        (float("inf"), float, False),
        (None, float | None, True),
        (None, None, True),
        ("b", Literal["a", "b"], True),
        ("c", Literal["a", "b"], False),
        ((1.0, 2), tuple[float, ...], True),
        ([1.0, 2], tuple[float, ...], False),
        ((1.0, "x"), tuple[float, str], True),
        ((1.0,), tuple[float, str], False),
        ({"a": (1.0,)}, Mapping[str, tuple[float, ...]], True),
        ({1: (1.0,)}, Mapping[str, tuple[float, ...]], False),
        (Record("a", (1.0,)), Record, True),
        (Record("a", (1.0, None)), Record, False),
        (Record(None), Record, False),
        ("a", Record, False),
    ],
)
def test_a_value_is_of_its_type_or_not(value, hint, expected):
    assert conforms(value, hint) == expected
