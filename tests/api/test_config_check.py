"""The check of a config: right gradients agree, and a wrong one is caught."""

import pytest

from bpcli.api import config_check
from bpcli.api.config_check import MAX_WEIGHTS, check_config


@pytest.mark.parametrize("name", ["iris", "breast_cancer", "huber"])
def test_the_gradients_of_configs_agree_with_difference_quotients(root, name):
    start, random = check_config(root / f"configs/{name}.yaml")
    assert (start.where, random.where) == ("start", "random weights")
    for found in (start, random):
        assert found.entries
        assert len(found.entries) == min(found.total, MAX_WEIGHTS)
        assert all(entry.agree is not False for entry in found.entries)
    assert all(entry.agree for entry in random.entries)


def test_a_wrong_gradient_is_caught(root, monkeypatch):
    make = config_check.make_step

    def wrong(*args):
        step = make(*args)

        def call(z, y, weights):
            loss = step(z, y, weights)
            z *= 1.001
            return loss

        return call

    monkeypatch.setattr(config_check, "make_step", wrong)
    assert all(any(e.agree is False for e in found.entries) for found in check_config(root / "configs/iris.yaml"))
