"""Points at an edge of a function (a kink, a jump, an infinite slope): one-sided derivatives replace the plain ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from bpcli.calculus.rules.duals import PlainNamespace
from bpcli.calculus.rules.shapes import Shape
from bpcli.calculus.sweeps.one_point import Sweeps
from bpcli.calculus.sweeps.seeds import Point, numbers, some_points, split, unit_seeds
from bpcli.numbers.namespaces import arrays
from bpcli.numbers.operators import UNKNOWN, UndecidedError

if TYPE_CHECKING:
    from bpcli.calculus.one_sided.kink_notes import Kink

FEW_STEPS = 4096  # entries of the program for each input, up to which the sides of all inputs are looked at


class Edges:
    """The steps of a program whose slope jumps or is infinite somewhere, and the sides of points at which it does."""

    def __init__(self, sweeps: Sweeps) -> None:
        self.sweeps, self.program = sweeps, sweeps.program
        self.wrt = [name for name, _ in sweeps.inputs]
        self.non_smooth = self.program.non_smooth(self.wrt)
        self.work = 0  # the work of the series about points, in products of short fractions

    def at(self, values: list[Any]) -> list[int]:
        """At one point: the slots of the steps that lie at an edge. UndecidedError where the errors of rounding leave
        that open."""
        base = self.sweeps.namespace.base
        if base.rounds and not base.doubles and self.open_points(self.sweeps.namespace, values).any():
            raise UndecidedError
        edges = ((slot, self.program.edge(self.sweeps.namespace, values, slot)) for slot in self.non_smooth)
        return [slot for slot, edge in edges if (edge if isinstance(edge, bool) else edge.any())]

    def points(self, xp: PlainNamespace, values: list[Any], slots: Sequence[int] | None = None) -> Any:
        """At which points, of the trailing axis, a step (of `slots`) is at an edge."""
        import numpy as np

        found: Any = np.zeros(1, bool)
        for slot in self.non_smooth if slots is None else slots:
            edge = self.program.edge(xp, values, slot)
            found = found | (edge if isinstance(edge, bool) else edge.any(axis=tuple(range(edge.ndim - 1))))
        return found

    def open_points(self, xp: PlainNamespace, values: list[Any]) -> Any:
        """At which points errors leave it open whether a step is at an edge."""
        import numpy as np

        found: Any = np.zeros(1, bool)
        for edge in (self.program.edge(xp, values, slot) for slot in self.non_smooth):
            if isinstance(edge, np.ndarray) and edge.dtype.hasobject:
                is_open = np.array([x is UNKNOWN for x in edge.ravel().tolist()]).reshape(edge.shape)
                found = found | is_open.any(axis=tuple(range(is_open.ndim - 1)))
        return found

    def one_sided(
        self, point: Point, values: Iterable[Any], rows: Iterable[Iterable[Any]], kink: str, second: bool = False
    ) -> tuple[list[dict[str, list[Any]]], list[Kink]]:
        """The slopes as rows, by name, with one-sided derivatives in place of the plain ones; and the kinks."""
        import numpy as np

        from bpcli.calculus.one_sided.kinks import resolve
        from bpcli.calculus.one_sided.lines import slopes_of_one_point
        from bpcli.calculus.one_sided.sides import Neighbourhood

        table = np.array([[v for block in row for v in numbers(block)] for row in rows], object)[..., None]
        at = np.array([v for value in values for v in numbers(value)], object)[:, None]
        columns = {name: np.asarray(value, float)[..., None] for name, value in point.items()}
        with np.errstate(all="ignore"):
            base = self.sweeps.namespace.base
            near = Neighbourhood(self.program, columns, self.wrt, not base.rounds, wide=base.rounds > base.doubles)
            looked = self._inputs_to_look_at(point, columns, table, second)
            kinks = resolve(near, table, at, kink, second, looked)
            if second:
                noted = {found.slope for found in kinks}
                kinks += slopes_of_one_point(near, table, looked, noted)
            self.work += near.work.done
        by_name = [dict(split(row, self.sweeps.inputs, _as_it_is)) for row in table[..., 0].tolist()]
        return by_name, kinks

    def _inputs_to_look_at(self, point: Point, columns: Point, table: Any, second: bool) -> list[int]:
        """The inputs on which a step at an edge depends, or whose slope is NaN.

        Of `second` derivatives also those of a step without a value: beside it the order may not be all the same.
        Of many inputs, each in turn is set to NaN, and the NaN shows in all that depends on it.
        """
        import numpy as np

        inputs = table.shape[1]
        steep = np.array([any(v != v for v in column) for column in table[..., 0].T])
        if inputs * self.program.entries < FEW_STEPS or not self.sweeps.namespace.base.rounds:
            values = self.sweeps.forward(point)
            slots = self.at(values)
            if second:
                slots += [slot for slot, value in enumerate(values) if not self.sweeps.is_finite(value)]
            return self._inputs_of(slots, steep)
        xp, found = PlainNamespace(arrays()), steep
        plain = self.program.forward(xp, columns)
        edges = [(self.program.step(slot), self.program.edge_entries(xp, plain, slot)) for slot in self.non_smooth]
        for start, stop in self.sweeps.chunks(inputs):
            seeds = unit_seeds(np, self.sweeps.inputs, start, stop)
            marked = {n: np.where(seeds[n] == 1, np.nan, c) if n in seeds else c for n, c in columns.items()}
            values = self.program.forward(xp, marked)
            for step, entries in edges:
                for a in step.args:
                    shown = np.isnan(values[a]) & entries
                    found[start:stop] |= shown.any(axis=tuple(range(shown.ndim - 1)))
        return [int(k) for k in np.flatnonzero(found)]

    def _inputs_of(self, slots: Sequence[int], steep: Any) -> list[int]:
        """The inputs that are `steep`, and all entries of the variables on which slots depend."""
        import numpy as np

        names = self.program.variables_of(slots)
        parts = [np.full(math.prod(shape), name in names) for name, shape in self.sweeps.inputs]
        return [int(k) for k in np.flatnonzero(steep | np.concatenate(parts))]

    # Many points

    def of_block(self, columns: Point, values: list[Any], table: Any, part: slice, near: Any, kink: str) -> list[Kink]:
        """The kinks among the points of a piece that are at an edge, by point; their slopes are put into the table."""
        import numpy as np

        size = part.stop - part.start
        hard = [slot for slot in self.non_smooth if not self.program.step(slot).homogeneous]
        bad = self.points(PlainNamespace(arrays()), values, hard) | ~np.isfinite(table[part]).all(axis=1)
        easy, steep = (np.flatnonzero(np.broadcast_to(near & which, size)) for which in (~bad, bad))
        kinks: list[Kink] = []
        places = part.start + steep
        if len(easy):
            kinks, rest = self._by_tangents(values, table, easy, part.start, kink)
            places = np.concatenate([rest, places])
        return sorted(kinks + self.by_series(columns, table, places, kink), key=lambda found: found.point)

    def by_series(self, columns: Point, table: Any, places: Any, kink: str, wide: bool = False) -> list[Kink]:
        """Write one-sided derivatives at `places` into the slopes (B, 1 + inputs); returns the kinks there.

        `wide`: of points at which doubles have no value, so that each input is looked at, in decimals.
        """
        import numpy as np

        from bpcli.calculus.one_sided.kinks import MAX_STEPS, resolve
        from bpcli.calculus.one_sided.sides import Neighbourhood

        xp = PlainNamespace(arrays())
        kinks: list[Kink] = []
        step = max(1, MAX_STEPS // (2 * max(1, (table.shape[1] - 1) * self.program.entries)))
        for start in range(0, len(places), step):
            some = places[start : start + step]
            slopes = table[some, 1:].T[None].astype(object)
            points = some_points(columns, some)
            values = self.program.forward(xp, points)
            slots = [slot for slot in self.non_smooth if self.points(xp, values, [slot]).any()]
            looked = self._inputs_of(slots, np.isnan(table[some, 1:]).any(axis=0) | wide)
            near = Neighbourhood(self.program, points, self.wrt, exact=False, wide=wide)
            found = resolve(near, slopes, table[some, 0][None].astype(object), kink, False, looked)
            table[some, 1:] = slopes[0].T.astype(float)
            kinks += [one._replace(point=int(some[one.point])) for one in found]
        return kinks

    def _by_tangents(self, values: list[Any], table: Any, places: Any, first: int, kink: str) -> tuple[list[Kink], Any]:
        """As `by_series`, by tangents to both sides; returns also the places where tangents are not enough.

        `values` and `places` are of a piece that begins at point `first` of the table.
        """
        import numpy as np

        from bpcli.calculus.one_sided.kinks import resolve_tangents
        from bpcli.calculus.rules.shapes import entry_names

        (slot,), inputs = self.program.outputs, table.shape[1] - 1
        near = [v if v.shape[-1] == 1 else v[..., places] for v in values]
        sides = np.empty((2, inputs, len(places)))
        for i in range(inputs):
            for side, sign in zip(sides, (-1.0, 1.0), strict=True):
                seeds = {n: sign * seed for n, seed in unit_seeds(np, self.sweeps.inputs, i, i + 1).items()}
                tangent = self.program.tangents(PlainNamespace(arrays()), near, seeds, sided=True)[slot]
                side[i] = 0.0 if tangent is None else sign * tangent
        enough = np.isfinite(sides).all(axis=(0, 1))
        some = first + places[enough]
        slopes = table[some, 1:].T
        names = [title for name, shape in self.sweeps.inputs for title in entry_names(name, shape)]
        kinks = resolve_tangents(names, slopes, sides[0][:, enough], sides[1][:, enough], kink)
        table[some, 1:] = slopes.T
        return [found._replace(point=int(some[found.point])) for found in kinks], first + places[~enough]


def _as_it_is(part: list[Any], shape: Shape) -> list[Any]:
    return part
