"""Pictures: of expressions with their gradients and descents, and of trained models. Each function gives a Figure."""
