"""The update of the lecture: x := x ± α(∇f)ᵀ.

Source: the lecture's "Parameter Update" and "Gradients and Parameter Update".
"""

from typing import Any


def descend(x: Any, df_dx: Any, learning_rate: float) -> Any:
    """x := x − α(∇f)ᵀ, the most decreasing direction; floats, or arrays of one shape."""
    return x - learning_rate * df_dx


def ascend(x: Any, df_dx: Any, learning_rate: float) -> Any:
    """x := x + α(∇f)ᵀ, the most increasing direction; floats, or arrays of one shape."""
    return x + learning_rate * df_dx
