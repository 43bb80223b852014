"""Statistical inference for trained weights: whether they have an optimum, standard errors, tests and intervals."""
