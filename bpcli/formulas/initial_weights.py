"""The weights that a training may start from."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Draw = Callable[[np.random.Generator, tuple[int, ...]], NDArray[Any]]

STARTS: dict[str, Draw] = {
    "zeros": lambda rng, shape: np.zeros(shape),
    "normal": lambda rng, shape: rng.normal(0.0, shape[0] ** -0.5, shape),
    "uniform": lambda rng, shape: rng.uniform(-(shape[0] ** -0.5), shape[0] ** -0.5, shape),
}
"""Weights (n, …) of n features: 0; N(0, 1/n), so that z starts with the variance of a standardised feature (LeCun et
al. 1998, Efficient BackProp, 4.6); U(−1/√n, 1/√n)."""
