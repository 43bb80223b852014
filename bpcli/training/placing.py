"""The place of a run: whether a training may begin for it, and putting a complete run there, whole or not at all."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bpcli.errors import CheckError, UsageError
from bpcli.files import writing
from bpcli.folders import check_target, install, staged_folder
from bpcli.training import checkpoint as checkpoints
from bpcli.training.config.full_config import dump_config
from bpcli.training.config.loading import Config
from bpcli.training.model import Model
from bpcli.training.run import RUN_FILES, save_run
from bpcli.training.verdict import no_better_than_constant

_WAYS_OUT = {"resume": "to go on with it", "force": "to replace it", "output": "for another"}


def check_place(target: Path, replaces: bool) -> None:
    """UsageError if the run can't be put into `target`: there is one that it doesn't replace, or something else."""
    check_target(target, RUN_FILES, replaces, _WAYS_OUT)


def check_start(target: Path, resume: bool, force: bool) -> None:
    """UsageError if a run or a stopped training of `target` is neither to be resumed nor replaced."""
    check_place(target, resume or force)
    if not resume and not force and (saved := checkpoints.unfinished(target)) is not None:
        raise UsageError(f"{target}: a training of it that was stopped is saved in {saved}", ways=_WAYS_OUT)


def place_run(
    folder: Path,
    config: Config,
    model: Model,
    records: Sequence[Mapping[str, Any]],
    summary: Mapping[str, Any],
    replaces: bool,
) -> None:
    """Write the run into its staged `folder`, and put that at `config.output`.

    CheckError if it is no better than a constant and would replace a run.
    """
    target = config.output
    useless = no_better_than_constant(summary)
    if useless and replaces and target.exists():
        raise CheckError(f"{useless}; the run that was there stays", summary.get("advice", ""))
    save_run(folder, dump_config(config), model, records, summary)
    with writing(target):
        (folder / checkpoints.PREVIOUS).unlink(missing_ok=True)
    install(folder, target, RUN_FILES, replaces, _WAYS_OUT)


def write_run(
    config: Config, model: Model, records: Sequence[Mapping[str, Any]], summary: Mapping[str, Any], force: bool
) -> None:
    """Put the run of a training that had no session in place; errors as of `place_run`."""
    with staged_folder(config.output) as folder:
        place_run(folder, config, model, records, summary, force)
