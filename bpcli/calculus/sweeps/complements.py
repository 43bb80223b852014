"""1 − p and y − p of what saturates, and other differences whose terms cancel, as what they are.

1 − σ(z) is σ(−z), 1 − p of a softmax the sum of the other classes, logsumexp(l) − l[0] is −log_softmax(l)[0].
"""

from collections.abc import Callable, Sequence, Set
from typing import NamedTuple

from bpcli.calculus.rules.exponential_sums import LOG_OF_SUM, log_of_share, log_of_sum, share
from bpcli.calculus.rules.function_rows import Function
from bpcli.calculus.rules.reductions import REDUCTIONS
from bpcli.calculus.sweeps.instructions import Elementwise
from bpcli.calculus.sweeps.matching import FEW_ENTRIES, Match
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.choices import FROM_0_TO_1


def minus(match: Match) -> int | None:
    """The stable form of a − b."""
    a, b = match.args
    if match.is_number(a, 1):
        return one_minus(match, b)
    if match.is_number(b, 1) and (rest := _twice_sigmoid(match, a)) is not None:  # 2σ(z) − 1 = tanh(z/2)
        return match.apply("tanh", rest)
    (s, inner), (t, other) = match.signed(a), match.signed(b)
    if s == t == -1:  # −x − (−y)
        return match.apply("-", other, inner)
    for rule in (_difference_of_shares, _minus_own_multiple):
        if (found := rule(match, a, b)) is not None:
            return found
    if (found := _label_minus(match, a, b)) is not None:
        return found
    if (found := _label_minus(match, b, a)) is not None:
        return match.negative(found)
    for sign, whole, part in ((1, a, b), (-1, b, a)):
        if (found := _minus_term(match, whole, part)) is not None:
            return found if sign > 0 else match.negative(found)
    return None


def plus(match: Match) -> int | None:
    """The stable form of a + b."""
    for a, b in (match.args, match.args[::-1]):
        if match.is_number(a, 1) and (inner := match.args_of(b, "tanh")):  # 1 + tanh z = 2σ(2z)
            two = match.constant(2)
            return match.apply("*", two, match.apply("sigmoid", match.apply("*", two, inner[0])))
        if (inner := match.args_of(a, "softplus")) and match.opposite(inner[0], b):  # softplus(−z) + z
            return match.apply("softplus", b)
        if (found := _shifted_back(match, a, b)) is not None:
            return found
    return _sum_of_shares(match, *match.args)


def _shifted_back(match: Match, log: int, m: int) -> int | None:
    """Log Σ e^(x − m) + m = log Σ eˣ: without the kink that m has where it is the largest x."""
    if inner := match.args_of(log, "logsumexp"):
        parts = match.args_of(inner[0], "-")
        fits = parts and parts[1] == m and not match.shape(m)
        return match.array("logsumexp", parts[0], match.extra(log)) if parts and fits else None
    args = match.args_of(log, LOG_OF_SUM) or ()
    exponents = [match.args_of(x, "-") or (x, -1) for x in args[1::2]]
    if not args or any(shift != m for _, shift in exponents):
        return None
    turned = [slot for w, (x, _) in zip(args[0::2], exponents, strict=True) for slot in (w, x)]
    return match.builder.elementwise(log_of_sum(len(exponents)), turned, match.node)


def one_minus(match: Match, slot: int) -> int | None:
    """1 − slot: of σ(z) σ(−z), of tanh z 2σ(−2z), of a share that of the others; None where nothing is known."""
    if inner := match.args_of(slot, "sigmoid"):
        return match.apply("sigmoid", match.negative(inner[0]))
    two = match.constant(2)
    if inner := match.args_of(slot, "tanh"):
        return match.apply("*", two, match.apply("sigmoid", match.negative(match.apply("*", two, inner[0]))))
    if inner := match.args_of(slot, "softmax"):
        return match.array("other_classes", inner[0], match.extra(slot))
    if (half := _twice_sigmoid(match, slot)) is not None:
        return match.negative(match.apply("tanh", half))
    for name, opposite in (("take", "take"), ("max", "min"), ("min", "max"), ("transpose", "transpose")):
        inner = match.args_of(slot, name)
        if inner and len(inner) == 1 and (rest := one_minus(match, inner[0])) is not None:
            return match.array(opposite, rest, match.extra(slot))
    if (k := share_of(match, slot)) is not None:
        args, count = match.args_below(slot), len(match.args_below(slot)) // 2
        return match.builder.elementwise(share(count - k, count), args[2 * k :] + args[: 2 * k], match.node)
    if match.args_of(slot, "sum") and (of := as_share(match, slot)) is not None:
        return of_share(match, share, Share(of.all - of.chosen, of.all))
    if (summed := match.args_of(slot, "sum")) and (p := match.squared(summed[0])) is not None:
        logits = match.args_of(p, "softmax")  # 1 − Σ p² = Σ p·(1 − p)
        if logits and len(match.shape(p)) == 1:
            return match.array(
                "sum", match.apply("*", p, match.array("other_classes", logits[0], match.extra(p))), None
            )
    return _one_minus_product(match, slot)


def _one_minus_product(match: Match, slot: int) -> int | None:
    """1 − tanh² z = sech² z, and 1 − p·q of two parts of 1."""
    x = match.squared(slot)
    if x is not None and (inner := match.args_of(x, "tanh")):
        return match.apply("sech_squared", inner[0])
    a, b = (x, x) if x is not None else match.args_of(slot, "*") or (None, None)
    if a is None or b is None or not (_is_part(match, a) and _is_part(match, b)):
        return None
    rest, other = one_minus(match, a), one_minus(match, b)
    if rest is None or other is None:
        return None
    return match.apply("other_product", a, b, rest, other)


def _is_part(match: Match, slot: int) -> bool:
    """Whether the slot is a sigmoid or a share, between 0 and 1."""
    while match.name_of(slot) in ("take", "transpose"):
        (slot,) = match.args_below(slot)
    name = match.name_of(slot)
    if name in ACTIVATIONS:
        return ACTIVATIONS[name].range.within(FROM_0_TO_1)
    return (name in REDUCTIONS and REDUCTIONS[name].shares) or share_of(match, slot) is not None


def _twice_sigmoid(match: Match, slot: int) -> int | None:
    """z/2 if the slot is 2σ(z)."""
    factors = match.args_of(slot, "*") or ()
    for two, other in (factors, factors[::-1]) if factors else ():
        if match.is_number(two, 2) and (inner := match.args_of(other, "sigmoid")):
            return match.half(inner[0])
    return None


def share_of(match: Match, slot: int) -> int | None:
    """K if the slot is the share of the first k terms of a sum of exponentials."""
    step = match.slots[slot]
    return step.row.leading if isinstance(step, Elementwise) else None


def _label_minus(match: Match, y: int, p: int) -> int | None:
    """y − p of a label y, which near 1 would cancel with a p near 1."""
    for name, difference in (("sigmoid", "minus_sigmoid"), ("tanh", "minus_tanh")):
        if inner := match.args_of(p, name):
            return match.apply(difference, y, inner[0])
    if (
        match.name_of(p) == "stack"
        and len(match.args_below(p)) <= FEW_ENTRIES
        and not match.shape(match.args_below(p)[0])
    ):
        parts = [match.apply("-", match.entry(y, i), entry) for i, entry in enumerate(match.args_below(p))]
        plain = all(match.name_of(part) == "-" for part in parts)
        return None if plain else match.stack(parts)
    holds_softmax = match.args_of(p, "softmax") or match.args_of(p, "take") or share_of(match, p) is not None
    if not holds_softmax or (rest := one_minus(match, p)) is None:
        return None
    return match.apply("minus_part", y, p, rest)


def _minus_term(match: Match, whole: int, part: int) -> int | None:
    """softplus(z) − z = softplus(−z), and the logarithm of a sum of exponentials minus one of the exponents."""
    if inner := match.args_of(whole, "softplus"):
        if inner[0] == part:
            return match.apply("softplus", match.negative(part))
        other = match.args_of(part, "softplus")
        return inner[0] if other and match.opposite(inner[0], other[0]) else None  # softplus(z) − softplus(−z) = z
    if inner := match.args_of(whole, "logsumexp"):
        if match.extra(whole) is not None or len(match.shape(inner[0])) != 1:
            return None
        logarithm = match.array("log_softmax", inner[0], None)
        if part == inner[0]:
            return match.negative(logarithm)
        if match.args_of(part, "max") == inner and match.extra(part) is None:
            return match.negative(match.array("max", logarithm, None))
        if match.args_of(part, "take") == inner:
            return match.negative(match.array("take", logarithm, match.extra(part)))
    if args := match.args_of(whole, LOG_OF_SUM):
        for k in range(0, len(args), 2):
            if args[k + 1] == part and match.is_number(args[k], 1):
                turned = args[k : k + 2] + args[:k] + args[k + 2 :]
                return match.negative(match.builder.elementwise(log_of_share(1, len(args) // 2), turned, match.node))
    return None


def _minus_own_multiple(match: Match, a: int, b: int) -> int | None:
    """a − a·c = a·(1 − c), and a − aⁿ, where 1 − c is known."""
    factors = match.args_of(b, "*") or ()
    name = match.name_of(b)
    for own, c in (factors, factors[::-1]) if factors else ():
        if own == a and (rest := one_minus(match, c)) is not None:
            return match.apply("*", a, rest)
    if name in ("**2", "**3") and match.args_below(b) == (a,):
        c = a if name == "**2" else match.apply("*", a, a)
        rest = one_minus(match, c)
        return None if rest is None else match.apply("*", a, rest)
    return None


def _sum_of_shares(match: Match, a: int, b: int) -> int | None:
    """p + q of two softmax entries, or shares, of one sum: the share of both."""
    first, second = as_share(match, a), as_share(match, b)
    if first is None or second is None or first.all != second.all or first.chosen & second.chosen:
        return None
    return of_share(match, share, Share(first.chosen | second.chosen, first.all))


def _difference_of_shares(match: Match, a: int, b: int) -> int | None:
    """p − q of shares of one sum, where the terms of q are among those of p."""
    first, second = as_share(match, a), as_share(match, b)
    if first is None or second is None or first.all != second.all or not first.chosen > second.chosen:
        return None
    return of_share(match, share, Share(first.chosen - second.chosen, first.all))


class Share(NamedTuple):
    """The terms (weight, exponent) of which something is the share, and all terms of the sum."""

    chosen: frozenset[tuple[int, int]]
    all: frozenset[tuple[int, int]]


def of_share(match: Match, row: Callable[[int, int], Function], of: Share) -> int | None:
    """`share` or `log_of_share` of the chosen terms; None where these are all or none."""
    others = sorted(of.all - of.chosen)
    args = [slot for term in (*sorted(of.chosen), *others) for slot in term]
    return (
        match.builder.elementwise(row(len(of.chosen), len(of.all)), args, match.node) if others and of.chosen else None
    )


def as_share(match: Match, slot: int) -> Share | None:
    """What a share, an entry of a softmax of few classes, or 1 − it, is the share of; None where terms are equal."""
    if (k := share_of(match, slot)) is not None:
        args = match.args_below(slot)
        terms = list(zip(args[0::2], args[1::2], strict=True))
        return _share(terms, set(terms[:k]))
    entries = match.args_of(slot, "sum") or (slot,)
    p, which = _chosen_entries(match, entries[0])
    op = REDUCTIONS.get(match.name_of(p))
    if op is None or not op.shares or match.shape(slot) or (len(which) != 1 and op.of_others):
        return None
    (logits,) = match.args_below(p)
    terms = [(match.constant(1), match.entry(logits, i)) for i in range(match.shape(logits)[0])]
    chosen = {terms[i] for i in which}
    return _share(terms, set(terms) - chosen if op.of_others else chosen)


def _share(terms: Sequence[tuple[int, int]], chosen: Set[tuple[int, int]]) -> Share | None:
    """A share of terms as sets; None where two of them are equal, which a set holds once."""
    return Share(frozenset(chosen), frozenset(terms)) if len(set(terms)) == len(terms) else None


def _chosen_entries(match: Match, slot: int) -> tuple[int, list[int]]:
    """A vector and the places of it that a slot takes, if few: p[1], p[1:3], [0,1,0]*p; else the slot and none."""
    factors = match.args_of(slot, "*") or ()
    for labels, p in (factors, factors[::-1]) if factors else ():
        each = match.args_of(labels, "stack") or ()
        ones = [i for i, y in enumerate(each) if match.is_number(y, 1)]
        zeros = [i for i, y in enumerate(each) if match.is_number(y, 0)]
        if each and match.shape(p) == (len(each),) and len(ones) + len(zeros) == len(each) <= FEW_ENTRIES:
            return p, ones
    taken = match.args_of(slot, "take")
    if not taken or len(match.shape(taken[0])) != 1 or (size := match.shape(taken[0])[0]) > FEW_ENTRIES:
        return slot, []
    (index,) = match.extra(slot)
    return taken[0], list(range(size)[slice(*index)]) if isinstance(index, tuple) else [index % size]
