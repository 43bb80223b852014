"""How many digits are right: the largest error of bpcli, of plain NumPy, of PyTorch and of JAX, in double precision.

    pip install -e '.[bench]' && python tests/benchmarks/bench_accuracy.py

Each row is a function or a derivative (′), each cell the largest error over random inputs of one regime, in units in
the last place of the true value (of a subnormal: its unit, 2⁻¹⁰⁷⁴; of logsumexp: of its largest term). The true value
is a ball of python-flint, at a precision that doubles until the ball is 2⁻⁷⁰ of its value or smaller. NumPy is written
as a textbook would; the derivatives of PyTorch and JAX are their own. A `!` marks a cell of bpcli over its bound, and
makes the exit code 1. Inputs are the numbers drawn: a row of ten logits is ten. `--markdown` prints the table of the
page `accuracy`; a tool that is not installed has no column.
"""

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from itertools import product
from multiprocessing import get_context
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from flint import arb, ctx

from bpcli.formulas import activations as act
from bpcli.formulas import softmax as soft
from bpcli.formulas.loss_formulas import dsigmoid_bce_term_dz, sigmoid_bce_term
from bpcli.lecture.named_functions import NAMED

REGIMES = ("moderate", "saturated", "huge", "tiny")
TOOLS = {"bpcli": "bpcli", "NumPy": "numpy", "PyTorch": "torch", "JAX": "jax"}
CLASSES = (3, 10, 100, 1000)
FEATURES = 8
CHUNK = 24_000
EXACT = 2300  # bits that hold any sum or difference of doubles

Batch = tuple[Any, ...]


# Inputs: a tuple of arrays, a sample a row


def scales(rng: Any, low: float, high: float, shape: Any) -> Any:
    """±10ᵘ with u uniform."""
    return rng.choice([-1.0, 1.0], shape) * 10.0 ** rng.uniform(low, high, shape)


def numbers(rng: Any, regime: str, shape: Any) -> Any:
    """Inputs of an elementwise function; the saturated ones reach to where e^−|z| is 0."""
    if regime == "moderate":
        return rng.uniform(-4, 4, shape)
    if regime == "saturated":
        return rng.choice([-1.0, 1.0], shape) * rng.uniform(15, 750, shape)
    return scales(rng, 3, 308, shape) if regime == "huge" else scales(rng, -323, -3, shape)


def draw_z(rng: Any, regime: str, size: int, chunk: int) -> Batch:
    return (numbers(rng, regime, size),)


def draw_z_and_label(rng: Any, regime: str, size: int, chunk: int) -> Batch:
    return numbers(rng, regime, size), rng.integers(0, 2, size).astype(float)


def draw_logits(rng: Any, regime: str, size: int, chunk: int) -> Batch:
    """Rows of logits and a class of each; 3 to 1000 classes, by the chunk."""
    K = CLASSES[chunk % len(CLASSES)]
    shape = rows, _ = max(size // K, 1), K
    if regime == "saturated":
        logits = rng.uniform(-700, 700, shape)
    elif regime == "huge":  # every other row close together about a large number, where l − max is rounded
        near = scales(rng, 3, 15, (rows, 1)) + rng.uniform(-30, 30, shape)
        logits = np.where(np.arange(rows)[:, None] % 2, near, scales(rng, 3, 307, shape))
    else:
        logits = numbers(rng, regime, shape)
    return logits, rng.integers(0, K, rows)


def draw_neuron(rng: Any, regime: str, size: int, chunk: int) -> Batch:
    """x, w, b; for `huge` every other z is what remains of two large terms, by less than 2⁴⁰."""
    rows = max(size // (2 * FEATURES + 1), 1)
    x, w = rng.normal(size=(2, rows, FEATURES))
    b = rng.normal(size=rows)
    if regime == "saturated":
        w *= 100.0
    elif regime == "tiny":
        by = 10.0 ** rng.uniform(-290, -3, rows)
        w, b = w * by[:, None], b * by
    elif regime == "huge":
        odd = np.arange(rows) % 2 == 1
        w[odd, 0] = scales(rng, 3, 9, odd.sum())
        w[odd, 1] = -w[odd, 0] * x[odd, 0] / x[odd, 1]
        w[~odd] *= 10.0 ** rng.uniform(3, 300, ((~odd).sum(), 1))
    return x, w, b


# True values: balls from the numbers of one sample


def exactly(work: Callable[[], Any]) -> Any:
    """Sums and products of doubles, without rounding."""
    precision, ctx.prec = ctx.prec, EXACT
    try:
        return work()
    finally:
        ctx.prec = precision


def ball_sigmoid(z: Any) -> Any:
    e = (-abs(z)).exp()
    return (1 if z >= 0 else e) / (1 + e)


def ball_dsigmoid(z: Any) -> Any:
    return ball_sigmoid(z) * ball_sigmoid(-z)


def ball_dtanh(z: Any) -> Any:
    return 4 * ball_dsigmoid(2 * z)


def ball_softplus(z: Any) -> Any:
    return z.exp().log1p() if z < 0 else z + (-z).exp().log1p()


def elementwise(ball: Callable[[Any], Any]) -> Callable[..., list[Any]]:
    return lambda z: [ball(arb(z))]


def shifted(logits: list[float]) -> tuple[Any, list[Any], list[Any], Any, int]:
    """m, l − m, e^(l − m), the sum of all but the largest, and where that is."""
    top = logits.index(max(logits))
    m = arb(logits[top])
    d = exactly(lambda: [arb(one) - m for one in logits])
    e = [one.exp() for one in d]
    return m, d, e, sum((e[k] for k in range(len(e)) if k != top), arb(0)), top


def probabilities(logits: list[float]) -> tuple[list[Any], Callable[[int], Any]]:
    """p, and 1 − p of a class."""
    _, _, e, rest, top = shifted(logits)
    S = 1 + rest
    return [one / S for one in e], lambda k: (rest if k == top else S - e[k]) / S


def true_softmax(logits: list[float], _pick: int) -> list[Any]:
    return probabilities(logits)[0]


def true_dsoftmax(logits: list[float], pick: int) -> list[Any]:
    p, complement = probabilities(logits)
    return [p[pick] * complement(pick) if k == pick else -p[pick] * one for k, one in enumerate(p)]


def true_log_softmax(logits: list[float], _pick: int) -> list[Any]:
    _, d, _, rest, _ = shifted(logits)
    log_S = rest.log1p()
    return [one - log_S for one in d]


def true_dlog_softmax(logits: list[float], pick: int) -> list[Any]:
    p, complement = probabilities(logits)
    return [complement(k) if k == pick else -one for k, one in enumerate(p)]


def true_logsumexp(logits: list[float], _pick: int) -> list[Any]:
    m, _, _, rest, _ = shifted(logits)
    return [m + rest.log1p()]


def true_cce(logits: list[float], pick: int) -> list[Any]:
    return [-true_log_softmax(logits, pick)[pick]]


def true_dcce(logits: list[float], pick: int) -> list[Any]:
    return [-one for one in true_dlog_softmax(logits, pick)]


def true_bce(z: float, y: float) -> list[Any]:
    return [ball_softplus(arb(-z if y else z))]


def true_dbce(z: float, y: float) -> list[Any]:
    return [-ball_sigmoid(arb(-z)) if y else ball_sigmoid(arb(z))]


def ball_z(x: list[float], w: list[float], b: float) -> Any:
    return exactly(lambda: sum((arb(s) * arb(t) for s, t in zip(x, w, strict=True)), arb(b)))


def neuron(ball: Callable[[Any], Any]) -> Callable[..., list[Any]]:
    return lambda x, w, b: [ball(ball_z(x, w, b))]


def neuron_slopes(ball: Callable[[Any], Any]) -> Callable[..., list[Any]]:
    def slopes(x: list[float], w: list[float], b: float) -> list[Any]:
        slope = ball(ball_z(x, w, b))
        return [slope * arb(one) for one in (*w, *x)] + [slope]

    return slopes


NOTHING = arb(2) ** -1200


def settled(ball: Any) -> bool:
    """Whether the ball is small beside its value or, as e^−1e300 never is, beside the smallest double."""
    return bool(ball.rel_accuracy_bits() >= 70 or ball == 0 or abs(ball) < NOTHING)


def true_values(truth: Callable[..., list[Any]], batch: Batch) -> tuple[Any, Any]:
    """The nearest doubles, and what is missing from them in their ulp: (samples, entries)."""
    nearest, missing = [], []
    for sample in zip(*(a.tolist() for a in batch), strict=True):
        ctx.prec = 128
        balls = truth(*sample)
        while not all(map(settled, balls)):
            ctx.prec *= 2
            if ctx.prec > 2 * EXACT:
                raise ArithmeticError(f"no true value for {sample}")
            balls = truth(*sample)
        doubles = [float(one) for one in balls]
        nearest.append(doubles)
        missing.append([float((one - d) / math.ulp(d)) for one, d in zip(balls, doubles, strict=True)])
    return np.array(nearest), np.array(missing)


# The tools, each from a batch to (samples, entries)


def row_by_row(name: str, slopes: bool, *names: str, **more: Any) -> Callable[..., Any]:
    """bpcli's named function for one sample at a time, as `bpcli jacobian` takes it."""

    def run(*batch: Any) -> Any:
        results = []
        for sample in zip(*batch, strict=True):
            inputs = {**dict(zip(names, sample, strict=True)), **more}
            if "logits" in inputs:  # a mini-batch of one, its class as a one-hot row
                inputs = {key: one[None] for key, one in inputs.items()}
                inputs["y"] = np.eye(inputs["logits"].shape[1])[inputs["y"]]
            if slopes:
                blocks = NAMED[name].jacobian(inputs)
                results.append(np.concatenate([blocks[key].ravel() for key in NAMED[name].blocks]))
            else:
                results.append(np.atleast_1d(NAMED[name].value(inputs)))
        return np.array(results)

    return run


def picked(jacobian: Callable[[Any], Any]) -> Callable[..., Any]:
    """Row `pick` of each Jacobian."""
    return lambda logits, pick: jacobian(logits)[np.arange(len(logits)), pick]


def plain_sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def plain_dsigmoid(z: Any) -> Any:
    a = plain_sigmoid(z)
    return a * (1 - a)


def plain_dtanh(z: Any) -> Any:
    a = np.tanh(z)
    return (1 + a) * (1 - a)


def plain_softmax(logits: Any, _pick: Any = None) -> Any:
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def one_hot(logits: Any, pick: Any) -> Any:
    return np.eye(logits.shape[1])[pick]


def plain_dsoftmax(logits: Any, pick: Any) -> Any:
    p = plain_softmax(logits)
    return np.take_along_axis(p, pick[:, None], 1) * (one_hot(logits, pick) - p)


def plain_logsumexp(logits: Any, _pick: Any = None) -> Any:
    m = logits.max(axis=1, keepdims=True)
    return m + np.log(np.exp(logits - m).sum(axis=1, keepdims=True))


def plain_bce(z: Any, y: Any) -> Any:
    p = plain_sigmoid(z)
    return np.where(y == 1, -np.log(p), -np.log(1 - p))


def plain_z(x: Any, w: Any, b: Any) -> Any:
    return (x * w).sum(axis=1) + b


def plain_slopes(slope: Callable[[Any], Any]) -> Callable[..., Any]:
    def slopes(x: Any, w: Any, b: Any) -> Any:
        g = slope(plain_z(x, w, b))[:, None]
        return np.concatenate([g * w, g * x, g], axis=1)

    return slopes


@cache
def frameworks() -> dict[str, Any]:
    """Their modules, set to doubles and, as a process runs for each core, to one thread."""
    found: dict[str, Any] = {}
    if find_spec("torch"):
        import torch

        torch.set_num_threads(1)
        found["torch"] = torch
    if find_spec("jax"):
        import jax

        jax.config.update("jax_enable_x64", True)
        jax.config.update("jax_platforms", "cpu")
        found["jax"] = jax
    return found


def torch_function(name: str, batch: list[Any]) -> Any:
    """The output of the function that `Case.function` names."""
    torch = frameworks()["torch"]
    F = torch.nn.functional
    first = batch[0]
    return {
        "sigmoid": lambda: torch.sigmoid(first),
        "tanh": lambda: torch.tanh(first),
        "relu": lambda: torch.relu(first),
        "softplus": lambda: F.softplus(first),
        "softmax": lambda: torch.softmax(first, 1),
        "log_softmax": lambda: torch.log_softmax(first, 1),
        "logsumexp": lambda: torch.logsumexp(first, 1),
        "sigmoid_bce": lambda: F.binary_cross_entropy_with_logits(first, batch[1], reduction="none"),
        "softmax_cce": lambda: F.cross_entropy(first, batch[1], reduction="none"),
        "neuron sigmoid": lambda: torch.sigmoid((first * batch[1]).sum(1) + batch[2]),
        "neuron tanh": lambda: torch.tanh((first * batch[1]).sum(1) + batch[2]),
    }[name]()


def jax_function(name: str, batch: Sequence[Any]) -> Any:
    jax = frameworks()["jax"]
    nn, jnp = jax.nn, jax.numpy
    first = batch[0]
    return {
        "sigmoid": lambda: nn.sigmoid(first),
        "tanh": lambda: jnp.tanh(first),
        "relu": lambda: nn.relu(first),
        "softplus": lambda: nn.softplus(first),
        "softmax": lambda: nn.softmax(first, 1),
        "log_softmax": lambda: nn.log_softmax(first, 1),
        "logsumexp": lambda: nn.logsumexp(first, 1),
        "sigmoid_bce": lambda: -batch[1] * nn.log_sigmoid(first) - (1 - batch[1]) * nn.log_sigmoid(-first),
        "softmax_cce": lambda: -jnp.take_along_axis(nn.log_softmax(first, 1), batch[1][:, None], 1)[:, 0],
        "neuron sigmoid": lambda: nn.sigmoid((first * batch[1]).sum(1) + batch[2]),
        "neuron tanh": lambda: jnp.tanh((first * batch[1]).sum(1) + batch[2]),
    }[name]()


def side_by_side(name: str, slopes: Sequence[Any]) -> Any:
    """The gradients by x, w and b of a neuron as one row a sample."""
    return (
        np.concatenate([np.asarray(s).reshape(len(s), -1) for s in slopes], axis=1) if "neuron" in name else slopes[0]
    )


def by_torch(name: str, slopes: bool, batch: Batch) -> Any:
    torch = frameworks()["torch"]
    blocks = 3 if "neuron" in name else 1
    tensors = [torch.tensor(a, requires_grad=slopes and i < blocks) for i, a in enumerate(batch)]
    result = torch_function(name, tensors)
    if not slopes:
        return result.numpy()
    seed = torch.tensor(one_hot(*batch)) if "softmax" in name and result.ndim == 2 else torch.ones_like(result)
    return side_by_side(name, [g.numpy() for g in torch.autograd.grad(result, tensors[:blocks], seed)])


def by_jax(name: str, slopes: bool, batch: Batch) -> Any:
    jax = frameworks()["jax"]
    blocks = 3 if "neuron" in name else 1
    arrays = [jax.numpy.asarray(a) for a in batch]
    if not slopes:
        return np.asarray(jax_function(name, arrays))
    result, back = jax.vjp(lambda *first: jax_function(name, [*first, *arrays[blocks:]]), *arrays[:blocks])
    seed = one_hot(*batch) if "softmax" in name and result.ndim == 2 else np.ones_like(result)
    return side_by_side(name, [np.asarray(g) for g in back(jax.numpy.asarray(seed))])


# The table


class Case(NamedTuple):
    """A row: the function, whether it is its derivative, and what computes it."""

    function: str
    slopes: bool
    bound: float
    draw: Callable[..., Batch]
    truth: Callable[..., list[Any]]
    ours: Callable[..., Any]
    plain: Callable[..., Any]

    @property
    def title(self) -> str:
        return self.function + ("′" if self.slopes else "")

    def by(self, tool: str, batch: Batch) -> Any:
        """What the tool gives, (samples, entries)."""
        if tool in ("bpcli", "NumPy"):
            got = (self.ours if tool == "bpcli" else self.plain)(*batch)
        else:
            got = (by_torch if tool == "PyTorch" else by_jax)(self.function, self.slopes, batch)
        return np.asarray(got).reshape(len(batch[0]), -1)


def step(z: Any) -> Any:
    return np.where(z >= 0, 1.0, 0.0)


CASES = [
    Case("sigmoid", False, 4, draw_z, elementwise(ball_sigmoid), act.sigmoid, plain_sigmoid),
    Case("sigmoid", True, 4, draw_z, elementwise(ball_dsigmoid), act.dsigmoid_dz, plain_dsigmoid),
    Case("tanh", False, 4, draw_z, elementwise(lambda z: z.tanh()), act.tanh, np.tanh),
    Case("tanh", True, 4, draw_z, elementwise(ball_dtanh), act.dtanh_dz, plain_dtanh),
    Case("relu", False, 4, draw_z, elementwise(lambda z: z if z >= 0 else arb(0)), act.relu, lambda z: z * (z > 0)),
    Case("relu", True, 4, draw_z, elementwise(lambda z: arb(1 if z >= 0 else 0)), act.drelu_dz, step),
    Case("softplus", False, 4, draw_z, elementwise(ball_softplus), act.softplus, lambda z: np.log(1 + np.exp(z))),
    Case("softplus", True, 4, draw_z, elementwise(ball_sigmoid), act.dsoftplus_dz, plain_sigmoid),
    Case("softmax", False, 10, draw_logits, true_softmax, lambda one, _: soft.softmax(one), plain_softmax),
    Case("softmax", True, 10, draw_logits, true_dsoftmax, picked(soft.dsoftmax_dlogits), plain_dsoftmax),
    Case(
        "log_softmax",
        False,
        10,
        draw_logits,
        true_log_softmax,
        lambda one, _: soft.log_softmax(one),
        lambda one, _: one - plain_logsumexp(one),
    ),
    Case(
        "log_softmax",
        True,
        10,
        draw_logits,
        true_dlog_softmax,
        picked(soft.dlog_softmax_dlogits),
        lambda one, pick: one_hot(one, pick) - plain_softmax(one),
    ),
    Case("logsumexp", False, 4, draw_logits, true_logsumexp, lambda one, _: soft.logsumexp(one), plain_logsumexp),
    Case("logsumexp", True, 10, draw_logits, true_softmax, lambda one, _: soft.softmax(one), plain_softmax),
    Case("sigmoid_bce", False, 10, draw_z_and_label, true_bce, lambda z, y: sigmoid_bce_term(y, z), plain_bce),
    Case(
        "sigmoid_bce",
        True,
        10,
        draw_z_and_label,
        true_dbce,
        lambda z, y: dsigmoid_bce_term_dz(y, z),
        lambda z, y: plain_sigmoid(z) - y,
    ),
    Case(
        "softmax_cce",
        False,
        10,
        draw_logits,
        true_cce,
        row_by_row("softmax_cce", False, "logits", "y"),
        lambda one, pick: -np.log(np.take_along_axis(plain_softmax(one), pick[:, None], 1)),
    ),
    Case(
        "softmax_cce",
        True,
        10,
        draw_logits,
        true_dcce,
        row_by_row("softmax_cce", True, "logits", "y"),
        lambda one, pick: plain_softmax(one) - one_hot(one, pick),
    ),
    *(
        case
        for name, ball, slope, value, plain in (
            ("sigmoid", ball_sigmoid, ball_dsigmoid, plain_sigmoid, plain_dsigmoid),
            ("tanh", lambda z: z.tanh(), ball_dtanh, np.tanh, plain_dtanh),
        )
        for case in (
            Case(
                f"neuron {name}",
                False,
                4,
                draw_neuron,
                neuron(ball),
                row_by_row("neuron", False, "x", "w", "b", activation=name),
                lambda x, w, b, value=value: value(plain_z(x, w, b)),
            ),
            Case(
                f"neuron {name}",
                True,
                4,
                draw_neuron,
                neuron_slopes(slope),
                row_by_row("neuron", True, "x", "w", "b", activation=name),
                plain_slopes(plain),
            ),
        )
    ),
]


def tools() -> list[str]:
    return [name for name, module in TOOLS.items() if find_spec(module)]


def measure(job: tuple[int, str, int, int]) -> dict[str, float]:
    """The largest error of each tool over one chunk."""
    number, regime, chunk, size = job
    case = CASES[number]
    batch = case.draw(np.random.default_rng([chunk, REGIMES.index(regime)]), regime, size, chunk)
    nearest, missing = true_values(case.truth, batch)
    ulp = np.spacing(np.abs(nearest))
    # The bound of logsumexp is in ulp of its largest term, since the sum itself may cancel.
    unit = ulp
    if case.title == "logsumexp":
        unit = np.maximum(ulp, np.spacing(np.abs(batch[0].max(axis=1, keepdims=True))))
    worst = {}
    with np.errstate(all="ignore"):
        for tool in tools():
            errors = np.abs((case.by(tool, batch) - nearest) / ulp - missing) * (ulp / unit)
            worst[tool] = float(np.where(np.isnan(errors), np.inf, errors).max())
    return worst


def shown(error: float, bound: float) -> str:
    text = "∞" if error == math.inf else f"{error:.2f}" if error < 99.5 else f"{error:.0e}".replace("e+", "e")
    return text + "!" * (error > bound)


def table(rows: list[list[str]], markdown: bool) -> str:
    """Aligned, or as Markdown."""
    if markdown:
        return "\n".join("| " + " | ".join(row) + " |" for row in [rows[0], ["---"] * len(rows[0]), *rows[1:]])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def main() -> int:
    """Measure and print; 1 where a cell of bpcli is over its bound."""
    parser = argparse.ArgumentParser(description="The largest errors, in ulp.")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="numbers drawn for each cell (1000000)")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument("--only", help="only functions whose name has this in it")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    began = perf_counter()
    chosen = [i for i, case in enumerate(CASES) if (arguments.only or "") in case.title]
    chunks = [(c, min(CHUNK, arguments.inputs - start)) for c, start in enumerate(range(0, arguments.inputs, CHUNK))]
    jobs = [(i, regime, chunk, size) for i, regime, (chunk, size) in product(chosen, REGIMES, chunks)]
    largest: dict[tuple[int, str], dict[str, float]] = {}
    with get_context("spawn").Pool(arguments.processes) as pool:
        for done, (job, worst) in enumerate(zip(jobs, pool.imap(measure, jobs), strict=True), 1):
            cell = largest.setdefault(job[:2], dict.fromkeys(worst, 0.0))
            cell.update({tool: max(cell[tool], error) for tool, error in worst.items()})
            print(f"\r{done}/{len(jobs)} {CASES[job[0]].title:20}", end="", file=sys.stderr, flush=True)
    print(f"\r{arguments.inputs} inputs a cell, {perf_counter() - began:.0f} s", file=sys.stderr)
    rows = [["", "bound", *(f"{tool}: {', '.join(REGIMES)}" if tool == "bpcli" else tool for tool in tools())]]
    for i in chosen:
        case = CASES[i]
        row = [case.title, f"{case.bound:g}"]
        for tool in tools():
            bound = case.bound if tool == "bpcli" else math.inf
            row.append(" ".join(shown(largest[i, regime][tool], bound).rjust(6) for regime in REGIMES))
        rows.append(
            [
                " ".join(cell.split()).replace(" ", " · ") if arguments.markdown and c > 1 else cell
                for c, cell in enumerate(row)
            ]
        )
    print(table(rows, arguments.markdown))
    return int(any(largest[i, regime]["bpcli"] > CASES[i].bound for i in chosen for regime in REGIMES))


if __name__ == "__main__":
    sys.exit(main())
