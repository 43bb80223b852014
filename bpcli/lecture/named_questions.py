"""The lecture's functions as questions to grade: derivatives, names for formulas, and inputs to try them at."""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from bpcli.calculus.checks.answers import Layout
from bpcli.calculus.checks.grading import Array, AtKink, Factor
from bpcli.calculus.checks.probes import (
    Probe,
    Written,
    far_number,
    positive_number,
    probes_about_kinks,
    random_like,
    random_number,
)
from bpcli.calculus.checks.questions import Question, goes_on, smooth
from bpcli.calculus.checks.side_changes import Columns, no_rows, pattern
from bpcli.calculus.checks.side_search import Searched, stacked
from bpcli.calculus.rules.shapes import entry_names
from bpcli.errors import BpcliError
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.affine import affine_pair
from bpcli.formulas.choices import Task
from bpcli.formulas.losses import LOSSES
from bpcli.formulas.softmax import softmax
from bpcli.lecture.input_checks import blocks_of, with_settings
from bpcli.lecture.inputs import INPUTS, fused_names, settings_of
from bpcli.lecture.named_functions import NAMED, Named

Inputs = Mapping[str, Any]

_RANDOM = 32  # inputs drawn at random
_FAR = 12  # inputs far out
_COUNTS = 6  # labels that are counts: 0 to 5
_WORK = 1024  # to see the names of formulas at a point, in steps of an expression
_SOME = {  # the inputs where none are given: all different
    "logits": np.array([0.4, -0.7, 1.1]),
    "z": 0.67,
    "x": np.array([0.67, -0.44]),
    "w": np.array([0.52, 0.81]),
    "b": 0.3,
    "u": np.array([0.67, -0.44]),
    "v": np.array([0.52, 0.81]),
    "yhat": 0.7,
    "y": 1.0,
    "label": 1.0,
}


def some_inputs(name: str) -> dict[str, Any]:
    """Inputs of a function to try formulas at; without its activation and settings."""
    wanted = INPUTS[name]
    found = {key: _SOME[key] for key in wanted if key in _SOME and not ("label" in wanted and key == "y")}
    if "label" in found and "yhat" in found:
        found["yhat"] = softmax(_SOME["logits"])
    return found


def named_question(name: str, checked: Inputs, wrt: str | Sequence[str] | None = None) -> Question:
    """A function of the lecture as a question; `checked` are its inputs as its row's `check` returns them.

    `wrt` names the blocks to differentiate by; UsageError for an unknown one.
    """
    row = NAMED[name]
    chosen = blocks_of(name, row.blocks, wrt)
    blocks = tuple((block, np.shape(checked[block])) for block in chosen)

    def side_by_side(matrices: Mapping[str, Any]) -> Array:
        return np.concatenate([np.asarray(matrices[block], float) for block in chosen], axis=1)

    def truth(inputs: Inputs) -> Array:
        return side_by_side(row.jacobian(inputs))

    def at_kink(inputs: Inputs) -> AtKink | None:
        corners, sides = [corner for corner in row.corners(inputs) if corner.block in chosen], []
        for side in (1, 2):
            matrices = {block: np.array(matrix, float) for block, matrix in row.jacobian(inputs).items()}
            for corner in corners:
                matrices[corner.block][corner.output, corner.entry] = corner.slopes(inputs)[side]
            sides.append(side_by_side(matrices))
        kinks = [corner.kink(inputs) for corner in corners]
        return AtKink(corners[0].place, kinks, *sides) if corners else None

    def factors(inputs: Inputs) -> list[Factor]:
        every = [np.full(np.size(checked[block]), block in chosen) for block in row.blocks]
        found = [factor.at(np.concatenate(every)) for factor in _factors(name, inputs, chosen)]
        return found + (_other_blocks(row, chosen[0], inputs) if len(chosen) == 1 else [])

    entries = [title for block, shape in blocks for title in entry_names(block, shape)]
    outputs = len(truth(checked))
    names = [f"d/d{t}" if outputs == 1 else f"d{name}[{o}]/d{t}" for o in range(outputs) for t in entries]
    return Question(
        Layout(outputs, blocks),
        names,
        truth,
        lambda inputs, found, prove: (found, np.zeros(found.shape, bool)),
        lambda inputs: context_of(name, inputs),
        factors,
        lambda written: named_probes(name, checked, truth, written),
        [key for key in checked if key in _SOME],
        at_kink,
        _samples(name, checked),
        inside=lambda inputs: goes_on(lambda near: _accepted(row, near), inputs, row.blocks),
    )


def _samples(name: str, inputs: Inputs) -> int:
    """N, the number of samples of a loss: the rows, or for a loss of numbers the entries of a vector."""
    if "y" not in inputs:
        return 1
    y = inputs["y"]
    axes_of_a_sample = 1 if "label" in INPUTS[name] else 0
    return len(y) if np.ndim(y) > axes_of_a_sample else 1


def _prediction(name: str, inputs: Inputs) -> Callable[[Any], Any] | None:
    """The function from z or the logits to ŷ, for a loss of these."""
    if name not in fused_names():
        return None
    activation, _ = fused_names()[name]
    return with_settings(ACTIVATIONS[activation], inputs).value if activation in ACTIVATIONS else softmax


def context_of(name: str, inputs: Inputs) -> dict[str, Any]:
    """The values of the names in formulas: the inputs, N, and a, p, yhat, the value (for a loss the prediction).

    p is softmax(logits) wherever there are logits; J is the value of a loss, f that of any function.
    """
    settings = settings_of(name, inputs.get("activation"))
    values: dict[str, Any] = {key: setting.default for key, setting in settings.items()}
    values |= {key: np.asarray(v, float) for key, v in inputs.items() if not isinstance(v, str)}
    value = np.asarray(NAMED[name].value(inputs))
    output: Any = value
    if "y" in inputs:
        values["J"] = value
        prediction, block = _prediction(name, inputs), NAMED[name].blocks[0]
        output = values[block] if prediction is None else np.asarray(prediction(values[block]))
    if "w" in values:
        values["z"] = _z(values)
    if "activation" in inputs:
        values["da_dz"] = np.asarray(_slope(inputs))
    values = {"a": output, "p": output, "yhat": output, "f": value, **values}
    if "logits" in values:
        values |= {"p": np.asarray(softmax(values["logits"])), "l": values["logits"]}
    values |= {"N": float(_samples(name, inputs)), "ŷ": values["yhat"]}
    return {key: float(v) if np.ndim(v) == 0 else v for key, v in values.items()}


def _z(inputs: Inputs) -> Any:
    """The z of a neuron or a layer as its derivative has it: where terms cancel, relu′ depends on the last digit."""
    return np.asarray(affine_pair(*(np.asarray(inputs[name], float) for name in ("x", "w", "b")))[0])


def _slope(inputs: Inputs) -> float:
    """∂a/∂z of a neuron."""
    return float(with_settings(ACTIVATIONS[inputs["activation"]], inputs).derivative(float(_z(inputs))))


def _factors(name: str, inputs: Inputs, chosen: Sequence[str]) -> list[Factor]:
    """The factors of the chain that an answer may lack, with entries for all blocks; those chosen are named."""
    inner = "inner_derivative"
    if "activation" in inputs:
        x, w, slope = inputs["x"], inputs["w"], _slope(inputs)
        outer = np.full((1, 2 * len(x) + 1), slope)
        by = ", ".join(f"∂z/∂{block}" for block in ("w", "x") if block in chosen)  # ∂z/∂b = 1 is not lacking
        return [
            Factor("outer_derivative", "∂a/∂z", outer),
            Factor(inner, by, np.concatenate([w, x, [1.0]])[None]),
        ]
    prediction = _prediction(name, inputs)
    if prediction is None:
        return []
    block = NAMED[name].blocks[0]
    _, loss = fused_names()[name]
    by_prediction = with_settings(loss, inputs).slope(inputs["y"], np.asarray(prediction(inputs[block])))
    without = np.asarray(by_prediction).reshape(1, -1) / _samples(name, inputs)
    letter = "∂p/∂logits" if block == "logits" else f"∂a/∂{block}"
    return [Factor(inner, letter, np.full_like(without, math.nan), without)]


def _other_blocks(row: Named, chosen: str, inputs: Inputs) -> list[Factor]:
    """The derivatives by other inputs of the same shape, with which an answer may have confused this one."""
    others = [b for b in row.blocks if b != chosen and np.shape(inputs[b]) == np.shape(inputs[chosen]) != ()]
    matrices = row.jacobian(inputs) if others else {}
    found = [(b, np.asarray(matrices[b], float)) for b in others]
    return [Factor("swapped", f"d/d{b}, not d/d{chosen}", np.full_like(m, math.nan), m) for b, m in found]


# Other inputs


def named_probes(
    name: str, checked: Inputs, truth: Callable[[Inputs], Array], written: Written | None = None
) -> list[Probe]:
    """Inputs of the same shapes: of both signs and all sizes, and each label; where the derivative does not jump there
    also 0, the numbers that are `written` in an answer, and all about the kinks that it has.
    """
    row, rng = NAMED[name], random.Random(0)
    numbers = [key for key in checked if key in _SOME]
    draws = {key: _draws(name, checked, key, rng) for key in numbers}
    found = []
    for k in range(_RANDOM):
        drawn = {key: draw[k % len(draw)]() for key, draw in draws.items()}
        found.append(Probe({**checked, **drawn}, True))
    for _ in range(_FAR):
        drawn = {block: random_like(checked[block], lambda: far_number(rng)) for block in row.blocks}
        found.append(Probe({**found[0].inputs, **drawn}, False, True))
    moved = [key for key in numbers if key in row.blocks or _takes_any_number(name)]
    about = []
    for key in numbers:
        sizes = (written or Written()).constants if key in row.blocks else ()
        for value in [0.0] + [sign * size for size in sizes for sign in (-1.0, 1.0)]:
            there = {**found[0].inputs, key: np.full_like(np.asarray(checked[key], float), value)}
            about.append(Probe(there, False))
    if written is not None:
        about += _about_kinks(name, checked, [found[0].inputs, found[1].inputs], moved, written)
    found += [p for p in about if _accepted(row, p.inputs) and smooth(truth, p.inputs, _moved(row, found[0], p))]
    return [probe for probe in found if _accepted(row, probe.inputs)]


def _moved(row: Named, start: Probe, probe: Probe) -> list[str]:
    """The inputs that the function is differentiated by, and that lie elsewhere."""
    return [key for key in row.blocks if not np.array_equal(start.inputs[key], probe.inputs[key])]


def _about_kinks(
    name: str, checked: Inputs, starts: Sequence[Inputs], moved: Sequence[str], written: Written
) -> list[Probe]:
    """Inputs about the kinks and jumps of an answer, and where it divides by 0, if there are any."""
    numbers = [key for key in checked if key in _SOME]

    def rows(of: Callable[[Columns], Array], columns: Columns) -> Array:
        points = max(np.shape(columns[key])[-1] for key in numbers)
        full = {key: np.broadcast_to(columns[key], (*np.shape(columns[key])[:-1], points)) for key in numbers}
        every = ({**checked, **{key: full[key][..., k] for key in numbers}} for k in range(points))
        contexts = [context_of(name, inputs) if _accepted(NAMED[name], inputs) else None for inputs in every]
        known = [context for context in contexts if context is not None]
        found = np.full((len(of(first)), points), math.nan)  # where there is no value
        if known:
            found[:, [context is not None for context in contexts]] = of(stacked(known))
        return found

    first = stacked([context_of(name, starts[0])])
    if not len(written.sides(first)) and not len(written.divisors(first)):
        return []
    sides, divisors = partial(rows, written.sides), partial(rows, written.divisors)
    searched = Searched(lambda at: pattern(sides(at)), no_rows, divisors, moved, written.constants, _WORK)
    found = probes_about_kinks(searched, [{key: start[key] for key in numbers} for start in starts])
    return [p._replace(inputs={**checked, **{k: np.asarray(v, float) for k, v in p.inputs.items()}}) for p in found]


def _accepted(row: Named, inputs: Inputs) -> bool:
    try:
        row.check(inputs)
    except BpcliError:
        return False
    return True


def _takes_any_number(name: str) -> bool:
    """Whether the labels of a loss are numbers, such as counts, and no classes."""
    loss = LOSSES[name] if name in LOSSES else fused_names()[name][1] if name in fused_names() else None
    return loss is not None and loss.task is Task.REGRESSION


def _draws(name: str, checked: Inputs, key: str, rng: random.Random) -> list[Callable[[], Any]]:
    """Ways to draw an input that the function accepts: classes for classes, probabilities for probabilities."""
    row, value = NAMED[name], np.asarray(checked[key], float)

    def filled(draw: Callable[[], float]) -> Callable[[], Any]:
        return lambda: np.asarray(random_like(value, draw), float)

    def taken(draw: Callable[[], Any]) -> bool:
        return all(_accepted(row, {**checked, key: draw()}) for _ in range(4))

    def one_hot() -> Any:
        rows = np.zeros_like(value).reshape(-1, value.shape[-1] if value.ndim else 1)
        for sample in rows:
            sample[rng.randrange(len(sample))] = 1.0
        return rows.reshape(value.shape)

    classes = [filled(lambda: float(rng.randrange(2))), filled(lambda: rng.choice((-1.0, 1.0))), one_hot]
    share = filled(lambda: round(rng.uniform(0.02, 0.98), 3))
    size, real = filled(lambda: positive_number(rng)), filled(lambda: random_number(rng))
    if taken(real):
        return [real]
    if key == "y" and _takes_any_number(name):
        return [draw for draw in (filled(lambda: float(rng.randrange(_COUNTS))), size) if taken(draw)]
    if key == "y":
        hard = [draw for draw in classes if taken(draw)]
        if hard and set(np.ravel(value)) <= {-1.0, 0.0, 1.0}:
            return hard
        soft = [draw for draw in (share, size) if taken(draw)]
        return soft or hard or [lambda: value[::-1] if value.ndim else value]
    return [next((draw for draw in (size, share) if taken(draw)), lambda: value)]
