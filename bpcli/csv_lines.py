"""Python's reader of CSV, for fields as long as the longest line that is read."""

import csv

from bpcli.sources import LONGEST_LINE

csv.field_size_limit(LONGEST_LINE)  # else a field of 131073 characters is an error
reader = csv.reader
"""The rows of lines, as `csv.reader` has them."""
