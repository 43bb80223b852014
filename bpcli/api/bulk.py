"""Values and gradients at many points at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.api.arguments import by_name, check_names, shown
from bpcli.calculus.one_sided.kink_notes import Kink
from bpcli.calculus.sweeps.blocks import BLOCK
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.screening import Kept, Look, Screen
from bpcli.calculus.sweeps.seeds import points_of
from bpcli.errors import UsageError

Floats = NDArray[np.float64]


LOOKED_AT = 4096  # points whose rounding errors are estimated at a time
FEW_POINTS = 20  # that may have lost digits, and as many that have lost more than zeros, kept to be examined one by one


class Block(NamedTuple):
    """B points and their results: each variable is an array (*shape, B), `table` has one row for each point.

    `kept` are the points that may have lost digits, `doubtful` those at which doubles can't bound the loss.
    """

    calculation: Calculation
    columns: dict[str, Any]
    table: Floats
    kinks: list[Kink]
    screen: Screen
    kept: list[Kept]
    doubtful: list[NDArray[np.intp]]


class LostAt(NamedTuple):
    """A point that may have lost digits: its number, the calculation, its inputs, and its row of the table."""

    number: int
    calculation: Calculation
    point: dict[str, Any]
    row: list[float]

    def calculation_there(self) -> Calculation:
        """The calculation, which knows the kinks at the point: their slopes are a convention, and lost no digits."""
        self.calculation.kinks = []
        if len(self.row) > self.calculation.outputs:
            self.calculation.gradient(self.point)
        return self.calculation


class _Waiting(NamedTuple):
    """Points that may have lost digits, as a block of their own, with their numbers and the values of all slots."""

    block: Block
    numbers: Any
    values: list[Any]


class LostPoints:
    """The points of many blocks that have lost digits: `first` are some of them, `count` is the number of all.

    Those come first of which more than zeros may be wrong: zeros are often right. The rounding errors of suspicious
    points are estimated some thousands at a time. The first `hidden` entries of each row are not printed, and so not
    examined; `names` are the variables that points differ in.
    """

    def __init__(self, names: Sequence[str], hidden: int) -> None:
        self.names, self.hidden = names, hidden
        self.count = self.points = 0
        self._likely: list[LostAt] = []
        self._less_likely: list[LostAt] = []
        self._waiting: list[_Waiting] = []

    @property
    def first(self) -> list[LostAt]:
        """Some of the points, to be examined one by one."""
        return self._likely + self._less_likely

    def unexamined(self) -> str:
        """What is to be told where none of `first` has lost digits for certain; empty where these are all points."""
        more = self.count - len(self.first)
        return f"digits may be lost to rounding at about {more} points" if more else ""

    def add(self, block: Block) -> None:
        """The next block."""
        if self._waiting and self._waiting[-1].block.screen is not block.screen:
            self.look()
        for kept in block.kept:
            near = {n: values[..., kept.places] if n in self.names else values for n, values in block.columns.items()}
            few = block._replace(columns=near, table=block.table[kept.places], kinks=[], kept=[], doubtful=[])
            self._waiting.append(_Waiting(few, kept.places + self.points, kept.values))
        for places in block.doubtful:
            self._lost(self._less_likely, block, places.tolist(), places + self.points)
        self.points += len(block.table)
        if sum(len(one.numbers) for one in self._waiting) > LOOKED_AT:
            self.look()

    def look(self) -> None:
        """Estimate the rounding errors of the points that have come since the last call."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        values = [_joined(slot, waiting) for slot in zip(*(one.values for one in waiting), strict=True)]
        table = np.concatenate([one.block.table for one in waiting])
        ratios = waiting[0].block.screen.ratios(values, table)
        wrong = ratios[:, self.hidden :] > 1.0
        lost, more = np.any(wrong, axis=1), np.any(wrong & (table[:, self.hidden :] != 0.0), axis=1)
        for block, numbers, _ in waiting:
            for kept, these in ((self._likely, lost & more), (self._less_likely, lost & ~more)):
                places = np.flatnonzero(these[: len(numbers)])
                self._lost(kept, block, places.tolist(), numbers[places])
            lost, more = lost[len(numbers) :], more[len(numbers) :]

    def _lost(self, kept: list[LostAt], block: Block, places: Sequence[int], numbers: Any) -> None:
        """Count points of a block that have lost digits, and keep some; `numbers` are those among all points."""
        self.count += len(places)
        for k, number in list(zip(places, numbers, strict=True))[: FEW_POINTS - len(kept)]:
            point = point_of(block.columns, self.names, k)
            kept.append(LostAt(int(number), block.calculation, point, block.table[k].tolist()))


def _joined(parts: Sequence[Any], waiting: Sequence[_Waiting]) -> Any:
    """The values of a slot at several groups of points, one after the other; a constant as it is."""
    if not isinstance(parts[0], np.ndarray):
        return parts[0]
    pairs = zip(parts, waiting, strict=True)
    return np.concatenate([np.broadcast_to(v, (*v.shape[:-1], len(one.numbers))) for v, one in pairs], axis=-1)


class Evaluation:
    """Evaluates block after block; keeps for each calculation the screen that finds points with lost digits."""

    def __init__(self) -> None:
        self._screens: dict[Calculation, Screen] = {}

    def __call__(
        self, calculation: Calculation, columns: dict[str, Any], gradient: bool, table: Floats | None = None
    ) -> Block:
        """The value at each point; with `gradient`, each row continues with the entries of the gradient.

        They are written into `table`, if one is given.
        """
        if table is None:
            table = np.empty((points_of(columns), 1 + calculation.inputs if gradient else calculation.outputs))
        kinks: list[Kink] = []
        if calculation not in self._screens:
            self._screens[calculation] = Screen(calculation.program, calculation.sweeps.inputs)
        screen = self._screens[calculation]
        look = Look(screen, table)
        if gradient:
            calculation.gradient_block(columns, table, kinks, look)
        else:
            calculation.value_block(columns, table, look)
        return Block(calculation, columns, table, kinks, screen, look.kept, look.doubtful)

    def rows(
        self, whole: Calculation, rows: Sequence[Calculation], columns: dict[str, Any]
    ) -> tuple[Block, list[Block]]:
        """The value and the gradient of each output of `whole`, as one block, and as a block for each output.

        `rows` are the calculations of the outputs. All blocks share one table, the columns of an output side by side.
        """
        width = 1 + whole.inputs
        table = np.empty((points_of(columns), len(rows) * width))
        tables = (table[:, start : start + width] for start in range(0, table.shape[1], width))
        blocks = [self(row, columns, True, part) for row, part in zip(rows, tables, strict=True)]
        kinks = sorted((kink for block in blocks for kink in block.kinks), key=lambda kink: kink.point)
        return Block(whole, columns, table, kinks, blocks[0].screen, [], []), blocks


def point_of(columns: Mapping[str, Any], names: Sequence[str], i: int) -> dict[str, Any]:
    """The i-th point; a name that is not in `names` is a constant, which has one column."""
    point = {name: values[..., i if name in names else 0] for name, values in columns.items()}
    return {name: value if value.ndim else float(value) for name, value in point.items()}


def arrays_of(points: object, names: Sequence[str]) -> dict[str, Floats]:
    """The points as one array for each variable, (B, …); UsageError for points that don't fit.

    `points` is such a mapping, or, where all variables are numbers, an array (B, n) with a column for each.
    """
    found = by_name(points)
    points = points if found is None else found[0]
    if not isinstance(points, Mapping):
        table = _array("points", points)
        if table.ndim != 2 or table.shape[1] != len(names):
            expected = f"an array of {len(names)} columns ({', '.join(names)}), or a mapping of names to arrays"
            raise UsageError(f"points: expected {expected}, found an array of shape {table.shape}")
        return {name: table[:, k] for k, name in enumerate(names)}
    check_names(points, names, "points")
    if missing := [name for name in names if name not in points]:
        raise UsageError(f"points: no values are given for {', '.join(missing)}")
    arrays = {name: _array(name, points[name]) for name in names}
    if len({len(array) for array in arrays.values()}) > 1:
        sizes = ", ".join(f"{name} {len(array)}" for name, array in arrays.items())
        raise UsageError(f"points: each variable has one entry a point, found {sizes}")
    return arrays


def _array(name: str, values: object) -> Floats:
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"{name}: expected an array of numbers, found {shown(values)}") from error
    if not 1 <= array.ndim <= 3:
        raise UsageError(f"{name}: expected a number, a vector or a matrix for each point, found shape {array.shape}")
    return array


def blocks_of(
    calculation: Calculation, arrays: Mapping[str, Floats], constants: Mapping[str, Any], gradient: bool
) -> Iterator[Block]:
    """The results at many points, computed block by block."""
    size = len(next(iter(arrays.values())))
    evaluate = Evaluation()
    fixed = {name: np.asarray(value, np.float64)[..., None] for name, value in constants.items()}
    for start in range(0, size, BLOCK):
        part = {name: array[start : start + BLOCK] for name, array in arrays.items()}
        columns = {name: np.ascontiguousarray(np.moveaxis(array, 0, -1)) for name, array in part.items()}
        yield evaluate(calculation, {**columns, **fixed}, gradient)
