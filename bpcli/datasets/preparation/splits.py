"""Splits the rows into training, validation and test, stratified by class."""

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.share import WHOLE, Gathering, total
from bpcli.errors import DataError

Rows = NDArray[np.intp]


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

    `rows` and `classes` are those of this process's `share`. The parts do not depend on the sharing: each process draws
    the same positions in every class, and takes those that are in its share.
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
    counts = np.array(share.gathered(np.bincount(codes, minlength=number)))
    before = counts[: share.rank].sum(axis=0)
    of_class = [np.flatnonzero(codes == code) for code in range(number)]

    def here(places: list[Rows]) -> Rows:
        """The rows of this share at the given positions in each class."""
        found = []
        for own, first, at in zip(of_class, before, places, strict=True):
            first_place, last_place = np.searchsorted(at, [first, first + len(own)])
            found.append(own[at[first_place:last_place] - first])
        return np.sort(np.concatenate(found))

    left = [np.arange(size) for size in counts.sum(axis=0)]
    parts = []
    for at, count in enumerate(wanted):
        if not any(wanted[at:]):  # nothing left to draw: the generator is left as it is
            parts.append(np.empty(0, np.intp))
            continue
        chosen = _stratified([len(of_one) for of_one in left], count, rng)
        parts.append(here([of_one[places] for of_one, places in zip(left, chosen, strict=True)]))
        left = [np.delete(of_one, places) for of_one, places in zip(left, chosen, strict=True)]
    return here(left), parts[0], parts[1]


def _stratified(of_classes: list[int], count: int, rng: np.random.Generator) -> list[Rows]:
    """Draw `count` rows from classes of these sizes, in proportion to the sizes up to one row.

    Returns the sorted positions in each class. At least one row of each class is left.
    """
    sizes = np.array(of_classes)
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
    return [np.sort(rng.permutation(size)[:take]) for size, take in zip(of_classes, quota, strict=True)]
