"""What a text that can't be read means in other notations: the error that says how it is written here.

`read` is the parser: what it can't read is never offered.
"""

from collections.abc import Callable

from bpcli.calculus.language.hints import ONE_POINT, STRAY_HINTS
from bpcli.calculus.language.misreadings import derivative_sign
from bpcli.calculus.language.readings import readings
from bpcli.calculus.language.render import to_text
from bpcli.calculus.language.rewritings import advice_on, decimal_comma, rewritten
from bpcli.calculus.language.signs import sign_elsewhere
from bpcli.calculus.language.tree import Expression, names_in
from bpcli.errors import ExpressionError

Read = Callable[[str], Expression]

_LARGE_SIGNS = {ord("∑"): "Σ", ord("∏"): "Π"}


def explanation(error: ExpressionError, read: Read) -> ExpressionError | None:
    """The error of a text, with what it means in another notation; None if none is known."""
    text = error.text
    if derivative := derivative_sign(text):
        return ExpressionError("a derivative is not written in the expression", text, *derivative)
    hint = _by_large_signs(error, read) or _by_notation(error, read)
    if hint:
        return ExpressionError(error.message, text, error.start, error.end, hint)
    if sign := sign_elsewhere(text):
        return ExpressionError(sign[0], text, *sign[1:])
    return None


def latex_here(text: str, read: Read) -> str:
    """A formula in LaTeX as it is written here; empty where what it means is not known."""
    from bpcli.calculus.language.latex_input import from_latex

    return _written(from_latex(text), read)


def _by_large_signs(error: ExpressionError, read: Read) -> str:
    """The hint on the text with Σ or Π in the place of ∑ or ∏, if it has one of these."""
    plain = error.text.translate(_LARGE_SIGNS)
    if plain == error.text:
        return ""
    try:
        tree = read(plain)
    except ExpressionError as found:
        return found.hint
    notes = [note for note in readings([tree], names_in(tree)) if note[:1] in "ΣΠ"]
    return f"write {notes[0].rpartition(' write ')[2]}" if notes else error.hint


def _by_notation(error: ExpressionError, read: Read) -> str:
    """The hint on raised letters and the like, a decimal comma, or braces."""
    text = error.text
    if (plain := rewritten(text)) and _written(plain, read):
        return advice_on(text, plain)
    if (error.hint == STRAY_HINTS[","] or error.message == ONE_POINT) and (decimal := decimal_comma(text)):
        return decimal
    if meant := _meant_by_braces(text, read):
        return "; ".join(filter(None, [f"write {meant}", error.hint]))
    return ""


def _meant_by_braces(text: str, read: Read) -> str:
    """LaTeX, its dollars included, or a list in braces, as it is written here; empty if there is none, or not known."""
    if not set(text) & set("\\{$"):
        return ""
    listed = text.strip()[0] == "{" and text.strip()[-1] == "}" and "," in text
    return _written(f"[{text.strip()[1:-1]}]", read) if listed else latex_here(text, read)


def _written(text: str, read: Read) -> str:
    """An expression in the one form that it has here; empty if it can't be read."""
    try:
        return to_text(read(text))
    except ExpressionError:
        return ""
