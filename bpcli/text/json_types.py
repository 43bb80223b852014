"""Whether a value that came from JSON is of the type that an annotation says."""

from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from enum import Enum
from math import isfinite
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

_EXACT = 2**53  # whole numbers below are floats, too
_PLAIN = (str, bool, int, NoneType)


def conforms(value: Any, hint: Any) -> bool:
    """Whether `value` is of the type `hint`: a plain type, a union, a literal, a tuple, a mapping, or a record of such.

    True is no number, 1 is a float, and a float is finite.
    """
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(conforms(value, one) for one in args)
    if origin is Literal:
        return value in args
    if origin is tuple and args[-1] is not Ellipsis:
        return isinstance(value, tuple) and len(value) == len(args) and all(map(conforms, value, args))
    if origin in (tuple, list, Sequence):
        of_kind = isinstance(value, tuple if origin is tuple else list | tuple)
        return of_kind and all(conforms(entry, args[0]) for entry in value)
    if origin in (dict, Mapping):
        return isinstance(value, dict) and all(conforms(k, args[0]) and conforms(v, args[1]) for k, v in value.items())
    if isinstance(hint, type) and is_dataclass(hint):
        return isinstance(value, hint) and all(
            conforms(getattr(value, name), of_field) for name, of_field in get_type_hints(hint).items()
        )
    if hint is float:
        return (type(value) is float and isfinite(value)) or (type(value) is int and abs(value) < _EXACT)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return isinstance(value, hint)
    plain = NoneType if hint is None else hint
    return type(value) is plain if plain in _PLAIN else True
