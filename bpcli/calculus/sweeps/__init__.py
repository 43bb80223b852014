"""A tree as a program, and the sweeps over it that give values and derivatives."""
