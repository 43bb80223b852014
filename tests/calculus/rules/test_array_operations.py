"""Vectors and matrices: Jacobians beside autograd, forward beside reverse, Hessians beside differences of gradients."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import sympy
from calculations import calculation

RNG = np.random.default_rng(7)


x, y = sympy.symbols("x y", positive=True)


POINT = {
    "x": RNG.normal(size=3),
    "y": RNG.uniform(0.2, 0.8, 3),
    "A": RNG.normal(size=(2, 3)),
    "B": RNG.normal(size=(3, 2)),
    "b": RNG.normal(size=2),
    "s": 0.7,
}


def sigmoid(z):
    return 1 / (1 + anp.exp(-z))


def softmax(z, axis=-1):
    e = anp.exp(z - anp.max(z, axis=axis, keepdims=True))
    return e / anp.sum(e, axis=axis, keepdims=True)


def lse(z, axis=None):
    return anp.log(anp.sum(anp.exp(z), axis=axis))


def log_softmax(z, axis=-1):
    return z - anp.log(anp.sum(anp.exp(z), axis=axis, keepdims=True))


def norm(z, axis=None):
    return anp.sqrt(anp.sum(z * z, axis=axis))


W = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


ARRAYS = {
    "x*s": lambda x, s: x * s,
    "x+y-2": lambda x, y: x + y - 2,
    "x/y": lambda x, y: x / y,
    "y**2.5": lambda y: y**2.5,
    "y**x": lambda x, y: y**x,
    "A*x": lambda A, x: A * x,
    "A-x*s": lambda A, x, s: A - x * s,
    "A.T+s": lambda A, s: A.T + s,
    "A.T*b": lambda A, b: A.T * b,
    "A+B.T": lambda A, B: A + B.T,
    "A@x": lambda A, x: A @ x,
    "b@A": lambda A, b: b @ A,
    "A@B": lambda A, B: A @ B,
    "x@y": lambda x, y: x @ y,
    "b@A@x": lambda A, b, x: b @ A @ x,
    "A.T@A": lambda A: A.T @ A,
    "A@A.T@b": lambda A, b: A @ A.T @ b,
    "(A@B)@b+b": lambda A, B, b: (A @ B) @ b + b,
    "x·y": lambda x, y: anp.sum(x * y),
    "dot(x,y)*x": lambda x, y: anp.sum(x * y) * x,
    "sum(x)": lambda x: anp.sum(x),
    "sum(A)": lambda A: anp.sum(A),
    "sum(A**2,axis=0)": lambda A: anp.sum(A**2, axis=0),
    "sum(A,axis=1)*b": lambda A, b: anp.sum(A, axis=1) * b,
    "sum(A,axis=-1)": lambda A: anp.sum(A, axis=-1),
    "mean(x)**2": lambda x: anp.mean(x) ** 2,
    "mean(A,axis=0)-x": lambda A, x: anp.mean(A, axis=0) - x,
    "prod(x)": lambda x: anp.prod(x),
    "prod(A)": lambda A: anp.prod(A),
    "prod(A,axis=0)*x": lambda A, x: A[0] * A[1] * x,
    "prod(B,axis=1)": lambda B: B[:, 0] * B[:, 1],
    "max(x)": lambda x: anp.max(x),
    "min(A,axis=1)": lambda A: anp.min(A, axis=1),
    "max(A,axis=0)*y": lambda A, y: anp.max(A, axis=0) * y,
    "max(x,y)": lambda x, y: anp.maximum(x, y),
    "min(A,s)": lambda A, s: anp.minimum(A, s),
    "clip(A,-s,s)": lambda A, s: anp.minimum(anp.maximum(A, -s), s),
    "norm(x)": lambda x: norm(x),
    "norm(A)": lambda A: norm(A),
    "norm(A,axis=1)*b": lambda A, b: norm(A, axis=1) * b,
    "x/norm(x)": lambda x: x / norm(x),
    "logsumexp(x)": lambda x: lse(x),
    "logsumexp(A)": lambda A: lse(A),
    "logsumexp(A,axis=0)*y": lambda A, y: lse(A, axis=0) * y,
    "softmax(x)": lambda x: softmax(x),
    "softmax(A)": lambda A: softmax(A),
    "softmax(A,axis=0)*x": lambda A, x: softmax(A, axis=0) * x,
    "softmax(A@x)[1]": lambda A, x: softmax(A @ x)[1],
    "log_softmax(x)": lambda x: log_softmax(x),
    "log_softmax(A,axis=0)": lambda A: log_softmax(A, axis=0),
    "sum(log_softmax(A)*B.T)": lambda A, B: anp.sum(log_softmax(A) * B.T),
    "x[0]*x[-1]": lambda x: x[0] * x[-1],
    "x[1:3]*s": lambda x, s: x[1:3] * s,
    "A[0,1]*A[1]": lambda A: A[0, 1] * A[1],
    "A[0:2,1]+b": lambda A, b: A[:, 1] + b,
    "A[:,0:2]@b": lambda A, b: A[:, :2] @ b,
    "[x[0],s,x[1]*s]": lambda x, s: anp.array([x[0], s, x[1] * s]),
    "[x,y]@B": lambda x, y, B: anp.array([x, y]) @ B,
    "[[s,1],[2,s**2]]@b": lambda s, b: anp.array([s * b[0] + b[1], 2 * b[0] + s**2 * b[1]]),
    "where(x>0,x**2,y)": lambda x, y: anp.where(x > 0, x**2, y),
    "where(A>x,A*x,s)": lambda A, x, s: anp.where(x < A, A * x, s + 0 * A),
    "relu(A@x+b)": lambda A, x, b: anp.maximum(A @ x + b, 0),
    "sigmoid(A@x+b)": lambda A, x, b: sigmoid(A @ x + b),
    "tanh(x*s)·y": lambda x, y, s: anp.sum(anp.tanh(x * s) * y),
    "b·relu(A@tanh(B@b))": lambda A, B, b: anp.sum(b * anp.maximum(A @ anp.tanh(B @ b), 0)),
    "mse(x,y)": lambda x, y: anp.mean((x - y) ** 2),
    "mse(A,B.T)": lambda A, B: anp.sum((A - B.T) ** 2) / 2,
    "bce(y,sigmoid(x))": lambda x, y: -anp.mean(y * anp.log(sigmoid(x)) + (1 - y) * anp.log(1 - sigmoid(x))),
    "cce(y,softmax(x))": lambda x, y: -anp.sum(y * anp.log(softmax(x))),
    "cce(exp(B.T),softmax(A))": lambda A, B: -anp.sum(anp.exp(B.T) * anp.log(softmax(A))) / 2,
    "exp(x)/sum(exp(x))": lambda x: anp.exp(x) / anp.sum(anp.exp(x)),
    "sum(sin(A@x)*b)+norm(x)**2": lambda A, x, b: anp.sum(anp.sin(A @ x) * b) + anp.sum(x**2),
    "log(1+sum(x**2))*s": lambda x, s: anp.log(1 + anp.sum(x**2)) * s,
    "hypot(x,y)-atan2(x,y)": lambda x, y: anp.sqrt(x**2 + y**2) - anp.arctan2(x, y),
    "sum(A@x-b)**2/mean(y)": lambda A, x, b, y: anp.sum(A @ x - b) ** 2 / anp.mean(y),
    "s*3": lambda s: s * 3,
    # Spread over a constant that is wider, over axes of one entry, and to stacks of matrices
    "sum(x+[[1,2,3],[4,5,6]],axis=1)": lambda x: anp.sum(x + W, axis=1),
    "([[1,2,3],[4,5,6]]-x)@x": lambda x: (W - x) @ x,
    "(x*[[1,2,3],[4,5,6]]).T": lambda x: (x * W).T,
    "prod(s-[[1,2,3],[4,5,6]],axis=1)": lambda s: (s - W)[:, 0] * (s - W)[:, 1] * (s - W)[:, 2],
    "logsumexp(x+[[1,2,3],[4,5,6]])": lambda x: lse(x + W),
    "(s*[[1,2,3],[4,5,6]])[1,1:]": lambda s: (s * W)[1, 1:],
    "where([[1,0,1],[0,1,0]]>0,x,s)@y": lambda x, y, s: anp.where(W % 2 > 0, x + 0 * W, s + 0 * W) @ y,
    "softmax(x+0*[[1],[2]],axis=0)": lambda x: softmax(x + 0 * W, axis=0),
    "A[0:1]*b[0:1]+A": lambda A, b: A[0:1] * b[0:1] + A,
    "A[:,1:2]@x[1:2]-A[0:1].T*b": lambda A, x, b: A[:, 1:2] @ x[1:2] - A[0:1].T * b,
    "[A,A*s].T": lambda A, s: anp.array([A, A * s]).T,
    "sum([A,B.T],axis=1)": lambda A, B: anp.sum(anp.array([A, B.T]), axis=1),
    "[x,[1,2,s]]": lambda x, s: anp.array([x, anp.array([1, 2, s])]),
}


def named(function):
    return list(function.__code__.co_varnames[: function.__code__.co_argcount])


@pytest.mark.parametrize("text", ARRAYS)
def test_arrays_beside_autograd(text):
    witness = ARRAYS[text]
    point = {name: POINT[name] for name in named(witness)}
    one = calculation(text, point)
    args = list(point.values())
    value = np.asarray(witness(*args))
    (got,), blocks = one.jacobian(point)
    np.testing.assert_allclose(got, value, rtol=1e-13, atol=1e-15)
    for i, (name, block) in enumerate(blocks.items()):
        true = autograd.jacobian(witness, i)(*args).reshape(value.size, -1)
        np.testing.assert_allclose(block, true, rtol=1e-12, atol=1e-14)
        if not value.ndim:
            assert one.gradient(point)[1][name] == pytest.approx(true.reshape(np.shape(point[name])), rel=1e-12)
    rows_equal_columns(one, point, blocks)


def rows_equal_columns(one, point, blocks):
    """The Jacobian's rows are v·J of unit vectors and its columns J·v: forward and reverse agree."""
    matrix = np.concatenate(list(map(np.asarray, blocks.values())), axis=1)
    for i, unit in enumerate(np.eye(one.outputs)):
        row = np.concatenate([np.ravel(part) for part in one.vjp(point, unit)[1].values()])
        np.testing.assert_allclose(row, matrix[i], rtol=1e-12, atol=1e-14)
    for j, unit in enumerate(np.eye(one.inputs)):
        column = np.concatenate([np.ravel(part) for part in one.jvp(point, unit)[1]])
        np.testing.assert_allclose(column, matrix[:, j], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("text", ARRAYS)
def test_hessians_are_differences_of_gradients(text):
    """Of Σ f³, so that outer and inner derivatives both count."""
    witness = ARRAYS[text]
    names = named(witness)
    text = f"sum(({text})**3)"
    one = calculation(text, {name: POINT[name] for name in names})
    point = {name: POINT[name] for name in names}
    matrix = np.asarray(one.hessian(point)[2])
    assert np.array_equal(matrix, matrix.T)
    at = np.concatenate([np.ravel(v) for v in point.values()])

    def slope(flat):
        parts, start = {}, 0
        for name, v in point.items():
            size = np.size(v)
            parts[name] = flat[start : start + size].reshape(np.shape(v)) if np.ndim(v) else float(flat[start])
            start += size
        return np.concatenate([np.ravel(g) for g in one.gradient(parts)[1].values()])

    h = 1e-5
    differences = np.array([(slope(at + h * u) - slope(at - h * u)) / (2 * h) for u in np.eye(len(at))])
    np.testing.assert_allclose(matrix, differences, rtol=2e-7, atol=2e-7 * max(1.0, np.abs(matrix).max()))
