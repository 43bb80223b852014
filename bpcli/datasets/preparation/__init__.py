"""From a table to features and target: fitted once, kept in the model."""
