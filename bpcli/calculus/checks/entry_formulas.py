"""One formula for every entry of a Jacobian, `p[i]*(δ_ij-p[j])` or `diag(p)-outer(p,p)`, read as a line of a sheet."""

import re
from collections.abc import Callable

from bpcli.calculus.checks.answer_sheets import SheetLine, with_numbers
from bpcli.calculus.checks.answer_text import split
from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.tokens import closing_bracket
from bpcli.calculus.language.tree import Binary, Call, Compare, Expression, Index, Negative, Number, children, postorder
from bpcli.calculus.rules.functions import FUNCTIONS
from bpcli.errors import ExpressionError

_SUBSCRIPTS = {ord("ᵢ"): "_i", ord("ⱼ"): "_j", ord("ₖ"): "_k"}
_DELTA = re.compile(r"(?:δ|\bdelta)_?[{\[]?([ijk])[,_\s]*([ijk])(?!\w)[}\]]?")
_EQUAL = re.compile(r"(?:\b1)?[\[{(]\s*([ijk])\s*==?\s*([ijk])\s*[\]})]")
_SUBSCRIPT = re.compile(r"\b([^\W\d_]+)_\{?([ijk])\}?(?!\w)")
_LETTER = re.compile(r"\[([ijk])\]|\b([ijk])\s*(?:[!=]=|≠)\s*([ijk])\b")
_PRODUCT_OF_GROUP = re.compile(r"(\[[ijk]\])\s*(?=\()")
_OF_VECTORS = re.compile(r"(?:\b[A-Za-z]\w*\.)*\b(diag|diagflat|diagm|outer)\(")
_FORMS = (
    "diag(v), outer(u,v) and u*v^T of vectors are read where such matrices are added or multiplied by numbers: "
    "diag(p)-outer(p,p), diag(a*(1-a))"
)
_PRODUCT = re.compile(r"\b([^\W\d]\w*)(?:\s*[@*·]\s*|\s+)([^\W\d]\w*)\s*(?:\.T\b|\^\{?[T⊤]\}?|ᵀ)")

_PLACES = (999_999_998, 999_999_999)  # that stand for the indices, to see what is made of entries


def entry_formula(text: str) -> SheetLine | None:
    """The line for entry i, j of the one block, of a formula with two indices or of diag and outer; else None."""
    plain = text.translate(_SUBSCRIPTS)
    written = _without_matrices(plain)
    indexed = _EQUAL.sub(r"(\1==\2)", _DELTA.sub(r"(\1==\2)", written))
    if indexed != text:
        indexed = _SUBSCRIPT.sub(r"\1[\2]", indexed)
    indexed = _PRODUCT_OF_GROUP.sub(r"\1*", indexed)
    letters = {letter for match in _LETTER.finditer(indexed) for letter in match.groups() if letter}
    if len(letters) != 2:
        return None
    row, column = sorted(letters)
    try:
        tree = parse(with_numbers(indexed, dict(zip((row, column), _PLACES, strict=True)), {}))
    except ExpressionError:
        return None
    allowed = _linear if written != plain else _one_by_one
    return SheetLine((row,), "", (column,), indexed) if _is_by_entries(tree, allowed) else None


def forms_of_matrices(found: str) -> str:
    """The forms in which a function that makes a matrix of vectors is read; empty of another name."""
    return _FORMS if _OF_VECTORS.fullmatch(f"{found}(") else ""


def _is_by_entries(tree: Expression, allowed: Callable[[Expression, list[bool]], bool]) -> bool:
    """Whether all that is made of entries is what one entry of it is: a sum of them, say, is of the whole matrix."""
    made: set[int] = set()
    for node in postorder(tree):
        parts = [id(child) in made for child in children(node)]
        if any(parts) and not allowed(node, parts):
            return False
        if any(parts) or _is_entry(node):
            made.add(id(node))
    return True


def _is_entry(node: Expression) -> bool:
    return node.indices[0] in _PLACES if isinstance(node, Index) else isinstance(node, Number) and node.value in _PLACES


def _one_by_one(node: Expression, parts: list[bool]) -> bool:
    """Whether a step is of numbers: a sum or a product of entries, a function of one."""
    if isinstance(node, Call):
        return node.axis is None and FUNCTIONS[node.function].kind in ("elementwise", "select")
    return isinstance(node, Negative | Compare) or (isinstance(node, Binary) and node.op != "@")


def _linear(node: Expression, parts: list[bool]) -> bool:
    """Whether a step is a linear one of matrices, or makes one of two vectors: a product may be one of matrices."""
    if not isinstance(node, Binary):
        return isinstance(node, Negative | Compare)
    of_vectors = all(isinstance(child, Index | Compare) for child in children(node))
    return node.op in "+-" or (node.op in "*/" and (of_vectors or not parts[1] or (node.op == "*" and not parts[0])))


def _without_matrices(text: str) -> str:
    """The text with diag(v) as v[i]·(i==j), and outer(u, v) and u·vᵀ as u[i]·v[j]."""
    found = text
    while match := _OF_VECTORS.search(found):
        end = closing_bracket(found, match.end() - 1)
        vectors = [f"({part.strip()})" for part in split(found[match.end() : end], ",")]
        if end < 0 or len(vectors) != (2 if match[1] == "outer" else 1):
            return text
        factors = f"{vectors[0]}[i]*{vectors[1]}[j]" if match[1] == "outer" else f"{vectors[0]}[i]*(i==j)"
        found = f"{found[: match.start()]}({factors}){found[end + 1 :]}"
    return _PRODUCT.sub(r"(\1[i]*\2[j])", found) if found != text else text
