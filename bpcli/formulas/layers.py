"""The output layers of a model, and which activations and losses go with each, by range and domain."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bpcli.formulas.activations import ACTIVATIONS, Activation
from bpcli.formulas.choices import REALS, Choice, Task, chosen, name_and_settings
from bpcli.formulas.losses import LOSSES, Loss
from bpcli.numbers.namespaces import namespace
from bpcli.numbers.pairs import Pair, subtract
from bpcli.text.notation import number


@dataclass(frozen=True)
class Layer:
    """A row of `LAYERS`: z = xᵀw + b and what follows; `per_class` has a z for each class, and no activation."""

    name: str
    per_class: bool
    outputs: str
    formula: str


LAYERS: dict[str, Layer] = {
    row.name: row
    for row in (
        Layer("neuron", False, "one output", "a = g(x·w + b)"),
        Layer("softmax", True, "one for each class", "p = softmax(x·w + b)"),
    )
}
"""The output layers; the config's choices, the command line's and the tests read this table."""

DEFAULT_ACTIVATION = "identity"

USUAL: dict[Task, tuple[str, str | None, str]] = {
    Task.REGRESSION: ("neuron", DEFAULT_ACTIVATION, "mse"),
    Task.TWO_CLASSES: ("neuron", "sigmoid", "bce"),
    Task.CLASSES: ("softmax", None, "cce"),
}
"""The lecture's model of each task: layer, activation and loss."""


def activation_of(choice: Choice | None) -> Activation | None:
    """The row of an activation, with the settings of a config's mapping; None for a layer without activation."""
    return None if choice is None else chosen(ACTIVATIONS, choice)


def loss_of(choice: Choice) -> Loss:
    """The row of a loss, with the settings of a config's mapping."""
    return chosen(LOSSES, choice)


def task_of(layer: str, loss: Choice) -> Task:
    """The task of such a model; a layer with an output for each class predicts classes with any loss."""
    return Task.CLASSES if LAYERS[layer].per_class else loss_of(loss).task


def refusal(layer: str, activation: Choice | None, loss: Choice) -> str:
    """The reason why these don't go together; "" if they do."""
    row, g, of = LAYERS[layer], activation_of(activation), loss_of(loss)
    if row.per_class and not of.per_class:
        where = "" if of.domain == REALS else f" {of.domain}"
        return f"{of.name} is for one output{where}, and {layer} has one for each class: take {USUAL[Task.CLASSES][2]}"
    if not row.per_class and of.task is Task.CLASSES:
        what = f"{of.name} needs a probability for each class, and a {layer} has one output"
        return f"{what}: take {USUAL[Task.CLASSES][0]}, or {USUAL[Task.TWO_CLASSES][2]} for two"
    if g is None:
        return ""
    if row.per_class:
        return f"{layer} is itself the activation of such a model"
    if not g.range.within(of.domain):
        return f"{of.name} {of.takes}, which has to lie {of.domain}, and {g.name}'s does not"
    if of.of_z and not g.is_identity:
        plain = next(name for name, other in ACTIVATIONS.items() if other.is_identity)
        return f"{of.name} judges the sign of z itself: take {plain}"
    if of.spans is not None and not of.spans.within(g.range):
        everywhere = "anywhere" if of.spans == REALS else f"anywhere {of.spans}"
        return f"{of.name} needs an output that can lie {everywhere}, and {g.name}'s lies {g.range}"
    return ""


OfZ = Callable[[Any, Any], Any]


def of_z(activation: Activation, loss: Loss) -> tuple[OfZ, OfZ]:
    """J₀(y, g(z)) and ∂J₀/∂z = ∂J₀/∂ŷ·∂a/∂z as functions of (y, z); the fused form if there is one."""
    if fused := loss.fused_with(activation):
        return fused.term, fused.slope
    if loss.of_difference and any(math.isfinite(end) and end for end in activation.range[:2]):
        # Near the ends of its range a is rounded. J₀ depends on a − y alone: it gets 0 and an exact a − y.
        def labels_and_outputs(y: Any, z: Any) -> tuple[Any, Any]:
            return 0.0 * y, less_label(activation.pair(z, 0.0 * z), y)
    else:

        def labels_and_outputs(y: Any, z: Any) -> tuple[Any, Any]:
            return y, activation.value(z)

    return (
        lambda y, z: loss.term(*labels_and_outputs(y, z)),
        lambda y, z: loss.slope(*labels_and_outputs(y, z)) * activation.derivative(z),
    )


def less_label(a: Pair[Any], y: Any) -> Any:
    """a − y from a as a pair."""
    xp = namespace(y)
    error = subtract(xp, a, (y, 0.0 * y))[0]
    return xp.where(xp.isfinite(error), error, a[0] - y)  # ∞ − ∞ in a pair beyond the doubles


def pairs() -> list[tuple[str, str | None, str]]:
    """All combinations of layer, activation and loss that go together, with the default settings."""
    return [
        (name, activation, loss)
        for name, layer in LAYERS.items()
        for loss in sorted(LOSSES, key=lambda loss: layer.per_class and LOSSES[loss].task is not Task.CLASSES)
        for activation in ([None] if layer.per_class else ACTIVATIONS)
        if not refusal(name, activation, loss)
    ]


def pairs_in_words() -> str:
    """`neuron + identity, sigmoid, … or relu + mse; neuron + sigmoid + bce; …`."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for layer, activation, loss in pairs():
        grouped.setdefault((layer, loss), []).extend([activation] if activation else [])
    return "; ".join(" + ".join(filter(None, [layer, _or(names), loss])) for (layer, loss), names in grouped.items())


def _or(names: Any) -> str:
    return " or".join(", ".join(names).rsplit(",", 1))


def settings_in_words(choice: Choice | None) -> str:
    """A choice in words: `leaky_relu`, or `leaky_relu (slope 0.05)`."""
    if choice is None:
        return ""
    name, settings = name_and_settings(choice)
    values = ", ".join(f"{key} {number(value)}" for key, value in settings.items())
    return f"{name} ({values})" if values else name
