"""Optimisers: how a step of a parameter follows from its gradient, in place.

Each has its source in its row. Where papers leave a choice, it is PyTorch's, and the tests compare with PyTorch's
steps.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bpcli.formulas.choices import Setting


class Optimizer(NamedTuple):
    """A row of `OPTIMIZERS`: its settings, what it remembers, and its step.

    `slots` are the names of the arrays that it keeps for each parameter, which start at 0. `step(p, g, t, α, λ,
    settings, slots, scratch)` changes the parameter p and its slots in place, for the gradient g, which it may
    overwrite, at the t-th update, counted from 1; `scratch` is memory in the shape of p. λ is l1: the step ends with
    the soft threshold S(p, θ) = p − clip(p, −θ, θ), with such a θ that the step leaves p as it is exactly where −g is a
    subgradient of λ‖p‖₁, as at the minimum of J + λ‖p‖₁. α, λ and the settings are numbers, or arrays of numbers that
    spread over p, for several models side by side. A step may branch on them; models for which it would take different
    branches are trained one by one, as are those of a step by a norm of p or of g.

    `decoupled`: l2 shrinks the weights by itself, p := p − αλp, instead of being a part of the gradient.
    `plain`: the step is p := p − αg, so that it changes nothing where the gradient is 0.
    """

    settings: Mapping[str, Setting]
    slots: tuple[str, ...]
    step: Callable[..., None]
    formula: str
    source: str
    decoupled: bool = False
    plain: bool = False


Settings = Mapping[str, float]
Slots = Sequence[Any]


def sgd(
    p: Any, g: Any, t: int, learning_rate: float, l1: float, settings: Settings, slots: Slots, scratch: Any
) -> None:
    """The lecture's: p := p − αg; with l1 S(p − αg, αλ) (Beck & Teboulle 2009, ISTA)."""
    np.multiply(g, learning_rate, g)
    np.subtract(p, g, p)
    if l1:
        _soft_threshold(p, learning_rate * l1, scratch)


def momentum(
    p: Any, g: Any, t: int, learning_rate: float, l1: float, settings: Settings, slots: Slots, scratch: Any
) -> None:
    """v := μv + g, p := p − αv; with l1 p := S(p − αv, αλ), and v := −Δp/α (Ochs et al. 2014, iPiano)."""
    (v,) = slots
    np.multiply(v, settings["momentum"], v)
    np.add(v, g, v)
    np.multiply(v, learning_rate, scratch)
    np.subtract(p, scratch, p)
    if l1 and learning_rate:
        _soft_threshold(p, learning_rate * l1, scratch)  # scratch is what the threshold took
        np.divide(scratch, learning_rate, scratch)
        np.add(v, scratch, v)


def nesterov(
    p: Any, g: Any, t: int, learning_rate: float, l1: float, settings: Settings, slots: Slots, scratch: Any
) -> None:
    """v := μv + g, p := p − α(g + μv); p is x − αμv for the x that a step without μ gives.

    With l1 (Beck & Teboulle 2009, FISTA, with one μ): v := (x − x')/α for x' = S(p − αg, αλ), p := x' − αμv.
    """
    (v,) = slots
    if not (l1 and learning_rate):
        np.multiply(v, settings["momentum"], v)
        np.add(v, g, v)
        np.multiply(v, settings["momentum"], scratch)
        np.add(scratch, g, scratch)
        np.multiply(scratch, learning_rate, scratch)
        np.subtract(p, scratch, p)
        return
    reach = learning_rate * settings["momentum"]
    np.multiply(v, reach, v)
    np.add(p, v, v)  # x
    np.multiply(g, learning_rate, g)
    np.subtract(p, g, p)
    _soft_threshold(p, learning_rate * l1, scratch)  # x'
    np.subtract(v, p, v)
    np.divide(v, learning_rate, v)
    np.multiply(v, reach, scratch)
    np.subtract(p, scratch, p)


def adagrad(
    p: Any, g: Any, t: int, learning_rate: float, l1: float, settings: Settings, slots: Slots, scratch: Any
) -> None:
    """s := s + g², p := p − αg/(√s + ε)."""
    (s,) = slots
    np.multiply(g, g, scratch)
    np.add(s, scratch, s)
    np.sqrt(s, scratch)
    np.add(scratch, settings["epsilon"], scratch)
    _divided_step(p, g, scratch, g, learning_rate, learning_rate * l1)


def rmsprop(
    p: Any, g: Any, t: int, learning_rate: float, l1: float, settings: Settings, slots: Slots, scratch: Any
) -> None:
    """s := ρs + (1 − ρ)g², p := p − αg/(√s + ε)."""
    (s,) = slots
    _decayed_square(s, g, settings["decay"], scratch)
    np.sqrt(s, scratch)
    np.add(scratch, settings["epsilon"], scratch)
    _divided_step(p, g, scratch, g, learning_rate, learning_rate * l1)


def adam(
    p: Any, g: Any, t: int, learning_rate: float, l1: float, settings: Settings, slots: Slots, scratch: Any
) -> None:
    """m := β₁m + (1 − β₁)g, v := β₂v + (1 − β₂)g², p := p − α·m̂/(√v̂ + ε) with m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ)."""
    m, v = slots
    beta1, beta2 = settings["beta1"], settings["beta2"]
    np.multiply(m, beta1, m)
    np.multiply(g, 1.0 - beta1, scratch)
    np.add(m, scratch, m)
    _decayed_square(v, g, beta2, scratch)
    np.divide(v, 1.0 - beta2**t, scratch)
    np.sqrt(scratch, scratch)
    np.add(scratch, settings["epsilon"], scratch)
    _divided_step(p, m, scratch, g, learning_rate / (1.0 - beta1**t), learning_rate * l1)


def _decayed_square(s: Any, g: Any, decay: float, scratch: Any) -> None:
    np.multiply(s, decay, s)
    np.multiply(g, g, scratch)
    np.multiply(scratch, 1.0 - decay, scratch)
    np.add(s, scratch, s)


def _divided_step(p: Any, direction: Any, D: Any, buffer: Any, learning_rate: float, threshold: float) -> None:
    """p := S(p − α·direction/D, θ/D): the step that is least in the metric D, an entry each (Duchi et al. 2011, 24).

    `buffer`, which may be `direction`, and D are overwritten.
    """
    np.divide(direction, D, buffer)
    np.multiply(buffer, learning_rate, buffer)
    np.subtract(p, buffer, p)
    if threshold:
        np.divide(threshold, D, D)
        np.negative(D, buffer)
        np.clip(p, buffer, D, buffer)
        np.subtract(p, buffer, p)


def _soft_threshold(p: Any, threshold: float, scratch: Any) -> None:
    """S(p, θ): p := p − clip(p, −θ, θ), which is left in `scratch`; an entry within θ of 0 becomes 0."""
    np.clip(p, -threshold, threshold, scratch)
    np.subtract(p, scratch, p)


def _share(default: float) -> Setting:
    return Setting(default, at_least=0.0, below=1.0)


_MOMENTUM = {"momentum": _share(0.9)}
_ADAM = {"beta1": _share(0.9), "beta2": _share(0.999), "epsilon": Setting(1e-8, above=0.0)}

OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": Optimizer({}, (), sgd, "p := p − αg", "the lecture, Parameter Update", plain=True),
    "momentum": Optimizer(
        _MOMENTUM,
        ("velocity",),
        momentum,
        "v := μv + g, p := p − αv",
        "Polyak 1964, Some methods of speeding up the convergence of iteration methods",
    ),
    "nesterov": Optimizer(
        _MOMENTUM,
        ("velocity",),
        nesterov,
        "v := μv + g, p := p − α(g + μv)",
        "Nesterov 1983, in the form of Sutskever et al. 2013 that takes the gradient at p",
    ),
    "adagrad": Optimizer(
        {"epsilon": Setting(1e-10, above=0.0)},
        ("square",),
        adagrad,
        "s := s + g², p := p − αg/(√s + ε)",
        "Duchi, Hazan & Singer 2011, Adaptive subgradient methods",
    ),
    "rmsprop": Optimizer(
        {"decay": _share(0.99), "epsilon": Setting(1e-8, above=0.0)},
        ("square",),
        rmsprop,
        "s := ρs + (1 − ρ)g², p := p − αg/(√s + ε)",
        "Tieleman & Hinton 2012, Lecture 6.5 of Neural networks for machine learning",
    ),
    "adam": Optimizer(
        _ADAM,
        ("mean", "square"),
        adam,
        "m := β₁m + (1 − β₁)g, v := β₂v + (1 − β₂)g², p := p − α·m̂/(√v̂ + ε)",
        "Kingma & Ba 2015, Adam: a method for stochastic optimization",
    ),
    "adamw": Optimizer(
        _ADAM,
        ("mean", "square"),
        adam,
        "p := p − αλp, then Adam; l2 is λ, and is no part of the gradient",
        "Loshchilov & Hutter 2019, Decoupled weight decay regularization",
        decoupled=True,
    ),
}
"""The table of optimisers: the config's choices, the page `optimizers` and the tests read it."""


def clip(norm: float, most: float) -> float:
    """The factor that brings a gradient of this norm down to `most` (Pascanu, Mikolov & Bengio 2013): min(1, c/‖g‖)."""
    return min(1.0, most / norm) if norm > 0 else 1.0
