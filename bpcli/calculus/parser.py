"""From text to tree: a scanner and a Pratt parser for bpcli's expressions; every error has its place.

Grammar, from loose to tight: comparisons (one, not a chain); `+ -`; `* / @ × ·` and juxtaposition; a minus in front;
`** ^`, right-associative; what stands behind: `[…]`, `.T`, `²`, `³`.
"""

import re
from typing import NamedTuple

from bpcli.calculus.functions import ALIASES, FUNCTIONS
from bpcli.calculus.tree import Binary, Call, Compare, Expression, Index, Name, Negative, Number, Span, Stack, Transpose
from bpcli.errors import ExpressionError, nearest

MAX_LENGTH = 10_000  # characters of an expression
MAX_DEPTH = 100  # nested parentheses, brackets, powers, minus signs

_NAME = r"[^\W\d²³¹⁰⁴-⁹][^\W²³¹⁰⁴-⁹]*"
_TOKENS = re.compile(
    rf"(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    rf"|(?P<name>{_NAME})"
    r"|(?P<op>\*\*|<=|>=|==|!=|\.T\b|[-+*/@^()\[\],:|<>=²³√×·⋅−≤≥≠÷])"
    r"|(?P<space>\s+)"
)
_SAME = {"−": "-", "×": "*", "⋅": "·", "^": "**", "≤": "<=", "≥": ">=", "≠": "!=", "÷": "/"}
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")

COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
_COMPARE, _SUM, _PRODUCT, _MINUS, _POWER = 1, 2, 3, 4, 5
_BINARY = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "@": _PRODUCT, "·": _PRODUCT, "**": _POWER}
_BINARY |= dict.fromkeys(COMPARISONS, _COMPARE)


class Token(NamedTuple):
    """`kind` is `number`, `name`, `op` or `end`; `text` is in its plain form (`**` for `^`, `x1` for `x₁`)."""

    kind: str
    text: str
    start: int
    end: int


def plain_name(text: str) -> str:
    """A name in its plain form: `x_1` and `x₁` are `x1`, `π` is `pi`."""
    text = re.sub(r"_(?=\d+$)", "", text.translate(_SUBSCRIPTS))
    return "pi" if text == "π" else text


def tokenize(text: str) -> list[Token]:
    """The tokens of `text`, an `end` last. ExpressionError for a character that means nothing."""
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKENS.match(text, position)
        if match is None:
            raise _unknown_character(text, position)
        kind, found = match.lastgroup or "", match.group()
        if kind == "number":
            _check_number(text, match)
        if kind != "space":
            plain = plain_name(found) if kind == "name" else _SAME.get(found, found)
            tokens.append(Token(kind, plain, position, match.end()))
        position = match.end()
    tokens.append(Token("end", "", len(text), len(text)))
    return tokens


def _check_number(text: str, match: re.Match[str]) -> None:
    after = text[match.end() : match.end() + 40]
    start, end = match.span()
    if re.match(r"_\d", after):
        raise ExpressionError("digits are not grouped by _", text, start, end + 1, "write 1000 for 1_000")
    if match.group() == "0" and (digits := re.match(r"[xX][0-9a-fA-F]+\b|[bB][01]+\b", after)):
        written = "0" + digits.group()
        value = int(written, 0)
        raise ExpressionError(f"{written} is not a number here", text, start, end + digits.end(), f"write {value}")
    if re.match(r"\.\d", after):
        raise ExpressionError("a number has one decimal point", text, start, end + 2)


_MEANT = {
    "%": "there is no % operator",
    "!": "there is no ! operator; compare with !=",
    "&": "there is no & operator; multiply conditions: (a < b)*(b < c)",
    ";": "; separates the rows of a value, not parts of an expression",
    "{": "use parentheses ( )",
    "}": "use parentheses ( )",
    ".": "a lone dot; .T transposes, and a number is written 0.5 or .5",
    '"': "there is no text in an expression",
    "'": "there is no text in an expression; A.T transposes",
}


def _unknown_character(text: str, position: int) -> ExpressionError:
    character = text[position]
    return ExpressionError(_MEANT.get(character, f"{character!r} means nothing here"), text, position)


def parse(text: str) -> Expression:
    """The tree of an expression. ExpressionError, with the place, for anything that is not one."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"the expression has {len(text)} characters; at most {MAX_LENGTH} are read", text[:MAX_LENGTH], 0
        )
    parser = _Parser(text)
    tree = parser.expression(0)
    if parser.peek.kind != "end":
        raise parser.unexpected()
    return tree


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokenize(text)
        self.at = 0
        self.depth = 0
        self.bars = 0  # open |
        self.grouped: set[int] = set()  # ids of the nodes that stand in parentheses

    @property
    def peek(self) -> Token:
        return self.tokens[self.at]

    @property
    def last(self) -> Token:
        return self.tokens[self.at - 1]

    def take(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def error(self, message: str, span: Span | Token, hint: str = "") -> ExpressionError:
        start, end = (span.start, span.end) if isinstance(span, Token) else span
        return ExpressionError(message, self.text, start, end, hint)

    def source(self, node: Expression) -> str:
        return self.text[node.span[0] : node.span[1]]

    def expression(self, minimum: int) -> Expression:
        """An expression whose operators bind tighter than `minimum`."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"nested more than {MAX_DEPTH} deep", self.peek)
        left = self.prefix()
        while True:
            token = self.peek
            power = _BINARY.get(token.text, 0) if token.kind == "op" else 0
            if power:
                if power <= minimum and not (power == _POWER == minimum):
                    break
                self.take()
                left = self.binary(left, token, power)
            elif self.begins_operand(token):
                if minimum >= _PRODUCT:
                    break
                left = self.juxtaposed(left, token)
            else:
                break
        self.depth -= 1
        return left

    def binary(self, left: Expression, token: Token, power: int) -> Expression:
        # A power takes all that binds as tight to its right, and a minus: 2^3^2 is 2^(3^2), 2**-1 is ½.
        right = self.expression(power)
        span = (left.span[0], right.span[1])
        if power != _COMPARE:
            return Binary(token.text, left, right, span, (token.start, token.end))
        following = self.peek
        if following.kind == "op" and following.text in COMPARISONS:
            a, b = self.source(left), self.source(right)
            hint = f"write ({a} {token.text} {b})*({b} {following.text} …)"
            raise self.error("comparisons are not chained", following, hint)
        return Compare(token.text, left, right, span)

    def begins_operand(self, token: Token) -> bool:
        if token.kind in ("number", "name"):
            return True
        return token.kind == "op" and (token.text in ("(", "√") or (token.text == "|" and not self.bars))

    def juxtaposed(self, left: Expression, token: Token) -> Expression:
        """left token…, with nothing between: a product where that can't mislead, else an error that says what to write."""
        last = self.last
        number, closed = last.kind == "number", last.text == ")"
        fits = token.kind == "name" or token.text in ("(", "√")
        if not fits or not (number or closed):
            raise self.missing_operator(left, last, token)
        if isinstance(left, Binary) and left.op in ("/", "**") and id(left) not in self.grouped:
            raise self.two_readings(left, token)
        right = self.expression(_PRODUCT)
        return Binary("*", left, right, (left.span[0], right.span[1]), (token.start, token.start))

    def missing_operator(self, left: Expression, last: Token, token: Token) -> ExpressionError:
        if last.kind == "name" and token.text == "(":
            return self.not_a_function(last)
        a, b = self.text[last.start : last.end], self.text[token.start : token.end]
        if b in ("(", "|", "√"):
            b += "…"
        before = "…" if a in (")", "]", "|", ".T") else ""
        return self.error("an operator is missing here", token, f"for a product write {before}{a}*{b}")

    def not_a_function(self, name: Token) -> ExpressionError:
        """`a(1-a)` is a product without its sign, or a function that is not there."""
        shown = self.text[name.start : name.end]
        depth, inner = 0, "…"
        for token in self.tokens[self.at :]:
            depth += (token.text == "(") - (token.text == ")")
            if depth == 0:
                inner = self.text[self.peek.end : token.start]
                break
        product = f"for a product write {shown}*({inner})"
        meant = ALIASES.get(name.text) or nearest(name.text, FUNCTIONS)
        if meant and len(name.text) > 1:
            return self.error(f"there is no function {shown}", name, f"did you mean {meant}({inner})? {product}")
        return self.error(f"{shown} is not a function", name, product)

    def two_readings(self, left: Binary, token: Token) -> ExpressionError:
        a, b = self.source(left.left), self.source(left.right)
        sign = self.text[left.op_span[0] : left.op_span[1]]
        c = self.text[token.start : token.end] + ("…)" if token.text == "(" else "")
        tight, loose = f"{a}{sign}({b}*{c})", f"({a}{sign}{b})*{c}"
        span = (left.span[0], token.end)
        return self.error("this can be read in two ways", span, f"write {tight} or {loose}")

    def prefix(self) -> Expression:
        token = self.take()
        if token.kind == "number":
            return self.postfix(Number(token.text, float(token.text), (token.start, token.end)))
        if token.kind == "name":
            return self.postfix(self.named(token))
        if token.text == "-":
            # Looser than a power: -2^2 is −(2^2).
            operand = self.expression(_MINUS)
            return Negative(operand, (token.start, operand.span[1]))
        if token.text == "+":
            return self.expression(_MINUS)
        if token.text == "√":
            operand = self.postfix_operand()
            span = (token.start, operand.span[1])
            return Call("sqrt", (operand,), None, span, (token.start, token.end))
        if token.text == "(":
            return self.postfix(self.group(token))
        if token.text == "[":
            return self.postfix(self.stack(token))
        if token.text == "|":
            return self.postfix(self.absolute(token))
        self.at -= 1
        raise self.unexpected()

    def postfix_operand(self) -> Expression:
        """What a √ covers: a number, a name, a call or a group, with what stands behind it."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"nested more than {MAX_DEPTH} deep", self.peek)
        if self.peek.text in ("-", "+"):
            raise self.error("put what is under √ in parentheses", self.peek, "write √(…)")
        operand = self.prefix()
        self.depth -= 1
        return operand

    def named(self, token: Token) -> Expression:
        name = "sigmoid" if token.text == "σ" and self.peek.text == "(" else token.text
        if name not in FUNCTIONS:
            return Name(name, (token.start, token.end))
        if self.peek.text != "(":
            raise self.bare_function(name, token)
        return self.call(name, token)

    def bare_function(self, name: str, token: Token) -> ExpressionError:
        following = self.peek
        if following.text in ("**", "²", "³"):
            power = {"²": "2", "³": "3"}.get(following.text, "2")
            return self.error(f"{name} needs its argument first", token, f"write {name}(x)**{power}")
        argument = self.text[following.start : following.end] if following.kind in ("name", "number") else "…"
        return self.error(f"{name} is a function", token, f"write {name}({argument})")

    def call(self, name: str, token: Token) -> Expression:
        self.take()
        arguments: list[Expression] = []
        axis: int | None = None
        bars, self.bars = self.bars, 0
        while self.peek.text != ")":
            if self.peek.kind == "name" and self.tokens[self.at + 1].text == "=":
                axis = self.keyword(name, axis)
            else:
                arguments.append(self.expression(0))
            if self.peek.text != ",":
                break
            self.take()
        self.bars = bars
        end = self.close(")", token)
        span = (token.start, end)
        self.check_arity(name, len(arguments), span)
        if axis is not None and not FUNCTIONS[name].takes_axis(len(arguments)):
            raise self.error(f"{name} with {len(arguments)} arguments takes no axis", span)
        return Call(name, tuple(arguments), axis, span, (token.start, token.end))

    def keyword(self, name: str, axis: int | None) -> int:
        word = self.take()
        self.take()
        if word.text != "axis":
            raise self.error(f"{name} has no argument {word.text}=", word, "the only one is axis=")
        if axis is not None:
            raise self.error("axis is given twice", word)
        return self.integer("axis= takes an integer, such as axis=0")

    def integer(self, message: str) -> int:
        sign = 1
        if self.peek.text == "-":
            self.take()
            sign = -1
        token = self.peek
        if token.kind != "number" or not token.text.isdecimal() or len(token.text) > 9:
            raise self.error(message, token)
        self.take()
        return sign * int(token.text)

    def check_arity(self, name: str, given: int, span: Span) -> None:
        low, high = FUNCTIONS[name].arity
        if not low <= given <= high:
            wanted = f"{low}" if low == high else f"at least {low}" if high > 99 else f"{low} to {high}"
            plural = "" if wanted == "1" else "s"
            message = f"{name} takes {wanted} argument{plural}, not {given}"
            raise self.error(message, span, f"{FUNCTIONS[name].signature}")

    def close(self, bracket: str, opening: Token) -> int:
        token = self.peek
        if token.text == bracket:
            self.take()
            return token.end
        if token.kind == "end":
            shown = self.text[opening.start : opening.end]
            raise self.error(f"this {shown} is not closed: a {bracket} is missing", opening)
        raise self.unexpected()

    def group(self, opening: Token) -> Expression:
        bars, self.bars = self.bars, 0
        inner = self.expression(0)
        self.bars = bars
        if self.peek.text == ",":
            raise self.error("parentheses hold one expression", self.peek, "a vector is written [1, 2]")
        end = self.close(")", opening)
        inner.span = (opening.start, end)
        self.grouped.add(id(inner))
        return inner

    def stack(self, opening: Token) -> Expression:
        bars, self.bars = self.bars, 0
        items: list[Expression] = []
        while self.peek.text != "]":
            items.append(self.expression(0))
            if self.peek.text != ",":
                break
            self.take()
        self.bars = bars
        end = self.close("]", opening)
        if not items:
            raise self.error("an empty list", (opening.start, end))
        return Stack(tuple(items), (opening.start, end))

    def absolute(self, opening: Token) -> Expression:
        self.bars += 1
        inner = self.expression(0)
        self.bars -= 1
        end = self.close("|", opening)
        return Call("abs", (inner,), None, (opening.start, end), (opening.start, opening.end))

    def postfix(self, node: Expression) -> Expression:
        while self.peek.kind == "op":
            token = self.peek
            if token.text in ("²", "³"):
                self.take()
                exponent = {"²": "2", "³": "3"}[token.text]
                power = Number(exponent, float(exponent), (token.start, token.end))
                node = Binary("**", node, power, (node.span[0], token.end), (token.start, token.start))
            elif token.text == ".T":
                self.take()
                node = Transpose(node, (node.span[0], token.end))
            elif token.text == "[" and not isinstance(node, Number):
                node = self.index(node)
            else:
                break
        return node

    def index(self, base: Expression) -> Expression:
        opening = self.take()
        indices: list[int | tuple[int | None, int | None]] = [self.index_item()]
        while self.peek.text == ",":
            self.take()
            indices.append(self.index_item())
        return Index(base, tuple(indices), (base.span[0], self.close("]", opening)))

    def index_item(self) -> int | tuple[int | None, int | None]:
        message = "an index is an integer, counted from 0, or a range such as 1:3"
        start = None if self.peek.text == ":" else self.integer(message)
        if self.peek.text != ":":
            return start if start is not None else 0
        self.take()
        stop = None if self.peek.text in ("]", ",") else self.integer(message)
        return (start, stop)

    def unexpected(self) -> ExpressionError:
        token = self.peek
        if token.kind == "end":
            what = "the expression is empty" if not self.text.strip() else "something is missing at the end"
            return self.error(what, (max(0, len(self.text.rstrip()) - 0), len(self.text) + 1))
        if token.text == "=":
            return self.error("= gives no value in an expression", token, "compare with ==; values come with --at")
        if token.text in (")", "]"):
            return self.error(f"there is nothing that this {token.text} closes, or something is missing before it", token)
        if token.text == ",":
            return self.error("a comma stands between arguments and between the entries of [1, 2]", token)
        if token.text == ".T":
            return self.error(".T stands behind a name or a parenthesis", token)
        shown = self.text[token.start : token.end]
        return self.error(f"expected a number, a name or a parenthesis, found {shown}", token)
