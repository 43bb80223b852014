"""Functions without parentheses, `sin 2x`, `ln x + 1`, `max 0 x`: what their arguments may be.

Nothing of the text is dropped: where an argument may end at two places both are told. What can't be read is not told.
"""

from collections.abc import Callable
from itertools import pairwise, takewhile

from bpcli.calculus.language.foreign_calls import call_here, is_foreign, readings_of_call
from bpcli.calculus.language.token_reader import TokenReader
from bpcli.calculus.language.tokens import (
    COMPARISONS,
    END,
    NAME,
    NUMBER,
    OPERATOR,
    SUPERSCRIPT,
    Token,
    closing_bracket,
)
from bpcli.calculus.rules.functions import FUNCTIONS
from bpcli.errors import ExpressionError

_MAX_DEPTH = 20
"""How many signs and functions may stand before an argument, `sin -cos x`."""
_ENDS = (")", "]", "|", ",", ":", "=")
"""What ends all that stands behind a function."""


class BareArguments(TokenReader):
    """A reader of the arguments of functions that have no parentheses."""

    trial = False
    """Whether a hint is only tried, so that its errors need none."""

    def applied(self, call: Callable[[str], str]) -> list[str]:
        """A function of what comes next, with all that follows: `sin(x)+1` and `sin(x+1)` of sin x + 1; else none.

        An argument in parentheses or bars ends with them.
        """
        argument, stop = self._argument_at(self.at)
        if self.trial or not argument or not call(argument) or self.ahead("("):
            return []
        near, later = self._behind(stop, closed=self.ahead("|"))
        for rest in [later, ""] if later else [""]:
            texts = [f"{_factor(call(argument), near + rest)}{near}{rest}"]
            texts += [f"{_factor(call(argument + near), rest)}{rest}"] if near else []
            if all(map(self.can_be_read, texts)):
                return texts
        return []

    def listed(self, name: str) -> list[str]:
        """A call with the arguments that follow, `max(0, x)` of max 0 x and of max 0, x; none if they are no list."""
        ends = [k for k in self._outside(self.at) if self.tokens[k].text in _ENDS]
        open_before = sum((t.text in ("(", "[")) - (t.text in (")", "]")) for t in self.tokens[: self.at])
        if self.trial or self.ahead("("):
            return []
        if ends and self.tokens[ends[0]].text == ",":
            if open_before or any(self.tokens[k].text != "," for k in ends):
                return []
            bounds = [self.at - 1, *ends, len(self.tokens) - 1]
            pairs = pairwise(bounds)
            found = [self.text[self.tokens[a].end : self.tokens[b].start].strip() for a, b in pairs]
        else:
            if name in FUNCTIONS and FUNCTIONS[name].arity[1] == 1:
                return []
            found, at = [], self.at
            while (token := self.tokens[at]).kind != END and token.text not in _ENDS:
                stop = at + 1 if token.kind == NUMBER else self._argument_at(at)[1]
                if stop == at or (found and token.text == "-"):
                    return []
                found.append(self.text[token.start : self.tokens[stop - 1].end])
                at = stop
        meant = readings_of_call(name, found) if len(found) > 1 and all(found) else []
        return meant if all(map(self.can_be_read, meant)) else []

    def call_of_bare(self) -> str:
        """The call that comes next, if it is a function without parentheses: sin(y) of x sin y; else empty."""
        bare = self._is_function(self.next) and self.tokens[self.at + 1].text != "("
        return self._piece(self.at, True)[0] if bare else ""

    def lists_ahead(self) -> bool:
        """Whether a comma stands behind what comes next, in no bracket of its own."""
        ends = (self.tokens[k].text for k in self._outside(self.at) if self.tokens[k].text in _ENDS)
        return next(ends, "") == ","

    def can_be_read(self, text: str) -> bool:
        """Whether a text is an expression."""
        try:
            reader = type(self)(text)
            reader.trial = True
            reader.expression(0)
        except ExpressionError:
            return False
        return reader.next.kind == END

    def _outside(self, at: int) -> list[int]:
        """The tokens from one on that stand in no bracket that opens behind it, with the brackets' own."""
        found = list[int]()
        while self.tokens[at].kind != END:
            found.append(at)
            closes = self.tokens[at].text in (")", "]")
            if closes:
                break
            at = self._closing(at) if self.tokens[at].text in ("(", "[") else at + 1
        return found

    def _behind(self, at: int, closed: bool) -> tuple[str, str]:
        """What follows an argument: what may belong to it, and what stands behind that; signs of products are added.

        To a product belongs a product, to a sum a sum, up to the next function; to what is closed only a power.
        """
        pieces, before = list[str](), self.tokens[at - 1]
        near = -1  # how many pieces may belong to the argument; −1 as long as all do
        product = self.tokens[at].text not in ("+", "-")
        while (token := self.tokens[at]).kind != END and token.text not in _ENDS:
            function = self._is_function(token)
            begins = token.kind in (NUMBER, NAME) or token.text in ("(", "√")
            if begins and _ends_operand(before) and not (before.kind == NUMBER and token.kind == NAME and pieces):
                if closed and near < 0:
                    near = len(pieces)
                pieces.append("*")
            if near < 0 and function:
                near = _without_signs(pieces, product)
            if near < 0 and (
                token.text in COMPARISONS
                or (product and token.text in ("+", "-") and _ends_operand(before))
                or (closed and token.text in ("*", "/", "@", "·", "+", "-"))
            ):
                near = len(pieces)
            piece, stop = self._piece(at, function)
            if not piece:
                return "", ""
            pieces.append(piece)
            before, at = self.tokens[stop - 1], stop
        near = len(pieces) if near < 0 else near
        return "".join(pieces[:near]), "".join(pieces[near:])

    def _piece(self, at: int, function: bool) -> tuple[str, int]:
        """A token, a whole bracket, or a function with its argument, in parentheses; and the token behind it."""
        token, after = self.tokens[at], at + 1
        if token.kind == OPERATOR and token.text in ("(", "["):
            after = self._closing(at)
        if not function:
            return self.text[token.start : self.tokens[after - 1].end], after
        if self.tokens[after].text == "(":
            after = self._closing(after)
            inside, power = self.text[self.tokens[at + 1].end : self.tokens[after - 1].start], ""
        else:
            start = after
            after += 1 if self.tokens[after].kind == SUPERSCRIPT else 2 if self.tokens[after].text == "**" else 0
            power = self.text[self.tokens[start].start : self.tokens[after - 1].end] if after > start else ""
            inside, after = self._argument_at(after)
        meant = call_here(token.text, [inside]) if inside else ""
        return (meant and _factor(meant, power or "*") + power), after

    def argument(self) -> str:
        """The text of what stands behind a function without its parentheses: (2x), 2x, -x², cos(x); x if unreadable."""
        return self._argument_at(self.at)[0] or "x"

    def _argument_at(self, at: int, depth: int = 0) -> tuple[str, int]:
        """The argument that begins at a token, empty if it can't be read, and the token behind it."""
        first = self.tokens[at]
        if depth > _MAX_DEPTH:
            return "", at
        if first.kind == OPERATOR and first.text in ("-", "("):
            if first.text == "-":
                inside, stop = self._argument_at(at + 1, depth + 1)
                whole = self.tokens[at + 1].text == "(" or self._is_function(self.tokens[at + 1])
                return (f"-({inside})" if whole and inside else inside and f"-{inside}"), stop
            stop = self._closing(at)
            return self.source(first.end, self.tokens[stop - 1].start).strip(), stop
        if first.text == "|" and first.kind == OPERATOR:
            opening = sum(1 for _ in takewhile(_is_bar, self.tokens[at:]))
            closing = [k for k in range(at + opening, len(self.tokens)) if _is_bar(self.tokens[k])][:opening]
            if len(closing) < opening:
                return "", at
            return self.source(first.start, self.tokens[closing[-1]].end), closing[-1] + 1
        if self._is_function(first):
            inside, stop = self._argument_at(at + 1, depth + 1)
            return (call_here(first.text, [inside]) if inside else ""), stop
        stop = self._factor_end(at)
        return (self.source(first.start, self.tokens[stop - 1].end) if stop > at else ""), stop

    def _factor_end(self, at: int) -> int:
        """The token behind a factor that begins at a token: 2, x², 2x, 2x^(n-1)."""
        start = at
        if self.tokens[at].kind == NUMBER:
            at += 1
        if self.tokens[at].kind == NAME and not self._is_function(self.tokens[at]):
            at += 1
        if at == start:
            return at
        if self.tokens[at].kind == SUPERSCRIPT:
            return at + 1
        if self.tokens[at].text == "**":
            exponent = at + 1 + (self.tokens[at + 1].text == "-")
            if self.tokens[exponent].kind in (NUMBER, NAME):
                return exponent + 1
            if self.tokens[exponent].text == "(":
                return self._closing(exponent)
        return at

    def _closing(self, at: int) -> int:
        """The token behind the parenthesis that opens at a token."""
        depth = 0
        for place in range(at, len(self.tokens) - 1):
            token = self.tokens[place]
            depth += token.kind == OPERATOR and (token.text in "([") - (token.text in ")]")
            if depth == 0:
                return place + 1
        return len(self.tokens) - 1

    @staticmethod
    def _is_function(token: Token) -> bool:
        return token.kind == NAME and (token.text in FUNCTIONS or is_foreign(token.text))


def _ends_operand(token: Token) -> bool:
    return token.kind in (NUMBER, NAME, SUPERSCRIPT) or token.text in (")", "]", "|")


def _without_signs(pieces: list[str], product: bool) -> int:
    """How many pieces stand before the term, or the factor, that comes next."""
    near = len(pieces)
    while near and pieces[near - 1] in ("*", "/", "@", "·", "+", "-", "−"):
        near -= 1
    if not product and near < len(pieces) and pieces[near] not in ("+", "-", "−"):  # x + z*cos x
        near = max((k for k, piece in enumerate(pieces[:near]) if piece in ("+", "-", "−")), default=0)
    return near


def _factor(meant: str, behind: str) -> str:
    """What a call means, in parentheses if it is no single call or name and something stands behind it."""
    name = meant.partition("(")[0]
    single = (not name or name.isidentifier()) and (
        name == meant or closing_bracket(meant, len(name)) == len(meant) - 1
    )
    powered = meant.rpartition("^")
    if powered[1] and not behind.startswith(("^", "**")):
        single = single or _factor(powered[0], "^") == powered[0]
    return meant if single or not behind else f"({meant})"


def _is_bar(token: Token) -> bool:
    return token.text == "|"
