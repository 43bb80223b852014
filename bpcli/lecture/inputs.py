"""The names of the lecture's functions and of their inputs; importing it does not import NumPy."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.choices import Setting, Task
from bpcli.formulas.losses import LOSSES, Loss

R = TypeVar("R")


class Derived(Mapping[str, R]):
    """A table that is made anew of other tables at each reading, so that it has the rows that are added to them."""

    def __init__(self, make: Callable[[], dict[str, R]]) -> None:
        self._make = make

    def __getitem__(self, name: str) -> R:
        return self._make()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._make())

    def __len__(self) -> int:
        return len(self._make())


def fused_names() -> dict[str, tuple[str, Loss]]:
    """The losses with a fused form after an activation or softmax, by names such as `sigmoid_bce`."""
    return {f"{g}_{name}": (g, row) for name, row in LOSSES.items() for g in row.fused}


def _loss_inputs(row: Loss, by: str) -> tuple[str, ...]:
    if row.task is Task.CLASSES:
        return (by, "y", "label")
    return ("y", by) if by == "yhat" else (by, "y")


def _inputs() -> dict[str, tuple[str, ...]]:
    return {
        "softmax": ("logits",),
        "log_softmax": ("logits",),
        **dict.fromkeys(ACTIVATIONS, ("z",)),
        "dot": ("u", "v"),
        "affine": ("x", "w", "b"),
        "neuron": ("x", "w", "b", "activation"),
        **{name: _loss_inputs(row, "yhat") for name, row in LOSSES.items()},
        **{name: _loss_inputs(row, "z" if g in ACTIVATIONS else "logits") for name, (g, row) in fused_names().items()},
    }


INPUTS: Mapping[str, tuple[str, ...]] = Derived(_inputs)
"""The functions that have a Jacobian by name (`NAMED`), each with its inputs."""


def settings_of(name: str, activation: str | None = None) -> Mapping[str, Setting]:
    """The settings of a function, which have defaults; those of a neuron are its activation's."""
    if activation in ACTIVATIONS:
        return ACTIVATIONS[activation].settings
    if name in ACTIVATIONS:
        return ACTIVATIONS[name].settings
    if name in LOSSES:
        return LOSSES[name].settings
    return fused_names()[name][1].settings if name in fused_names() else {}
