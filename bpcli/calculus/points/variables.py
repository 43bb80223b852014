"""The variables of expressions: which names they are, their order, and their values at a point."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from bpcli.calculus.language.readings import reading_at, reading_of
from bpcli.calculus.language.tokens import name_end, normal_name
from bpcli.calculus.language.tree import Expression, Name, Span, postorder
from bpcli.calculus.points.values import (
    Assignment,
    Reader,
    as_value,
    assignments,
    parse_entries,
    parse_value,
    with_decimal_points,
)
from bpcli.calculus.rules.functions import CONSTANTS, FUNCTIONS
from bpcli.calculus.rules.shapes import Shape, entry_indices, entry_name
from bpcli.errors import DataError, ExpressionError, UsageError, meant, several
from bpcli.text.natural_order import natural_key
from bpcli.text.notation import number
from bpcli.text.visible import shortened

Point = dict[str, Any]
"""A float or an array for each variable, in their order."""


class Called(NamedTuple):
    """The names, in messages, of the arguments for points, constants, the order of variables and `wrt`."""

    at: str
    let: str
    order: str
    wrt: str


NAMES = Called("at", "let", "order", "wrt")


class Variables:
    """The variables of expressions in order: as `declared`, else in natural order (`b, w, x2, x10`).

    `let` are texts such as `k=2`, whose names are constants. ExpressionError for a name that is given twice, belongs to
    a function or a constant, does not occur, or is not among `declared`; messages use the words of `called`.
    """

    def __init__(
        self,
        trees: Sequence[Expression],
        texts: Sequence[str],
        declared: str | None = None,
        let: Sequence[str] = (),
        read: Reader | None = None,
        called: Called = NAMES,
    ) -> None:
        self._called = called
        self.places: dict[str, tuple[str, Span]] = {}  # of each name's first appearance: the text and the place in it
        for tree, text in zip(trees, texts, strict=True):
            for node in postorder(tree):
                if isinstance(node, Name):
                    self.places.setdefault(node.name, (text, node.span))
        claimed = None if declared is None else _declared(declared, called.order)
        self._claimed = frozenset(claimed or ())
        self.constants = self._constants(let, read)
        occurring = [n for n in self.places if n not in self.constants and self._may_vary(n)]
        if claimed is None:
            self.names = sorted(occurring, key=natural_key)
            self.positional = self.names == occurring
        else:
            for name in occurring:
                if name not in claimed:
                    order = f'{called.order} "{",".join([*claimed, name])}"'
                    hint = _advice(name, claimed) or f"{order}, or {called.let} {name}=…"
                    self._fail(name, f"{name} is not among {called.order}", hint)
            self.names = [name for name in claimed if name not in self.constants]
            self.positional = True
        self._occurring = occurring

    def _may_vary(self, name: str) -> bool:
        return name not in CONSTANTS or name in self._claimed

    def _fail(self, name: str, message: str, hint: str = "") -> NoReturn:
        """Raise the error of a name in the expression, shown where it first appears."""
        text, span = self.places[name]
        raise ExpressionError(message, text, *span, hint=hint)

    # Values

    def _constants(self, let: Sequence[str], read: Reader | None) -> Point:
        constants: Point = {}
        for text in let:
            given = assignments(text)
            if not given:
                hint = f"for example {self._called.let} k=2"
                raise ExpressionError(f"{self._called.let} takes NAME=VALUE", text, 0, len(text), hint)
            for item in given:
                if item.name in constants:
                    _fail_at(text, item, f"{item.name} is given twice by {self._called.let}")
                self._check_given(text, item, self._called.let)
                constants[item.name] = parse_value(text, read, item.value_start, item.value_end)
        return constants

    def _check_given(self, text: str, item: Assignment, giver: str) -> None:
        name = item.name
        if name in FUNCTIONS:
            _fail_at(text, item, f"{name} is a function, and can't be given a value", "choose another name")
        if not self._may_vary(name):
            names = ",".join(sorted({*filter(self._may_vary, self.places), name}, key=natural_key))
            hint = f'{self._called.order} "{names}" makes it a variable'
            _fail_at(text, item, f"{name} is the constant {number(CONSTANTS[name])}", hint)
        if name not in self.places and name not in self._claimed:
            candidates = [n for n in self.places if self._may_vary(n)]
            hint = meant(name, candidates, f"its variables are {', '.join(candidates) or 'none'}")
            for longer in candidates:
                reading = self._reading(longer, [name, *candidates])
                if re.search(rf"(?<![^\W\d_]){re.escape(name)}(?!\w)", reading):
                    hint = f"{longer} is one name: {reading}"
                    continue
                rest = longer.removeprefix(name)
                if rest != longer and rest.isalpha():
                    hint = f"did you mean {longer}? Names are never split: for a product write {name}*{rest}"
            _fail_at(text, item, f"{giver} gives {name}, which does not occur in the expression", hint)

    def point(self, text: str | None = None, read: Reader | None = None) -> Point:
        """The point of `1,2` in the variables' order, or `x=1,y=[2,3]`; a lone variable takes all of it.

        Without a text there must be no variables. ExpressionError shows the place in it, or where in the
        expression the name stands that has no value.
        """
        if text is None:
            for name in self.names:
                self._fail_unbound(name, [])
            return {}
        given = assignments(text)
        return self._named(text, given, read) if given else self._positional(text, read)

    def _named(self, text: str, given: list[Assignment], read: Reader | None) -> Point:
        names = [item.name for item in given]
        missing = [name for name in self.names if name not in names]
        for name in missing:  # before all else: of `xy` with x and y given, the mistake is xy and not x
            if _never_split(name, names):
                self._fail_unbound(name, names)
        values: Point = {}
        for item in given:
            if item.name in values:
                _fail_at(text, item, f"{item.name} is given twice by {self._called.at}")
            if item.name in self.constants:
                _fail_at(text, item, f"{item.name} is given by {self._called.let} already")
            self._check_given(text, item, self._called.at)
            if item.name not in self.names:
                message = f"{item.name} is not among {self._called.order}"
                _fail_at(text, item, message, f"these are {', '.join(self.names)}")
            values[item.name] = parse_value(text, read, item.value_start, item.value_end)
        for name in missing:
            self._fail_unbound(name, names)
        return {name: values[name] for name in self.names}

    def _fail_unbound(self, name: str, given: Sequence[str]) -> NoReturn:
        others = [*given, *(n for n in self.names if n != name), *self.constants]
        form = f'{self._called.at} "{",".join([f"{n}=…" for n in self.names])}"'
        if name not in self.places:  # declared, but not used
            raise UsageError(f"{name}, which {self._called.order} names, has no value", form)
        text, (start, _) = self.places[name]
        if name == "T" and (base := re.search(r"([^\W\d]\w*)\s*(\^|\*\*)\s*$", text[:start])):  # w^T*x
            self._fail(name, "T has no value, and behind a power sign is no transpose", f"write {base[1]}.T")
        hint = _advice(name, others)
        for longer in [name, *others]:
            if longer in self.places and (read := self._reading(longer, self.names)) != reading_of(longer, self.names):
                hint = read if longer == name else f"{longer} is one name: {read}"
                break
        self._fail(name, f"{name} has no value", hint or form)

    def _reading(self, name: str, known: Sequence[str]) -> str:
        """What a name in the expression may have been meant as, by what stands around it."""
        text, span = self.places[name]
        return reading_at(text, span, name, known)

    def _positional(self, text: str, read: Reader | None) -> Point:
        names, at = self.names, self._called.at
        entries = parse_entries(text, read)
        if not names:
            hint = f"{self._called.let} gives {', '.join(self.constants)}" if self.constants else ""
            raise ExpressionError(f"the expression has no variables, and {at} gives values", text, 0, len(text), hint)
        if len(names) == 1:
            return {names[0]: as_value(entries)}
        if not isinstance(entries, float | list):
            entries = entries.tolist()
        values: list[Any] = [entries] if isinstance(entries, float) else entries
        form = f'{at} "{",".join([f"{name}=…" for name in names])}"'
        pointed = with_decimal_points(text)
        pointed = f"{at} {pointed} has decimal points; " if len(pointed.split(",")) == len(names) else ""
        if taken := self.taken(text):
            pointed = f"{taken}; "
        if isinstance(values[0], list):
            points = " ".join([f"{at} {','.join(map(number, row))}" for row in values[:3]])
            hint = f"{pointed}{points} for several points; {form} for vectors and matrices"
            raise ExpressionError(f"{at} takes one point", text, 0, len(text), hint)
        if len(values) != len(names):
            advice = next(filter(None, [_never_split(name, names) for name in names]), form)
            counted = "1 value" if len(values) == 1 else f"{len(values)} values"
            message = f"{at} has {counted} for the {len(names)} variables {', '.join(names)}"
            raise ExpressionError(message, text, 0, len(text), pointed + advice)
        if not self.positional:
            orders = (self._occurring, names)
            forms = [",".join([f"{n}={number(v)}" for n, v in zip(o, values, strict=True)]) for o in orders]
            message = (
                f"which value is whose? The expression has the order {', '.join(self._occurring)}, "
                f"and sorted they are {', '.join(names)}"
            )
            hint = f'write {at} "{forms[0]}" or {at} "{forms[1]}"'
            raise ExpressionError(message, text, 0, len(text), hint)
        return dict(zip(names, values, strict=True))

    def taken(self, text: str) -> str:
        """That constants take no value of a point, if it has one for each of these too; else empty."""
        used = [name for name in self.constants if name in self.places]
        if not used or not self.names or text.lstrip()[:1] == "@" or assignments(text):
            return ""
        entries = parse_entries(text)
        if not isinstance(entries, list) or len(entries) != len(used) + len(self.names):
            return ""
        has = "has its value" if len(used) == 1 else "have their values"
        return (
            f"{', '.join(used)} {has} by {self._called.let}, and {self._called.at} is for {', '.join(self.names)} alone"
        )

    # Choices and columns

    def select(self, text: str) -> list[str]:
        """The names of `x,y`, in the variables' order; ExpressionError for one that is no variable."""
        chosen = []
        for name, start, end in _names(text, self._called.wrt):
            if name not in self.names:
                why = (
                    f"is given by {self._called.let}"
                    if name in self.constants
                    else "is not a variable of the expression"
                )
                hint = meant(name, self.names, f"its variables are {', '.join(self.names) or 'none'}")
                raise ExpressionError(f"{name} {why}", text, start, end, hint)
            chosen.append(name)
        return [name for name in self.names if name in chosen]

    def columns(self, header: Sequence[str], source: str) -> tuple[dict[str, "Columns"], list[str]]:
        """Of a table's header, the columns of each variable (named `x`, or `x[0]`, `A[0,1]`), and those left over.

        DataError names `source`, where a variable has no column, an entry none or two.
        """
        found: dict[str, dict[tuple[int, ...], int]] = {name: {} for name in self.names}
        ignored = []
        for position, title in enumerate(header):
            name, index = _entry(title)
            if name not in found:
                ignored.append(title)
            elif index in found[name]:
                raise DataError(f"{source} has two columns {title.strip()}")
            else:
                found[name][index] = position
        for name, entries in found.items():
            if not entries:
                hint = meant(name, ignored, f"its columns are {several(map(shortened, header))}")
                raise DataError(f"{source} has no column for the variable {name}", hint)
        return {name: Columns.of(name, entries, source) for name, entries in found.items()}, ignored

    def columns_in_order(self, count: int, source: str) -> dict[str, "Columns"]:
        """The columns of an array without names: one for each variable in order; a lone variable takes all of them."""
        if len(self.names) == 1 and count > 1:
            return {self.names[0]: Columns((count,), list(range(count)))}
        if count != len(self.names):
            raise DataError(
                f"{source} has {count} columns for the {len(self.names)} variables {', '.join(self.names)}",
                "a column for each variable, in this order; vectors need a CSV with columns x[0], x[1], …",
            )
        return {name: Columns((), [position]) for position, name in enumerate(self.names)}


class Columns:
    """Where a table holds a variable: its shape, and the columns of its entries, row by row."""

    __slots__ = ("positions", "shape")

    def __init__(self, shape: Shape, positions: list[int]) -> None:
        self.shape, self.positions = shape, positions

    @classmethod
    def of(cls, name: str, entries: Mapping[tuple[int, ...], int], source: str) -> "Columns":
        """From the column of each index; DataError where these don't make up a number, a vector or a matrix."""
        kinds = {len(index) for index in entries}
        if len(kinds) > 1:
            titles = [entry_name(name, min(i for i in entries if len(i) == kind)) for kind in sorted(kinds)]
            raise DataError(f"{source} has columns {' and '.join(titles)}, which don't fit together")
        shape = tuple([max(axis) + 1 for axis in zip(*entries, strict=True)])
        positions = []
        for index in entry_indices(shape):
            if index not in entries:
                last = entry_name(name, max(entries))
                raise DataError(f"{source} has a column {last}, but none {entry_name(name, index)}")
            positions.append(entries[index])
        return cls(shape, positions)


def shape_of(value: Any) -> Shape:
    """The shape of a float or an array."""
    return () if isinstance(value, float) else value.shape


def _entry(title: str) -> tuple[str, tuple[int, ...]]:
    """The name and index that a column's title says: `x`, `x[0]`, `A[0,1]`; ("", ()) if it says none."""
    written, bracket, rest = title.strip().partition("[")
    name = normal_name(written.rstrip())
    if not bracket:
        return name, ()
    parts = [part.strip() for part in rest.removesuffix("]").split(",")]
    fits = rest.endswith("]") and len(parts) <= 2 and all(p.isascii() and p.isdecimal() and len(p) < 10 for p in parts)
    return (name, tuple(map(int, parts))) if fits else ("", ())


def split_name(name: str, known: Sequence[str]) -> list[str]:
    """The `known` names that `name` is made of when read as a product (`xy`: x, y); empty if it is not."""
    last: list[str | None] = [None] * (
        len(name) + 1
    )  # for each place up to which the name is a product: the last factor
    for start in range(len(name)):
        if start and last[start] is None:
            continue
        for part in known:
            if part != name and name.startswith(part, start):
                last[start + len(part)] = last[start + len(part)] or part
    parts: list[str] = []
    stop = len(name)
    while factor := last[stop]:  # empty at the end of the name if it is no product
        parts.append(factor)
        stop -= len(factor)
    return parts[::-1]


def _never_split(name: str, known: Sequence[str]) -> str:
    """Advice for `xy` or `sinx`, if its parts are known; else empty."""
    parts = split_name(name, [*known, *CONSTANTS, "π"])
    if parts:
        return f"names are never split: for a product write {'*'.join(parts)}"
    for function in FUNCTIONS:
        if name.startswith(function) and name[len(function) :] in known:
            return f"names are never split: write {function}({name[len(function) :]})"
    return ""


def _advice(name: str, known: Sequence[str]) -> str:
    """A hint for a name without a value: a product, a call, or a similar name that has a value; else empty."""
    reading = reading_of(name, known)
    if reading and not reading.startswith("for the number"):
        reading = f"names are never split: {reading}"
    return known_meaning(name, known) or reading


def known_meaning(name: str, known: Sequence[str]) -> str:
    """What a name may stand for among the known ones: a product, a call, or a similar name; else empty."""
    return _never_split(name, known) or meant(name, known)


def _declared(text: str, giver: str) -> list[str]:
    """The declared names, in order."""
    names = []
    for name, start, end in _names(text, giver):
        if name in FUNCTIONS:
            raise ExpressionError(f"{name} is a function, and no variable", text, start, end, "choose another name")
        names.append(name)
    return names


def _names(text: str, giver: str) -> Iterator[tuple[str, int, int]]:
    """The names in `x,y` or `x y`, each in its one form and with its place; ExpressionError for anything else."""
    seen = set()
    place = 0
    while place < len(text):
        if text[place].isspace() or text[place] == ",":
            place += 1
            continue
        end = max(name_end(text, place), place + 1)
        name = normal_name(text[place:end])
        if not name:
            raise ExpressionError(f"{giver} takes names", text, place, end, f'for example {giver} "x,y"')
        if name in seen:
            raise ExpressionError(f"{giver} has {name} twice", text, place, end)
        seen.add(name)
        yield name, place, end
        place = end
    if not seen:
        raise ExpressionError(f"{giver} takes names", text, 0, 1, f'for example {giver} "x,y"')


def _fail_at(text: str, item: Assignment, message: str, hint: str = "") -> NoReturn:
    raise ExpressionError(message, text, item.start, item.end, hint)
