"""Every optimiser beside PyTorch's own steps, which record_torch_steps.py recorded."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from bpcli import docs
from bpcli.formulas.choices import settings_of
from bpcli.formulas.optimizers import OPTIMIZERS, clip

RECORD = json.loads((Path(__file__).parent / "recorded" / "torch_steps.json").read_text())
A, C = np.array(RECORD["A"]), np.array(RECORD["c"])


def test_every_row_is_recorded():
    assert {case["optimizer"] for case in RECORD["steps"]} == set(OPTIMIZERS)


@pytest.mark.parametrize(
    "case", RECORD["steps"], ids=lambda c: f"{c['optimizer']}-{c['settings']}-{c['l2']}-{c['clip']}"
)
def test_the_steps_are_those_of_pytorch(case):
    row = OPTIMIZERS[case["optimizer"]]
    settings = settings_of(row.settings, case["settings"])
    rate, l2 = case["rate"], case["l2"]
    p = np.array(RECORD["start"])
    slots = [np.zeros(3) for _ in row.slots]
    scratch = np.empty(3)
    for t, expected in enumerate(case["path"], 1):
        g = A @ p - C + 0.1 * np.sin(t + np.arange(3))
        if case["clip"] is not None:
            g *= clip(float(np.linalg.norm(g)), case["clip"])
        if row.decoupled:
            p -= rate * l2 * p
        else:
            g += l2 * p
        row.step(p, g, t, rate, 0.0, settings, slots, scratch)
        np.testing.assert_allclose(p, expected, rtol=1e-13, atol=1e-15)


def test_a_step_makes_no_arrays_of_its_own_and_keeps_float32():
    for row, l1 in product(OPTIMIZERS.values(), (0.0, 0.1)):
        p, g, scratch = (np.ones(4, np.float32) for _ in range(3))
        slots = [np.zeros(4, np.float32) for _ in row.slots]
        row.step(p, g, 1, 0.1, l1, settings_of(row.settings, {}), slots, scratch)
        assert p.dtype == np.float32
        assert (p < 1).all()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_least_of_a_parabola_and_l1_is_where_no_step_leads_away(name):
    """Of p²/2 − cp + λ|p| it is S(c, λ), where g = p − c."""
    row, c, l1 = OPTIMIZERS[name], np.array([3.0, -2.0, 0.5, 0.0]), 1.0
    settings, slots = settings_of(row.settings, {}), [np.zeros(4) for _ in row.slots]
    p = np.zeros(4)
    for t in range(1, 3001):
        row.step(p, p - c, t, 0.3 * (1 - t / 3001), l1, settings, slots, np.empty(4))
    np.testing.assert_allclose(p, [2, -1, 0, 0], atol=1e-4)
    assert p[2] == p[3] == 0


def test_clipping():
    assert clip(0.5, 1.0) == 1
    assert clip(4.0, 1.0) == 0.25
    assert clip(0.0, 1.0) == 1


def test_the_page_has_the_table():
    text = docs.page("optimizers")
    for name, row in OPTIMIZERS.items():
        settings = ", ".join(f"{key} {setting.default:g}".replace("e-0", "e-") for key, setting in row.settings.items())
        assert f"| `{name}` | {row.formula} | {settings or '–'} | {row.source} |" in text
