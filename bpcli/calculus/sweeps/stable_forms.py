"""Recognises composites that users write by hand, and replaces each by its stable function.

`log(1+exp(x))` is a softplus, `1/(1+exp(-x))` a sigmoid, `log(softmax(l)[i])` an entry of a log_softmax: the same
numbers, without the overflow and the cancellation of the way there. It works on a program's instructions as they are
added, so the tree, and what is shown of it, stays the user's.
"""

import math
from collections.abc import Callable

from bpcli.calculus.language.tree import Expression
from bpcli.calculus.rules.exponential_sums import log_of_share, log_of_sum, share
from bpcli.calculus.sweeps.complements import as_share, minus, of_share, one_minus, plus, share_of
from bpcli.calculus.sweeps.exponential_terms import Term, without_common_factor
from bpcli.calculus.sweeps.instructions import Constant, Instruction
from bpcli.calculus.sweeps.matching import FEW_ENTRIES, Builder, Match
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.choices import smooth
from bpcli.formulas.losses import LOSSES


def _log(match: Match) -> int | None:
    (a,) = match.args
    if (summed := match.args_of(a, "sum")) and (inner := match.args_of(summed[0], "exp")):
        return match.array("logsumexp", inner[0], match.extra(a))
    if (found := _log_of_positive(match, a)) is not None:
        return found
    terms = match.terms(a)
    return None if terms is None else _log_of_terms(match, terms)


def _log_of_positive(match: Match, a: int, alone: bool = True) -> int | None:
    """log of what is positive and saturates: a sigmoid, a softmax, a share, sech², cosh, their products and powers.

    A share of terms with signs, or a product, may be negative: if it is not `alone`, it has no logarithm of its own.
    """
    if inner := match.args_of(a, "sigmoid"):  # log σ(u) = −softplus(−u)
        return match.apply("negative", match.apply("softplus", match.negative(inner[0])))
    if inner := match.args_of(a, "softmax"):
        return match.array("log_softmax", inner[0], match.extra(a))
    below = next(iter(match.args_below(a)), a)
    if (match.args_of(a, "sum") or match.args_of(below, "other_classes")) and (of := as_share(match, a)) is not None:
        return of_share(match, log_of_share, of)
    if inner := match.args_of(a, "other_classes"):
        return match.apply("log_other", match.array("softmax", inner[0], match.extra(a)), a)
    if inner := match.args_of(a, "cosh"):
        return match.apply("log_cosh", inner[0])
    if inner := match.args_of(a, "sech_squared"):
        return match.apply("*", match.constant(-2), match.apply("log_cosh", inner[0]))
    if (k := share_of(match, a)) is not None:
        args = match.args_below(a)
        if not alone and not all(_is_positive_constant(match, weight) for weight in args[0::2]):
            return None
        return match.builder.elementwise(log_of_share(k, len(args) // 2), args, match.node)
    if (taken := match.args_of(a, "take")) and (found := _log_of_positive(match, taken[0], alone)) is not None:
        return match.array("take", found, match.extra(a))
    if (inner := match.args_of(a, "prod")) and (found := _log_of_positive(match, inner[0], False)) is not None:
        return match.array("sum", found, match.extra(a))
    return _log_of_product(match, a, alone)


def _is_positive_constant(match: Match, slot: int) -> bool:
    step = match.slots[slot]
    return isinstance(step, Constant) and step > 0


def _log_of_product(match: Match, a: int, alone: bool) -> int | None:
    """log(a·p) = log a + log p, log(a/p) = log a − log p and log(pʸ) = y·log p for such a p."""

    def log_of_other(x: int) -> int | None:
        if alone or _is_positive_constant(match, x):
            return match.apply("log", x)
        return _log_of_positive(match, x, False)

    factors, parts, power = (match.args_of(a, name) for name in ("*", "/", "**"))
    for x, p in (factors, factors[::-1]) if factors else ():
        if (found := _log_of_positive(match, p, False)) is not None and (other := log_of_other(x)) is not None:
            return match.apply("+", other, found)
    if parts and (below := _log_of_positive(match, parts[1], False)) is not None:
        return None if (above := log_of_other(parts[0])) is None else match.apply("-", above, below)
    if parts and (above := _log_of_positive(match, parts[0], False)) is not None:
        return None if (below := log_of_other(parts[1])) is None else match.apply("-", above, below)
    if power and (found := _log_of_positive(match, power[0], False)) is not None:
        return match.apply("*", power[1], found)
    base = match.squared(a)
    if base is not None and (found := _log_of_positive(match, base, False)) is not None:
        return match.apply("*", match.constant(2), found)
    return None


def _log_of_terms(match: Match, terms: list[Term]) -> int:
    first = terms[0]
    if len(terms) == 1 and first.sign > 0:  # log(w·e^u) = u + log w
        exponent, alone = match.exponent(first), not (first.weights or first.divisors)
        return exponent if alone else match.apply("+", exponent, match.apply("log", match.weight(first)))
    if len(terms) == 2 and Term(1) in terms:
        other = terms[1 - terms.index(Term(1))]
        if other == Term(1, exponents=other.exponents):  # log(1 + e^u)
            return match.apply("softplus", match.exponent(other))
    return match.of_terms(log_of_sum(len(terms)), terms)


def _log1p(match: Match) -> int | None:
    (a,) = match.args
    if (minus := match.args_of(a, "negative")) and (inner := match.args_of(minus[0], "sigmoid")):
        return match.apply("negative", match.apply("softplus", inner[0]))
    terms = match.terms(a)
    return None if terms is None else _log_of_terms(match, match.collected([Term(1), *terms]))


def _log_by(base: int) -> Callable[[Match], int | None]:
    def rule(match: Match) -> int | None:
        found = _log(match)
        return None if found is None else match.apply("/", found, match.apply("log", match.constant(base)))

    return rule


def _power(match: Match) -> int | None:
    base, exponent = match.args
    step = match.slots[base]
    return match.apply("exp", exponent) if isinstance(step, Constant) and step.written == "e" else None


def _minus(match: Match) -> int | None:
    found, (a, b) = minus(match), match.args
    return _cross_entropy(match, a, b, -1) if found is None else found


def _plus(match: Match) -> int | None:
    found, (a, b) = plus(match), match.args
    return _cross_entropy(match, a, b, 1) if found is None else found


def _cross_entropy(match: Match, a: int, b: int, sign: int) -> int | None:
    """±[y·log σ(z) + (1 − y)·log(1 − σ(z))], whose logarithms have become softplus(−z) and softplus(z)."""
    first, second = _weighted_softplus(match, a), _weighted_softplus(match, b)
    if first is None or second is None or first[0] != sign * second[0]:
        return None
    for (_, y, u), (_, rest, z) in ((first, second), (second, first)):
        whole = match.args_of(rest, "-")
        if whole and match.is_number(whole[0], 1) and whole[1] == y and match.opposite(u, z):
            term = match.apply("sigmoid_bce_term", y, z)
            return term if first[0] > 0 else match.apply("negative", term)
    return None


def _weighted_softplus(match: Match, slot: int) -> tuple[int, int, int] | None:
    """(±1, y, u) if the slot is ±y·softplus(u)."""
    sign, slot = match.signed(slot)
    factors = match.args_of(slot, "*")
    if factors is None:
        return None
    for weight, other in (factors, factors[::-1]):
        (s, weight_), (t, other_) = match.signed(weight), match.signed(other)
        if inner := match.args_of(other_, "softplus"):
            return sign * s * t, weight_, inner[0]
    return None


def _quotient(match: Match) -> int | None:
    a, b = match.args
    if (found := _softmax(match, a, b)) is not None:
        return found
    factors = match.args_of(a, "*") or ()
    for c, other in (factors, factors[::-1]) if factors else ():
        if c == b and isinstance(value := match.slots[c], Constant) and 0.0 < abs(value) < math.inf:  # c·x/c = x
            return other
    square = match.args_of(b, "**2")
    if match.is_number(a, 1) and square and match.name_of(root := match.apply("/", a, square[0])) != "/":
        return match.apply("*", root, root)  # 1/s² = (1/s)²
    if (sinh := match.args_of(a, "sinh")) and sinh == match.args_of(b, "cosh"):
        return match.apply("tanh", sinh[0])
    below = match.terms(b)
    if below is None or len(below) < 2:
        return None
    above = match.terms(a)
    if above is not None and (found := _tanh(match, above, below)) is not None:
        return found
    above = above or [Term(1) if match.is_number(a, 1) else Term(1, (a,))]
    reduced = without_common_factor([*above, *below])
    above, below = reduced[: len(above)], reduced[len(above) :]
    if len(above) == 1:
        return _multiple_of_share(match, above[0], below)
    rest = list(below)
    for term in above:
        if term not in rest:
            return None
        rest.remove(term)
    return match.of_terms(share(len(above), len(below)), [*above, *rest]) if rest else None


def _tanh(match: Match, above: list[Term], below: list[Term]) -> int | None:
    """(e^u − e^v)/(e^u + e^v) = tanh((u − v)/2)."""
    if len(above) != 2 or len(below) != 2:
        return None
    for first, second in (above, above[::-1]):
        added = second.negative()
        if sorted(below) == sorted([first, added]) and first.over(added) == Term(1):
            difference = first.times(added.inverse())._replace(weights=(), divisors=())
            return match.apply("tanh", match.half(match.exponent(difference)))
    return None


def _multiple_of_share(match: Match, above: Term, below: list[Term]) -> int | None:
    """w·eˣ/(v·eˣ + …) = (w/v)·share."""
    same = next((term for term in below if term.exponents == above.exponents), None)
    factor = None if same is None else above.over(same)
    if same is None or factor is None or not all(map(match.is_nonzero, factor.divisors)):
        return None  # of (1/a)·share the slopes by a would cancel, and v may be 0
    rest = list(below)
    rest.remove(same)
    if [same, *rest] == [Term(1), Term(1, exponents=rest[0].exponents)]:  # 1/(1 + e^v) = σ(−v)
        found = match.apply("sigmoid", match.negative(match.exponent(rest[0])))
    elif len(rest) == 1 and rest[0] == Term(1) and same == Term(1, exponents=same.exponents):
        found = match.apply("sigmoid", match.exponent(same))
    else:
        found = match.of_terms(share(1, len(below)), [same, *rest])
    if above == same:
        return found
    return match.apply("*", match.weight(factor), found)


def _softmax(match: Match, a: int, b: int) -> int | None:
    """exp(l)/sum(exp(l)), or an entry of it."""
    summed = match.args_of(b, "sum")
    logits = match.args_of(summed[0], "exp") if summed else None
    top = match.args_of(a, "exp")
    if logits is None or top is None:
        return None
    axis, dimensions = match.extra(b), len(match.program.shapes[logits[0]])
    if dimensions > 1 and axis != 0:
        return None
    whole = None if dimensions == 1 else axis
    if top == logits:
        return match.array("softmax", logits[0], whole)
    if dimensions == 1 and match.args_of(top[0], "take") == logits:
        return match.array("take", match.array("softmax", logits[0], whole), match.extra(top[0]))
    return None


def _logit(match: Match) -> int | None:
    inner = match.args_of(match.args[0], "sigmoid")
    return inner[0] if inner else None


def _take(match: Match) -> int | None:
    """f(x)[i] = f(x[i]), x[1:3][0] = x[1] and [a, b][0] = a, so that what is made of one entry is recognised."""
    (x,) = match.args
    name, inner, index = match.name_of(x), match.args_below(x), match.own_extra[0]
    if name in ACTIVATIONS and ACTIVATIONS[name].kinks is smooth:
        return match.apply(name, match.array("take", inner[0], match.own_extra))
    if isinstance(index, tuple) or len(match.shape(x)) != 1:
        return None
    if name == "stack":
        entry: int = inner[index]
        return entry
    if name == "take" and len(match.shape(inner[0])) == 1:
        (bounds,) = match.extra(x)
        return match.array("take", inner[0], (range(match.shape(inner[0])[0])[slice(*bounds)][index],))
    return None


def _exp(match: Match) -> int | None:
    """e^−softplus(u) = σ(−u)."""
    inner = match.args_of(match.args[0], "negative")
    softplus = match.args_of(inner[0], "softplus") if inner else None
    return match.apply("sigmoid", match.negative(softplus[0])) if softplus else None


def _logsumexp(match: Match) -> int | None:
    """Of a few numbers in brackets their sum, term by term."""
    entries = match.args_of(match.args[0], "stack")
    if not entries or len(match.shape(match.args[0])) != 1 or not 1 < len(entries) <= FEW_ENTRIES:
        return None
    zero = match.constant(0)
    return _log_of_terms(match, [Term(1, exponents=() if x == zero else ((x, 1),)) for x in entries])


def _of_shifted(name: str) -> Callable[[Match], int | None]:
    """softmax(l − c) = softmax(l) for a number c."""

    def rule(match: Match) -> int | None:
        parts = match.args_of(match.args[0], "-")
        if not parts or match.shape(parts[1]) or not match.shape(parts[0]):
            return None
        return match.array(name, parts[0], match.own_extra)

    return rule


def _sqrt(match: Match) -> int | None:
    (a,) = match.args
    if terms := match.args_of(a, "+"):
        x, y = (match.squared(term) for term in terms)
        return None if x is None or y is None else match.apply("hypot", x, y)
    if (summed := match.args_of(a, "sum")) and (x := match.squared(summed[0])) is not None:
        return match.array("norm", x, match.extra(a))
    x = match.squared(a)
    return None if x is None else match.apply("abs", x)


def _of_difference(match: Match) -> int | None:
    """J₀(y, ŷ) = J₀(y − ŷ, 0) of a loss of y − ŷ alone, where y − ŷ has a stable form."""
    y, yhat, *settings = match.args
    difference = match.apply("-", y, yhat)
    if match.row is None or match.args_of(difference, "-") is not None:
        return None
    return match.builder.elementwise(match.row, (difference, match.constant(0), *settings), match.node)


def _bce_term(match: Match) -> int | None:
    y, p = match.args
    if inner := match.args_of(p, "sigmoid"):
        return match.apply("sigmoid_bce_term", y, inner[0])
    rest, log_p = one_minus(match, p), _log_of_positive(match, p)
    if rest is None or log_p is None:
        return None
    of_other = match.apply("log_cce_term", match.apply("-", match.constant(1), y), match.apply("log", rest))
    return match.apply("+", match.apply("log_cce_term", y, log_p), of_other)


def _cce_term(match: Match) -> int | None:
    y, y_hat = match.args
    inner = match.args_of(y_hat, "softmax")
    if inner is None:
        return None
    logarithm = match.array("log_softmax", inner[0], match.extra(y_hat))
    return match.apply("log_cce_term", y, logarithm)


_RULES: dict[str, Callable[[Match], int | None]] = {
    "log": _log,
    "log1p": _log1p,
    "log2": _log_by(2),
    "log10": _log_by(10),
    "**": _power,
    "-": _minus,
    "+": _plus,
    "/": _quotient,
    "sqrt": _sqrt,
    "logit": _logit,
    "take": _take,
    "exp": _exp,
    "logsumexp": _logsumexp,
    "softmax": _of_shifted("softmax"),
    "log_softmax": _of_shifted("log_softmax"),
    "bce_term": _bce_term,
    "cce_term": _cce_term,
}


def _rule_of(name: str) -> Callable[[Match], int | None] | None:
    loss = LOSSES.get(name.removesuffix("_term"))
    turned = loss is not None and loss.of_difference
    return _RULES.get(name) or (_of_difference if turned else None)


def recognised(builder: Builder, slot: int, node: Expression) -> int:
    """The slot of the stable form of the step that `slot` holds, or `slot` itself."""
    step = builder.program.slots[slot]
    rule = _rule_of(step.name) if isinstance(step, Instruction) else None
    if rule is None or not isinstance(step, Instruction):
        return slot
    found = rule(Match(builder, step, node))
    if found is None or math.prod(builder.program.shapes[found]) != math.prod(builder.program.shapes[slot]):
        return slot
    return found
