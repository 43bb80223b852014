"""The options of a preparation, as a config gives them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bpcli.datasets.preparation.labels import Class
from bpcli.formulas.choices import REALS, Interval, Task

ERROR, DROP = "error", "drop"  # a missing cell is an error; its row is dropped


@dataclass(frozen=True)
class PreparationOptions:
    """The options of a preparation; `labels` is the interval in which the targets of a regression have to be."""

    target: str
    task: Task
    loss: str
    positive: Class | None = None
    features: Sequence[str] | None = None
    exclude: Sequence[str] = ()
    categorical: Sequence[str] = ()
    standardize: bool = False
    scale: float | None = None
    missing: str | Mapping[str, str] = ERROR
    labels: Interval = REALS
