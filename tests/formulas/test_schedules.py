"""Every schedule beside PyTorch's own, which record_torch_steps.py recorded."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from bpcli import docs
from bpcli.formulas.choices import settings_of
from bpcli.formulas.schedules import SCHEDULES, warmed_up

RECORD = json.loads((Path(__file__).parent / "recorded" / "torch_steps.json").read_text())


def test_every_row_is_recorded():
    assert {case["schedule"] for case in RECORD["schedules"]} | {"constant"} == set(SCHEDULES)


@pytest.mark.parametrize("case", RECORD["schedules"], ids=lambda c: c["schedule"])
def test_the_rates_are_those_of_pytorch(case):
    row = SCHEDULES[case["schedule"]]
    settings = settings_of(row.settings, case["settings"])
    E = len(case["rates"])
    np.testing.assert_allclose([row.factor(e, E, settings) for e in range(E)], case["rates"], rtol=1e-12)


def test_those_that_go_by_the_number_of_epochs_say_so():
    for row in SCHEDULES.values():
        settings = settings_of(row.settings, {})
        factors = [[row.factor(e, E, settings) for e in range(10)] for E in (10, 20)]
        assert (factors[0] != factors[1]) == row.by_total


def test_by_hand():
    assert [warmed_up(t, 4) for t in (1, 2, 4, 9)] == [0.25, 0.5, 1, 1]
    assert warmed_up(1, 0) == 1
    assert SCHEDULES["cosine"].factor(5, 10, {"floor": 0.2}) == pytest.approx(0.6)
    assert math.isclose(SCHEDULES["constant"].factor(3, 9, {}), 1)


def test_the_page_has_the_table():
    text = docs.page("optimizers")
    for name, row in SCHEDULES.items():
        settings = ", ".join(f"{key} {setting.default:g}".replace("e-0", "e-") for key, setting in row.settings.items())
        assert f"| `{name}` | {row.formula} | {settings or '–'} | {row.source} |" in text
