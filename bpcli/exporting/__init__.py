"""Trained models written for other languages: one module a language, each a row of `EXPORTS`."""
