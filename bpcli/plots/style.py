"""The style of all pictures, and saving them: the same picture gives the same bytes."""

import logging
import re
import textwrap
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

from bpcli.errors import MissingExtraError
from bpcli.files import write_atomically
from bpcli.text.visible import cut, visible

FORMATS = ("png", "svg", "pdf")

# Okabe & Ito 2008, Color universal design: colours that people with any colour vision can distinguish.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")
INK = "#222222"
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

_LEGEND_SIZE = 8
_LEGEND_TEXTS = (1000, 18, 10)  # characters to which the texts of a legend are cut, in turn

_STYLE: dict[str, Any] = {
    "font.size": 10, "axes.titlesize": 11, "axes.titlepad": 9, "axes.grid": True, "grid.alpha": 0.25,
    "axes.spines.top": False,
    "axes.spines.right": False, "axes.axisbelow": True, "legend.frameon": False, "figure.constrained_layout.use": True,
    "axes.formatter.limits": (-4, 4),  # longer numbers run into each other
    "svg.fonttype": "none", "svg.hashsalt": "bpcli", "pdf.fonttype": 42, "lines.linewidth": 1.8,
}  # fmt: skip
_NO_DATE: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


@contextmanager
def drawing() -> Iterator[Any]:
    """Matplotlib with the style of all pictures; MissingExtraError without it."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # no messages on its cache of fonts
    try:
        matplotlib: Any = import_module("matplotlib")
    except ImportError:
        raise MissingExtraError("plot", "matplotlib", "a picture") from None
    with matplotlib.rc_context(_STYLE):
        yield matplotlib


def new_figure(size: tuple[float, float]) -> Any:
    """An empty figure of so many inches, without a window."""
    figure_type = import_module("matplotlib.figure").Figure
    return figure_type(figsize=size)


def write_figure(figure: Any, target: Path, force: bool, dpi: int = 200) -> list[str]:
    """Write the figure in the format of the file's extension, whole or not at all; returns notes on missing signs."""
    kind = target.suffix.lower().lstrip(".")

    def write(file: Any) -> None:
        figure.savefig(file, format=kind, dpi=dpi, metadata=_NO_DATE[kind])

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        write_atomically(target, write, force)
    messages = [str(warning.message) for warning in caught]
    missing = sorted({int(code) for text in messages for code in re.findall(r"Glyph (\d+) ", text)})
    notes = [text for text in messages if "Glyph" not in text and "missing from" not in text]
    if missing:
        signs = " ".join(map(chr, missing[:10]))
        notes.append(
            f"the font has no sign for {signs}; boxes stand for them{' in PNG and PDF' if kind == 'svg' else ''}"
        )
    return notes


def space_ticks(figure: Any) -> None:
    """Fewer numbers below an axis where they would touch: Matplotlib takes them to have three digits."""
    for _ in range(_FEWER):
        figure.draw_without_rendering()
        touching = [axes.xaxis for axes in figure.axes if _touch(axes.xaxis)]
        for axis in touching:
            axis.get_tick_space = lambda room=axis.get_tick_space: max(room() * 2 // 3, 1)
        if not touching:
            return


def _touch(axis: Any) -> bool:
    """Whether two numbers of an axis, whose places Matplotlib chose, touch."""
    if not isinstance(axis.get_major_locator(), import_module("matplotlib.ticker").AutoLocator):
        return False
    boxes = sorted(label.get_window_extent().intervalx.tolist() for label in axis.get_ticklabels() if label.get_text())
    return any(left[1] + _APART * axis.figure.dpi / 72 > right[0] for left, right in pairwise(boxes))


_FEWER, _APART = 6, 5  # how often the numbers may become fewer; the least space between two of them, in points


def svg_text(figure: Any) -> str:
    """The figure as the text of an SVG file."""
    file = StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # signs that Matplotlib's font lacks: a browser has others
        figure.savefig(file, format="svg", metadata=_NO_DATE["svg"])
    return file.getvalue()


def name_columns(axes: Any, names: Sequence[str]) -> None:
    """Names below the columns of a table, turned if they are long."""
    turned = 45 if max(map(len, names)) > 4 else 0
    axes.set_xticks(range(len(names)), names, rotation=turned, ha="right" if turned else "center")


_TITLE = 60
"""Characters of a title; a longer formula is not typeset, which recurses as deeply as the formula is nested."""


def plain(name: str) -> str:
    """A name as a label, with its dollars escaped, as these would begin a formula."""
    return name.replace("$", r"\$")


def label(name: str, most: int = 28) -> str:
    """A name from the data as a label: `plain`, on one line, and cut in its middle to `most` characters."""
    return plain(cut(visible(name.replace("\n", " ")), most))


def set_title(figure: Any, title: str) -> None:
    """A title above a figure, in as many lines as its width needs."""
    size = 12
    signs = int(figure.bbox.width / figure.dpi * 72 / (0.6 * size))  # 0.6: the breadth of a wide text, by its size
    figure.suptitle(plain("\n".join(textwrap.wrap(visible(title), max(signs, 10)))), fontsize=size)


def legend_below(figure: Any, handles: Sequence[Any], columns: int = 4, **style: Any) -> None:
    """A legend below all axes of a figure, in at most so many columns, and no more than fit its width.

    If it leaves the axes too little room, its texts are cut; if that is not enough, there is no legend.
    """
    font = import_module("matplotlib.font_manager").FontProperties(size=_LEGEND_SIZE)
    measure = import_module("matplotlib.textpath").text_to_path.get_text_width_height_descent
    wide, high = (length / figure.dpi * 72 for length in (figure.bbox.width, figure.bbox.height))  # points
    texts = [handle.get_label().replace(r"\$", "$") for handle in handles]
    for most in _LEGEND_TEXTS if handles else ():
        shown = [cut(text, most) for text in texts]
        widest = max(measure(text, font, False)[0] for text in shown)
        # A handle and the space behind it take 2.8 sizes of the font, the space between two columns 2, a line 1.5.
        fit = int(wide // (widest + 4.8 * _LEGEND_SIZE))
        count = max(1, min(columns, fit, len(handles)))
        if -(-len(handles) // count) * 1.5 * _LEGEND_SIZE <= 0.45 * high:
            # Only a text that is not cut may contain a formula.
            labels = [h.get_label() if c == t else plain(c) for h, t, c in zip(handles, texts, shown, strict=True)]
            place = {"loc": "outside lower center", "ncols": count, "fontsize": _LEGEND_SIZE}
            figure.legend(handles=handles, labels=labels, **place, **style)
            return


def mathtext(latex: str, text: str) -> str:
    """A formula in Matplotlib's math mode, if it is short and Matplotlib can typeset it, else as plain text."""
    if len(text) > _TITLE:
        return plain(text[: _TITLE - 3] + "…")
    parser: Callable[[str], Any] = import_module("matplotlib.mathtext").MathTextParser("path").parse
    candidate = f"${latex}$"
    try:
        parser(candidate)
    except (ValueError, RecursionError):
        return plain(text)
    return candidate
