"""Calls of functions as other books, languages and tools write them, and what they are here."""

from collections.abc import Sequence
from functools import cache

from bpcli.calculus.language.foreign_table import CALLS, KEYWORDS, LIBRARIES, NO_CALLS
from bpcli.calculus.rules.functions import CONSTANTS, FUNCTIONS


@cache
def _rows() -> dict[str, list[tuple[list[str], str]]]:
    rows: dict[str, list[tuple[list[str], str]]] = {}
    for line in CALLS.strip().splitlines():
        call, meant = line.split(": ")
        names, arguments = call.removesuffix(")").split("(", 1)
        parameters = arguments.split(", ")
        for name in names.split():
            if name not in FUNCTIONS or not _fits(name, len(parameters)):  # a row may have been added under the name
                rows.setdefault(name, []).append((parameters, meant))
    return rows


def is_foreign(name: str) -> bool:
    """Whether other languages have a function of this name, and bpcli has not."""
    known = _key(name) in _rows() or _key(name) in NO_CALLS or bool(_base_of_log(name))
    return name not in FUNCTIONS and name not in CONSTANTS and known


def _key(name: str) -> str:
    """A name as the tables have it; Σ, whose small letter is σ, stays, with or without an index, and so does E."""
    if name[:2] in ("Σ", "Σ_"):
        return "Σ"
    function, sign, index = name.partition("_")  # sum_i; sum_squares is no sum
    if sign and set(index) <= set("ijkmn") and function.lower() in _OVER_INDEX:
        return _OVER_INDEX[function.lower()]
    return name.lower() if name.isascii() and name != "E" else name


_OVER_INDEX = {"sum": "Σ", "prod": "Π", "max": "amax", "min": "amin", "mean": "average"}
"""What goes over an index, `sum_i`, and the name by which the tables have it."""


def is_sum(name: str) -> bool:
    """Whether a name is a sum over all entries, with or without an index: Σ, Σ_i, sum_i."""
    return _key(name) == "Σ"


def without_index(text: str, sign: str = "") -> str:
    """What is summed over an index, `x_i*y_i`, as it is of whole vectors, `x*y`; empty if it is no sum over one index.

    The index may stand at the sign, `sum_i`. Of two, or of one that is a factor, as in `i*x_i`, nothing is known.
    """
    import re

    text = text.translate(_LOWERED)
    index = sign.partition("_")[2]
    indices = set(re.findall(r"(?<=\w)_([ijkmn]+)(?!\w)", text))
    letters = indices | ({index} if index else set())
    if len(letters) > 1 or any(len(letter) > 1 or re.search(rf"(?<!\w){letter}(?!\w)", text) for letter in letters):
        return ""
    return re.sub(r"(?<=\w)_[ijkmn](?!\w)", "", text)


_LOWERED = {ord(letter): f"_{plain}" for letter, plain in zip("ᵢⱼₖₘₙ", "ijkmn", strict=True)}


def call_here(name: str, arguments: Sequence[str], base: str = "") -> str:
    """How a call of another language is written here, from the texts of its arguments; empty if that is not known.

    `base` is the library before its name, as in `np.exp`. Each argument has its part in what is written.
    """
    found = readings_of_call(name, arguments, base)
    return found[0] if found else ""


def readings_of_call(name: str, arguments: Sequence[str], base: str = "") -> list[str]:
    """The ways to write a call of another language here, the likeliest first."""
    library, key = LIBRARIES.get(base, base), _key(name)
    if "_" in name and key in _OVER_INDEX.values():
        arguments = [without_index(text, name) for text in arguments]
    plain = [text for text in arguments if not _named(text)]
    named = dict(part for text in arguments if (part := _named(text)))
    if key in ("clip", "clamp") and len(plain) == len(named) == 1:
        (bound, value), names = *named.items(), KEYWORDS[key]
        side = next((side for side, known in zip(("max", "min"), names, strict=True) if bound in known.split()), "")
        return [f"{side}({plain[0]}, {value})"] if side else []
    axis = named.pop("axis", named.pop("dim", ""))
    placed = _placed(key, plain, named)
    if not placed or "" in placed:
        return []
    meant, of_one = _positional(name, placed, library), _positional(name, placed[:1], library)
    if axis:
        along = _along(meant, axis) if len(placed) == 1 or key == "norm" else ""
        return [along] if along else []
    if meant and not (key in ("max", "min") and name.islower() and library not in ("", "math", "Math")):
        by_order = key == "log" and not library and len(placed) == 2 and placed[0] in ("2", "10", "e")
        return [meant, f"log({placed[0]})/log({placed[1]})"] if by_order else [meant]
    along = _along(of_one, placed[1]) if len(placed) == 2 else ""
    function = of_one.partition("(")[0]
    listed = function in _OF_LISTS and of_one == f"{function}({placed[0]})" and not library
    every = f"{function}([{', '.join(placed)}])" if listed and not meant else ""
    return [text for text in (along, "" if along else meant, every) if text]


_OF_LISTS = ("sum", "mean", "prod", "max", "min", "logsumexp")
"""Functions whose several arguments elsewhere are the entries of one vector here."""


def _positional(name: str, arguments: Sequence[str], library: str) -> str:
    """The meaning of a call whose arguments have no names; empty if it is not known."""
    key = _key(name)
    if key in ("piecewise", "ifs") or (key in ("select", "cond") and arguments[:1] and arguments[0][:1] == "["):
        return _piecewise(arguments)
    for wanted in filter(None, [library and f"{library}:{key}", library and f"any:{key}"]):
        if meant := _row_of(wanted, arguments):
            return meant
    if f"{library}:{key}" in NO_CALLS:
        return ""
    folded = {function.lower(): function for function in FUNCTIONS}.get(name.lower(), name)
    if folded in FUNCTIONS and _fits(folded, len(arguments)):
        return f"{folded}({', '.join(arguments)})"
    number = _base_of_log(name) if len(arguments) == 1 else ""
    return _row_of(key, arguments) or (_filled("log(x)/log(y)", {"x": arguments[0], "y": number}) if number else "")


def _row_of(key: str, arguments: Sequence[str]) -> str:
    plain = [_literal(text) for text in arguments]
    for parameters, meant in _rows().get(key, []):
        if len(parameters) == len(arguments) and all(
            p in "xyz" or p == a for p, a in zip(parameters, plain, strict=True)
        ):
            return _filled(meant, dict(zip(parameters, arguments, strict=True)))
    return ""


def _literal(text: str) -> str:
    """A number as the table has it: `1` for 1.0, `inf` for np.inf and oo."""
    sign = text[: text.startswith("-")]
    name = text.removeprefix("-").rpartition(".")[2].lower()
    if name in ("inf", "infinity", "infty", "oo"):
        return f"{sign}inf"
    return text.rstrip("0").rstrip(".") if text.rstrip("0").endswith(".") else text


def _named(argument: str) -> tuple[str, str] | None:
    """The name and the value of an argument that is given by name, axis=0; else None."""
    name, sign, value = argument.partition("=")
    given = bool(sign) and name.strip().isidentifier() and not value.startswith("=")
    return (name.strip(), value.strip()) if given else None


def _placed(key: str, plain: list[str], named: dict[str, str]) -> list[str] | None:
    """The arguments in their order; None if one has a name or a place that means nothing here."""
    places = KEYWORDS.get(key, ())
    found = [*plain, *[""] * (1 + len(places) - len(plain))] if plain else []
    for name, value in named.items():
        place = next((k for k, names in enumerate(places, 1) if name in names.split()), 0)
        if not found or not place or found[place]:
            return None
        found[place] = value
    while len(found) > len(plain) and not found[-1]:
        found.pop()
    return found


def _along(meant: str, axis: str) -> str:
    """A call of one array along an axis, `sum(x, axis=0)`; empty where there is none such."""
    row = FUNCTIONS.get(meant.partition("(")[0])
    whole = row is not None and row.takes_axis(1) and _closing(meant) == len(meant) - 1
    return f"{meant[:-1]}, axis={axis})" if whole and axis in ("0", "1", "-1", "-2") else ""


def _closing(call: str) -> int:
    """Where the first parenthesis of a text closes."""
    depth = 0
    for place, character in enumerate(call):
        depth += (character == "(") - (character == ")")
        if character == ")" and depth == 0:
            return place
    return -1


def _piecewise(arguments: Sequence[str]) -> str:
    """SymPy's pairs (value, condition), or conditions and values by turns and what else there is, as where(…)."""
    pairs = [text[1:-1].rpartition(",")[::2] for text in arguments if text[:1] == "(" and text[-1:] == ")"]
    if len(pairs) == len(arguments) and all(value for value, _ in pairs):
        if pairs[-1][1].strip() not in ("True", "true", "otherwise"):
            return ""
        cases, rest = [(condition.strip(), value.strip()) for value, condition in pairs[:-1]], pairs[-1][0].strip()
    elif len(arguments) % 2 and len(arguments) > 1 and not any(text[:1] == "[" for text in arguments):
        cases, rest = list(zip(arguments[:-1:2], arguments[1::2], strict=True)), arguments[-1]
    else:
        return ""
    for condition, value in reversed(cases):
        rest = f"where({condition}, {value}, {rest})"
    return rest


def advice_on_call(name: str, arguments: Sequence[str], base: str = "") -> str:
    """The advice on a function that does not exist here; empty if its name is not known from elsewhere."""
    if name == "LOG" and len(arguments) == 1:
        return "did you mean log(x), the natural logarithm, or log10(x)?"
    if found := readings_of_call(name, arguments, base):
        return f"did you mean {' or '.join(found)}?"
    library = f"{LIBRARIES.get(base, base)}:{_key(name)}"
    instead = NO_CALLS.get(library) or NO_CALLS.get(name) or NO_CALLS.get(_key(name))
    along = len(arguments) > 1 and _key(name) in ("var", "variance", "std", "sd", "stdev")  # an axis, or N-1
    if instead and not along:
        return instead
    rows = _rows().get(_key(name), [])
    if rows and not any(arguments):
        parameters, meant = rows[0]
        return f"{name}({', '.join(parameters)}) is {meant}"
    known = rows or instead or name in FUNCTIONS or _base_of_log(name) or _key(name) in ("piecewise", "ifs")
    if not known:
        return ""
    unknown = [f"{part[0]}=" for text in arguments if (part := _named(text)) and part[0] not in ("axis", "dim")]
    which = " and ".join(unknown) or f"a call with {len(arguments)} argument{'s' if len(arguments) > 1 else ''}"
    return f"what {which} means for {name} is not known here"


def _base_of_log(name: str) -> str:
    """`3` of log3 and log_3, `b` of log_b; empty for other names."""
    base = name[3:].removeprefix("_")
    alone = base.isdecimal() or (name[3:4] == "_" and len(base) == 1)
    return base if name[:3].lower() == "log" and alone else ""


def _fits(name: str, count: int) -> bool:
    low, high = FUNCTIONS[name].arity
    return low <= count <= high


def _filled(meant: str, arguments: dict[str, str]) -> str:
    """The text with arguments in the place of x, y, z; in parentheses next to an operator."""
    result: list[str] = []
    for place, character in enumerate(meant):
        before, after = meant[:place][-1:], meant[place + 1 : place + 2]
        if character not in arguments or before.isalnum() or after.isalnum():
            result.append(character)
            continue
        argument = arguments[character]
        alone = before in ("", "(", ",", " ", "[") and after in ("", ")", ",", "]")
        simple = argument.replace("_", "").replace(".", "").isalnum() or argument.startswith(("[", "("))
        result.append(argument if alone or simple else f"({argument})")
    return "".join(result)
