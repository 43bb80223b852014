"""Whole texts of other notations as they are written here: raised letters, roots, primes, shares, decimal commas."""

import re
import unicodedata

from bpcli.calculus.rules.functions import FUNCTIONS

_NUMBER = r"\d+(?:\.\d+)?"
_OPERAND = r"(?:\([^()]*\)|[^\W\d_]\w*(?:\([^()]*\))?|\d+(?:\.\d+)?)"
_FACTOR = r"(?:[A-Z][a-z](?![\w(])|[^\W\d_]\d*(?![\w(])|[^\W\d_]\w+(?![\w(])|\([^()]*\))"  # Ax, x, x1, theta, (x-m)
_PRIME = r"(?:['’′ᵀ]|\^\s*[⊤']|\^\s*\{\s*(?:T|⊤|\\top)\s*\}|\.T(?=\s+[^\W\d_]))"
_TRANSPOSED = re.compile(rf"(?<![\w.])({_FACTOR}|[^\W\d_]\w*?)\s*{_PRIME}((?:\s*[*@·]?\s*{_FACTOR})+)")
_ONE_FACTOR = re.compile(_FACTOR)
_CONDITION = r"[^\[\](){}]*(?:<|>|=|≤|≥|≠)[^\[\](){}]*"
_RULES = [
    (rf"√\s*\[\s*3\s*\]\s*(?:\{{([^{{}}]*)\}}|({_OPERAND}))", r"cbrt(\1\2)"),
    (rf"√\s*\[\s*(\w+)\s*\]\s*(?:\{{([^{{}}]*)\}}|({_OPERAND}))", r"(\2\3)**(1/\1)"),
    (rf"(?<![\w.])({_NUMBER})\s*(?:°|deg(?:rees)?\b)", r"(\1*pi/180)"),
    (rf"(?<![\w.])({_NUMBER})\s*%(?!\s*[\w(])", r"(\1/100)"),
    (r"(?<![\w.])(\d{1,3})['’](\d{3})(?!\d)", r"\1\2"),
    (
        rf"(?<![\w.])(?:1_?|𝟙_?|I)(?:\[({_CONDITION})\]|\{{({_CONDITION})\}}|(?<![1_])\(({_CONDITION})\))",
        r"(\1\2\3)",
    ),
    (r"<\s*(\w+)\s*,\s*(\w+)\s*>", r"dot(\1, \2)"),
]

_THOUSANDS = re.compile(r"[1-9]\d{0,2},\d{3}")
_DOTS_IN_THOUSANDS = re.compile(r"(?<![\w.,])([1-9]\d{0,2}(\.)\d{3}(?:\.\d{3})+)(?:,(\d+))?(?![\d.,])")
_COMMAS_IN_THOUSANDS = re.compile(r"(?<![\w.,])([1-9]\d{0,2}(,)\d{3}(?:,\d{3})*)\.(\d+)(?![\d.,])")


def rewritten(text: str) -> str:
    """A text in which these notations are replaced; empty if it has none. Whether it can be read is not known."""
    found = _without_roots(text)
    for pattern, plain in _RULES:
        found = re.sub(pattern, plain, found)
    found = _without_raised(_TRANSPOSED.sub(_with_transpose, found))
    return found if found != text else ""


def advice_on(text: str, plain: str) -> str:
    """To write `plain` in the place of a text; a prime was read as a transpose."""
    product = re.fullmatch(r"([^\W\d_A-Z]\w*)\.T@(\w+)", plain)
    other = f" or dot({product[1]}, {product[2]})" if product else ""
    primed = ".T@" in plain and set(text) & set("'’′")
    return f"{'grad differentiates; for the transpose ' if primed else ''}write {plain}{other}"


def decimal_comma(text: str) -> str:
    """The advice on `1,5*x`: what the numbers about a comma may mean; empty if there are none."""
    for pattern in (_DOTS_IN_THOUSANDS, _COMMAS_IN_THOUSANDS):
        if grouped := pattern.search(text):
            number = grouped[1].replace(grouped[2], "") + (f".{grouped[3]}" if grouped[3] else "")
            return f"a number has no sign between its thousands: write {number}"
    found = re.search(r"(?<![\w.,])(\d+(?:\.\d+)?),(\d+)(?![\d.,])", text)
    if not found:
        return ""
    vector = f"a vector [{found[1]}, {found[2]}]"
    if "." in found[1]:
        whole = found[1].replace(".", "")
        one = len(found[1].partition(".")[2]) == 3 and found[1][0] != "0"
        return f"a decimal is written {whole}.{found[2]}, {vector}" if one else ""
    thousands = _THOUSANDS.fullmatch(f"{found[1]},{found[2]}")
    number = f", a number without its thousands' comma {found[1]}{found[2]}" if thousands else ""
    return f"a decimal is written {found[1]}.{found[2]}{number}, {vector}"


def _is_raised(character: str) -> bool:
    return character != "ᵀ" and unicodedata.decomposition(character).startswith("<super>")


def _plain(raised: str) -> str:
    """Raised characters as an exponent: of ⁻ˣ² it is -x^2."""
    found = "".join("-" if c == "⁻" else "+" if c == "⁺" else unicodedata.normalize("NFKC", c) for c in raised)
    return re.sub(r"(?<=[^\W\d_])(?=\d)", "^", found)


def _without_roots(text: str) -> str:
    """`⁵√x`, `ⁿ√(x+1)`: a raised number or letter before a root is its order."""
    for root in re.finditer("√", text):
        order = ""
        while root.start() > len(order) and _is_raised(text[root.start() - len(order) - 1]):
            order = text[root.start() - len(order) - 1] + order
        operand = re.compile(rf"\s*({_OPERAND})").match(text, root.end())
        if order and operand:
            inside = operand[1][1:-1] if operand[1][0] == "(" else operand[1]
            plain = f"cbrt({inside})" if order == "³" else f"({inside})**(1/{_plain(order)})"
            return _without_roots(text[: root.start() - len(order)] + plain + text[operand.end() :])
    return text


def _without_raised(text: str) -> str:
    """`e⁻ˣ`, `xⁿ`: raised letters are an exponent; raised digits alone can be read."""
    found, place = "", 0
    while place < len(text):
        end = place
        while end < len(text) and _is_raised(text[end]):
            end += 1
        raised = text[place:end]
        if place and any(unicodedata.category(c) == "Lm" or c == "ⁿ" for c in raised):
            found += f"^{_plain(raised)}" if len(raised) == 1 else f"^({_plain(raised)})"
        else:
            found += raised or text[place]
        place = max(end, place + 1)
    return found


def _with_transpose(match: re.Match[str]) -> str:
    """`w'x`, `x'*A*x`: the factors behind a transpose are those of matrix products."""
    first, rest = match[1], match[2]
    if first in FUNCTIONS or (first in "fgh" and rest.lstrip().startswith("(")):
        return match[0]  # a derivative
    factors = [f for factor in _ONE_FACTOR.findall(rest) for f in (factor if _is_pair(factor) else [factor])]
    return "@".join([f"{first}.T", *factors])


def _is_pair(factor: str) -> bool:
    """Whether it is a matrix and a vector side by side, Ax."""
    return len(factor) == 2 and factor[0].isupper() and factor[1].islower()
