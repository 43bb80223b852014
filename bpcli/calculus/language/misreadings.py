"""Errors of notations that bpcli does not read, or reads otherwise: each says what to write instead."""

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, NoReturn

from bpcli.calculus.language.bare_arguments import BareArguments
from bpcli.calculus.language.foreign_calls import advice_on_call, call_here, is_foreign, is_sum, without_index
from bpcli.calculus.language.hints import (
    DERIVATIVE,
    GREEK,
    INVERSES,
    MODULES,
    WORDS,
)
from bpcli.calculus.language.readings import POWER_BEHIND, nearest_function
from bpcli.calculus.language.tokens import (
    END,
    MINUS,
    NAME,
    NUMBER,
    OPERATOR,
    PRODUCT,
    SUPERSCRIPT,
    Token,
    closing_bracket,
)
from bpcli.calculus.language.tree import Expression, Name
from bpcli.calculus.rules.functions import CONSTANTS, FUNCTIONS
from bpcli.errors import ExpressionError

if TYPE_CHECKING:
    import re


def derivative_sign(text: str) -> tuple[int, int, str] | None:
    """Where d/dx stands in a text that is no expression, and what to type for it."""
    import re  # only when something went wrong: compiling takes longer than a small calculation

    if found := re.search(r"(?<![\w.])[d∂]\s*/\s*[d∂]\s*[^\W\d_]\w*", text):
        rest = text[found.end() :].strip()
        return found.start(), found.end(), f'bpcli grad "{rest}" differentiates' if rest else DERIVATIVE
    if found := re.search(
        r"(?<![\w.])[d∂]\s*(?:\^\s*2|\*\*\s*2|²)\s*\w*\s*/\s*[d∂]\s*\w+?\s*(?:\^\s*2|\*\*\s*2|²)", text
    ):
        rest = text[found.end() :].strip()
        return found.start(), found.end(), f'bpcli hessian "{rest or "f"}" differentiates twice'
    if found := re.search(r"\\frac\s*\{\s*(?:d|\\partial)\b[^{}]*\}\s*\{\s*(?:d|\\partial)[^{}]*\}", text):
        return found.start(), found.end(), DERIVATIVE
    if found := re.search(r"(?<![\w.])[d∂]\s*(\(.*\))\s*/\s*[d∂]\s*[^\W\d_]\w*", text):
        return found.start(), found.end(), f'bpcli grad "{found[1][1:-1]}" differentiates'
    return None


class Misreadings(BareArguments):
    """A reader whose errors say what was probably meant."""

    def right_side(self, start: int) -> str:
        """The advice on `y = x^2`: to write what stands behind the sign."""
        rest = self.source(start, len(self.text)).strip()
        return f"write the right side alone, {rest}" if rest[:1] not in ("", "/", "<", ">", "*") else ""

    def fail_with_two_readings(self, left: Expression, operator: Token, right: Expression) -> NoReturn:
        """`1/2x`, `x^2y`: two readings, both shown."""
        if self.next.kind == NAME and self.next.text in WORDS:
            self.fail_at(self.next, f"'{self.next.text}' means nothing here", WORDS[self.next.text])
        a, b = self.source(*left.span), self.source(*right.span)
        if self.next.kind == NAME and self.next.text[:1] in ("Σ", "Π") and operator.text == "/":
            whole = self._over_all(self.take()).removeprefix("did you mean ").removesuffix("?")
            self.fail(f"after {operator.text} this can be read in two ways", *left.span, f"write ({a}/{b})*{whole}")
        if isinstance(left, Name) and operator.text == "**":
            self.refuse_power_of_function(left, b)
        bare = self.call_of_bare()
        sign, (start, end) = self.text[operator.start : operator.end], self.next_operand(PRODUCT + 1)
        c = bare or self.source(start, end)
        if operator.text == "**" and isinstance(right, Name) and right.name == "T":
            factors = [c]
            while self.operand_follows() or self.ahead("*", "@"):
                if not self.operand_follows():
                    self.take()
                end = self.next_operand(PRODUCT + 1)[1]
                factors.append(self.source(self.tokens[self.at - 1].start, end))
            hint = f"write {'@'.join([f'{a}.T', *factors])} or dot({a}, {'@'.join(factors)})"
            self.fail("T behind a power sign is no transpose", left.span[0], end, hint)
        product = f"{a}{sign}{b}*{c}" if operator.text == "**" else f"({a}{sign}{b})*{c}"
        hint = f"write {product} or {a}{sign}({b}*{c})"
        known = hint if self.can_be_read(c) else ""
        self.fail(f"after {sign} this can be read in two ways", left.span[0], end, known)

    def fail_without_function(self, token: Token) -> NoReturn:
        """`a(1-a)`: a product that lacks its sign, or a function that isn't there; each is offered where it may be."""
        end, arguments = self.call_ahead()
        inside, shown = self.source(self.next.start, end), self.text[token.start : token.end]
        following = self.text[end:].lstrip()
        if following.startswith("=") and not following.startswith("=="):
            self.fail(
                f"'{shown}(…) =' gives no name to a function",
                token.start,
                end,
                self.right_side(self.text.index("=", end) + 1),
            )
        if token.text == "E" and (power := POWER_BEHIND.match(following)) and power[0]:
            both = f"mean({inside}{power[0]}) or mean{inside}{power[0]}"
            self.fail(f"there is no function '{shown}'", token.start, end + len(power[0]), f"did you mean {both}?")
        if meant := self._over_all(token) or advice_on_call(token.text, arguments):
            self.fail_at(token, f"there is no function '{shown}'", meant)
        if arguments == [""] and token.text.lower() in CONSTANTS:
            self.fail_at(token, f"there is no function '{shown}'", f"write {token.text.lower()}")
        if not _is_group(self.text[self.next.start : end]):
            self.fail_at(token, f"there is no function '{shown}'", "the ( behind it is never closed: a ) is missing")
        hints = []
        letter, rest = token.text[:1], token.text[1:]
        if rest in FUNCTIONS and not self._multiplies(letter):
            self.fail_at(token, f"there is no function '{shown}'", DERIVATIVE if letter == "d" else "")
        if rest not in FUNCTIONS and (near := nearest_function(token.text)):
            hints.append(f"did you mean {near}{inside}?")
        if len(arguments) == 1 and (hints or rest in FUNCTIONS or self._may_be_variable(token)):
            product = f"{letter}*{rest}{inside}" if rest in FUNCTIONS else f"{shown}*{inside}"
            hints.append(f"{'To' if hints else 'to'} multiply, write {product}")
        hint = " ".join(hints) or f"the functions are {' '.join(FUNCTIONS)}"
        self.fail_at(token, f"there is no function '{shown}'", hint)

    def _multiplies(self, letter: str) -> bool:
        """Whether a letter before the name of a function is a factor: `xsin(x)`; `rsqrt` is a function."""
        return letter in "xyz" or not letter.isascii() or any(t.text == letter for t in self.tokens)

    def _over_all(self, sign: Token) -> str:
        """The advice on `Σ(x-y)²` and `Π_i x_i`: a sum or product of all factors that follow; empty for other names."""
        function = {"Σ": "sum", "Π": "prod"}.get(sign.text[:1]) or ("sum" if is_sum(sign.text) else "")
        if not function:
            return ""
        at, parts, factor = self.at, list[str](), ""
        try:
            while not parts or self.operand_follows() or (self.ahead("*") and not factor.startswith("(")):
                if parts and self.ahead("*"):
                    if self.tokens[self.at + 1].text[:1] in ("Σ", "Π"):
                        break
                    self.take()
                factor = self.source(*self.expression(MINUS).span)
                parts.append(factor)
        except ExpressionError:
            parts = []
        finally:
            self.at = at
        inside = parts[0][1:-1] if len(parts) == 1 and _is_group(parts[0]) else "*".join(parts)
        if meant := without_index(inside, sign.text):
            return f"did you mean {function}({meant})?"
        return f"the {'sum' if function == 'sum' else 'product'} over all entries of a vector is {function}(x)"

    def _may_be_variable(self, token: Token) -> bool:
        """Whether a name before a parenthesis may be a factor: short, Greek, of several parts, or used elsewhere."""
        core = token.text.rstrip("0123456789")
        alone = (t.text == token.text and after.text != "(" for t, after in pairwise(self.tokens))
        return len(core) <= 2 or "_" in core or core.endswith("hat") or core.lower() in GREEK or any(alone)

    def refuse_brackets_of_function(self, base: Name, opening: Token) -> None:
        """`Sin[x]`, `Log[2, x]`: a call in brackets; returns if it is no function's name."""
        self.at -= 1
        end, arguments = self.call_ahead()
        self.at += 1
        swapped = arguments[::-1] if base.name in ("Log", "ArcTan") else arguments  # Log[b, x], ArcTan[x, y] there
        if base.name == "D":
            self.fail("a derivative is not written in the expression", base.span[0], end, DERIVATIVE)
        if base.name != base.name.lower() and (meant := advice_on_call(base.name, swapped)):
            self.fail("a function's argument stands in parentheses", base.span[0], end, meant)

    def call_ahead(self) -> tuple[int, list[str]]:
        """Of the parenthesis that opens at the next token: where it ends, and the texts of its arguments."""
        depth, start, arguments = 0, self.next.end, list[str]()
        for token in self.tokens[self.at : -1]:
            if token.kind == OPERATOR:
                depth += (token.text in "([") - (token.text in ")]")
                if (token.text == "," and depth == 1) or depth == 0:
                    arguments.append(self.source(start, token.start).strip())
                    start = token.end
            if depth == 0:
                return token.end, arguments
        return len(self.text), [*arguments, self.source(start, len(self.text)).strip()]

    def refuse_bar_behind_function(self) -> None:
        """`ln|x|`; returns if no function of another language stands before the bar."""
        before = self.tokens[self.at - 1]
        if self.ahead("|") and before.kind == NAME and is_foreign(before.text):
            self.fail_with_argument(before)

    def fail_with_argument(self, function: Token) -> NoReturn:
        """`ln x`: a function that is called otherwise here, and its argument without parentheses."""
        hint = self._over_all(function)
        if not hint:
            hint = advice_on_call(function.text, [self.argument()])
            one = call_here(function.text, ["x"]) and hint.startswith("did you mean ") and " or " not in hint
            found = self.applied(lambda inside: call_here(function.text, [inside])) if one else []
            if found := found or ([] if one else self.listed(function.text)):
                hint = f"did you mean {' or '.join(found)}?"
        self.fail_at(function, f"there is no function '{function.text}'", hint)

    def refuse_power_of_function(self, function: Name, exponent: str) -> None:
        """`ln²(x)`: as above, with a power between the two; returns if it is no function's name."""
        if is_foreign(function.name):
            name = function.name
            if exponent.strip("()") == "-1":
                hint = self._inverse_or_reciprocal(name)
            else:
                hint = f"write {meant}" if (meant := self._power_here(name, exponent)) else ""
            self.fail(f"there is no function '{function.name}'", *function.span, hint)

    def fail_without_arguments(self, token: Token) -> NoReturn:
        """`sin`, `sin 2x`, `sin^2(x)`: a function without parentheses behind it."""
        name = token.text
        head = name.rstrip("0123456789")
        number = f" or {head}({name[len(head) :]})" if head != name and head in FUNCTIONS else ""  # 2^x*log10
        hint = f"write {FUNCTIONS[name].signature}{number}"
        if self.next.kind == SUPERSCRIPT or self.ahead("**"):
            hint = self.power_of_function(name)
        elif self.next.kind in (NAME, NUMBER) or self.ahead("|", "-"):
            hint = self._with_parentheses(name)
        elif self.ahead("[", ".") and (hint_of_index := self._indexed_function(name)):
            hint = hint_of_index
        self.fail_at(token, f"{name} is a function, and its argument stands in parentheses", hint)

    def _with_parentheses(self, name: str) -> str:
        """The advice on `sin 2x`, `exp -x/2` and `max 0 x`: the arguments in parentheses, in each reading."""
        low, high = FUNCTIONS[name].arity
        found = self.listed(name)
        if not found and low == 1 and (high == 1 or not self.lists_ahead()):
            found = self.applied(lambda inside: f"{name}({inside})")
        return f"write {' or '.join(found)}" if found else f"write {FUNCTIONS[name].signature}"

    def _power_here(self, name: str, exponent: str) -> str:
        """The readings of `ln² x/2`, a power between a function and its argument; empty if none is known."""

        def power(inside: str) -> str:
            meant = call_here(name, [inside])
            return meant and f"{meant if _is_call(meant) else f'({meant})'}^{exponent}"

        return " or ".join(self.applied(power) or filter(None, [power(self.argument())]))

    def _inverse_or_reciprocal(self, name: str) -> str:
        """The advice on `sin^-1 x/2`, with both readings of what the argument is."""
        if not call_here(name, ["x"]):
            return ""

        def readings(call: Callable[[str], str]) -> str:
            return " or ".join(self.applied(call) or [call(self.argument())])

        inverse = _inverse_call(name, "x") and readings(lambda inside: _inverse_call(name, inside))
        reciprocal = readings(lambda inside: _reciprocal(call_here(name, [inside])))
        if not inverse:
            return f"write {reciprocal} for the reciprocal"
        return f"write {inverse} for the inverse function; {reciprocal} is the reciprocal"

    def _indexed_function(self, name: str) -> str:
        """The advice on `sqrt[3](x)`, `log[2](x)` and `norm.cdf(x)`; empty if what it means is not known."""
        if self.ahead("."):
            self.take()
            name, indices = name if self.ahead("(") else f"{name}{self.take().text}", list[str]()  # sin.(x) of Julia
        else:
            end, indices = self.call_ahead()
            while self.next.start < end and self.next.kind != END:
                self.take()
        arguments = [*self.call_ahead()[1], *indices] if self.ahead("(") else []
        meant = call_here(name, arguments) if len(arguments) > len(indices) else ""
        return f"write {meant}" if meant else ""

    def power_of_function(self, name: str) -> str:
        """The advice on `sin²(x)`, `sin^-1(x)`, `exp^x`: a power of the value, the inverse, the exponent of e."""
        if (sign := self.take()).kind == SUPERSCRIPT:
            exponent = sign.text
        else:
            start = self.next.start
            if self.ahead("("):
                end = self.call_ahead()[0]
                while self.next.start < end and self.next.kind != END:
                    self.take()
            else:
                if self.ahead("-"):
                    self.take()
                end = self.take().end if self.next.kind in (NAME, NUMBER) else self.next.start
            exponent = self.source(start, end) or "2"
        if name in ("exp", "exp2") and not self.ahead("(", "|") and self.next.kind not in (NAME, NUMBER):
            return f"write {name}({exponent.removeprefix('(').removesuffix(')') if exponent[:1] == '(' else exponent})"
        if exponent.strip("()") == "-1":
            return self._inverse_or_reciprocal(name)
        return f"write {self._power_here(name, exponent) or FUNCTIONS[name].signature}"

    def method_of(self, base: str) -> str:
        """The advice on `(x-y).sum()`, of the text before the point; empty if it is no call, or not known."""
        if self.next.kind != NAME or self.tokens[self.at + 1].text != "(":
            return ""
        at, name = self.at, self.take().text
        arguments = [text for text in self.call_ahead()[1] if text]
        self.at = at
        meant = call_here(name, [base[1:-1] if _is_group(base) else base, *arguments], ".")
        return f"write {meant}" if meant else ""

    def _arguments_of(self, name: str) -> list[str]:
        """Of the call that opens at the next token; of a layer, `nn.LeakyReLU(0.1)(x)`, its settings come last."""
        end, arguments = self.call_ahead()
        if name[:1].isupper() and self.text[end : end + 1] == "(":
            at, self.at = self.at, next(k for k, token in enumerate(self.tokens) if token.start == end)
            arguments = self.call_ahead()[1] + arguments
            self.at = at
        return [text for text in arguments if text]

    def fail_with_module(self, base: Name) -> None:
        """`np.exp(x)` and `x.sum()`: a function stands alone; returns where the point means nothing of the kind."""
        at, names = self.at, [base.name]
        while self.tokens[at].kind == NAME:
            names.append(self.tokens[at].text)
            at += 2 if self.tokens[at + 1].text == "." else 1
            if self.tokens[at - 1].text != ".":
                break
        arguments = ["x"]
        name, end, called = names[-1], self.tokens[at - 1].end, self.tokens[at].text == "("
        if called:
            self.at, before = at, self.at
            arguments = self._arguments_of(name)
            self.at = before
            library = base.name if base.name in MODULES else "."
            name = f"{names[-2]}{name}" if names[-2:-1] == ["norm"] else name
            arguments = arguments if base.name in MODULES else [".".join(names[:-1]), *arguments]
            arguments = [_without_modules(text) for text in arguments]
            meant = call_here(name, arguments, library) if "random" not in names else ""
        else:
            meant = name.lower() if base.name in MODULES and name.lower() in CONSTANTS else ""
        if base.name in MODULES or meant:
            hint = (
                f"write {meant}"
                if meant
                else advice_on_call("random" if "random" in names else name, arguments, base.name)
            )
            written = self.source(base.span[0], end)
            self.fail(f"'{written}' means nothing here: functions and constants stand alone", base.span[0], end, hint)


def _inverse_call(name: str, argument: str) -> str:
    """The inverse of a function of any language, called; empty if there is none."""
    here = call_here(name, ["x"]).removesuffix("(x)")
    if here in INVERSES:
        return f"{INVERSES[here]}({argument})"
    return "" if name in FUNCTIONS else call_here(f"arc{name}", [argument]) or call_here(f"a{name}", [argument])


def _reciprocal(meant: str) -> str:
    """One over what a call means."""
    other = meant.removeprefix("1/")
    return f"1/({meant})" if not _is_call(other) else other if other != meant else f"1/{meant}"


def _without_modules(text: str) -> str:
    """The text of an argument in which calls such as np.exp(x) and constants such as np.pi are written as here."""
    import re

    prefix = rf"(?<![\w.])({'|'.join(sorted(MODULES))})\.(?:\w+\.)*"
    text = re.sub(rf"{prefix}({'|'.join(CONSTANTS)})\b(?!\()", r"\2", text)
    for _ in range(text.count(".")):
        text = re.sub(rf"{prefix}(\w+)\(([^()]*)\)", _one_call, text)
    return text


def _one_call(match: "re.Match[str]") -> str:
    return call_here(match[2], [part.strip() for part in match[3].split(",")], match[1]) or match[0]


def _is_group(text: str) -> bool:
    """Whether a text is one pair of parentheses with all between them, brackets in pairs too."""
    return text[-1:] == ")" and closing_bracket(text, 0) == len(text) - 1


def _is_call(text: str) -> bool:
    """Whether a text is a function of something simple, which needs no parentheses of its own."""
    name, _, rest = text.partition("(")
    return name.isidentifier() and rest.endswith(")") and "(" not in rest
