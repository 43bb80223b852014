"""LaTeX as it is pasted, to the text of an expression: what an error of a backslash or a brace offers instead."""

import re

from bpcli.calculus.language.foreign_calls import without_index
from bpcli.calculus.language.hints import GREEK
from bpcli.calculus.language.tokens import closing_bracket
from bpcli.calculus.rules.functions import FUNCTIONS

_FUNCTIONS = {"ln": "log", "lg": "log10", "arcsin": "asin", "arccos": "acos", "arctan": "atan"}
_FUNCTIONS |= {"logtwo": "log2", "logten": "log10"}
_SIGNS = {
    **dict.fromkeys(["cdot", "times", "odot", "ast"], "*"),
    **dict.fromkeys(["left", "right", "big", "Big", "displaystyle", "quad", ",", ";", "!", ":", " "], " "),
    **dict.fromkeys(["le", "leq"], "<="),
    **dict.fromkeys(["ge", "geq"], ">="),
    **dict.fromkeys(["ne", "neq"], "!="),
    "div": "/",
    "infty": "inf",
}
_NAMED = r"(?:sin|cos|tan|sinh|cosh|tanh|arcsin|arccos|arctan|ln|lg|log|logtwo|logten|logbase[a-z]|exp)(?![A-Za-z0-9])"
_NOT_READ = re.compile(r"\\(?:sum|prod|int|lim|begin|partial|nabla|frac\{d)|\\\\|&|\^\s*\{\s*[(\[]\s*\w+\s*[)\]]\s*\}")
_CALLED = re.compile(
    r"\\(?:operatorname\*?\s*\{\s*(\w*)|(?:mathrm|text|mathit)\s*\{\s*(\w\w+)\s*\}\s*(?:\\left\s*)?\()"
)
_FACTOR = rf"(?:\d+(?:\.\d+)?|\\(?:{'|'.join(GREEK)})(?![A-Za-z])|[A-Za-z][A-Za-z0-9]*)(?:_\w|_\{{\w+\}})?"
_FACTOR = rf"{_FACTOR}(?:\s*\^\s*(?:\d|\{{\d+\}}))?"
_BARE = re.compile(  # a function without parentheses: \sin^2 2\pi x
    rf"\\({_NAMED})\s*(?:\^\s*(?:\{{(\d+)\}}|(\d)))?\s*({_FACTOR}(?:\s*{_FACTOR})*)(\s*/)?"
)
_GROUP = r"\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}"
_ORDERS = {"1": r" sum(abs(\1))", "2": r" norm(\1)", r"\\infty": r" max(abs(\1))"}
_BARS = r"(?:\\lVert|\\left\\\||\\\|)(.*?)(?:\\rVert|\\right\\\||\\\|)"
_RULES = [  # until none applies
    (r"\\[()\[\]]", " "),
    (r"\\lfloor(.*?)\\rfloor", r" floor(\1)"),
    (r"\\lceil(.*?)\\rceil", r" ceil(\1)"),
    (r"\\langle(.*?)\\rangle", r" dot(\1)"),
    (r"\\(?:lvert|rvert|vert|mid)(?![A-Za-z])", "|"),
    (rf"\\({_NAMED})\s*\|([^|]*)\|", r"\1(|\2|)"),
    (r"\\(?:left|right)?\s*\\\{", "("),
    (r"\\(?:left|right)?\s*\\\}", ")"),
    (r"\\(?:left\s*)?\{", "("),
    (r"\\(?:right\s*)?\}", ")"),
    (r"\\?\b(sin|cos|tan)\s*\^\s*\{\s*-\s*1\s*\}", r"\\arc\1 "),
    (r"\\?\b(sinh|cosh|tanh)\s*\^\s*\{\s*-\s*1\s*\}", r" a\1 "),
    *((rf"{_BARS}_(?:{order}|\{{{order}\}})", plain) for order, plain in _ORDERS.items()),
    (rf"\\[dt]?frac\s*{_GROUP}\s*{_GROUP}", r" ((\1)/(\2))"),
    (r"\\[dt]?frac\s*(\d)\s*(\d)", r" (\1/\2)"),
    (rf"\\sqrt\[(\w+)\]{_GROUP}", r" ((\2)^(1/\1))"),
    (rf"\\sqrt\s*{_GROUP}", r" sqrt(\1)"),
    (rf"\\hat\s*(?:{_GROUP}|(\w))", r"\1\2hat"),
    (r"\\sigma\s*(?:\\left)?\s*\(", "sigmoid("),
    (rf"\\(?:mathrm|mathbf|mathit|operatorname|text|vec|boldsymbol|bm)\s*{_GROUP}", r" \1 "),
    (_BARS, r" norm(\1)"),
    (r"\^\s*(?:\{?\s*(?:\\top|\\intercal|T)\s*\}|\\top|\\intercal|T\b)", ".T"),
    (r"\\(?:left|right)\b", ""),
    (
        rf"\\({_NAMED})\s*\^\s*(?:\{{(\d+)\}}|(\d))\s*(?:{_GROUP}|(\([^()]*\)))",
        r"\1(\4\5)^\2\3",
    ),
    (rf"\\({_NAMED})\s*\{{([^{{}}]*)\}}", r"\1(\2)"),
    (r"_\{(\w+)\}", r"_\1"),
    (r"\^\{([^{}]*)\}(?=\s*[\w\\(])", r"^(\1) "),
    (r"\^\{([^{}]*)\}", r"^(\1)"),
]
_BASE = re.compile(r"\\?\blog_(?:(\w)|\{\s*(\w+)\s*\})")
_BASES = {"2": "logtwo", "10": "logten"}
_MIXED = re.compile(r"(?<![\^\w.{])\d+\s*\\[dt]?frac\s*(?:\{\s*\d+\s*\}\s*\{\s*\d+\s*\}|\d\s*\d)")
_BOUND = r"(?:_\s*(?:([ijkmn])|\{\s*([ijkmn])\s*(?:=\s*[01]\s*)?\}))?\s*(?:\^\s*(?:\{\s*\w\s*\}|\w))?"
_OVER_INDEX = re.compile(rf"\\(sum|prod)(?![A-Za-z])\s*(?:\\limits\s*)?{_BOUND}(?![\w_^])")


def from_latex(text: str) -> str:
    """The text of an expression that means what LaTeX does; empty where that is not known. Names are kept whole."""
    found = re.sub(r"\bReLU\b", "relu", text.strip().strip("$").strip())
    called = [match[1] or match[2] for match in _CALLED.finditer(found)]
    if sign := _OVER_INDEX.search(found):
        return _over_index(found[: sign.start()], sign, found[sign.end() :])
    if (
        _NOT_READ.search(found)
        or _MIXED.search(found)
        or not all(name in FUNCTIONS or name in _FUNCTIONS for name in called)
    ):
        return ""
    found = re.sub(r"_(\w)(?=\w)", r"_\1 ", found)  # of \theta_1x only the 1 is an index
    bases = list[str]()
    found = _BASE.sub(lambda match: _with_base(match[1] or match[2], bases), found)
    for _ in range(40):  # groups nest
        before = found
        found = _BARE.sub(_with_parentheses, found)
        for pattern, plain in _RULES:
            found = re.sub(pattern, plain, found)
        if found == before:
            break
    while "{" in found and (bare := re.sub(r"\{([^{}]*)\}", r"(\1)", found)) != found:
        found = bare
    words = set(re.findall(r"\\([A-Za-z]+|.)", found))
    if not all(
        word in _SIGNS or word in FUNCTIONS or word.lower() in GREEK or re.fullmatch(_NAMED, word) for word in words
    ):
        return ""
    found = re.sub(r"\\([A-Za-z]+|[,;!: ])(?=_)", r" \1", found)
    found = re.sub(r"\\([A-Za-z]+|[,;!: ])", lambda match: f" {_SIGNS.get(match[1], match[1])} ", found)
    for name, plain in _FUNCTIONS.items():
        found = re.sub(rf"\b{name}\b", plain, found)
    found = " ".join(found.split())
    if re.search(r"/ ?\w+(?:\([^()]*\))? [\w(]", found):  # 1 / 2 x: two readings
        return ""
    product = "@" if ".T" in found else "*"
    found = re.sub(r"(?<=[\w)])\s+(?=[\w(])", product, found)
    found = re.sub(r"\b(\w+)[*@]\(", lambda match: f"{match[1]}(" if match[1] in FUNCTIONS else match[0], found)
    return "" if "log_" in found else _over_bases(found, bases)


def _with_base(base: str, bases: list[str]) -> str:
    """The name of a logarithm to a base, which is put into the list: \\logbasea, \\logbaseb, …"""
    if base in _BASES:
        return f"\\{_BASES[base]} "
    bases.append(base)
    return f"\\logbase{chr(ord('a') + len(bases) - 1)} " if len(bases) <= 26 else r"\ambiguous "


def _over_bases(text: str, bases: list[str]) -> str:
    """`logbasea(x)` as a quotient of logarithms; empty if one has no argument in parentheses."""
    while match := re.search(r"\blogbase([a-z])[*@]?\(", text):
        opening = match.end() - 1
        end = closing_bracket(text, opening) + 1
        base = bases[ord(match[1]) - ord("a")]
        text = f"{text[: match.start()]}(log{text[opening:end]}/log({base})){text[end:]}" if end else ""
    return "" if "logbase" in text else text


def _over_index(before: str, sign: re.Match[str], after: str) -> str:
    """A sum or product over an index as one over vectors; empty of two, or if it may end before the text does."""
    if _OVER_INDEX.search(after):
        return ""
    inside = without_index(from_latex(after), f"_{sign[2] or sign[3] or ''}")
    flat = inside.strip().removeprefix("-")
    while (bare := re.sub(r"\([^()]*\)", "", flat)) != flat:
        flat = bare
    head = from_latex(before) if before.strip() else ""
    if not inside or (before.strip() and not head) or re.search(r"[-+<>=,]", re.sub(r"\^-", "", flat)):
        return ""
    return f"{head}{'*' if head[-1:].isalnum() or head[-1:] == ')' else ''}{sign[1]}({inside})"


def _with_parentheses(match: re.Match[str]) -> str:
    """`\\sin 2 x` as sin(2 x); of several letters, or before a slash, it is not known where the argument ends."""
    name, power, argument = match[1], match[2] or match[3], match[4]
    letters = [f for f in re.findall(_FACTOR, argument) if f[0].isalpha() or (f[0] == "\\" and f != r"\pi")]
    if len(letters) > 1 or match[5]:
        return r"\ambiguous "
    return f" {name}({argument}){f'^{power}' if power else ''}"
