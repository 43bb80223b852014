"""The lecture's functions by name, for `bpcli jacobian NAME`: their checks, values, Jacobians, and products with them.

One row a function, whose inputs `INPUTS` lists. A row works on the arrays that its `check` returns, or on the
same in other numbers: `value` is an array or number, `jacobian` a matrix outputs × entries for each block, `vjp` v·J in
each block's shape, `jvp` J·v in the value's shape, never forming J.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from bpcli.errors import InputError, MissingInputError, UsageError, nearest
from bpcli.formulas import softmax as soft
from bpcli.formulas.activations import ACTIVATIONS, Activation
from bpcli.formulas.affine import affine_pair, affine_scaled, daffine_db, daffine_dw, daffine_dx, ddot_du, ddot_dv, dot
from bpcli.formulas.choices import REALS, Interval, Kink, Task
from bpcli.formulas.losses import LOSSES, Loss
from bpcli.lecture.inputs import INPUTS, OF_Z, Derived, fused_names, settings_of
from bpcli.numbers import pairs
from bpcli.numbers.namespaces import array_namespace
from bpcli.text.notation import byte_size, number

Array = NDArray[Any]
Inputs = Mapping[str, Any]
R = TypeVar("R", Activation, Loss)

MAX_BYTES = 2 << 30
"""A Jacobian larger than this is refused; the products never form it."""


class Corner(NamedTuple):
    """An entry of a Jacobian at a kink: the convention's slope of what has the kink, and those on both sides.

    `entry_of(slope, inputs)` is the entry of the Jacobian for such a slope, in the numbers of the inputs, and `rises`
    says whether what has the kink rises with the input. `place` says where the kink is.
    """

    output: int
    block: str
    entry: int
    used: float
    left: float
    right: float
    entry_of: Callable[[float, Inputs], Any]
    rises: bool
    place: str

    def slopes(self, inputs: Inputs) -> tuple[Any, Any, Any]:
        """The entry by the convention, to the left of the input, and to the right."""
        sides = (self.left, self.right) if self.rises else (self.right, self.left)
        used, left, right = (self.entry_of(slope, inputs) + 0.0 for slope in (self.used, *sides))  # −0 is 0
        return used, left, right


def smooth(inputs: Inputs) -> list[Corner]:
    """The kinks of a function that has none."""
    return []


class Named(NamedTuple):
    """A row: what it is differentiated by, a check of its inputs, and its rules over those by name."""

    blocks: tuple[str, ...]
    check: Callable[[Inputs], dict[str, Any]]
    value: Callable[[Inputs], Any]
    jacobian: Callable[[Inputs], dict[str, Any]]
    vjp: Callable[[Inputs, Any], dict[str, Any]]
    jvp: Callable[[Inputs, Any], Any]
    rows_of: str | None = None  # the input of which a matrix means one function a row
    corners: Callable[[Inputs], list[Corner]] = smooth  # the entries that are at a kink


def _refuse_large(rows: int, columns: int) -> None:
    if rows * columns * 8 > MAX_BYTES:
        raise InputError(
            f"the Jacobian would have {rows} × {columns} entries, {byte_size(rows * columns * 8)}",
            "vjp V gives V·J and jvp V gives J·V without forming it",
            names=("vjp", "jvp"),
        )


def _array(inputs: Inputs, name: str) -> Array:
    return np.atleast_1d(np.asarray(inputs[name], np.float64))


def _vector(inputs: Inputs, name: str) -> Array:
    value = _array(inputs, name)
    if value.ndim != 1:
        raise InputError(f"{name} is {kind_of(value)}; expected a vector such as 1,2,3", names=[name])
    return value


def kind_of(value: Array) -> str:
    """What an array is in words."""
    if value.ndim < 2:
        return f"a vector of {len(value)}" if value.size != 1 else "one number"
    return f"a {' × '.join(map(str, value.shape))} matrix"


def _same_shape(a: Array, b: Array, names: tuple[str, str], hint: str = "") -> None:
    if a.shape != b.shape:
        raise InputError(
            f"the shapes do not fit: {names[0]} is {kind_of(a)}, {names[1]} is {kind_of(b)}", hint, names=names
        )


def check_names(name: str, given: Mapping[str, Any]) -> None:
    """InputError unless these are the inputs of the function."""
    wanted = INPUTS[name]
    settings = settings_of(name, given.get("activation"))
    either = {"y", "label"} if "label" in wanted else set()  # of which `check` expects one
    if missing := [key for key in wanted if key not in given and key not in either]:
        raise MissingInputError(f"{name} needs {', '.join(missing)}", names=missing)
    if extra := [key for key in given if key not in wanted and key not in settings]:
        raise InputError(f"{name} takes no {', '.join(extra)}", names=extra)


def each_set(row: Named, inputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One set of inputs, or one for each row of the matrix that the function is given."""
    if row.rows_of is None or np.ndim(inputs[row.rows_of]) != 2:
        return [dict(inputs)]
    matrix = np.asarray(inputs[row.rows_of])
    if matrix.shape[1] == 1:  # a column, as a file with a number a line is read
        return [{**inputs, row.rows_of: matrix[:, 0]}]
    return [{**inputs, row.rows_of: one} for one in matrix]


# Functions of logits, and of z entry by entry


def _of_logits(value: Any, jacobian: Any, vjp: Any, jvp: Any) -> Named:
    def dense(inputs: Inputs) -> dict[str, Any]:
        K = len(inputs["logits"])
        _refuse_large(K, K)
        return {"logits": jacobian(inputs["logits"])}

    return Named(
        ("logits",),
        lambda i: {"logits": _vector(i, "logits")},
        lambda i: value(i["logits"]),
        dense,
        lambda i, v: {"logits": vjp(v, i["logits"])},
        lambda i, v: jvp(i["logits"], v),
        "logits",
    )


def _with_settings(row: R, inputs: Inputs) -> R:
    """The row with those of its settings that are among the inputs."""
    return row.with_settings({key: inputs[key] for key in row.settings if key in inputs})


def check_settings(row: Activation | Loss, inputs: Inputs) -> dict[str, Any]:
    """The settings that are given, as numbers within their bounds."""
    checked = {}
    for name, setting in row.settings.items():
        if inputs.get(name) is None:
            continue
        value = np.asarray(inputs[name], float)
        if value.size != 1:
            raise InputError(f"{name} is {kind_of(value)}; expected one number", names=[name])
        if problem := setting.problem(value.item()):
            raise InputError(f"{name}: {problem}", names=[name])
        checked[name] = value.reshape(())
    return checked


def _activation(row: Activation) -> Named:
    """A function of z entry by entry: its Jacobian is diagonal."""

    def at(inputs: Inputs) -> Activation:
        return _with_settings(row, inputs)

    def dense(inputs: Inputs) -> dict[str, Any]:
        z = inputs["z"]
        _refuse_large(len(z), len(z))
        return {"z": array_namespace(z).diag(at(inputs).derivative(z))}

    def corners(inputs: Inputs) -> list[Corner]:
        z, g = inputs["z"], at(inputs)
        return [
            Corner(k, "z", k, float(g.derivative(z[k])), kink.left, kink.right, lambda s, i: s, True, _place(row, kink))
            for kink in _kinks(g)
            for k in np.flatnonzero(z == kink.at).tolist()
        ]

    return Named(
        ("z",),
        lambda i: {"z": _vector(i, "z"), **check_settings(row, i)},
        lambda i: at(i).value(i["z"]),
        dense,
        lambda i, v: {"z": v * at(i).derivative(i["z"])},
        lambda i, v: at(i).derivative(i["z"]) * v,
        corners=corners,
    )


def _kinks(row: Activation) -> list[Kink]:
    """The places where the slope jumps."""
    return [kink for kink in row.kinks() if kink.left != kink.right]


def _place(row: Activation, kink: Kink) -> str:
    return f"{row.name}(z) at z = {number(kink.at)}"


# dot, affine, neuron


def _check_dot(inputs: Inputs) -> dict[str, Any]:
    u, v = _vector(inputs, "u"), _vector(inputs, "v")
    _same_shape(u, v, ("u", "v"))
    return {"u": u, "v": v}


_DOT = Named(
    ("u", "v"),
    _check_dot,
    lambda i: dot(i["u"], i["v"]),
    lambda i: {"u": ddot_du(i["u"], i["v"]), "v": ddot_dv(i["u"], i["v"])},
    lambda i, g: {"u": g[0] * i["v"], "v": g[0] * i["u"]},
    lambda i, t: dot(array_namespace(t).concatenate([i["v"], i["u"]]), t),
)


def _check_affine(inputs: Inputs) -> dict[str, Any]:
    x, w, b = _vector(inputs, "x"), _array(inputs, "w"), _array(inputs, "b")
    if len(w) != len(x):
        raise InputError(
            f"the shapes do not fit: x is {kind_of(x)}, w is {kind_of(w)}",
            "w has a row for each entry of x, and a column for each output if there are several",
            names=("x", "w"),
        )
    outputs = w.shape[1] if w.ndim == 2 else 1
    if b.shape != (outputs,):
        raise InputError(f"b is {kind_of(b)}; expected {kind_of(w[0]) if w.ndim == 2 else 'one number'}", names=["b"])
    return {"x": x, "w": w, "b": b if w.ndim == 2 else b.reshape(())}


def _affine_jacobian(inputs: Inputs) -> dict[str, Any]:
    x, w = inputs["x"], inputs["w"]
    _refuse_large(w.shape[1] if w.ndim == 2 else 1, w.size)
    return {"x": daffine_dx(x, w), "w": daffine_dw(x, w), "b": daffine_db(w)}


def _affine_vjp(inputs: Inputs, g: Any) -> dict[str, Any]:
    x, w = inputs["x"], inputs["w"]
    if w.ndim == 1:
        return {"x": g[0] * w, "w": g[0] * x, "b": g}
    return {"x": dot(w, g), "w": x[:, None] * g, "b": g}


def _affine_jvp(inputs: Inputs, t: Any) -> tuple[Any, Any]:
    """dz = (dx)ᵀw + xᵀ(dw) + db for t = (dx, dw, db), one sum, as m·2^k."""
    x, w = inputs["x"], inputs["w"]
    concatenate = array_namespace(t).concatenate
    dx, dw, db = t[: x.size], t[x.size : x.size + w.size].reshape(w.shape), t[x.size + w.size :]
    z, k = affine_scaled(concatenate([dx, x]), concatenate([w, dw]), db.reshape(w.shape[1:]))
    return z[0], k


_AFFINE = Named(
    ("x", "w", "b"),
    _check_affine,
    lambda i: affine_pair(i["x"], i["w"], i["b"])[0],
    _affine_jacobian,
    _affine_vjp,
    lambda i, t: array_namespace(t).ldexp(*_affine_jvp(i, t)),
    "x",
)


def activation_named(name: Any) -> Activation:
    """The row of an activation; InputError if there is none of that name."""
    if name in ACTIVATIONS:
        return ACTIVATIONS[name]
    close = nearest(str(name), ACTIVATIONS)
    hint = f"did you mean {close}?" if close else f"they are {', '.join(ACTIVATIONS)}"
    raise InputError(f"there is no activation {name!r}", hint, names=["activation"])


def _check_neuron(inputs: Inputs) -> dict[str, Any]:
    checked = _check_affine(inputs)
    if checked["w"].ndim != 1:
        raise InputError(
            "w is a matrix; a neuron has one output", "affine takes a matrix with a column for each", names=["w"]
        )
    row = activation_named(inputs["activation"])
    return {**checked, "activation": row.name, **check_settings(row, inputs)}


def _activation_of(inputs: Inputs) -> Activation:
    return _with_settings(ACTIVATIONS[inputs["activation"]], inputs)


def _neuron(inputs: Inputs) -> Any:
    """a = g(z + low) = g(z) + low·g'(z), with the pair z + low = xᵀw + b."""
    z, low = affine_pair(inputs["x"], inputs["w"], inputs["b"])
    row = _activation_of(inputs)
    return row.value(z) + low * row.derivative(z)


def neuron_slope(x: Any, w: Any, b: Any, activation: Activation) -> tuple[Any, Any]:
    """∂a/∂z at z = xᵀw + b as (m, k) for m·2^k."""
    xp = array_namespace(x)
    z, k = affine_scaled(x, w, b)
    # Of a z that underflows the sign still counts, at a kink.
    return activation.slope(*pairs.ldexp(xp, z, xp.maximum(k, -400)))


def _times_slope(inputs: Inputs, *products: tuple[tuple[Any, Any], ...]) -> list[Any]:
    """(∂a/∂z)·Π m·2^k of the (m, k) of each product: a slope too small for a double may meet a large factor."""
    xp = array_namespace(inputs["x"])
    slope = neuron_slope(inputs["x"], inputs["w"], inputs["b"], _activation_of(inputs))
    results = []
    for factors in products:
        m, k = slope
        for m_factor, k_factor in factors:
            m, k = m * m_factor, k + k_factor
        results.append(xp.ldexp(m, k))
    return results


def _neuron_vjp(inputs: Inputs, v: Any) -> dict[str, Any]:
    g, x, w = (array_namespace(v).frexp(factor) for factor in (v, inputs["x"], inputs["w"]))
    return dict(zip(("x", "w", "b"), _times_slope(inputs, (g, w), (g, x), (g,)), strict=True))


def _corners_of_neuron(inputs: Inputs) -> list[Corner]:
    """All entries that z depends on, where z is at a kink of the activation."""
    z, low = affine_pair(inputs["x"], inputs["w"], inputs["b"])
    row = _activation_of(inputs)
    found = []
    for kink in _kinks(row):
        if (z - kink.at) + low != 0:
            continue
        used = float(row.derivative(z))
        for block, factors in (("x", "w"), ("w", "x"), ("b", "")):
            slopes = inputs[factors] if factors else np.ones(1)
            for k in np.flatnonzero(slopes).tolist():
                entry_of = partial(_times_entry, factors, k)
                rises = bool(slopes[k] > 0)
                found.append(Corner(0, block, k, used, kink.left, kink.right, entry_of, rises, _place(row, kink)))
    return found


def _times_entry(factors: str, k: int, slope: float, inputs: Inputs) -> Any:
    return slope * inputs[factors][k] if factors else slope


_NEURON = Named(
    ("x", "w", "b"),
    _check_neuron,
    _neuron,
    lambda i: {name: block[None, :] for name, block in _neuron_vjp(i, array_namespace(i["x"]).ones(1)).items()},
    _neuron_vjp,
    lambda i, t: _times_slope(i, (_affine_jvp(i, t),))[0],
    "x",
    _corners_of_neuron,
)


# Losses


def _loss(row: Loss, g: str | None = None) -> Named:
    """A loss of labels and outputs, or after an activation of z, or after softmax of logits.

    Its Jacobian is a gradient, 1 × all entries.
    """
    block = "yhat" if g is None else "z" if g in ACTIVATIONS else "logits"
    by_rows = row.task is Task.CLASSES

    def functions(inputs: Inputs) -> tuple[Callable[..., Any], Callable[..., Any]]:
        bound = _with_settings(row, inputs)
        return (bound.J, bound.dJ_dyhat) if g is None else (bound.fused[g].J, bound.fused[g].dJ_dz)

    def arguments(inputs: Inputs) -> tuple[Any, Any]:
        y, other = inputs["y"], inputs[block]
        return (_rows(y), _rows(other)) if by_rows else (y, other)

    def shaped(inputs: Inputs) -> Any:
        return functions(inputs)[1](*arguments(inputs)).reshape(inputs[block].shape)

    check = _check_one_hot if by_rows else _check_pairs
    return Named(
        (block,),
        lambda i: {**check(row, block, i), **check_settings(row, i)},
        lambda i: functions(i)[0](*arguments(i)),
        lambda i: {block: shaped(i).reshape(1, -1)},
        lambda i, v: {block: v[0] * shaped(i)},
        lambda i, t: dot(shaped(i).reshape(-1), t),
        corners=partial(_corners_of_loss, row) if g is None else smooth,
    )


def _corners_of_loss(row: Loss, inputs: Inputs) -> list[Corner]:
    """The entries of ŷ at a kink of the loss's term."""
    y, yhat = inputs["y"], inputs["yhat"]
    bound = _with_settings(row, inputs)
    N = len(yhat)
    found = []
    for kink in bound.kinks(y):
        at, left, right = (np.broadcast_to(np.asarray(part, float), yhat.shape).ravel() for part in kink)
        for k in np.flatnonzero((yhat.ravel() == at) & (left != right)).tolist():
            used = float(bound.slope(y.ravel()[k], yhat.ravel()[k]))
            place = f"{row.name}(y, yhat) at y = {number(y.ravel()[k])}, yhat = {number(at[k])}"
            sides = float(left[k]), float(right[k])
            found.append(Corner(0, "yhat", k, used, *sides, lambda slope, i: slope / N, True, place))
    return found


def check_labels(row: Loss, y: Array) -> None:
    """InputError for a label that the loss does not take."""
    _check_within(row.labels, y, "y", "labels")


def _check_within(interval: Interval, values: Array, name: str, what: str, hint: str = "") -> None:
    outside = values[~interval.holds(values)]
    if outside.size and interval != REALS:
        raise InputError(f"{name} holds {what} {interval}, found {outside[0]:g}", hint, names=[name])


def _check_outputs(row: Loss, yhat: Array) -> None:
    """InputError for a ŷ that is outside of the loss's domain."""
    probabilities = row.probability or row.task is Task.CLASSES
    hint = f"for z from −∞ to ∞: {' or '.join(fused_names())}" if probabilities else ""
    _check_within(row.domain, yhat, "yhat", "probabilities" if probabilities else "outputs", hint)


def _check_pairs(row: Loss, block: str, inputs: Inputs) -> dict[str, Any]:
    """A label for each output."""
    y, other = _array(inputs, "y"), _array(inputs, block)
    _same_shape(y, other, ("y", block))
    check_labels(row, y)
    if block == "yhat":
        _check_outputs(row, other)
    return {"y": y, block: other}


def _check_one_hot(row: Loss, block: str, inputs: Inputs) -> dict[str, Any]:
    """Rows y as one-hot, from y or label, for predictions in rows."""
    other = _array(inputs, block)
    if block == "yhat":
        _check_outputs(row, other)
    if (inputs.get("y") is None) == (inputs.get("label") is None):
        raise InputError("give the true class once: y one-hot, or label counted from 0", names=("y", "label"))
    if inputs.get("label") is not None:
        y = one_hot(_vector(inputs, "label"), *_rows(other).shape)
        return {"y": y.reshape(other.shape), block: other}
    y = _array(inputs, "y")
    _same_shape(y, other, ("y", block), "y is one-hot, in the shape of the other; label gives class numbers")
    check_labels(row, y)
    check_sums(_rows(y))
    return {"y": y, block: other}


def check_sums(y: Array) -> None:
    """InputError unless each row adds up to 1."""
    sums = y.sum(axis=1)
    wrong = sums[~(abs(sums - 1.0) <= 1e-9)]
    if wrong.size:
        what = "each row is one-hot, or holds probabilities that add up to 1"
        raise InputError(f"y: {what}; found a sum of {wrong[0]:g}", names=["y"])


def one_hot(labels: Array, samples: int, classes: int) -> Array:
    """One-hot rows (samples, classes) of class numbers; InputError for one that is no class."""
    if labels.shape != (samples,):
        expected = kind_of(np.empty(samples))
        raise InputError(f"label is {kind_of(labels)}; expected {expected}, a class number a row", names=["label"])
    for label in labels.tolist():
        if label not in range(classes):
            raise InputError(f"label {label:g}: the classes are counted from 0 to {classes - 1}", names=["label"])
    y = np.zeros((samples, classes))
    y[np.arange(samples), labels.astype(int)] = 1.0
    return y


def _rows(x: Any) -> Any:
    """A sample a row; a vector is one sample."""
    return x.reshape(-1, x.shape[-1])


def _named() -> dict[str, Named]:
    return {
        "softmax": _of_logits(soft.softmax, soft.dsoftmax_dlogits, soft.softmax_vjp, soft.softmax_jvp),
        "log_softmax": _of_logits(
            soft.log_softmax, soft.dlog_softmax_dlogits, soft.log_softmax_vjp, soft.log_softmax_jvp
        ),
        **{name: _activation(row) for name, row in {**ACTIVATIONS, **OF_Z}.items()},
        "dot": _DOT,
        "affine": _AFFINE,
        "neuron": _NEURON,
        **{name: _loss(row) for name, row in LOSSES.items()},
        **{name: _loss(row, g) for name, (g, row) in fused_names().items()},
    }


NAMED: Mapping[str, Named] = Derived(_named)
"""Every name that `jacobian` knows."""


def named_function(name: str) -> Named:
    """The row of a name; UsageError if there is none."""
    if name not in NAMED:
        close = nearest(name, NAMED)
        hint = f"did you mean {close}?" if close else f"they are {', '.join(NAMED)}"
        raise UsageError(f"there is no function of the lecture called {name}", hint)
    return NAMED[name]
