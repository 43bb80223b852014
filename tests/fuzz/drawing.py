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
    # Removable singularities, of orders one to five, and what has its value put in
    "(tan({a})-{a})/{a}**3",
    "({a}-tanh({a}))/{a}**3",
    "1/sin({a})**2-1/{a}**2",
    "(exp({a})-1-{a}-{a}**2/2)/{a}**3",
    "(exp({a})-1-{a}-{a}**2/2-{a}**3/6)/{a}**4",
    "(sin({a})-{a}+{a}**3/6)/{a}**5",
    "(cos({a})-1+{a}**2/2)/{a}**4",
    "(log(1+{a})-{a})/{a}**2",
    "(sqrt(1+{a})-1)/{a}",
    "(log({a})-{a}+1)/({a}-1)**2",
    "({a}**2-1)/({a}-1)",
    "asin({a})/{a}",
    "where({a}==0,1,tan({a})/{a})",
    "where({a}==0,1/6,({a}-sin({a}))/{a}**3)",
    "where({a}==0,1/3,(tan({a})-{a})/{a}**3)",
    "where({a}==0,1/24,(exp({a})-1-{a}-{a}**2/2-{a}**3/6)/{a}**4)",
    "where({a}==0,1/120,(sin({a})-{a}+{a}**3/6)/{a}**5)",
    "where({a}==1,-0.5,(log({a})-{a}+1)/({a}-1)**2)",
    "where({a}==0,0,{a}*sin(1/{a}))",
    "where({a}==0,0,{a}**2*sin(1/{a}))",
    "where({a}==0,0,exp(-1/{a}**2))",
    "where(abs({a})<1,{a}**2,2*abs({a})-1)",
    "where({a}!={b},({a}**2-{b}**2)/({a}-{b}),2*{a})",
    # Powers, logarithms and exponentials in each other
    "{a}**{b}**2",
    "{a}**{a}",
    "({a}**2)**{b}",
    "exp(-exp({a}))",
    "exp(-exp(-{a}))",
    "log(log({a}))",
    "log(exp({a})-1)",
    "log(exp({a})-exp({b}))",
    "exp({a}*log({b}))",
    "log(sqrt({a})*{b}**3)",
    "log(prod(exp({u})))",
    "exp(sum(log({u})))",
    "exp(log_softmax({u})[1])",
    "log(sum(softmax({u})*exp({v})))",
    "{a}**1e308",
    "{a}**-1e308",
    "{a}*1e300*1e-300",
    "({a}+1e300)-1e300",
    "{a}/1e-300/1e300",
    "{a}*5e-324",
    "{a}*inf",
    "{a}/inf",
    "exp(-inf*{a}**2)",
    # Entries, slices, literals, axes, choices
    "sum({u}[0:2]*{v}[1:3])",
    "{u}[1:3]@{v}[0:2]",
    "sum(M[0]*{u})",
    "M[1]@{u}",
    "sum(M.T[2]*{v})",
    "sum(max(M,axis=0)-min(M,axis=1))",
    "sum(mean(M,axis=0)**2)",
    "prod(sum(M,axis=1))",
    "norm(norm(M,axis=1))",
    "sum(softmax(M,axis=0)*M)",
    "sum(log_softmax(M)*M)",
    "logsumexp(M)",
    "dot(M[0],M[1])/norm(M[2])",
    "sum([{u},{v}]@M)",
    "sum([[{a},{b}],[{b},{c}]]@[{c},{a}])",
    "norm(M@M.T)",
    "sum(clip({u},{a},{b}))",
    "sum(where({u}>{v},{u}**2,{v}))",
    "sum(where({u}>={a},{u},0))",
    "sum(max({u},{v})*min({u},0))",
    "max({u})-min({v})",
    "sum(({u}>{a})*{u}**2)",
    "({a}!={b})*({a}-{b})**2",
    "({a}<={b})*({b}-{a})**3",
    "sum(atan2({u},{v}))",
    "sum(hypot({u},{v}))",
    "sum({u}**{v})",
    "sum(abs({u})**{a})",
    "leaky_relu({a},0.2)",
    "elu({a},0.5)",
    "huber({a},{b},2)",
    "huber({u},{v})",
    "hinge({u},{v})",
    "poisson({u},exp({v}))",
    "poisson({a},{b})",
    "bce({a},{b})",
    "bce({u},sigmoid({v}))",
    "cce(softmax({u}),softmax({v}))",
    "cce([0,0,1],softmax(M@{u}))",
    "mse(M,M.T)",
    "mse({u},{v})",
    "cos(sqrt({a}+1)-sqrt({a}))",
    "relu({a})-relu(-{a})",
    "relu({a})**2",
    "abs({a})*{a}",
    "sqrt({a}**4)",
    "{a}**2*log({a}**2)",
    "{a}*floor({b})",
    "({a}-floor({a}))*(ceil({a})-{a})",
    "sign({a})*{a}**2",
    "norm({u})*norm({v})",
    "norm([{a},{b}])**3",
    "min(log_softmax({u}))",
    "hypot({a},{b})**2",
    "",
][1:-1]
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
