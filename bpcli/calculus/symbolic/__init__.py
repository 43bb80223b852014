"""The rules run over trees: formulas of derivatives."""
