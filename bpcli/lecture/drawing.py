"""How a chain of Jacobians is drawn: as text with brackets, as LaTeX, and as Markdown with LaTeX in it."""

from collections.abc import Callable, Sequence
from typing import Any

from bpcli.calculus.language.latex import to_latex
from bpcli.calculus.language.tree import Name
from bpcli.lecture.chain import Chain, Quantity
from bpcli.lecture.matrices import MOST, WIDTH, Names, cells, kept, matrix_lines
from bpcli.text.notation import number

GROUPS = (
    ("Forward", ("z", "l", "a", "p", "J")),
    ("Local Jacobians", ("dJ_da", "dJ_dp", "da_dz", "dp_dl", "dz_dw", "dl_dw", "dz_dx", "dl_dx", "dz_db", "dl_db")),
    ("Back", ("dJ_dz", "dJ_dl", "dJ_dw", "dJ_db", "dJ_dx")),
    ("Update", ("w_new", "b_new")),
)
COLLAPSES = ("dJ_dz", "dJ_dl")
OVER_FEATURES = ("x", "X", "w", "w_new", "dJ_dw", "dJ_dx", "dz_dw", "dz_dx", "dl_dw", "dl_dx")


def features_of(chain: Chain, name: str) -> tuple[Names, Names]:
    """The names of a matrix's rows and of its columns, where these are a run's features or the weights by them."""
    if name not in OVER_FEATURES:
        return (), ()
    names: Names = chain.features
    if name.endswith("dw") and chain.classes:  # w, row by row
        names = [f"{feature}, {output}" for feature in chain.features for output in chain.classes]
    across = name == "X" or (name.startswith("d") and not chain.in_columns)
    return ((), names) if across else (names, ())


def text_lines(chain: Chain, precision: int | None, most: int = MOST) -> list[str]:
    """The chain as text; of a matrix at most so many rows and columns."""
    lines = ["Given"]
    for name, value in chain.given.items():
        lines += _entry(name, name, "", value, False, precision, most, features_of(chain, name))
    for title, names in GROUPS:
        group = _group(chain, names)
        if not group:
            continue
        lines += ["", title]
        for q in group:
            sign = ":=" if q.name.endswith("_new") else "="
            head, equated = (f"{q.symbol.text} {sign} {text}" for text in (q.formula.text, q.formula.equated))
            over = features_of(chain, q.name)
            lines += _entry(head, equated, q.shape, q.value, q.samples, precision, most, over)
            if q.name in COLLAPSES and chain.collapse:
                lines.append(f"    which collapses to {chain.collapse[0].text}")
    return lines


def _group(chain: Chain, names: Sequence[str]) -> list[Quantity]:
    """The quantities of a group; for a mini-batch J₀ of each row stands before J, and ∂J/∂J₀ before local Jacobians."""
    group = chain.group(*names)
    if chain.losses and "J" in names:
        group.insert(-1, chain.losses())
    return [*([chain.mean] if chain.mean and "dJ_da" in names else []), *group]


def shortens(chain: Chain, most: int = MOST) -> bool:
    """Whether a matrix of the chain is too large to be drawn whole."""
    values = [*(q.value for q in chain.quantities.values()), *chain.given.values()]
    return any(max(value.shape) > most for value in values)


def _entry(
    head: str,
    equated: str,
    shape: str,
    value: Any,
    samples: bool,
    precision: int | None,
    most: int,
    names: tuple[Names, Names],
) -> list[str]:
    if value.size == 1:
        shown = number(value.ravel()[0], precision)
        line = f"  {head}" if head.endswith(f"= {shown}") else f"  {equated} = {shown}"
        line += f"   [{shape}]" if head.startswith("∂") else ""
        if len(line) <= WIDTH:
            return [line]
    shape = shape or "×".join(map(str, value.shape))
    return [f"  {head}   [{shape}]", *matrix_lines(value, samples, precision, 4, most, *names)]


def latex_matrix(value: Any, precision: int | None, most: int = MOST) -> str:
    """A matrix in LaTeX, a number as it is."""
    if value.size == 1:
        return _latex_number(number(value.ravel()[0], precision))
    rows = [" & ".join(map(_latex_number, row)) for row in cells(value, precision, most)]
    return r"\begin{pmatrix} " + r" \\ ".join(rows) + r" \end{pmatrix}"


def _latex_number(text: str) -> str:
    mantissa, e, exponent = text.partition("e")
    named = {"inf": r"\infty", "-inf": r"-\infty", "nan": r"\text{nan}", "…": r"\cdots"}
    return named.get(text) or (rf"{mantissa} \cdot 10^{{{exponent}}}" if e else text)


def _latex_equations(chain: Chain, names: Sequence[str], precision: int | None, most: int) -> list[str]:
    equations = []
    for q in _group(chain, names):
        sign = ":=" if q.name.endswith("_new") else "="
        left = f"{q.symbol.latex} &{sign} {q.formula.latex}"
        if q.name in COLLAPSES and chain.collapse:
            left += f" = {chain.collapse[0].latex}"
        values = [None if k is None else q.value[k] for k in kept(len(q.value), most)] if q.samples else [q.value]
        shown = r",\; ".join(r"\cdots" if v is None else latex_matrix(v, precision, most) for v in values)
        equations.append(f"{left} = {shown}")
    return equations


def _aligned(equations: Sequence[str]) -> list[str]:
    return [
        r"\begin{aligned}",
        *(f"  {e}" + (r" \\" if k < len(equations) - 1 else "") for k, e in enumerate(equations)),
        r"\end{aligned}",
    ]


def latex_lines(chain: Chain, precision: int | None, most: int = MOST) -> list[str]:
    """The chain as LaTeX displays, for amsmath."""
    lines: list[str] = []
    for title, equations in _titled(chain, precision, most):
        lines += [f"% {title}", r"\[", *_aligned(equations), r"\]"]
    return lines


def markdown_lines(chain: Chain, precision: int | None, most: int = MOST) -> list[str]:
    """The chain as Markdown, its formulas in LaTeX between dollars; the shapes in a table."""
    lines: list[str] = []
    for title, equations in _titled(chain, precision, most):
        lines += [f"## {title}", "", "$$", *_aligned(equations), "$$", ""]
    lines += ["| quantity | formula | shape |", "| --- | --- | --- |"]
    quantities: list[Quantity] = [q for _, names in GROUPS for q in _group(chain, names)]
    lines += [f"| ${q.symbol.latex}$ | {_escaped(q.formula.text)} | {q.shape} |" for q in quantities]
    return lines


def _escaped(text: str) -> str:
    return text.replace("|", r"\|").replace("_", r"\_")


def _titled(chain: Chain, precision: int | None, most: int) -> list[tuple[str, list[str]]]:
    names = {"x": r"\vec{x}", "w": r"\vec{w}"}
    start = [
        f"{names.get(name) or to_latex(Name(name))} &= {latex_matrix(value, precision, most)}"
        for name, value in chain.given.items()
    ]
    titled = [("Given", start)]
    for title, group in GROUPS:
        if equations := _latex_equations(chain, group, precision, most):
            titled.append((title, equations))
    return titled


DRAWINGS: dict[str, Callable[[Chain, int | None, int], list[str]]] = {
    "text": text_lines,
    "latex": latex_lines,
    "markdown": markdown_lines,
}
