"""The command line that goes on with a stopped training, told where one stops and where its run is asked for."""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from bpcli.errors import BpcliError, UnfinishedError
from bpcli.job import is_by_srun
from bpcli.training.checkpoint import latest


def launched(config: Path, settings: Sequence[str], ranks: int) -> list[str]:
    """The words that start a training on several `ranks`, up to its folder."""
    start = ["srun", "--mpi=pmi2", "--kill-on-bad-exit"] if is_by_srun() else ["mpiexec"]
    words = [*([*start, "-n", str(ranks)] if ranks > 1 else []), *_TRAIN, str(config)]
    return words + [word for setting in settings for word in ("--set", setting)]


def going_on(words: Sequence[str], folder: Path | None) -> str:
    """The line that goes on with the training that `words` started, into its config's folder or another."""
    output = [] if folder is None else ["--output", str(folder)]
    return shlex.join([*words, *output, "--resume"])


def kept(words: Sequence[str], run: Path) -> list[str]:
    """`words` for the saved state of a `run`, with the config as seen from the folder in which the run is."""
    at = _place(words)
    return [*words[:at], os.path.relpath(words[at], run.parent), *words[at + 1 :]]


def way_on(error: UnfinishedError) -> str:
    """The line that goes on with an unfinished run, by what its saved state knows of how it was started."""
    words: Sequence[str] = ()
    try:
        found, _ = latest(error.folder)
        words = found.words if found else ()
    except BpcliError:  # damaged
        pass
    if not words:
        return f"{going_on([*_TRAIN, 'CONFIG'], error.run)} goes on with it"
    at = _place(words)
    config = os.path.normpath(error.run.parent / words[at])
    return f"to go on: {going_on([*words[:at], config, *words[at + 1 :]], error.run)}"


_TRAIN = ("bpcli", "train")


def _place(words: Sequence[str]) -> int:
    """The place of the config among the words."""
    return words.index(_TRAIN[0]) + len(_TRAIN)
