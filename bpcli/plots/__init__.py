"""Pictures of expressions with their gradients and descents, and of trained models, as Matplotlib's figures."""
