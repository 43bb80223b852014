"""Keys of the config as parameters of a Python call: their mapping, and messages that speak of them, as ValueErrors."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import yaml

from bpcli.errors import ConfigError, DataError, UsageError, meant
from bpcli.training.config.keys import KEYS

_PATHS = {path.rpartition(".")[2]: path for path in KEYS}


class FitDataError(DataError, ValueError):
    """Data that can't be taken: a DataError that is a ValueError too, as scikit-learn has it."""


class ParameterError(ConfigError, ValueError):
    """Parameters that are wrong or don't go together."""


_VALUE = re.compile(r"(?m)^( *)data\.(categorical|missing|exclude): (\[.*\]|\{.*\}|\w+)(?=$|  )")
"""A line of a hint with a key and its value."""


def _as_keyword(found: re.Match[str]) -> str:
    before, name, text = found.groups()
    value = yaml.load(text, Loader=yaml.BaseLoader)  # names and words alone
    return f"{before}leave out of X: {value!r}" if name == "exclude" else f"{before}{name}={value!r}"


def in_python(text: str) -> str:
    """A message in which keys of the config are parameters, `epochs` for `training.epochs`, and values are Python's."""
    text = re.sub(r"(?m)^config: ", "", text.replace("to mend it, in the config:", "to mend it:"))
    text = _VALUE.sub(_as_keyword, text)
    return re.sub(r"\b(?:model|training|data)\.(?=[a-z_12]+\b)", "", text)


@contextmanager
def errors_in_python() -> Iterator[None]:
    """Errors of data and parameters are ValueErrors too, and speak of parameters instead of keys of a config."""
    try:
        yield
    except ParameterError:
        raise
    except ConfigError as error:
        raise ParameterError([*map(in_python, error.problems)]) from error
    except UsageError as error:
        raise ParameterError([in_python(str(error))]) from error
    except DataError as error:
        if isinstance(error, ValueError):
            raise
        raise FitDataError(in_python(error.message), in_python(error.hint)) from error


def as_settings(parameters: Mapping[str, Any]) -> list[str]:
    """Parameters as `KEY=VALUE`; UsageError for one that is no key."""
    return [f"{_path(name)}={json.dumps(value, default=_plain)}" for name, value in parameters.items()]


def as_mapping(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as the mapping of a config; UsageError for one that is no key."""
    mapping: dict[str, Any] = {}
    for name, value in parameters.items():
        section, _, key = _path(name).rpartition(".")
        (mapping.setdefault(section, {}) if section else mapping)[key] = json.loads(json.dumps(value, default=_plain))
    return mapping


def _path(name: str) -> str:
    """The key of the config that a parameter is."""
    if name not in _PATHS:
        own = ", ".join(key for key, path in _PATHS.items() if path.startswith(f"{name}."))
        others = meant(name, _PATHS, f"they are {', '.join(_PATHS)}")
        hint = f"its keys are parameters themselves: {own}" if own else others
        raise UsageError(f"there is no parameter {name}", hint)
    return _PATHS[name]


def _plain(value: Any) -> Any:
    """NumPy's numbers and arrays as Python's, paths and others as text."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
