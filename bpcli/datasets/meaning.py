"""Missing words, formatted numbers and decimal commas: how the cells of a table are read by its dialect.

`with_dialect` applies a dialect to a table. What a config leaves open is decided from all cells of the table by
`decided_numbers`, `decided_words` and `has_decimal_commas`, and is then part of the dialect.
"""

import re
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

import numpy as np

from bpcli.datasets.cells import DASH, MISSING, is_number, point_for_comma, to_numbers
from bpcli.datasets.dialect import AUTO, Dialect
from bpcli.datasets.formatted_numbers import Style, UndecidedError, read_styled, style_of
from bpcli.datasets.share import in_all_processes, in_any_process
from bpcli.datasets.sparse import SparseTable
from bpcli.datasets.table import Table
from bpcli.errors import DataError, OpenReadingError, several
from bpcli.text.notation import number

T = TypeVar("T", bound=Table)

_WITH_COMMA = re.compile(r"[-+]?[0-9]*,[0-9]*(?:[eE][-+]?[0-9]+)?")
_LIKE_THOUSANDS = re.compile(r"[-+]?[1-9][0-9]{0,2},[0-9]{3}")
_POINT_IN_THOUSANDS = re.compile(r"[-+]?[1-9][0-9]{0,2}\.[0-9]{3}")
_BELOW_THOUSAND = re.compile(r"[-+]?[0-9]{1,3}")


def with_dialect(table: Table, dialect: Dialect) -> Table:
    """The table read by the missing words and number styles of the dialect; DataError for a cell that does not read."""
    return with_numbers(with_words(table, dialect), dialect)


def with_words(table: Table, dialect: Dialect) -> Table:
    """The table with the missing words of the dialect."""
    if not isinstance(table, SparseTable):
        for name in table.names if dialect.missing_words != AUTO else ():
            words = words_of(dialect, name)
            if words is not None:
                table.missing_words[name] = words
                _apply_words(table, name, words)
    return table


def with_numbers(table: Table, dialect: Dialect) -> Table:
    """The table with the formatted numbers of the dialect as numbers, if all their styles are decided."""
    if isinstance(dialect.numbers, Mapping) and not is_open(dialect):
        for name in _formatted_columns(table, dialect):
            _read_formatted(table, name, Style(**dialect.numbers[name]))
    return table


def words_of(dialect: Dialect, name: str) -> frozenset[str] | None:
    """The missing words of a column, always with the empty cell; None if they are the usual ones."""
    words = dialect.missing_words
    if isinstance(words, Mapping):
        return frozenset({"", *words[name]}) if name in words else None
    return None if words == AUTO else frozenset({"", *words})


def _apply_words(table: Table, name: str, words: frozenset[str]) -> None:
    """Read a column by its own missing words. If a word is a number, every cell that equals it is missing."""
    plain = point_for_comma if table.dialect.decimal == "," else str
    values = [float(plain(word)) for word in words if is_number(plain(word))]
    if table.is_numeric(name) and not table.is_boolean(name):
        numbers = table.numeric(name)
        if np.isnan(numbers).any() and {*table.text(name)} & ((MISSING | {DASH}) - words):
            table.redefine(name, table.text(name))
            return
    else:
        cells = table.text(name)
        found = to_numbers([cell if cell in words else plain(cell) for cell in cells], words)
        if found is None:
            table.redefine(name, cells)
            return
        numbers = found
    gaps = np.isin(numbers, values)
    if gaps.any() or not table.is_numeric(name):
        table.redefine(name, np.where(gaps, np.nan, numbers))


def _read_formatted(table: Table, name: str, style: Style) -> None:
    """Read a column of formatted numbers."""
    gaps, cells = table.words(name) | {DASH}, table.text(name)
    read: dict[str, float | None] = {cell: np.nan if cell in gaps else read_styled(cell, style) for cell in {*cells}}
    bad = next((row for row, cell in enumerate(cells) if read[cell] is None), None)
    if bad is not None:
        like = f"of {style.unit} " if style.unit else ""
        what = f"{cells[bad]!r} does not read as a number {like}with decimals behind {style.decimal!r}"
        raise DataError(f"{table.where(bad, name)}: {what}", _gap(name, cells[bad]))
    table.redefine(name, np.fromiter((read[cell] for cell in cells), np.float64, len(cells)))
    table.formatted.add(name)


def is_open(dialect: Dialect) -> bool:
    """Whether the style of any column of formatted numbers is still to be decided."""
    numbers = dialect.numbers
    return bool(numbers) and not (
        isinstance(numbers, Mapping) and all({*s} == {*Style._fields} for s in numbers.values())
    )


def decided_numbers(table: Table, dialect: Dialect, given: str = AUTO) -> Dialect:
    """The dialect with the style of each column of formatted numbers; DataError where none or two would fit.

    `given` is the decimal mark of the config, which decides where both marks fit.
    """
    numbers = dialect.numbers
    styles = {name: dict(numbers[name]) if isinstance(numbers, Mapping) else {} for name in numbers}
    for name in _formatted_columns(table, dialect):
        if {*styles[name]} < {*Style._fields}:
            styles[name] = _decided(table, name, styles[name].get("decimal"), given)._asdict() | styles[name]
    return replace(dialect, numbers=styles or ())


def _formatted_columns(table: Table, dialect: Dialect) -> list[str]:
    """The columns of formatted numbers in the table, except those whose type in the file is a number."""
    return [
        name
        for name in dialect.numbers
        if name in table.names and (table.written or name in table.quoted or not table.is_numeric(name))
    ]


def _decided(table: Table, name: str, mark: str | None, given: str) -> Style:
    try:
        return style_of(dict.fromkeys(table.distinct(name)), table.words(name) | {DASH}, mark or ".,", given)
    except UndecidedError as error:
        where = table.where(table.text(name).index(error.cell) if error.cell in table.text(name) else 0, name)
        ways = [f'data.numbers: {{{name}: {{decimal: "{mark}"}}}}' for mark in ".,"]
        hint = " or ".join(ways) if error.both else _gap(name, error.cell)
        raise DataError(f"{where}: {error}", hint) from error


def _gap(name: str, cell: str) -> str:
    from bpcli.text.yaml12 import yaml_text  # imported only for an error: it imports PyYAML

    return f"if it is a gap: data.missing_words: {yaml_text({name: [cell]})}"


def decided_words(
    table: Table, names: Iterable[str], target: str | None
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """The missing words of the columns of text in which NA or None is a value, and notes that say so.

    NA is a value where all others are codes of at most three capitals, None is one in the target.
    """
    words: dict[str, tuple[str, ...]] = {}
    notes = []
    for name in names:
        if table.is_numeric(name):
            continue
        cells = {*table.distinct(name)}
        others = cells - MISSING
        values = (
            {"NA"} & cells
            if others and all(len(cell) <= 3 and cell.isalpha() and cell.isupper() for cell in others)
            else set()
        )
        why = {"NA": "as all others are capitals", "None": "as it is in the target"}
        for word in sorted(values | ({"None"} & cells if name == target else set())):
            notes.append(
                f"{table.path}: column {name}: {word} is a value, no gap, {why[word]}; data.missing_words says else"
            )
            words[name] = tuple(sorted({*words.get(name, MISSING)} - {word}))
    return words, notes


def has_decimal_commas(table: Table, dialect: Dialect) -> bool:
    """Whether a column of text has numbers with decimal commas, at least one such as 1,5, not only such as 1,234."""
    for name in table.names:
        if not table.is_numeric(name) and name not in dialect.numbers:
            commas = {cell for cell in table.text(name) if "," in cell}
            are_numbers = all(map(_WITH_COMMA.fullmatch, commas)) and (
                to_numbers([*map(point_for_comma, {*table.text(name)} - table.words(name))]) is not None
            )
            found = commas and not all(map(_LIKE_THOUSANDS.fullmatch, commas))
            if in_all_processes(table.share, are_numbers) and in_any_process(table.share, found):
                return True
    return False


def refuse_thousands(table: Table, dialect: Dialect, blocks: Callable[[], Iterable[Table]]) -> None:
    """OpenReadingError for numbers such as 912 and 1.234 whose points may separate thousands.

    They may where a formatted column has decimal commas, or where semicolons separate the cells: programs that write
    semicolons mostly write decimal commas. Points are decimal if a cell has not exactly three digits behind its point,
    or is below one; or, where only the semicolons suggest commas, if every cell has three. `dialect` is the config's
    with the styles of formatted numbers; `blocks` gives the cells as they are in the file.
    """
    styles = dialect.numbers if isinstance(dialect.numbers, Mapping) else {}
    comma = next((name for name, style in styles.items() if style.get("decimal") == ","), None)
    with_commas = table.dialect.delimiter != "," if comma is not None else table.dialect.delimiter == ";"
    if dialect.decimal != AUTO or table.dialect.decimal != "." or not with_commas:
        return
    names = [
        name
        for name in table.names
        if name not in dialect.numbers and table.is_numeric(name) and _may_be_thousands(table, name, comma is None)
    ]
    if not names:
        return
    other: set[str] = set()  # columns with a cell that is neither like 1.234 nor a whole number below 1000
    whole: set[str] = set()  # columns with a whole number below 1000
    found: dict[str, str] = {}  # a cell like 1.234 of each column that has one
    for block in blocks():
        for name in names:
            cells = {*block.text(name)} - block.number_gaps(name) if name not in other else set()
            points = {cell for cell in cells if _POINT_IN_THOUSANDS.fullmatch(cell)}
            other |= set() if all(map(_BELOW_THOUSAND.fullmatch, cells - points)) else {name}
            whole |= {name} if cells - points else set()
            found |= {name: min(points)} if points and name not in found else {}
    others, wholes, founds = zip(*table.share.gathered((other, whole, found)), strict=True)
    found = dict(ChainMap(*founds))
    found = {
        name: found[name]
        for name in names
        if name not in set().union(*others) and (comma is not None or name in set().union(*wholes))
    }
    if found:
        name, cell = next(iter(found.items()))
        both = f"{cell} could be {number(float(cell))} or {cell.replace('.', '')}"
        beside = f"column {comma} has decimal commas" if comma is not None else ""
        why = beside or "the cells are between semicolons, and others are below 1000"
        readings = [f"column {name}: {cell} is read as {cell.replace('.', '')}" for name, cell in found.items()]
        raise OpenReadingError(
            f"{table.path}: column {name}: {both}, as {why}",
            f'data.numbers: {{{name}: {{decimal: ","}}}} if points set thousands apart, data.decimal: "." if not',
            {"numbers": {name: {"decimal": ","} for name in found}},
            f"{table.path}: {several(readings, 3)}{beside and f', as {beside}'} (data.numbers says else)",
        )


def _may_be_thousands(table: Table, name: str, some_are_whole: bool) -> bool:
    """Whether all numbers are below 1000, whole or above 1, and have at most three decimals, not all being whole.

    With `some_are_whole` at least one has to be whole.
    """
    values = table.numeric(name)
    sizes = np.abs(values[~np.isnan(values)])
    is_whole = sizes == np.floor(sizes)
    fit = (
        (sizes < 1000).all() and (is_whole | (sizes > 1)).all() and np.array_equal(np.round(1000 * sizes) / 1000, sizes)
    )
    all_fit, some_whole, all_whole = zip(
        *table.share.gathered((bool(fit), bool(is_whole.any()), bool(is_whole.all()))), strict=True
    )
    return all(all_fit) and not all(all_whole) and (any(some_whole) or not some_are_whole)


def points_set_thousands(cells: Iterable[str]) -> bool:
    """Whether each number is like 1.234 or a whole one below 1000, and not all are whole.

    In a table with decimal commas such points separate thousands.
    """
    different = {*cells}
    whole = {cell for cell in different if _BELOW_THOUSAND.fullmatch(cell)}
    return different > whole and all(map(_POINT_IN_THOUSANDS.fullmatch, different - whole))


def with_one_decimal(points: T, commas: T, dialect: Dialect) -> T:
    """Of a table read with decimal points and with decimal commas, the reading with commas.

    With commas as delimiter, as long as there are numbers with points, it is the reading with points. OpenReadingError
    for numbers with points elsewhere: the points of a column separate thousands as `points_set_thousands` says, and
    are decimal otherwise.
    """
    pointed = [
        name
        for name in points.names
        if name not in dialect.numbers and points.is_numeric(name) and not commas.is_numeric(name)
    ]
    if not pointed:
        commas.unusual.append("decimal commas")
        return commas
    if points.dialect.delimiter == ",":
        return points
    comma = next(name for name in points.names if commas.is_numeric(name) and not points.is_numeric(name))
    styles, readings = {}, []
    for name in pointed:
        cells = [cell for cell in commas.distinct(name) if cell not in commas.number_gaps(name)]
        odd = [cell for cell in cells if not commas.reads(cell)]
        thousands = points_set_thousands(cells)
        styles[name] = {"decimal": "," if thousands else "."}
        value = odd[0].replace(".", "") if thousands else number(float(odd[0]))
        readings.append(f"column {name}: {odd[0]} is read as {value}")
    from bpcli.text.yaml12 import yaml_text  # imported only for an error: it imports PyYAML

    raise OpenReadingError(
        f"{points.path}: column {pointed[0]} has points in its numbers, column {comma} has decimal commas",
        f'data.numbers: {yaml_text(styles)}; {{decimal: ","}} where points set thousands apart, {{decimal: "."}} where '
        "decimals stand behind them",
        {"numbers": styles},
        f"{points.path}: {several(readings, 3)}, as column {comma} has decimal commas (data.numbers says else)",
    )


def refuse_other_decimal(table: Table, name: str) -> None:
    """DataError for a column of text whose cells are numbers, but with another decimal mark than `data.decimal`."""
    given = table.dialect.decimal
    if table.is_numeric(name) or given not in (".", ","):
        return
    other = "," if given == "." else "."
    cells = {*table.text(name)} - table.number_gaps(name)
    odd = [cell for cell in cells if not table.reads(cell)]
    if odd and all(is_number(point_for_comma(cell) if given == "." else cell) for cell in odd):
        from bpcli.text.yaml12 import yaml_text  # imported only for an error: it imports PyYAML

        row, cell = table.first_not_numeric(name)
        what = f"{cell!r} is no number with {given!r} before its decimals (data.decimal), but one with {other!r}"
        hint = (
            f'data.decimal: "{other}", or auto; or data.numbers: {yaml_text({name: {"decimal": other}})}, or '
            f"{given!r} there where {other!r} sets thousands apart"
            if not any(given in cell for cell in cells)
            else f"others have {given!r}: write all alike"
        )
        raise DataError(f"{table.where(row, name)}: {what}", hint)
