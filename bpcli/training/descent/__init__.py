"""The training loop, its update rule, its state, and when it stops."""
