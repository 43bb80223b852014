"""The Jacobians of the lecture's functions by name, and the products with them, as `jacobian NAME` prints them."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bpcli.calculus.one_sided.kinks import Kink
from bpcli.calculus.points.values import parse_value
from bpcli.calculus.rules.shapes import entry_names
from bpcli.commands.requests import Printer, blocks_lines, direction, flat, plain, value_lines
from bpcli.datasets.readers.value_files import read_value_file
from bpcli.errors import UsageError
from bpcli.lecture.inputs import INPUTS
from bpcli.lecture.named_functions import NAMED, Named
from bpcli.numbers.namespaces import namespace

OPTIONAL = {"y", "label"}  # of cce and softmax_cce one of the two


def run_named(name: str, texts: Mapping[str, str], vjp: str | None, jvp: str | None, printer: Printer) -> None:
    """Print the Jacobian of `name`, or v·J or J·v, for the inputs that the options give as texts."""
    row = NAMED[name]
    raw = read_inputs(name, texts)
    with np.errstate(all="ignore"):
        for inputs in each_input(row, raw):
            checked = row.check(dict(inputs))
            shown = {key: plain(inputs[key]) for key in INPUTS[name] if key in inputs}
            if vjp is not None or jvp is not None:
                _print_product(name, row, checked, shown, vjp, jvp, printer)
            else:
                _print_jacobian(name, row, checked, shown, printer)
    printer.finish()


def read_inputs(name: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """The values of a function's options; UsageError if one is missing or too many."""
    wanted = INPUTS[name]
    either = name in ("cce", "softmax_cce")
    missing = [option for option in wanted if option not in texts and not (either and option in OPTIONAL)]
    extra = [option for option in texts if option not in wanted]
    if missing or extra:
        what = (
            f"needs {', '.join(f'--{m}' for m in missing)}"
            if missing
            else f"takes no {', '.join(f'--{e}' for e in extra)}"
        )
        form = " ".join(f"--{option} …" for option in wanted if not (either and option == "label"))
        raise UsageError(f"{name} {what}", f"bpcli jacobian {name} {form}")
    return {
        option: text if option == "activation" else parse_value(text, read_value_file) for option, text in texts.items()
    }


def each_input(row: Named, raw: dict[str, Any]) -> list[dict[str, Any]]:
    """One set of inputs, or one for each row of the matrix that the function is given."""
    if row.rows_of is None or getattr(raw[row.rows_of], "ndim", 0) != 2:
        return [raw]
    if raw[row.rows_of].shape[1] == 1:  # a column, as a file with a number a line is read
        return [{**raw, row.rows_of: raw[row.rows_of][:, 0]}]
    return [{**raw, row.rows_of: one} for one in raw[row.rows_of]]


Results = tuple[Any, dict[str, Any]]


def _evaluated(
    compute: Callable[[Mapping[str, Any]], Results], checked: Mapping[str, Any], printer: Printer
) -> Results:
    """What `compute` makes of the inputs: in doubles, or proven; the value, and arrays by block."""
    if not printer.certify:
        value, blocks = compute(checked)
    else:
        from bpcli.calculus.sweeps.certified import certified
        from bpcli.numbers.balls import balls

        def in_balls() -> Results:
            return compute({k: v if isinstance(v, str) else balls().asarray(v) for k, v in checked.items()})

        entries = sum(np.size(v) for v in checked.values())
        value, blocks = certified(in_balls, printer.precision, entries)
    return plain(value), {name: np.asarray(block) for name, block in blocks.items()}


def _rows_at_kink(name: str, checked: Mapping[str, Any]) -> Any:
    """The outputs that are relu of a z of 0."""
    if name == "neuron" and checked["activation"] == "relu":
        return np.flatnonzero(np.atleast_1d(NAMED["affine"].value(checked)) == 0)
    return np.flatnonzero(checked["z"] == 0) if name == "relu" else np.zeros(0, int)


def _sided(name: str, checked: Mapping[str, Any], blocks: dict[str, Any], printer: Printer) -> dict[str, Any]:
    """A Jacobian with the slopes of a side in the rows of what is relu at 0, and a note on them.

    The lecture's relu'(0) = 1 makes a row the slope for z ≥ 0. To the right of a variable z rises where that slope is
    positive, and falls, to a slope of 0, where it is negative; to the left the other way round.
    """
    rows = _rows_at_kink(name, checked)
    if not rows.size:
        return blocks
    side = {"lecture": None, "left": np.minimum, "right": np.maximum}[printer.kink]
    found = []
    for block, matrix in blocks.items():
        for row in rows.tolist():
            entries = entry_names(block, _shape(checked[block]))
            for k in np.flatnonzero(matrix[row].astype(float)).tolist():
                slope = matrix[row, k]
                left, right = min(float(slope), 0.0), max(float(slope), 0.0)
                if side is not None:
                    matrix[row, k] = side(slope, 0.0)
                found.append(Kink(f"d/d{entries[k]}", 0, left, right, float(matrix[row, k]), False))
    printer.at_kink(lambda: "relu(z) at z = 0", found)
    return blocks


def _with_sides(name: str, row: Named, checked: Mapping[str, Any], printer: Printer) -> Named:
    """The row with products by the Jacobian of a side, where relu is at 0."""
    if not _rows_at_kink(name, checked).size:
        return row
    sided = _sided(name, checked, {k: np.asarray(m) for k, m in row.jacobian(checked).items()}, printer)

    def vjp(inputs: Mapping[str, Any], v: Any) -> dict[str, Any]:
        return {block: v @ _alike(matrix, inputs) for block, matrix in sided.items()}

    def jvp(inputs: Mapping[str, Any], v: Any) -> Any:
        product = _alike(np.concatenate(list(sided.values()), axis=1), inputs) @ v
        return product if name == "relu" else product[0]

    return row._replace(vjp=vjp, jvp=jvp)


def _alike(v: Any, inputs: Mapping[str, Any]) -> Any:
    """The entries of a V as the kind of numbers that the inputs are."""
    return namespace(*(x for x in inputs.values() if not isinstance(x, str))).asarray(v)


def _numbers(value: Any, *blocks: Any) -> list[Any]:
    """All entries of a value and of blocks."""
    return [v for part in (value, *blocks) for v in np.asarray(part, object).ravel().tolist()]


def _entries(row: Named, checked: Mapping[str, Any]) -> list[str]:
    return [t for block in row.blocks for t in entry_names(block, _shape(checked[block]))]


def _shape(x: Any) -> tuple[int, ...]:
    return tuple(np.shape(x))


def _inputs(shown: dict[str, Any]) -> tuple[list[str], list[Any]]:
    """The names and values of all entries of the inputs, for a CSV."""
    names = [t for name, value in shown.items() for t in entry_names(name, _shape(value))]
    cells = [[value] if isinstance(value, str) else flat(np.asarray(value, float)) for value in shown.values()]
    return names, [cell for part in cells for cell in part]


def _check(printer: Printer, name: str, numbers: list[Any]) -> None:
    if printer.all_decided(numbers) and not np.isfinite(np.array(numbers, float)).all():
        printer.not_finite += 1
        printer.notes = [f"{name} of these inputs is beyond the range of doubles, or has no derivative there"]


def _print_jacobian(name: str, row: Named, checked: Mapping[str, Any], shown: dict[str, Any], printer: Printer) -> None:
    value, blocks = _evaluated(lambda i: (row.value(i), row.jacobian(i)), checked, printer)
    blocks = _sided(name, checked, blocks, printer)
    _check(printer, name, _numbers(value, *blocks.values()))
    if printer.format == "json":
        record = {
            "function": name,
            "inputs": shown,
            "value": value,
            "jacobian": {k: m.tolist() for k, m in blocks.items()},
        }
        printer.json(record)
    elif printer.format == "csv":
        outputs = _numbers(value)
        titles = entry_names(name, (len(outputs),)) if isinstance(value, list) else [name]
        matrix = np.concatenate(list(blocks.values()), axis=1).tolist()
        names, cells = _inputs(shown)
        header = [*names, "output", "value", *(f"d/d{t}" for t in _entries(row, checked))]
        printer.csv(header, [[*cells, t, v, *r] for t, v, r in zip(titles, outputs, matrix, strict=True)])
    else:
        # The gradient of a mini-batch is shown a row a sample, in the shape of what it is the gradient by.
        batch = {k: m.reshape(_shape(checked[k])) for k, m in blocks.items() if len(row.blocks) == 1 and len(m) == 1}
        lines = blocks_lines({**blocks, **{k: m for k, m in batch.items() if m.ndim == 2}}, printer.precision)
        printer.text(lines, apart=True)


def _print_product(
    name: str,
    row: Named,
    checked: Mapping[str, Any],
    shown: dict[str, Any],
    vjp: str | None,
    jvp: str | None,
    printer: Printer,
) -> None:
    outputs = np.size(row.value(checked))
    row = _with_sides(name, row, checked, printer)
    if vjp is not None:
        v = np.array(direction("--vjp", vjp, outputs, "outputs"))
        value, blocks = _evaluated(lambda i: (row.value(i), row.vjp(i, _alike(v, i))), checked, printer)
        result: Any = {block: plain(part.reshape(_shape(checked[block]))) for block, part in blocks.items()}
    else:
        inputs = sum(np.size(checked[block]) for block in row.blocks)
        v = np.array(direction("--jvp", jvp or "", inputs, "inputs"))
        value, blocks = _evaluated(lambda i: (row.value(i), {"jvp": row.jvp(i, _alike(v, i))}), checked, printer)
        result = plain(blocks["jvp"])
    numbers = _numbers(*blocks.values())
    _check(printer, name, numbers)
    key = "vjp" if vjp is not None else "jvp"
    if printer.format == "json":
        printer.json({"function": name, "inputs": shown, "value": value, key: result})
    elif printer.format == "csv":
        names, cells = _inputs(shown)
        titles = [f"d/d{t}" for t in _entries(row, checked)] if vjp is not None else entry_names(name, (outputs,))
        printer.csv([*names, *titles], [[*cells, *numbers]])
    elif vjp is not None:
        lines = blocks_lines(result, printer.precision)
        printer.text(lines, apart=len(lines) > 1)
    else:
        printer.text(value_lines(result, printer.precision), apart=False)
