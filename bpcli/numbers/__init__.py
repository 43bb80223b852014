"""The kinds of numbers that formulas run on, and what they share."""
