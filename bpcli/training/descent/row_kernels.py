"""What a compiled loop does with one row: z = xᵀw + b, the loss and ∂J₀/∂z, and x·∂J₀/∂z added to the gradient.

One function for each layout of rows and weights; `kernels` calls them by the names that a program binds. Weights are
flat, the K of a feature one after the other.
"""

import math
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

# Names that a program binds.
point: Any = None  # (y, z): J₀ and its slope, of one entry
of_difference = False  # whether the loss depends on y − ŷ alone


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
