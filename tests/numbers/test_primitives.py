"""Every primitive that a formula may call is offered by each kind of number that offers it to mypy."""

import inspect

import numpy as np
import pytest

from bpcli.numbers.namespaces import FLOATS, arrays
from bpcli.numbers.primitives import Arrays, Doubles, Namespace, Number

METHODS = {
    name
    for name, member in inspect.getmembers(Number, inspect.isfunction)
    if name.startswith("__") and name != "__init__"
}


def members(protocol):
    return {name for base in protocol.__mro__ for name in vars(base) if not name.startswith("_")}


@pytest.mark.parametrize("name", sorted(members(Doubles)))
def test_floats_offer_it(name):
    assert hasattr(FLOATS, name)


@pytest.mark.parametrize("name", sorted(members(Arrays)))
def test_arrays_offer_it(name):
    assert hasattr(arrays(), name)


@pytest.mark.parametrize("name", sorted(members(Namespace)))
def test_balls_offer_it(name):
    pytest.importorskip("flint")
    from bpcli.numbers.balls import balls

    assert hasattr(balls(), name)


def test_floats_and_arrays_are_numbers():
    operators = {n for n in METHODS if n not in ("__subclasshook__", "__class_getitem__", "__init_subclass__")}
    assert operators <= set(dir(float))
    assert operators <= set(dir(np.ndarray))
