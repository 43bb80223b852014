"""Expressions of the whole language, and points over the whole of the doubles, drawn by a random generator."""

import math
from random import Random
from typing import NamedTuple

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
COMPOSITES = [
    "",
    "1/(1+exp(-{a}))",
    "exp({a})/(1+exp({a}))",
    "exp(-{a})/(1+exp(-{a}))**2",
    "log(1+exp({a}))",
    "log(1-exp({a}))",
    "log(exp({a})+exp({b}))",
    "log(exp({a})+exp({b})+exp({c}))",
    "exp({a})/(exp({a})+exp({b})+exp({c}))",
    "exp({a})/(exp({a})+sum(exp({u})))",
    "exp({a})/(exp({b})+2*sum(exp({u})))",
    "log(exp({a})+sum(exp({u})))",
    "log(sum(exp({u})))-{a}",
    "-log(exp({u}[0])/sum(exp({u})))",
    "exp({u}[1])/sum(exp({u}))",
    "-log(softmax({u})[0])",
    "softmax({u})[1]*(1-softmax({u})[1])",
    "sigmoid({a})*(1-sigmoid({a}))",
    "(1-sigmoid({a}))**2",
    "log(1-sigmoid({a}))",
    "log(sigmoid({a}))",
    "sigmoid({a})-1",
    "1-sigmoid({a})-sigmoid({b})",
    "1-tanh({a})**2",
    "(1-tanh({a}))*(1+tanh({a}))",
    "log(1-tanh({a})**2)",
    "1-tanh({a})",
    "tanh({a})-1",
    "mse(1,sigmoid({a}))",
    "mse({b},sigmoid({a}))",
    "mse(0,sigmoid({a}))",
    "mse(1,tanh({a}))",
    "mse(1,sigmoid({a}))+mse(0,sigmoid({b}))",
    "bce(1,sigmoid({a}))",
    "bce(0,sigmoid({a}))",
    "bce(0.25,sigmoid({a}))",
    "-(0.25*log(sigmoid({a}))+0.75*log(1-sigmoid({a})))",
    "huber(1,sigmoid({a}))",
    "hinge(1,sigmoid({a}))",
    "hinge(1,tanh({a}))",
    "poisson(1,sigmoid({a}))",
    "poisson(2,exp({a}))",
    "poisson(2,softplus({a}))",
    "cce([0,1],softmax({u})[0:2])",
    "mse({u},sigmoid({v}))",
    "mse([1,0],sigmoid({u})[0:2])",
    "{a}-sin({a})",
    "({a}-sin({a}))/{a}**3",
    "(1-cos({a}))/{a}**2",
    "(exp({a})-1)/{a}",
    "exp({a})-1-{a}",
    "log(1+{a})",
    "log(1+{a})-{a}",
    "sqrt(1+{a}**2)-1",
    "sqrt({a}+1)-sqrt({a})",
    "{a}/sqrt({a}**2+1)",
    "{a}-sqrt({a}**2-1)",
    "1/{a}-1/sin({a})",
    "sin({a})**2+cos({a})**2",
    "cosh({a})**2-sinh({a})**2",
    "{a}**2-2*{a}*{b}+{b}**2",
    "({a}-{b})*({a}+{b})",
    "({a}+{b})-{a}",
    "{a}**3*log({a})",
    "{a}*log({a})",
    "{a}**{b}",
    "2**{a}",
    "e**{a}",
    "({a}**2+{b}**2)**0.5",
    "sqrt({a}**2)",
    "sqrt(abs({a}))",
    "abs({a})**1.5",
    "{a}*abs({b})",
    "exp(-{a}**2/2)/sqrt(2*pi)",
    "{a}*exp(-{a})",
    "exp({a})*exp(-{a})",
    "exp({a})/exp({b})",
    "{a}*sigmoid({a})",
    "{a}*tanh(softplus({a}))",
    "where({a}>{b},{a},{b})",
    "where({a}>0,{a}**2,-{a})",
    "where({a}==0,1,sin({a})/{a})",
    "where({a}>0,log({a}),0)",
    "where({a}<=1,{a},1/{a})",
    "max({a},{b})**2",
    "max({a},0)**2",
    "min({a},{b},{c})",
    "clip({a},-1,1)",
    "atan2({a},{b})",
    "hypot({a},{b})",
    "norm({u}-{v})",
    "norm({u})**2",
    "dot({u},{v})",
    "dot({u},{v})/(norm({u})*norm({v}))",
    "{u}@{v}",
    "sum({u}**2)",
    "sum(({u}-mean({u}))**2)",
    "sum(relu({u})*{v})",
    "prod({u})",
    "sum(M@{u})",
    "{u}@(M@{v})",
    "sum(M*M)",
    "sum(sigmoid(M@{u}))",
    "sum(softmax(M)*M)",
    "sum(logsumexp(M,axis=1))",
    "norm(M)",
    "max(M)-min(M)",
    "M[0,1]*{a}",
    "sum(M.T@M)",
    "sum([{a},{b}]*[{b},{c}])",
    "({a}>{b})*{a}",
    "",
][1:-1]
KINDS = ("ordinary", "ordinary", "ordinary", "whole", "kink", "tiny", "huge", "saturated", "near one", "small", "large")


class Question(NamedTuple):
    """An expression and a point; an input is a number, or lists of them."""

    text: str
    inputs: dict[str, float | list[float] | list[list[float]]]

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
        kinds = self.random.choice((KINDS, (self.random.choice(KINDS),)))
        return Question(text, {name: self.value(name, kinds) for name in sorted(self.used)})

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
        if draw < 0.9:
            power = choice(("2", "3", "4", "5", "0.5", "1.5", "-1", "-2", "0.1", "(1/3)"))
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
        return choice(("1", "2", "3", "0.5", "0.1", "10", "pi", "e", "0", "1e-3", "1e10"))

    def composite(self, pattern: str, depth: int) -> str:
        """A composite as users write it, of operands drawn for its places."""
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
            return f"({self.vector(depth - 1)}{choice('+-*/')}{choice((self.vector, self.number))(depth - 1)})"
        if draw < 0.95:
            return f"{choice(('softmax', 'log_softmax'))}({self.vector(depth - 1)})"
        return f"[{','.join(self.number(depth - 1) for _ in range(3))}]"

    # Points

    def value(self, name: str, kinds: tuple[str, ...]) -> float | list[float] | list[list[float]]:
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
