"""Reads a config from YAML or a mapping, with all mistakes at once, each with its place."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from bpcli.datasets.dialect import Dialect
from bpcli.datasets.reading import Files, is_named_as_table, own_target, read_files
from bpcli.datasets.sparse import Names
from bpcli.errors import ConfigError, DataError, UsageError, nearest
from bpcli.formulas.initial_weights import STARTS
from bpcli.formulas.layers import DEFAULT_ACTIVATION, LAYERS
from bpcli.paths import check_file, matching
from bpcli.text.notation import number
from bpcli.text.yaml12 import Items, Node, Pairs, Place, Scalar, YamlError, compose
from bpcli.training.config.conflicts import Conflict, conflicts, solver_of, unknown_columns
from bpcli.training.config.full_config import config_values
from bpcli.training.config.keys import DIALECT_KEYS, KEYS, REQUIRED, SECTIONS, Config
from bpcli.training.config.value_types import RefusedError, is_number, shown

__all__ = ["Config", "check_columns", "config_from_mapping", "load_config"]

MAX_BYTES = 1 << 18
"""A file of more bytes than this is taken not to be a config."""

_QUICK_TO_READ = 1 << 24  # most bytes of a table that is read just to check the columns in a config with mistakes
_PATHS = ("data.path", "data.target_path", "data.validation", "data.test")


class _Given(NamedTuple):
    """A given key: its node, and its value if that is valid (`sound`)."""

    node: Node
    value: Any = None
    sound: bool = True


@dataclass
class _Reading:
    """The result of reading a config so far: mistakes, given keys, and sections."""

    problems: list[tuple[Place, str]] = field(default_factory=list)
    given: dict[str, _Given] = field(default_factory=dict)
    sections: dict[str, _Given] = field(default_factory=dict)


def load_config(
    path: str | os.PathLike[str], settings: Sequence[str] = (), option: str = "", in_folds: bool = False
) -> Config:
    """The config in the file `path`, of which `settings` (`KEY=VALUE`, typed as in the file) replace keys.

    `option` is the text that messages write before such a setting. `in_folds`: for cross-validation, which holds out
    rows of each fold for early stopping. ConfigError with every mistake, DataError if the file can't be read.
    """
    path = Path(path)
    reading = _Reading()
    root = _read(path)
    _walk(reading, root)
    for setting in settings:
        _read_setting(reading, setting, Place(f"{option} {setting}" if option else setting))
    return _build(reading, root.place._replace(line=1, column=1), path.parent, path.stem, in_folds)


def config_from_mapping(
    mapping: Mapping[str, Any], name: str = "model", settings: Sequence[str] = (), in_folds: bool = False
) -> Config:
    """The config in a Python mapping, with `settings` as in `load_config`.

    Paths are relative to the current folder; `name` is the name of the run. ConfigError with every mistake.
    """
    place = Place("config")
    reading = _Reading()
    root = _as_node(mapping, place)
    if not isinstance(root, Pairs):
        raise ConfigError([f"{place}: expected a mapping, found {shown(root)}"])
    _walk(reading, root)
    for setting in settings:
        _read_setting(reading, setting, Place(setting))
    return _build(reading, place, Path(), name, in_folds)


def _as_node(value: Any, place: Place) -> Node:
    """A Python value as a YAML node."""
    if isinstance(value, Mapping):
        return Pairs(place, tuple((_as_node(k, place), _as_node(v, place)) for k, v in value.items()))
    if isinstance(value, list | tuple):
        return Items(place, tuple(_as_node(item, place) for item in value))
    if hasattr(value, "tolist"):  # NumPy's numbers and arrays
        return _as_node(value.tolist(), place)
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    return Scalar(place, value, number(value) if is_number(value) else str(value))


def _read(path: Path) -> Pairs:
    """The top-level mapping of a file."""
    check_file(path)
    if path.name == "model.npz":
        raise UsageError(f"{path} is a model, not a config", "the config of a run is the config.yaml beside it")
    if is_named_as_table(path):
        raise UsageError(f"{path} is a table, not a config", "bpcli init writes a config for it")
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror}") from error
    if len(raw) > MAX_BYTES:
        raise ConfigError([f"{path}: expected a config, of at most {MAX_BYTES} bytes, found more"])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = raw.count(b"\n", 0, error.start) + 1, error.start - raw.rfind(b"\n", 0, error.start)
        raise ConfigError(
            [f"{path}:{line}:{column}: expected UTF-8, found the byte 0x{raw[error.start]:02x}"]
        ) from error
    try:
        root = compose(text, str(path))
    except YamlError as error:
        raise ConfigError(["\n".join([f"{error.place}: {error.problem}", *error.caret])]) from error
    if root is None or (isinstance(root, Scalar) and root.value is None):
        raise ConfigError([f"{path}:1:1: the file is empty; `bpcli init` prints a config to start from"])
    if not isinstance(root, Pairs):
        raise ConfigError([f"{root.place}: expected a mapping (model: …, loss: …), found {shown(root)}"])
    return root


def _walk(reading: _Reading, node: Pairs, prefix: str = "") -> None:
    """Read the keys of a mapping and of the sections in it."""
    first: dict[str, Place] = {}
    for key, value in node.pairs:
        if not isinstance(key, Scalar):
            reading.problems.append((key.place, f"expected the name of a key, found {shown(key)}"))
            continue
        path = prefix + key.text
        if path in first:
            reading.problems.append((key.place, f"{path}: given twice, first at {first[path]}"))
            continue
        first[path] = key.place
        if path not in SECTIONS:
            _take(reading, path, key, value)
            continue
        sound = isinstance(value, Pairs) or (isinstance(value, Scalar) and value.value is None)
        reading.sections[path] = _Given(key, sound=sound)
        if isinstance(value, Pairs):
            _walk(reading, value, f"{path}.")
        elif not sound:
            reading.problems.append((value.place, f"{path}: expected a mapping, found {shown(value)}"))


def _read_setting(reading: _Reading, setting: str, place: Place) -> None:
    """Read a `KEY=VALUE`, its value typed as in a file."""
    path, equals, text = setting.partition("=")
    path = path.strip()
    if not equals:
        example = path if path in KEYS else "training.learning_rate"
        reading.problems.append((place, f"expected KEY=VALUE, such as {example}={KEYS[example].example or '…'}"))
        return
    try:
        value = compose(text, place.source) or Scalar(place, None, "")
    except YamlError as error:
        reading.problems.append((place, error.problem))
        return
    if path in SECTIONS:
        key = next(key for key in KEYS if key.startswith(f"{path}."))
        reading.problems.append((place, f"{path} is a section; set one of its keys, such as {key}=…"))
        return
    _take(reading, path, Scalar(place, path, path), _moved(value, place))


def _moved(node: Node, place: Place) -> Node:
    """A node, and all nodes in it, with another place."""
    if isinstance(node, Pairs):
        return Pairs(place, tuple((_moved(key, place), _moved(value, place)) for key, value in node.pairs))
    if isinstance(node, Items):
        return Items(place, tuple(_moved(item, place) for item in node.items))
    return Scalar(place, node.value, node.text)


def _take(reading: _Reading, path: str, key: Scalar, value: Node) -> None:
    """Check the value of a key and keep it."""
    if path not in KEYS:
        intended, advice = _advice(path)
        reading.problems.append((key.place, f"{path}: there is no such key; {advice}"))
        if intended not in SECTIONS:
            reading.given.setdefault(intended, _Given(key, sound=False))
        elif intended not in reading.sections:
            reading.sections[intended] = _Given(key, sound=isinstance(value, Pairs))
            if isinstance(value, Pairs):  # a misspelt section: read its keys as those of the section that was meant
                _walk(reading, value, f"{intended}.")
        return
    try:
        reading.given[path] = _Given(value, KEYS[path].kind.read(value))
    except RefusedError as error:
        reading.problems.append((error.node.place, f"{path}: {error}"))
        reading.given[path] = _Given(value, sound=False)


def _advice(path: str) -> tuple[str, str]:
    """The key that was probably meant by an unknown one ("" if there is none like it), and the advice."""
    section, _, name = path.rpartition(".")
    if section in KEYS:
        return "", f"{section} is given as a whole"
    siblings = [key for key in KEYS if key.rpartition(".")[0] == section] + ([] if section else list(SECTIONS))
    for choices in (siblings, KEYS):
        by_name = {choice.rpartition(".")[2]: choice for choice in choices}
        alike = (key for fits in (_by_initials, _one_letter_apart) for key in by_name if fits(name, key))
        close = nearest(name, by_name) or next(alike, None)
        if close:
            return by_name[close], f"did you mean {by_name[close]}?"
    if section and section not in SECTIONS:
        close = nearest(section, SECTIONS)
        return "", f"did you mean {close}.{name}?" if close else f"the sections are {', '.join(SECTIONS)}"
    return "", f"{section or 'a config'} has {', '.join(choice.rpartition('.')[2] for choice in siblings)}"


def _by_initials(name: str, key: str) -> bool:
    """Whether a name consists of the initials of a key: lr for learning_rate."""
    words = key.split("_")
    return len(words) > 1 and name.casefold() == "".join(word[0] for word in words)


def _one_letter_apart(name: str, key: str) -> bool:
    """Whether exactly one letter differs, as in l3 and l2, which are too short for `nearest`."""
    return len(name) == len(key) and sum(a != b for a, b in zip(name, key, strict=True)) == 1


def _build(reading: _Reading, start: Place, folder: Path, stem: str, in_folds: bool) -> Config:
    """The config from what was read; ConfigError if there are problems."""
    values = {path: given.value for path, given in reading.given.items() if given.sound}
    for path in _PATHS:
        if isinstance(given := values.get(path), str | tuple):
            several = tuple(
                Path(os.path.abspath(folder / one)) for one in ([given] if isinstance(given, str) else given)
            )
            values[path] = several[0] if isinstance(given, str) else several
    unknown_start = _take_start(reading, values, folder)
    places = {path: place for key, given in reading.given.items() for path, place in _places(key, given.node)}
    problems = [*reading.problems, *unknown_start, *_missing(reading, start, solver_of(values) is not None)]
    found = [*conflicts(values, in_folds)]
    if problems or found:
        found += unknown_columns(values, names) if (names := _names_of(values)) else []
        lost = [*_lost_files(values)]
        # Without the key at fault, the columns it names might be reported as mistakes, too.
        unsure = lost or any(key.startswith("data.") and not given.sound for key, given in reading.given.items())
        rest = None if unsure else _filled(_without(values, found), places, stem, in_folds)
        problems += [(places.get(f"{c.key}.{c.entry}", places.get(c.key, start)), f"{c.key}: {c.what}") for c in found]
        problems.sort(key=lambda problem: (not problem[0].line, *problem[0][1:]))  # settings behind the file
        lines = [f"{places[c.key]}: {c.key}: {c.what}" for c in lost]
        raise ConfigError([f"{place}: {what}" for place, what in problems], rest, lines)
    config = _filled(values, places, stem, in_folds)
    assert config is not None
    return config


def _take_start(reading: _Reading, values: dict[str, Any], folder: Path) -> list[tuple[Place, str]]:
    """Make `model.init` a path if it is not one of its words; a problem if it looks like a misspelt word."""
    given = values.get("model.init")
    if given is None or given in STARTS:
        return []
    values["model.init"] = run = Path(os.path.abspath(folder / given))
    if not (close := nearest(given, STARTS)) or run.exists():
        return []
    del values["model.init"]
    what = f"model.init: expected one of {', '.join(STARTS)}, or a run, found {given}; did you mean {close}?"
    return [(reading.given["model.init"].node.place, what)]


def _without(values: Mapping[str, Any], faulty: Sequence[Conflict]) -> dict[str, Any]:
    """The values without the keys at fault; if only an entry of a list or mapping is at fault, without that entry."""
    kept = dict(values)
    for conflict in faulty:
        value = kept.pop(conflict.key, None)
        if conflict.entry and isinstance(value, tuple):
            kept[conflict.key] = tuple(name for name in value if name != conflict.entry)
        elif conflict.entry and isinstance(value, dict):
            kept[conflict.key] = {name: of for name, of in value.items() if name != conflict.entry}
    return kept


_ENOUGH = {"training.learning_rate": 0.1}
"""Values for required keys at fault, with which the data can still be checked."""


def _filled(values: Mapping[str, Any], places: Mapping[str, Place], stem: str, in_folds: bool) -> Config | None:
    """The config of valid values with every default filled in; None if a required key is missing or values conflict."""
    filled = {path: values.get(path, _ENOUGH.get(path, key.default)) for path, key in KEYS.items()}
    if REQUIRED in filled.values() or [*conflicts(values, in_folds)]:
        return None
    if filled["model.activation"] is None and not LAYERS[filled["model.type"]].per_class:
        filled["model.activation"] = DEFAULT_ACTIVATION
    passed_over = []
    if solver_of(values):
        solvers = {path: key for path, key in KEYS.items() if key.not_for_solvers or key.of_solvers is not None}
        passed_over = [
            path
            for path, key in solvers.items()
            if key.not_for_solvers and values.get(path) not in (None, "auto", key.of_solvers)
        ]
        filled |= {p: key.of_solvers for p, key in solvers.items() if key.not_for_solvers or values.get(p) is None}
    filled["output"] = Path(filled["output"] or Path("runs", stem))
    parts: dict[str, Any] = {path: value for path, value in filled.items() if "." not in path}
    for name, section in SECTIONS.items():
        inner = {path.partition(".")[2]: value for path, value in filled.items() if path.startswith(f"{name}.")}
        parts[name] = section(**inner)
    where = {path: str(place) for path, place in places.items()}
    return Config(**parts, places=where, passed_over=tuple(passed_over))


def _lost_files(values: Mapping[str, Any]) -> Iterator[Conflict]:
    """Yield a conflict for each key whose files do not exist."""
    for key in _PATHS:
        if isinstance(paths := values.get(key), Path | tuple):
            try:
                for path in matching(paths):
                    check_file(path)
            except DataError as error:
                yield Conflict(key, "; ".join(filter(None, [error.message, error.hint])))


def _places(path: str, node: Node) -> Iterator[tuple[str, Place]]:
    """The place of a key's value, and of each of its entries that can name a column."""
    yield path, node.place
    entries = node.items if isinstance(node, Items) else [k for k, _ in node.pairs] if isinstance(node, Pairs) else []
    for entry in entries:
        if isinstance(entry, Scalar):
            yield f"{path}.{entry.text}", entry.place


def _missing(reading: _Reading, start: Place, solver: bool) -> Iterator[tuple[Place, str]]:
    """Yield a problem for each required key that is missing, unless its whole section is a problem already."""
    for path, key in KEYS.items():
        section = reading.sections.get(path.partition(".")[0])
        required = (key.default is REQUIRED and not (solver and key.not_for_solvers)) or (
            path == "data.target" and not _names_own_target(reading)
        )
        if required and path not in reading.given and (section is None or section.sound):
            what = f"{path} is missing; expected {key.kind.expected.removesuffix(', or null')}" + (
                f": {key.text}" if key.text else ""
            )
            yield section.node.place if section else start, what


def _names_own_target(reading: _Reading) -> bool:
    """Whether the data may name its target itself, or has a file for the target."""
    values = {key: given.value for key, given in reading.given.items()}
    path = values.get("data.path")
    if "data.target_path" in values or path is None:
        return "data.target_path" in values
    first = Path(path if isinstance(path, str) else path[0])
    return own_target(first, values.get("data.format") or "auto")


def _names_of(values: Mapping[str, Any]) -> Sequence[str]:
    """The columns of the table if it can be read quickly, so that wrong names are reported with the other mistakes."""
    path = values.get("data.path")
    try:
        paths = () if path is None else matching(path)
        if not paths or sum(path.stat().st_size for path in paths if path.is_file()) > _QUICK_TO_READ:
            return []
        given = {key: values[f"data.{key}"] for key in DIALECT_KEYS if f"data.{key}" in values}
        names = read_files(Files(paths, values.get("data.format", "auto"), Dialect(**given))).names
    except (OSError, DataError):
        return []  # a file that can't be read is reported once the config is sound
    has_own_file = values.get("data.target_path") and "data.target" in values
    return Names(names, (values["data.target"],)) if has_own_file else names


def check_columns(config: Config, names: Sequence[str]) -> list[str]:
    """A message for each column in a config that is not among `names`, with its place and the nearest name."""
    values = config_values(config)
    return [
        f"{config.places.get(f'{c.key}.{c.entry}', config.places.get(c.key, 'config'))}: {c.key}: {c.what}"
        for c in unknown_columns(values, names)
    ]
