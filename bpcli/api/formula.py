"""Derivatives as formulas, and the steps that lead to them."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from bpcli.api.arguments import Expressions, Names, check_names, shown
from bpcli.calculus.language.latex import to_latex
from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.render import to_text
from bpcli.calculus.language.tree import Expression, names_in
from bpcli.calculus.points.variables import shape_of
from bpcli.calculus.rules.shapes import Shape
from bpcli.calculus.sweeps.seeds import numbers
from bpcli.calculus.symbolic.derivation import Derivation, entries_of, shapes_of
from bpcli.calculus.symbolic.explanation import Step, explained
from bpcli.calculus.symbolic.sums_and_products import check_length
from bpcli.calculus.symbolic.textbook import has_decimals, textbook
from bpcli.errors import UsageError

if TYPE_CHECKING:
    from bpcli.calculus.symbolic.simplify import Simplifier

Kind = Literal["gradient", "jacobian", "hessian"]
KINDS: tuple[Kind, ...] = ("gradient", "jacobian", "hessian")


class Formulas(NamedTuple):
    """Derivatives as formulas."""

    entries: list[str]  # the names of the columns of `rows`, by which it is differentiated
    # A gradient has one row, a Jacobian one for each output, a Hessian one for each of `entries`.
    rows: list[list[str]]
    blocks: dict[str, Any]  # by variable: a gradient in the shape of the variable, a Jacobian as outputs × entries
    latex: bool
    in_latex: "Callable[[], Formulas] | None" = None  # the same in LaTeX

    def _repr_latex_(self) -> str:
        """The formulas as LaTeX, which a notebook renders."""
        return rf"$\displaystyle {self.in_latex() if self.in_latex else self}$"

    def __str__(self) -> str:
        """The formulas, one row on each line; in LaTeX one matrix."""
        if not self.latex:
            return "\n".join(" ".join(row) for row in self.rows)
        if [len(row) for row in self.rows] == [1]:
            return self.rows[0][0]
        return r"\begin{pmatrix} " + r" \\ ".join(" & ".join(row) for row in self.rows) + r" \end{pmatrix}"


class Steps(NamedTuple):
    """The steps of the gradient of one expression, with the name and the text of the expression."""

    name: str
    expression: str
    steps: list[Step]


def formula(
    *expressions: str,
    of: Kind = "gradient",
    wrt: Names | None = None,
    let: Mapping[str, Any] | None = None,
    order: Names | None = None,
    shapes: Mapping[str, int | tuple[int, ...]] | None = None,
    latex: bool = False,
    simplify: bool = False,
) -> Formulas:
    """The formulas of a derivative: `str(formula("x**2+y**2"))` is `2*x 2*y`.

    `of` is `gradient`, `jacobian` or `hessian`; `shapes` has the shapes of vectors and matrices, `{"x": 3}` or
    `{"A": (2, 3)}`; with `latex` the formulas are LaTeX for math mode; with `simplify` SymPy looks for shorter ones. A
    formula holds where the expression has a value. Raises ExpressionError, UsageError, and with `simplify`
    MissingExtraError without SymPy.
    """
    given = _read(expressions, of, wrt, let, order)
    derivation, known = _derivation(given, _shapes(shapes, given))
    point = derivation.point_of(given.constants)
    blocks: dict[str, Any]
    if of == "gradient":
        blocks = derivation.gradient(point)[1]
    elif of == "jacobian":
        blocks = derivation.jacobian(point)[1]
    else:
        blocks = {"": derivation.hessian(point)[2]}

    def made(latex: bool) -> Formulas:
        simplifier = _simplifier(given) if simplify else None
        written = {name: _written(block, given, latex, simplifier) for name, block in blocks.items()}
        if of == "gradient":
            rows = [[v for block in written.values() for v in numbers(block)]]
        elif of == "jacobian":
            rows = [[v for part in parts for v in part] for parts in zip(*written.values(), strict=True)]
        else:
            rows = written[""]
        return Formulas(entries_of(given.wrt, known), rows, written, latex, None if latex else lambda: made(True))

    return made(latex)


def steps(
    *expressions: str,
    of: Kind = "gradient",
    wrt: Names | None = None,
    let: Mapping[str, Any] | None = None,
    order: Names | None = None,
    shapes: Mapping[str, int | tuple[int, ...]] | None = None,
    latex: bool = False,
) -> list[Steps]:
    """The steps of each expression's gradient; for a Hessian also the steps of each entry of the gradient.

    Raises VectorStepsError where a vector or a matrix occurs. The keywords are those of `formula`.
    """
    given = _read(expressions, of, wrt, let, order)
    sizes = _shapes(shapes, given)
    derived = list(zip(["f"] * len(given.texts), given.trees, given.texts, strict=True))
    if of == "hessian":
        derived += _slopes(given, sizes)
    return [
        Steps(name, text, explained(tree, text, given.variables, given.constants, given.wrt, sizes, latex))
        for name, tree, text in derived
    ]


def _read(
    expressions: Sequence[str], of: str, wrt: Names | None, let: Mapping[str, Any] | None, order: Names | None
) -> Expressions:
    if of not in KINDS:
        raise UsageError(f"of: expected one of {', '.join(KINDS)}, found {shown(of)}")
    if not expressions or (of != "jacobian" and len(expressions) > 1):
        count = "one expression or more" if of == "jacobian" else "one expression"
        raise UsageError(f"a {of} is of {count}, found {len(expressions)}")
    return Expressions(expressions, wrt, let, order)


def _shapes(shapes: Mapping[str, int | tuple[int, ...]] | None, given: Expressions) -> dict[str, Shape]:
    """The shapes as tuples; UsageError for anything else, and for a name that is no variable."""
    check_names(shapes or {}, given.variables, "shapes")
    result: dict[str, Shape] = {}
    for name, size in (shapes or {}).items():
        shape = (size,) if isinstance(size, int) else tuple(size)
        if len(shape) > 2 or not all(isinstance(n, int) and n > 0 for n in shape):
            raise UsageError(f"shapes: {name} is of no shape {shown(size)}", '{"x": 3} or {"A": (2, 3)}')
        result[name] = shape
    return result


def _derivation(given: Expressions, shapes: Mapping[str, Shape]) -> tuple[Derivation, dict[str, Shape]]:
    known = shapes_of(given.trees, given.texts, given.variables, shapes)
    every = known | {name: shape_of(value) for name, value in given.constants.items()}
    return Derivation(given.trees, given.texts, every, given.wrt), known


def _simplifier(given: Expressions) -> "Simplifier":
    from bpcli.calculus.symbolic.simplify import Simplifier

    return Simplifier(given.variables)


def _written(block: Any, given: Expressions, latex: bool = False, simplifier: "Simplifier | None" = None) -> Any:
    """The formulas of a block as texts, in its shape: tidied as in a textbook, and shortened by a `simplifier`."""
    decimals, write = has_decimals(given.trees, given.constants), to_latex if latex else to_text
    characters = 0

    def written(part: Any) -> Any:
        return [written(each) for each in part] if isinstance(part, list) else text(part)

    def text(symbol: Any) -> str:
        nonlocal characters
        tree = textbook(symbol.tree, given.variables, decimals)
        if simplifier is not None:
            tree = simplifier.shorter(tree)
        characters += len(to_text(tree))
        check_length(characters)
        return write(tree)

    return written(block.tolist() if hasattr(block, "tolist") else block)


def _slopes(given: Expressions, shapes: Mapping[str, Shape]) -> list[tuple[str, Expression, str]]:
    """The entries of the gradient that are not constant, with their names and texts: a Hessian differentiates them."""
    derivation, _ = _derivation(given, shapes)
    blocks = derivation.gradient(derivation.point_of(given.constants))[1]
    texts = {name: _written(block, given) for name, block in blocks.items()}
    parsed = [(f"df/d{name}", parse(text), text) for name, text in texts.items()]
    return [entry for entry in parsed if names_in(entry[1])]
