"""`bpcli plot`: pictures of a function with its gradient and a descent, or of a trained model."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

import click

from bpcli.api.descent import LeftTheFiniteError, check_learning_rate, descent, left_the_finite
from bpcli.calculus.language.latex import to_latex
from bpcli.calculus.points.values import parse_value
from bpcli.calculus.points.variables import Point
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.commands import Command, Option, option, output
from bpcli.commands.option_groups import RowName
from bpcli.commands.printing import Printer
from bpcli.commands.requests import Given, Request, number_of
from bpcli.datasets.sparse import dense
from bpcli.errors import DataError, NotFiniteError, UsageError, listed, meant, nearest
from bpcli.files import refuse_overwrite
from bpcli.formulas.choices import KINKS
from bpcli.plots.runs import VIEWS
from bpcli.plots.subjects import Image
from bpcli.text.notation import number
from bpcli.training.model import Model

STEPS = 20
DPI = 200
HIGHEST = 1e300  # of a value in a picture: the differences of two must be finite
FAR = 1e250  # the largest coordinate of a picture: its square must be finite


PICTURE, OF_EXPRESSION, OF_RUN = "Picture", "Of an expression", "Of a run"


class Wanted(NamedTuple):
    """What the options of an expression ask for."""

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


_TARGET = click.Path(path_type=Path)


@click.command(cls=Command)
@click.argument("subject", metavar="EXPR|RUN")
@option(PICTURE, "--output", "target", type=_TARGET, metavar="FILE.png|svg|pdf", help="The picture.")
@option(PICTURE, "--force", is_flag=True, help="Replace an existing FILE.")
@option(PICTURE, "--size", metavar="WxH", help="Inches. [default: 6x4.5; for a run's overview 11x8]")
@option(PICTURE, "--dpi", type=click.IntRange(20, 1200), metavar="N", help=f"Dots per inch, for PNG. [default: {DPI}]")
@option(PICTURE, "--title", metavar="TEXT", help="A title above the picture.")
@option(OF_EXPRESSION, "--range", "ranges", metavar="RANGES", help="The part that is shown: x=-3:3,y=-3:3.")
@option(OF_EXPRESSION, "--at", multiple=True, metavar="POINT", help="Where the gradient is drawn and a descent begins.")
@option(OF_EXPRESSION, "--lr", callback=number_of, metavar="A", help="Draw a descent with this learning rate.")
@option(OF_EXPRESSION, "--steps", type=click.IntRange(1, 10_000), metavar="N", help=f"Its steps. [default: {STEPS}]")
@option(
    OF_EXPRESSION, "--kind", type=click.Choice(["contour", "surface"]), help="For two variables. [default: contour]"
)
@option(OF_EXPRESSION, "--field", is_flag=True, help="For two variables: the direction of the gradient everywhere.")
@option(OF_EXPRESSION, "--updates", is_flag=True, help="The updates x ± α∂f/∂x, y ± α∂f/∂y at the point.")
@option(OF_EXPRESSION, "--let", multiple=True, metavar="NAME=VALUE", help="A constant; repeats.")
@option(OF_EXPRESSION, "--vars", "declared", metavar="NAMES", help="The order of the variables: the axes.")
@option(OF_EXPRESSION, "--kink", type=click.Choice(KINKS), help="The slope at a kink. [default: lecture]")
@option(OF_RUN, "--show", type=RowName(lambda: VIEWS), help="One view. [default: an overview]")
@option(
    OF_RUN,
    "--folds",
    type=click.IntRange(2),
    metavar="K",
    help="The curves of K folds, which it trains anew as cv does: mean and band.",
)
@option(OF_RUN, "--features", metavar="NAMES", help="The features of its boundary or line.")
@option(OF_RUN, "--image", metavar="HxW", help="Its features are the pixels of an image, row by row.")
@option(OF_RUN, "--log", is_flag=True, help="A logarithmic axis for the loss. [default: where it is wide]")
def command(
    subject: str,
    target: Path | None,
    force: bool,
    size: str | None,
    dpi: int | None,
    title: str | None,
    **given: Any,
) -> None:
    """A picture: of a function of one or two variables, with its gradient and a descent; or of a trained model.

    A model is shown on the rows that it was trained with and those held out; `bpcli report` takes other DATA.

    \b
    bpcli plot "x**2+y**2" --at 2,1 --lr 0.1 --output bowl.png
    bpcli plot "sin(x)/x" --range x=-20:20 --output sinc.svg
    bpcli plot runs/iris --show confusion --output confusion.pdf
    """
    from bpcli.plots.style import FORMATS, drawing, set_title, write_figure

    if target is None:
        raise UsageError("--output says where the picture goes", "--output picture.png (or .svg, .pdf)")
    if target.suffix.lower().lstrip(".") not in FORMATS:
        form = f"--output {target.with_suffix('.png')}"
        raise UsageError(f"--output {target}: a picture is written as {', '.join(FORMATS)}", form)
    if not force:
        refuse_overwrite(target)
    if dpi is not None and target.suffix.lower() != ".png":
        raise UsageError(f"--dpi is for PNG, and {target.name} has no dots", "--size WxH sets its size in inches")
    is_run = _is_run(subject)
    own = _options_of(subject, is_run, given)
    inches = _pair(size, "--size", "inches", 1, 50, "6x4.5")
    printer = Printer("text", None, kink=given["kink"] or "lecture")
    trouble: NotFiniteError | None = None
    with drawing():
        if is_run:
            figure = _run(Path(subject), inches, title or "", **own)
        else:
            figure, trouble = _expression(subject, printer, inches or (6.0, 4.5), Wanted(**own))
            if title:
                set_title(figure, title)
        for text in write_figure(figure, target, force, dpi or DPI):
            output.note(text)
    if trouble is not None:
        raise trouble
    printer.finish()


def _options_of(subject: str, is_run: bool, given: dict[str, Any]) -> dict[str, Any]:
    """The options that go with the subject, an expression or a run; UsageError for one that goes with the other."""
    own = {}
    for each in command.params:
        if isinstance(each, Option) and each.name in given:
            if (each.heading == OF_RUN) == is_run:
                own[each.name] = given[each.name]
            elif given[each.name]:
                what, other = ("an expression", "a run") if is_run else ("a run", "an expression")
                raise UsageError(f"{each.opts[0]} goes with {what}, and {subject} is {other}")
    return own


def _is_run(subject: str) -> bool:
    """Whether the subject is the path of a run: it exists, or its folder does."""
    path = Path(subject)
    if path.is_dir() and "/" not in subject and not (path / "model.npz").exists():
        raise DataError(f"{subject} is a folder, and no run: it has no model.npz", f'the expression is "({subject})"')
    if path.is_dir() or subject.endswith(".npz"):
        return True
    if "/" in subject and path.parent.is_dir():
        if not path.exists():
            close = nearest(path.name, [p.name for p in path.parent.iterdir()])
            meant = f"did you mean {path.parent / close}? " if close else ""
            spaced = subject.replace("/", " / ")
            raise DataError(f"{subject} does not exist", f'{meant}The quotient is "{spaced}"')
        return True
    return False


def _pair(
    text: str | None, option: str, unit: str, least: float, most: float, example: str
) -> tuple[float, float] | None:
    """The two numbers of `6x4.5`."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)[x×](\d{1,6}(?:\.\d{1,6})?)", text)
    if match is None or not all(least <= float(side) <= most for side in match.groups()):
        raise UsageError(
            f"{option} {text}: expected two numbers of {unit}, each from {least:g} to {most:g}", f"{option} {example}"
        )
    return float(match[1]), float(match[2])


def _expression(
    text: str, printer: Printer, size: tuple[float, float], wanted: Wanted
) -> tuple[Any, NotFiniteError | None]:
    """The figure of an expression, and the error to raise after it is written."""
    import numpy as np

    from bpcli.plots.expressions import Scene, draw
    from bpcli.plots.sampling import sensible_ranges, with_minimum

    _check_options(wanted)
    request = Request([text], Given(wanted.at, wanted.let, wanted.declared), printer)
    names = request.variables.names
    value, slopes = _functions(request, wanted)
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
        slopes if wanted.field else None,
    )  # fmt: skip
    grid = np.meshgrid(*(np.linspace(*span, 81) for span in spans))
    if trouble is None and not printer.not_finite and not np.isfinite(value(*(g.ravel() for g in grid))).any():
        where = ", ".join(f"{n}={number(a, 4)}:{number(b, 4)}" for n, (a, b) in zip(names, spans, strict=True))
        trouble = NotFiniteError(f"{text} has no finite value in {where}", "--range shows another part")
    return draw(scene, wanted.kind or "contour", size), trouble


def _functions(request: Request, wanted: Wanted) -> tuple[Callable[..., Any], Callable[..., Sequence[Any]]]:
    """Functions of columns of points: the value and the slopes of an expression of one or two numbers."""
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

    return value, slopes


def _check_options(wanted: Wanted) -> None:
    """UsageError for options that would draw nothing."""
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
    except LeftTheFiniteError as error:  # the check of the first point has reported that one
        return np.array(points), error if step.step else None
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


def _run(
    run: Path,
    size: tuple[float, float] | None,
    title: str,
    show: str | None,
    folds: int | None,
    features: str | None,
    image: str | None,
    log: bool,
) -> Any:
    from datetime import UTC, datetime

    from bpcli.api.predictions import config_of_run, parts_of
    from bpcli.api.selection import held_out_scores
    from bpcli.plots.runs import draw, views_of
    from bpcli.plots.subjects import Subject
    from bpcli.plots.weight_views import pixels
    from bpcli.training.run import load_model, model_path, read_history

    model = load_model(run)
    names = model.preparation.feature_names
    shape = pixels(names)
    if image is not None:
        sides = _pair(image, "--image", "pixels", 1, 10_000, "8x8") or (0.0, 0.0)
        shape = (int(sides[0]), int(sides[1]))
        if shape != sides or shape[0] * shape[1] != len(names):
            raise UsageError(f"--image {image}: the model has {len(names)} features")
    history = read_history(model_path(run).parent)
    available = views_of(model, history, shape)
    asked_for = [view.name for view in VIEWS.values() if view.fits(model) and not view.in_overview]
    known = {
        *available,
        "boundary",
        *asked_for,
    }
    if show is not None and show not in known:
        raise UsageError(f"--show {show}: this run has none", f"it has {', '.join(v for v in VIEWS if v in known)}")
    views = [show] if show else available
    chosen = _features(features, names)
    if chosen and "boundary" not in views:
        raise UsageError("--features goes with the boundary or line, which is not shown", "--show boundary")
    if image is not None and "weights" not in views:
        raise UsageError("--image goes with the weights, which are not shown", "--show weights")
    if log and "curves" not in views:
        raise UsageError("--log goes with the learning curves, which are not shown", "--show curves")
    if folds and not (show and VIEWS[show].by_folds):
        able = [view.name for view in VIEWS.values() if view.by_folds]
        raise UsageError(f"--folds goes with {listed(able)}", f"--show {able[0]} --folds {folds}")
    found = {} if folds else parts_of(run, model, ("train", "validation", "test"), "train it again")
    parts = {name: (dense(part.X), part.y) for name, part in found.items()}
    subject = Subject(model, history, parts, chosen, shape, log or None)
    if show == "weights":
        subject = replace(subject, statistics=_intervals(run, model, shape))
    if folds:
        subject = replace(subject, folds=held_out_scores(config_of_run(run), folds))
    trained = datetime.fromtimestamp(model_path(run).stat().st_mtime, UTC)
    remark = f"{model_path(run).parent.name}, trained on {trained:%Y-%m-%d}"
    return draw(subject, views, size or ((6.0, 4.5) if show else (11.0, 8.0)), title, remark)


def _intervals(run: Path, model: Model, image: Image) -> Mapping[str, Any] | None:
    """The statistics with the intervals of the weights; None, and a note that says why, where there are none."""
    from bpcli.api.run_statistics import statistics_or_reason
    from bpcli.plots.weight_views import has_room_for_intervals

    if not has_room_for_intervals(model, image):
        output.note("no intervals: these weights are drawn as colours, and only bars have them")
        return None
    found, why = statistics_or_reason(run)
    if not why:
        return found
    output.note(f"no intervals: {why}")
    return None


def _features(text: str | None, names: Sequence[str]) -> tuple[int, ...]:
    """The positions of the features that `--features a,b` names."""
    chosen: list[int] = []
    for name in (part.strip() for part in (text or "").split(",") if part.strip()):
        if name not in names:
            close = nearest(name, names)
            raise UsageError(
                f"--features {name}: the model has no such feature",
                f"did you mean {close}?"
                if close
                else f"it has {', '.join(names[:10])}{' …' if len(names) > 10 else ''}",
            )
        if names.index(name) in chosen:
            raise UsageError(f"--features gives {name} twice")
        chosen.append(names.index(name))
    if len(chosen) > 2 or (text is not None and not chosen):
        raise UsageError("--features takes one or two names", f"--features {','.join(names[:2])}")
    return tuple(chosen)
