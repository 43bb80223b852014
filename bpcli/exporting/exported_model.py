"""A trained model in the form for exports to other languages: columns, weights, outputs as expressions, test rows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.calculus.language.tree import Expression, Name
from bpcli.calculus.symbolic.symbols import Symbol, lifted
from bpcli.datasets.cells import DASH, MISSING
from bpcli.datasets.from_python import table_of
from bpcli.datasets.meaning import with_dialect, words_of
from bpcli.datasets.preparation.columns import Column, by_number
from bpcli.datasets.preparation.labels import class_text
from bpcli.datasets.preparation.options import ERROR
from bpcli.errors import DataError, UsageError
from bpcli.training.model import USUAL_THRESHOLD, Model

Cell = float | str | bool | None


class Input(NamedTuple):
    """A column of the table: `words` are the cells that count as missing, `fill` is the value for them.

    For categories `fill` is the number of a category. If it is None, a row with a missing cell has no prediction.
    """

    name: str
    words: tuple[str, ...]
    fill: float | int | None
    categories: tuple[str, ...] | None
    boolean: bool

    @property
    def filling(self) -> float | str | None:
        """The value for missing cells: a number, or the name of a category; None if there is none."""
        return self.fill if self.fill is None or self.categories is None else self.categories[int(self.fill)]

    @property
    def size(self) -> int:
        """The number of features that the column becomes."""
        return 1 if self.categories is None else len(self.categories)


class TestRow(NamedTuple):
    """Cells in the order of the inputs, and the model's outputs for them: the prediction, then the probabilities."""

    cells: tuple[Cell, ...]
    expected: tuple[float | str, ...]


class Exported(NamedTuple):
    """The model: z = ((x − mean)/scale)·w + b for features x (n,), w (n, outputs), b (outputs,); then the outputs.

    `outputs` are expressions in z: 1 − a and a with probabilities, a alone without; there are none for softmax. The
    second of two classes is predicted if the last output is at least `boundary`; if that is None, the class with the
    largest p is, the first of several. `names` are the columns of a prediction.
    """

    kind: str
    inputs: tuple[Input, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    w: NDArray[np.float64]
    b: NDArray[np.float64]
    outputs: tuple[Expression, ...]
    classes: tuple[str, ...] | None
    boundary: float | None
    names: tuple[str, ...]
    rows: tuple[TestRow, ...]

    @property
    def says_probabilities(self) -> bool:
        """Whether there is a probability for each class."""
        return len(self.names) > 1

    @property
    def in_words(self) -> str:
        """A description of the model without names from the data, so that it can stand in any comment."""
        what = "a number" if self.classes is None else f"{len(self.classes)} classes"
        return f"{self.kind}: {what} from {len(self.inputs)} column{'s' * (len(self.inputs) != 1)}"


def exported(model: Model, names: Sequence[str], predictions: Any) -> Exported:
    """The model in the form for exports, in doubles.

    `names` are the columns of a prediction, and `predictions(model, z)` gives their values, for the test rows.
    """
    model = replace(model, w=model.w.astype(np.float64), b=np.asarray(model.b, np.float64))
    inputs = tuple(_input(model, column) for column in _columns(model))
    n = sum(column.size for column in inputs)
    preparation = model.preparation
    w, b = model.weights()
    found = Exported(
        model.kind,
        inputs,
        preparation.mean or (0.0,) * n,
        preparation.scale or (1.0,) * n,
        w,
        b,
        _outputs(model),
        None if model.classes is None else tuple(map(class_text, model.classes)),
        _boundary(model),
        tuple(names),
        (),
    )
    return found._replace(rows=tuple(_rows(model, found, predictions)))


def _boundary(model: Model) -> float | None:
    by_largest = model.g is None and (not model.has_threshold or model.threshold == USUAL_THRESHOLD)
    return None if by_largest else model.boundary


def _columns(model: Model) -> Sequence[Column]:
    """The columns of the model; for sparse data one for each feature, a number with 0 for missing cells."""
    numbered = model.preparation.numbered
    if numbered is None:
        return model.preparation.columns
    return [Column(name, None, ERROR, 0.0) for name in numbered]


def _input(model: Model, column: Column) -> Input:
    words = words_of(model.dialect, column.name)
    fill: Any = column.fill
    if column.categories is None:
        return Input(column.name, _sorted(words or MISSING | {DASH}), fill, None, column.boolean)
    code = None if fill is None else column.categories.index(str(fill))
    return Input(column.name, _sorted(words or MISSING), code, column.categories, False)


def _sorted(words: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted({"", *words}))


def _outputs(model: Model) -> tuple[Expression, ...]:
    """The outputs as expressions, made by running the activation's own functions on a symbol.

    So the exported formulas compute the same steps as bpcli. UsageError for an activation that can't be run on symbols.
    """
    if model.g is None:
        return ()
    z = Symbol(Name("z"))
    functions = [model.g.one_minus, model.g.value] if model.says_probabilities else [model.g.value]
    try:
        return tuple(lifted(function(z)).tree for function in functions)
    except (TypeError, AttributeError, ValueError) as error:
        raise UsageError(f"the activation {model.g.name} has no formula that can be exported: {error}") from error


def same_cells(column: Input) -> Mapping[str, int]:
    """The code of each cell that stands for a category, for languages that compare text: `1.0` for `1`, `True` for
    `true`."""
    categories = column.categories or ()
    found = {category: code for code, category in enumerate(categories)}
    for value, code in by_number(categories).items():
        whole = value == int(value)
        ways = [str(int(value)), f"{int(value)}.0"] if whole else [repr(value)]
        ways += {0: ["false", "False", "FALSE"], 1: ["true", "True", "TRUE"]}.get(int(value), []) if whole else []
        for way in ways:
            found.setdefault(way, code)
    for word, number in (("false", "0"), ("true", "1")):
        if word in categories:
            for way in (word.capitalize(), word.upper(), number):
                found.setdefault(way, categories.index(word))
    return found


# Test rows

_STEPS = (0.0, 0.5, -1.0, 3.0, -30.0, 40.0, 700.0, -720.0, 800.0, -800.0)
"""About the values of z in the test rows: from 0 to where the outputs saturate."""
_MOST_ROWS = 24


def _rows(model: Model, found: Exported, predictions: Any) -> list[TestRow]:
    """Test rows with z from 0 to saturation, each category, an unseen category, and missing cells that are filled."""
    differences = [found.w[:, k] - (found.w[:, k - 1] if k else 0.0) for k in range(min(found.w.shape[1], 3))]
    drafts = [
        tuple(_cells(found, at, step, direction))
        for at, (step, direction) in enumerate((s, d) for d in differences for s in _STEPS)
    ]
    rows = []
    for cells in dict.fromkeys(drafts):
        try:
            rows.append(TestRow(cells, answers(model, [cells], found, predictions)[0]))
        except DataError:  # a value that is too large to be scaled
            continue
    finite = [row for row in rows if all(np.isfinite(x) for x in row.expected if isinstance(x, float))]
    return finite[:_MOST_ROWS]


def answers(model: Model, rows: Sequence[Sequence[Cell]], found: Exported, predictions: Any) -> list[Any]:
    """The outputs of the model itself for rows of cells."""
    columns = {column.name: list(cells) for column, cells in zip(found.inputs, zip(*rows, strict=True), strict=True)}
    table = with_dialect(table_of({k: np.array(v, object) for k, v in columns.items()}, list(columns)), model.dialect)
    preparation = model.preparation
    if preparation.numbered is not None:
        preparation = replace(preparation, columns=tuple(_columns(model)), numbered=None)
    prepared = preparation.apply(table, with_target=False)
    return [*zip(*predictions(model, model.z(prepared.X)), strict=True)]


def _cells(found: Exported, at: int, step: float, direction: NDArray[np.float64]) -> list[Cell]:
    """The cells of the test row `at`; its numbers are along `direction`, so that they add about `step` to z."""
    numbers = np.repeat([c.categories is None and not c.boolean for c in found.inputs], [c.size for c in found.inputs])
    direction = np.where(numbers, direction, 0.0)
    size = float(direction @ direction) or 1.0
    cells: list[Cell] = []
    first = 0
    for number, column in enumerate(found.inputs):
        gap = column.fill is not None and (at + number) % 7 == 5
        if gap:
            cells.append(None)
        elif column.categories is not None:
            known = [*column.categories, "never seen"]
            cells.append(known[(at + number) % len(known)])
        elif column.boolean:
            cells.append((at + number) % 2 == 1)
        else:
            x = found.mean[first] + found.scale[first] * step * float(direction[first]) / size
            cells.append(float(f"{x:.6g}"))
        first += column.size
    return cells
