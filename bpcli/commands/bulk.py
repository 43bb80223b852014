"""Values and gradients at many points: streamed in blocks, printed a line a point or written as `.npy`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bpcli.calculus.bulk import BLOCK, map_in_order
from bpcli.calculus.derivative import Calculation
from bpcli.commands.calculator import Printer, Request
from bpcli.errors import UsageError

Block = tuple[Calculation, dict[str, Any], list[Any]]


def run_bulk(request: Request, printer: Printer, gradient: bool, target: str | None, force: bool) -> None:
    """Evaluate the one expression of `request`, with its gradient or without, at the points of its file."""
    if target is not None and request.points is None:
        raise UsageError("--output writes the columns of many points, and goes with --points")
    results = map_in_order(lambda item: _evaluate(item, gradient), request.blocks(BLOCK))
    if target is not None:
        _write(results, Path(target), force, printer, request)
    else:
        for block in results:
            _print(block, gradient, printer, request)
    printer.finish()


def _evaluate(item: tuple[Calculation, dict[str, Any]], gradient: bool) -> Block:
    calculation, columns = item
    if not gradient:
        return calculation, columns, calculation.value_block(columns)
    value, blocks = calculation.gradient_block(columns)
    return calculation, columns, [value, *blocks.values()]


def _rows(block: Block) -> Any:
    """The results of a block as a table: a row a point, a column an entry."""
    import numpy as np

    results = block[2]
    return np.concatenate([r.reshape(-1, r.shape[-1]) for r in results]).T


def _point(block: Block, request: Request, i: int) -> dict[str, Any]:
    point = {}
    for name, values in block[1].items():
        value = values[..., i if name in request.variables.names else 0]
        point[name] = value if value.ndim else float(value)
    return point


def _remember(block: Block, rows: Any, printer: Printer, request: Request) -> None:
    """Note the points of a block whose results are not finite."""
    import numpy as np

    for i in np.flatnonzero(~np.isfinite(rows).all(axis=1)).tolist():
        printer.check(block[0], _point(block, request, i), rows[i].tolist())


def _write(results: Iterator[Block], target: Path, force: bool, printer: Printer, request: Request) -> None:
    from bpcli.datasets.points import write_blocks
    from bpcli.files import refuse_overwrite

    if target.suffix != ".npy":
        raise UsageError(f"--output {target}: the columns are written as .npy", f"--output {target.stem}.npy")
    if not force:
        refuse_overwrite(target)

    def tables() -> Iterator[Any]:
        for block in results:
            rows = _rows(block)
            _remember(block, rows, printer, request)
            yield rows

    write_blocks(target, tables(), 1 + len(request.wrt), force)


def _print(block: Block, gradient: bool, printer: Printer, request: Request) -> None:
    from bpcli.commands import eval as eval_
    from bpcli.commands import grad

    calculation, columns, results = block
    # As plain lists, a point each: NumPy is slow at single numbers.
    points = zip(*(_by_point(columns[name]) for name in request.variables.names), strict=True)
    for point, (value, *slopes) in zip(points, zip(*map(_by_point, results), strict=True), strict=True):
        named = {**dict(zip(request.variables.names, point, strict=True)), **request.variables.constants}
        if gradient:
            grad.show(printer, request, calculation, named, value, dict(zip(request.wrt, slopes, strict=True)))
        else:
            eval_.show(printer, request, calculation, named, value)


def _by_point(values: Any) -> Any:
    """Floats or nested lists, one for each point on the trailing axis."""
    import numpy as np

    return np.moveaxis(values, -1, 0).tolist()
