"""LaTeX as it is pasted, to the text of an expression: what an error of a backslash or a brace offers instead."""

import re

from bpcli.calculus.language.hints import GREEK
from bpcli.calculus.rules.functions import FUNCTIONS

_FUNCTIONS = {"ln": "log", "lg": "log10", "arcsin": "asin", "arccos": "acos", "arctan": "atan"}
_SIGNS = {
    **dict.fromkeys(["cdot", "times", "odot", "ast"], "*"),
    **dict.fromkeys(["left", "right", "big", "Big", "displaystyle", "quad", ",", ";", "!", ":", " "], " "),
    **dict.fromkeys(["lvert", "rvert", "vert", "mid"], "|"),
    **dict.fromkeys(["le", "leq"], "<="),
    **dict.fromkeys(["ge", "geq"], ">="),
    **dict.fromkeys(["ne", "neq"], "!="),
    "div": "/",
    "infty": "inf",
}
_NAMED = r"sin|cos|tan|sinh|cosh|tanh|arcsin|arccos|arctan|ln|lg|log|exp"
_NOT_READ = re.compile(r"\\(?:sum|prod|int|lim|begin|partial|nabla|frac\{d)|\\\\|&")
_GROUP = r"\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}"
_RULES = [  # until none applies
    (rf"\\[dt]?frac\s*{_GROUP}\s*{_GROUP}", r"((\1)/(\2))"),
    (r"\\[dt]?frac\s*(\d)\s*(\d)", r"(\1/\2)"),
    (rf"\\sqrt\[(\w+)\]{_GROUP}", r"((\2)^(1/\1))"),
    (rf"\\sqrt\s*{_GROUP}", r"sqrt(\1)"),
    (rf"\\hat\s*(?:{_GROUP}|(\w))", r"\1\2hat"),
    (r"\\sigma\s*(?:\\left)?\s*\(", "sigmoid("),
    (rf"\\(?:mathrm|mathbf|mathit|operatorname|text|vec|boldsymbol|bm)\s*{_GROUP}", r" \1 "),
    (r"(?:\\lVert|\\left\\\||\\\|)(.*?)(?:\\rVert|\\right\\\||\\\|)", r"norm(\1)"),
    (r"\^\s*(?:\{?\s*(?:\\top|\\intercal|T)\s*\}|\\top|\\intercal|T\b)", ".T"),
    (r"\\log_\{?(2|10)\}?", r"\\log\1"),
    (r"\\(?:left|right)\b", ""),
    (
        rf"\\((?:{_NAMED})\d*)\s*\^\s*(?:\{{(\d+)\}}|(\d))\s*(?:{_GROUP}|(\([^()]*\))|(\\?\w+))",
        r"\1(\4\5\6)^\2\3",
    ),
    (rf"\\((?:{_NAMED})\d*)\s*\{{([^{{}}]*)\}}", r"\1(\2)"),
    (rf"\\((?:{_NAMED})\d*)\s+(\\?\w+)", r"\1(\2)"),
    (r"_\{(\w+)\}", r"_\1"),
    (r"\^\{([^{}]*)\}", r"^(\1)"),
]


def from_latex(text: str) -> str:
    """The text of an expression that means what LaTeX does; empty where that is not known. Names are kept whole."""
    found = text.strip().strip("$").strip()
    if _NOT_READ.search(found):
        return ""
    for _ in range(40):  # groups nest
        before = found
        for pattern, plain in _RULES:
            found = re.sub(pattern, plain, found)
        if found == before:
            break
    while "{" in found and (bare := re.sub(r"\{([^{}]*)\}", r"(\1)", found)) != found:
        found = bare
    words = set(re.findall(r"\\([A-Za-z]+|.)", found))
    if not all(
        word in _SIGNS or word in FUNCTIONS or word.lower() in GREEK or re.fullmatch(rf"(?:{_NAMED})\d*", word)
        for word in words
    ):
        return ""
    found = re.sub(r"\\([A-Za-z]+|[,;!: ])", lambda match: f" {_SIGNS.get(match[1], match[1])} ", found)
    for name, plain in _FUNCTIONS.items():
        found = re.sub(rf"\b{name}\b", plain, found)
    found = " ".join(found.split())
    if re.search(r"/ ?\w+(?:\([^()]*\))? [\w(]", found):  # 1 / 2 x: two readings
        return ""
    product = "@" if ".T" in found else "*"
    found = re.sub(r"(?<=[\w)])\s+(?=[\w(])", product, found)
    return re.sub(r"\b(\w+)[*@]\(", lambda match: f"{match[1]}(" if match[1] in FUNCTIONS else match[0], found)
