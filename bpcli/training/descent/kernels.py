"""The steps of an epoch as plain loops over numbers, for a compiler: `compiled` binds the formulas to them.

They are Python that numba can take and Python can run. Where models differ, the loops call a function by a name, such
as `forward`; a program is the text of `row_kernels` and of this module with these names bound, because numba keeps no
program on disk that takes functions as arguments. Sums are in float64.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Names that a program binds.
forward: Any = None  # (X, row, w, b, z): z becomes xᵀw + b
output: Any = None  # (y, row, z): J₀; z becomes ∂J₀/∂z
backward: Any = None  # (X, row, z, gradient): adds x·∂J₀/∂z
lay_out: Any = None  # (w, K, spare): the weights as `forward` reads them
lay_back: Any = None  # (gradient, K, spare): the gradient as `backward` leaves it becomes one like the weights
update: Any = None  # (p, g, slots, settings, t, α, l1): the optimiser's step
warmed_up: Any = None  # (t, warmup)
clip: Any = None  # (norm, most)
ROWS = 4096  # of a block; a program has `sums.ROWS`


def block_gradient(data: Any, rows: Array, parameters: Any, dJ_dw: Array, dJ_db: Array, z: Array) -> float:
    """ΣωJ₀ of these rows of data = (X, y, ω) at parameters = (w, b), added without loss (Kahan 1965).

    Adds its gradient to dJ_dw and dJ_db.
    """
    X, y, omega = data
    w, b = parameters
    total, lost, plain = 0.0, 0.0, 0.0
    for row in rows:
        forward(X, row, w, b, z)
        term = output(y, row, z)
        if len(omega):
            term *= omega[row]
            for k in range(len(b)):
                z[k] *= omega[row]
        backward(X, row, z, dJ_dw)
        for k in range(len(b)):
            dJ_db[k] += z[k]
        plain += term
        term -= lost
        new = total + term
        lost = (new - total) - term
        total = new
    return total if math.isfinite(total) else plain


def batch_gradient(data: Any, rows: Array, parameters: Any, dJ_dw: Array, dJ_db: Array, z: Array) -> float:
    """`block_gradient` of the rows of a batch, from a gradient of 0: by blocks of `ROWS`, along the tree of
    `sums.summed`."""
    if len(rows) <= ROWS:
        return block_gradient(data, rows, parameters, dJ_dw, dJ_db, z)
    blocks, levels, loss = -(-len(rows) // ROWS), 1, 0.0
    while blocks >> levels:
        levels += 1
    losses, of_w, of_b = np.zeros(levels), np.zeros((levels, len(dJ_dw))), np.zeros((levels, len(dJ_db)))
    for block in range(blocks):
        dJ_dw[:] = 0.0
        dJ_db[:] = 0.0
        loss = block_gradient(data, rows[block * ROWS : (block + 1) * ROWS], parameters, dJ_dw, dJ_db, z)
        level, waiting, is_last = 0, block, block == blocks - 1  # a level with a bit in `waiting` holds a sum
        while waiting and (is_last or waiting % 2):
            if waiting % 2:
                loss = losses[level] + loss
                dJ_dw += of_w[level]
                dJ_db += of_b[level]
            level += 1
            waiting >>= 1
        if not is_last:
            losses[level] = loss
            of_w[level] = dJ_dw
            of_b[level] = dJ_db
    return loss


def gradient_norm(dJ_dw: Array, dJ_db: Array, w: Array, l1: float, l2: float) -> float:
    """The norm that clipping goes by; see `UpdateRule.clipped`."""
    squares = 0.0
    for i in range(len(w)):
        g = dJ_dw[i] + l2 * w[i]
        if w[i] > 0:
            g += l1
        elif w[i] < 0:
            g -= l1
        else:
            g -= max(-l1, min(l1, g))
        squares += g * g
    for k in range(len(dJ_db)):
        squares += dJ_db[k] * dJ_db[k]
    return math.sqrt(squares)


def add_loss(progress: Array, loss: float) -> None:
    """Count a step, and add the loss of its batch to progress = (steps, loss, what that lost by rounding)."""
    progress[0] += 1.0
    term = loss - progress[2]
    new = progress[1] + term
    progress[2] = (new - progress[1]) - term
    progress[1] = new


def descend(
    X: Any,
    y: Array,
    omega: Array,
    order: Array,
    size: int,
    first: int,
    last: int,
    w: Array,
    b: Array,
    slots_w: Array,
    slots_b: Array,
    settings: Array,
    rule: Array,
    progress: Array,
    dJ_dw: Array,
    dJ_db: Array,
    z: Array,
) -> float:
    """The steps of the batches from number `first` to `last` − 1, as `OptimizerSweep` takes them.

    rule = (α, l1, l2, whether l2 is decoupled, the largest norm, steps of the warm-up). Returns 0, or the loss of the
    batch that is not finite, before which it stops; progress = (steps, loss, lost) tells how far it came.
    """
    alpha, l1, l2, decoupled, most, warmup = rule[0], rule[1], rule[2], rule[3] > 0, rule[4], rule[5]
    K, spare_w, spare = len(b), np.empty_like(w), np.empty_like(dJ_dw)
    for batch in range(first, last):
        rows = order[batch * size : min(len(order), (batch + 1) * size)]
        dJ_dw[:] = 0.0
        dJ_db[:] = 0.0
        loss = batch_gradient((X, y, omega), rows, (lay_out(w, K, spare_w), b), dJ_dw, dJ_db, z)
        lay_back(dJ_dw, K, spare)
        if not math.isfinite(loss):
            return float(loss)
        m = len(rows)
        for i in range(len(w)):
            dJ_dw[i] /= m
        for k in range(len(b)):
            dJ_db[k] /= m
        shrink = 1.0
        if math.isfinite(most):
            shrink = clip(gradient_norm(dJ_dw, dJ_db, w, l1, 0.0 if decoupled else l2), most)
        t = progress[0] + 1.0
        learning_rate = alpha * warmed_up(t, warmup)
        for i in range(len(w)):
            if decoupled:
                w[i] -= learning_rate * l2 * w[i]
                dJ_dw[i] *= shrink
            else:
                dJ_dw[i] = shrink * dJ_dw[i] + shrink * l2 * w[i]
        for k in range(len(b)):
            dJ_db[k] *= shrink
        update(w, dJ_dw, slots_w, settings, t, learning_rate, shrink * l1)
        update(b, dJ_db, slots_b, settings, t, learning_rate, 0.0)
        add_loss(progress, loss)
    return 0.0


def take_postponed(w: Array, taken: Array, steps: float, i: int, K: int, alpha: float, l1: float, l2: float) -> None:
    """The steps of l1 and l2 that feature i has not had yet, in closed form; see `sparse_loop`."""
    k = steps - taken[i]
    taken[i] = int(steps)
    if k == 0:
        return
    share, threshold, decay = alpha * l2, alpha * l1, 1.0
    if share:
        log_power = k * math.log1p(-share)
        decay, k = math.exp(log_power), -math.expm1(log_power) / share
    for j in range(i * K, (i + 1) * K):
        moved = w[j] * decay
        w[j] = moved - max(-threshold * k, min(threshold * k, moved))


def features_of(rows: Array, indices: Array, starts: Array, all_of_them: bool, touched: Array, seen: Array) -> int:
    """How many features the rows have, or all; `touched` gets their numbers, each once, `seen` a mark for each."""
    count = 0
    if all_of_them:
        for i in range(len(seen)):
            touched[i] = i
        return len(seen)
    for row in rows:
        for at in range(starts[row], starts[row + 1]):
            i = indices[at]
            if not seen[i]:
                seen[i] = True
                touched[count] = i
                count += 1
    return count


def descend_postponing(
    X: Any,
    y: Array,
    omega: Array,
    order: Array,
    size: int,
    first: int,
    last: int,
    w: Array,
    b: Array,
    taken: Array,
    rule: Array,
    progress: Array,
    dJ_dw: Array,
    dJ_db: Array,
    z: Array,
    touched: Array,
    seen: Array,
) -> float:
    """`descend` of plain descent over sparse rows, in time proportional to their entries.

    Of the features that no row of a batch has, the steps of l1 and l2 are postponed, unless αλ₂ ≥ 1; `taken` is empty
    without them. `dJ_dw` is 0 and `seen` False between two steps.
    """
    alpha, l1, l2 = rule[0], rule[1], rule[2]
    _, indices, starts = X
    K, penalised = len(b), len(taken) > 0
    for batch in range(first, last):
        rows = order[batch * size : min(len(order), (batch + 1) * size)]
        count = features_of(rows, indices, starts, penalised and alpha * l2 >= 1, touched, seen)
        if penalised:
            for at in range(count):
                take_postponed(w, taken, progress[0], touched[at], K, alpha, l1, l2)
        dJ_db[:] = 0.0
        loss = batch_gradient((X, y, omega), rows, (w, b), dJ_dw, dJ_db, z)
        if not math.isfinite(loss):
            return float(loss)
        per_row, threshold = alpha / len(rows), alpha * l1
        add_loss(progress, loss)
        for at in range(count):
            i = touched[at]
            seen[i] = False
            for j in range(i * K, (i + 1) * K):
                moved = w[j] - per_row * dJ_dw[j]
                dJ_dw[j] = 0.0
                if penalised:
                    moved -= alpha * l2 * w[j]
                    moved -= max(-threshold, min(threshold, moved))
                w[j] = moved
            if penalised:
                taken[i] = int(progress[0])
        for k in range(K):
            b[k] -= per_row * dJ_db[k]
    return 0.0
