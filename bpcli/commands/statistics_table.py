"""How `inspect --stats` prints statistics: a table that fits 80 columns, CSV, or JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from bpcli.commands import output
from bpcli.commands.option_groups import TEXT_DIGITS
from bpcli.errors import CheckError, several
from bpcli.text.notation import cell, json_text
from bpcli.text.visible import cut, width

_WIDTH = 80
_SHORT = {"std_error": "error", "p_value": "p", "odds_ratio": "odds", "std_error_hc1": "error hc1"}
_LEFT_OUT = ("std_error_hc1", "odds_ratio")  # columns to drop from text that is too wide, the first one first
_MEASURES = {
    "log_likelihood": "log-likelihood",
    "null_log_likelihood": "of the bias alone",
    "deviance": "deviance",
    "aic": "AIC",
    "bic": "BIC",
    "mcfadden_r2": "McFadden's R²",
    "r2": "R²",
    "residual_std_error": "residual error",
    "f": "F",
    "f_p_value": "p of F",
    "effective_parameters": "effective parameters",
    "condition_number": "condition number",
}


def print_statistics(found: Mapping[str, Any], format_: str, precision: int | None) -> None:
    """Print statistics. CheckError where there is no optimum; JSON prints the record before."""
    coefficients = found["coefficients"]
    if format_ == "json":
        output.emit_data(json_text(found, precision))
    if coefficients is None:
        raise CheckError(
            f"the classes are separated, wholly or in part, by {several(found['separated_by'])}: the likelihood grows "
            "with the weights and has no maximum, so that no weight has a standard error",
            "leave these columns out with data.exclude, or train with training.l2",
        )
    if format_ == "csv":
        rows = [["" if value is None else value for value in record.values()] for record in coefficients]
        output.emit_csv([coefficients[0], *rows], precision)
    elif format_ == "text":
        for line in _lines(found, precision or TEXT_DIGITS):
            output.emit(line)
    if "withheld" in found and format_ != "json":
        output.note(f"no intervals and p: {found['withheld']}")
    if found["separated_by"]:
        output.note(f"the classes are separated by {several(found['separated_by'])}; only l2 holds the weights")


def _lines(found: Mapping[str, Any], precision: int) -> list[str]:
    lines: list[str] = []
    by_class: dict[str | None, list[Mapping[str, Any]]] = {}
    for record in found["coefficients"]:
        by_class.setdefault(record["class"], []).append(record)
    for name, records in by_class.items():
        if name is not None:
            against = f" against {found['base']}" if "base" in found else ""
            lines += output.wrapped(f"{name}{against}:")
        lines += [*_table(records, precision), ""]
    if "base_categories" in found:
        lines.append(f"categories against {several(found['base_categories'])}")
    errors = "sandwich (HC0)" if found["covariance"] == "sandwich" else "observed information"
    lines.append(f"{found['rows']} rows, errors by the {errors}")
    shown = [f"{text} {cell(found[key], precision)}" for key, text in _MEASURES.items() if found.get(key) is not None]
    high = {name: v for name, v in found["vif"].items() if v is not None}
    if high:
        name = max(high, key=lambda n: high[n])
        shown.append(f"largest VIF {cell(high[name], precision)} ({name})")
    return lines + _wrapped(shown)


def _table(records: Sequence[Mapping[str, Any]], precision: int) -> list[str]:
    keys = [k for k in records[0] if k != "class" and any(r[k] is not None for r in records)]
    for gone in (None, *_LEFT_OUT):
        keys = [k for k in keys if k != gone]
        header = ["feature" if k == "name" else _SHORT.get(k, k) for k in keys]
        rows = [header, *([_cell(r[k], k, precision) for k in keys] for r in records)]
        lines = output.aligned(rows)
        if max(map(width, lines)) <= _WIDTH:
            return lines
    room = max(8, _WIDTH - (max(map(width, lines)) - max(width(row[0]) for row in rows)))
    short = [cut(row[0], room) for row in rows]
    lines = output.aligned([[name, *row[1:]] for name, row in zip(short, rows, strict=True)])
    return lines if max(map(width, lines)) <= _WIDTH or precision == 1 else _table(records, precision - 1)


def _cell(value: Any, key: str, precision: int) -> str:
    if key == "name":
        return str(value)
    return "" if value is None else cell(value, min(precision, 2) if key == "p_value" else precision)


def _wrapped(parts: Sequence[str]) -> list[str]:
    """The parts, separated by commas, on lines of at most 80 columns."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + len(part) + 3 <= _WIDTH:
            lines[-1] += f", {part}"
        else:
            lines.append(part)
    return lines
