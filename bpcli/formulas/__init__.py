"""The lecture's formulas: pure functions on floats and arrays, each with its Jacobian directly below it."""
