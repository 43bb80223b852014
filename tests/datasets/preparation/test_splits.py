from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bpcli.datasets.preparation import splits
from bpcli.datasets.preparation.splits import split_rows
from bpcli.errors import DataError
from tests.threads import together


def split(classes, validation, test, seed=0):
    codes = np.asarray(classes)
    return split_rows(len(codes), validation, test, codes, np.random.default_rng(seed))


@given(
    st.lists(st.integers(0, 4), min_size=10, max_size=200),
    st.floats(0.1, 0.4),
    st.floats(0.1, 0.4),
    st.integers(0, 5),
)
def test_parts_are_disjoint_whole_and_stratified(classes, validation, test, seed):
    codes = np.unique(classes, return_inverse=True)[1]
    rows = len(codes)
    assume(rows - round(validation * rows) - round(test * rows) >= 2 * len(set(classes)))
    parts = split(codes, validation, test, seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(rows))
    assert [len(p) for p in parts[1:]] == [round(validation * rows), round(test * rows)]
    for part in parts:
        assert (np.diff(part) > 0).all()
    assert set(codes[parts[0]]) == set(codes.tolist())
    sizes = np.bincount(codes)
    got = np.bincount(codes[parts[1]], minlength=len(sizes))
    share = len(parts[1]) * sizes / rows
    assert (np.abs(got - share) < 1).all() or (got == sizes - 1).any()


def test_the_seed_decides():
    classes = [0, 1] * 50
    first, again, other = (split(classes, 0.2, None, seed)[1].tolist() for seed in (1, 1, 2))
    assert first == again != other


def test_without_parts_all_rows_train():
    train, validation, test = split_rows(5, None, None, None, np.random.default_rng(0))
    assert (train.tolist(), len(validation), len(test)) == ([0, 1, 2, 3, 4], 0, 0)


@pytest.mark.parametrize(
    ("rows", "validation", "test", "message"),
    [(3, 0.1, None, "not a single row"), (10, 0.5, 0.5, "none are left"), (10, 0.7, 0.4, "none are left")],
)
def test_a_part_without_rows_is_an_error(rows, validation, test, message):
    with pytest.raises(DataError, match=message):
        split_rows(rows, validation, test, None, np.random.default_rng(0))


def test_a_class_without_a_row_to_train_on_is_an_error():
    with pytest.raises(DataError, match=r"(?s)some of 4 classes without a row to train on: 2 of 4 rows.*loss: mse"):
        split([0, 1, 2, 3], 0.5, None)


@given(
    st.lists(st.integers(0, 3), min_size=20, max_size=200),
    st.lists(st.integers(0, 200), min_size=0, max_size=3),
    st.integers(0, 5),
    st.sampled_from([None, 1, 3]),
)
@settings(deadline=None)
def test_parts_are_the_smallest_numbers_however_the_rows_are_shared(classes, cuts, seed, few):
    """With `few` different numbers most are equal, and the rows' own order decides."""
    codes, (kept, numbers) = np.unique(classes, return_inverse=True)[1], (splits._random_numbers, [])

    def drawn(rng, first, rows):
        found = kept(rng, first, rows)
        found = found if few is None else found % np.uint64(few)
        numbers.append((first, found))
        return found

    sizes = np.bincount(codes)
    assume(sizes.min() > 6)
    bounds = [0, *sorted(min(cut, len(codes)) for cut in cuts), len(codes)]

    def of_share(share):
        at = slice(*bounds[share.rank : share.rank + 2])
        parts = split_rows(len(codes[at]), 0.3, 0.2, codes[at], np.random.default_rng(seed), share)
        return [part + at.start for part in parts]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(splits, "_random_numbers", drawn)
        whole = split_rows(len(codes), 0.3, 0.2, codes, np.random.default_rng(seed))
        (_, every), *_ = numbers
        shared = together(len(bounds) - 1, of_share)
    assert [np.concatenate(part).tolist() for part in zip(*shared, strict=True)] == [part.tolist() for part in whole]
    assert all((found == every[first : first + len(found)]).all() for first, found in numbers)
    assert [len(part) for part in whole[1:]] == [round(0.3 * len(codes)), round(0.2 * len(codes))]
    for code in range(len(sizes)):
        train, validation, test = ([(every[row], row) for row in part if codes[row] == code] for part in whole)
        in_order = sorted((every[row], row) for row in np.flatnonzero(codes == code))
        assert sorted(validation) + sorted(test) + sorted(train) == in_order


def test_every_choice_of_rows_is_as_likely():
    """Pearson's chi-squared of 2,000 seeds over the ten choices of two rows of five: 99.9 % are below 27.9."""
    seen = Counter(tuple(split_rows(5, 0.4, None, None, np.random.default_rng(seed))[1]) for seed in range(2000))
    assert len(seen) == 10
    assert sum((count - 200) ** 2 / 200 for count in seen.values()) < 27.9
