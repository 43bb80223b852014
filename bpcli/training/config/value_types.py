"""The kinds of values that keys of a config take: how each is read from YAML, what messages expect, its JSON Schema."""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bpcli.datasets.cells import EXACT
from bpcli.errors import meant, nearest
from bpcli.text.notation import number
from bpcli.text.yaml12 import Items, Node, Pairs, Scalar, UnknownTag, plain_value, yaml_text

MOST_SHOWN = 60
"""The most characters of a value that a message shows."""


class RefusedError(Exception):
    """A value is not of the expected kind: the node at fault, the text for what was expected, and advice."""

    def __init__(self, node: Node, expected: str, advice: str = "") -> None:
        super().__init__(expected)
        self.node = node
        self.expected = expected
        self.advice = advice

    def __str__(self) -> str:
        has_tag = isinstance(self.node, Scalar) and isinstance(self.node.value, UnknownTag)
        advice = "a tag means nothing here" if has_tag else self.advice
        return f"expected {self.expected}, found {shown(self.node)}" + (f"; {advice}" if advice else "")


@dataclass(frozen=True)
class Kind:
    """A kind of value: `read` returns the value of a node or raises RefusedError; `choices` are the words it takes."""

    expected: str
    read: Callable[[Node], Any]
    schema: Mapping[str, Any]
    choices: tuple[str, ...] = ()


class TableKind(Kind):
    """A kind whose words are the names of a table's rows; the table is read at each use, as rows may be added."""

    def __init__(self, make: Callable[[], Kind]) -> None:
        object.__setattr__(self, "make", make)

    def __getattribute__(self, name: str) -> Any:
        """The attribute of the kind that `make` returns for the table as it is now."""
        return getattr(object.__getattribute__(self, "make")(), name)


def shown(node: Node) -> str:
    """A node as messages show it: text in quotes if it could be mistaken for another type."""
    text = _shown(node)
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"


def _shown(node: Node) -> str:
    if isinstance(node, Scalar):
        if node.value is None:
            return node.text or "nothing"
        return yaml_text(node.value) if isinstance(node.value, str) else node.text
    if isinstance(node, Items):
        return "[" + ", ".join(shown(item) for item in node.items[:MOST_SHOWN]) + "]"
    return "{" + ", ".join(f"{shown(key)}: {shown(value)}" for key, value in node.pairs[:MOST_SHOWN]) + "}"


def _scalar(
    expected: str, read: Callable[[Scalar], Any], schema: Mapping[str, Any], choices: tuple[str, ...] = ()
) -> Kind:
    """The kind of a single value; `read` raises ValueError for others, with advice as its text."""

    def read_node(node: Node) -> Any:
        if not isinstance(node, Scalar):
            raise RefusedError(node, expected)
        try:
            return read(node)
        except ValueError as error:
            raise RefusedError(node, expected, str(error)) from error

    return Kind(expected, read_node, schema, choices)


def one_of(*choices: str) -> Kind:
    """One of the words `choices`."""

    def read(node: Scalar) -> str:
        if node.value in choices and isinstance(node.value, str):
            return node.value
        raise ValueError(meant(node.text, choices))

    expected = choices[0] if len(choices) == 1 else "one of " + ", ".join(choices)
    return _scalar(expected, read, {"enum": list(choices)}, choices)


def a_number(above: float | None = None, below: float | None = None, at_least: float | None = None) -> Kind:
    """A finite number, within the given bounds."""
    bounds = [
        (bound, words, key)
        for bound, words, key in (
            (above, "greater than", "exclusiveMinimum"),
            (at_least, "of at least", "minimum"),
            (below, "less than", "exclusiveMaximum"),
        )
        if bound is not None
    ]

    def read(node: Scalar) -> float:
        x = _number(node)
        fits = (above is None or x > above) and (below is None or x < below) and (at_least is None or x >= at_least)
        if not fits or not math.isfinite(x):
            raise ValueError
        return float(x)

    words = " and ".join(f"{words} {number(bound)}" for bound, words, _ in bounds)
    return _scalar(
        f"a finite number {words}".strip(), read, {"type": "number", **{key: bound for bound, _, key in bounds}}
    )


def a_whole_number(at_least: int) -> Kind:
    """An integer of at least `at_least`; 1e3 is accepted."""

    def read(node: Scalar) -> int:
        x = _number(node)
        if not math.isfinite(x) or x != int(x) or x < at_least:
            raise ValueError
        return int(x)

    return _scalar(f"a whole number of at least {at_least}", read, {"type": "integer", "minimum": at_least})


def _number(node: Scalar) -> int | float:
    """The number of a node; ValueError, with advice for a text that was meant as a number."""
    if not is_number(node.value):
        raise ValueError(_meant_as_number(node))
    value: int | float = node.value
    return value


def _meant_as_number(node: Scalar) -> str:
    """Advice for a text that would be a number if written differently; else ""."""
    text = node.value.strip() if isinstance(node.value, str) else ""
    if is_number(plain_value(text)):
        return "without the quotes it is a number"
    if text.endswith("%") and is_number(part := plain_value(text[:-1].rstrip())):
        return f"as a fraction: {number(part / 100)}"
    grouped = plain_value(text.replace(",", ".").replace("_", ""))
    return "a number has a point before its decimals, and no grouping" if is_number(grouped) else ""


def is_number(value: Any) -> bool:
    """Whether a value is an int or a float, but not a bool."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _read_flag(node: Scalar) -> bool:
    if not isinstance(node.value, bool):
        words = {"yes": "true", "on": "true", "no": "false", "off": "false"}
        meant = words.get(node.text.lower()) or nearest(node.text, ("true", "false"))
        raise ValueError(f"did you mean {meant}? In YAML 1.2 {node.text} is a word" if meant else "")
    return node.value


def _read_null(node: Scalar) -> None:
    if node.value is not None:
        raise ValueError


def _text(node: Scalar) -> str:
    """The text of a node; a number is taken as written, so that 1.0 and 010 stay as they are."""
    if is_number(node.value):
        return node.text
    if not isinstance(node.value, str) or not node.value:
        raise ValueError(f'the word is "{node.text}", in quotes' if node.text else "")
    return node.value


def _read_character(node: Scalar) -> str:
    if not isinstance(node.value, str) or len(node.value) != 1 or node.value in '"\r\n\0':
        raise ValueError('a tab is written as "\\t"' if node.text == "\\t" else "")
    return node.value


def _read_mark(node: Scalar) -> str:
    mark = _read_character(node)
    if mark in "0123456789+-.":
        raise ValueError(f"a row of numbers may begin with {mark} too")
    return mark


def _read_word(node: Scalar) -> str:
    """A cell as it is written: null and true are words like any other."""
    return node.value if isinstance(node.value, str) else node.text


def _read_unit(node: Scalar) -> str:
    return node.value if node.value == "" else _text(node)


def _read_path(node: Scalar) -> str:
    text = _text(node)
    if "\0" in text:
        raise ValueError("no path holds a zero byte")
    return os.path.expanduser(text)


def _read_file(node: Scalar) -> str:
    """A path for a key that also takes numbers: a text that was meant as a number is refused."""
    advice = _meant_as_number(node)
    if advice or is_number(node.value):
        raise ValueError(advice)
    return _read_path(node)


def _read_class(node: Scalar) -> str | int | float:
    if is_number(node.value) and math.isfinite(node.value):
        value: int | float = node.value
        return value if abs(value) > EXACT else float(value)
    return _class_name(node)


def _class_name(node: Scalar) -> str:
    return node.text.lower() if isinstance(node.value, bool) else _text(node)


def list_of(kind: Kind, what: str, alone: bool = False) -> Kind:
    """A list of different values of one kind, as a tuple.

    `alone`: for keys that take a single value as well; an empty list is then refused, and a single value gets no
    advice to write it as a list.
    """

    def read(node: Node) -> tuple[Any, ...]:
        if isinstance(node, Scalar) and node.value is not None and not alone:
            raise RefusedError(node, f"a list of {what}", f"as a list: [{shown(node)}]")
        if not isinstance(node, Items):
            raise RefusedError(node, f"a list of {what}")
        if alone and not node.items:
            raise RefusedError(node, f"a list of {what}", "the list has none")
        values: list[Any] = []
        for item in node.items:
            value = kind.read(item)
            if value in values:
                raise RefusedError(item, "each once", f"{shown(item)} stands twice")
            values.append(value)
        return tuple(values)

    schema = {"type": "array", "items": kind.schema, "uniqueItems": True, **({"minItems": 1} if alone else {})}
    return Kind(f"a list of {what}", read, schema)


def mapping_to(kind: Kind, what: str, of_names: Kind | None = None) -> Kind:
    """A mapping from names, by default of columns, to values of one kind."""

    def read(node: Node) -> dict[str, Any]:
        if not isinstance(node, Pairs):
            raise RefusedError(node, what)
        values: dict[str, Any] = {}
        for key, value in node.pairs:
            name = (of_names or NAME).read(key)
            if name in values:
                raise RefusedError(key, "each name once", f"{name} stands twice")
            values[name] = _read_as(name, kind, value)
        return values

    return Kind(what, read, {"type": "object", "additionalProperties": kind.schema})


def _read_as(name: str, kind: Kind, node: Node) -> Any:
    """The value of an entry of a mapping; errors name the entry."""
    try:
        return kind.read(node)
    except RefusedError as error:
        raise RefusedError(error.node, f"for {name} {error.expected}", error.advice) from error


def settings(kinds: Mapping[str, Kind], what: str) -> Kind:
    """A mapping of settings, each of its own kind; any may be left out."""
    expected = f"a mapping of {what}"

    def read(node: Node) -> dict[str, Any]:
        if not isinstance(node, Pairs):
            raise RefusedError(node, expected)
        values: dict[str, Any] = {}
        for key, value in node.pairs:
            name = NAME.read(key)
            if name not in kinds or name in values:
                advice = f"{name} stands twice" if name in values else meant(name, kinds)
                raise RefusedError(key, f"one of {', '.join(kinds)}", advice)
            values[name] = _read_as(name, kinds[name], value)
        return values

    properties = {name: kind.schema for name, kind in kinds.items()}
    return Kind(expected, read, {"type": "object", "properties": properties, "additionalProperties": False})


def named(rows: Mapping[str, Mapping[str, Kind]], what: str, more: Mapping[str, Kind] | None = None) -> Kind:
    """One of the names of `rows`, or a mapping of `name` and the settings of that row, and `more` settings of all rows.

    A name is returned as a string, a mapping as a dict whose first key is `name`.
    """
    word = one_of(*rows)
    expected = f"{word.expected}, or a mapping of its name and settings"

    def read(node: Node) -> Any:
        if isinstance(node, Scalar):
            try:
                return word.read(node)
            except RefusedError as error:
                raise RefusedError(node, expected, error.advice) from error
        if not isinstance(node, Pairs):
            raise RefusedError(node, expected)
        found = [value for key, value in node.pairs if isinstance(key, Scalar) and key.text == "name"]
        if not found:
            raise RefusedError(
                node, f"a name among the settings of the {what}", f"such as {{name: {next(iter(rows))}}}"
            )
        name = word.read(found[0])
        kinds = {**rows[name], **(more or {})}
        values: dict[str, Any] = {"name": name}
        for key, value in node.pairs:
            text = NAME.read(key)
            if text == "name":
                continue
            if text in values:
                raise RefusedError(key, "each setting once", f"{text} stands twice")
            if text not in kinds:
                its = ", ".join(kinds) or "none"
                raise RefusedError(key, f"a setting of {name}: {its}", meant(text, kinds))
            values[text] = _read_as(text, kinds[text], value)
        return values

    options = [
        {
            "type": "object",
            "properties": {
                "name": {"const": name},
                **{k: kind.schema for k, kind in {**kinds, **(more or {})}.items()},
            },
            "required": ["name"],
            "additionalProperties": False,
        }
        for name, kinds in rows.items()
    ]
    return Kind(expected, read, {"anyOf": [word.schema, *options]}, word.choices)


def either(*kinds: Kind) -> Kind:
    """Any of several kinds, tried in order."""
    expected = ", or ".join(kind.expected for kind in kinds)

    def read(node: Node) -> Any:
        advice = []
        for kind in kinds:
            try:
                return kind.read(node)
            except RefusedError as error:
                if error.node is not node:  # a list or a mapping as expected, with something wrong inside
                    raise
                advice.append(error.advice)
        raise RefusedError(node, expected, next(filter(None, advice), ""))

    return Kind(expected, read, {"anyOf": [kind.schema for kind in kinds]}, sum((kind.choices for kind in kinds), ()))


def number_or_null(above: float) -> Kind:
    """A number that some configs do not need: null is accepted, but messages do not suggest it."""
    kind = a_number(above=above)

    def read(node: Node) -> Any:
        return None if isinstance(node, Scalar) and node.value is None and node.text else kind.read(node)

    return Kind(kind.expected, read, optional(kind).schema)


def optional(kind: Kind) -> Kind:
    """A kind, or null."""
    return either(kind, NULL)


_NAMES_TYPES = {"type": ["string", "number"]}

NULL = _scalar("null", _read_null, {"type": "null"})
FLAG = _scalar("true or false", _read_flag, {"type": "boolean"})
NAME = _scalar("a column's name", _text, _NAMES_TYPES)
NAMES = list_of(NAME, "columns")
UNIT = _scalar('a currency or a unit, "" for none', _read_unit, {"type": "string"})
CHARACTER = _scalar("one character", _read_character, {"type": "string", "minLength": 1, "maxLength": 1})
MARK = _scalar("one character that begins no number", _read_mark, CHARACTER.schema)
WORDS = list_of(_scalar("a word", _read_word, {"type": ["string", "number", "boolean", "null"]}), "words")
_CLASS_TYPES = {"type": ["string", "number", "boolean"]}
CLASS = _scalar("a class, text or a number", _read_class, _CLASS_TYPES)
CLASS_NAME = _scalar("a class", _class_name, _CLASS_TYPES)
FILE = _scalar("a file", _read_file, {"type": "string"})
PATH = _scalar("a path", _read_path, _NAMES_TYPES)
