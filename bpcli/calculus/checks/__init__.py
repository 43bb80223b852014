"""Derivatives checked against difference quotients, and answers graded."""
