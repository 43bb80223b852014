"""How a text table is written and what its cells mean: one record, as a config gives it and as training decides it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

AUTO = "auto"
WHITESPACE = "whitespace"

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", WHITESPACE: "blanks"}
"""The delimiters that are looked for, and their names."""


@dataclass(frozen=True)
class Dialect:
    """The keys of a config that say how a text table is read; what is `auto` is found in the file.

    `likely` is the delimiter of the training's files: it is taken where a file could be read by several.
    """

    delimiter: str = AUTO
    decimal: str = AUTO
    header: str = AUTO
    comment: str | None = None
    missing_words: str | tuple[str, ...] | Mapping[str, tuple[str, ...]] = AUTO
    numbers: tuple[str, ...] | Mapping[str, Mapping[str, str]] = ()
    likely: str = ""

    def for_others(self) -> "Dialect":
        """The dialect for further files, from that found in one file: the delimiter is looked for in each anew."""
        return replace(self, delimiter=AUTO, likely="" if self.delimiter == AUTO else self.delimiter)


USUAL = Dialect()
"""Everything is found in the file."""


def dialect_of(fields: Mapping[str, Any]) -> Dialect:
    """The dialect from its fields as JSON has them; TypeError if they are not those of a dialect."""
    words = fields.get("missing_words", AUTO)
    if isinstance(words, Mapping):
        words = {name: tuple(of_column) for name, of_column in words.items()}
    numbers = fields.get("numbers", ())
    return Dialect(
        **{
            **fields,
            "missing_words": words if isinstance(words, str | Mapping) else tuple(words),
            "numbers": numbers if isinstance(numbers, Mapping) else tuple(numbers),
        }
    )
