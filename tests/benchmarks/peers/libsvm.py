"""A LIBSVM file with scikit-learn: read, fit the logistic regression, and print the accuracy."""

import sys

import numpy as np
from sklearn.datasets import load_svmlight_file
from sklearn.linear_model import LogisticRegression

X, y = load_svmlight_file(sys.argv[1])
X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)  # as it asks for them
print(LogisticRegression(solver="liblinear").fit(X, y).score(X, y))
