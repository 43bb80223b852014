"""Pictures of expressions show the numbers that were computed."""

import numpy as np
import pytest

from bpcli.plots.expressions import Scene, draw, levels_of
from bpcli.plots.style import drawing


def scene(**changes):
    return Scene(**{
        "text": "x**2+y**2", "latex": "x^2 + y^2", "names": ["x", "y"], "ranges": [(-2.0, 2.0), (-2.0, 2.0)],
        "value": lambda x, y: x**2 + y**2, "point": [1.0, 0.5], "height": 1.25, "gradient": [2.0, 1.0],
        "path": np.array([[1.0, 0.5], [0.6, 0.3]]),
    } | changes)  # fmt: skip


def test_a_curve_shows_the_function_its_tangent_and_the_descent():
    with drawing():
        figure = draw(
            scene(names=["x"], ranges=[(-3.0, 3.0)], value=lambda x: x**2, point=[1.0], height=1.0, gradient=[2.0],
                  path=np.array([[1.0], [0.6]])), "contour", (4, 3))  # fmt: skip
    (axes,) = figure.axes
    curve, path, tangent, _ = axes.get_lines()
    np.testing.assert_allclose(curve.get_ydata(), curve.get_xdata() ** 2)
    np.testing.assert_allclose(path.get_ydata(), [1, 0.36])
    (x0, x1), (y0, y1) = tangent.get_data()
    assert (y1 - y0) / (x1 - x0) == pytest.approx(2)
    assert axes.get_title() == "$f = x^2 + y^2$"


def test_no_line_runs_across_a_pole():
    with drawing():
        figure = draw(
            scene(names=["x"], ranges=[(-1.0, 1.0)], value=lambda x: 1 / (x + 1e-9), point=None, path=None),
            "contour",
            (4, 3),
        )
    x, y = figure.axes[0].get_lines()[0].get_data()
    assert x[np.isnan(y)] == pytest.approx(-1e-9, rel=1e-3)
    assert figure.axes[0].get_ylim()[1] < 1e4


def test_the_arrow_points_along_the_gradient():
    with drawing():
        figure = draw(scene(), "contour", (4, 3))
    axes = figure.axes[0]
    (arrow,) = axes.texts
    step = np.subtract(arrow.xy, arrow.xyann)
    assert step[0] / step[1] == pytest.approx(2)
    assert axes.get_aspect() == 1
    assert axes.get_legend_handles_labels()[1] == ["1 step", "∇f = (2, 1), not to scale"]


@pytest.mark.parametrize(
    "value", [lambda x, y: 0 * x + 3, lambda x, y: np.nan * x, lambda x, y: np.where(x > 0, np.log(x), np.nan)]
)
@pytest.mark.parametrize("kind", ["contour", "surface"])
def test_constant_and_missing_values(value, kind):
    with drawing(), np.errstate(all="ignore"):
        draw(scene(value=value, point=None, path=None), kind, (4, 3))


def test_levels_show_a_valley():
    X, Y = np.meshgrid(np.linspace(-2, 2, 201), np.linspace(-1, 3, 201))
    with drawing():
        levels, norm = levels_of((1 - X) ** 2 + 100 * (Y - X**2) ** 2, False)
        assert norm is not None
        assert {1, 2, 5, 10, 100, 1000} <= set(np.round(levels, 9))
        levels, norm = levels_of(X + Y, False)
        assert norm is None
        assert np.allclose(np.diff(levels), levels[1] - levels[0])
        assert levels_of(0 * X, False) is None


@pytest.mark.parametrize("kind", ["contour", "surface"])
def test_a_long_descent_is_a_line_with_two_ends_above_the_arrow(kind):
    path = np.linspace([1.0, 0.5], [0.0, 0.0], 301)
    with drawing():
        axes = draw(scene(path=path), kind, (4, 3)).axes[0]
    (line,) = [line for line in axes.get_lines() if line.get_label() == "300 steps"]
    assert line.get_markevery() == [0, 300]
    arrows = (
        axes.texts if kind == "contour" else [c for c in axes.collections if type(c).__name__ == "Line3DCollection"]
    )
    assert line.get_zorder() > arrows[0].get_zorder()


def test_the_updates_of_the_lecture_in_every_direction():
    with drawing():
        figure = draw(scene(updates=True, path=None), "contour", (4, 3))
    (axes, _) = figure.axes
    steps = [np.subtract(arrow.xy, arrow.xyann) for arrow in axes.texts]
    signs = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
    for step, sign in zip(steps, signs, strict=True):
        np.testing.assert_allclose(step / np.hypot(*step), np.array(sign) * [2, 1] / 5**0.5)
    assert axes.get_legend_handles_labels()[1][0] == "x + α∂f/∂x, y + α∂f/∂y: most increasing"


def test_a_field_of_gradients():
    with drawing():
        figure = draw(scene(slopes=lambda x, y: [2 * x, 2 * y], point=None, path=None), "contour", (4, 3))
    (field,) = [c for c in figure.axes[0].collections if hasattr(c, "U")]
    x, y = field.XY.T
    there = (x != 0) | (y != 0)
    np.testing.assert_allclose(field.U * y - field.V * x, 0, atol=1e-12)
    assert (field.U * x + field.V * y > 0)[there].all()
    assert len(x) == 15**2 - 1  # there is no direction at the minimum
