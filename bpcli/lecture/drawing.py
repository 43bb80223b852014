"""How a chain of Jacobians is drawn: as text with brackets, as LaTeX, and as Markdown with LaTeX in it."""

from collections.abc import Callable, Sequence
from typing import Any

from bpcli.calculus.language.latex import to_latex
from bpcli.calculus.language.tree import Name
from bpcli.lecture.chain import Chain, Quantity
from bpcli.text.notation import number

WIDTH = 80  # columns of text
MOST = 12  # rows or columns of a matrix that are drawn

GROUPS = (
    ("Forward", ("z", "l", "a", "p", "J")),
    ("Local Jacobians", ("dJ_da", "dJ_dp", "da_dz", "dp_dl", "dz_dw", "dl_dw", "dz_dx", "dl_dx", "dz_db", "dl_db")),
    ("Back", ("dJ_dz", "dJ_dl", "dJ_dw", "dJ_db", "dJ_dx")),
    ("Update", ("w_new", "b_new")),
)
COLLAPSES = ("dJ_dz", "dJ_dl")


def _shortened(cells: list[list[str]], most: int) -> list[list[str]]:
    """The first rows and columns, and dots for the others."""
    if cells and len(cells[0]) > most:
        cells = [[*row[: most - 1], "…"] for row in cells]
    return [*cells[: most - 1], ["…"] * len(cells[0])] if len(cells) > most else cells


def _cells(matrix: Any, precision: int | None, most: int = MOST) -> list[list[str]]:
    shown = matrix[: most + 1, : most + 1].tolist()
    return _shortened([[number(v, precision) for v in row] for row in shown], most)


def _bracketed(cells: list[list[str]], indent: int) -> list[str]:
    """A matrix in brackets with aligned columns, split where it is too wide."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines: list[str] = []
    start = 0
    while start < len(widths):
        stop, used = start, indent + 4
        while stop < len(widths) and (stop == start or used + widths[stop] + 2 <= WIDTH):
            used += widths[stop] + 2
            stop += 1
        whole = start == 0 and stop == len(widths)
        if not whole:
            shown = stop - (cells[0][stop - 1] == "…")
            last = "" if shown <= start + 1 else f" to {shown}"
            lines.append(f"column{'s' if last else ''} {start + 1}{last}:")
        rows = [
            "  ".join(c.rjust(w) for c, w in zip(row[start:stop], widths[start:stop], strict=True)) for row in cells
        ]
        lines += [f"{left} {row} {right}" for (left, right), row in zip(_brackets(len(rows)), rows, strict=True)]
        start = stop
    return [" " * indent + line for line in lines]


def _brackets(rows: int) -> list[tuple[str, str]]:
    if rows == 1:
        return [("(", ")")]
    return [("⎛", "⎞"), *[("⎜", "⎟")] * (rows - 2), ("⎝", "⎠")]


def matrix_lines(value: Any, samples: bool, precision: int | None, indent: int, most: int = MOST) -> list[str]:
    """A matrix, or the matrices of all samples below each other; at most so many rows, columns and samples."""
    if not samples:
        return _bracketed(_cells(value, precision, most), indent)
    if value[0].size == 1:  # one number for each sample: all in one row
        return _bracketed(_cells(value.reshape(1, -1), precision, most), indent)
    lines: list[str] = []
    for i, matrix in enumerate(value[:most]):
        lines += [" " * indent + f"sample {i + 1}:", *_bracketed(_cells(matrix, precision, most), indent + 2)]
    return lines + [" " * indent + "…"] * (len(value) > most)


def text_lines(chain: Chain, precision: int | None) -> list[str]:
    """The chain as text."""
    lines = ["Given"]
    for name, value in chain.given.items():
        lines += _entry(name, "", value, False, precision)
    for title, names in GROUPS:
        group = _group(chain, names)
        if not group:
            continue
        lines += ["", title]
        for q in group:
            sign = ":=" if q.name.endswith("_new") else "="
            lines += _entry(f"{q.symbol.text} {sign} {q.formula.text}", q.shape, q.value, q.samples, precision)
            if q.name in COLLAPSES and chain.collapse:
                lines.append(f"    which collapses to {chain.collapse[0].text}")
    return lines


def _group(chain: Chain, names: Sequence[str]) -> list[Quantity]:
    """The quantities of a group; for a mini-batch the local Jacobians begin with ∂J/∂J₀."""
    return [*([chain.mean] if chain.mean and "dJ_da" in names else []), *chain.group(*names)]


def shortens(chain: Chain, most: int = MOST) -> bool:
    """Whether a matrix of the chain is too large to be drawn whole."""
    values = [*(q.value for q in chain.quantities.values()), *chain.given.values()]
    return any(max(value.shape) > most for value in values)


def _entry(head: str, shape: str, value: Any, samples: bool, precision: int | None) -> list[str]:
    if value.size == 1:
        shown = number(value.ravel()[0], precision)
        line = f"  {head}" if head.endswith(f"= {shown}") else f"  {head} = {shown}"
        line += f"   [{shape}]" if head.startswith("∂") else ""
        if len(line) <= WIDTH:
            return [line]
    shape = shape or "×".join(map(str, value.shape))
    return [f"  {head}   [{shape}]", *matrix_lines(value, samples, precision, 4)]


def latex_matrix(value: Any, precision: int | None) -> str:
    """A matrix in LaTeX, a number as it is."""
    if value.size == 1:
        return _latex_number(number(value.ravel()[0], precision))
    rows = [" & ".join(map(_latex_number, row)) for row in _cells(value, precision)]
    return r"\begin{pmatrix} " + r" \\ ".join(rows) + r" \end{pmatrix}"


def _latex_number(text: str) -> str:
    mantissa, e, exponent = text.partition("e")
    named = {"inf": r"\infty", "-inf": r"-\infty", "nan": r"\text{nan}", "…": r"\cdots"}
    return named.get(text) or (rf"{mantissa} \cdot 10^{{{exponent}}}" if e else text)


def _latex_equations(chain: Chain, names: Sequence[str], precision: int | None) -> list[str]:
    equations = []
    for q in _group(chain, names):
        sign = ":=" if q.name.endswith("_new") else "="
        left = f"{q.symbol.latex} &{sign} {q.formula.latex}"
        if q.name in COLLAPSES and chain.collapse:
            left += f" = {chain.collapse[0].latex}"
        values = q.value[:MOST] if q.samples else [q.value]
        shown = r",\; ".join(latex_matrix(v, precision) for v in values)
        equations.append(f"{left} = {shown}")
    return equations


def _aligned(equations: Sequence[str]) -> list[str]:
    return [
        r"\begin{aligned}",
        *(f"  {e}" + (r" \\" if k < len(equations) - 1 else "") for k, e in enumerate(equations)),
        r"\end{aligned}",
    ]


def latex_lines(chain: Chain, precision: int | None) -> list[str]:
    """The chain as LaTeX displays, for amsmath."""
    lines: list[str] = []
    for title, equations in _titled(chain, precision):
        lines += [f"% {title}", r"\[", *_aligned(equations), r"\]"]
    return lines


def markdown_lines(chain: Chain, precision: int | None) -> list[str]:
    """The chain as Markdown, its formulas in LaTeX between dollars; the shapes in a table."""
    lines: list[str] = []
    for title, equations in _titled(chain, precision):
        lines += [f"## {title}", "", "$$", *_aligned(equations), "$$", ""]
    lines += ["| quantity | formula | shape |", "| --- | --- | --- |"]
    quantities: list[Quantity] = [q for _, names in GROUPS for q in _group(chain, names)]
    lines += [f"| ${q.symbol.latex}$ | {_escaped(q.formula.text)} | {q.shape} |" for q in quantities]
    return lines


def _escaped(text: str) -> str:
    return text.replace("|", r"\|").replace("_", r"\_")


def _titled(chain: Chain, precision: int | None) -> list[tuple[str, list[str]]]:
    names = {"x": r"\vec{x}", "w": r"\vec{w}"}
    start = [
        f"{names.get(name) or to_latex(Name(name))} &= {latex_matrix(value, precision)}"
        for name, value in chain.given.items()
    ]
    titled = [("Given", start)]
    for title, group in GROUPS:
        if equations := _latex_equations(chain, group, precision):
            titled.append((title, equations))
    return titled


DRAWINGS: dict[str, Callable[[Chain, int | None], list[str]]] = {
    "text": text_lines,
    "latex": latex_lines,
    "markdown": markdown_lines,
}
