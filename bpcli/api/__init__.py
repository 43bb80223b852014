"""The calculator and the trainer for Python: the public functions of `import bpcli`, which the commands call."""
