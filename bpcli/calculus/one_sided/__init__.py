"""One-sided derivatives: what a slope is where the rules stop."""
