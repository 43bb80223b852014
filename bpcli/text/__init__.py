"""How numbers, names and configs are written and read."""
