"""Readings of a name that has no value: `xy`, `sinx`, `w^T`, `dy/dx`; `sni` for sin.

For its spelling alone a function is offered only if one slip leads to it and to no other: a letter too many, one too
few, or two swapped.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from bpcli.calculus.language.hints import call_here
from bpcli.calculus.language.tree import Binary, Expression, Name, postorder
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
    if name[:4] == "sqrt" and name[4:].isdecimal():
        return f"for the root write sqrt({name[4:]})"
    if name[:1] == "Σ" and not name[1:].isdecimal() and len(name) > 1:
        return f"for the sum write sum({name[1:]})"
    functions = [name for name, row in FUNCTIONS.items() if row.kind == "elementwise"]
    for function in sorted([*functions, *_GLUED], key=len, reverse=True):
        rest = name.removeprefix(function)
        if rest != name and _is_argument(rest) and (meant := call_here(function, [rest])):
            return f"for the function write {meant}"
    if _FACTORS.fullmatch(name):
        return f"for a product write {'*'.join(_FACTOR.findall(name))}"
    if 2 < len(name) == len(set(name)) and set(name) <= set("xyz"):
        return f"for a product write {'*'.join(name)}"
    pair = len(name) == 2 and set(name) <= set("abckmnpqrstuvwxyz") and set(name) & set("xyz")
    if pair or (len(name) > 1 and set(name) <= set(known)):
        return f"for a product write {'*'.join(name)}"
    return ""


_GLUED = ("ln", "lg", "tg", "ctg", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "arctg")
"""Functions of other languages whose argument may stand right behind them: `lnx`."""


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
        if name not in CONSTANTS and name != "E" and (reading := reading_of(name, [n for n in listed if n != name])):
            found.append(f"{name} is one name, and names are never split: {reading}")
    nodes = (node for tree in trees for node in postorder(tree) if isinstance(node, Binary))
    return found + list(dict.fromkeys(note for node in nodes for note in _of_quotient_or_power(node, listed)))


def _of_quotient_or_power(node: Binary, names: Sequence[str]) -> Iterator[str]:
    left, right = node.left, node.right
    if not isinstance(left, Name) or not isinstance(right, Name) or right.name not in names:
        return
    if node.op == "/" and left.name[0] == right.name[0] == "d" and len(right.name) == 2:
        yield f"{left.name}/{right.name} is a quotient of two names; grad differentiates"
    if node.op == "**" and right.name[0] == "T":
        factor = f"@{right.name[1:]}" if right.name[1:] else ""
        yield f"{right.name} is a name here: for the transpose of {left.name} write {left.name}.T{factor}"


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
