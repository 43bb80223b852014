"""A training with its run folder: started, saved at intervals, stopped, resumed, and put in place when complete."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf, isfinite
from pathlib import Path
from time import perf_counter
from typing import Any

from bpcli import sums
from bpcli.datasets.column_file import Progress
from bpcli.datasets.large import has_blocks
from bpcli.errors import CheckError, DataError, InputError, NotFiniteError
from bpcli.folders import staged_folder
from bpcli.ranks import ALONE, Ranks, by_first
from bpcli.text.notation import number
from bpcli.training import checkpoint as checkpoints
from bpcli.training.agreement import check_same_data, check_same_start, check_shares, other_processors
from bpcli.training.checkpoint import GENERATIONS, Checkpoint
from bpcli.training.config.loading import Config
from bpcli.training.descent.loop import DivergedError
from bpcli.training.descent.state import Pause, State
from bpcli.training.named_data import data_files
from bpcli.training.placing import check_place, check_start, place_run
from bpcli.training.resumption import (
    THEN,
    config_texts,
    is_done,
    is_over,
    refuse_other_config,
    refuse_other_draw,
    refuse_other_moments,
    refuse_other_sums,
    threshold_given_up,
)
from bpcli.training.run import is_finished, load_summary
from bpcli.training.setup import prepare
from bpcli.training.signals import Interrupts
from bpcli.training.trainer import Training, most_epochs, uncertainty_of
from bpcli.training.verdict import advice, no_better_than_constant, no_optimum, short_of_optimum

_SHARE = 0.01  # the largest share of the time that may be spent on checkpoints


@dataclass
class Session:
    """A training that saves its state. If there is nothing left to train, `training` is None and `summary` is given.

    Each of several `ranks` has a session, but only rank 0 writes.
    """

    config: Config
    training: Training | None = None
    summary: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)
    progress: Progress | None = None
    """Called with the progress while large data is copied."""
    ranks: Ranks = ALONE
    words: Sequence[str] = ()
    """How the training was started, for the saved state."""
    saved: str = ""
    """How far the saved training has come, in words; empty if none is saved."""
    nowhere: str = ""
    """Why the weights have no optimum, if that is proven; else empty."""
    _folder: Path = Path()
    _replaces: bool = False
    _data: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    _interrupts: Interrupts = field(default_factory=Interrupts)
    _saved_steps: int = -1
    _extends: bool = False  # whether it continues a finished run
    _whole: bool = True  # whether the state is between two steps
    _stops: bool = False  # whether a rank has received a signal to stop, as all ranks know
    _warnings: list[str] = field(default_factory=list)
    _warned: set[str] = field(default_factory=set)

    def epochs(self, tick: float = inf) -> Iterator[dict[str, Any] | None]:
        """Train to the end, and yield a record for each epoch; the state is saved as often as the config says.

        Saving takes at most 1 % of the time. A signal to stop takes effect between two steps, after the state is saved.
        In a long epoch None is yielded every `tick` seconds, for a progress bar.
        """
        if self.training is None:
            return
        interval, pause = self.config.training.checkpoint_seconds, self._interrupts.pause
        if self.ranks.rank:
            interval = tick = inf
        self._interrupts.waits = self.ranks.size > 1
        save_at, tick_at = perf_counter() + interval, perf_counter() + tick
        pause.at = min(pause.at, save_at, tick_at)
        events = self._epochs(pause)
        record: dict[str, Any] | None = None
        while True:
            with self._interrupts.held():
                self._whole = False
                try:
                    record = next(events)
                except StopIteration:
                    self._whole = True
                    break
                self._whole = True
                began = perf_counter()
                if self._agreed(began >= save_at):
                    self.keep()
                    cost = perf_counter() - began
                    save_at = began + cost + max(interval, cost / _SHARE)
                ticks = began >= tick_at
                if ticks:
                    tick_at = began + tick
                pause.at = min(save_at, tick_at)
                if self._interrupts.came:  # it came after the ranks agreed, so they handle it at the next pause
                    pause.at = 0.0
            if record is not None or ticks:
                yield record
            if self._stops:
                self._interrupts.deliver()
        self._interrupts.waits = False
        self._interrupts.deliver()

    def _agreed(self, is_time: bool) -> bool:
        """Whether all ranks save now: because it is time on rank 0, or because a rank has received a signal to stop.

        All ranks then hold that signal.
        """
        said = self.ranks.gathered((self._interrupts.came, is_time))
        came = max(number for number, _ in said)
        if came:
            self._interrupts.come(came)
        self._stops = came > 0
        return self._stops or said[0][1]

    def _epochs(self, pause: Pause) -> Iterator[dict[str, Any] | None]:
        """The epochs of the training; if memory runs out, they go on from the last checkpoint with data in files."""
        assert self.training is not None
        told = len(self.training.state.records)
        try:
            for record in self.training.epochs(pause):
                told += record is not None
                yield record
            return
        except MemoryError:
            if not self._can_go_on():
                raise
        found = checkpoints.latest(self._folder)[0]
        if found is None and self._extends:
            found = checkpoints.read(self.config.output / checkpoints.CHECKPOINT)
        for record in self._in_files(None if found is None else found.state).epochs(pause):
            if record is None or record["epoch"] > told:
                yield record

    def _can_go_on(self) -> bool:
        """Whether the data, which is in memory, could be read block by block instead."""
        # Not with several ranks: all would have to go back at the same step.
        alone, training = self.ranks.size == 1, self.training
        return alone and training is not None and not training.in_files and has_blocks(data_files(self.config))

    def _in_files(self, state: State | None) -> Training:
        """The training from `state` on, or from its start, with its data in files."""
        self.training = None  # frees its memory before the data is read again
        self.training = prepare(self.config, self.progress, in_files=True)
        if state is not None:
            self.training.state.take(state)
        return self.training

    def keep(self) -> bool:
        """Save the state. If it can't be written, warn and return False; the last saved state stays."""
        try:
            self._write()
        except DataError as error:
            self.warn(f"{error.message}; {f'saved last: {self.saved}' if self.saved else 'nothing is saved yet'}")
            return False
        return True

    def _write(self) -> None:
        assert self.training is not None
        state = self.training.state
        done = Checkpoint(
            state,
            config_texts(self.config),
            self._data,
            self._replaces,
            checkpoints.processor(),
            sums.ROWS,
            self.words,
        )
        if not self.ranks.rank:
            checkpoints.write(self._folder, done)
        self.saved, self._saved_steps = done.where(), state.steps

    def finish(self) -> dict[str, Any]:
        """Measure the model, put the run in place and return its summary.

        CheckError if the model is no better than a constant and would replace a run. DivergedError if its loss is not
        finite.
        """
        if self.training is None:
            assert self.summary is not None
            return self.summary
        if self._saved_steps != self.training.state.steps:
            self._write()
        try:
            summary = self.training.summary()
        except MemoryError:
            if not self._can_go_on():
                raise
            summary = None
        if summary is None:
            summary = self._in_files(self.training.state).summary()
        training = self.training
        if not isfinite(summary["train"]["loss"]):
            raise DivergedError(
                f"training diverged: at its end the loss on the training rows is {number(summary['train']['loss'])}",
                "try a smaller training.learning_rate, and data.standardize: true if the features are not of one scale",
            )
        options = self.config.training
        if short := short_of_optimum(summary, options.tolerance, most_epochs(options.epochs)):
            self.warn(short)
        useless = no_better_than_constant(summary)
        if useless:
            own_steps = training.solver is not None
            summary["advice"] = advice(training.result, training.parts["train"].X, summary["optimum"], own_steps)
        else:
            self.nowhere = no_optimum(summary, training.result, bool(options.l1 or options.l2))
        model = replace(training.result, uncertainty=uncertainty_of(training, summary))
        by_first(
            self.ranks,
            lambda: place_run(self._folder, self.config, model, training.state.records, summary, self._replaces),
        )
        self.summary = summary
        return summary

    def warn(self, text: str) -> None:
        """Add a warning, unless it was given before."""
        if text not in self._warned:
            self._warned.add(text)
            self._warnings.append(text)

    def warnings(self) -> list[str]:
        """The warnings since the last call."""
        new, self._warnings = self._warnings, []
        return new

    def _begin(self, folder: Path, found: Checkpoint | None) -> None:
        """Prepare the data; if there is a checkpoint `found`, go on from it. DataError if it is of other data."""
        training = prepare(self.config, self.progress, ranks=self.ranks)
        training.ranks = self.ranks
        check_shares(self.ranks, training)
        self.config = training.config
        parts = {name: part.arrays() for name, part in training.parts.items()}
        self._data = checkpoints.fingerprint(parts, training.model.preparation, training.started_from)
        check_same_data(self.ranks, self._data)
        self.notes += training.notes
        if found is None and not self.ranks.rank:
            checkpoints.discard(folder)  # not earlier, so that a mistake in the config or the data deletes nothing
        elif found is not None:
            now = checkpoints.fingerprint(parts, training.model.preparation, training.started_from, found.data)
            if changed := checkpoints.changed_data(found.data, now):
                refuse_other_draw(self.config, found)
                refuse_other_moments(self.config, training, found)
                raise DataError(
                    f"the data has changed since {self.config.output} was saved: {changed}",
                    ways={"force": "to start afresh", "output": "for another run"},
                )
            try:
                training.state.take(found.state)
            except ValueError as error:
                raise DataError(f"the checkpoint of {self.config.output} does not fit its model") from error
        self._folder, self.training = folder, training

    def keep_stopped(self) -> None:
        """Save the steps since the last save, unless a step was interrupted or the run is already in place."""
        unsaved = self.training is not None and self._saved_steps != self.training.state.steps
        if unsaved and self._whole and self.summary is None:
            with self._interrupts.held():
                self.keep()


@contextlib.contextmanager
def session(
    config: Config,
    resume: bool = False,
    force: bool = False,
    progress: Progress | None = None,
    ranks: Ranks = ALONE,
    words: Sequence[str] = (),
) -> Iterator[Session]:
    """A context with the training of `config` in its run folder, which is locked; saved states survive every error.

    `resume` goes on from the saved state if there is one; `force` starts afresh, and replaces an existing run when the
    new one is complete. Without either, an existing run or stopped training is refused (UsageError). With `resume`, so
    are a config (UsageError) and data (DataError) that have changed. A training that diverged, or was refused at its
    end, can't be resumed. All `ranks` begin and end their sessions together. `words` say how it was started.
    """
    if resume and force:
        raise InputError(
            "resume goes on with what is saved, force starts afresh", "take one of the two", names=("resume", "force")
        )
    check_same_start(ranks, config, {"resume": resume, "force": force})
    current = Session(config, progress=progress, ranks=ranks, words=words)
    for text in other_processors(ranks):
        current.warn(text)
    current.summary = by_first(ranks, lambda: _finished(config, resume, force))
    if current.summary is not None:
        yield current
        return
    with contextlib.ExitStack() as stack:

        def saved() -> tuple[Path, Checkpoint | None, bool, bool]:
            folder = stack.enter_context(staged_folder(config.output, frozenset(GENERATIONS)))
            return folder, *_saved(current, folder, resume, force)

        folder, found, current._replaces, current._extends = by_first(ranks, saved)
        _go_on(current, folder, found)
        stack.enter_context(current._interrupts)
        try:
            yield current
        except (NotFiniteError, CheckError):
            if not ranks.rank:
                checkpoints.discard(folder)
            raise
        except BaseException as error:
            if not isinstance(error, Exception):  # stopped by a signal
                current.keep_stopped()
            raise


def _finished(config: Config, resume: bool, force: bool) -> dict[str, Any] | None:
    """The summary of a complete run that is to be resumed, else None; works in a folder that can't be written to."""
    target = config.output
    check_place(target, resume or force)
    if resume and checkpoints.unfinished(target) is None and is_done(config):
        return load_summary(target)
    return None


def _saved(current: Session, folder: Path, resume: bool, force: bool) -> tuple[Checkpoint | None, bool, bool]:
    """The checkpoint to go on from or None, whether a run is replaced, and whether a finished run is continued."""
    target = current.config.output
    check_start(target, resume, force)  # again, now that the folder is locked
    found, warning = checkpoints.latest(folder) if resume else (None, "")
    if warning:
        current.warn(warning)
    replaces = force or (found is not None and found.replaces)
    extends = resume and found is None and is_finished(target)
    if extends:
        found, replaces = checkpoints.read(target / checkpoints.CHECKPOINT), True
    check_place(target, replaces)
    return found, replaces, extends


def _go_on(current: Session, folder: Path, found: Checkpoint | None) -> None:
    """Prepare a session's training, and go on from the checkpoint `found`, if there is one."""
    config = current.config
    if found is not None:
        refuse_other_config(config, found.config)
        engine = found.config.get("training.engine", THEN["training.engine"])
        current.config = replace(config, training=replace(config.training, engine=engine))
    current._begin(folder, found)
    if found is not None and current._extends and is_over(config, found.state):
        current.training, current.summary = None, by_first(current.ranks, lambda: load_summary(config.output))
    elif found is not None:
        refuse_other_sums(config, current.training, found)
        if current._extends and not current.ranks.rank and (given_up := threshold_given_up(config, found)):
            current.warn(given_up)
        current.saved, current._saved_steps = found.where(), found.state.steps
        current.notes.append(f"going on {current.saved}")
        here = checkpoints.processor()
        if found.processor not in ("", here):
            current.warn(
                f"it was saved on another kind of processor ({found.processor}; here {here}), whose last bits may "
                "differ from here on"
            )
