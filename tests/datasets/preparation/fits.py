"""What the tests of the preparation share: tables of text, and preparations fitted to them."""

import io
from pathlib import Path

import numpy as np

from bpcli.datasets.preparation.fitting import fit_preparation
from bpcli.datasets.preparation.options import PreparationOptions
from bpcli.formulas.choices import Task
from tests.tables import read_table


def table(text, name="t.csv"):
    return read_table(Path(name), "csv", io.BytesIO(text.encode()))


def fit(text, task="regression", rows=None, target="y", **options):
    source = table(text)
    chosen = np.arange(source.rows) if rows is None else np.array(rows)
    of_config = PreparationOptions(target=target, task=Task(task), loss="mse", **options)
    return fit_preparation(source, of_config, chosen)


def both(text, **options):
    return fit(text, **options).apply(table(text))
