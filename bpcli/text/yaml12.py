"""YAML 1.2's core schema: text becomes a tree of nodes that know their places, and values become text.

PyYAML's own values are those of YAML 1.1, in which 1e-3 is a word and no is a boolean; so only the events of its safe
loader are used. The tree is bounded while it grows: a file that is no config is refused at once, whatever its aliases.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from bpcli.errors import caret_lines
from bpcli.text.notation import number

MAX_NODES, MAX_DEPTH = 10_000, 20
"""More values (aliases written out) or deeper nesting than this is a mistake or an attack."""


class Place(NamedTuple):
    """Where a node stands; line and column count from 1, and are 0 for what does not come from a file."""

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


class YamlError(Exception):
    """Text that is not YAML, or more of it than allowed: the place, what is wrong, and the line with a caret."""

    def __init__(self, place: Place, problem: str, caret: list[str]) -> None:
        super().__init__(problem)
        self.place = place
        self.problem = problem
        self.caret = caret


class UnknownTag(NamedTuple):
    """The value of what has a tag that means nothing here, such as `!!python/object:…`."""

    tag: str


@dataclass(frozen=True)
class Scalar:
    """A single value, and its text as it stands."""

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
    """A mapping, as it stands: a key may occur twice."""

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
"""How the plain scalars of each kind look (YAML 1.2.2, 10.3.2); all others are text."""
_PATTERNS = {kind: re.compile(rf"(?:{pattern})\Z") for kind, pattern in _CORE.items()}
_UNPRINTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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
    bad = _UNPRINTABLE.search(text)
    if bad:
        place = Place(source, text.count("\n", 0, bad.start()) + 1, bad.start() - text.rfind("\n", 0, bad.start()))
        raise YamlError(place, f"the character U+{ord(bad[0]):04X} can't stand in YAML", [])
    loader: Any = yaml.SafeLoader(text)
    composer = _Composer(source, text)
    try:
        while loader.check_event():
            composer.take(loader.get_event())
    except yaml.MarkedYAMLError as error:
        raise composer.syntax_error(error) from error
    except (ValueError, OverflowError) as error:  # Python's own, for \Uffffffff or %YAML of a thousand digits
        raise composer.error(loader.get_mark(), "this is not YAML: a number beyond all bounds") from error
    return composer.root


class _Composer:
    """Turns events into nodes; an open collection waits on the stack, so that nothing here is recursive."""

    def __init__(self, source: str, text: str) -> None:
        self.root: Node | None = None
        self._source = source
        self._text = text
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int] | None] = {}  # None while the collection itself is still open
        self._documents = 0

    def error(self, mark: Any, problem: str) -> YamlError:
        """A YamlError at a mark of PyYAML."""
        index = min(mark.index, len(self._text))
        return YamlError(self._place(mark), problem, caret_lines(self._text, index, index + 1))

    def syntax_error(self, error: yaml.MarkedYAMLError) -> YamlError:
        """PyYAML's error in words for someone who wrote a config."""
        mark, opening = error.problem_mark or error.context_mark, error.context_mark
        problem = error.problem or ""
        if mark and opening and not self._text[mark.index :].strip("\0 \n\r"):
            mark = opening  # at the end of the text there is nothing to see
        before = self._text[: mark.index].rpartition("\n")[2] if mark else ""
        if "expected <block end>" in problem and before.strip(" -"):
            words = "nothing can stand behind this value; does the text need quotes?"
        else:
            where = f" in line {opening.line + 1}" if opening else ""
            words = next((words.format(where=where) for found, words in _IN_WORDS if found in problem), problem)
        return self.error(mark, f"this is not YAML: {words}")

    def take(self, event: Any) -> None:
        """The next event."""
        mark = event.start_mark
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self.error(mark, "a second document begins here, and a config is one")
        elif isinstance(event, yaml.CollectionStartEvent):
            is_mapping = isinstance(event, yaml.MappingStartEvent)
            known = (None, "!", _TAG + ("map" if is_mapping else "seq"))
            tag = None if event.tag in known else UnknownTag(_short(event.tag))
            self._open.append(_Open(mark, is_mapping, event.anchor, tag))
            if event.anchor:
                self._anchors[event.anchor] = None
            if len(self._open) > MAX_DEPTH:
                raise self.error(mark, f"nested too deeply for a config: more than {MAX_DEPTH} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            done = self._open.pop()
            self._add(done.node(self._place(done.mark)), done.size, done.anchor, done.mark)
        elif isinstance(event, yaml.AliasEvent):
            self._add(*self._aliased(event), None, mark)
        elif isinstance(event, yaml.ScalarEvent):
            self._add(self._scalar(event), 1, event.anchor, mark)

    def _place(self, mark: Any) -> Place:
        return Place(self._source, mark.line + 1, mark.column + 1)

    def _add(self, node: Node, size: int, anchor: str | None, mark: Any) -> None:
        """Put a node that is whole where it belongs; `size` counts its values, those behind aliases each time."""
        if anchor:
            self._anchors[anchor] = node, size
        if not self._open:
            self.root = node
            return
        around = self._open[-1]
        around.children.append(node)
        around.size += size
        if around.size > MAX_NODES:
            raise self.error(mark, f"too many values for a config: more than {MAX_NODES}")

    def _aliased(self, event: Any) -> tuple[Node, int]:
        if event.anchor not in self._anchors:
            raise self.error(event.start_mark, f"*{event.anchor} refers to an anchor &{event.anchor} that is not there")
        found = self._anchors[event.anchor]
        if found is None:
            raise self.error(event.start_mark, f"*{event.anchor} refers to what it stands in itself")
        return found

    def _scalar(self, event: Any) -> Scalar:
        value: Any = event.value
        text = event.value
        if event.tag is None:
            value = plain_value(text) if event.implicit[0] else text
        elif event.tag != "!":
            kind = event.tag.removeprefix(_TAG)
            if kind in _PATTERNS and _PATTERNS[kind].match(text):
                value = _construct(kind, text)
            elif kind != "str":
                value = UnknownTag(_short(event.tag))
                text = f"{value.tag} {text}".rstrip()
        return Scalar(self._place(event.start_mark), value, text)


def _short(tag: str) -> str:
    return tag.replace(_TAG, "!!")


@dataclass
class _Open:
    """A collection whose end has not come yet."""

    mark: Any
    is_mapping: bool
    anchor: str | None
    tag: UnknownTag | None
    children: list[Node] = field(default_factory=list)
    size: int = 1

    def node(self, place: Place) -> Node:
        if self.tag:
            return Scalar(place, self.tag, f"{self.tag.tag} …")
        if self.is_mapping:
            return Pairs(place, tuple(zip(self.children[::2], self.children[1::2], strict=True)))
        return Items(place, tuple(self.children))


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
"""What PyYAML says, and the same for someone who wrote a config."""

_WORD = re.compile(r"(?:[^\W\d]|\.{0,2}/)[\w./-]*(?: [\w./-]+)*\Z")
_YAML_1_1_BOOLEANS = frozenset({"yes", "no", "on", "off", "y", "n"})
_ESCAPED = re.compile(f"{_UNPRINTABLE.pattern[:-1]}]|[\x85\u2028\u2029\ufeff]")


def yaml_text(value: Any) -> str:
    """A value as YAML on one line, which readers of YAML 1.1 and 1.2 alike take for the same value."""
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
    return text if plain else _ESCAPED.sub(_escape, json.dumps(text, ensure_ascii=False))


def _yaml_number(value: float) -> str:
    text = number(value)
    if text in ("nan", "inf", "-inf"):
        return text.replace("nan", ".nan").replace("inf", ".inf")
    mantissa, e, exponent = text.partition("e")
    if not e:
        return text
    # YAML 1.1 wants the point and the sign, 1.0e+300; to YAML 1.2 they are as good.
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{int(exponent):+d}"


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\U{code:08X}" if code > 0xFFFF else f"\\u{code:04X}"
