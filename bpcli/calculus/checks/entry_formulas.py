"""One formula for every entry of a Jacobian, `p[i]*(δ_ij-p[j])` or `diag(p)-outer(p,p)`, read as a line of a sheet."""

import re

from bpcli.calculus.checks.answer_sheets import SheetLine
from bpcli.calculus.checks.answer_text import split
from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.tokens import closing_bracket
from bpcli.errors import ExpressionError

_SUBSCRIPTS = {ord("ᵢ"): "_i", ord("ⱼ"): "_j", ord("ₖ"): "_k"}
_DELTA = re.compile(r"(?:δ|\bdelta)_?[{\[]?([ijk])[,_\s]*([ijk])(?!\w)[}\]]?")
_EQUAL = re.compile(r"(?:\b1)?[\[{(]\s*([ijk])\s*==?\s*([ijk])\s*[\]})]")
_SUBSCRIPT = re.compile(r"\b([^\W\d_]+)_\{?([ijk])\}?(?!\w)")
_LETTER = re.compile(r"\[([ijk])\]|\b([ijk])\s*(?:[!=]=|≠)\s*([ijk])\b")
_PRODUCT_OF_GROUP = re.compile(r"(\[[ijk]\])\s*(?=\()")
_OF_VECTORS = re.compile(r"(?:\b[A-Za-z]\w*\.)*\b(diag|diagflat|diagm|outer)\(")
_PRODUCT = re.compile(r"\b([^\W\d]\w*)(?:\s*[@*·]\s*|\s+)([^\W\d]\w*)\s*(?:\.T\b|\^\{?[T⊤]\}?|ᵀ)")


def entry_formula(text: str) -> SheetLine | None:
    """The line for entry i, j of the one block, of a formula with two indices or of diag and outer; else None."""
    written = _without_matrices(text.translate(_SUBSCRIPTS))
    indexed = _EQUAL.sub(r"(\1==\2)", _DELTA.sub(r"(\1==\2)", written))
    if indexed != text:
        indexed = _SUBSCRIPT.sub(r"\1[\2]", indexed)
    indexed = _PRODUCT_OF_GROUP.sub(r"\1*", indexed)
    letters = {letter for match in _LETTER.finditer(indexed) for letter in match.groups() if letter}
    if len(letters) != 2:
        return None
    row, column = sorted(letters)
    line = SheetLine((row,), "", (column,), indexed)
    try:
        parse(line.by_itself)
    except ExpressionError:
        return None
    return line


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
