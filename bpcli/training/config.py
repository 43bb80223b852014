"""Reads a config: YAML 1.2 with the safe loader, every mistake in one go, each with its file, line and column."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from bpcli.datasets.table import check_file
from bpcli.errors import ConfigError, DataError, caret_lines, nearest
from bpcli.notation import number
from bpcli.training.schema import KEYS, REQUIRED, SECTIONS, conflicts

MAX_BYTES, MAX_NODES, MAX_DEPTH = 1 << 18, 10_000, 20
"""A config is small: more bytes, values (aliases written out) or nesting than this is a mistake or an attack."""


@dataclass(frozen=True)
class ModelConfig:
    """The section `model`; `activation` is None for softmax."""

    type: str
    activation: str | None
    init: str
    threshold: float


@dataclass(frozen=True)
class TrainingConfig:
    """The section `training`."""

    learning_rate: float
    batch_size: int | str
    epochs: int
    shuffle: bool
    seed: int
    dtype: str
    l1: float
    l2: float


@dataclass(frozen=True)
class DataConfig:
    """The section `data`; paths are absolute, a part that is a fraction is a float."""

    path: Path
    target: str
    positive: str | float | None
    features: tuple[str, ...] | None
    exclude: tuple[str, ...]
    categorical: tuple[str, ...]
    standardize: bool
    scale: float | None
    missing: str | dict[str, str]
    validation: float | Path | None
    test: float | Path | None
    format: str
    target_path: Path | None


@dataclass(frozen=True)
class Config:
    """A config that holds: every default written out. `places` says where each given key stands."""

    model: ModelConfig
    loss: str
    training: TrainingConfig
    data: DataConfig
    output: Path
    places: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)


class _Given(NamedTuple):
    value: Any
    place: str


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, with the plain scalars of YAML 1.2's core schema in place of YAML 1.1's."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012


_TAG = "tag:yaml.org,2002:"
_CORE = {
    "null": r"~|null|Null|NULL|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+",
    "float": r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
}
for _name, _pattern in _CORE.items():
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(rf"(?:{_pattern})\Z"), None)


def load_config(path: Path, settings: Sequence[str] = ()) -> Config:
    """The config in the file `path`, with `settings` (`KEY=VALUE`) put over it.

    Raises ConfigError with every mistake, and DataError if the file can't be read.
    """
    check_file(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror}") from error
    problems: list[tuple[str, str]] = []
    given = _read_file(str(path), raw, problems)
    for setting in settings:
        _read_setting(setting, given, problems)
    return _build(given, problems, str(path), path.parent, path.stem)


def config_from_mapping(mapping: Mapping[str, Any], name: str = "model") -> Config:
    """The config of a plain mapping, as from Python: paths are relative to the working directory."""
    problems: list[tuple[str, str]] = []
    given: dict[str, _Given] = {}
    for key, value in _leaves("", mapping):
        _add(given, problems, key, value, key)
    return _build(given, problems, "config", Path(), name)


def _leaves(prefix: str, mapping: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in mapping.items():
        path = f"{prefix}{key}"
        if path in SECTIONS and isinstance(value, Mapping):
            yield from _leaves(f"{path}.", value)
        else:
            yield path, value


def _read_file(name: str, raw: bytes, problems: list[tuple[str, str]]) -> dict[str, _Given]:
    if len(raw) > MAX_BYTES:
        raise ConfigError([f"{name}: {len(raw)} bytes are no config; expected at most {MAX_BYTES}"])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError([f"{name}:{line}: not UTF-8"]) from error
    node = _compose(name, text)
    if node is None:
        raise ConfigError([f"{name}:1:1: the file is empty; `bpcli init` prints a config to start from"])
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError([f"{_place(name, node)}: expected a mapping (model: …, loss: …), found {_kind_of(node)}"])
    given: dict[str, _Given] = {}
    _walk(_Walk(name, problems, given), "", node, 0)
    return given


def _compose(name: str, text: str) -> yaml.Node | None:
    try:
        loader = _Loader(text)
        node: yaml.Node | None = loader.get_single_node()
        loader.dispose()
    except RecursionError as error:
        raise ConfigError([f"{name}: the values are nested too deeply"]) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = ": ".join(filter(None, [error.context, error.problem]))
        if mark is None:
            raise ConfigError([f"{name}: {what}"]) from error
        place = f"{name}:{mark.line + 1}:{mark.column + 1}: this is not YAML: {what}"
        raise ConfigError(
            ["\n".join([place, *caret_lines(text, min(mark.index, len(text)), mark.index + 1)])]
        ) from error
    except yaml.YAMLError as error:
        raise ConfigError([f"{name}: this is not YAML: {error}"]) from error
    return node


class _Walk(NamedTuple):
    """What the walk over a file's nodes carries along."""

    name: str
    problems: list[tuple[str, str]]
    given: dict[str, _Given]


def _walk(walk: _Walk, prefix: str, node: yaml.MappingNode, depth: int) -> None:
    """Collect the keys of a mapping node, descending into sections."""
    first: dict[str, str] = {}
    budget = [MAX_NODES]
    for key_node, value_node in node.value:
        place = _place(walk.name, key_node)
        if not isinstance(key_node, yaml.ScalarNode):
            walk.problems.append((place, f"expected the name of a key, found {_kind_of(key_node)}"))
            continue
        path = prefix + key_node.value
        if path in first:
            walk.problems.append((place, f"{path}: given twice, first at {first[path]}"))
            continue
        first[path] = place
        if path in SECTIONS:
            if isinstance(value_node, yaml.MappingNode) and depth == 0:
                walk.given[path] = _Given(None, place)
                _walk(walk, f"{path}.", value_node, depth + 1)
            elif value_node.tag == _TAG + "null":
                walk.given[path] = _Given(None, place)
            else:
                found = f"{path}: expected a mapping, found {_kind_of(value_node)}"
                walk.problems.append((_place(walk.name, value_node), found))
                walk.given[path] = _Given(_WRONG, place)
            continue
        try:
            value = _plain(value_node, budget, 0)
        except ValueError as error:
            walk.problems.append((_place(walk.name, value_node), f"{path}: {error}"))
            walk.given[path] = _Given(_WRONG, place)
            continue
        _add(walk.given, walk.problems, path, value, place, _place(walk.name, value_node))


def _plain(node: yaml.Node, budget: list[int], depth: int) -> Any:
    """The value of a node in plain Python types; ValueError for a tag, a bomb, or a key that stands twice."""
    budget[0] -= 1
    if budget[0] < 0 or depth > MAX_DEPTH:
        raise ValueError("too many values, or nested too deeply, for a config")
    tag = node.tag.removeprefix(_TAG)
    if isinstance(node, yaml.SequenceNode) and tag == "seq":
        return [_plain(item, budget, depth + 1) for item in node.value]
    if isinstance(node, yaml.MappingNode) and tag == "map":
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = _plain(key_node, budget, depth + 1)
            if isinstance(key, list | dict):
                raise ValueError(f"expected a name as a key, found {_kind_of(key_node)}")
            if key in result:
                raise ValueError(f"{key} stands twice")
            result[key] = _plain(value_node, budget, depth + 1)
        return result
    if isinstance(node, yaml.ScalarNode) and tag in _SCALARS:
        return _SCALARS[tag](node.value)
    raise ValueError(f"the tag {node.tag} means nothing here")


def _integer(text: str) -> int | float:
    if text[:2] in ("0o", "0x"):
        return int(text, 0)
    return int(text) if len(text) < 400 else float(text)  # Python refuses integers of thousands of digits


_SCALARS: dict[str, Any] = {
    "str": str,
    "null": lambda text: None,
    "bool": lambda text: text.lower() == "true",
    "int": _integer,
    "float": lambda text: float(re.sub(r"\.(?=inf|nan)", "", text.lower())),
}


def _read_setting(setting: str, given: dict[str, _Given], problems: list[tuple[str, str]]) -> None:
    """A `KEY=VALUE` of the command line, its value typed as in the file."""
    key, equals, text = setting.partition("=")
    place = f"--set {setting}"
    if not equals:
        problems.append((place, "expected KEY=VALUE, such as training.learning_rate=0.01"))
        return
    try:
        node = _compose(place, text)
        value = None if node is None else _plain(node, [MAX_NODES], 0)
    except ConfigError as error:
        problems.append((place, str(error).partition(": ")[2]))
        return
    except ValueError as error:
        problems.append((place, str(error)))
        return
    if key in SECTIONS:
        problems.append((place, f"{key} is a section; set one of its keys, such as {_first_of(key)}=…"))
        return
    given.pop(key, None)
    _add(given, problems, key, value, place)


def _first_of(section: str) -> str:
    return next(path for path in KEYS if path.startswith(f"{section}."))


def _add(
    given: dict[str, _Given], problems: list[tuple[str, str]], path: str, value: Any, place: str, at: str | None = None
) -> None:
    """Check one value and keep it; `place` is where the key stands, `at` where the value does."""
    key = KEYS.get(path)
    if key is None:
        meant, advice = _advice(path)
        problems.append((place, f"{path}: there is no such key; {advice}"))
        given.setdefault(meant, _Given(_WRONG, place))
        return
    try:
        given[path] = _Given(key.kind.read(value), at or place)
    except ValueError as error:
        advice = f"; {error}" if str(error) else ""
        problems.append((at or place, f"{path}: expected {key.kind.expected}, found {_shown(value)}{advice}"))
        given[path] = _Given(_WRONG, at or place)


_WRONG = object()  # stands for a value that was refused, so that it is not reported as missing as well


def _advice(path: str) -> tuple[str, str]:
    """The key that an unknown one was probably meant to be ("" if there is none like it), and the words for it."""
    section, _, name = path.rpartition(".")
    siblings = [p for p in KEYS if p.rpartition(".")[0] == section] + ([] if section else list(SECTIONS))
    for choices in (siblings, KEYS):
        by_name = {choice.rpartition(".")[2]: choice for choice in choices}
        close = nearest(name, by_name)
        if close:
            return by_name[close], f"did you mean {by_name[close]}?"
    return "", f"{section or 'a config'} has {', '.join(choice.rpartition('.')[2] for choice in siblings)}"


def _build(given: dict[str, _Given], problems: list[tuple[str, str]], name: str, folder: Path, stem: str) -> Config:
    """The config from checked values; ConfigError if there are problems."""
    sound = {key: g.value for key, g in given.items() if g.value is not _WRONG and key in KEYS}
    for path, key in KEYS.items():
        if key.default is REQUIRED and path not in given:
            section = given.get(path.partition(".")[0], _Given(None, f"{name}:1:1"))
            if section.value is _WRONG:
                continue
            problems.append((section.place, f"{path} is missing; expected {key.kind.expected}: {key.text}"))
    problems += [
        (given[key].place if key in given else f"{name}:1:1", f"{key}: {what}") for key, what in conflicts(sound)
    ]
    if problems:
        raise ConfigError([f"{place}: {what}" for place, what in sorted(problems, key=_in_order)])
    values = {path: sound.get(path, key.default) for path, key in KEYS.items()}
    if values["model.type"] == "neuron" and values["model.activation"] is None:
        values["model.activation"] = "identity"
    for path in ("data.path", "data.target_path", "data.validation", "data.test"):
        if isinstance(values[path], str):
            values[path] = Path(os.path.abspath(folder / values[path]))
    output = Path(values["output"] or Path("runs", stem))
    places = {key: g.place for key, g in given.items()}

    def of(owner: str) -> dict[str, Any]:
        return {p.partition(".")[2]: v for p, v in values.items() if p.startswith(f"{owner}.")}

    return Config(
        ModelConfig(**of("model")),
        values["loss"],
        TrainingConfig(**of("training")),
        DataConfig(**of("data")),
        output,
        places,
    )


def _in_order(problem: tuple[str, str]) -> tuple[Any, ...]:
    """By line and column; what has no place in the file comes behind."""
    numbers = re.search(r":(\d+):(\d+)$", problem[0])
    return (0, int(numbers[1]), int(numbers[2])) if numbers else (1, 0, 0)


def _place(name: str, node: yaml.Node) -> str:
    return f"{name}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"


def _kind_of(node: yaml.Node) -> str:
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return "a mapping" if isinstance(node, yaml.MappingNode) else repr(node.value)


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = yaml_value(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def check_columns(config: Config, names: Iterable[str]) -> list[str]:
    """The problems of a config whose columns are not among `names`, each with its place and the nearest name."""
    names = list(names)
    data = config.data
    missing = [] if isinstance(data.missing, str) else list(data.missing)
    asked = {
        "data.target": [data.target],
        "data.features": data.features or (),
        "data.exclude": data.exclude,
        "data.categorical": data.categorical,
        "data.missing": missing,
    }
    problems = []
    for key, wanted in asked.items():
        for name in wanted:
            if name not in names:
                close = nearest(name, names)
                advice = f"did you mean {close}?" if close else f"its columns are {', '.join(names[:20])}"
                place = config.places.get(key, key)
                problems.append(f"{place}: {key}: {data.path} has no column {name}; {advice}")
    return problems


_PLAIN = re.compile(r"[^\W\d][\w./-]*(?: [\w./-]+)*\Z")
_NOT_TEXT = re.compile("(?:" + "|".join(f"(?:{pattern})" for pattern in _CORE.values()) + r")\Z")


def yaml_value(value: Any) -> str:
    """A value as YAML on one line, which every YAML reader takes for the same value."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{yaml_value(k)}: {yaml_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(yaml_value, value)) + "]"
    text = str(value)
    # YAML 1.1 readers take these words for booleans, so they are quoted too.
    words = {"yes", "no", "on", "off", "y", "n"}
    if _PLAIN.match(text) and not _NOT_TEXT.match(text) and text.lower() not in words:
        return text
    return json.dumps(text, ensure_ascii=False)


def dump_config(config: Config) -> str:
    """The config as YAML, every default written out; it reads back as an equal config, from any folder."""
    lines = []
    section = ""
    for path in KEYS:
        *sections, name = path.split(".")
        owner = getattr(config, sections[0]) if sections else config
        if sections and sections[0] != section:
            section = sections[0]
            lines.append(f"{section}:")
        indent = "  " if sections else ""
        lines.append(f"{indent}{name}: {yaml_value(getattr(owner, name))}")
    return "\n".join(lines) + "\n"
