"""Parses blocks of plain decimal numbers by NumPy's operations on whole arrays, correctly rounded.

The places of delimiters, points and exponents give an array entry for each cell. Digits are read eight at a time, as a
64-bit word, in which neighbours are joined into pairs, these into fours, and these into eights (Langdale and Lemire,
"Parsing gigabytes of JSON per second", 2019, have the same for one number). A number is then M / 10^k with whole M
below 2^64 and 10^k a double, divided in pairs of doubles.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_PIECE = 1 << 18
"""Bytes parsed at a time, so that the arrays stay in the processor's cache."""

_WORD = 8  # digits in a 64-bit word
_MOST_DIGITS = 19  # as many always fit into 64 bits
_POWERS = np.array([float(10**k) for k in range(23)])  # up to 10^22 they are doubles
_WHOLE_POWERS = np.array([10**k for k in range(_MOST_DIGITS + 1)], np.uint64)
_LAST_DIGITS = np.array([0x0F0F0F0F0F0F0F0F & -(1 << 8 * (_WORD - k)) for k in range(_WORD + 1)], np.uint64)
"""Masks that keep the values of the last k digits of a word, for k up to 8."""

_JOINS = [(2561, 8, 0x00FF00FF00FF00FF), (6553601, 16, 0x0000FFFF0000FFFF), (42949672960001, 32, 0)]
"""How neighbours are joined: by a product, of which the upper half counts, and a mask of what they come to."""

_DOUBT = 2.0**-40
_FEW = 16
"""If more than one cell in `_FEW` is of another form, such as 1e-300, the block is left to other parsers."""

_NEWLINE, _MINUS, _PLUS, _POINT, _E, _ZERO = map(ord, "\n-+.e0")


class _Cells(NamedTuple):
    """The places of each cell's parts, as indices of the text; `odd` are the cells of another form."""

    starts: Array
    ends: Array
    begins: Array  # of the digits, after the sign
    points: Array  # the end of the whole part
    stops: Array  # the end of the digits after the point
    negative: Array
    scaled: Array  # the numbers of the cells with an exponent
    exponents: Array  # of these
    odd: Array


def plain_numbers(block: bytes, delimiter: str, width: int) -> Array | None:
    """The numbers of a block of whole lines, (rows, width); None if it is not made of plain numbers.

    Plain are digits with a sign, a point and an exponent: the cells of which `float` gives a finite number, without
    blanks, names and underscores. The result has the bits that `float` gives.
    """
    if delimiter in "0123456789+-.eE\r\n":
        return None
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n")
    if not block.endswith(b"\n"):
        block += b"\n"
    found, start = [], 0
    while start < len(block):
        stop = len(block) if len(block) - start <= 2 * _PIECE else block.index(b"\n", start + _PIECE) + 1
        numbers = _numbers(block[start:stop], ord(delimiter), width)
        if numbers is None:
            return None
        found.append(numbers)
        start = stop
    return np.concatenate(found).reshape(-1, width) if found else None


def _numbers(piece: bytes, delimiter: int, width: int) -> Array | None:
    padded = np.frombuffer(b"0" * 3 * _WORD + piece + b"0" * (3 * _WORD - len(piece) % _WORD), np.uint8)
    words = padded.view("<u8")[2:]  # so that word 0 is the last one before the text
    cells = _cells(padded[3 * _WORD : 3 * _WORD + len(piece)], words, delimiter, width)
    if cells is None:
        return None
    whole, part = cells.points - cells.begins, cells.stops - cells.points
    part -= part > 0  # the point itself
    digits, odd = whole + part, cells.odd
    odd |= (digits < 1) | (digits > _MOST_DIGITS)
    if odd.any():
        whole[odd], part[odd] = 1, 0
    M = _whole(words, cells.points, whole) * _WHOLE_POWERS.take(part) + _whole(words, cells.stops, part)
    values, doubtful = _quotients(M, part)
    if len(some := cells.scaled):
        values[some], doubtful[some] = _scaled(M[some], part[some] - cells.exponents)
    odd |= doubtful
    values *= np.where(cells.negative, -1.0, 1.0)
    places = np.flatnonzero(odd)
    if _FEW * len(places) > len(values):
        return None
    try:
        values[places] = [float(piece[a:b]) for a, b in zip(cells.starts[places], cells.ends[places], strict=True)]
    except ValueError:
        return None
    return values if np.isfinite(values[places]).all() else None


def _cells(text: Array, words: Array, delimiter: int, width: int) -> _Cells | None:
    """The parts of the cells; None if the text has other characters, or rows of another width."""
    is_mark = (text - np.uint8(_ZERO)) > 9  # of bytes: what comes before 0 is large, too
    is_mark &= text != _MINUS
    is_mark &= text != _PLUS
    marks = np.flatnonzero(is_mark)
    what = text.take(marks)
    is_end = (what == delimiter) | (what == _NEWLINE)
    is_point, is_e = what == _POINT, (what | 32) == _E
    if np.count_nonzero(is_end) + np.count_nonzero(is_point) + np.count_nonzero(is_e) < len(marks):
        return None
    last = np.flatnonzero(is_end)
    if len(last) % width:
        return None
    of_rows = what.take(last).reshape(-1, width)
    if np.count_nonzero(of_rows == _NEWLINE) != len(of_rows) or not (of_rows[:, -1] == _NEWLINE).all():
        return None
    ends = marks.take(last)
    starts, inside = np.zeros_like(ends), last.copy()
    starts[1:] = ends[:-1] + 1
    inside[1:] -= last[:-1] + 1  # marks within the cell
    first = last - inside
    lead = text.take(starts)
    negative = lead == _MINUS
    signed = negative | (lead == _PLUS)
    has_point, stops, signs = is_point.take(first), ends, np.count_nonzero(signed)
    odd = inside > has_point
    has_e = np.flatnonzero(odd & is_e.take(last - 1) & (inside == 1 + has_point))
    exponents = ends[:0]
    if len(has_e):
        stops, odd[has_e] = ends.copy(), False
        stops[has_e] = marks.take(last[has_e] - 1)
        exponents, wrong, of_exponents = _exponents(text, words, stops[has_e], ends[has_e])
        odd[has_e], signs = wrong, signs + of_exponents
    if signs != np.count_nonzero(text == _MINUS) + np.count_nonzero(text == _PLUS):
        return None  # a sign within a number
    points = np.where(has_point, marks.take(first), stops)
    return _Cells(starts, ends, starts + signed, points, stops, negative, has_e, exponents, odd)


def _exponents(text: Array, words: Array, stops: Array, ends: Array) -> tuple[Array, Array, int]:
    """The exponents between `stops` and `ends`, which are of another form, and how many have a sign."""
    lead = text.take(stops + 1)
    below = lead == _MINUS
    signed = below | (lead == _PLUS)
    length = ends - stops - 1 - signed
    wrong = (length < 1) | (length > 3)
    found = _whole(words, ends, np.where(wrong, 0, length)).astype(np.int64)
    return np.where(below, -found, found), wrong, int(np.count_nonzero(signed))


def _whole(words: Array, ends: Array, count: Array) -> Array:
    """The whole numbers of `count` digits before `ends`."""
    most = int(count.max())
    if most <= 1:
        last = words.view(np.uint8).take(ends + (_WORD - 1))
        return np.asarray((last & np.uint8(15)) * count.astype(np.uint64))
    at, shift = ends >> 3, ((ends & 7) << 3).view(np.uint64)
    back = np.uint64(63) - shift
    found, later = np.zeros(0, np.uint64), words.take(at + 1)
    for k in range(-(-most // _WORD)):
        earlier = words.take(at - k)
        word = earlier >> shift
        word |= (later << np.uint64(1)) << back
        word &= _LAST_DIGITS.take(count - _WORD * k, mode="clip")
        for factor, bits, mask in _JOINS:
            word *= np.uint64(factor)
            word >>= np.uint64(bits)
            if mask:
                word &= np.uint64(mask)
        if k:
            word *= np.uint64(10 ** (_WORD * k))
            word += found
        found, later = word, earlier
    return found


def _scaled(M: Array, k: Array) -> tuple[Array, Array]:
    """M / 10^k as doubles, and where they may be rounded wrongly."""
    size: Array = np.abs(k)
    far = size > len(_POWERS) - 1
    size[far] = 0
    values, doubtful = _quotients(M, np.where(k > 0, size, 0))
    up = k < 0
    if up.any():
        values = np.where(up, values * _POWERS.take(size), values)
        doubtful |= up & (M > 1 << 53)
    return values, doubtful | far


def _quotients(M: Array, k: Array) -> tuple[Array, Array]:
    """M / 10^k for 0 ≤ k ≤ 22, and where it is so near the middle of two doubles that rounding is in doubt.

    With M = m + l in doubles, q = m/10^k and its exact remainder r it is q + (r + l)/10^k, to a relative 2^-104.
    """
    powers = _POWERS.take(k)
    m = M.astype(np.float64)
    rest = (M - m.astype(np.uint64)).view(np.int64).astype(np.float64)
    q = m / powers
    product = q * powers
    q1, p1 = _high(q), _high(powers)
    q2, p2 = q - q1, powers - p1
    error = ((q1 * p1 - product) + q1 * p2 + q2 * p1) + q2 * p2  # Dekker's product
    more = ((m - product - error) + rest) / powers
    least = more * _DOUBT
    values = q + (more + least)
    return values, values != q + (more - least)


def _high(x: Array) -> Array:
    """The first 26 bits of the mantissa (Veltkamp)."""
    t = x * 134217729.0  # 2^27 + 1
    return np.asarray(t - (t - x))
