"""Model selection: cross-validation, sweeps, and the processes that share their trainings."""
