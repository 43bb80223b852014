"""Tree to LaTeX, for math mode with amsmath; ASCII alone, whatever the names are written in."""

import re
import unicodedata
from collections.abc import Mapping

from bpcli.calculus.language import tree as nodes
from bpcli.calculus.language.render import index_text
from bpcli.calculus.language.tokens import BINDS, COMPARISON, MINUS, POSTFIX, POWER

_ATOM = POSTFIX + 1

_NAMED = {
    "sin": r"\sin", "cos": r"\cos", "tan": r"\tan", "sinh": r"\sinh", "cosh": r"\cosh", "tanh": r"\tanh",
    "asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan", "log": r"\log", "log2": r"\log_2",
    "log10": r"\log_{10}", "min": r"\min", "max": r"\max", "sigmoid": r"\sigma", "sum": r"\sum", "prod": r"\prod",
}  # fmt: skip
_AROUND = {
    "sqrt": (r"\sqrt{", "}"), "cbrt": (r"\sqrt[3]{", "}"), "abs": (r"\left|", r"\right|"),
    "norm": (r"\left\|", r"\right\|"), "floor": (r"\left\lfloor ", r"\right\rfloor"),
    "ceil": (r"\left\lceil ", r"\right\rceil"),
}  # fmt: skip
"""The text around the argument, for functions that have no name in LaTeX."""
_TO_POWER = {"exp": "e", "exp2": "2"}
SIGNS = {"<": "<", "<=": r"\le", ">": ">", ">=": r"\ge", "==": "=", "!=": r"\ne"}


def to_latex(root: nodes.Expression, named: Mapping[str, str] | None = None) -> str:
    """The LaTeX of a tree, for math mode with amsmath: fractions, roots, Greek letters, cases.

    `named` gives the LaTeX of names that have their own.
    """
    own = named or {}

    def piece(node: nodes.Expression, operands: list[tuple[str, int]]) -> tuple[str, int]:
        known = own.get(node.name) if isinstance(node, nodes.Name) else None
        return (known, _ATOM) if known else _latex(node, operands)

    return nodes.fold(root, piece)[0]


def _braced(operand: tuple[str, int], least: int) -> str:
    text, binds = operand
    return text if binds >= least else rf"\left({text}\right)"


def _latex(node: nodes.Expression, operands: list[tuple[str, int]]) -> tuple[str, int]:
    match node:
        case nodes.Number(text):
            mantissa, e, exponent = text.lower().partition("e")
            return (rf"{mantissa} \cdot 10^{{{int(exponent)}}}", BINDS["*"]) if e else (text, _ATOM)
        case nodes.Name(name):
            return name_latex(name), _ATOM
        case nodes.Negative():
            return "-" + _braced(operands[0], BINDS["*"]), MINUS
        case nodes.Binary(op):
            return _latex_binary(op, *operands)
        case nodes.Compare(op):
            left, right = (_braced(operand, COMPARISON + 1) for operand in operands)
            return f"{left} {SIGNS[op]} {right}", COMPARISON
        case nodes.Call(function):
            return _latex_call(function, [text for text, _ in operands])
        case nodes.Stack(items):
            matrix = bool(items) and isinstance(items[0], nodes.Stack)
            rows = [text.removeprefix(r"\begin{pmatrix} ").removesuffix(r" \end{pmatrix}") for text, _ in operands]
            turned = [row.replace(r" \\ ", " & ") for row in rows] if matrix else rows
            return r"\begin{pmatrix} " + r" \\ ".join(turned) + r" \end{pmatrix}", _ATOM
        case nodes.Index():
            base = _braced(operands[0], _ATOM)
            if isinstance(node.base, nodes.Name) and "_{" in base:
                base = f"{{{base}}}"  # of x1, which has a subscript already
            return f"{base}_{{{', '.join(map(index_text, node.indices))}}}", _ATOM
        case nodes.Transpose():
            return f"{_braced(operands[0], _ATOM)}^T", POSTFIX


def _latex_binary(op: str, left: tuple[str, int], right: tuple[str, int]) -> tuple[str, int]:
    if op == "/":
        if left[0].startswith("-") and left[1] >= BINDS["*"]:
            return rf"-\frac{{{left[0][1:]}}}{{{right[0]}}}", BINDS["*"]
        return rf"\frac{{{left[0]}}}{{{right[0]}}}", BINDS["*"]
    if op == "**":
        return rf"{_braced(left, _ATOM)}^{{{right[0]}}}", POWER
    binds = BINDS[op]
    behind = rf"\left({right[0]}\right)" if right[0].startswith("-") else _braced(right, binds + (op == "-"))
    if op in "+-":
        return f"{_braced(left, binds)} {op} {behind}", binds
    # Numbers side by side would read as one, or as a mixed number.
    numbers = behind[0].isdigit() or (left[0][-1:].isdigit() and re.match(r"\\frac\{\d", behind) is not None)
    sign = r" \cdot " if op == "·" or numbers else r" \, " if op == "@" else " "
    return f"{_braced(left, binds)}{sign}{behind}", binds


def _latex_call(function: str, arguments: list[str]) -> tuple[str, int]:
    if len(arguments) == 1 and function in _TO_POWER:
        return f"{_TO_POWER[function]}^{{{arguments[0]}}}", POWER
    if len(arguments) == 1 and function in _AROUND:
        return around_latex(function, arguments[0]), _ATOM
    if len(arguments) == 3 and function == "where":
        condition, x, y = arguments
        return rf"\begin{{cases}} {x}, & {condition} \\ {y}, & \text{{else}} \end{{cases}}", _ATOM
    return rf"{function_latex(function)}\left({', '.join(arguments)}\right)", _ATOM


def around_latex(function: str, x: str) -> str:
    """The LaTeX of a function that is written around its argument, as √x is; "" for others."""
    before, behind = _AROUND.get(function, ("", ""))
    return before and before + x + behind


def function_latex(name: str) -> str:
    """The name of a function, upright."""
    return _NAMED.get(name) or rf"\operatorname{{{name}}}".replace("_", r"\_")


_SMALL = {
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu"),
    *("nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega"),
}
_CAPITAL = {"Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega"}
_LOOK_LATIN = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΧο", "ABEZHIKMNOPTXo", strict=True))
"""Greek letters for which LaTeX has no command, as they look like Latin ones."""
_LETTERS = {"ς": r"\varsigma", "ħ": r"\hbar", "ı": r"\imath", "ȷ": r"\jmath", "_": r"\_"}
_LETTERS |= {"ø": r"\text{\o}", "Ø": r"\text{\O}", "ß": r"\text{\ss}", "æ": r"\text{\ae}", "Æ": r"\text{\AE}"}
_MARKS = {
    "\u0300": "grave", "\u0301": "acute", "\u0302": "hat", "\u0303": "tilde", "\u0304": "bar", "\u0305": "bar",
    "\u0306": "breve", "\u0307": "dot", "\u0308": "ddot", "\u030a": "mathring", "\u030c": "check", "\u20d7": "vec",
}  # fmt: skip


def name_latex(name: str) -> str:
    """A name: Greek letters and accents as LaTeX's commands, the digits at its end as a subscript."""
    if name == "inf":
        return r"\infty"
    match = re.fullmatch(r"(.*?)_?([0-9]*)", name)
    stem, digits = match.groups() if match else (name, "")
    if not stem:
        stem, digits = name, ""
    if stem in _SMALL or stem in _CAPITAL:
        stem = rf"\{stem}"
    elif stem == "yhat":
        stem = r"\hat{y}"
    else:
        stem = _letters(stem)
    return f"{stem}_{{{digits}}}" if digits else stem


def _letters(stem: str) -> str:
    """A stem letter by letter; ASCII letters that stand together are one upright word."""
    found: list[str] = []
    for part in re.findall(r"[A-Za-z0-9_]+|.", unicodedata.normalize("NFD", stem)):
        if found and part in _MARKS:
            last = found.pop()
            if re.fullmatch(r"\w{2,}", last, re.ASCII):
                found.append(last[:-1])
                last = last[-1]
            found.append(rf"\{_MARKS[part]}{{{last.strip()}}}")
        else:
            found.append(part if part.isascii() else _letter(part))
    return "".join(_word(part) if re.fullmatch(r"\w+", part, re.ASCII) else part for part in found).rstrip()


def _word(part: str) -> str:
    """ASCII letters, digits and underscores: one letter as it is, several upright."""
    if len(part) == 1 and part != "_":
        return part
    escaped = part.replace("_", r"\_")
    return rf"\mathrm{{{escaped}}}"


def _letter(character: str) -> str:
    """A letter beyond ASCII: LaTeX's command for it, or else its number in Unicode, upright."""
    if character in _LETTERS:
        return _LETTERS[character]
    if character in _LOOK_LATIN:
        return rf"\mathrm{{{_LOOK_LATIN[character]}}}"
    words = unicodedata.name(character, "").split()
    if words[:1] == ["GREEK"] and words[2:3] == ["LETTER"] and len(words) == 4:
        name = {"LAMDA": "lambda"}.get(words[3], words[3].lower())
        name = name.capitalize() if words[1] == "CAPITAL" else name
        if name in _SMALL | _CAPITAL:
            return rf"\{name} "
    return rf"\mathrm{{U{ord(character):04X}}}"
