"""Values and gradients at many points: streamed in blocks, printed one line for each point or written as `.npy`."""

import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from itertools import count, groupby, islice
from pathlib import Path
from typing import Any

from bpcli.api.bulk import Block, Evaluation, LostAt, LostPoints, point_of
from bpcli.calculus.rules.shapes import Shape
from bpcli.calculus.sweeps.blocks import BLOCK, map_in_order
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.seeds import points_of, some_points
from bpcli.commands import output
from bpcli.commands.activity import activity, reading
from bpcli.commands.printing import MAX_NOTES, Printer
from bpcli.commands.requests import Request
from bpcli.errors import UsageError
from bpcli.text.notation import json_text, number

PRINTED_CELLS = 1 << 16  # that are turned to text at once
WRITTEN_CELLS = 1 << 21  # of a block of Jacobians: 16 MB


Show = Callable[..., None]
"""How a command prints one point: printer, request, calculation, point, value, and the gradient if it has one."""


def run_bulk(request: Request, printer: Printer, show: Show, gradient: bool, target: str | None, force: bool) -> None:
    """Print or write the values, with `gradient` also the gradients, of an expression at the points of a file."""
    if target is not None:
        _refuse_without_points(request)
    evaluate = Evaluation()
    blocks = map_in_order(lambda item: evaluate(*item, gradient), request.blocks(BLOCK), _threads(printer))
    hidden = 1 if gradient and printer.format == "text" and target is None else 0  # text has gradients without values
    lost = LostPoints(request.variables.names, hidden)
    checked = (_check(block, printer, request, hidden, [(lost, block)]) for block in blocks)
    with activity(reading([Path(request.points or "")]), quiet=target is None and sys.stdout.isatty()):
        if target is not None:
            _write(checked, Path(target), force, 1 + len(request.wrt))
        else:
            _print(checked, show, gradient, printer, request)
    _tell_lost(lost, printer)
    printer.finish()


def write_jacobian(request: Request, printer: Printer, target: str, force: bool) -> None:
    """Write the value and the gradient of each output of the expressions at the points of a file."""
    _refuse_without_points(request)
    evaluate = Evaluation()
    rows: list[Calculation] = []
    lost: list[LostPoints] = []

    def of_all_outputs(item: tuple[Calculation, dict[str, Any]]) -> tuple[Block, list[Block]]:
        return evaluate.rows(item[0], rows, item[1])

    def parts() -> Iterator[tuple[Calculation, dict[str, Any]] | None]:
        for item in request.blocks(BLOCK):
            if item is None:
                yield None
                continue
            if not rows:
                item[0].check_dense(item[0].outputs, item[0].inputs)
                rows.extend(request.rows(item[0]))
                lost.extend(LostPoints(request.variables.names, 0) for _ in rows)
            points, step = points_of(item[1]), max(1, WRITTEN_CELLS // (len(rows) * (1 + item[0].inputs)))
            for start in range(0, points, step):
                yield item[0], some_points(item[1], slice(start, min(start + step, points)))

    blocks = map_in_order(of_all_outputs, parts(), _threads(printer))
    checked = (_check(whole, printer, request, 0, zip(lost, each, strict=True)) for whole, each in blocks)
    with activity(reading([Path(request.points or "")])):
        _write(checked, Path(target), force, len(request.texts) * (1 + len(request.wrt)))
    for _ in islice((one for one in lost if _tell_lost(one, printer, named=len(lost) > 1)), MAX_NOTES):
        pass
    printer.finish()


def _refuse_without_points(request: Request) -> None:
    if request.points is None:
        raise UsageError("--output writes the columns of many points, and goes with --points")


def _threads(printer: Printer) -> int | None:
    """How many threads compute: one where results are proven, since balls have one precision for all threads."""
    return 1 if printer.certify else None


def _check(
    block: Block, printer: Printer, request: Request, hidden: int, lost: Iterable[tuple[LostPoints, Block]]
) -> Block:
    """Let the printer remember kinks and results that are not finite, and `lost` the points that may have lost digits.

    The first `hidden` columns are not printed, and so not checked.
    """
    import numpy as np

    def point(i: int) -> dict[str, Any]:
        return point_of(block.columns, request.variables.names, i)

    def place(i: int) -> str:
        return block.calculation.diagnostics.edge_place(point(i))

    for i, kinks in groupby(block.kinks, key=lambda kink: kink.point):
        printer.at_kink(partial(place, i), list(kinks))
    if not printer.certify:
        for points, part in lost:
            points.add(part)
    finite = np.isfinite(block.table[:, hidden:])
    if not finite.all():
        for i in np.flatnonzero(~finite.all(axis=1)).tolist():
            printer.check(block.calculation, point(i), block.table[i, hidden:].tolist())
    return block


def _tell_lost(lost: LostPoints, printer: Printer, named: bool = False) -> bool:
    """Note how many points have lost digits, and which digits the first one lost, with the output's name if `named`.

    Returns whether there is such a point.
    """
    lost.look()
    name = f"{lost.first[0].calculation.output_names[0]}, " if named and lost.first else ""
    first = next((words for at in lost.first if (words := _lost_in_words(at, lost.hidden))), "")
    if first:
        printer.lost_in_bulk(f"{name}{first}", lost.count - 1)
    elif lost.unexamined():
        printer.lost_in_bulk(f"{name}{lost.unexamined()}")
    return bool(first or lost.unexamined())


def _lost_in_words(at: LostAt, hidden: int) -> str:
    """The digits that are lost at a point, in words; empty if a calculation at that point alone finds none."""
    from bpcli.calculus.sweeps.lost_digits import lost_in_words

    there = at.calculation_there()
    value, slopes = at.row[: there.outputs], at.row[there.outputs :]
    words = "" if hidden else lost_in_words("value", there, at.point, [value])
    words = words or (lost_in_words("gradient", there, at.point, [slopes]) if slopes else "")
    return f"point {at.number + 1}: {words}" if words else ""


def _write(blocks: Iterator[Block], target: Path, force: bool, empty_width: int) -> None:
    from bpcli.datasets.readers.point_files import write_blocks
    from bpcli.files import refuse_overwrite

    if target.suffix != ".npy":
        raise UsageError(f"--output {target}: the columns are written as .npy", f"--output {target.stem}.npy")
    if not force:
        refuse_overwrite(target)
    write_blocks(target, (block.table for block in blocks), empty_width, force)


# Printing


def _print(blocks: Iterator[Block], show: Show, gradient: bool, printer: Printer, request: Request) -> None:
    write: Callable[[float, int | None], str] = json_text if printer.format == "json" else number
    layouts = None  # the same for all blocks, whose shapes are the same
    for block in blocks:
        inputs = [block.columns[name] for name in request.variables.names]
        cells = [row for values in inputs for row in values.reshape(-1, values.shape[-1])] + list(block.table.T)
        first, further, used = layouts = layouts or _layouts(block.calculation, show, gradient, printer, request)
        size = max(1, PRINTED_CELLS // len(used))
        for start in range(0, len(block.table), size):
            parts = [cells[k][start : start + size].tolist() for k in used]
            texts = zip(*([write(v, printer.precision) for v in part] for part in parts), strict=True)
            if printer.first:
                output.emit_data(first % next(texts))
                printer.first = False
            lines = [further % row for row in texts]
            if lines:
                output.emit_data("\n".join(lines))
        if request.points == "-":  # the writer of the pipe may wait for the results
            output.deliver()


class _Marked(Printer):
    """A printer that gets marks instead of numbers."""

    def check(
        self,
        calculation: Calculation,
        point: Any,
        results: Sequence[Any],
        second: bool = False,
        also: Mapping[str, Sequence[Any]] | None = None,
    ) -> None:
        """Marks are not checked."""


def _layouts(
    calculation: Calculation, show: Show, gradient: bool, printer: Printer, request: Request
) -> tuple[str, str, list[int]]:
    """The text of a first and of a further point, with `%s` for each number, and the positions of these numbers."""
    places = count()
    names, shapes = request.variables.names, calculation.program.variables
    point = {name: _marks(shapes[name], places) for name in names}
    value = _marks(calculation.output_shapes[0], places)
    slopes = {name: _marks(shapes[name], places) for name in request.wrt}
    marked = _Marked(printer.format, printer.precision)
    texts = []
    for _ in range(2):
        with redirect_stdout(StringIO()) as out:
            show(marked, request, calculation, point, value, *([slopes] if gradient else []))
        texts.append(out.getvalue().removesuffix("\n").replace("%", "%%"))
    first, further = (_MARK.sub("%s", text) for text in texts)
    return first, further, [int(place) for place in _MARK.findall(texts[1])]


_MARK = re.compile(r'"?\$(\d+)\$"?')  # in quotes in JSON; no expression contains a dollar


def _marks(shape: Shape, places: Iterator[int]) -> Any:
    """A mark, or an array of marks, with the position of the number that replaces it."""
    import numpy as np

    marks = [f"${next(places)}$" for _ in range(math.prod(shape))]
    return np.array(marks, object).reshape(shape) if shape else marks[0]
