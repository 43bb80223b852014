"""A diagram drawn from left to right: framed values, their gradients and updates below, labels on the edges."""

import math
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple

from bpcli.plots.style import COLORS, INK, new_figure, plain
from bpcli.text.diagram import Block, Box, Diagram

# Lengths in points
FONT = 9.0
WIDE = 0.602 * FONT  # of a letter of DejaVu Sans Mono
HIGH = 1.18 * FONT  # of a line
HEAD = 0.25  # of a line: more room below the first
PAD = 6.0  # between a frame and its text
GAP = 16.0  # between rows, and at both ends of an edge
BEND = 42.0  # in which the edges of a column come together
MARGIN = 10.0
PORT = 10.0  # between the ends of two arrows at a box, the first of which points to its middle

BELOW = (COLORS[1], COLORS[2])  # the gradient, the update
LABEL = COLORS[0]
GREY = "#777777"


class Placed(NamedTuple):
    """A box at its place: its left end, the height of its middle, and the size of its frame."""

    box: Box
    left: float
    middle: float
    width: float
    height: float


def draw(diagram: Diagram) -> Any:
    """The figure of a diagram, as large as its content."""
    placed, (right, low, high) = _layout(diagram)
    low -= 2 * HIGH if diagram.caption else 0
    width, height = right + 2 * MARGIN, high - low + 2 * MARGIN
    figure = new_figure((width / 72, height / 72))
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-MARGIN, right + MARGIN), ylim=(low - MARGIN, high + MARGIN))
    axes.axis("off")
    for each in placed.values():
        _box(axes, each)
    for edge in diagram.edges:
        _edge(axes, placed[edge.source], placed[edge.target], edge.label)
    if diagram.caption:
        axes.text(0, low, plain(diagram.caption), fontsize=FONT, family="monospace", color=INK, va="bottom")
    return figure


def _size(block: Block | None) -> tuple[float, float]:
    """Width and height of a block."""
    return (WIDE * max(map(len, block.text)), HIGH * (len(block.text) + HEAD)) if block else (0.0, 0.0)


def _layout(diagram: Diagram) -> tuple[dict[str, Placed], tuple[float, float, float]]:
    """The boxes by name, and how far they and their labels reach: right, low and high."""
    labels = {edge.source: edge.label for edge in diagram.edges}
    placed: dict[str, Placed] = {}
    left, right, low, high = 0.0, 0.0, 0.0, 0.0
    for column in range(1 + max(box.column for box in diagram.boxes)):
        boxes = [box for box in diagram.boxes if box.column == column]
        middles, ends = _stack(boxes, labels)
        low, high = min(low, ends[0]), max(high, ends[1])
        width = max(max(_size(block)[0] for block in (box.value, *box.below)) for box in boxes) + 2 * PAD
        for box, middle in zip(boxes, middles, strict=True):
            placed[box.value.name] = Placed(box, left, middle, width, _size(box.value)[1] + 2 * PAD)
        right = left + width
        wide = max(_size(labels.get(box.value.name))[0] for box in boxes)
        left = right + wide + 2 * GAP + (BEND if len(boxes) > 1 else 0)
    return placed, (right, low, high)


def _stack(boxes: Sequence[Box], labels: dict[str, Block | None]) -> tuple[list[float], tuple[float, float]]:
    """The heights of the middles of a column's boxes, with one of them at 0; and how far it reaches down and up."""
    middles: list[float] = []
    edge = top = 0.0
    for k, box in enumerate(boxes):
        half = _size(box.value)[1] / 2 + PAD
        up = max(half, _size(labels.get(box.value.name))[1] + PAD)
        middles.append(edge - up)
        top = top if k else edge
        edge = middles[-1] - half - sum(_size(block)[1] + PAD for block in box.below) - GAP
    origin = middles[(len(boxes) - 1) // 2]
    return [middle - origin for middle in middles], (edge + GAP - origin, top - origin)


def _box(axes: Any, placed: Placed) -> None:
    low = placed.middle - placed.height / 2
    frame = import_module("matplotlib.patches").FancyBboxPatch(
        (placed.left, low), placed.width, placed.height, boxstyle="round,pad=0,rounding_size=4",
        facecolor="#f6f6f6", edgecolor=INK, linewidth=1,
    )  # fmt: skip
    axes.add_patch(frame)
    _write(axes, placed.box.value, placed.left + PAD, low + placed.height - PAD, INK)
    top = low - PAD
    for block, color in zip(placed.box.below, BELOW, strict=False):
        _write(axes, block, placed.left + PAD, top, color)
        top -= _size(block)[1] + PAD


def _write(axes: Any, block: Block, left: float, top: float, color: str) -> None:
    """The lines of a block, the name bold and the shape grey."""
    style = {"fontsize": FONT, "family": "monospace", "va": "baseline"}
    for k, line in enumerate(block.text):
        base = top - (k + 0.78 + (HEAD if k else 0.0)) * HIGH
        if k:
            # In SVG, blanks side by side would become one.
            axes.text(left, base, plain(line).replace("  ", 2 * "\N{NO-BREAK SPACE}"), color=color, **style)
        else:
            axes.text(left, base, plain(block.name), color=color, weight="bold", **style)
            axes.text(left + WIDE * (len(block.name) + 2), base, block.shape, color=GREY, **style)


def _edge(axes: Any, source: Placed, target: Placed, label: Block | None) -> None:
    """An arrow from the middle of a box, level below its label, then to the next box."""
    start, end, height = source.left + source.width, target.left, source.middle - target.middle
    bent = abs(height) > 1
    level = end - (BEND if bent else GAP)
    port = math.copysign(min(PORT, target.height / 3), height) if bent else 0.0
    axes.plot([start, level], [source.middle] * 2, color=INK, linewidth=1, solid_capstyle="round")
    style = {"arrowstyle": "-|>", "color": INK, "lw": 1, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (end, target.middle + port), (level, source.middle), arrowprops=style)
    if label:
        _write(axes, label, start + GAP, source.middle + PAD / 2 + _size(label)[1], LABEL)
