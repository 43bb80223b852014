"""Reads tokens from left to right; an error shows the place of a token."""

from abc import ABC, abstractmethod
from typing import NoReturn

from bpcli.calculus.language.tokens import END, NAME, NUMBER, OPERATOR, Token, tokenize
from bpcli.calculus.language.tree import Expression
from bpcli.errors import ExpressionError


class TokenReader(ABC):
    """The tokens of a text; `at` is the place of the next one."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokenize(text)
        self.at = 0
        self.depth = 0

    @property
    def next(self) -> Token:
        """The next token."""
        return self.tokens[self.at]

    def take(self) -> Token:
        """Take the next token."""
        token = self.tokens[self.at]
        self.at += 1
        return token

    def ahead(self, *texts: str) -> bool:
        """Whether the next token is one of these operators."""
        token = self.tokens[self.at]
        return token.kind == OPERATOR and token.text in texts

    def source(self, start: int, end: int) -> str:
        """A part of the text for a message; a long one is shortened in its middle."""
        shown = " ".join(self.text[start:end].split())
        return shown if len(shown) <= 60 else f"{shown[:30]}…{shown[-20:]}"

    def fail(self, message: str, start: int, end: int, hint: str = "") -> NoReturn:
        """Raise the error of a part of the text."""
        raise ExpressionError(message, self.text, start, end, hint)

    def fail_at(self, token: Token, message: str, hint: str = "") -> NoReturn:
        """Raise the error of a token."""
        self.fail(message, token.start, token.end, hint)

    def unexpected(self, expected: str, hint: str = "") -> NoReturn:
        """Raise the error of the next token, which is not what was expected."""
        token = self.next
        if token.kind == END:
            self.fail_at(token, f"the expression ends where {expected} was expected", hint)
        self.fail_at(token, f"found '{self.text[token.start : token.end]}' where {expected} was expected", hint)

    def operand_follows(self) -> bool:
        """Whether an operand begins at the next token."""
        token = self.next
        return token.kind in (NUMBER, NAME) or self.ahead("(", "√")

    @abstractmethod
    def expression(self, least: int) -> Expression:
        """An operand and all that follows it and binds at least as tightly as `least`."""

    def next_operand(self, least: int) -> tuple[int, int]:
        """The place of the operand that comes next, for a message; of its first token, if it can't be read."""
        token = self.next
        try:
            return self.expression(least).span
        except ExpressionError:
            return token.start, token.end
