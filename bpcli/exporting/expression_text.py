"""Writes expressions of bpcli's language in other languages, with the functions and operators of these."""

from collections.abc import Callable, Mapping
from math import pi
from typing import NamedTuple

from bpcli.calculus.language.tree import Binary, Call, Compare, Expression, Name, Negative, Number, fold
from bpcli.errors import UsageError

OPERATORS = {op: f"({{}} {op} {{}})" for op in ("+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!=")}
OPERATORS |= {"negative": "(-{})", "where": "({} ? {} : {})", "truth": "({} ? 1 : 0)"}
OPERATORS |= {"sign": "(({0} > 0) - ({0} < 0))"}
"""The operators as most languages write them; a comparison gives a boolean, which `truth` converts to a number."""


class Language(NamedTuple):
    """A language: how it writes numbers, and its functions and operators, by their names in bpcli."""

    name: str
    number: Callable[[float], str]
    functions: Mapping[str, Callable[..., str]]

    def __call__(self, function: str, *operands: str) -> str:
        """The text of a function call; UsageError if the language has no such function."""
        if function not in self.functions:
            raise UsageError(f"{self.name} has no {function}, which the model's activation is made of")
        return self.functions[function](*operands)

    def written(self, tree: Expression, z: str) -> str:
        """The text of an expression in z; `z` is the text for this variable."""

        def text_of(node: Expression, operands: list[tuple[str, bool]]) -> tuple[str, bool]:
            condition = isinstance(node, Call) and node.is_choice
            texts = [
                self("truth", text) if truth and not (condition and place == 0) else text
                for place, (text, truth) in enumerate(operands)
            ]
            if condition and not operands[0][1]:
                texts[0] = self("!=", texts[0], self.number(0.0))
            return self._node(node, texts, z), isinstance(node, Compare)

        text, truth = fold(tree, text_of)
        return self("truth", text) if truth else text

    def _node(self, node: Expression, operands: list[str], z: str) -> str:
        match node:
            case Number():
                return self.number(node.value)
            case Name(name):
                return self.number(pi) if name == "pi" else z if name == "z" else self(name)
            case Negative():
                return self("negative", *operands)
            case Binary(op) | Compare(op):
                return self(op, *operands)
            case Call(function):
                return self(function, *operands)
        raise UsageError(f"{self.name} has no {type(node).__name__}, which the model's activation is made of")


def templates(texts: Mapping[str, str]) -> dict[str, Callable[..., str]]:
    """Functions that format the operands into the given templates, by name."""
    return {name: text.format for name, text in texts.items()}


def by_name(names: str, before: str = "") -> dict[str, str]:
    """Templates for functions of one argument with the same name in the language, after a prefix such as `Math.`."""
    return {name: f"{before}{name}({{}})" for name in names.split()}


def refuse(language: str, texts: Mapping[str, str], forbidden: str = "") -> None:
    """UsageError for a text with a character that a language can't write; `texts` gives the kind of each text."""
    for text, what in texts.items():
        bad = next((c for c in text if c in forbidden or "\ud800" <= c <= "\udfff"), None)
        if bad is not None:
            raise UsageError(f"{language} can't write the character {bad!r} of the {what} {text!r}", "rename it")
