"""The kinds of exercises: the question of each, and its worked solution."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bpcli.api.chains import backprop
from bpcli.api.derivative_checks import Subject, subject_of
from bpcli.api.drawn_inputs import Draw
from bpcli.api.formula import formula
from bpcli.calculus.language.latex import to_latex
from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.tree import names_in
from bpcli.calculus.points.values import parse_value
from bpcli.calculus.rules.shapes import Shape
from bpcli.errors import UsageError
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.choices import Task as Kind
from bpcli.formulas.layers import USUAL, pairs
from bpcli.formulas.losses import LOSSES
from bpcli.lecture.chain import Chain
from bpcli.lecture.exercise_sheets import DIGITS, Equation, Words
from bpcli.lecture.formula_sheet import sheet_of
from bpcli.lecture.inputs import INPUTS, Derived, fused_names
from bpcli.lecture.named_functions import NAMED
from bpcli.lecture.named_questions import context_of
from bpcli.lecture.writing import Formula
from bpcli.text.notation import number

LEVELS = (1, 2, 3)


class Draft(NamedTuple):
    """A drawn task, whose numbers may still be too long; `solution` makes its worked solution from the subject."""

    function: tuple[str, ...]
    inputs: dict[str, str]
    wrt: tuple[str, ...]
    question: Words
    solution: Callable[[Subject], Chain | tuple[Equation, ...]]
    learning_rate: float | None = None
    names: Mapping[str, str] = {}


_SURFACES: dict[int, tuple[tuple[str, dict[str, int]], ...]] = {
    1: (("x+y", {}), ("x**2+y**2", {}), ("x*y", {}), ("x**2*y", {}), ("3*x-2*y", {})),
    2: (
        ("sum(x)/3", {"x": 3}),
        ("sum(x**2)/3", {"x": 3}),
        ("u*v*w", {}),
        ("x**2*y+y**3", {}),
        ("u1*v1+u2*v2", {}),
    ),
    3: (
        ("(w*x+b-y)**2", {}),
        ("sqrt(x**2+y**2)", {}),
        ("(x**2+y)**3", {}),
        ("x/y", {}),
        ("exp(x*y)", {}),
        ("relu(w*x+b)**2", {}),
    ),
}
"""By level, the functions to find a gradient of or descend on, with the sizes of vectors; the lecture's come first."""

_RATES = (0.1, 0.2, 0.5, 0.01)


def _surface(draw: Draw, level: int) -> tuple[str, dict[str, int], dict[str, str]]:
    text, sizes = draw.once(_SURFACES[level])
    names = names_in(parse(text))
    return text, sizes, {name: draw.value("", (sizes[name],) if name in sizes else ()) for name in sorted(names)}


def _gradient(draw: Draw, level: int) -> Draft:
    text, sizes, inputs = _surface(draw, level)
    asked = Formula(f"z = {text}", f"z = {to_latex(parse(text))}")
    question = ("Find the gradient of ", asked, " at ", _point(inputs), ".")
    return Draft((text,), inputs, tuple(inputs), question, lambda subject: tuple(_slopes(text, sizes, subject)))


def _update(draw: Draw, level: int) -> Draft:
    text, sizes, inputs = _surface(draw, level)
    alpha = draw.of(_RATES)

    def solution(subject: Subject) -> tuple[Equation, ...]:
        slopes = _slopes(text, sizes, subject_of((text,), subject.inputs, None))
        return (*slopes, *_steps(slopes, subject, alpha))

    rate = Formula(f"α = {number(alpha)}", rf"\alpha = {number(alpha)}")
    asked = Formula(f"z = {text}", f"z = {to_latex(parse(text))}")
    start = ("Take one step of gradient descent on ", asked, " from ", _point(inputs))
    return Draft((text,), inputs, tuple(inputs), (*start, " with ", rate, ". Where does it lead?"), solution, alpha)


def _slopes(text: str, sizes: Mapping[str, int], subject: Subject) -> list[Equation]:
    plain, latex = (formula(text, shapes=sizes, latex=latex) for latex in (False, True))
    values = subject.question.truth(subject.inputs)[0]
    return [
        Equation(_ratio("z", entry), Formula(*written), np.array([[value]]))
        for entry, value, *written in zip(plain.entries, values, plain.rows[0], latex.rows[0], strict=True)
    ]


def _steps(slopes: Sequence[Equation], subject: Subject, alpha: float) -> list[Equation]:
    found = subject.question.truth(subject.inputs)[0]
    before = np.concatenate([np.ravel(subject.inputs[name]) for name, _ in subject.question.layout.blocks])
    equations = []
    for entry, slope, here, there in zip(subject.question.names, slopes, before, found, strict=True):
        value = number(np.asarray(slope.value).item(), DIGITS)
        value = f"({value})" if value.startswith("-") else value
        name, here_ = to_latex(parse(entry)), number(here, DIGITS)
        left = Formula(f"{entry} := {entry} − α·{slope.left.text}", rf"{name} := {name} - \alpha {slope.left.latex}")
        right = Formula(f"{here_} − {number(alpha)}·{value}", rf"{here_} - {number(alpha)} \cdot {value}")
        equations.append(Equation(left, right, np.array([[there]])))
    return equations


def _named(name: str) -> Callable[[Draw, int], Draft]:
    """The Jacobian of a function of the lecture."""

    def draft(draw: Draw, level: int) -> Draft:
        wanted = INPUTS[name]
        shapes = _shapes(wanted, level)
        inputs = {key: draw.value(key, shape) for key, shape in shapes.items()}
        if "label" in wanted and wanted[0] == "yhat":
            inputs["yhat"] = draw.shares(shapes["yhat"])
        if "y" in shapes:
            loss = LOSSES[name] if name in LOSSES else fused_names()[name][1]
            inputs["y"] = draw.label(loss, shapes["y"])
            if "yhat" in shapes:
                inputs["yhat"] = draw.prediction(loss, shapes["yhat"])
        if "activation" in wanted:
            inputs["activation"] = draw.once(list(ACTIVATIONS))
        blocks = NAMED[name].blocks
        wrt = blocks if level == LEVELS[-1] and not shapes.get("b") else (draw.of(blocks),)
        sheet = sheet_of(name, inputs.get("activation")).by(wrt)
        output = re.match(r"d(\w+)", sheet.entries[0].of)
        asked = [_ratio(output[1] if output else "f", block) for block in wrt]
        given = {key: text for key, text in inputs.items() if key != "activation"}
        both = Formula(", ".join(a.text for a in asked), r",\; ".join(a.latex for a in asked))
        question = ("Find the Jacobian ", both, f" of {sheet.names.partition(';')[0]}, at ", _point(given), ".")
        return Draft((name,), inputs, wrt, question, lambda subject: _worked(name, asked, inputs, subject))

    return draft


def _shapes(wanted: Sequence[str], level: int) -> dict[str, Shape]:
    """The shapes of a function's inputs: one sample of few entries, more entries, then several samples or outputs."""
    last = level == LEVELS[-1]
    vector: Shape = (level + 1,)
    if "label" in wanted:
        sample: Shape = (2,) if level == 1 else (3,)
        return {wanted[0]: (2, *sample) if last else sample, "label": (2,) if last else ()}
    if "y" in wanted:
        return dict.fromkeys(wanted, () if level == 1 else (2 ** (level - 1),))
    if "b" in wanted:
        outputs: Shape = (2,) if last and "activation" not in wanted else ()
        features: Shape = (2,) if outputs else vector
        return {"x": features, "w": (*features, *outputs), "b": outputs}
    if "z" in wanted:
        return {"z": () if level == 1 else (level,)}
    return dict.fromkeys(wanted, vector)


def _worked(name: str, asked: Sequence[Formula], inputs: Mapping[str, str], subject: Subject) -> tuple[Equation, ...]:
    """The values that the formulas of the entries need, the formulas, and the Jacobian of each block."""
    sheet = sheet_of(name, inputs.get("activation"))
    context = context_of(name, subject.inputs)
    equations = []
    for key in dict.fromkeys(
        n for entry in sheet.entries for n in names_in(parse(re.sub(r"\[.*?\]", "", entry.formula)))
    ):
        if key in context and key not in subject.inputs and key != "l":
            equations.append(Equation(_symbol(key), None, np.atleast_2d(context[key])))
    start, truth = 0, subject.question.truth(subject.inputs)
    for left, (block, shape) in zip(asked, subject.question.layout.blocks, strict=True):
        part = sheet.by([block])
        entries = [f"{e.of} = {e.formula}" + (f" where {e.where}" if e.where else "") for e in part.entries]
        equations.append(Equation(Formula("; ".join(entries), part.latex[0]), None))
        size = int(np.prod(shape))
        equations.append(Equation(left, None, truth[:, start : start + size]))
        start += size
    return tuple(equations)


def _chain(draw: Draw, level: int) -> Draft:
    """A whole chain: one neuron and one sample; an activation or softmax; a mini-batch."""
    usual = [row[-1] for row in USUAL.values()]
    layer, activation, loss = draw.once([pair for pair in pairs() if pair[-1] in usual])
    if level == LEVELS[0]:
        layer, activation, loss = USUAL[Kind.REGRESSION]
    samples: Shape = (2,) if level == LEVELS[-1] else ()
    classes = activation is None
    outputs: Shape = (2,) if classes else ()
    inputs = {
        "x": draw.value("x", (*samples, 2)),
        "w": draw.value("w", (2, *outputs)),
        "b": draw.value("b", outputs),
        "y": draw.label(LOSSES[loss], (*samples, *outputs), classes),
    }
    values = {key: parse_value(text) for key, text in inputs.items()}
    chain = backprop(layer, **values, activation=activation, loss=loss)
    wrt = ("w",) if classes else ("b", "w")
    output = "softmax(x@w+b)" if classes else f"{activation}(x@w+b)"
    asked = [chain.quantities[f"dJ_d{block}"].symbol for block in wrt]
    forward = [_defined(quantity.symbol, quantity.formula) for quantity in chain.group("z", "l", "a", "p", "J")]
    parts: list[str | Formula] = ["Find "]
    for k, symbol in enumerate(asked):
        parts += [" and "] * (k > 0) + [symbol]
    parts += [" of "]
    for k, step in enumerate(forward):
        parts += [", "] * (k > 0) + [step]
    settings = {
        name: number(size.item()) for name, size in chain.given.items() if name not in inputs and size.size == 1
    }
    parts += [" at ", _point({**inputs, **settings}), "."]
    if chain.kinks:
        raise UsageError("a task at a kink has two answers")
    names = {**({"l": "x@w+b", "p": output} if classes else {"z": "x@w+b", "a": output}), "yhat": output}
    return Draft((f"{loss}(y, {output})",), inputs, wrt, tuple(parts), lambda subject: chain, names=names)


def _defined(left: Formula, right: Formula) -> Formula:
    return Formula(f"{left.text} = {right.text}", f"{left.latex} = {right.latex}")


def _tasks() -> dict[str, Callable[[Draw, int], Draft]]:
    return {"gradient": _gradient, "update": _update, "chain": _chain, **{name: _named(name) for name in INPUTS}}


TASKS: Mapping[str, Callable[[Draw, int], Draft]] = Derived(_tasks)
"""The kinds of tasks by name: a gradient, an update, a whole chain, the Jacobian of each function of the lecture."""


def _symbol(name: str) -> Formula:
    return Formula(name, to_latex(parse(name)))


def _ratio(output: str, by: str) -> Formula:
    return Formula(f"∂{output}/∂{by}", rf"\frac{{\partial {_symbol(output).latex}}}{{\partial {_symbol(by).latex}}}")


def _point(inputs: Mapping[str, str]) -> Formula:
    values = {name: _literal(text) for name, text in inputs.items()}
    latex = [f"{_symbol(name).latex} = {to_latex(parse(text))}" for name, text in values.items()]
    return Formula(", ".join(f"{name} = {text}" for name, text in values.items()), r",\; ".join(latex))


def _literal(text: str) -> str:
    """A value as an expression has it."""
    if ";" in text:
        return f"[{', '.join(_literal(row) if ',' in row else f'[{row}]' for row in text.split(';'))}]"
    return f"[{text.replace(',', ', ')}]" if "," in text else text
