"""The products of one row in the compiled steps, against NumPy's."""

import numpy as np
import pytest

from bpcli.datasets.sparse import csr_array
from bpcli.training.descent import row_kernels

LAYS = "lay_out", "lay_back"


@pytest.mark.parametrize("n", range(1, 11))
@pytest.mark.parametrize(
    ("form", "K"), [("one", 1), ("many", 2), ("many", 3), ("many", row_kernels.FEW + 1), ("sparse", 3)]
)
def test_products_of_a_row(form, K, n):
    rng = np.random.default_rng(n)
    X, w, b = rng.normal(size=(4, n)), rng.normal(size=(n, K)), rng.normal(size=K)
    S = csr_array(X)
    rows = (S.data, S.indices, S.indptr) if form == "sparse" else X
    z, gradient = np.zeros(2 * K), np.ones(n * K)
    lay_out, lay_back = (getattr(row_kernels, f"{name}_{'many' if form == 'many' else 'as_it_is'}") for name in LAYS)
    getattr(row_kernels, f"forward_{form}")(rows, 2, lay_out(w.reshape(-1), K, np.empty(n * K)), b, z)
    np.testing.assert_allclose(z[:K], X[2] @ w + b, rtol=1e-13, atol=1e-14)
    getattr(row_kernels, f"backward_{form}")(rows, 2, z, gradient)
    lay_back(gradient, K, np.empty(n * K))
    np.testing.assert_allclose(gradient.reshape(n, K), 1 + np.outer(X[2], z[:K]), rtol=1e-13)
