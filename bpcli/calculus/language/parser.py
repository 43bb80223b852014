"""Text to tree: a Pratt parser for bpcli's expressions, whose every error shows the place.

From loose to tight: comparisons (one, not a chain); `+ -`; `* / @ ·` and juxtaposition; a minus in front; `**` and `^`,
right-associative; what stands behind: `[…]` and `.T`.
"""

from collections.abc import Callable
from typing import NoReturn

from bpcli.calculus.language import tree as nodes
from bpcli.calculus.language.foreign_calls import call_here, is_foreign, readings_of_call
from bpcli.calculus.language.hints import STRAY, STRAY_HINTS, WORDS, bars_here
from bpcli.calculus.language.misreadings import Misreadings
from bpcli.calculus.language.other_notations import explanation, latex_here
from bpcli.calculus.language.tokens import (
    BINDS,
    COMPARISONS,
    END,
    MAX_LENGTH,
    MINUS,
    NAME,
    NUMBER,
    OPERATOR,
    POSTFIX,
    POWER,
    PRODUCT,
    SUM,
    SUPERSCRIPT,
    Token,
)
from bpcli.calculus.rules.functions import FUNCTIONS
from bpcli.errors import ExpressionError

_ONLY_T = "A.T is the transpose; a product is u*v, or dot(u, v)"
MAX_DEPTH = 200
"""How deep parentheses, brackets, powers and minus signs may nest; chains such as x + x + … do not nest."""


def parse(text: str) -> nodes.Expression:
    """The tree of an expression; ExpressionError, with the place, for a text that is none.

    A parse takes time linear in the text, whose length and depth are bounded first.
    """
    try:
        return _read(text)
    except ExpressionError as error:
        if len(text) <= MAX_LENGTH and (explained := explanation(error, _read)):
            raise explained from error
        raise


def meant_by_latex(text: str) -> str:
    """A formula in LaTeX as it is written here; empty where what it means is not known."""
    return latex_here(text, _read)


def _read(text: str) -> nodes.Expression:
    return _Parser(text).whole()


class _Parser(Misreadings):
    """Reads tokens from left to right; `self.at` is the next one."""

    # Looking and failing

    def close(self, closing: str, opening: Token) -> int:
        """Take the closing bracket; returns where it ends."""
        if self.ahead(closing):
            return self.take().end
        if self.next.kind == END:
            self.fail_at(opening, f"this {opening.text} is never closed: a {closing} is missing")
        self.refuse_bar_behind_function()
        if closing == "|" and self.ahead(*STRAY):
            self.fail_at(opening, "this | has no partner", STRAY_HINTS["|"])
        hint = STRAY_HINTS["|"] if self.ahead("|") else ""
        if closing == ")" and self.ahead(","):
            hint = "a vector is written [1, 2]"
        return self.unexpected(f"an operator or the {closing} of the {opening.text}", hint)

    # The Pratt loop

    def whole(self) -> nodes.Expression:
        if self.next.kind == END:
            self.fail("the expression is empty", 0, 1)
        tree = self.expression(0)
        token = self.next
        if token.kind != END:
            self.refuse_bar_behind_function()
            hint = STRAY_HINTS.get(token.text, "")
            if token.text == "=" and isinstance(tree, nodes.Name):
                hint = "; ".join(filter(None, [self.right_side(token.end), hint]))
            self.fail_at(token, STRAY[token.text], hint)
        return tree

    def expression(self, least: int) -> nodes.Expression:
        """An operand and all that follows it and binds at least as tightly as `least`."""
        if self.depth == MAX_DEPTH:
            self.fail_at(self.next, f"parentheses, powers or signs nest more than {MAX_DEPTH} deep")
        self.depth += 1
        token = self.next
        left = _OPERANDS.get(token.text if token.kind == OPERATOR else token.kind, _no_operand)(self)
        while True:
            token = self.next
            binds = BINDS.get(token.text, 0) if token.kind == OPERATOR else 0
            if binds:
                if binds < least:
                    break
                self.take()
                right = self.expression(POWER if binds == POWER else binds + 1)
                left = self.joined(left, token, right)
            elif token.kind == SUPERSCRIPT:
                if least > POWER:
                    break
                left = self.raised(left)
            elif self.ahead("["):
                left = self.index(left)
            elif self.ahead("."):
                left = self.transposed(left)
            elif self.operand_follows():
                if least > PRODUCT:
                    break
                self.check_juxtaposition(left)
                right = self.expression(PRODUCT + 1)
                left = nodes.Binary("*", left, right, (left.span[0], right.span[1]), (token.start, token.start))
            else:
                break
        self.depth -= 1
        return left

    def joined(self, left: nodes.Expression, operator: Token, right: nodes.Expression) -> nodes.Expression:
        span = (left.span[0], right.span[1])
        if operator.text in COMPARISONS:
            if self.ahead(*COMPARISONS):
                a, b, c = self.source(*left.span), self.source(*right.span), self.take()
                hint = f"write ({a} {operator.text} {b})*({b} {c.text} {self.source(*self.next_operand(SUM))})"
                self.fail_at(c, "comparisons are not chained", hint)
            return nodes.Compare(operator.text, left, right, span)
        if operator.text in ("/", "**") and self.operand_follows():
            self.fail_with_two_readings(left, operator, right)
        return nodes.Binary(operator.text, left, right, span, (operator.start, operator.end))

    # Juxtaposition

    def check_juxtaposition(self, left: nodes.Expression) -> None:
        """Two operands side by side multiply where that can't mislead: number·name, number·(, )·(, )·name."""
        last, token = self.tokens[self.at - 1], self.next
        if last.text == ")" and token.text[:1] == "_":
            entry = token.text.strip("_")
            hint = f"write {self.source(*left.span)}[{entry if entry.isdecimal() else 0}], counted from 0"
            self.fail_at(token, "an index stands in brackets", hint)
        if (last.kind == NUMBER or last.text == ")") and token.kind != NUMBER:
            return
        words = [t for t in (last, token) if t.kind == NAME and t.text in WORDS]
        if words:
            self.fail_at(words[0], f"'{words[0].text}' means nothing here", WORDS[words[0].text])
        if last.kind == NAME and is_foreign(last.text):
            self.fail_with_argument(last)
        if last.kind == SUPERSCRIPT and isinstance(left, nodes.Binary) and isinstance(left.left, nodes.Name):
            self.refuse_power_of_function(left.left, last.text)
        b = self.call_of_bare() or self.source(*self.next_operand(PRODUCT + 1))
        hint = "" if not self.can_be_read(b) else f"to multiply, write {self.source(*left.span)}*{b}"
        if last.kind == token.kind == NUMBER:
            if last.text.isdecimal() and token.text.isdecimal() and len(token.text) == 3:
                hint = f"write {last.text}{token.text} for one number"
            hint += "; between the entries of a list stands a comma"
        self.fail("two operands side by side, and no operator between them", last.start, token.end, hint)

    # Operands: each begins at the next token, which its row in _OPERANDS has recognised

    def number(self) -> nodes.Expression:
        token = self.take()
        if self.ahead("["):
            self.fail_at(self.next, "a number has no entries", f"to multiply, write {token.text}*[…]")
        return nodes.Number(token.text, float(token.text), (token.start, token.end))

    def negative(self) -> nodes.Expression:
        start = self.take().start
        operand = self.expression(MINUS)
        return nodes.Negative(operand, (start, operand.span[1]))

    def positive(self) -> nodes.Expression:
        self.take()
        return self.expression(MINUS)

    def group(self) -> nodes.Expression:
        opening = self.take()
        inner = self.expression(0)
        inner.span = (opening.start, self.close(")", opening))
        return inner

    def absolute(self) -> nodes.Expression:
        opening = self.take()
        inner = self.expression(0)
        end = self.close("|", opening)
        two = self.text[max(opening.start - 1, 0) : opening.end + 2].count("|") == 2
        if two and inner.span == (opening.end, end - 1) and self.text[end - 2] == "|":
            x = self.source(opening.end + 1, end - 2)
            meant = " or ".join(bars_here(x, self.text[end:]))
            hint = f"write {meant}" if meant else "what a norm of this order means is not known here"
            self.fail("‖…‖ is a norm, and |…| an absolute value", opening.start, end, hint)
        return nodes.Call("abs", (inner,), None, (opening.start, end), (opening.start, opening.end))

    def root(self) -> nodes.Expression:
        sign = self.take()
        grouped = self.ahead("(")
        operand = self.expression(POSTFIX)
        if not grouped and (self.operand_follows() or self.ahead("**") or self.next.kind == SUPERSCRIPT):
            a, start, sign_between = self.source(*operand.span), self.next.start, "*" if self.operand_follows() else ""
            if self.ahead("**"):
                self.take()
            end = self.take().end if self.next.kind == SUPERSCRIPT else self.next_operand(PRODUCT + 1)[1]
            rest = sign_between + self.source(start, end)
            hint = f"write (√{a}){rest} or √({a}{rest})"
            self.fail("what stands under the √ can be read in two ways", sign.start, end, hint)
        return nodes.Call("sqrt", (operand,), None, (sign.start, operand.span[1]), (sign.start, sign.end))

    def stack(self) -> nodes.Expression:
        opening = self.take()
        if self.ahead("]"):
            self.fail("this list is empty", opening.start, self.take().end)
        items = [self.expression(0)]
        while self.ahead(","):
            self.take()
            items.append(self.expression(0))
        return nodes.Stack(tuple(items), (opening.start, self.close("]", opening)))

    # Names and calls

    def name(self) -> nodes.Expression:
        token = self.take()
        if self.ahead("("):
            name = "sigmoid" if token.text == "σ" else token.text
            if name not in FUNCTIONS:
                self.fail_without_function(token)
            return self.call(name, token)
        if token.text in FUNCTIONS:
            self.fail_without_arguments(token)
        return nodes.Name(token.text, (token.start, token.end))

    def call(self, name: str, token: Token) -> nodes.Expression:
        opening = self.take()
        arguments: list[nodes.Expression] = []
        axis: int | None = None
        while not self.ahead(")") or arguments:
            if self.next.kind == NAME and self.tokens[self.at + 1].text == "=":
                axis = self.axis(name, opening)
                break
            arguments.append(self.expression(0))
            if not self.ahead(","):
                break
            self.take()
        span = (token.start, self.close(")", opening))
        function = FUNCTIONS[name]
        low, high = function.arity
        if not low <= len(arguments) <= high:
            wanted = f"{low}" if low == high else f"{low} or more" if high >= 99 else f"{low} to {high}"
            plural = "" if wanted == "1" else "s"
            message = f"{name} takes {wanted} argument{plural}, not {len(arguments)}"
            texts = [self.source(*argument.span) for argument in arguments]
            meant = " or ".join(readings_of_call(name, texts))
            self.fail(message, *span, f"write {meant}" if meant else f"its form is {function.signature}")
        if axis is not None and not function.takes_axis(len(arguments)):
            self.fail(f"{name} of {len(arguments)} arguments takes no axis", *span, f"write {function.signature}")
        return nodes.Call(name, tuple(arguments), axis, span, (token.start, token.end))

    def axis(self, name: str, opening: Token) -> int:
        word = self.take()
        if word.text != "axis":
            self.at = self.tokens.index(opening)
            meant = call_here(name, self.call_ahead()[1])
            hint = f"write {meant}" if meant else "the only named argument is axis="
            self.fail_at(word, f"{name} has no argument {word.text}=", hint)
        self.take()
        axis = self.integer("an integer such as axis=0")
        if self.ahead(","):
            self.fail_at(self.next, "axis= is the last argument")
        return axis

    # What stands behind an operand

    def raised(self, base: nodes.Expression) -> nodes.Expression:
        token = self.take()
        place = (token.start, token.end)
        digits = token.text.removeprefix("-")
        exponent: nodes.Expression = nodes.Number(digits, float(digits), place)
        if digits != token.text:
            exponent = nodes.Negative(exponent, place)
        if self.ahead("**"):
            a, n = self.source(*base.span), token.text
            start, end = self.take().end, self.next_operand(MINUS)[1]
            m = self.source(start, end)
            hint = f"write ({a}^{n})^{m} or {a}^({n}^{m})"
            self.fail("a power of a power can be read in two ways", base.span[0], end, hint)
        return nodes.Binary("**", base, exponent, (base.span[0], token.end), (token.start, token.start))

    def transposed(self, base: nodes.Expression) -> nodes.Expression:
        self.take()
        if self.next.kind == NAME and self.next.text != "T" and isinstance(base, nodes.Name):
            self.fail_with_module(base)
        if self.next.kind != NAME or self.next.text != "T":
            operator = self.next.text in ("+", "-", "*", "/", "**")
            entrywise = operator and self.text[self.next.start - 1] == "."
            sign = self.text[self.next.start : self.next.end]
            called = self.method_of(self.source(*base.span))
            self.unexpected("T", f"write {sign}: it works entry by entry" if entrywise else called or _ONLY_T)
        return nodes.Transpose(base, (base.span[0], self.take().end))

    def index(self, base: nodes.Expression) -> nodes.Expression:
        opening = self.take()
        first, second, third = [*self.tokens[self.at : self.at + 3], *self.tokens[-1:] * 2][:3]
        entry = first.kind == NUMBER and (second.text in ("]", ":") or (second.text == "," and third.kind == NUMBER))
        if isinstance(base, nodes.Name) and not entry:
            self.refuse_brackets_of_function(base, opening)
        indices = [self.index_item()]
        while self.ahead(","):
            if len(indices) == 2:
                self.fail_at(self.next, "there are at most two indices: A[0,1]")
            self.take()
            indices.append(self.index_item())
        return nodes.Index(base, tuple(indices), (base.span[0], self.close("]", opening)))

    def index_item(self) -> int | tuple[int | None, int | None]:
        expected = "an integer, counted from 0, or a range such as 1:3"
        start = None if self.ahead(":") else self.integer(expected)
        if not self.ahead(":"):
            return start if start is not None else 0
        self.take()
        stop = None if self.ahead("]", ",", ":") else self.integer(expected)
        if self.ahead(":"):
            self.fail_at(self.next, "a range has no step")
        return start, stop

    def integer(self, expected: str) -> int:
        negative = self.ahead("-")
        if negative:
            self.take()
        token = self.next
        if token.kind != NUMBER or not token.text.isdecimal() or len(token.text) > 9:
            self.unexpected(expected)
        self.take()
        return -int(token.text) if negative else int(token.text)


def _no_operand(parser: _Parser) -> NoReturn:
    hint = ""
    if parser.at == 0 and parser.ahead("="):
        hint = parser.right_side(parser.next.end)
    elif parser.at == 0 and parser.ahead("@"):
        hint = "write the function's formula alone"
    parser.unexpected("a number, a name or a (", hint)


_OPERANDS: dict[str, Callable[[_Parser], nodes.Expression]] = {
    NUMBER: _Parser.number,
    NAME: _Parser.name,
    "-": _Parser.negative,
    "+": _Parser.positive,
    "(": _Parser.group,
    "[": _Parser.stack,
    "|": _Parser.absolute,
    "√": _Parser.root,
}
