"""What a config says of the preparation of its data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bpcli.datasets.preparation.labels import Class


@dataclass(frozen=True)
class PreparationOptions:
    """What a config says of the preparation; `task` is `classes`, `binary` or `regression`."""

    target: str
    task: str
    positive: Class | None = None
    features: Sequence[str] | None = None
    exclude: Sequence[str] = ()
    categorical: Sequence[str] = ()
    standardize: bool = False
    scale: float | None = None
    missing: str | Mapping[str, str] = "error"
