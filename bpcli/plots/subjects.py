"""What the pictures of a run are drawn from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from bpcli.training.model import Model

Array = NDArray[Any]
Image = tuple[int, int] | None
MAX_NAMES = 20  # the most classes that are named on an axis
MAX_SERIES = 4  # the most outputs whose weights are drawn as bars; more are a table of colours


@dataclass(frozen=True)
class Subject:
    """What is drawn: a model, its history by column, its prepared (X, y) by part, the features to show, the image that
    the features are pixels of, if any, whether a loss is drawn on a logarithmic axis (None: where it is wide),
    other rows than the parts' to judge the model by: what they are called, their z and y; the statistics of the
    weights, where they are to be drawn with their intervals; and z and y of the rows that each fold of a
    cross-validation held out, where the folds are to be drawn."""

    model: Model
    history: Mapping[str, Sequence[float]]
    parts: Mapping[str, tuple[Array, Array]]
    features: tuple[int, ...] = ()
    image: Image = None
    log: bool | None = None
    others: tuple[str, Array, Array] | None = None
    statistics: Mapping[str, Any] | None = None
    folds: Sequence[tuple[Array, Array]] = ()

    def judged(self) -> tuple[str, Array, Array]:
        """The part that judges the model, test rows before validation rows: its name, X and y."""
        name = next(part for part in ("test", "validation", "train") if part in self.parts)
        return name, *self.parts[name]

    def scored(self) -> tuple[str, Array, Array]:
        """The rows that judge the model: what they are called, z and y."""
        if self.others is not None:
            return self.others
        name, X, y = self.judged()
        return "training" if name == "train" else name, self.model.z(X), y
