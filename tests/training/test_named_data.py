"""The files that a config names, each with its role."""

import pytest

from bpcli.errors import ConfigError
from bpcli.training.named_data import named_files


def test_a_file_has_one_role(line):
    path = line().data.path
    assert named_files(line(validation=0.2)) == {"path": path}
    other = path.with_name("other.csv")
    assert named_files(line(validation=str(other))) == {"path": path, "validation": other}
    with pytest.raises(ConfigError, match=r"data.test: .* is in data.path already"):
        named_files(line(test=str(path.parent / ".." / path.parent.name / path.name)))
