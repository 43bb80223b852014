"""How numbers and records are written: the shortest decimal, JSON and CSV lines."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from importlib import import_module
from typing import Any


class Written(float):
    """A double with the text that it is written as."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, value: float, text: str) -> "Written":
        """The double `value`, written as `text`."""
        self = super().__new__(cls, value)
        self.text = text
        return self


def number(value: Any, precision: int | None = None) -> str:
    """The shortest decimal that reads back as the same double, or `precision` significant digits.

    No `.0`, no `+`, no zeros that pad an exponent; −0 is `0`; not finite: `nan`, `inf`, `-inf`.
    """
    if type(value) is not float:
        if isinstance(value, int):  # int and bool: counts, classes
            return str(int(value))
        if isinstance(value, Written):
            return value.text
        value = float(value)
    if value == 0:
        return "0"
    if precision is None:
        text = repr(value)
    elif precision <= 15:  # a decimal of 15 digits is the same after conversion to a double and back
        rounded = float(f"{value:.{precision - 1}e}")
        beyond = math.isinf(rounded) and math.isfinite(value)  # 1.7977e308 in two digits is 1.8e308
        text = f"{value:.{precision}g}" if beyond else repr(rounded)
    else:
        text = f"{value:.{precision}g}"
    if "e" not in text:
        return text.removesuffix(".0")
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def numbers(values: Sequence[Any], precision: int | None = None) -> list[str]:
    """`number` of each value. Doubles in full are all written at once, which is faster."""
    if precision is not None or not values or {*map(type, values)} != {float}:
        return [number(value, precision) for value in values]
    return joined(values, "\n").split("\n")


def joined(values: Any, separator: str) -> str:
    """`number` of each of some doubles, a list or an array (N,), in full, with one character between them."""
    text = _fast_text(values) if len(values) >= _MANY else ""
    if text:
        text = text.replace(",", separator)
    else:
        text = separator.join([*map(repr, getattr(values, "tolist", lambda: values)()), ""])
    # The digits are the same, and padded: 4.0, 1e+300, 1e-05, -0.0.
    text = text.replace(f".0{separator}", separator).replace("e+", "e").replace("e-0", "e-")
    if f"-0{separator}" in text:
        return separator.join(["0" if one == "-0" else one for one in text[:-1].split(separator)])
    return text[:-1]


_MANY = 200  # doubles, for which a faster writer is worth loading


@cache
def _fast_writer() -> Any:
    """orjson, which writes the shortest decimals ten times as fast as Python; None without the extra `fast`."""
    try:
        return import_module("orjson")
    except ImportError:
        return None


def _fast_text(values: Any) -> str:
    """The shortest decimals of some doubles, a comma behind each, by orjson; "" without it and if not finite."""
    writer = _fast_writer()
    if writer is None:
        return ""
    text = writer.dumps(values, option=writer.OPT_SERIALIZE_NUMPY).decode()[1:-1] + ","
    if "null" in text:
        return ""
    # Below 0.0001 Python writes an exponent: 1e-05, and orjson 0.00001.
    return re.sub(r"0\.0000\d*", _with_exponent, text) if "0.0000" in text else str(text)


def _with_exponent(found: re.Match[str]) -> str:
    before = found.string[found.start() - 1 : found.start()]
    return found[0] if before.isdigit() else repr(float(found[0]))


_JSON_NOT_FINITE = {"nan": '"NaN"', "inf": '"Infinity"', "-inf": '"-Infinity"'}


def json_text(value: Any, precision: int | None = None) -> str:
    """`value` as one line of RFC 8259 JSON; numbers as `number` prints them, those not finite as strings."""
    if isinstance(value, float):
        text = number(value, precision)
        return _JSON_NOT_FINITE.get(text, text)
    if isinstance(value, str):
        return _json_string(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join([f"{_json_string(str(k))}: {json_text(v, precision)}" for k, v in value.items()]) + "}"
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if hasattr(value, "tolist"):  # a NumPy array or scalar
        return json_text(value.tolist(), precision)
    if isinstance(value, list) and {*map(type, value)} == {float}:
        if precision is None and "n" not in (text := joined(value, ",")):
            return f"[{text.replace(',', ', ')}]"
        return "[" + ", ".join([_JSON_NOT_FINITE.get(text, text) for text in numbers(value, precision)]) + "]"
    if isinstance(value, Iterable):
        return "[" + ", ".join([json_text(v, precision) for v in value]) + "]"
    return number(value, precision)


@lru_cache(1024)  # every record repeats names and expressions
def _json_string(text: str) -> str:
    from json import dumps

    return dumps(text)


def byte_size(count: int) -> str:
    """A number of bytes in its unit, to three digits: `8 TB`."""
    value, units = float(count), iter(("bytes", "kB", "MB", "GB", "TB", "PB", "EB"))
    unit = next(units)
    while value >= 1000 and unit != "EB":
        value, unit = value / 1000, next(units)
    return f"{number(value, 3)} {unit}"


def cell(value: Any, precision: int | None = None) -> str:
    """A value of a text table or a CSV: text as it is, None as nothing, a number as `number` prints it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else number(value, precision)


def cells(values: Sequence[Any], precision: int | None = None) -> list[str]:
    """`cell` of each value of a column or a row."""
    types = {*map(type, values)}
    if types == {float}:
        return numbers(values, precision)
    return [*values] if types == {str} else [cell(value, precision) for value in values]


def csv_lines(columns: Iterable[Sequence[Any]], precision: int | None = None) -> Iterator[str]:
    """`csv_line` of each row of some columns."""
    texts = []
    for column in columns:
        text = cells(column, precision)
        is_plain = not {*map(type, column)} - {float, int} or _UNQUOTED.fullmatch("".join(text))
        texts.append(text if is_plain else [_quoted(one) for one in text])
    return map(",".join, zip(*texts, strict=True))


def csv_line(values: Iterable[Any], precision: int | None = None) -> str:
    """One CSV record (RFC 4180 quoting), without its newline."""
    return ",".join([_quoted(cell(v, precision)) for v in values])


_UNQUOTED = re.compile(r'[^,"\s]*')


def _quoted(text: str) -> str:
    if any(c in text for c in ',"\n\r') or text != text.strip():
        return '"' + text.replace('"', '""') + '"'
    return text


def counted(count: int, one: str, many: str = "") -> str:
    """`1 entry`, `2 entries`; without `many` the plural has an s."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"
