"""The training loop, its update rule, its state, and early stopping."""
