"""Logistic regression with l2 = 1/N to the optimum by scikit-learn, and the objective that it reached."""

import sys

import numpy as np
from sklearn.datasets import load_svmlight_file
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

path, solver = sys.argv[1:]
if path.endswith(".svm"):
    X, y = load_svmlight_file(path)
    X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)  # as it asks for them
else:
    table = np.genfromtxt(path, delimiter=",", skip_header=1, dtype=str)
    X, y = StandardScaler().fit_transform(table[:, :-1].astype(float)), table[:, -1]
model = LogisticRegression(solver=solver, tol=1e-8, max_iter=10_000).fit(X, y)
print(log_loss(y, model.predict_proba(X)) + (model.coef_**2).sum() / 2 / len(y))
