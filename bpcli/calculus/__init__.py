"""The calculator's language: text to tree, tree to values and exact derivatives."""
