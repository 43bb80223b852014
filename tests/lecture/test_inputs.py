"""What the functions are called and given: the tables as they are when they are looked at, without NumPy."""

import subprocess
import sys

from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.choices import Setting
from bpcli.formulas.losses import LOSSES
from bpcli.lecture.inputs import INPUTS, Derived, fused_names, settings_of
from bpcli.lecture.named_functions import NAMED


def test_a_row_that_is_added_is_a_name(monkeypatch):
    names = set(INPUTS)
    monkeypatch.setitem(ACTIVATIONS, "other", ACTIVATIONS["tanh"]._replace(name="other"))
    loss = LOSSES["bce"]._replace(name="cost", settings={"rate": Setting(1.0)})
    monkeypatch.setitem(LOSSES, "cost", loss)
    added = {"other", "cost", *(f"{g}_cost" for g in loss.fused)}
    assert set(INPUTS) - names == added
    assert added <= set(NAMED)
    assert INPUTS["cost"] == ("y", "yhat")
    for name in added - {"other"}:
        assert settings_of(name) == loss.settings
    assert settings_of("neuron", "other") == {}
    assert settings_of("dot") == {}


def test_every_fused_form_has_a_name():
    assert {g for g, _ in fused_names().values()} == {g for row in LOSSES.values() for g in row.fused}


def test_derived_rows_are_a_mapping():
    source = {"a": 1}
    rows = Derived(lambda: {name: 2 * value for name, value in source.items()})
    source["b"] = 3
    assert dict(rows) == {"a": 2, "b": 6}
    assert len(rows) == 2


def test_a_look_at_the_names_costs_no_numpy(root):
    code = "import sys; from bpcli.lecture.inputs import INPUTS; list(INPUTS); assert 'numpy' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
