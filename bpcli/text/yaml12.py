"""YAML 1.2's core schema: from text to a tree of nodes with their places, and from values to text.

PyYAML's own values are those of YAML 1.1, in which 1e-3 is a word and no is a boolean; so its composer is given the
resolver of YAML 1.2. The size of the tree is bounded while it is composed, aliases included.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from bpcli.errors import caret_lines
from bpcli.text.notation import number
from bpcli.text.visible import HIDDEN

MAX_NODES, MAX_DEPTH = 10_000, 20
"""More values (aliases written out) or deeper nesting than this is a mistake or an attack."""


class Place(NamedTuple):
    """The place of a node: line and column count from 1; 0 if it does not come from a file."""

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


class YamlError(Exception):
    """Text that is not YAML, or too large: the place, what is wrong, and the line with a caret."""

    def __init__(self, place: Place, problem: str, caret: list[str]) -> None:
        super().__init__(problem)
        self.place = place
        self.problem = problem
        self.caret = caret


class UnknownTag(NamedTuple):
    """The value of a node with an unknown tag, such as `!!python/object:…`."""

    tag: str


@dataclass(frozen=True)
class Scalar:
    """A single value, and its text as it is written."""

    place: Place
    value: Any
    text: str


@dataclass(frozen=True)
class Items:
    """A list."""

    place: Place
    items: tuple["Node", ...]


@dataclass(frozen=True)
class Pairs:
    """A mapping as it is written: a key may occur twice."""

    place: Place
    pairs: tuple[tuple["Node", "Node"], ...]


Node = Scalar | Items | Pairs

_TAG = "tag:yaml.org,2002:"
_CORE = {
    "null": r"~|null|Null|NULL|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+",
    "float": r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
}
"""The plain scalars of each kind (YAML 1.2.2, 10.3.2); all others are text."""
_PATTERNS = {kind: re.compile(rf"(?:{pattern})\Z") for kind, pattern in _CORE.items()}
_UNPRINTABLE = "[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"


def plain_value(text: str) -> Any:
    """The value of a scalar without quotes: None, a bool, an int, a float, or the text itself."""
    kind = next((kind for kind, pattern in _PATTERNS.items() if pattern.match(text)), "str")
    return _construct(kind, text)


def _construct(kind: str, text: str) -> Any:
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        if text[:2] in ("0o", "0x"):
            return int(text, 0)
        return int(text) if len(text) < 400 else float(text)  # Python refuses integers of thousands of digits
    return float(re.sub(r"\.(?=inf|nan)", "", text.lower())) if kind == "float" else text


def compose(text: str, source: str) -> Node | None:
    """The tree of the only document in `text`, None if there is none; YamlError."""
    bad = re.search(_UNPRINTABLE, text)
    if bad:
        place = Place(source, text.count("\n", 0, bad.start()) + 1, bad.start() - text.rfind("\n", 0, bad.start()))
        raise YamlError(place, f"the character U+{ord(bad[0]):04X} can't stand in YAML", [])
    loader = _Loader(text, source)
    try:
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        raise loader.syntax_error(error) from error
    except (ValueError, OverflowError) as error:  # Python's own errors, for \Uffffffff or %YAML with a thousand digits
        raise loader.error(loader.get_mark(), "this is not YAML: a number beyond all bounds") from error
    return None if root is None else _tree(root, source)


class _Loader(Reader, Scanner, Parser, Composer, BaseResolver):
    """PyYAML's parser and composer, with the core schema for plain scalars and bounds on what is composed."""

    def __init__(self, text: str, source: str) -> None:
        Reader.__init__(self, text)
        for part in (Scanner, Parser, Composer, BaseResolver):
            part.__init__(self)
        self._text, self._source = text, source
        self._depth = self._values = 0
        self._sizes: dict[int, int] = {}  # the number of values of each complete node, aliases included

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """The next node; YamlError beyond the bounds, and for an alias of nothing or of a node around it."""
        parser: Any = self  # its methods have no types in the stubs
        event = parser.peek_event()
        before, mark = self._values, event.start_mark
        if isinstance(event, yaml.AliasEvent):
            self._count(self._aliased(event), mark)
            return super().compose_node(parent, index)
        is_scalar = isinstance(event, yaml.ScalarEvent)
        if is_scalar and event.tag == "!":
            event.tag = f"{_TAG}str"
        self.anchors.pop(event.anchor, None)  # of two anchors of one name the later counts
        self._depth += not is_scalar
        if self._depth > MAX_DEPTH:
            raise self.error(mark, f"nested too deeply for a config: more than {MAX_DEPTH} levels")
        self._count(1, mark)
        node = super().compose_node(parent, index)
        self._depth -= not is_scalar
        self._sizes[id(node)] = self._values - before
        return node

    def _count(self, values: int, mark: Any) -> None:
        self._values += values
        if self._values > MAX_NODES:
            raise self.error(mark, f"too many values for a config: more than {MAX_NODES}")

    def _aliased(self, event: yaml.AliasEvent) -> int:
        """How many values an alias stands for."""
        if event.anchor not in self.anchors:
            raise self.error(event.start_mark, f"*{event.anchor} refers to an anchor &{event.anchor} that is not there")
        size = self._sizes.get(id(self.anchors[event.anchor]))
        if size is None:
            raise self.error(event.start_mark, f"*{event.anchor} refers to what it stands in itself")
        return size

    def error(self, mark: Any, problem: str) -> YamlError:
        """A YamlError at a mark of PyYAML."""
        index = min(mark.index, len(self._text))
        return YamlError(_place(mark, self._source), problem, caret_lines(self._text, index, index + 1))

    def syntax_error(self, error: yaml.MarkedYAMLError) -> YamlError:
        """PyYAML's error in words for someone who wrote a config."""
        mark, opening = error.problem_mark or error.context_mark, error.context_mark
        problem = error.problem or ""
        if "another document" in problem:
            return self.error(mark, "a second document begins here, and a config is one")
        if mark and opening and not self._text[mark.index :].strip("\0 \n\r"):
            mark = opening  # the end of the text shows nothing
        before = self._text[: mark.index].rpartition("\n")[2] if mark else ""
        if "expected <block end>" in problem and before.strip(" -"):
            words = "nothing can stand behind this value; does the text need quotes?"
        else:
            where = f" in line {opening.line + 1}" if opening else ""
            words = next((words.format(where=where) for found, words in _IN_WORDS if found in problem), problem)
        return self.error(mark, f"this is not YAML: {words}")


for _kind, _pattern in _PATTERNS.items():
    _Loader.add_implicit_resolver(f"{_TAG}{_kind}", _pattern, None)


def _place(mark: Any, source: str) -> Place:
    return Place(source, mark.line + 1, mark.column + 1)


def _tree(node: yaml.Node, source: str) -> Node:
    """A node of PyYAML's with its values."""
    place, tag = _place(node.start_mark, source), node.tag.replace(_TAG, "!!")
    if isinstance(node, yaml.ScalarNode):
        text, kind = node.value, tag.removeprefix("!!")
        if kind in _PATTERNS and _PATTERNS[kind].match(text):
            return Scalar(place, _construct(kind, text), text)
        return Scalar(place, text, text) if kind == "str" else Scalar(place, UnknownTag(tag), f"{tag} {text}".rstrip())
    is_mapping = isinstance(node, yaml.MappingNode)
    if tag != ("!!map" if is_mapping else "!!seq"):
        return Scalar(place, UnknownTag(tag), f"{tag} …")
    if is_mapping:
        return Pairs(place, tuple((_tree(key, source), _tree(value, source)) for key, value in node.value))
    return Items(place, tuple(_tree(item, source) for item in node.value))


_IN_WORDS = (
    ("found character '\\t'", "a tab; YAML is indented with spaces"),
    ("cannot start any token", "text that begins with this character needs quotes"),
    ("could not find expected ':'", "a key without ': ' behind it"),
    (
        "mapping values are not allowed",
        "no ': ' can stand here: does the line above lack one, is this indented too far, or does its text need quotes?",
    ),
    ("sequence entries are not allowed", "a list can't begin here; begin it on a line of its own"),
    ("unexpected end of stream", "the quote that opens{where} is not closed"),
    (
        "unknown escape character",
        "in double quotes \\ begins an escape, and this is none; in single quotes \\ is itself",
    ),
    ("expected <block end>", "the indentation fits neither the block that begins{where} nor one around it"),
    ("expected ',' or ']'", "expected , or ] in the list that opens{where}"),
    ("expected ',' or '}'", "expected , or }} in the mapping that opens{where}"),
    ("expected the node content", "expected a value here"),
)
"""PyYAML's messages, and what they mean for someone who wrote a config."""

_WORD = re.compile(r"(?:[^\W\d]|\.{0,2}/)[\w./-]*(?: [\w./-]+)*\Z")
_YAML_1_1_BOOLEANS = frozenset({"yes", "no", "on", "off", "y", "n"})
_ESCAPED = f"{_UNPRINTABLE}|{HIDDEN}"


def yaml_text(value: Any) -> str:
    """A value as YAML on one line, with the same meaning in YAML 1.1 and 1.2."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int | float):
        return _yaml_number(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{yaml_text(k)}: {yaml_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(yaml_text, value)) + "]"
    text = str(value)
    plain = _WORD.match(text) and plain_value(text) == text and text.lower() not in _YAML_1_1_BOOLEANS
    if plain:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return quoted if quoted.isascii() and quoted.isprintable() else re.sub(_ESCAPED, _escape, quoted)


def _yaml_number(value: float) -> str:
    text = number(value)
    if text in ("nan", "inf", "-inf"):
        return text.replace("nan", ".nan").replace("inf", ".inf")
    mantissa, e, exponent = text.partition("e")
    if not e:
        return text
    # YAML 1.1 needs the point and the sign, 1.0e+300; YAML 1.2 allows them.
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{int(exponent):+d}"


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\U{code:08X}" if code > 0xFFFF else f"\\u{code:04X}"
