"""Signs of other books in a text that is no expression: |x|₁ for a norm, (x)₊ for the positive part."""

import re

from bpcli.calculus.language.hints import norm_here

_ORDER = r"(?:_\{[^{}]*\}|_[^\W_]+|_[∞*]|[₀-₉ₚ∞])"
_NORM = re.compile(rf"(?<!\|)\|([^|]+)\|(?={_ORDER})|\|\|([^|]+)\|\|(?=_?\{{?∞|_\{{)")
_PART = re.compile(
    r"(?<=[\w)\]])(?:_\{([+-])\}|(?<=[)\]])_([+-])|_([+-])(?=\s*(?:$|[)\],*/^²³]))|([₊₋])|\^\{\+\}|\^\+$|⁺)"
)
_ROOT = re.compile(r"(?<![^\W\d])(∛|∜|³√|⁴√)\s*(\([^()]*\)|[^\W\d]\w*|\d[\d.]*)")
_BASE = re.compile(r"[^\W\d_]\w*\Z")
_POWER = re.compile(r"\s*(?:\^|\*\*)\s*\d+|[²³]")
_OPENING = {")": "(", "]": "["}


def sign_elsewhere(text: str) -> tuple[str, int, int, str] | None:
    """What stands in a text for a norm or for the positive part: a message, its place and what to write instead."""
    if found := _NORM.search(text):
        meant = norm_here((found[1] or found[2]).strip(), text[found.end() :])
        hint = f"write {meant}" if meant else ""
        return "a |…| with an order behind it is a norm", found.start(), found.end(), hint
    if found := _ROOT.search(text):
        inside = _bare(found[2])
        hint = f"write cbrt({inside})" if found[1] in ("∛", "³√") else f"write ({inside})**(1/4)"
        return "other roots than √ have no sign", found.start(), found.end(), hint
    for found in _PART.finditer(text):
        negative = "-" in found[0] or "₋" in found[0]
        start = _start_of_base(text, found.start())
        base = text[start : found.start()].strip()
        if not base or ("⁺" in found[0] and base.isupper()):  # A⁺ is an inverse
            continue
        inside = _bare(base)
        power = match[0].strip() if (match := _POWER.match(text, found.end())) else ""
        meant = f"max(-({inside}), 0)" if negative else f"max({inside}, 0)"
        message = f"a {'negative' if negative else 'positive'} part is written as a maximum"
        return message, start, found.end(), f"write {meant}{power}"
    return None


def _bare(base: str) -> str:
    return base[1:-1] if base[0] in "([" else base


def _start_of_base(text: str, end: int) -> int:
    """Where the name, the call or the bracket begins that ends at a place; the place itself if there is none."""
    depth = 0
    closing = text[end - 1]
    if closing in _OPENING:
        for place in range(end - 1, -1, -1):
            depth += (text[place] == closing) - (text[place] == _OPENING[closing])
            if depth == 0:
                name = _BASE.search(text[:place]) if closing == ")" else None
                return name.start() if name else place
        return end
    name = _BASE.search(text[:end])
    return name.start() if name else end
