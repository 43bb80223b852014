"""Figures as files: whole, and the same bytes for the same picture; formulas that can be typeset, and others."""

import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import pytest

from bpcli.plots import style
from bpcli.plots.style import drawing, mathtext


def test_a_formula_that_can_not_be_set_is_written():
    with drawing():
        assert mathtext(r"\begin{cases} 1 \end{cases}", "where(x>0,1,0)") == "where(x>0,1,0)"
        assert mathtext("x^2", "x**2") == "$x^2$"


def test_a_formula_too_deep_to_be_set_is_written():
    with drawing():
        for deep in (r"\frac{1}{%s}", "x^{%s}", r"\sqrt{%s}"):
            latex = "x"
            for _ in range(30):
                latex = deep % latex
            assert mathtext(latex, "short") == "short"
        assert mathtext("x", "sin(" * 40 + "x") == ("sin(" * 15)[:57] + "…"


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_a_file_is_whole_and_the_same_twice(bpcli, tmp_path, suffix):
    files = [tmp_path / f"{k}.{suffix}" for k in range(2)]
    for file in files:
        assert bpcli("plot", "x**2*y", "--at", "1,2", "--output", file).code == 0
    content = files[0].read_bytes()
    assert content == files[1].read_bytes()
    if suffix == "svg":
        assert ElementTree.fromstring(content).tag.endswith("svg")
    else:
        assert content.startswith({"png": b"\x89PNG", "pdf": b"%PDF"}[suffix])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("petal_length", "petal_length"),
        ("cost $", r"cost \$"),
        ("two\nlines\x1b", r"two lines\x1b"),
        ("a" * 20 + "b" * 20, "a" * 14 + "…" + "b" * 13),
        ("温" * 20, "温" * 7 + "…" + "温" * 6),  # each is two wide
    ],
)
def test_a_name_of_the_data_as_a_label(name, expected):
    assert style.label(name) == expected


@pytest.mark.parametrize("width", [4, 8])
@pytest.mark.parametrize("name", ["W" * 28, "i", r"a \$ b"])
def test_a_legend_is_no_wider_than_its_figure(width, name):
    with style.drawing():
        figure = style.new_figure((width, 3))
        axes = figure.subplots()
        handles = [axes.plot([0, 1], label=f"{name} {k}")[0] for k in range(9)]
        style.legend_below(figure, handles)
        figure.draw_without_rendering()
        box = figure.legends[0].get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.x1


@pytest.mark.parametrize(("count", "there"), [(9, True), (40, True), (400, False)])
def test_a_legend_leaves_room_for_the_axes(count, there):
    with style.drawing():
        figure = style.new_figure((6, 4.5))
        axes = figure.subplots()
        handles = [axes.plot([0, 1], label=f"a rather long name of class {k}")[0] for k in range(count)]
        style.legend_below(figure, handles, 5)
        figure.draw_without_rendering()
        assert len(figure.legends) == there
        for legend in figure.legends:
            assert legend.get_window_extent().y1 <= axes.get_window_extent().y0
            assert legend.get_window_extent().x1 <= figure.bbox.x1


@pytest.mark.parametrize("words", [3, 40])
def test_a_title_stays_within_its_figure(words):
    with style.drawing():
        figure = style.new_figure((5, 4))
        figure.subplots()
        style.set_title(figure, "Weighty " * words)
        figure.draw_without_rendering()
        box = figure._suptitle.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.x1


@pytest.mark.parametrize("size", ["6x4.5", "4x3", "12x4"])
@pytest.mark.parametrize("expression", ["x**2/4+y**2", "x**2"])
@pytest.mark.parametrize(
    "span", ["-1:1", "-0.7:0.9", "0:0.01", "-1000:1000", "-99:3", "1000:1003", "-9999:-9998", "-1e-5:3e-5"]
)
def test_the_numbers_below_an_axis_do_not_touch(bpcli, tmp_path, monkeypatch, size, expression, span):
    shown = []
    write = style.write_figure
    monkeypatch.setattr(style, "write_figure", lambda figure, *rest: shown.append(figure) or write(figure, *rest))
    ranges = f"x={span},y={span}" if "y" in expression else span
    result = bpcli("plot", expression, "--range", ranges, "--size", size, "--output", tmp_path / "p.png")
    assert result.code == 0
    (figure,) = shown
    figure.draw_without_rendering()
    below = [label for label in figure.axes[0].get_xticklabels() if label.get_text()]
    boxes = sorted((label.get_window_extent().x0, label.get_window_extent().x1) for label in below)
    assert len(boxes) >= 2
    assert all(left[1] + 2 < right[0] for left, right in pairwise(boxes))
