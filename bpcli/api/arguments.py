"""Checks of what a Python caller passes to the calculator: expressions, names and values."""

import operator
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.tree import Expression
from bpcli.calculus.points.variables import Variables
from bpcli.errors import UsageError, meant
from bpcli.formulas.choices import KINKS

Names = str | Sequence[str]
"""`"x,y"` or `["x", "y"]`."""


class Expressions:
    """Parsed expressions and their variables in order; `let` holds constants, `wrt` the variables to differentiate by.

    Raises ExpressionError for an expression that can't be read, UsageError for a name or a value that does not fit.
    """

    def __init__(
        self,
        texts: Iterable[str],
        wrt: Names | None = None,
        let: Mapping[str, Any] | None = None,
        order: Names | None = None,
    ) -> None:
        self.texts = expression_texts(texts)
        self.trees: list[Expression] = [parse(text) for text in self.texts]
        if let is not None and not (isinstance(let, Mapping) and all(isinstance(name, str) for name in let)):
            raise UsageError(f"let: expected a mapping of names to values, found {shown(let)}")
        given = dict(let or {})
        declared = None if order is None else joined("order", order)
        if declared is not None:
            declared = ",".join(
                [declared, *(name for name in given if name not in declared.replace(" ", "").split(","))]
            )
        every = Variables(self.trees, self.texts, declared)
        self.constants = {name: as_value(name, value) for name, value in given.items()}
        check_names(self.constants, every.names, "let")
        self.variables = [name for name in every.names if name not in self.constants]
        self.in_order = every.positional
        everything = wrt is None or (not self.variables and not wrt)
        self.wrt = self.variables if everything else every.select(joined("wrt", wrt))
        check_names(self.wrt, self.variables, "wrt")


def expression_texts(expressions: Iterable[object]) -> list[str]:
    """Expressions as texts; UsageError for one that is none."""
    texts = []
    for expression in expressions:
        if not isinstance(expression, str):
            raise UsageError(f"an expression is a text, found {shown(expression)}", 'for example "x**2+y**2"')
        texts.append(expression)
    return texts


def each_text(texts: str | os.PathLike[str] | Iterable[Any]) -> list[Any]:
    """Texts or paths as a list; a lone one, whose letters Python would iterate over, as the list of it."""
    return [texts] if isinstance(texts, str | os.PathLike) else list(texts)


def shown(value: object) -> str:
    """A value as a message shows it; a long one is cut."""
    try:
        text = repr(value)
    except ValueError:  # an integer of more digits than Python writes
        text = f"a number of type {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:40]}…"


def as_double(keyword: str, value: Any) -> float:
    """A number that was passed, as a double; UsageError for what is none, or is beyond the doubles."""
    try:
        if isinstance(value, str | bytes):
            raise TypeError
        return float(value)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise UsageError(f"{keyword}: expected a number, found {shown(value)}") from error


def as_whole(keyword: str, value: Any) -> int:
    """A whole number that was passed; UsageError for what is none."""
    try:
        return operator.index(value)
    except TypeError as error:
        raise UsageError(f"{keyword}: expected a whole number, found {shown(value)}") from error


def as_flag(keyword: str, value: Any) -> bool:
    """True or False; UsageError for what is neither, as an array."""
    try:
        return bool(value)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{keyword}: expected True or False, found {shown(value)}") from error


def as_text(keyword: str, value: Any, hint: str = "") -> str:
    """A text that was passed; UsageError for anything else."""
    if not isinstance(value, str):
        raise UsageError(f"{keyword}: expected a text, found {shown(value)}", hint)
    return value


def as_mapping(keyword: str, given: Any, example: str) -> Mapping[str, Any]:
    """What was passed by name; UsageError for what has no names."""
    if not isinstance(given, Mapping):
        raise UsageError(f"{keyword}: expected values by name, found {shown(given)}", f"{keyword}={example}")
    return given


def joined(keyword: str, names: object) -> str:
    """Names joined by commas; UsageError for anything but a text or a list of texts."""
    if isinstance(names, str):
        return names
    if isinstance(names, Sequence) and all(isinstance(name, str) for name in names):
        return ",".join(names)
    raise UsageError(f"{keyword}: expected names, found {shown(names)}", f'{keyword}="x,y" or {keyword}=["x", "y"]')


def check_names(given: Iterable[object], known: Sequence[str], where: str) -> None:
    """UsageError for a name that is not among the variables."""
    for name in given:
        if name not in known:
            hint = meant(str(name), known, f"they are {', '.join(known) or 'none'}")
            raise UsageError(f"{where} gives {name}, which is not among the variables", hint)


def check_kink(kink: str) -> None:
    """UsageError unless `kink` is one of `KINKS`."""
    if not isinstance(kink, str) or kink not in KINKS:
        raise UsageError(f"kink: expected one of {', '.join(KINKS)}, found {kink!r}")


def as_inputs(given: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs of a function of the lecture as numbers and arrays of doubles; the name of an activation is left as it is.

    UsageError for an input that is neither a number, a vector nor a matrix.
    """

    import numpy as np

    def ready(value: Any) -> bool:
        return isinstance(value, float) or (isinstance(value, np.ndarray) and value.dtype == float and value.size > 0)

    return {name: v if name == "activation" or ready(v) else as_value(name, v) for name, v in given.items()}


def by_name(data: Any) -> tuple[dict[str, Any], bool] | None:
    """The columns of a data frame, with True, or the cells of a series of pandas, with False; None for other data."""
    if isinstance(data, Mapping) or not any(hasattr(type(data), n) for n in ("columns", "column_names", "to_frame")):
        return None
    from bpcli.datasets.from_python import frame_columns, is_frame

    is_frame(data)  # a lazy one is refused
    is_table = not hasattr(data, "to_frame")
    names = (
        getattr(data, "column_names", None) or data.columns
        if is_table
        else data.keys()
        if hasattr(data, "keys")
        else ()
    )
    if not len(names) or not all(isinstance(name, str) for name in names):
        return None
    return (frame_columns(data), True) if is_table else ({name: data[name] for name in names}, False)


def as_value(name: str, value: Any) -> Any:
    """A number as a float, a vector or a matrix as an array of doubles; UsageError for anything else."""
    if type(value) is float:
        return value
    import numpy as np

    expected = f"{name}: expected a number, a vector or a matrix, found"
    try:
        entries = np.asarray(value)
        if entries.dtype.kind not in "biufO" or any(
            entry is None for entry in entries.flat if entries.dtype.kind == "O"
        ):
            raise TypeError
        with np.errstate(over="raise"):
            array = np.array(entries, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{expected} {shown(value)}") from error
    except ArithmeticError as error:
        raise UsageError(f"{name}: {shown(value)} is beyond the range of doubles, 1.8e308") from error
    if np.ma.is_masked(value):
        raise UsageError(f"{expected} an array with masked entries", "fill or drop them: v.filled(0), v.compressed()")
    if array.ndim > 2 or not array.size:
        raise UsageError(f"{expected} an array of shape {array.shape}")
    return array if array.ndim else float(array)
