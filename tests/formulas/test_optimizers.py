"""Every optimiser and schedule beside PyTorch's own steps, which record_torch_steps.py recorded."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from bpcli import docs
from bpcli.formulas.optimizers import DECOUPLED, OPTIMIZERS, SCHEDULES, clip, settings_of, warmed_up

RECORD = json.loads((Path(__file__).parent / "recorded" / "torch_steps.json").read_text())
A, C = np.array(RECORD["A"]), np.array(RECORD["c"])


def test_every_row_is_recorded():
    assert {case["optimizer"] for case in RECORD["steps"]} == set(OPTIMIZERS)
    assert {case["schedule"] for case in RECORD["schedules"]} | {"constant"} == set(SCHEDULES)


@pytest.mark.parametrize(
    "case", RECORD["steps"], ids=lambda c: f"{c['optimizer']}-{c['settings']}-{c['l2']}-{c['clip']}"
)
def test_the_steps_are_those_of_pytorch(case):
    row = OPTIMIZERS[case["optimizer"]]
    settings = settings_of(row, case["settings"])
    rate, l2 = case["rate"], case["l2"]
    p = np.array(RECORD["start"])
    slots = [np.zeros(3) for _ in row.slots]
    scratch = np.empty(3)
    for t, expected in enumerate(case["path"], 1):
        g = A @ p - C + 0.1 * np.sin(t + np.arange(3))
        if case["clip"] is not None:
            g *= clip(float(np.linalg.norm(g)), case["clip"])
        if case["optimizer"] in DECOUPLED:
            p -= rate * l2 * p
        else:
            g += l2 * p
        row.step(p, g, t, rate, settings, slots, scratch)
        np.testing.assert_allclose(p, expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("case", RECORD["schedules"], ids=lambda c: c["schedule"])
def test_the_rates_are_those_of_pytorch(case):
    row = SCHEDULES[case["schedule"]]
    settings = settings_of(row, case["settings"])
    E = len(case["rates"])
    np.testing.assert_allclose([row.factor(e, E, settings) for e in range(E)], case["rates"], rtol=1e-12)


def test_a_step_makes_no_arrays_of_its_own_and_keeps_float32():
    for row in OPTIMIZERS.values():
        p, g, scratch = (np.ones(4, np.float32) for _ in range(3))
        slots = [np.zeros(4, np.float32) for _ in row.slots]
        row.step(p, g, 1, 0.1, settings_of(row, {}), slots, scratch)
        assert p.dtype == np.float32
        assert (p < 1).all()


def test_warm_up_and_clipping():
    assert [warmed_up(t, 4) for t in (1, 2, 4, 9)] == [0.25, 0.5, 1, 1]
    assert warmed_up(1, 0) == 1
    assert clip(0.5, 1.0) == 1
    assert clip(4.0, 1.0) == 0.25
    assert clip(0.0, 1.0) == 1
    assert SCHEDULES["cosine"].factor(5, 10, {"floor": 0.2}) == pytest.approx(0.6)
    assert math.isclose(SCHEDULES["constant"].factor(3, 9, {}), 1)


def test_the_page_has_both_tables():
    text = docs.page("optimizers")
    for name, row in {**OPTIMIZERS, **SCHEDULES}.items():
        settings = ", ".join(f"{key} {setting.default:g}".replace("e-0", "e-") for key, setting in row.settings.items())
        assert f"| `{name}` | {row.formula} | {settings or '–'} | {row.source} |" in text
