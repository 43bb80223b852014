"""Training: the config, the model, the loop, the metrics and the run folder."""
