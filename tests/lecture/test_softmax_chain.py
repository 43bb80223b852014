"""The chain of a softmax layer: labels as they are given, and its gradients beside difference quotients."""

import numpy as np
import pytest
import witness
from hypothesis import given
from hypothesis import strategies as st
from witness import mp

from bpcli.formulas.layers import pairs
from bpcli.formulas.losses import LOSSES
from bpcli.lecture.softmax_chain import softmax_chain

CHOICES = [loss for kind, _, loss in pairs() if kind == "softmax"]


def test_mse_of_a_softmax_takes_the_labels_as_they_are():
    y = np.full((1, 3), 0.3333333333)  # adds up to 1 only nearly
    chain = softmax_chain(np.ones((1, 1)), np.zeros((1, 3)), np.zeros(3), y, LOSSES["mse"]).quantities
    assert chain["dJ_dp"].value == pytest.approx(2 * (1 / 3 - y), rel=1e-5)
    assert chain["J"].value.item() == pytest.approx(((1 / 3 - y) ** 2).sum(), rel=1e-5)


@pytest.mark.parametrize("loss", CHOICES)
@given(entries=st.lists(st.floats(-3, 3), min_size=13, max_size=13))
def test_each_gradient_is_the_difference_quotient_in_exact_numbers(loss, entries):
    x, w, b = np.array(entries[:4]).reshape(2, 2), np.array(entries[4:10]).reshape(2, 3), np.array(entries[10:])
    y = np.eye(3)[[2, 0]]

    def J(w, b):
        terms = []
        for row, labels in zip(x, y, strict=True):
            powers = [mp.exp(mp.fsum(mp.mpf(x_i) * w[i][k] for i, x_i in enumerate(row)) + b[k]) for k in range(3)]
            p = [power / mp.fsum(powers) for power in powers]
            terms += [witness.LOSSES[loss](mp.mpf(label), p_k)[0] for label, p_k in zip(labels, p, strict=True)]
        return mp.fsum(terms) / 2

    chain = softmax_chain(x, w, b, y, LOSSES[loss]).quantities
    exact_w, exact_b = [[mp.mpf(v) for v in row] for row in w], [mp.mpf(v) for v in b]
    assert float(J(exact_w, exact_b)) == pytest.approx(chain["J"].value.item(), rel=1e-12)
    h = mp.mpf(10) ** -15
    for at in range(9):
        sides = []
        for step in (h, -h):
            moved_w, moved_b = [list(row) for row in exact_w], list(exact_b)
            if at < 6:
                moved_w[at // 3][at % 3] += step
            else:
                moved_b[at - 6] += step
            sides.append(J(moved_w, moved_b))
        slope = chain["dJ_dw" if at < 6 else "dJ_db"].value.ravel()[at if at < 6 else at - 6]
        assert slope == pytest.approx(float((sides[0] - sides[1]) / (2 * h)), rel=1e-10, abs=1e-13)
