"""A CSV file with scikit-learn's SGD: read by pandas with the reader that is named, scale, three epochs, accuracy.

With a second file: predictions and probabilities of all its rows, as CSV.
"""

import sys

import numpy as np
import pandas as pd
from sklearn.linear_model import SGDClassifier
from sklearn.preprocessing import StandardScaler

path, reader, model_path, *target = sys.argv[1:]
table = pd.read_csv(path, engine=reader)
y = table.pop("y").to_numpy()
X = table.to_numpy()
if not target:
    scaler = StandardScaler(copy=False)
    X = scaler.fit_transform(X)
    rate = 0.5 / 256  # a step of 256 rows with 0.5 is about 256 steps of one row
    model = SGDClassifier(loss="log_loss", alpha=0, learning_rate="constant", eta0=rate, max_iter=3, tol=None).fit(X, y)
    np.savez(model_path, mean=scaler.mean_, scale=scaler.scale_, w=model.coef_, b=model.intercept_)
    print(model.score(X, y))
else:
    kept = np.load(model_path)
    model = SGDClassifier(loss="log_loss")
    model.classes_, model.coef_, model.intercept_ = np.array([0, 1]), kept["w"], kept["b"]
    probability = model.predict_proba((X - kept["mean"]) / kept["scale"])
    columns = {"prediction": probability[:, 1] >= 0.5, "p(0)": probability[:, 0], "p(1)": probability[:, 1]}
    columns["prediction"] = columns["prediction"].astype(int)
    if reader == "pyarrow":
        import pyarrow
        import pyarrow.csv

        pyarrow.csv.write_csv(pyarrow.table(columns), target[0])
    else:
        pd.DataFrame(columns).to_csv(target[0], index=False)
    print(np.mean(columns["prediction"] == y))
