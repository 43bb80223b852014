"""Checks whether a training may resume from a checkpoint: same config, same data, and steps computed the same way."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bpcli import sums
from bpcli.datasets.cells import is_number
from bpcli.datasets.preparation import statistics
from bpcli.datasets.preparation.gaps import is_sum
from bpcli.errors import UsageError
from bpcli.formulas.choices import name_and_settings
from bpcli.formulas.initial_weights import STARTS
from bpcli.formulas.schedules import SCHEDULES
from bpcli.text.yaml12 import yaml_text
from bpcli.training.checkpoint import CHECKPOINT, Checkpoint, changed_data, fingerprint, read
from bpcli.training.config.full_config import config_values
from bpcli.training.config.keys import DIALECT_KEYS, KEYS
from bpcli.training.config.loading import Config, load_config
from bpcli.training.descent.state import State
from bpcli.training.descent.stopping import stopping_of
from bpcli.training.run import CONFIG, is_finished, summary_rows
from bpcli.training.trainer import Training, most_epochs

_FREE = ("output", "training.checkpoint_seconds")  # keys that do not change the results
_DECIDED = (
    "data.target",
    "training.engine",
    *(f"data.{key}" for key in DIALECT_KEYS),
)  # keys whose default means that training decides
THEN = {"training.engine": "numpy"}  # the values of keys that earlier versions did not have
_THRESHOLD = "model.threshold"
_PATHS = ("data.path", "data.target_path", "data.validation", "data.test", "model.init")


def config_texts(config: Config) -> dict[str, str]:
    """The values of a config by key, as YAML."""
    values = config_values(config)
    values["data.numbers"] = tuple(values["data.numbers"])  # only the columns: their styles follow from the data
    return {key: yaml_text(value) for key, value in values.items()}


def is_done(config: Config) -> bool:
    """Whether the run of `config` exists and is complete; UsageError if it is that of another config."""
    if not is_finished(config.output) or not (config.output / CONFIG).is_file():
        return False
    then, now = config_texts(load_config(config.output / CONFIG)), config_texts(config)
    if then[_THRESHOLD] != now[_THRESHOLD]:  # if it was chosen after training, compare with the one trained with
        trained = read(config.output / CHECKPOINT).config.get(_THRESHOLD)
        then[_THRESHOLD] = trained or then[_THRESHOLD]
    refuse_other_config(config, then)
    return all(then[key] == now[key] for key in (*_PATHS, "training.epochs"))


def threshold_given_up(config: Config, found: Checkpoint) -> str:
    """A warning if the threshold that was chosen after a run's training is replaced by the config's; else ""."""
    if not (config.output / CONFIG).is_file():
        return ""
    chosen = yaml_text(load_config(config.output / CONFIG).model.threshold)
    if chosen == found.config.get(_THRESHOLD, chosen):
        return ""
    return (
        f"{_THRESHOLD} {chosen} was chosen for the weights that {config.output} has so far: it goes on with "
        f"{yaml_text(config.model.threshold)}"
    )


def refuse_other_config(config: Config, then: Mapping[str, str]) -> None:
    """UsageError with every key that has changed; only `epochs` may grow. Paths may differ, as the content of files is
    compared by fingerprints."""
    now = config_texts(config)
    changed = []
    for key in now:
        default = KEYS[key].default
        before = then.get(key, yaml_text(THEN.get(key, default)))  # a key that did not exist then had its default
        if key in _DECIDED and yaml_text(default) in (before, now[key]):
            continue
        if before == now[key] or key in _FREE or (key in _PATHS and _is_file(before) and _is_file(now[key])):
            continue
        if key == "training.epochs" and _may_grow(config, before):
            continue
        grows = ""
        if key == "training.epochs":
            name, by_total = _schedule(config)
            grows = f", and the schedule {name} goes by their number" if by_total else ", and may only grow"
        changed.append(f"{key}: it was {before}, now it is {now[key]}{grows}")
    if changed:
        raise UsageError(
            "\n  ".join([f"the config has changed since {config.output} was trained:", *changed]),
            ways={"resume": "with the config as it was", "force": "to start afresh", "output": "for another run"},
        )


def refuse_other_sums(config: Config, training: Training | None, found: Checkpoint) -> None:
    """UsageError if further steps would sum a batch in another order than the steps already taken."""
    if training is None or training.solver is not None or training.batch_size <= sums.ROWS or not found.state.steps:
        return
    if found.block != sums.ROWS:
        raise UsageError(
            f"{config.output}: batches of more than {sums.ROWS} rows are now summed by blocks of {sums.ROWS} rows, and "
            "were not when its steps were taken: the last bits of the others would differ",
            ways={"force": "to start afresh", "output": "for another run"},
        )


def refuse_other_moments(config: Config, training: Training, found: Checkpoint) -> None:
    """UsageError if the prepared data differs because an earlier version computed means of many rows differently."""
    preparation, rows = training.model.preparation, len(training.parts["train"].y)
    has_means = preparation.mean is not None or any(is_sum(column.missing) for column in preparation.columns)
    if found.block or not has_means or rows <= statistics.ROWS or found.data["train"]["rows"] != rows:
        return
    raise UsageError(
        f"{config.output}: means and σ of more than {statistics.ROWS} rows are now taken by blocks, and were not when "
        "it was saved: the last bits of the features differ",
        ways={"force": "to start afresh", "output": "for another run"},
    )


def other_rows(folder: Path, training: Training, parts: Sequence[str]) -> str:
    """How the rows of some `parts` differ from those that the run in `folder` was trained with, in words; empty if they
    do not, as far as the run says."""
    parts = [part for part in parts if part in training.parts]
    if not (folder / CHECKPOINT).is_file():
        for part in parts:
            held, rows = summary_rows(folder, part), len(training.parts[part].y)
            if held not in (None, rows):
                return f"its {part} rows were {held}, now they are {rows}"
        return ""
    found = read(folder / CHECKPOINT)
    if not found.block:
        return _OTHER_DRAW if _is_drawn(training.config) else ""
    arrays = {part: training.parts[part].arrays() for part in parts}
    now = fingerprint(arrays, training.model.preparation, like=found.data)
    return changed_data(*({part: data[part] for part in parts if part in data} for data in (found.data, now)))


_OTHER_DRAW = "rows are held out by another draw than in the version that trained it"


def _is_drawn(config: Config) -> bool:
    """Whether rows are held out at random."""
    return any(isinstance(part, float) for part in (config.data.validation, config.data.test))


def refuse_other_draw(config: Config, found: Checkpoint) -> None:
    """UsageError if an earlier version held out other rows."""
    if not found.block and _is_drawn(config):
        raise UsageError(
            f"{config.output}: {_OTHER_DRAW}", ways={"force": "to start afresh", "output": "for another run"}
        )


def is_over(config: Config, state: State) -> bool:
    """Whether a state is that of a finished training."""
    stopping = stopping_of(config.training.early_stopping, config.training.epochs)
    return (
        state.ended
        or state.epoch == most_epochs(config.training.epochs)
        or (stopping is not None and stopping.exhausted(state))
    )


def _may_grow(config: Config, before: str) -> bool:
    """Whether the config has more epochs than the saved one, and a schedule under which that does not change the
    finished epochs."""
    _, by_total = _schedule(config)
    now = most_epochs(config.training.epochs)
    return not by_total and most_epochs(before if before == "auto" else int(before)) < now


def _schedule(config: Config) -> tuple[str, bool]:
    """The schedule's name, and whether its factors depend on the number of epochs."""
    name, _ = name_and_settings(config.training.schedule)
    return name, SCHEDULES[name].by_total


def _is_file(text: str) -> bool:
    """Whether the text of a value is a path, rather than null, a fraction of the rows, or a word for the start."""
    return text not in ("null", *STARTS) and not is_number(text)
