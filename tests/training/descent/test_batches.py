"""The order of the rows in an epoch: each once, shuffled as a whole or in windows of a large file."""

import numpy as np

from bpcli.training.descent import batches
from bpcli.training.descent.batches import Descent
from bpcli.training.descent.loop import descend_epochs
from bpcli.training.descent.state import State


def test_shuffling_visits_every_row_once_in_another_order_each_epoch():
    seen: list[float] = []

    def step(z, y, weights):
        seen.extend(y)
        z[...] = 0
        return 0.0

    X, y = np.zeros((10, 2)), np.arange(10.0)
    rng = np.random.default_rng(0)
    options = {"learning_rate": 1.0, "batch_size": 3, "epochs": 2, "rng": rng}
    list(descend_epochs(Descent(X, y, step, **options), State(np.zeros(2), np.zeros(()))))
    first, second = seen[:10], seen[10:]
    assert sorted(first) == sorted(second) == list(y)
    assert first != second != list(y)


def test_windows_visit_every_row_once_and_mix_what_stands_together(monkeypatch):
    N, size = 10_000, 25
    monkeypatch.setattr(batches, "_COPIED", 8 * 1000)
    monkeypatch.setattr(batches, "_CHUNK", 8 * 20)
    X, y = np.zeros((N, 1)), np.arange(N, dtype=float)
    seen = []

    def step(z, target, weights):
        seen.append(target.copy())
        z[...] = 0
        return 0.0

    keywords = {"learning_rate": 0.1, "batch_size": size, "epochs": 2, "rng": np.random.default_rng(0)}
    list(descend_epochs(Descent(X, y, step, **keywords), State(np.zeros(1), np.zeros(()))))
    epochs = np.concatenate(seen).reshape(2, N)
    assert (np.sort(epochs) == np.arange(N)).all()
    assert not np.array_equal(*epochs)
    # Of rows sorted by class, the first half 0, each batch has nearly the share of both: binomially, 5 ± 1.1 in 25.
    share = np.array([(batch < N / 2).mean() for batch in seen])
    assert abs(share.mean() - 0.5) < 0.01
    assert share.std() < 0.14  # 0.1 where all is shuffled; windows of 50 chunks add 0.07
    assert len({int(row) // 20 for row in seen[0]}) > 15
