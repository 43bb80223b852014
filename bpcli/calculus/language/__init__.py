"""The calculator's language: text to tree, and tree to text."""
