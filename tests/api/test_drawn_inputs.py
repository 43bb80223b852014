"""Inputs of exercises lie where their function takes them, and are the same for a seed."""

import numpy as np

from bpcli.api.drawn_inputs import Draw
from bpcli.api.exercises import exercise
from bpcli.calculus.points.values import parse_value
from bpcli.formulas.losses import LOSSES


def test_no_logarithm_without_use():
    for task in exercise("identity", "relu", "leaky_relu", "affine", count=20, level=2):
        assert "log" not in "".join(task.inputs.values())


def test_labels_and_predictions_lie_within_the_loss():
    for loss in LOSSES.values():
        draw = Draw("a seed", loss.name)
        y, yhat = (parse_value(text) for text in (draw.label(loss, (4,)), draw.prediction(loss, (4,))))
        assert ((y >= loss.labels.low) & (y <= loss.labels.high)).all()
        assert ((yhat > loss.domain.low) & (yhat < loss.domain.high)).all()


def test_shares_sum_to_one():
    draw = Draw(1)
    np.testing.assert_allclose(parse_value(draw.shares((5, 3))).sum(axis=1), 1, rtol=1e-15)
    assert parse_value(Draw(1).shares((4,))).tolist() == parse_value(Draw(1).shares((4,))).tolist()
