"""Parses the values that a sweep tries for each key, and forms their combinations."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from math import isfinite
from typing import Any

from bpcli.errors import UsageError
from bpcli.text.notation import number
from bpcli.text.yaml12 import Items, Node, Pairs, YamlError, compose

_LOG = "log:"
_MOST = 100_000
_DIGITS = Context(prec=50)
_OPENING, _CLOSING, _QUOTES = "([{", ")]}", "\"'"


@dataclass(frozen=True)
class Setting:
    """A key with one value to try, as text and as a plain value."""

    key: str
    text: str
    value: Any

    def __str__(self) -> str:
        return f"{self.key}={self.text}"


def combinations(tries: Sequence[str]) -> list[tuple[Setting, ...]]:
    """All combinations of the values in `tries`, each `KEY=A,B,C`; the last key changes fastest.

    A value is YAML without a comma outside brackets and quotes, or `log:LO:HI:N`, which is N values from LO to HI with
    equal ratios. UsageError for text that can't be read.
    """
    of_key: dict[str, list[Setting]] = {}
    for text in tries:
        key, equals, values = (part.strip() for part in text.partition("="))
        if not equals or not key:
            raise UsageError(f"{text!r}: expected KEY=A,B,C", "training.l2=0,log:1e-4:1e-1:7")
        if key in of_key:
            raise UsageError(f"{key} is given twice", "all its values in one: KEY=A,B,C")
        if key == "output":
            raise UsageError("output is no setting of a training: a sweep writes one run")
        if not values:
            raise UsageError(f"{key} has no values to try", f"{key}=A,B,C")
        of_key[key] = [setting for part in _split(values) for setting in _settings(key, part)]
        values_so_far: list[Any] = []
        for setting in of_key[key]:
            if any(
                v == setting.value and isinstance(v, bool) == isinstance(setting.value, bool) for v in values_so_far
            ):
                raise UsageError(f"{key} has a value twice: {setting.text}")
            values_so_far.append(setting.value)
    if not of_key:
        raise UsageError("there is nothing to try", "KEY=A,B,C", names=("try",))
    count = 1
    for values_of_key in of_key.values():
        count *= len(values_of_key)
    if count > _MOST:
        raise UsageError(f"these are {count} combinations: at most {_MOST} are tried")
    return list(itertools.product(*of_key.values()))


def _split(text: str) -> Iterator[str]:
    """The parts between commas that are outside brackets and quotes."""
    depth, quote, start = 0, "", 0
    for at, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in _QUOTES and not text[start:at].strip("([{ "):
            quote = letter
        elif letter in _OPENING:
            depth += 1
        elif letter in _CLOSING:
            depth -= 1
        elif letter == "," and depth <= 0:
            yield text[start:at].strip()
            start = at + 1
    yield text[start:].strip()


def _settings(key: str, text: str) -> Iterator[Setting]:
    """The settings that one part between commas stands for."""
    if text.startswith(_LOG):
        for value in _logarithmic(key, text):
            yield Setting(key, number(value), value)
        return
    if not text:
        raise UsageError(f"{key} has no value before or behind a comma", "null, if that is meant")
    try:
        node = compose(text, key)
    except YamlError as error:
        raise UsageError(f"{key}: {text}: {error.problem}") from error
    yield Setting(key, text, None if node is None else _plain(node))


def _logarithmic(key: str, text: str) -> list[float]:
    """N values from LO to HI, each the double nearest to LO·(HI/LO)^(k/(N − 1))."""
    parts = text.removeprefix(_LOG).split(":")
    expected = f"{key}: {text}: expected log:LO:HI:N"
    try:
        low, high = map(Decimal, parts[:2])
        count = int(parts[2]) if len(parts) == 3 else 0
    except (ValueError, InvalidOperation):
        low = high = Decimal(0)
        count = 0
    if not count:
        raise UsageError(expected, "log:1e-4:1e-1:7 are seven values from 1e-4 to 1e-1")
    if not (low.is_finite() and high.is_finite() and float(low) > 0 and float(high) > 0 and isfinite(float(high))):
        raise UsageError(f"{expected} with LO and HI above 0", "a 0 is a value of its own: 0,log:1e-4:1e-1:7")
    if not 2 <= count <= _MOST:
        raise UsageError(f"{expected} with N from 2 to {_MOST}")
    first, last = _DIGITS.ln(low), _DIGITS.ln(high)
    inner = [_DIGITS.exp(first + (last - first) * k / (count - 1)) for k in range(1, count - 1)]
    return [float(low), *map(float, inner), float(high)]


def _plain(node: Node) -> Any:
    if isinstance(node, Pairs):
        return {key.text if hasattr(key, "text") else str(key): _plain(value) for key, value in node.pairs}
    return [_plain(item) for item in node.items] if isinstance(node, Items) else node.value
