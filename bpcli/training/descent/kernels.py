"""The steps of an epoch as plain loops over numbers, for a compiler: `compiled` binds the formulas to them.

They are Python that numba can take and Python can run. What differs between models are names, to which `compiled`
binds functions in a copy of this text: numba keeps no program on disk that takes functions as arguments. Weights are
flat, the K of a feature one after the other; sums are in float64.
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
point: Any = None  # (y, z): J₀ and its slope, of one entry
update: Any = None  # (p, g, slots, settings, t, α, l1): the optimiser's step
warmed_up: Any = None  # (t, warmup)
clip: Any = None  # (norm, most)
of_difference = False  # whether the loss depends on y − ŷ alone
ROWS = 4096  # of a block; a program has `sums.ROWS`


def forward_one(X: Array, row: int, w: Array, b: Array, z: Array) -> None:
    """Z = xᵀw + b of one output, in four sums that a processor adds side by side."""
    n = X.shape[1]
    s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
    for i in range(0, n - n % 4, 4):
        s0 += X[row, i] * w[i]
        s1 += X[row, i + 1] * w[i + 1]
        s2 += X[row, i + 2] * w[i + 2]
        s3 += X[row, i + 3] * w[i + 3]
    for i in range(n - n % 4, n):
        s0 += X[row, i] * w[i]
    z[0] = (s0 + s1) + (s2 + s3) + b[0]


def backward_one(X: Array, row: int, z: Array, gradient: Array) -> None:
    """Add x·∂J₀/∂z of one output."""
    slope = z[0]
    for i in range(X.shape[1]):
        gradient[i] += X[row, i] * slope


FEW = 16
"""Outputs up to which a sum at a time is faster than a feature at a time."""


def forward_many(X: Array, row: int, w: Array, b: Array, z: Array) -> None:
    """Z = xᵀw + b of K outputs, from what `lay_out_many` gives; of few each as in `forward_one`, two at a time."""
    n, K = X.shape[1], len(b)
    if K > FEW:
        for k in range(K):
            z[k] = b[k]
        for i in range(n):
            x = X[row, i]
            for k in range(K):
                z[k] += x * w[i, k]
        return
    for k in range(0, K, 2):
        first, second = w[k], w[min(k + 1, K - 1)]
        s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
        t0, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0
        for i in range(0, n - n % 4, 4):
            x0, x1, x2, x3 = X[row, i], X[row, i + 1], X[row, i + 2], X[row, i + 3]
            s0 += x0 * first[i]
            s1 += x1 * first[i + 1]
            s2 += x2 * first[i + 2]
            s3 += x3 * first[i + 3]
            t0 += x0 * second[i]
            t1 += x1 * second[i + 1]
            t2 += x2 * second[i + 2]
            t3 += x3 * second[i + 3]
        for i in range(n - n % 4, n):
            s0 += X[row, i] * first[i]
            t0 += X[row, i] * second[i]
        z[min(k + 1, K - 1)] = (t0 + t1) + (t2 + t3) + b[min(k + 1, K - 1)]
        z[k] = (s0 + s1) + (s2 + s3) + b[k]


def backward_many(X: Array, row: int, z: Array, gradient: Array) -> None:
    """Add x·∂J₀/∂z of K outputs to the gradient, which is laid out as (K, n) if they are few."""
    n = X.shape[1]
    K = len(gradient) // n
    if K > FEW:
        for i in range(n):
            x = X[row, i]
            for k in range(K):
                gradient[i * K + k] += x * z[k]
        return
    for k in range(K):
        slope, of_output = z[k], gradient[k * n : (k + 1) * n]
        for i in range(n):
            of_output[i] += X[row, i] * slope


def lay_out_many(w: Array, K: int, spare: Array) -> Array:
    """The weights of few outputs as (K, n), so that the features of a row meet neighbours; of many as (n, K)."""
    n = len(w) // K
    if K > FEW:
        return w.reshape(n, K)
    laid = spare.reshape(K, n)
    for k in range(K):
        for i in range(n):
            laid[k, i] = w[i * K + k]
    return laid


def lay_back_many(gradient: Array, K: int, spare: Array) -> None:
    """A gradient of few outputs, laid as (K, n), becomes (n, K) in its place."""
    if K > FEW:
        return
    n = len(gradient) // K
    spare[:] = gradient
    laid = spare.reshape(K, n)
    for k in range(K):
        for i in range(n):
            gradient[i * K + k] = laid[k, i]


def lay_out_as_it_is(w: Array, K: int, spare: Array) -> Array:
    """The weights themselves."""
    return w


def lay_back_as_it_is(gradient: Array, K: int, spare: Array) -> None:
    """The gradient stays."""


def forward_sparse(X: Any, row: int, w: Array, b: Array, z: Array) -> None:
    """Z = xᵀw + b of a row of CSR (data, indices, starts)."""
    data, indices, starts = X
    K = len(b)
    for k in range(K):
        z[k] = b[k]
    for at in range(starts[row], starts[row + 1]):
        x, first = data[at], indices[at] * K
        for k in range(K):
            z[k] += x * w[first + k]


def backward_sparse(X: Any, row: int, z: Array, gradient: Array) -> None:
    """Add x·∂J₀/∂z of a row of CSR; z has room for twice the outputs."""
    data, indices, starts = X
    K = len(z) // 2
    for at in range(starts[row], starts[row + 1]):
        x, first = data[at], indices[at] * K
        for k in range(K):
            gradient[first + k] += x * z[k]


def neuron_output(y: Array, row: int, z: Array) -> Any:
    """J₀ of one output; z becomes its slope."""
    term, z[0] = point(float(y[row]), z[0])
    return term


def softmax_cce_output(y: Array, row: int, z: Array) -> Any:
    """−log p of the true class; the logits become p − y.

    p − 1 of the true class is minus the sum of the others, as in `SoftmaxCce`.
    """
    K, label = len(z) // 2, y[row]
    top = z[0]
    for k in range(1, K):
        top = max(top, z[k])
    shift, others, e_true = z[label] - top, 0.0, 0.0
    for k in range(K):
        z[k] = math.exp(z[k] - top)
        if k == label:
            e_true = z[k]
        else:
            others += z[k]
    total = others + e_true
    for k in range(K):
        z[k] /= total
    z[K] = z[label]  # p of the true class, for `softmax_output`
    z[label] = -others / total
    return math.log1p(others + (e_true - 1.0)) - shift


def softmax_output(y: Array, row: int, z: Array) -> float:
    """Σ J₀(y, p) of any loss after softmax; the logits become p ⊙ (v − v·p), v = ∂J₀/∂p.

    A loss `of_difference` gets 0 and p − y, which does not cancel. v is measured from its entry at the largest class.
    """
    K, label, top = len(z) // 2, y[row], 0
    for k in range(1, K):
        if z[k] > z[top]:
            top = k
    softmax_cce_output(y, row, z)
    p_true, loss = z[K], 0.0
    for k in range(K):
        p = p_true if k == label else z[k]
        if of_difference:
            term, slope = point(0.0, z[k])
        else:
            term, slope = point(1.0 if k == label else 0.0, p)
        loss += term
        z[k], z[K + k] = slope, p
    at_top, mean = z[top], 0.0
    for k in range(K):
        z[k] -= at_top
        mean += z[K + k] * z[k]
    for k in range(K):
        z[k] = z[K + k] * (z[k] - mean)
    return loss


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
