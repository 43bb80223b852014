"""The lecture's functions by name: their inputs, Jacobians, formulas, the chain and how it is drawn."""
