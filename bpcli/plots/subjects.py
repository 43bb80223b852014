"""The model and the data that pictures of a run are drawn from."""

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
    """A model with the data of its pictures."""

    model: Model
    history: Mapping[str, Sequence[float]]  # by column
    parts: Mapping[str, tuple[Array, Array]]  # prepared (X, y) by part: train, validation, test
    features: tuple[int, ...] = ()  # to draw a boundary or line over
    image: Image = None  # height and width, if the features are pixels
    log: bool | None = None  # whether the axis of a loss is logarithmic; None: if the loss varies widely
    others: tuple[str, Array, Array] | None = None  # name, z and y of rows to judge the model by, instead of a part
    statistics: Mapping[str, Any] | None = None  # of the weights, to draw these with their intervals
    folds: Sequence[tuple[Array, Array]] = ()  # z and y of the rows that each fold of a cross-validation held out

    def scored(self) -> tuple[str, Array, Array]:
        """Name, z and y of the rows that judge the model: `others`, or test, validation or training rows."""
        if self.others is not None:
            return self.others
        name = next(part for part in ("test", "validation", "train") if part in self.parts)
        X, y = self.parts[name]
        return "training" if name == "train" else name, self.model.z(X), y
