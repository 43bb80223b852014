"""Text to tokens: numbers, names and operators, each with its place; mathematical signs become their plain form.

A scanner by hand rather than a regular expression: compiling one takes longer than all the rest of a small calculation.
"""

from typing import NoReturn

from bpcli.calculus.language.hints import CHARACTERS, ONE_POINT, PAIRS, norm_here
from bpcli.errors import ExpressionError

MAX_LENGTH = 10_000
"""The longest expression, in characters; all work on a tree is bounded by it."""

NUMBER, NAME, OPERATOR, SUPERSCRIPT, END = "number", "name", "operator", "superscript", "end"

DIGITS = frozenset("0123456789")
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True))
_NAMES = {"π": "pi"}
_NO_LETTERS = DIGITS | {"_"}

_PLAIN = {"^": "**", "×": "*", "∗": "*", "−": "-", "⋅": "·", "÷": "/", "≤": "<=", "≥": ">=", "≠": "!="}
"""Characters that are another way to write an operator."""
_OPERATORS = {"+", "-", "*", "/", "**", "@", "·", "√", "(", ")", "[", "]", "|", ",", ":", ".", "="}
COMPARISONS = {"<", "<=", ">", ">=", "==", "!="}
_OPERATORS |= COMPARISONS

COMPARISON, SUM, PRODUCT, MINUS, POWER, POSTFIX = 1, 2, 3, 4, 5, 6
BINDS = {"+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "@": PRODUCT, "·": PRODUCT, "**": POWER}
BINDS |= dict.fromkeys(COMPARISONS, COMPARISON)
"""How tightly operators bind."""


class Token:
    """A piece of the text: its kind, its plain form, and its place."""

    __slots__ = ("end", "kind", "start", "text")

    def __init__(self, kind: str, text: str, start: int, end: int) -> None:
        self.kind, self.text, self.start, self.end = kind, text, start, end


def tokenize(text: str) -> list[Token]:
    """The tokens of `text`, and one of kind `END` behind them; ExpressionError for a character that means nothing."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"the expression has {len(text)} characters, and at most {MAX_LENGTH} are read", text, MAX_LENGTH
        )
    tokens: list[Token] = []
    place, length = 0, len(text)
    while place < length:
        character = text[place]
        start = place
        if character.isspace():
            place += 1
            continue
        if character in DIGITS or (character == "." and text[place + 1 : place + 2] in DIGITS):
            place = _number_end(text, start)
            tokens.append(Token(NUMBER, text[start:place], start, place))
        elif character in _SUPERSCRIPTS:
            while place < length and text[place] in _SUPERSCRIPTS:
                place += 1
            plain = "".join([_SUPERSCRIPTS[c] for c in text[start:place]])
            if not plain.removeprefix("-").isdecimal():
                raise ExpressionError(f"'{text[start:place]}' is no exponent", text, start, place)
            tokens.append(Token(SUPERSCRIPT, plain, start, place))
        elif character.isalpha() or character == "_":
            place = name_end(text, start)
            tokens.append(Token(NAME, normal_name(text[start:place]) or _no_name(text, start, place), start, place))
        else:
            place = _operator_end(text, start)
            written = text[start:place]
            tokens.append(Token(OPERATOR, _PLAIN.get(written, written), start, place))
    end = tokens[-1].end if tokens else 0  # not behind a newline, so that a caret stays in sight
    tokens.append(Token(END, "", end, end))
    return tokens


def _number_end(text: str, start: int) -> int:
    """Where the number at `start` ends: `1`, `.5`, `1.`, `1e-3`; in `2e` and `2ex`, behind the 2."""
    end = _digits_end(text, start)
    if text[end : end + 1] == ".":
        end = _digits_end(text, end + 1)
        if text[end : end + 1] == "." and text[end + 1 : end + 2] in DIGITS:
            raise ExpressionError(ONE_POINT, text, start, _digits_end(text, end + 1))
    if text[end : end + 1] in ("e", "E"):
        digits = end + 2 if text[end + 1 : end + 2] in ("+", "-") else end + 1
        end = _digits_end(text, digits) if text[digits : digits + 1] in DIGITS else end
    follows = text[end : end + 1]
    if follows == "_" and text[end + 1 : end + 2] in DIGITS:
        stop = name_end(text, end)
        plain = text[start:stop].replace("_", "")
        raise ExpressionError("a number has no underscores", text, start, stop, f"write {plain}")
    bases = {"x": 16, "X": 16, "b": 2, "B": 2, "o": 8, "O": 8}
    if text[start:end] == "0" and follows in bases and text[end + 1 : end + 2] in DIGITS:
        stop = name_end(text, end)
        hint = f"0*{text[end:stop]} multiplies"
        try:
            hint = f"write {int(text[start:stop], bases[follows])}; {hint}"
        except ValueError:  # not a number in that base either: only the product is left
            hint = f"write {hint}"
        raise ExpressionError(f"'{text[start:stop]}' is no number: only decimal ones are read", text, start, stop, hint)
    return end


def _digits_end(text: str, place: int) -> int:
    while text[place : place + 1] in DIGITS:
        place += 1
    return place


def _operator_end(text: str, start: int) -> int:
    three, two, one = (text[start : start + length] for length in (3, 2, 1))
    if two in _OPERATORS and len(two) == 2:
        return start + 2
    if three in CHARACTERS or two in CHARACTERS or (one not in _OPERATORS and one not in _PLAIN):
        found = next((sign for sign in (three, two) if sign in CHARACTERS), one)
        hint = _pair_hint(text, start) or _hint(found)
        before = text[:start].rstrip("0123456789")
        whole = text[len(before) : start]
        if whole and hint.startswith("write (") and not before[-1:].isalnum():  # 3½ is no product
            hint = f"write ({whole}+{hint[7:]}"
        raise ExpressionError(f"{_described(found)} means nothing here", text, start, start + len(found), hint)
    return start + 1


def _described(characters: str) -> str:
    """The characters in quotes; a single one beyond ASCII or unprintable with its number and its Unicode name."""
    if characters.isascii() and characters.isprintable():
        return f"'{characters}'" if characters != "'" else '"\'"'
    import unicodedata

    shown = f"'{characters}' " if characters.isprintable() else ""
    return f"{shown}U+{ord(characters):04X} {unicodedata.name(characters, '(unnamed)')}"


def _pair_hint(text: str, start: int) -> str:
    """The function that a pair such as ‖x‖ means, of what stands between."""
    closing, function = PAIRS.get(text[start], ("", ""))
    end = text.find(closing, start + 1) if closing else -1
    inside = text[start + 1 : end].strip() if end > start else ""
    if function == "norm":
        meant = norm_here(inside or "x", text[end + 1 :])
        return f"write {meant}" if meant else "what a norm of this order means is not known here"
    return f"write {function}({inside or 'x'})" if closing else ""


def _hint(characters: str) -> str:
    if characters in CHARACTERS:
        return CHARACTERS[characters]
    import unicodedata

    plain = unicodedata.normalize("NFKC", characters).replace("⁄", "/")
    if plain.isdecimal():
        plain = str(int(plain))
    if plain in CHARACTERS:
        return CHARACTERS[plain]
    raised = unicodedata.decomposition(characters).startswith(("<super>", "<sub>"))
    known = plain in _OPERATORS or plain in _PLAIN or plain.isdecimal()
    return f"write ({plain})" if "/" in plain and len(plain) > 1 else f"write {plain}" if known and not raised else ""


def name_end(text: str, start: int) -> int:
    """Where the name that begins at `start` ends: letters, digits, underscores, and marks such as the hat of x̂."""
    end = start
    while end < len(text):
        character = text[end]
        if not (character.isalnum() or character == "_" or _is_mark(character)):
            break
        if character in _SUPERSCRIPTS:  # alphanumeric to Python
            break
        end += 1
    return end


def _is_mark(character: str) -> bool:
    if character.isascii():
        return False
    import unicodedata

    return unicodedata.combining(character) != 0


def normal_name(written: str) -> str:
    """The one form of a name: `x_1` and `x₁` are `x1`, `xᵢ` is `x_i`, `π` is `pi`; empty if `written` is no name."""
    name = written
    if not written.isascii():
        import unicodedata

        if any(unicodedata.decomposition(character).startswith("<super>") for character in written):
            return ""
        name = unicodedata.normalize("NFKC", _with_underscores(written))
        name = _NAMES.get(name, name)
    head = name.rstrip("0123456789")
    if len(head) < len(name) and head.endswith("_") and head[:-1] and head[-2] not in _NO_LETTERS:
        name = head[:-1] + name[len(head) :]
    begins = name[:1].isalpha() or name[:1] == "_"
    return name if begins and name_end(name, 0) == len(name) else ""


def _with_underscores(name: str) -> str:
    """A name with `_` before subscripts that are letters: `pᵢ` is not pi."""
    import unicodedata

    below = [unicodedata.decomposition(c).startswith("<sub>") and not c.isdigit() for c in name]
    begins = [at > 0 and below[at] and not below[at - 1] and name[at - 1] != "_" for at in range(len(name))]
    return "".join("_" * mark + c for mark, c in zip(begins, name, strict=True))


def closing_bracket(text: str, opening: int) -> int:
    """The place of the bracket that closes the one at `opening`; −1 if none does."""
    depth = 0
    for place in range(opening, len(text)):
        depth += (text[place] in "([") - (text[place] in ")]")
        if depth == 0:
            return place
    return -1


def _no_name(text: str, start: int, end: int) -> NoReturn:
    hint = "write x^n for a power, 1/2 for a half"
    written = text[start:end]
    left, transpose, right = written.partition("ᵀ")
    if transpose:
        hint = (
            f"write {left}.T@{right} or dot({left}, {right})"
            if left and right
            else f"x.T is the transpose: write {left or 'x'}.T"
        )
    raise ExpressionError(f"'{written}' is no name: names have letters, digits and underscores", text, start, end, hint)
