"""Formatted numbers: with a currency or unit, in per cent, negative in brackets, with thousands separators.

All cells of a column together decide whether `1,234` is 1234 or 1.234.
"""

import re
from collections.abc import Collection, Iterable
from math import isfinite
from typing import NamedTuple

from bpcli.text.notation import number

_LONGEST = 80
_MONEY = "$€£¥₹₩₽₺₴₫₪฿₱₦¢"
_CODES = (
    "USD EUR JPY GBP CNY RMB AUD CAD CHF HKD SGD SEK KRW NOK NZD INR MXN TWD ZAR BRL DKK PLN THB ILS IDR CZK AED TRY "
    "HUF CLP SAR PHP MYR COP RUB RON PEN ARS BGN BHD ISK UAH VND EGP NGN PKR KES MAD QAR KWD"
)
"""The codes of currencies (ISO 4217); other capitals before a number make it an id, such as SKU12."""
_APART = " \u00a0\u2009\u202f'’"  # thousands separators with either decimal mark
_SCALES = {"%", "‰", "k", "K", "M", "B", "T", "bn", "mn", "Mio", "Mrd"}  # units that scale: 3 % is not 3
_CELL = (
    rf"(?P<bracket>\()?\s*(?P<minus>[-+−])?\s*(?P<before>[A-Za-z]{{0,3}}[{_MONEY}]|{'|'.join(_CODES.split())}|Rs\.?|kr\.?)?\s*"
    rf"(?P<second>[-+−])?(?P<digits>[0-9.,](?:[0-9.,{_APART}]*[0-9.,])?)(?P<power>[eEdD][-+]?[0-9]{{1,3}})?"
    r"(?P<last>[-−]\Z)?\s*(?P<after>[^\s\d(),.+−'_-][^\d(),+−-]{0,19})?\s*(?(bracket)\))"
)
_BEHIND_UNIT = re.compile(rf"([{_MONEY}])\s*\(")


def _digits(decimal: str) -> str:
    """The pattern of a number with this decimal mark, whose thousands may be separated, all by the same character."""
    other = "," if decimal == "." else r"\."
    lakhs = r"|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}" if decimal == "." else ""
    grouped = rf"[1-9][0-9]{{0,2}}(?P<mark>[{other}{_APART}])[0-9]{{3}}(?:(?P=mark)[0-9]{{3}})*"
    return rf"(?:{grouped}{lakhs}|[0-9]+)?(?:{re.escape(decimal)}[0-9]*)?"


_DIGITS = {decimal: _digits(decimal) for decimal in ".,"}


class Style(NamedTuple):
    """How the numbers of a column are written: the decimal mark, and the unit, empty if there is none."""

    decimal: str
    unit: str = ""


class UndecidedError(Exception):
    """The style of a column can't be decided: the reason, the `cell` at fault, and whether `both` marks would fit."""

    def __init__(self, reason: str, cell: str = "", both: bool = False) -> None:
        super().__init__(reason)
        self.cell, self.both = cell, both


def read_cell(cell: str, decimal: str) -> tuple[float, str] | None:
    """The number in a cell and its unit, or None if the cell is not a number.

    (3) and 3-, which SAP writes, are −3; 4 % is 0.04.
    """
    # Accountants also write $(3) for ($3).
    found = re.fullmatch(_CELL, _BEHIND_UNIT.sub(r"(\1", cell.strip())) if len(cell) <= _LONGEST else None
    whole = found and re.fullmatch(_DIGITS[decimal], found["digits"])
    if not found or not whole or not re.search("[0-9]", whole[0]):
        return None
    signs = [sign for sign in (found["bracket"], found["minus"], found["second"], found["last"]) if sign]
    unit = " ".join(filter(None, [found["before"], (found["after"] or "").strip()]))
    if len(signs) > 1 or (unit == "%" and found["power"]):
        return None
    digits = re.sub(f"[{_APART}{'.' if decimal == ',' else ','}]", "", whole[0]).replace(",", ".")
    power = (found["power"] or "").lower().replace("d", "e")  # Fortran writes 1.5D+03
    if power and len(digits) < len(whole[0]):
        return None  # thousands separators and an exponent do not occur together
    value = float(("" if signs in ([], ["+"]) else "-") + digits + (power or "e-2" * (unit == "%")))
    return (value, unit) if isfinite(value) else None


def style_of(cells: Iterable[str], gaps: Collection[str], marks: str = ".,", usual: str = "") -> Style:
    """The style in which every cell that is not in `gaps` is a number; its decimal mark is one of `marks`.

    Where both marks fit, the `usual` one is taken. UndecidedError if no mark fits, if both fit with different numbers
    and neither is usual, or if there are two units.
    """
    filled = [cell for cell in cells if cell not in gaps]
    read = {mark: {cell: read_cell(cell, mark) for cell in filled} for mark in marks}
    fitting = [mark for mark, found in read.items() if None not in found.values()]
    if not fitting:
        mark = min(read, key=lambda mark: [*read[mark].values()].count(None))
        bad = next(cell for cell in filled if read[mark][cell] is None)
        raise UndecidedError(f"{bad!r} does not read as a number", bad)
    if usual in fitting:
        fitting = [usual]
    if len(fitting) == 2:
        for cell in filled:
            (point, _), (comma, _) = (read[mark][cell] or (0.0, "") for mark in ".,")
            if point != comma:
                both = f"{number(point)} or {number(comma)}"
                raise UndecidedError(f"{cell!r} could be {both}, as could all others", cell, both=True)
    values = read[fitting[0]]
    units = {found[1]: cell for cell, found in values.items() if found}
    named = sorted(filter(None, units))
    if len(named) > 1 or (named and "" in units and _scales(named[0])):
        first, second = (units[unit] for unit in [*named, ""][:2])
        raise UndecidedError(f"{first!r} and {second!r} have different units", second)
    return Style(fitting[0], named[0] if named else "")


def read_styled(cell: str, style: Style) -> float | None:
    """The number in a cell, None if it does not read in this style; only a unit that does not scale may be absent."""
    found = read_cell(cell, style.decimal)
    if found is None or (found[1] != style.unit and (found[1] or _scales(style.unit))):
        return None
    return found[0]


def _scales(unit: str) -> bool:
    """Whether the unit changes the size of the number, as per cent and millions do."""
    return unit.rpartition(" ")[2] in _SCALES
