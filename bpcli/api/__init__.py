"""What `import bpcli` offers: the calculator and the trainer for Python, doing what the commands do."""
