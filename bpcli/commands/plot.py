"""`bpcli plot`: pictures of a function with its gradient and a descent, or of a trained model."""

from pathlib import Path
from typing import Any

import click

from bpcli.commands import Command, Option, option, output
from bpcli.commands.option_groups import RowName, pair
from bpcli.commands.plot_of_expression import STEPS, Wanted, figure_of_expression
from bpcli.commands.plot_of_run import figure_of_run
from bpcli.commands.printing import Printer
from bpcli.commands.requests import number_of
from bpcli.errors import DataError, NotFiniteError, UsageError
from bpcli.files import refuse_overwrite
from bpcli.formulas.choices import KINKS
from bpcli.paths import nearest_file, with_ending
from bpcli.plots.runs import VIEWS
from bpcli.training.checkpoint import unfinished
from bpcli.training.run import BEST, MODEL

DPI = 200


PICTURE, OF_EXPRESSION, OF_RUN = "Picture", "Of an expression", "Of a run"


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
@option(
    OF_EXPRESSION,
    "--steps",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help=f"Steps of the descent. [default: {STEPS}]",
)
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
    help="Train K folds as cv does, and draw their mean curve in a band.",
)
@option(OF_RUN, "--features", metavar="NAMES", help="The features over which to draw the boundary or line.")
@option(OF_RUN, "--image", metavar="HxW", help="The features are the pixels of an image, row by row.")
@option(OF_RUN, "--log", is_flag=True, help="A logarithmic axis for the loss. [default: if it varies 20-fold]")
def command(
    subject: str,
    target: Path | None,
    force: bool,
    size: str | None,
    dpi: int | None,
    title: str | None,
    **given: Any,
) -> None:
    """A picture of a function of one or two variables, with its gradient and a descent, or of a trained model.

    A model is shown on its training rows and the rows held out; `bpcli report` takes other DATA.

    \b
    bpcli plot "x**2+y**2" --at 2,1 --lr 0.1 --output bowl.png
    bpcli plot "sin(x)/x" --range x=-20:20 --output sinc.svg
    bpcli plot runs/iris --show confusion --output confusion.pdf
    """
    from bpcli.plots.style import FORMATS, drawing, set_title, write_figure

    if target is None:
        raise UsageError("--output says where the picture goes", "--output picture.png (or .svg, .pdf)")
    if target.suffix.lower().lstrip(".") not in FORMATS:
        form = f"--output {with_ending(target, '.png', 'picture')}"
        raise UsageError(f"--output {target}: a picture is written as {', '.join(FORMATS)}", form)
    if not force:
        refuse_overwrite(target)
    if dpi is not None and target.suffix.lower() != ".png":
        raise UsageError(f"--dpi is for PNG, and {target.name} has no dots", "--size WxH sets its size in inches")
    is_run = _is_run(subject)
    own = _options_of(subject, is_run, given)
    inches = pair(size, "--size", "inches", 1, 50, "6x4.5")
    printer = Printer("text", None, kink=given["kink"] or "lecture")
    trouble: NotFiniteError | None = None
    with drawing():
        if is_run:
            figure = figure_of_run(Path(subject), inches, title or "", **own)
        else:
            figure, trouble = figure_of_expression(subject, printer, inches or (6.0, 4.5), Wanted(**own))
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
    """Whether the subject is the path of a run: it exists, its training has begun, or its folder exists."""
    path = Path(subject)
    if unfinished(path) is not None:
        return True
    if path.is_dir() and "/" not in subject and not any((path / at / MODEL).exists() for at in ("", BEST)):
        raise DataError(f"{subject} is a folder, and no run: it has no model.npz", f'the expression is "({subject})"')
    if path.is_dir() or subject.endswith(".npz"):
        return True
    if "/" in subject and path.parent.is_dir():
        if not path.exists():
            close = nearest_file(path)
            meant = f"did you mean {close}? " if close else ""
            spaced = subject.replace("/", " / ")
            raise DataError(f"{subject} does not exist", f'{meant}The quotient is "{spaced}"')
        return True
    return False
