"""Formulas as one term, coefficient·Π base^exponent, and such terms as formulas.

A sum is brought over one denominator, what is common to its terms is taken out, and a denominator that divides the
numerator is cancelled.
"""

from collections.abc import Collection, Iterable
from fractions import Fraction

from bpcli.calculus.language.render import to_text
from bpcli.calculus.language.tree import Binary, Call, Expression, Name, Negative, Number
from bpcli.calculus.language.tree import children as operands_of
from bpcli.calculus.symbolic.monomials import (
    ONE,
    Monomial,
    Polynomial,
    added,
    bases,
    common_factor,
    common_number,
    monomial,
    power,
    product,
    quotient,
    times,
)
from bpcli.calculus.symbolic.sums_and_products import (
    constant_of,
    factors_of,
    number_tree,
    product_tree,
    summed,
    terms_of,
)

MAX_WORK = 20_000
"""Trees read and monomials multiplied, for one formula."""

MAX_DEPTH = 40
"""How deep sums and products may nest."""

MAX_POWER = 8
"""The largest power of a sum that is multiplied out."""

Term = tuple[Fraction, Monomial]
"""coefficient·Π base^exponent; a base may be a sum."""

_E = "exp"
"""The base e among the texts of bases: a power of it is written as a call."""


class TooLongError(Exception):
    """The formula would take more work than is allowed."""


class TermWriter:
    """Writes formulas as terms, and terms as trees; `trees` has the tree of each base's text."""

    def __init__(self, variables: Collection[str], decimals: bool, tangents: bool) -> None:
        self.variables, self.decimals, self.tangents = variables, decimals, tangents
        self.trees: dict[str, Expression] = {}
        self.sums: dict[str, Polynomial] = {}  # bases that are sums, by their texts
        self.rooted: set[str] = set()  # bases of which a square root is written sqrt
        self.work = self.depth = 0

    # Trees to terms

    def place(self, tree: Expression) -> str:
        """The text of a base, whose tree is remembered."""
        text = to_text(tree)
        self.trees.setdefault(text, tree)
        return text

    def term(self, tree: Expression) -> Term:
        """A tree as coefficient·Π base^exponent, sums of fractions brought over one denominator."""
        if self.depth == MAX_DEPTH:
            raise TooLongError
        self.worked(1)
        self.depth += 1
        try:
            return self.sum_or_product(tree)
        finally:
            self.depth -= 1

    def worked(self, amount: int) -> None:
        """Count the work, and stop at its bound."""
        self.work += amount
        if self.work > MAX_WORK:
            raise TooLongError

    def sum_or_product(self, tree: Expression) -> Term:
        """A tree as coefficient·Π base^exponent by what it is."""
        value = constant_of(tree)
        if value is not None:
            return value, ONE
        if isinstance(tree, Binary) and tree.op in "+-":
            parts = [(c, (Fraction(1), ONE) if t is None else self.term(t)) for c, t in terms_of(tree)]
            return self.sum([(c * d, one) for c, (d, one) in parts], tree)
        coefficient, factors = factors_of(tree)
        if len(factors) == 1 and factors[0][0] is tree:
            return self.power(tree)
        result = ONE
        for base, exponent in factors:
            size, one = self.term(base)
            if not size:
                if exponent < 0:
                    raise TooLongError  # it divides by 0, and stays as it is
                return Fraction(0), ONE
            if abs(exponent) > 64 and size != 1:
                raise TooLongError
            coefficient *= size ** int(exponent)
            result = times(result, power(one, exponent))
        return self.resolved(coefficient, result)

    def power(self, tree: Expression) -> Term:
        """A term that is neither a sum nor a product: a power with any exponent, or a base by itself."""
        one, half = Fraction(1), number_tree(Fraction(1, 2))
        match tree:
            case Binary(op="**", left=base, right=exponent):
                return self.resolved(one, self.raised(self.place(base), exponent))
            case Call(function="sqrt", arguments=(base,)):
                place = self.place(base)
                self.rooted.add(place)
                return self.resolved(one, self.raised(place, half))
            case Call(function="exp", arguments=(exponent,)):
                return one, self.raised(_E, exponent)
            case Call(function="log", arguments=(Name("e"),)) if "e" not in self.variables:
                return one, ONE
            case Call(function="tan", arguments=(x,)) if self.tangents:
                sine, cosine = (self.place(Call(name, (x,))) for name in ("sin", "cos"))
                return one, monomial({(sine, ""): one, (cosine, ""): -one})
        return one, monomial({(self.place(tree), ""): one})

    def raised(self, base: str, exponent: Expression) -> Monomial:
        """base^exponent, the exponent a sum of numbers times trees."""
        total: dict[tuple[str, str], Fraction] = {}
        for coefficient, what in terms_of(exponent):
            place = base, "" if what is None else self.place(what)
            total[place] = total.get(place, Fraction(0)) + coefficient
        return monomial(total)

    def resolved(self, coefficient: Fraction, one: Monomial) -> Term:
        """The term with bases that have got whole exponents, as √(2·x)² has, written by their own factors."""
        for base, exponent in list(bases(one)):
            whole = exponent.get("", Fraction(0))
            tree = self.trees.get(base)
            if tree is None or set(exponent) != {""} or whole.denominator != 1 or base in self.sums:
                continue
            if isinstance(tree, Number | Negative | Binary):
                size, factors = self.term(tree)
                if factors == monomial({(base, ""): Fraction(1)}):
                    continue
                if not size or abs(whole) > 64:
                    raise TooLongError
                coefficient *= size ** int(whole)
                one = times(times(one, monomial({(base, ""): -whole})), power(factors, whole))
        return coefficient, one

    # Sums

    def sum(self, terms: list[Term], written: Expression) -> Term:
        """A sum as one term: what is common before, the rest multiplied out as a base, cancelled where it divides."""
        collected = added((one, c) for c, one in terms)
        if not collected:
            return Fraction(0), ONE
        common = common_factor(collected)
        rest = self.divided(collected, common)
        outright = self.reduced(self.expanded(rest))
        if not outright:
            return Fraction(0), ONE
        again = common_factor(outright)
        before, outright = times(common, again), self.divided(outright, again)
        outright, common = self.cancelled(outright, before)
        if len(outright) == 1:
            ((one, size),) = outright.items()
            return self.resolved(size, times(common, one))
        forms = [self.scaled_sum(outright)]
        if not again and common == before:
            forms.append(self.scaled_sum(rest))
        if not common:
            forms.insert(0, (Fraction(1), collected, written))
        size, base, tree = min(forms, key=lambda form: len(to_text(form[2])))
        place = self.place(tree)
        self.sums[place] = base
        return self.resolved(size, times(common, monomial({(place, ""): Fraction(1)})))

    def divided(self, terms: Polynomial, factor: Monomial) -> Polynomial:
        """The sum over a monomial, with what has got a whole exponent written out."""
        return added((one, c) for c, one in (self.resolved(c, times(one, factor, -1)) for one, c in terms.items()))

    def cancelled(self, terms: Polynomial, common: Monomial) -> tuple[Polynomial, Monomial]:
        """The sum and what stands before it, without the sums in the denominator that divide it."""
        for base, exponent in list(bases(common)):
            while base in self.sums and len(terms) > 1 and exponent.get("", 0) < 0:
                divided = quotient(terms, self.expanded(self.sums[base]))
                if divided is None:
                    break
                terms, common = divided, times(common, monomial({(base, ""): Fraction(1)}))
                exponent[""] += 1
        return terms, common

    def scaled_sum(self, terms: Polynomial) -> tuple[Fraction, Polynomial, Expression]:
        """A sum as a number times one of whole coefficients, in the order in which it is written."""
        size = common_number(terms.values())
        if all(c < 0 for c in terms.values()):
            size = -size
        terms = {one: c / size for one, c in terms.items()}
        order = sorted(terms, key=lambda one: -max(sum(e for (_, what), e in one if not what), 0))
        if terms[order[0]] < 0:
            order = [one for one in order if terms[one] > 0] + [one for one in order if terms[one] < 0]
        return (
            size,
            terms,
            summed([(terms[one], self.tree((Fraction(1), one)) if one else None) for one in order], self.decimals),
        )

    def expanded(self, terms: Polynomial) -> Polynomial:
        """The polynomial with whole powers of sums multiplied out."""
        parts: list[tuple[Monomial, Fraction]] = []
        for one, coefficient in terms.items():
            left: Polynomial = {ONE: coefficient}
            for base, exponent in bases(one):
                whole = exponent.get("", Fraction(0))
                factor = monomial({(base, what): e for what, e in exponent.items()})
                if base in self.sums and set(exponent) == {""} and whole.denominator == 1 and 0 < whole <= MAX_POWER:
                    inner = self.expanded(self.sums[base])
                    for _ in range(int(whole)):
                        left = self.multiplied(left, inner)
                else:
                    left = {times(one, factor): c for one, c in left.items()}
            parts += left.items()
        return added(parts)

    def one_denominator(self, term: Term) -> Term:
        """The term with the sums that it is divided by once multiplied out: 1 − x² for (1 − x)·(1 + x)."""
        coefficient, one = term
        below = [base for base, exponent in bases(one) if base in self.sums and exponent == {"": -1}]
        if len(below) < 2:
            return term
        total: Polynomial = {ONE: Fraction(1)}
        for base in below:
            total = self.multiplied(total, self.expanded(self.sums[base]))
            one = times(one, monomial({(base, ""): Fraction(1)}))
        size, _, tree = self.scaled_sum(total)
        return coefficient / size, times(one, monomial({(self.place(tree), ""): Fraction(-1)}))

    def multiplied(self, a: Polynomial, b: Polynomial) -> Polynomial:
        """a·b, within the work that is allowed."""
        self.worked(len(a) * len(b))
        return product(a, b)

    def reduced(self, terms: Polynomial) -> Polynomial:
        """The polynomial by sin² + cos² = 1 and cosh² − sinh² = 1, where it has fewer terms so."""
        for first, second, sign in (("sin", "cos", -1), ("cosh", "sinh", 1)):
            for argument in self.arguments(terms, first, second):
                one, other = (self.place(Call(name, (argument,))) for name in (first, second))
                # first² = 1 + sign·second², and the other way round
                forms = [_replaced(terms, one, {ONE: Fraction(1), _square(other): Fraction(sign)})]
                forms.append(_replaced(terms, other, {ONE: Fraction(-sign), _square(one): Fraction(sign)}))
                terms = min(terms, *forms, key=len)
        return terms

    def arguments(self, terms: Polynomial, *functions: str) -> list[Expression]:
        """The arguments of these functions in the polynomial."""
        names = sorted({base for one in terms for (base, _), _ in one})
        trees = [self.trees[name] for name in names if name in self.trees]
        found = [t.arguments[0] for t in trees if isinstance(t, Call) and t.function in functions]
        return list({to_text(tree): tree for tree in found}.values())

    # Terms to trees

    def tree(self, term: Term) -> Expression:
        """A term as a tree; what has a negative number for exponent stands below the line."""
        coefficient, one = term
        powers = dict(bases(one))
        factors: list[tuple[Expression, Fraction]] = []
        for base in list(powers):
            cosine = base.replace("sin(", "cos(", 1)
            up, down = powers.get(base, {}), powers.get(cosine, {})
            if base.startswith("sin(") and up and up == {what: -e for what, e in down.items()} and up.get("", 0) > 0:
                sine = self.trees[base]
                factors.append((Call("tan", operands_of(sine)), up[""]))
                del powers[base], powers[cosine]
        for base, exponent in powers.items():
            factors += self.factor(base, exponent)
        return product_tree(coefficient, factors, self.decimals)

    def factor(self, base: str, exponent: dict[str, Fraction]) -> Iterable[tuple[Expression, Fraction]]:
        """A power as factors with whole exponents."""
        constant = exponent.get("", Fraction(0))
        if set(exponent) == {""} and base != _E:
            tree = self.trees[base]
            if constant.denominator == 1:
                return [(tree, constant)]
            if constant.denominator == 2 and base in self.rooted:
                root = Call("sqrt", (tree,))
                if constant < 0 or isinstance(tree, Number):
                    return [(root, constant * 2)]
                whole = constant - Fraction(1, 2)
                return [(root, Fraction(1)), *([(tree, whole)] if whole else [])]
            size = Binary("**", tree, number_tree(abs(constant), self.decimals))
            return [(size, Fraction(1 if constant > 0 else -1))]
        parts = [(e, self.trees[what] if what else None) for what, e in exponent.items()]
        parts.sort(key=lambda part: (part[1] is None, part[0] < 0))
        total = summed(parts, self.decimals)
        call = Call("exp", (total,)) if base == _E else Binary("**", self.trees[base], total)
        return [(call, Fraction(1))]


def _square(base: str) -> Monomial:
    return monomial({(base, ""): Fraction(2)})


def _replaced(terms: Polynomial, base: str, square: Polynomial) -> Polynomial:
    """The polynomial with another for base²; its higher powers stay."""
    parts: list[tuple[Monomial, Fraction]] = []
    for one, coefficient in terms.items():
        if dict(one).get((base, "")) == 2:
            rest = times(one, _square(base), -1)
            parts += [(times(rest, other), coefficient * c) for other, c in square.items()]
        else:
            parts.append((one, coefficient))
    return added(parts)
