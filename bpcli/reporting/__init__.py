"""A page on a trained model, as one HTML file with nothing to load."""
