"""The dialect of a text table, from a config or detected: delimiter, header, decimal mark, missing words."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

AUTO = "auto"
WHITESPACE = "whitespace"

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", WHITESPACE: "blanks"}
"""The delimiters that are detected, and their names in messages."""


@dataclass(frozen=True)
class Dialect:
    """The keys of a config that say how a text table is read; `auto` is detected in the file.

    `numbers` are the columns of formatted numbers, with the decimal mark and unit of each once they are known.
    `likely` is the delimiter of the training files: it decides where several delimiters would fit.
    """

    delimiter: str = AUTO
    decimal: str = AUTO
    header: str = AUTO
    comment: str | None = None
    missing_words: str | tuple[str, ...] | Mapping[str, tuple[str, ...]] = AUTO
    numbers: tuple[str, ...] | Mapping[str, Mapping[str, str]] = ()
    likely: str = ""

    def for_others(self) -> "Dialect":
        """The dialect for further files, from the one detected in a file; each file's delimiter is detected anew."""
        return replace(self, delimiter=AUTO, likely="" if self.delimiter == AUTO else self.delimiter)


USUAL = Dialect()
"""The dialect of which everything is detected in the file."""


def dialect_of(fields: Mapping[str, Any]) -> Dialect:
    """The dialect from its fields in JSON; TypeError for fields that a dialect does not have."""
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
