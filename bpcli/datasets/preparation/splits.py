"""Splits the rows into training, validation and test, stratified by class."""

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.share import WHOLE, Gathering, total
from bpcli.errors import DataError

Rows = NDArray[np.intp]
Counts = NDArray[np.intp]
Numbers = NDArray[np.uint64]


def split_rows(
    rows: int,
    validation: float | None,
    test: float | None,
    classes: NDArray[np.intp] | None,
    rng: np.random.Generator,
    share: Gathering = WHOLE,
) -> tuple[Rows, Rows, Rows]:
    """Rows of training, validation and test, each sorted; the fractions are of all rows, to the nearest row.

    With `classes` (N,), the class number of each row, every part has the same proportion of each class, up to one row:
    the rows left over by rounding down go to the classes with the largest remainders. DataError if a part would be
    empty.

    Validation is made of the rows of each class with the smallest random numbers, test of the next ones. `rows` and
    `classes` are those of this process's `share`; the parts do not depend on the sharing.
    """
    every = total(share, rows)
    wanted = [round((fraction or 0.0) * every) for fraction in (validation, test)]
    for name, fraction, count in zip(("validation", "test"), (validation, test), wanted, strict=True):
        if fraction and not count:
            raise DataError(f"data.{name}: {fraction:g} of {every} rows is not a single row")
    if sum(wanted) >= every:
        raise DataError(
            f"data.validation and data.test together take all of the {every} rows: none are left to train on"
        )
    if not any(wanted):
        return np.arange(rows), np.empty(0, np.intp), np.empty(0, np.intp)
    codes = np.zeros(rows, np.intp) if classes is None else classes
    number = max(share.gathered(int(codes.max(initial=-1)))) + 1
    sizes = np.sum(share.gathered(np.bincount(codes, minlength=number)), axis=0)
    first = sum(share.gathered(rows)[: share.rank])
    orders = (_random_numbers(rng, first, rows), np.arange(first, first + rows, dtype=np.uint64))
    in_validation = _are_first(orders, codes, drawn := _quota(sizes, wanted[0], rng), share)
    in_either = _are_first(orders, codes, drawn + _quota(sizes - drawn, wanted[1], rng), share)
    return np.flatnonzero(~in_either), np.flatnonzero(in_validation), np.flatnonzero(in_either & ~in_validation)


def _random_numbers(rng: np.random.Generator, first: int, rows: int) -> Numbers:
    """A number of 64 random bits for each row, (rows,), from the seed and the row's number first, first + 1, … alone.

    A counter-based generator (Philox; Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") has no state
    to be carried from row to row: each process draws the numbers of its own rows.
    """
    generator = np.random.Philox(rng.integers(1 << 63))
    at_once = 4  # numbers for each value of the counter
    generator.advance(first // at_once)
    return np.asarray(generator.random_raw(first % at_once + rows)[first % at_once :])


def _quota(sizes: Counts, count: int, rng: np.random.Generator) -> Counts:
    """How many of `count` rows come from each class, (K,), in proportion to the `sizes` (K,), up to one row.

    At least one row of each class is left.
    """
    rows = sizes.sum()
    most = np.maximum(sizes - 1, 0)
    if most.sum() < count:
        raise DataError(
            f"data.validation and data.test would leave some of {np.count_nonzero(sizes)} classes without a row to "
            f"train on: {count} of {rows} rows are to be held out, and each class keeps one",
            "hold out fewer; or, if the target is a number rather than a class, model.type: neuron with loss: mse",
        )
    exact = count * sizes / rows
    quota = np.minimum(np.floor(exact).astype(np.intp), most)
    # Ties between equal remainders are broken at random, not by the order of the classes.
    order = np.lexsort((rng.random(len(sizes)), quota - exact))
    while quota.sum() < count:
        open_ = order[quota[order] < most[order]]
        quota[open_[: count - quota.sum()]] += 1
    return np.asarray(quota)


def _are_first(orders: tuple[Numbers, ...], codes: Rows, most: Counts, share: Gathering) -> NDArray[np.bool_]:
    """Whether each row is among the first `most` (K,) of its class, over all processes; (rows,).

    Rows are ordered by the first of `orders`, (rows,) each, those that are equal there by the second. A radix search:
    the highest digits of the numbers are counted in all processes, which settles all rows but those with the digit at
    which the count is reached; these go on with the next digit.
    """
    bits, left, every = 4, most.copy(), np.arange(len(most))
    found, open_ = np.zeros(len(codes), bool), np.arange(len(codes))
    for numbers in orders:
        for shift in range(64 - bits, -1, -bits):
            if not left.any():  # the same in every process
                return found
            digit = (numbers[open_] >> np.uint64(shift)).astype(np.intp) & (1 << bits) - 1
            of_class = codes[open_]
            counts = np.bincount(of_class << bits | digit, minlength=len(most) << bits).reshape(-1, 1 << bits)
            until = np.cumsum(np.sum(share.gathered(counts), axis=0), axis=1)
            whole = (until <= left[:, None]).sum(axis=1)  # the rows with a digit below this are all among the first
            left -= np.where(whole > 0, until[every, whole - 1], 0)
            found[open_[digit < whole[of_class]]] = True
            open_ = open_[(digit == whole[of_class]) & (left[of_class] > 0)]
    return found
