"""Iris with scikit-learn: read, split, scale, fit, and print the accuracy of the training rows."""

import sys

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

table = np.genfromtxt(sys.argv[1], delimiter=",", skip_header=1, dtype=str)
X, y = table[:, :4].astype(float), table[:, 4]
X_train, X_other, y_train, y_other = train_test_split(X, y, test_size=0.2, stratify=y, random_state=0)
scaler = StandardScaler().fit(X_train)
model = LogisticRegression().fit(scaler.transform(X_train), y_train)
print(model.score(scaler.transform(X_other), y_other))
print(model.score(scaler.transform(X_train), y_train))
