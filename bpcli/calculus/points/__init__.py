"""The variables of expressions, and the values they are given."""
