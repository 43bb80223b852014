"""Choosing a model: folds, trainings that are only measured, and processes that share them."""
