"""What to write in place of a name that an answer may not use: an error's hint, by the names that there are."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.readings import reading_of
from bpcli.calculus.language.tokens import normal_name
from bpcli.calculus.language.tree import names_in
from bpcli.calculus.points.variables import known_meaning
from bpcli.calculus.rules.functions import CONSTANTS
from bpcli.calculus.rules.shapes import entry_names
from bpcli.errors import BpcliError, ExpressionError, several
from bpcli.text.natural_order import natural_key

_PRODUCT = "to multiply, write "
_MOST_ENTRIES = 3  # of a vector that are shown
_RAISED = re.compile(r"([^\W\d]\w*)\s*(?:\^|\*\*)\s*[({]?\s*\Z")
_BY_INDEX = re.compile(r"[ijk]|\w*_[ijk]{1,2}|[δΔ]\w*|[dD]elta\w*|\w+[ᵢⱼₖ]+")


def with_names(error: BpcliError, names: Mapping[str, Any], entries: Sequence[str] = (), name: str = "") -> BpcliError:
    """The error of an answer, with the names that may stand in it if another one does, or would where it is mended.

    The `names` have values; `entries` are those of the function `name` of the lecture, by index, for an answer that has
    indices.
    """
    if not isinstance(error, ExpressionError):
        return error
    product = error.hint.removeprefix(_PRODUCT) if error.hint.startswith(_PRODUCT) else ""
    unknown = _unknown(product, names) if product else []
    found = error.text[error.start : error.end]
    by_index = bool(entries and _BY_INDEX.fullmatch(found))
    if not (error.message.endswith("has no value") or unknown or by_index):
        return error
    hints = [f"the names here are {', '.join(sorted(names, key=lambda one: (one == 'N', natural_key(one))))}"]
    if by_index:
        lines = ", ".join(f"{entry} = …" for entry in entries)
        hints.append(f"by index write lines as jacobian {name} prints them: {lines}")
    elif unknown:
        hints.insert(
            0, f"a product has a *, and {' and '.join(unknown)} {'is' if len(unknown) == 1 else 'are'} no name"
        )
    elif found == "T" and (base := _RAISED.search(error.text[: error.start])):
        hints.insert(0, f"the transpose of {base[1]} is {base[1]}.T")
    else:
        name_found = normal_name(found)
        hints.append(_of_entry(name_found, names) or _reading(name_found, names) or known_meaning(name_found, [*names]))
    return ExpressionError(error.message, error.text, error.start, error.end, "; ".join(filter(None, hints)))


def _reading(name: str, names: Collection[str]) -> str:
    """The reading of a name, `log(2)` of `ln2`, if all names in it are known; else empty."""
    reading = reading_of(name, [*names])
    offered = reading.partition(", with ")[0].rpartition(" write ")[2].split(" or ")
    return reading if reading and not any(_unknown(text, names) for text in offered) else ""


def _of_entry(found: str, names: Mapping[str, Any]) -> str:
    """What is meant by p1, where p is a vector: bpcli counts its entries from 0; empty if it is no such name."""
    name = found.rstrip("0123456789").rstrip("_")
    shape = np.shape(names.get(name, 0.0))
    if name == found or math.prod(shape) < 2:
        return ""
    return f"the entries of {name} are {several(entry_names(name, shape), _MOST_ENTRIES)}, counted from 0"


def _unknown(text: str, names: Collection[str]) -> list[str]:
    """The names in a text that are none of these; the text, if it can't be read."""
    try:
        return [name for name in names_in(parse(text)) if name not in names and name not in CONSTANTS]
    except ExpressionError:
        return [text]
