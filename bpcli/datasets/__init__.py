"""Data: one reader a format, and the preparation of features and target that becomes part of a model."""
