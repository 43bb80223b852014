"""Reading tokens one by one, and failing at one."""

import pytest

from bpcli.calculus.language.token_reader import TokenReader
from bpcli.calculus.language.tree import Name
from bpcli.errors import ExpressionError


class Reader(TokenReader):
    def expression(self, least):
        token = self.take()
        return Name(token.text, (token.start, token.end))


def test_tokens_are_taken_in_order():
    reader = Reader("x + 1")
    assert (reader.next.text, reader.ahead("+"), reader.operand_follows()) == ("x", False, True)
    assert reader.take().text == "x"
    assert (reader.ahead("-", "+"), reader.operand_follows()) == (True, False)
    reader.take()
    assert reader.next_operand(0) == (4, 5)


def test_failures_show_their_place():
    reader = Reader("x +")
    with pytest.raises(ExpressionError, match="found 'x' where a number was expected"):
        reader.unexpected("a number")
    reader.take()
    reader.take()
    with pytest.raises(ExpressionError, match="the expression ends where a number was expected"):
        reader.unexpected("a number")
    with pytest.raises(ExpressionError) as caught:
        reader.fail("wrong", 0, 1, "write y")
    assert (caught.value.start, caught.value.end, caught.value.hint) == (0, 1, "write y")


def test_a_long_source_is_cut():
    assert Reader("x" * 100).source(0, 100) == "x" * 30 + "…" + "x" * 20
