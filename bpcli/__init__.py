"""bpcli: a command-line trainer of single neurons and softmax models, and a calculator of gradients and Jacobians."""

__version__ = "0.1.0"
