"""Runs several trainings to their ends, side by side if their steps can be stacked."""

from collections.abc import Generator, Iterator, Sequence
from itertools import chain
from time import perf_counter

from bpcli.formulas.layers import settings_in_words
from bpcli.training.descent.loop import DivergedError
from bpcli.training.descent.side_by_side import Stack, UnlikeError, can_be_stacked, likeness
from bpcli.training.descent.state import Pause
from bpcli.training.trainer import Training, most_epochs

Rectangle = list[list[Training]]
"""Trainings that can be stacked: a list for each set of rows in an order, all lists of the same length."""


def can_be_beside(training: Training) -> bool:
    """Whether a training can be run side by side with others: no solver, compiled program or tolerance, and its steps
    can be stacked."""
    plain = training.solver is None and not training.program and training.config.training.tolerance is None
    return plain and not training.ended and can_be_stacked(training.descent(), training.model.b.size)


def rectangles(trainings: Sequence[Training]) -> Iterator[Rectangle]:
    """Yield the trainings that can be stacked, in rectangles of two trainings or more."""
    alike: dict[object, dict[object, list[Training]]] = {}
    for training in trainings:
        if can_be_beside(training):
            model, state = training.model, training.state
            kind = (model.type, settings_in_words(model.activation), settings_in_words(model.loss), model.b.shape)
            where = (state.epoch, state.batch, state.steps, training.stopping is None)
            order = repr(state.generator or training.rng.bit_generator.state)
            rows = (id(training.parts["train"].X), order)
            alike.setdefault((kind, where, likeness(training.descent())), {}).setdefault(rows, []).append(training)
    for sets in alike.values():
        for count in dict.fromkeys(map(len, sets.values())):
            found = [some for some in sets.values() if len(some) == count]
            if count * len(found) > 1:
                yield found


def train_together(rectangle: Rectangle, pause: Pause) -> Iterator[Training | None]:
    """Run trainings to their ends, and yield each one that has ended.

    Trainings that diverge are not yielded, nor are those whose formulas turn out to take different branches. Yields
    None when `pause` is due, between two steps; all states are then complete.
    """
    waiting = [rectangle]
    while waiting:
        try:
            left = yield from _stacked(waiting.pop(), pause)
        except UnlikeError:
            continue
        again = [*rectangles(left)]
        waiting += again
        stacked = {id(training) for some in again for training in chain(*some)}
        for training in left:
            if id(training) not in stacked:
                yield from _alone(training, pause)


def _stacked(rectangle: Rectangle, pause: Pause) -> Generator[Training | None, None, list[Training]]:
    """`train_together` until half of the trainings have stopped early or diverged; returns those that go on."""
    first = rectangle[0][0]
    of_rows = [[training.descent() for training in some] for some in rectangle]
    size = sum(map(len, rectangle))
    stack = Stack(of_rows, [[training.state for training in some] for some in rectangle], first.step(size))
    for at_end in stack.epochs(pause):
        watched, paused = at_end and first.stopping is not None, not at_end or perf_counter() >= pause.at
        if watched or paused:
            stack.give()
        if watched:
            # All are measured before the first is yielded, so that all saved states include this epoch.
            for f, c in [(f, c) for f, c in stack.running() if _stops(rectangle[f][c])]:
                stack.retire(f, c)
                yield rectangle[f][c]
        if paused:
            yield None
        if 2 * len(stack.running()) <= size:
            break
    stack.give()
    left = []
    for f, c in stack.running():
        training = rectangle[f][c]
        if training.state.epoch < most_epochs(training.config.training.epochs):
            left.append(training)
        else:
            yield training
    return left


def _stops(training: Training) -> bool:
    """Measure a training at the end of an epoch; returns whether it stops early."""
    assert training.stopping is not None
    record = {"epoch": training.state.epoch, "validation": training.validated()}
    return training.stopping.seen(training.state, record)


def _alone(training: Training, pause: Pause) -> Iterator[Training | None]:
    try:
        for _ in training.epochs(pause):
            if perf_counter() >= pause.at:
                yield None
    except DivergedError:
        return
    yield training
