"""Python's reader of CSV, for fields of any length; how long a line may be is said where lines are read."""

import csv

csv.field_size_limit(
    2**31 - 1
)  # the most that it takes everywhere; by default a field of 131073 characters is an error
reader = csv.reader
"""The rows of lines, as `csv.reader` has them."""
