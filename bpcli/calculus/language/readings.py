"""Readings of a name that has no value: `xy`, `sinx`, `w^T`, `dy/dx`; `sni` for sin.

For its spelling alone a function is offered only if one slip leads to it and to no other: a letter too many, one too
few, or two swapped.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from bpcli.calculus.language.foreign_calls import call_here, without_index
from bpcli.calculus.language.hints import GREEK, INVERSES
from bpcli.calculus.language.render import to_text
from bpcli.calculus.language.tree import Binary, Expression, Name, names_in, postorder
from bpcli.calculus.rules.functions import CONSTANTS, FUNCTIONS
from bpcli.text.natural_order import natural_key

_FACTOR = re.compile(r"[^\W\d_]\d*")
_FACTORS = re.compile(r"(?:[^\W\d_]\d+)+[^\W\d_]\d*")  # w1x1, θ1x
_NUMBERS = {
    **dict.fromkeys(["PI", "Pi"], "pi"),
    **dict.fromkeys(["infinity", "Infinity", "infty", "oo", "Inf"], "inf"),
    "E": "e",
    "True": "1",
    "False": "0",
}


def reading_of(name: str, known: Iterable[str] = ()) -> str:
    """A reading of a name without a value: `sin(x)` for `sinx`, `x*y` for `xy`; empty if nothing fits.

    A product is offered of two letters that usually stand for numbers, or of names that are `known`.
    """
    if name in _NUMBERS:
        return f"for the number write {_NUMBERS[name]}"
    if (head := name.rstrip("0123456789")) in _OF_NUMBERS and name not in FUNCTIONS and name[len(head) :][:1] > "0":
        return f"for the {'root' if head == 'sqrt' else 'number'} write {call_here(head, [name[len(head) :]])}"
    if name[:1] in _OVER_ALL and not name[1:].isdecimal() and len(name) > 1:
        function, word = _OVER_ALL[name[0]]
        meant = without_index(name[1:])
        return f"for the {word} write {function}({meant})" if meant else ""
    if name in _GLUED:
        return f"for the function write {call_here(name, ['x'])}, with its argument in parentheses"
    functions = [name for name, row in FUNCTIONS.items() if row.kind == "elementwise"]
    for function in sorted([*functions, *_GLUED], key=len, reverse=True):
        rest = name.removeprefix(function)
        if rest != name and _is_argument(rest) and (meant := call_here(function, [rest])):
            name_alone = function.rstrip("0123456789")
            other = f" or {name_alone}({name[len(name_alone) :]})" if name_alone != function else ""
            return f"for the function write {meant}{other}"
    if _FACTORS.fullmatch(name):
        return f"for a product write {'*'.join(_FACTOR.findall(name))}"
    if 2 < len(name) == len(set(name)) and set(name) <= set("xyz"):
        return f"for a product write {'*'.join(name)}"
    if factors := _factors_of(name):
        return f"for a product write {'*'.join(factors)}"
    pair = len(name) == 2 and set(name) <= {*_LETTERS, "e"} and set(name) & set("xyz")
    if pair or (len(name) > 1 and set(name) <= set(known)):
        return f"for a product write {'*'.join(name)}"
    return ""


def reading_at(text: str, span: tuple[int, int], name: str, known: Iterable[str] = ()) -> str:
    """A reading of a name by what stands around its place in the text: `A^TA`, `Σx²`, `ln -x`; else of it alone."""
    before, behind = text[: span[0]], text[span[1] :]
    if name[0] == "T" and (base := _RAISED.search(before)):
        rest = name[1:]
        letters = len(rest) > 1 and rest not in known and set(rest) <= set(known)
        factors = list(rest) if letters else [rest] if rest else []
        return f"for the transpose write {'@'.join([f'{base[1]}.T', *factors])}"
    if name[:1] in _OVER_ALL and len(name) > 1 and (more := _MORE_FACTORS.match(behind)) and more[0]:
        function, word = _OVER_ALL[name[0]]
        meant = without_index(f"{name[1:]}{_plain(more[0])}")
        return f"for the {word} write {function}({meant})" if meant else ""
    if name in _GLUED and (argument := _NEGATIVE.match(behind)):
        return f"for the function write {call_here(name, [argument[1]])}"
    reading = reading_of(name, known)
    if reading.endswith(")") and " or " not in reading and (power := POWER_BEHIND.match(behind)) and power[0]:
        return f"{reading}{_plain(power[0])} or {reading.rpartition(' ')[2][:-1]}{_plain(power[0])})"  # sinx²
    return reading


def _plain(powers: str) -> str:
    return powers.replace(" ", "").replace("²", "^2").replace("³", "^3")


_OVER_ALL = {"Σ": ("sum", "sum"), "Π": ("prod", "product")}
_POWER = r"(?:\s*(?:\^|\*\*)\s*\w+|[²³])?"
POWER_BEHIND = re.compile(rf"{_POWER}(?!\s*[\w(])")
"""The power behind an operand; empty if there is none."""

_MORE_FACTORS = re.compile(rf"{_POWER}(?:\s*\*\s*[^\W\dΣΠ]\w*(?!\w|\s*\(){_POWER})*")
_NEGATIVE = re.compile(rf"\s*(-\s*[\w.]+{_POWER})(?!\s*[\w(])")
_RAISED = re.compile(r"([^\W\d]\w*|\([^()]*\)|\[[^\[\]]*\])\s*(?:\^|\*\*)\s*\Z")
_LETTERS = "abckmnpqrstuvwxyz"


def _factors_of(name: str) -> list[str]:
    """The factors that a name is glued of: Greek letters and constants, letters, functions of a letter; else none.

    `2πx`, `αβ`, `xsinx`, `sinxcosx`, `thetax`; no part of a word, and not Δx, which is a difference.
    """
    functions = sorted([*(n for n, row in FUNCTIONS.items() if row.arity == (1, 1)), *_GLUED], key=len, reverse=True)
    found, kinds, place = list[str](), set[str](), 0
    while place < len(name):
        rest = name[place:]
        function = next((f for f in functions if rest.startswith(f) and _LETTER.match(rest, len(f))), "")
        letter = _LETTER.match(rest, len(function))
        word = next((w for w in GREEK if rest.startswith(w) and place == 0 and len(rest) == len(w) + 1), "")
        if function and letter and _is_argument(letter[0]):
            found.append(call_here(function, [letter[0]]))
            kinds.add("function")
        elif word and rest[-1] in _LETTERS.replace("s", ""):
            found, kinds, letter = [word, rest[-1]], {"constant"}, None
            place = len(name)
        elif letter and "function" not in kinds and (letter[0][0] in _LETTERS or _is_greek(letter[0][0])):
            found.append(letter[0].replace("π", "pi"))
            kinds.add("constant" if _is_greek(letter[0][0]) else "letter")
        else:
            return []
        place += letter.end() if letter else 0
    return found if len(found) > 1 and kinds & {"function", "constant"} else []


_LETTER = re.compile(r"[^\W\d_]\d*")


def _is_greek(letter: str) -> bool:
    """Whether a letter is a Greek one that may be a factor."""
    return "α" <= letter <= "ω" and letter not in "δ"


_GLUED = ("ln", "lg", "tg", "ctg", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "arctg")
"""Functions of other languages whose argument may stand right behind them: `lnx`."""

_OF_NUMBERS = {*INVERSES, *_GLUED, "sqrt", "cbrt", "erf"} - {"sigmoid", "logit"}
"""Functions that a number may stand right behind: `ln2`. `logit1` and `relu1` are the names of quantities."""

_CHAINED = {"**": 1, "*": 2, "@": 2, "·": 2}
"""Of the operators in a term such as `3*dx^2`, how many operands hold its factors."""


def _is_argument(rest: str) -> bool:
    """Whether it reads as a function's argument: a letter that is no end of a word (`cost`), digits around it."""
    core = rest.strip("0123456789")
    return len(core) == 1 and rest[0] != "0" and (core in "xyzuvwabp" or not core.isascii())


def readings(trees: Sequence[Expression], names: Iterable[str]) -> list[str]:
    """The notes on the names of expressions, and on those that stand where a sign usually does."""
    listed = sorted(names, key=natural_key)
    found = []
    for name in listed:
        # E is a name like any other where nobody misses its value.
        if name in CONSTANTS or name == "E":
            continue
        if reading := _reading_in(trees, name, [n for n in listed if n != name]):
            found.append(f"{name} is one name, and names are never split: {reading}")
    nodes = (node for tree in trees for node in postorder(tree) if isinstance(node, Binary))
    return found + list(dict.fromkeys(note for node in nodes for note in _of_quotient_or_power(node, listed)))


def _reading_in(trees: Sequence[Expression], name: str, known: Sequence[str]) -> str:
    """The reading of a name where it first stands in the expressions."""
    for tree in trees:
        text = to_text(tree)
        if found := re.search(rf"(?<!\w){name}(?!\w)", text):
            return "" if name[0] == "T" else reading_at(text, found.span(), name, known)
    return reading_of(name, known)


def _of_quotient_or_power(node: Binary, names: Sequence[str]) -> Iterator[str]:
    left, right = node.left, node.right
    if node.op == "**" and isinstance(left, Name) and left.name == "E" and names_in(right):
        yield f"E is a name here: for the number write {to_text(Binary('**', Name('e'), right))}"
    if not isinstance(right, Name) or right.name not in names:
        return
    if node.op == "/" and right.name[0] == "d" and len(right.name) == 2 and (name := _differential(left)):
        what = "two names" if isinstance(left, Name) else f"names, {name} and {right.name}"
        yield f"{to_text(left)}/{right.name} is a quotient of {what}; grad differentiates"
    if node.op == "**" and right.name[0] == "T" and isinstance(left, Name):
        factor = f"@{right.name[1:]}" if right.name[1:] else ""
        yield f"{right.name} is a name here: for the transpose of {left.name} write {left.name}.T{factor}"


def _differential(term: Expression) -> str:
    """The factor of a term that may be a differential, `dx` of `3*dx^2`: a name that starts with d; empty if none."""
    factors = [term]
    while factors:
        factor = factors.pop()
        if isinstance(factor, Name) and factor.name[0] == "d":
            return factor.name
        if isinstance(factor, Binary):
            factors += reversed((factor.left, factor.right)[: _CHAINED.get(factor.op, 0)])
    return ""


# Spelling


def nearest_function(name: str) -> str:
    """The one function that a slip of the hand turns into `name`; empty if there is none, or several."""
    if len(name) < 3:
        return ""
    plain = name.lower()
    found = [function for function in FUNCTIONS if _one_slip(plain, function)]
    return found[0] if len(found) == 1 else ""


def _one_slip(typed: str, meant: str) -> bool:
    """Whether a letter was left out or typed twice, or two were swapped; in long names also one that is wrong.

    Another letter too many makes another function of it elsewhere: `erfi`, `sind`, `logm`.
    """
    if len(typed) == len(meant):
        wrong = [k for k, (a, b) in enumerate(zip(typed, meant, strict=True)) if a != b]
        if len(wrong) == 2 and wrong[1] == wrong[0] + 1:
            return typed[wrong[0]] + typed[wrong[1]] == meant[wrong[1]] + meant[wrong[0]]
        return len(meant) >= 6 and len(wrong) == 1
    longer, shorter = sorted((typed, meant), key=len, reverse=True)
    if len(longer) - len(shorter) > 1 or len(shorter) < 3:
        return False
    places = [k for k in range(len(longer)) if longer[:k] + longer[k + 1 :] == shorter]
    if not places or longer[places[0]].isdigit():
        return False
    return longer == meant or len(places) > 1 or longer[places[0]] == "_" or longer == shorter + "e"
