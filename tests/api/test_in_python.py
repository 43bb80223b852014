"""Keys of the config as parameters of a call."""

import numpy as np
import pytest

from bpcli.api.in_python import as_mapping, as_settings, errors_in_python, in_python
from bpcli.errors import ConfigError, DataError, UsageError
from bpcli.training.config.keys import KEYS


@pytest.mark.parametrize("path", KEYS)
def test_each_key_is_a_parameter(path):
    section, _, name = path.rpartition(".")
    mapping = as_mapping({name: [np.float64(0.5), np.int64(2)]})
    assert (mapping[section] if section else mapping)[name] == [0.5, 2]
    assert as_settings({name: np.arange(2)}) == [f"{path}=[0, 1]"]
    assert in_python(f"config: {path}: it is wrong") == f"{name}: it is wrong"


@pytest.mark.parametrize(
    "error", [ConfigError(["training.l1: x"]), UsageError("data.path: x"), DataError("data.weight")]
)
def test_each_error_is_a_value_error_and_keeps_its_kind(error):
    with pytest.raises(ValueError, match=r"^(l1: x|path: x|weight)$") as caught, errors_in_python():
        raise error
    assert isinstance(caught.value, ConfigError if isinstance(error, UsageError) else type(error))


@pytest.mark.parametrize(
    ("hint", "shown"),
    [
        ("data.missing: median  (or mean, drop)", "missing='median'  (or mean, drop)"),
        ('data.missing: {a: median, "b: c": drop}', "missing={'a': 'median', 'b: c': 'drop'}"),
        ("data.categorical: [yes, 'x y']", "categorical=['yes', 'x y']"),
        ("data.exclude: [id]", "leave out of X: ['id']"),
        ("data.exclude: X has no column c", "exclude: X has no column c"),
    ],
)
def test_values_in_hints_are_those_of_python(hint, shown):
    assert in_python(f"to mend it, in the config:\n  {hint}") == f"to mend it:\n  {shown}"
