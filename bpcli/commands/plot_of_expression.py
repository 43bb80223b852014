"""`bpcli plot EXPR`: the figure of a function, its gradient and a descent."""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any, NamedTuple

from bpcli.api.descent import LeftTheFiniteError, check_learning_rate, descent, left_the_finite
from bpcli.calculus.language.latex import to_latex
from bpcli.calculus.points.values import parse_value
from bpcli.calculus.points.variables import Point
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.rounding import block_errors
from bpcli.commands import output
from bpcli.commands.printing import Printer
from bpcli.commands.requests import Given, Request
from bpcli.errors import NotFiniteError, UsageError, meant
from bpcli.text.notation import number

STEPS = 20  # of a descent
HIGHEST = 1e300  # of a value in a picture: the differences of two must be finite
FINE = 200  # parts of the height of a picture: one of them can just be seen
FAR = 1e250  # the largest coordinate of a picture: its square must be finite


class Wanted(NamedTuple):
    """The options of `plot EXPR`, as they are given."""

    ranges: str | None
    at: tuple[str, ...]
    lr: float | None
    steps: int | None
    let: tuple[str, ...]
    declared: str | None
    kind: str | None
    field: bool
    updates: bool
    kink: str | None


def figure_of_expression(
    text: str, printer: Printer, size: tuple[float, float], wanted: Wanted
) -> tuple[Any, NotFiniteError | None]:
    """The figure of an expression, and the error to raise after it is written."""
    import numpy as np

    from bpcli.plots.expressions import Scene, draw
    from bpcli.plots.sampling import sensible_ranges, with_minimum

    _check_options(wanted)
    request = Request([text], Given(wanted.at, wanted.let, wanted.declared), printer)
    names = request.variables.names
    functions = _functions(request, wanted)
    value = functions.value
    place, height, gradient, path, trouble = None, None, None, None, None
    if wanted.at:
        calculation, point = _point(request, names, wanted.at[0])
        height, slope = calculation.gradient(point)
        place, gradient = ([float(of[name]) for name in names] for of in (point, slope))
        printer.check(calculation, point, [height, *gradient])
        if wanted.lr is not None:
            path, trouble = _path(calculation, point, names, wanted.lr, wanted.steps or STEPS)
    marks = None if place is None else np.array([place]) if path is None else path
    if marks is not None and gradient is not None:
        found = with_minimum(value, marks)
        # A lone point stays in the middle, unless there is a minimum on its way down.
        marks = found if path is not None or (found[-1] - place) @ gradient < 0 else marks
    spans = sensible_ranges(value, names, _ranges(wanted.ranges, names), marks)
    scene = Scene(
        text, to_latex(request.trees[0]), names, spans, value, place, height, gradient, path, wanted.updates,
        functions.slopes if wanted.field else None,
    )  # fmt: skip
    if unseen := _unseen(scene):
        output.note(unseen)
    grid = [g.ravel() for g in np.meshgrid(*(np.linspace(*span, 81) for span in spans))]
    if blurred := _blurred(functions, names, grid):
        output.note(blurred)
    if trouble is None and not printer.not_finite and not np.isfinite(value(*grid)).any():
        trouble = NotFiniteError(f"{text} has no finite value in {_spans(scene)}", "--range shows another part")
    return draw(scene, wanted.kind or "contour", size), trouble


def _spans(scene: Any) -> str:
    """The part that a picture shows: `x=-1:1, y=-1:1`."""
    spans = zip(scene.names, scene.ranges, strict=True)
    return ", ".join(f"{name}={number(a, 4)}:{number(b, 4)}" for name, (a, b) in spans)


def _unseen(scene: Any) -> str:
    """A remark on a point or steps that lie outside the picture; empty if there are none."""

    def outside(points: Any) -> int:
        return sum(any(not a <= v <= b for v, (a, b) in zip(p, scene.ranges, strict=True)) for p in points)

    after = [] if scene.path is None else scene.path[1:]
    steps = f"{outside(after)} of the {len(after)} steps"
    if scene.point is None or not outside([scene.point]):
        return f"{steps} lie outside {_spans(scene)}, which the picture shows" if outside(after) else ""
    point = ", ".join(f"{name}={number(v)}" for name, v in zip(scene.names, scene.point, strict=True))
    more = f", and so do {steps}" if outside(after) else ""
    return f"the point {point} lies outside {_spans(scene)}, which the picture shows{more}"


class _Functions(NamedTuple):
    """Functions of columns of points: the value of an expression, its slopes, and how far rounding may set it off."""

    value: Callable[..., Any]
    slopes: Callable[..., Sequence[Any]]
    errors: Callable[..., Any]


def _blurred(functions: _Functions, names: Sequence[str], grid: Sequence[Any]) -> str:
    """A remark on rounding errors that the picture shows, of more than 1/`FINE` of its height; empty without any."""
    import numpy as np

    values = functions.value(*grid)
    finite = values[np.isfinite(values)]
    height = float(finite.max() - finite.min()) if len(finite) else 0.0
    errors = np.where(np.isfinite(values), functions.errors(*grid), 0.0)
    seen = errors > height / FINE
    if not height or not seen.any():
        return ""
    worst = int(np.argmax(np.where(seen, errors, 0.0)))
    place = ",".join(f"{name}={number(column[worst])}" for name, column in zip(names, grid, strict=True))
    share = max(seen.mean(), 0.01)
    return (
        f"digits are lost to rounding, terms cancel: {share:.0%} of the picture shows rounding errors, the "
        f"largest at {place}; bpcli eval --certify proves a value"
    )


def _functions(request: Request, wanted: Wanted) -> _Functions:
    """Those of an expression of one or two numbers."""
    import numpy as np

    names = request.variables.names
    if not 1 <= len(names) <= 2:
        what = f"has {len(names)}: {', '.join(names)}" if names else "has none"
        hint = "--let NAME=VALUE fixes one" if names else 'bpcli plot "x**2" --output picture.png'
        raise UsageError(f"a picture shows a function of one or two variables, and this {what}", hint)
    if len(names) == 1 and (wanted.kind or wanted.field):
        raise UsageError(f"{'--kind' if wanted.kind else '--field'} needs two variables, and this has one: {names[0]}")
    calculation = request.calculation(dict.fromkeys(names, ()))
    calculation.require_scalar()
    constants = {n: np.asarray(v, float)[..., None] for n, v in request.variables.constants.items()}

    def block(columns: tuple[Any, ...]) -> dict[str, Any]:
        return {n: np.asarray(c, float) for n, c in zip(names, columns, strict=True)} | constants

    def value(*columns: Any) -> Any:
        found = calculation.value_block(block(columns))[0]
        return np.where(np.abs(found) <= HIGHEST, found, np.nan)

    def slopes(*columns: Any) -> list[Any]:
        with np.errstate(all="ignore"):
            gradient = calculation.gradient_block(block(columns))[1]
        return [gradient[name] for name in names]

    def errors(*columns: Any) -> Any:
        return np.broadcast_to(block_errors(calculation.program, block(columns)), columns[0].shape)

    return _Functions(value, slopes, errors)


def _check_options(wanted: Wanted) -> None:
    """UsageError for options that would draw nothing, or that need another option."""
    lr, steps, updates = wanted.lr, wanted.steps, wanted.updates
    if len(wanted.at) > 1:
        raise UsageError("a picture has one point, and --at gives several")
    if lr is not None and not wanted.at:
        raise UsageError("--lr draws a descent, which begins at --at", "--at 2,1 --lr 0.1")
    if lr is not None:
        check_learning_rate(lr)
    if steps is not None and lr is None:
        raise UsageError("--steps goes with a descent, which needs --lr", f"--lr 0.1 --steps {steps}")
    if updates and not wanted.at:
        raise UsageError("--updates draws arrows at a point", "--at 2,1 --updates")
    if wanted.kind == "surface" and (updates or wanted.field):
        raise UsageError(f"{'--updates' if updates else '--field'} is drawn over contours", "--kind contour")


def _point(request: Request, names: list[str], text: str) -> tuple[Calculation, Point]:
    import numpy as np

    ((calculation, point),) = request.single_points()
    for name in names:
        if np.ndim(point[name]):
            raise UsageError(f"--at {text}: a picture shows a function of numbers, not of vectors")
        if not abs(point[name]) <= FAR:
            raise UsageError(f"--at {text}: a picture needs numbers up to {FAR:g}, and {name} is {number(point[name])}")
    return calculation, point


def _path(
    calculation: Calculation, point: Point, names: list[str], lr: float, steps: int
) -> tuple[Any, NotFiniteError | None]:
    """The points of a descent while they and their values are finite, and the error that ended it, if any."""
    import numpy as np

    points: list[list[float]] = []
    downward = dict.fromkeys(names, False)
    last: Point | None = None
    try:
        for step in descent(calculation, point, downward, lr, steps, None):
            row = [float(step.point[name]) for name in names]
            if last is not None and not (isfinite(step.value) and max(map(abs, row)) <= FAR):
                raise left_the_finite(calculation, step.point, last, step.step, lr, downward)
            points.append(row)
            last = step.point
    except LeftTheFiniteError as error:
        return np.array(points), error if step.step else None  # an error at the first point is reported already
    return np.array(points), None


def _ranges(text: str | None, names: list[str]) -> dict[str, tuple[float, float]]:
    """The spans of `x=-3:3,y=0:1`; of a lone variable also `-3:3`."""
    spans: dict[str, tuple[float, float]] = {}
    for part in text.split(",") if text is not None else ():
        name, equals, span = (piece.strip() for piece in part.partition("="))
        if not equals and len(names) == 1:
            name, span = names[0], part.strip()
        low, colon, high = span.partition(":")
        form = ",".join(f"{n}=-3:3" for n in names)
        if not colon:
            raise UsageError(f"--range {part.strip()}: expected NAME=LOW:HIGH", f"--range {form}")
        if name not in names:
            raise UsageError(
                f"--range {part.strip()}: {name} is no variable",
                meant(name, names, f"--range {form}"),
            )
        if name in spans:
            raise UsageError(f"--range gives {name} twice")
        ends = [parse_value(end) for end in (low, high)]
        if not all(isinstance(end, float) and abs(end) <= FAR for end in ends) or ends[0] >= ends[1]:
            raise UsageError(f"--range {part.strip()}: expected two numbers, the smaller one first", f"--range {form}")
        if ends[1] - ends[0] < max(1e-12 * max(map(abs, ends)), 1e-250):
            raise UsageError(f"--range {part.strip()}: too narrow for the numbers of a picture", f"--range {form}")
        spans[name] = (ends[0], ends[1])
    return spans
