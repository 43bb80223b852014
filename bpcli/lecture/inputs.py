"""What the lecture's functions are called, and what each is given; a look at it costs no NumPy."""

INPUTS = {
    "softmax": ("logits",),
    "log_softmax": ("logits",),
    "sigmoid": ("z",),
    "tanh": ("z",),
    "relu": ("z",),
    "identity": ("z",),
    "softplus": ("z",),
    "dot": ("u", "v"),
    "affine": ("x", "w", "b"),
    "neuron": ("x", "w", "b", "activation"),
    "mse": ("y", "yhat"),
    "bce": ("y", "yhat"),
    "cce": ("yhat", "y", "label"),
    "sigmoid_bce": ("z", "y"),
    "softmax_cce": ("logits", "y", "label"),
}
"""What has a Jacobian by name (`NAMED`), and what each is given."""
