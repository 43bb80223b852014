"""What can be said of trained weights: whether they have an optimum, how sure they are, and what follows from that."""
