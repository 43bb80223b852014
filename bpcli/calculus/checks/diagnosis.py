"""Diagnosis of a wrong derivative: the one mistake that explains the answer at every input."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations, islice, permutations

import numpy as np

from bpcli.calculus.checks.answers import Cells, Layout
from bpcli.calculus.checks.grading import Array, Compared, Factor, Grade, Tolerance, Truths, typed_slack
from bpcli.calculus.points.values import with_decimal_points
from bpcli.calculus.rules.shapes import entry_names
from bpcli.text.notation import number as written

KNOWN_FACTORS = (2.0, 0.5, 3.0, 1 / 3, 4.0, 0.25, 10.0, 0.1)
"""Factors that are named for a single entry; any other is named only if several entries share it."""

TELLING = 2
"""Digits that were typed, so many of which show what an answer is, though not that it is right."""

_SHOWN = 5  # names of entries in a message
_OFTEN = 0.75  # of the inputs at which a factor matters at all: a factor of ±1 at more of the others is by sides
_NEXT_TO_NOTHING = 1e-6  # of the usual size of the derivative
_NEARLY, _SOME = 1e-4, 3  # so close to the derivative, and not it, is an answer at so many inputs by an approximation
_ORDERS = 120  # of the variables that are tried
_FEW = 0.1  # of the inputs that were tried: an answer that is right at fewer is right by chance


def diagnosed(compared: Compared, plain: Truths) -> Grade:
    """The grade of an answer of the right shape; `plain` marks the inputs that are like no other, by chance.

    The first inputs are those that were asked for. A mistake is named only if it explains the answer at all inputs: in
    all entries, or in all that are wrong somewhere if the message names these. An entry is named once.
    """
    right = compared.right
    wrong = ~np.asarray(right.all(axis=0))
    entries = compared.entries()
    score = compared.score
    if not wrong.any():
        if compared.never_decided.any():
            message = "open: rounding hides the true derivative, or there is none"
            return Grade("open", entries, message, score=None)
        return Grade("right", entries, "right", score=1.0)
    for mistake in _MISTAKES:
        found = mistake(compared, wrong)
        if found is not None:
            return found._replace(entries=entries, score=score)
    whole = np.asarray(right.all(axis=(1, 2)))
    place = int(np.flatnonzero(~whole)[0])
    often = (whole & _telling(compared, wrong, plain)).sum() >= max(2.0, _FEW * plain.sum())
    if whole[0] or (often and len(whole) > 1):
        return Grade("domain", entries, _at_another(compared, wrong, place), score=score)
    here = wrong & compared.right[0] & ~compared.undecided[0]  # entries that are right at the inputs asked for
    shown = ", ".join(_names(compared, wrong & ~here))
    where = _right_at(compared, 1)
    elsewhere = f"; {where}: {', '.join(_names(compared, here))}" if here.any() else ""
    others = int((~wrong & ~compared.never_decided).sum())
    share = f"; the other {others} are right" if others > 1 else "; the other is right" if others else ""
    return Grade("value", entries, f"wrong: {shown}{elsewhere}{share}", score=score)


def _telling(compared: Compared, wrong: Truths, plain: Truths) -> Truths:
    """The inputs at which it says something that an answer is right: not where it is so by chance.

    That is where the derivative is next to 0, as of a sigmoid far out, so that 0 may be right too; and everywhere if
    the answer comes as close as it likes to the derivative without being it, as a Taylor series does.
    """
    sizes = np.nan_to_num(abs(compared.truth)).max(axis=(1, 2), initial=0.0)
    usual = float(np.median(sizes[plain])) if plain.any() else 0.0
    zero = compared._replace(given=np.zeros_like(compared.given)).right[:, wrong].all(axis=1)
    negligible = (sizes > 0) & (zero | (sizes < _NEXT_TO_NOTHING * usual))
    with np.errstate(all="ignore"):
        off = np.where(compared.right, 0.0, abs(compared.given - compared.truth)).max(axis=(1, 2), initial=0.0) / sizes
    nearly = plain & (off > 0) & (off < _NEARLY)
    return np.asarray(plain & ~negligible & (nearly.sum() < _SOME))


def first_wrong(compared: Compared) -> int:
    """The first of the inputs at which an answer is wrong."""
    return int(np.flatnonzero(~compared.right.all(axis=(1, 2)))[0])


def _at_another(compared: Compared, wrong: Truths, place: int) -> str:
    entry = next(entry for entry in compared.entries(place) if not entry.right)
    exact, given = _told_apart(entry.exact, entry.given)
    return f"{_right_at(compared, place)}: {entry.name} is {exact}, not {given}"


def _right_at(compared: Compared, place: int) -> str:
    """Where an answer is right that is wrong at a place."""
    if not compared.at:
        return "right at some points, but not at others"
    return "right at this point, but not at others" if place else "right at some points, but not at this one"


def _told_apart(a: float, b: float) -> tuple[str, str]:
    """Two numbers with six digits, or as many as tell them apart."""
    a, b = a + 0.0, b + 0.0  # −0 is 0
    both = ((f"{a:.{digits}g}", f"{b:.{digits}g}") for digits in range(6, 18))
    return next((pair for pair in both if pair[0] != pair[1]), (f"{a:.17g}", f"{b:.17g}"))


def _names(compared: Compared, wrong: Truths) -> list[str]:
    places = np.flatnonzero(wrong.ravel()).tolist()
    more = [f"{len(places) - _SHOWN} more"] if len(places) > _SHOWN else []
    return [compared.names[k] for k in places[:_SHOWN]] + more


def _where(compared: Compared, wrong: Truths) -> str:
    return "" if wrong.all() else f" in {', '.join(_names(compared, wrong))}"


def _explains(compared: Compared, wrong: Truths, candidate: Array) -> bool:
    """Whether the answer equals the candidate in all of its wrong entries."""
    return bool(compared.holds(candidate)[:, wrong].all())


def _grade(finding: str, message: str, factor: float | None = None) -> Grade:
    return Grade(finding, [], message, factor)


# The mistakes, in the order in which they are looked for


def _other_side(compared: Compared, wrong: Truths) -> Grade | None:
    """The slope on the other side of a kink, or a number between the two."""
    if not compared.sides:
        return None
    names = [side for side, matrix in compared.sides if _explains(compared, wrong, matrix[None])]
    each = [compared.holds(matrix[None])[:, wrong] for _, matrix in compared.sides]
    if not names and not np.any(each, axis=0).all():
        return None
    side = f"the {names[0]}" if names else "one side"
    used = set(compared.truth[0][wrong].tolist())
    which = written(used.pop()) if len(used) == 1 else "another"
    return _grade("value", f"this is the slope on {side}{_where(compared, wrong)}; {which} is used there")


def _transposed(compared: Compared, wrong: Truths) -> Grade | None:
    truth, everywhere = compared.truth, np.ones_like(wrong)
    rows, columns = truth.shape[1:]
    if rows == columns and _explains(compared, everywhere, truth.transpose(0, 2, 1)):
        return _grade("transposed", "this is the transpose: a row is for an output, a column for an input")
    shapes = [shape for _, shape in compared.blocks]
    if rows == 1 and any(len(shape) == 2 for shape in shapes):
        parts, start = [], 0
        for shape in shapes:
            part = truth[:, 0, start : start + math.prod(shape)].reshape(-1, *shape)
            square = len(shape) == 2 and shape[0] == shape[1]
            parts.append((part.transpose(0, 2, 1) if square else part).reshape(len(truth), 1, -1))
            start += math.prod(shape)
        if _explains(compared, everywhere, np.concatenate(parts, axis=2)):
            return _grade("transposed", "this is the transpose: the gradient by a matrix has the matrix's shape")
    return None


def _sign(compared: Compared, wrong: Truths) -> Grade | None:
    if _explains(compared, wrong, -compared.truth):
        return _grade("sign", f"the sign is wrong{_where(compared, wrong)}")
    return None


def _diagonal_only(compared: Compared, wrong: Truths) -> Grade | None:
    rows, columns = compared.truth.shape[1:]
    if rows != columns or rows == 1:
        return None
    aside = ~np.eye(rows, dtype=bool)
    if wrong.diagonal().any() or not (compared.given[:, aside] == 0).all():
        return None
    others = "the other entries" if wrong[aside].all() else ", ".join(_names(compared, wrong))
    return _grade("diagonal_only", f"the diagonal is right, and {others} must not be 0")


def _swapped(compared: Compared, wrong: Truths) -> Grade | None:
    for swap, what in _swaps(compared, wrong):
        if _explains(compared, np.ones_like(wrong), swap(compared.truth)):
            return _grade("swapped", what)
    return None


def _instead(compared: Compared, wrong: Truths) -> Grade | None:
    """Something else that the question knows, such as the derivative by another input."""
    for factor in compared.factors:
        whole = factor.finding == "swapped"
        if factor.finding not in ("swapped", "sign", "factor"):
            continue
        if _lacks(compared, factor, np.ones_like(wrong) if whole else wrong):
            return _grade(factor.finding, f"this is {factor.text}{'' if whole else _where(compared, wrong)}")
    return None


def _swaps(compared: Compared, wrong: Truths) -> Iterator[tuple[Callable[[Array], Array], str]]:
    """Answers with parts swapped: two entries, the blocks of variables, two outputs."""
    places, entries = np.argwhere(wrong), list[tuple[Callable[[Array], Array], str]]()
    if len(places) == 2:
        a, b = (np.ravel_multi_index(tuple(place), wrong.shape) for place in places)
        entries.append((_exchanged([(a, b)]), f"{compared.names[a]} and {compared.names[b]} are swapped"))
    rows, columns = wrong.shape
    numbers = not any(shape for _, shape in compared.blocks)
    yield from entries if numbers else ()
    start, spans = 0, []
    for name, shape in compared.blocks:
        spans.append((name, start, math.prod(shape)))
        start += math.prod(shape)
    for (u, i, size), (v, j, other) in combinations(spans, 2):
        if size == other and size > 1:
            pairs = [(r * columns + i + k, r * columns + j + k) for r in range(rows) for k in range(size)]
            yield _exchanged(pairs), f"d/d{u} and d/d{v} are swapped"
    for order in islice(permutations(spans), 1, _ORDERS):
        given, asked = (", ".join(f"d/d{name}" for name, *_ in one) for one in (order, spans))
        turned = [k for _, first, size in order for k in range(first, first + size)]
        yield partial(np.take, indices=turned, axis=2), f"these are in the order {given}; asked for are {asked}"
    yield from () if numbers else entries
    for r, s in combinations(range(min(rows, 12)), 2):
        yield (
            _exchanged([(r * columns + k, s * columns + k) for k in range(columns)]),
            f"rows {r} and {s}, counted from 0, are swapped",
        )


def _exchanged(pairs: Sequence[tuple[int, int]]) -> Callable[[Array], Array]:
    def apply(truth: Array) -> Array:
        flat = truth.reshape(len(truth), -1).copy()
        left, right = [a for a, _ in pairs], [b for _, b in pairs]
        flat[:, left], flat[:, right] = flat[:, right], flat[:, left]
        return flat.reshape(truth.shape)

    return apply


def _of_the_chain(compared: Compared, wrong: Truths, finding: str) -> Grade | None:
    """A factor of the chain was left out, an inner or an outer one. Nothing is said at a kink, where any number would
    be such a factor."""
    if (compared.of_kink & wrong).any():
        return None
    for factor in compared.factors:
        if factor.finding == finding and _lacks(compared, factor, wrong):
            inner = factor.finding == "inner_derivative"
            what = "the inner derivative is missing" if inner else "the outer derivative is missing"
            return _grade(factor.finding, f"{what}: times {factor.text}{_where(compared, wrong)}")
    return None


def _of_a_rule(compared: Compared, wrong: Truths) -> Grade | None:
    """A rule was broken: a product has a term for each of its factors."""
    if (compared.of_kink & wrong).any():
        return None
    for factor in compared.factors:
        if factor.finding == "value" and _lacks(compared, factor, wrong):
            return _grade("value", f"{factor.text}{_where(compared, wrong)}")
    return None


def _lacks(compared: Compared, factor: Factor, wrong: Truths) -> bool:
    """Whether the entries that are wrong are right times the factor."""
    shape = compared.truth.shape
    if factor.without is not None:  # an answer of 0 alone shows no mistake: there are many ways to 0
        mistaken = factor.without.reshape(shape)
        return bool(mistaken[:, wrong].any()) and _explains(compared, wrong, mistaken)
    values = factor.values.reshape(shape)
    with np.errstate(all="ignore"):
        lacking = compared.tolerance.right(compared.truth, compared.given * values, compared.slack * abs(values))
    # Far out a factor may overflow; one that is ±1 on a whole side is the slope of that side, and is not lacking there.
    counted = np.isfinite(values) & (values != 0) & (compared.truth != 0)
    matters = counted & (abs(abs(values) - 1.0) > 1e-9)
    often = matters.sum(axis=0) > _OFTEN * counted.sum(axis=0)
    return bool((lacking | compared.undecided)[:, wrong].all() and often[wrong].all())


def _usable(compared: Compared, wrong: Truths) -> Truths:
    """Of the wrong entries at all inputs those that show a factor; none at a kink, where a slope between the two of it
    is no factor too much."""
    truth, given = compared.truth[:, wrong], compared.given[:, wrong]
    usable = np.isfinite(truth) & np.isfinite(given) & (truth != 0) & (given != 0)
    return np.asarray(usable & ~(compared.of_kink & wrong).any())


def _known_factor(compared: Compared, wrong: Truths) -> Grade | None:
    if not _usable(compared, wrong).any():
        return None
    n = float(compared.samples)
    if n > 1 and not compared.divided and _explains(compared, wrong, n * compared.truth):
        message = f"the mean is missing: times 1/{n:g}{_where(compared, wrong)}"
        return _grade("missing_mean", message, n)
    known = [f for f in dict.fromkeys([*KNOWN_FACTORS, n, 1 / n]) if f != 1]
    for factor in [sign * f for f in known for sign in (1, -1)]:
        if _explains(compared, wrong, factor * compared.truth):
            return _times(compared, wrong, factor)
    return None


def _any_factor(compared: Compared, wrong: Truths) -> Grade | None:
    usable = _usable(compared, wrong)
    if usable.sum() < 2:
        return None
    truth, given = compared.truth[:, wrong], compared.given[:, wrong]
    best = np.argmax(np.where(usable, abs(truth), 0.0))
    factor = float(given.ravel()[best] / truth.ravel()[best])
    loose = compared._replace(tolerance=compared.tolerance._replace(rtol=max(compared.tolerance.rtol, 1e-9)))
    return _times(compared, wrong, factor) if _explains(loose, wrong, factor * compared.truth) else None


def _times(compared: Compared, wrong: Truths, factor: float) -> Grade:
    where = _where(compared, wrong)
    if abs(factor) >= 1:
        return _grade("factor", f"a factor {_text(factor)} too much{where}", factor)
    lacking = 1.0 / factor
    what = "twice as much" if abs(lacking - 2.0) < 1e-9 else f"{_text(lacking)} times as much"
    return _grade("factor", f"{what} is right{where}", factor)


def _text(factor: float) -> str:
    return _told_apart(factor, math.copysign(1.0, factor))[0].replace("-", "−")


_MISTAKES: tuple[Callable[[Compared, Truths], Grade | None], ...] = (
    _other_side,
    _transposed,
    _sign,
    _diagonal_only,
    _swapped,
    _instead,
    partial(_of_the_chain, finding="inner_derivative"),
    _known_factor,
    partial(_of_the_chain, finding="outer_derivative"),
    _any_factor,
    _of_a_rule,
)


# Answers of another shape


def of_another_shape(truth: Array, parts: Mapping[str, Cells], tolerance: Tolerance, layout: Layout) -> Grade:
    """The grade of an answer that has no shape in which the derivative is printed."""
    cells = [row for part in parts.values() for row in part]

    def right(exact: Array, least: int) -> Truths:
        if [len(row) for row in cells] != [exact.shape[1]] * exact.shape[0]:
            return np.zeros(1, bool)
        given = np.array([[cell.value for cell in row] for row in cells])
        texts = [[cell.typed for cell in row] for row in cells]
        return tolerance.right(exact, given, typed_slack(texts, given, exact, least))

    def equal(exact: Array) -> bool:
        return bool(right(exact, TELLING).all())

    rows, columns = truth.shape
    size = f"{len(cells)}×{len(cells[0]) if cells else 0}"
    what = next(filter(None, map(_uneven, parts.values())), f"{size} was given for {rows}×{columns}")
    turned = [truth.T]
    if rows == 1 and len(layout.blocks) == 1 and len(layout.blocks[0][1]) == 2:
        turned.append(truth.reshape(layout.blocks[0][1]).T)
    if any(equal(matrix) for matrix in turned):
        return _grade("transposed", f"this is the transpose: {what}")
    diagonals = truth.diagonal()[None], truth.diagonal()[:, None]
    if rows == columns > 1 and (diagonal := next(filter(equal, diagonals), None)) is not None:
        aside = truth[~np.eye(rows, dtype=bool)]
        score = float(((aside == 0).sum() + right(diagonal, 3).sum()) / truth.size)
        message = "these are the entries of the diagonal alone"
        return _grade("diagonal_only", message)._replace(score=score)
    inputs = [title for name, shape in layout.blocks for title in entry_names(name, shape)]
    expected = "a row for each output, a column for each input"
    if rows == 1 < len(inputs) <= _SHOWN:
        expected = f"expected d/d{', d/d'.join(inputs)}, separated by commas"
    typed = [cell.typed or "" for row in cells for cell in row]
    pointed = with_decimal_points(",".join(typed)).split(",")
    if len(pointed) == rows * columns and pointed[0]:
        lines = [",".join(pointed[k : k + columns]) for k in range(0, len(pointed), columns)]
        expected += f"; with decimal points it is {';'.join(lines)}"
    return _grade("shape", f"{what}: {expected}")


def _uneven(rows: Cells) -> str:
    """That rows differ in length, in words; empty if they do not."""
    first = len(rows[0]) if rows else 0
    other = next((k for k, row in enumerate(rows) if len(row) != first), None)
    if other is None:
        return ""
    count = len(rows[other])
    return f"row {other} has {count} {'entry' if count == 1 else 'entries'} and row 0 has {first}, counted from 0"
