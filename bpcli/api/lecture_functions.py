"""Jacobians of the lecture's functions by name, and products with them, in doubles or proven to the last digit.

Source: the lecture's sections "… and Jacobians"; the formulas are in `bpcli.formulas`.

`named_jacobian("softmax", logits=[1, 2, 3])` has the value, the Jacobian in blocks, and the kinks at the point.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.api.arguments import as_flag, as_inputs, as_value, check_kink
from bpcli.calculus.one_sided.kink_notes import Kink
from bpcli.calculus.rules.shapes import Shape, entry_names
from bpcli.errors import InputError
from bpcli.formulas.affine import dot
from bpcli.formulas.choices import KINKS
from bpcli.lecture.input_checks import Inputs, blocks_of, check_names
from bpcli.lecture.inputs import INPUTS, settings_of
from bpcli.lecture.named_functions import Corner, each_set, named_function
from bpcli.numbers.namespaces import array_namespace
from bpcli.text.notation import counted

Blocks = dict[str, NDArray[Any]]
Results = tuple[Any, Mapping[str, Any], Sequence[Any]]


@dataclass(frozen=True)
class NamedDerivative:
    """The value of a function of the lecture, and its Jacobian, v·J or J·v.

    A number that can't be proven at any precision is a NaN of the type `Undecided`.
    """

    function: str
    inputs: dict[str, Any]
    value: Any
    shapes: dict[str, Shape]  # of the blocks that it is differentiated by
    kinks: tuple[Kink, ...]  # where the slopes on both sides differ
    place: str  # of the kinks, in words
    jacobian: Blocks | None = None  # for each block a matrix, outputs × entries
    vjp: Blocks | None = None  # v·J in the shape of each block
    jvp: NDArray[Any] | None = None  # J·v in the shape of the value

    @property
    def entries(self) -> list[str]:
        """The names of the entries that the function is differentiated by, block by block."""
        return [title for name, shape in self.shapes.items() for title in entry_names(name, shape)]


def named_jacobian(name: str, /, **inputs: Any) -> NamedDerivative:
    """The Jacobian of a function of the lecture: for each block a matrix, outputs × entries.

    `named_jacobian("sigmoid", z=0).jacobian["z"]` is [[0.25]]. In addition to the inputs it takes `wrt`, the blocks to
    differentiate by, such as `"w,b"`; `kink`, the slope at a kink: `lecture`, `left` or `right`; `certify=True`, which
    proves every digit; and `digits`, the number of significant digits of a proven number. Raises UsageError for an
    unknown name, for inputs that are missing, too many or do not fit, and for a Jacobian larger than the memory;
    MissingExtraError for `certify` without python-flint.
    """
    point = _Point(name, inputs)
    row = point.row
    value, blocks, slopes = point.evaluated(
        lambda i: (row.value(i), row.jacobian(i), [point.slope(corner, i) for corner in point.one_sided])
    )
    for corner, slope in zip(point.one_sided, slopes, strict=True):
        blocks[corner.block][corner.output, corner.entry] = slope
    return point.result(value, jacobian=blocks)


def named_vjp(name: str, v: Any, /, **inputs: Any) -> NamedDerivative:
    """v·J, for v with an entry for each output, without forming J. Keywords and errors as of `named_jacobian`."""
    point = _Point(name, inputs)
    row, v = point.row, _direction("vjp", v, point.outputs, "output")

    def compute(i: Inputs) -> Results:
        weights = _like_inputs(v, i)
        return row.value(i), row.vjp(i, weights), [weights[c.output] * point.slope(c, i) for c in point.one_sided]

    value, blocks, products = point.evaluated(compute)
    blocks = {block: part.reshape(point.shapes[block]) for block, part in blocks.items()}
    for corner, product in zip(point.one_sided, products, strict=True):
        blocks[corner.block].reshape(-1)[corner.entry] = product
    return point.result(value, vjp=blocks)


def named_jvp(name: str, v: Any, /, **inputs: Any) -> NamedDerivative:
    """J·v, for v with an entry for each input, without forming J. Keywords and errors as of `named_jacobian`."""
    point = _Point(name, inputs)
    row, v = point.row, point.tangent(_direction("jvp", v, sum(map(math.prod, point.shapes.values())), "input"))
    starts = point.starts()

    def compute(i: Inputs) -> Results:
        tangent, at = _like_inputs(v, i), [starts[corner.block] + corner.entry for corner in point.one_sided]
        slopes = [point.slope(corner, i) for corner in point.one_sided]
        if point.outputs > 1 or not slopes:  # a function that acts entry by entry
            return row.value(i), {"jvp": row.jvp(i, tangent)}, [s * tangent[k] for s, k in zip(slopes, at, strict=True)]
        entries = [entry for block in row.jacobian(i).values() for entry in block.reshape(-1)]
        for k, slope in zip(at, slopes, strict=True):
            entries[k] = slope
        return row.value(i), {"jvp": dot(array_namespace(tangent).asarray(entries), tangent)}, []

    value, blocks, products = point.evaluated(compute)
    product = blocks["jvp"]
    for corner, entry in zip(point.one_sided, products, strict=False):
        product[corner.output] = entry
    return point.result(value, jvp=product)


def each_named(name: str, inputs: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The inputs, one set for each row where a matrix is given for a vector: for softmax, a matrix of logits."""
    row = named_function(name)
    check_names(name, inputs)
    yield from each_set(row, inputs)


class _Point:
    """A function of the lecture at checked inputs, with the kinks at that point."""

    def __init__(self, name: str, given: Mapping[str, Any]) -> None:
        inputs = dict(given)
        self.kink: str = inputs.pop("kink", "lecture")
        self.certify, self.digits = as_flag("certify", inputs.pop("certify", False)), inputs.pop("digits", None)
        wrt = inputs.pop("wrt", None)
        check_kink(self.kink)
        self.name, self.given = name, inputs
        self.row = named_function(name)
        check_names(name, inputs)
        self.inputs = self.row.check(as_inputs(inputs))
        self.shapes: dict[str, Shape] = {b: np.shape(self.inputs[b]) for b in blocks_of(name, self.row.blocks, wrt)}
        with np.errstate(all="ignore"):
            self.outputs = int(np.size(self.row.value(self.inputs)))
            self.corners = [corner for corner in self.row.corners(self.inputs) if corner.block in self.shapes]
        self.one_sided = [] if self.kink == "lecture" else self.corners

    def slope(self, corner: Corner, inputs: Inputs) -> Any:
        """The entry of the Jacobian at a kink, in the numbers of the inputs."""
        return corner.slopes(inputs)[KINKS.index(self.kink)]

    def evaluated(self, compute: Callable[[Inputs], Results]) -> tuple[Any, Blocks, Sequence[Any]]:
        """The value, the blocks and the slopes at kinks that `compute` gives, in doubles or proven."""
        with np.errstate(all="ignore"):
            if not self.certify:
                value, blocks, rest = compute(self.inputs)
            else:
                value, blocks, rest = self._proven(compute)
        wanted = {block: np.array(part) for block, part in blocks.items() if block in self.shapes or block == "jvp"}
        return value, wanted, rest

    def starts(self) -> dict[str, int]:
        """The number of the first entry of each block, among the entries of all blocks."""
        sizes = [int(np.size(self.inputs[block])) for block in self.row.blocks]
        return dict(zip(self.row.blocks, itertools.accumulate(sizes, initial=0), strict=False))

    def tangent(self, v: NDArray[Any]) -> NDArray[Any]:
        """A direction in all blocks, from one in the blocks of `wrt`; it is 0 in the others."""
        whole, at = np.zeros(sum(int(np.size(self.inputs[block])) for block in self.row.blocks)), 0
        for block, shape in self.shapes.items():
            start, size = self.starts()[block], math.prod(shape)
            whole[start : start + size], at = v[at : at + size], at + size
        return whole

    def _proven(self, compute: Callable[[Inputs], Results]) -> Results:
        from bpcli.calculus.sweeps.certified import certified
        from bpcli.numbers.balls import balls

        def in_balls() -> Results:
            return compute({k: v if isinstance(v, str) else balls().asarray(v) for k, v in self.inputs.items()})

        entries = sum(np.size(v) for v in self.inputs.values())
        return certified(in_balls, self.digits, entries)

    def result(self, value: Any, **derivative: Any) -> NamedDerivative:
        """The derivative, with the slopes on both sides of each kink."""
        kinks = [corner.kink(self.inputs, self.kink) for corner in self.corners]
        place = self.corners[0].place if self.corners else ""
        keys = [*INPUTS[self.name], *settings_of(self.name, self.given.get("activation"))]
        shown = {key: self.given[key] for key in keys if self.given.get(key) is not None}
        return NamedDerivative(self.name, shown, value, self.shapes, tuple(kinks), place, **derivative)


def _direction(name: str, v: Any, count: int, what: str) -> NDArray[Any]:
    """The `count` entries of v, row by row; InputError if it has more or fewer."""
    entries = np.ravel(as_value(name, v))
    if len(entries) != count:
        raise InputError(
            f"{name} has {counted(len(entries), 'entry', 'entries')} for {counted(count, what)}", names=[name]
        )
    return entries


def _like_inputs(v: NDArray[Any], inputs: Inputs) -> Any:
    """v in the kind of numbers of the inputs: doubles or balls."""
    return array_namespace(*(x for x in inputs.values() if not isinstance(x, str))).asarray(v)
