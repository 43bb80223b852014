"""`bpcli plot`: pictures of a function with its gradient and a descent, or of a trained model."""

import re
from pathlib import Path
from typing import Any

import click

from bpcli.calculus.binding import Point
from bpcli.calculus.render import to_latex
from bpcli.calculus.values import parse_value
from bpcli.commands import Command
from bpcli.commands.calculator import Request
from bpcli.errors import DataError, UsageError, nearest

VIEWS = ("curves", "boundary", "confusion", "weights")


@click.command(cls=Command)
@click.argument("subject", metavar="EXPR|RUN")
@click.option("--output", "target", type=click.Path(path_type=Path), required=True, metavar="FILE.png|svg|pdf")
@click.option("--force", is_flag=True, help="Replace an existing FILE.")
@click.option("--range", "ranges", metavar="RANGES", help="Of an expression: x=-3:3,y=-3:3.")
@click.option("--at", metavar="POINT", help="Where the gradient is drawn, and a descent begins.")
@click.option("--lr", type=float, metavar="A", help="Draw a descent with this learning rate.")
@click.option("--steps", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Of the descent.")
@click.option("--let", multiple=True, metavar="NAME=VALUE", help="A constant; repeats.")
@click.option("--vars", "declared", metavar="NAMES", help="The order of the variables: the axes.")
@click.option("--kind", type=click.Choice(["contour", "surface"]), default="contour", show_default=True)
@click.option("--show", type=click.Choice(VIEWS), help="Of a run: one view. [default: all that there are]")
@click.option("--features", metavar="NAMES", help="Of a run: the features of its boundary or line.")
@click.option("--size", default=None, metavar="WxH", help="Inches. [default: 6x4.5; of a run's overview 11x8]")
def command(
    subject: str,
    target: Path,
    force: bool,
    ranges: str | None,
    at: str | None,
    lr: float | None,
    steps: int,
    let: tuple[str, ...],
    declared: str | None,
    kind: str,
    show: str | None,
    features: str | None,
    size: str | None,
) -> None:
    """A picture: of a function of one or two variables, with its gradient and a descent; or of a trained model.

    \b
    bpcli plot "x**2+y**2" --at 2,1 --lr 0.1 --output bowl.png
    bpcli plot "sin(x)/x" --range x=-20:20 --output sinc.svg
    bpcli plot runs/iris --show confusion --output confusion.pdf
    """
    from bpcli.plots.style import check_target, drawing, write_figure

    check_target(target, force)
    is_run = Path(subject).exists() and (Path(subject).is_dir() or subject.endswith(".npz"))
    of_expression = {"--range": ranges, "--at": at, "--lr": lr, "--let": let or None, "--vars": declared}
    of_run = {"--show": show, "--features": features}
    for option, given in (of_expression if is_run else of_run).items():
        if given is not None:
            what, other = ("an expression", "a run") if is_run else ("a run", "an expression")
            raise UsageError(f"{option} is of {what}, and {subject} is {other}")
    with drawing():
        if is_run:
            figure = _run(Path(subject), show, features, _size(size))
        else:
            figure = _expression(subject, ranges, at, lr, steps, let, declared, kind, _size(size) or (6.0, 4.5))
        write_figure(figure, target, force)


def _size(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)[x×](\d+(?:\.\d+)?)", text)
    if match is None or not all(1 <= float(side) <= 50 for side in match.groups()):
        raise UsageError(f"--size {text}: expected WxH in inches, each from 1 to 50", "--size 6x4.5")
    return float(match[1]), float(match[2])


def _expression(
    text: str,
    ranges: str | None,
    at: str | None,
    lr: float | None,
    steps: int,
    let: tuple[str, ...],
    declared: str | None,
    kind: str,
    size: tuple[float, float],
) -> Any:
    import numpy as np

    from bpcli.plots.expressions import Scene, default_ranges, draw

    if lr is not None and at is None:
        raise UsageError("--lr draws a descent, which begins at --at", "--at 2,1 --lr 0.1")
    request = Request([text], [at] if at is not None else [], let, declared)
    names = request.variables.names
    if not 1 <= len(names) <= 2:
        what = f"has {len(names)}: {', '.join(names)}" if names else "has none"
        raise UsageError(
            f"a picture is of a function of one or two variables, and this {what}", "--let NAME=VALUE fixes one"
        )
    calculation = request.calculation(dict.fromkeys(names, ()))
    calculation.require_scalar()
    point: Point | None = None
    if at is not None:
        ((calculation, point),) = request.single_points()
        if any(np.ndim(point[name]) for name in names):
            raise UsageError(f"--at {at}: a picture is of numbers, not of vectors")
    path = None if point is None or lr is None else _path(calculation, point, names, lr, steps)
    spans = _ranges(ranges, names)
    if spans is None or len(spans) < len(names):
        start = [0.0 if point is None else float(point[name]) for name in names]
        marked = path if path is not None else np.array([start])
        found = dict(zip(names, default_ranges(marked), strict=True))
        spans = found | (spans or {})

    def value(*columns: Any) -> Any:
        constants = {n: np.asarray(v, float)[..., None] for n, v in request.variables.constants.items()}
        columns_ = {n: np.asarray(c, float) for n, c in zip(names, columns, strict=True)}
        with np.errstate(all="ignore"):
            return calculation.value_block({**columns_, **constants})[0]

    height, gradient = calculation.gradient(point) if point is not None else (None, None)
    scene = Scene(
        text,
        to_latex(request.trees[0]),
        names,
        [spans[name] for name in names],
        value,
        [float(point[name]) for name in names] if point is not None else None,
        height,
        [float(gradient[name]) for name in names] if gradient is not None else None,
        path,
    )
    return draw(scene, kind, size)


def _path(calculation: Any, point: Point, names: list[str], lr: float, steps: int) -> Any:
    """The points of a descent, as far as they are finite."""
    import numpy as np

    from bpcli.formulas.updates import descend

    points = [[float(point[name]) for name in names]]
    for _ in range(steps):
        _, gradient = calculation.gradient(point)
        point = {**point, **{name: descend(point[name], gradient[name], lr) for name in names}}
        row = [float(point[name]) for name in names]
        if not np.isfinite(row).all() or max(map(abs, row)) > 1e6 * (1 + max(map(abs, points[0]))):
            break
        points.append(row)
    return np.array(points)


def _ranges(text: str | None, names: list[str]) -> dict[str, tuple[float, float]] | None:
    if text is None:
        return None
    spans = {}
    for part in text.split(","):
        name, equals, span = (piece.strip() for piece in part.partition("="))
        if not equals and len(names) == 1:
            name, span = names[0], part.strip()
        low, colon, high = span.partition(":")
        form = ",".join(f"{n}=-3:3" for n in names)
        if not colon:
            raise UsageError(f"--range {part.strip()}: expected NAME=LOW:HIGH", f"--range {form}")
        if name not in names:
            close = nearest(name, names)
            raise UsageError(
                f"--range {part.strip()}: {name} is no variable",
                f"did you mean {close}?" if close else f"--range {form}",
            )
        ends = [parse_value(end) for end in (low, high)]
        if not all(isinstance(end, float) and abs(end) < 1e300 for end in ends) or ends[0] >= ends[1]:
            raise UsageError(f"--range {part.strip()}: expected two numbers, the smaller one first", f"--range {form}")
        spans[name] = (ends[0], ends[1])
    return spans


def _run(run: Path, show: str | None, features: str | None, size: tuple[float, float] | None) -> Any:
    from bpcli.plots.runs import draw, views_of
    from bpcli.training.config import load_config
    from bpcli.training.run import CONFIG, load_model, model_path, read_history
    from bpcli.training.trainer import prepare

    model = load_model(run)
    folder = model_path(run).parent
    if not (folder / CONFIG).is_file():
        raise DataError(f"{run} has no {CONFIG} beside it that says what it was trained on")
    history = read_history(folder)
    prepared = prepare(load_config(folder / CONFIG)).parts
    parts = {name: (part.X.astype(float), part.y) for name, part in prepared.items()}
    available = views_of(model, history)
    known = {*available, "boundary"}
    if show is not None and show not in known:
        raise UsageError(f"--show {show}: this run has none", f"it has {', '.join(sorted(known))}")
    names = model.preparation.feature_names
    chosen = []
    for name in (features or "").split(","):
        if name.strip() and name.strip() not in names:
            close = nearest(name.strip(), names)
            raise UsageError(
                f"--features {name.strip()}: the model has no such feature",
                f"did you mean {close}?" if close else f"it has {', '.join(names[:10])}",
            )
        chosen += [names.index(name.strip())] if name.strip() else []
    if len(chosen) > 2:
        raise UsageError("--features takes one or two names")
    views = [show] if show else available
    return draw(model, history, parts, views, tuple(chosen), size or ((6.0, 4.5) if show else (11.0, 8.0)))
