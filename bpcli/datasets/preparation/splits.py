"""Which rows are for training, which for validation and test."""

import numpy as np
from numpy.typing import NDArray

from bpcli.errors import DataError

Rows = NDArray[np.intp]


def split_rows(
    rows: int,
    validation: float | None,
    test: float | None,
    classes: NDArray[np.intp] | None,
    rng: np.random.Generator,
) -> tuple[Rows, Rows, Rows]:
    """Rows of training, validation and test, each sorted; the fractions are of all rows, to the nearest row.

    With `classes` (N,), the class number of each row, every part has its share of each class, to one row: the rows left
    over by rounding down go to the classes with the largest remainders. DataError where a part would be empty.
    """
    wanted = [round((fraction or 0.0) * rows) for fraction in (validation, test)]
    for name, fraction, count in zip(("validation", "test"), (validation, test), wanted, strict=True):
        if fraction and not count:
            raise DataError(f"data.{name}: {fraction:g} of {rows} rows is not a single row")
    if sum(wanted) >= rows:
        raise DataError(
            f"data.validation and data.test together take all of the {rows} rows: none are left to train on"
        )
    left, nothing = np.arange(rows), np.empty(0, np.intp)
    codes = np.zeros(rows if any(wanted) else 0, np.intp) if classes is None else classes
    parts = []
    for at, count in enumerate(wanted):
        if not any(wanted[at:]):  # the generator is not asked again
            parts.append(nothing)
            continue
        chosen = _stratified(codes[left], count, rng)
        parts.append(left[chosen])
        left = np.delete(left, chosen)
    return left, parts[0], parts[1]


def _stratified(codes: NDArray[np.intp], count: int, rng: np.random.Generator) -> Rows:
    """`count` sorted positions in `codes`, with each code's share, to within one; one of each code is left."""
    sizes = np.bincount(codes)
    most = np.maximum(sizes - 1, 0)
    if most.sum() < count:
        raise DataError(
            f"data.validation and data.test would leave some of {np.count_nonzero(sizes)} classes without a row to "
            f"train on: {count} of {len(codes)} rows are to be held out, and each class keeps one",
            "hold out fewer; or, if the target is a number rather than a class, model.type: neuron with loss: mse",
        )
    exact = count * sizes / len(codes)
    quota = np.minimum(np.floor(exact).astype(np.intp), most)
    # Among equal remainders the generator chooses, not the order of the classes.
    order = np.lexsort((rng.random(len(sizes)), quota - exact))
    while quota.sum() < count:
        open_ = order[quota[order] < most[order]]
        quota[open_[: count - quota.sum()]] += 1
    chosen = [rng.permutation(np.flatnonzero(codes == code))[:take] for code, take in enumerate(quota)]
    return np.sort(np.concatenate(chosen))
