"""The dialect: what JSON keeps of it, and what other files take over."""

import json
from dataclasses import asdict

import pytest

from bpcli.datasets.dialect import USUAL, Dialect, dialect_of

FOUND = Dialect(";", ",", "no", "#", {"a": ("NA", "-")}, {"price": {"decimal": ".", "unit": "$"}})


@pytest.mark.parametrize("dialect", [USUAL, FOUND, Dialect(missing_words=("x",), numbers=("a", "b"), likely="\t")])
def test_a_dialect_survives_json(dialect):
    assert dialect_of(json.loads(json.dumps(asdict(dialect)))) == dialect
    assert dialect_of({}) == USUAL
    with pytest.raises(TypeError):
        dialect_of({"separator": ","})


def test_other_files_have_a_delimiter_of_their_own():
    others = FOUND.for_others()
    assert (others.delimiter, others.likely) == ("auto", ";")
    assert others.header == "no"
    assert USUAL.for_others() == USUAL
