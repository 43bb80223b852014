"""Expressions of the whole language, and points over the whole of the doubles, drawn by a random generator."""

import math
from random import Random
from typing import NamedTuple

from tests.fuzz.composites import COMPOSITES, near_whole_numbers

ELEMENTWISE = [
    "abs",
    "sign",
    "sqrt",
    "cbrt",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log2",
    "log10",
    "log1p",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "acosh",
    "atanh",
    "erf",
    "floor",
    "ceil",
    "sigmoid",
    "logit",
    "relu",
    "softplus",
    "leaky_relu",
    "elu",
    "identity",
]
LOSSES = ("mse", "bce", "huber", "hinge", "poisson")
REDUCTIONS = ("sum", "mean", "prod", "norm", "logsumexp", "max", "min")
POWERS = ("2", "3", "4", "5", "0", "1", "0.5", "1.5", "-1", "-2", "0.1", "(1/3)", "-0.5", "2.5", "50")
KINDS = (
    *("ordinary", "tiny", "subnormal", "huge", "saturated", "near a kink", "near one", "small", "large") * 2,
    *("ordinary", "whole", "kink"),
)
"""Kinds of numbers, those at kinks more rarely: there it takes series, a hundred times as long."""
_ALL = KINDS * 4 + ("not finite",)


Value = float | list[float] | list[list[float]]


class Question(NamedTuple):
    """An expression and a point; an input is a number, or lists of them."""

    text: str
    inputs: dict[str, Value]

    @property
    def at(self) -> str:
        """The point as the option takes it."""
        return ", ".join(f"{name}={str(value).replace(' ', '')}" for name, value in self.inputs.items())


class Drawing:
    """Draws questions; the same seed draws the same ones."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def question(self) -> Question:
        """An expression of one number, mostly, and a point at which to ask for it."""
        self.used: set[str] = set()
        text = self.number(self.random.choice((1, 1, 2, 2, 3)))
        if self.random.random() < 0.03:
            text = self.vector(2)
        if not self.used:
            text = f"{text}+{self.name('x')}"
        return Question(text, self.point())

    def point(self) -> dict[str, Value]:
        """A value for each variable."""
        kinds = self.random.choice((_ALL, (self.random.choice(_ALL),)))
        return {name: self.value(name, kinds) for name in sorted(self.used)}

    def name(self, name: str) -> str:
        self.used.add(name)
        return name

    # Expressions

    def number(self, depth: int) -> str:
        """An expression of one number."""
        draw, choice = self.random.random(), self.random.choice
        if depth == 0 or draw < 0.08:
            return self.leaf()
        if draw < 0.55:
            return self.composite(choice(COMPOSITES), depth - 1)
        if draw < 0.7:
            return f"{choice(ELEMENTWISE)}({self.number(depth - 1)})"
        if draw < 0.85:
            return f"({self.number(depth - 1)}{choice('+-*/')}{self.number(depth - 1)})"
        if draw < 0.86:
            return f"{choice(('hypot', 'atan2', 'min', 'max'))}({self.number(depth - 1)},{self.number(depth - 1)})"
        if draw < 0.87:
            op = choice(("<", "<=", ">", ">=", "==", "!="))
            branches = ",".join(self.number(depth - 1) for _ in range(2))
            return f"where({self.number(depth - 1)}{op}{self.number(0)},{branches})"
        if draw < 0.91:
            power = choice(
                ("2", "3", "4", "5", "0", "1", "0.5", "1.5", "-1", "-2", "0.1", "(1/3)", "-0.5", "2.5", "50")
            )
            return f"({self.number(depth - 1)})**{power}"
        if draw < 0.95:
            return f"{choice(REDUCTIONS)}({self.vector(depth - 1)})"
        if draw < 0.97:
            return f"{choice(LOSSES)}({choice(('0', '1', '0.5', '-1'))},{self.number(depth - 1)})"
        return f"-{self.closed(self.number(depth - 1))}"

    def leaf(self) -> str:
        choice = self.random.choice
        if self.random.random() < 0.85:
            return self.name(choice("xxxyz"))
        return choice(("1", "2", "3", "0.5", "0.1", "10", "pi", "e", "0", "1e-3", "1e10", "1e300", "1e-300", "5e-324"))

    def composite(self, pattern: str, depth: int) -> str:
        """A composite as users write it, of operands drawn for its places; of some a number is a decimal near it."""
        if self.random.random() < 0.03:
            pattern = self.random.choice(near_whole_numbers(pattern) or [pattern])
        if "M" in pattern:
            self.used.add("M")
        operands = {
            c: self.closed(self.number(self.random.choice((0, 0, depth)))) for c in "abc" if f"{{{c}}}" in pattern
        }
        operands |= {
            c: self.closed(self.vector(self.random.choice((0, 0, depth)))) for c in "uv" if f"{{{c}}}" in pattern
        }
        return f"({pattern.format(**operands)})"

    def closed(self, text: str) -> str:
        return text if text.isalnum() or (text[0] == "(" and text[-1] == ")") else f"({text})"

    def vector(self, depth: int) -> str:
        """An expression of a vector of three."""
        draw, choice = self.random.random(), self.random.choice
        if depth <= 0 or draw < 0.5:
            return self.name(choice("uuv"))
        if draw < 0.7:
            return f"{choice(ELEMENTWISE)}({self.vector(depth - 1)})"
        if draw < 0.85:
            sides = [self.vector(depth - 1), choice((self.vector, self.number))(depth - 1)]
            self.random.shuffle(sides)
            return f"({sides[0]}{choice('+-*/')}{sides[1]})"
        if draw < 0.95:
            return f"{choice(('softmax', 'log_softmax'))}({self.vector(depth - 1)})"
        return f"[{','.join(self.number(depth - 1) for _ in range(3))}]"

    # Points

    def value(self, name: str, kinds: tuple[str, ...]) -> Value:
        """A number, a vector of three, or a matrix of 3×3."""
        if name == "M":
            return [[self.double(kinds) for _ in range(3)] for _ in range(3)]
        if name in "uv":
            vector = [self.double(kinds) for _ in range(3)]
            if self.random.random() < 0.1:
                vector[1] = vector[0]
            return vector
        return self.double(kinds)

    def double(self, kinds: tuple[str, ...]) -> float:
        """A double of one of the kinds."""
        random = self.random
        sign = random.choice((1.0, -1.0))
        match random.choice(kinds):
            case "ordinary":
                return sign * random.choice((random.random(), 10 * random.random(), round(random.random(), 2)))
            case "whole":
                return float(random.randint(-5, 5))
            case "kink":
                return random.choice((0.0, 0.0, 1.0, -1.0, 0.5, 2.0))
            case "tiny":
                return sign * self.of_size(-320.0, -5.0)
            case "subnormal":
                return sign * random.choice((5e-324, 1e-320, 2.0**-1022, random.randint(1, 1 << 52) * 5e-324))
            case "near a kink":
                return random.choice((0.0, 1.0, -1.0, 2.0, 0.5, math.pi)) + sign * self.of_size(-17.0, -2.0)
            case "not finite":
                return sign * math.inf
            case "huge":
                return sign * self.of_size(5.0, 308.0)
            case "saturated":
                return sign * random.uniform(15.0, 800.0)
            case "near one":
                return sign * (1.0 + random.choice((1.0, -1.0)) * self.of_size(-16.0, -2.0))
            case "small":
                return sign * self.of_size(-12.0, -1.0)
        return sign * self.of_size(1.0, 12.0)

    def of_size(self, low: float, high: float) -> float:
        return math.pow(10.0, self.random.uniform(low, high))
