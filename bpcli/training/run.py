"""The run folder: writes the files of a training, and reads its model, history and summary."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np

from bpcli.archives import read_archive
from bpcli.datasets.dialect import dialect_of
from bpcli.datasets.preparation.fitted import Preparation
from bpcli.datasets.reading import READERS, is_named_as_table
from bpcli.errors import DataError, UnfinishedError
from bpcli.files import write_new, writing
from bpcli.folders import install, staged_folder
from bpcli.formulas.layers import LAYERS, loss_of, refusal, task_of
from bpcli.paths import check_file
from bpcli.sources import read_whole
from bpcli.text.json_types import conforms
from bpcli.text.notation import csv_line, json_text
from bpcli.training.checkpoint import GENERATIONS, unfinished
from bpcli.training.model import Model, Uncertainty

CONFIG, MODEL, HISTORY, SUMMARY = "config.yaml", "model.npz", "history.csv", "summary.json"
BEST = "best"  # of a sweep, in its folder
RUN_FILES = frozenset({CONFIG, MODEL, HISTORY, SUMMARY, *GENERATIONS})

_DIGESTS, _DIGESTED = "files", (CONFIG, MODEL, HISTORY)
"""The key in the summary for the digests of the other files, and the names of these files."""

_FORMAT = 1  # increases when an older version could misread a newer file


def save_model(model: Model, path: Path) -> None:
    """Write `model` to a new file `path`."""
    with writing(path):
        write_new(path, model_bytes(model))


def model_bytes(model: Model) -> bytes:
    """The content of a model file: the arrays w and b, and all else as JSON in `meta`, so that pickle is not needed."""
    meta = {
        "format": _FORMAT,
        "type": model.type,
        "activation": model.activation,
        "loss": model.loss,
        "threshold": model.threshold,
        "data_format": model.data_format,
        "dialect": asdict(model.dialect),
        "like": model.like,
        "preparation": model.preparation.to_json(),
    }
    buffer = BytesIO()
    known = model.uncertainty
    members: dict[str, Any] = {"w": model.w, "b": model.b, "meta": np.array(json.dumps(meta))}
    if known is not None:
        members |= {"covariance": known.covariance, "df": np.array([known.df, known.penalised])}
    np.savez(buffer, **members)
    return buffer.getvalue()


def save_run(
    folder: Path, config: str, model: Model, records: Sequence[Mapping[str, Any]], summary: Mapping[str, Any]
) -> None:
    """Write the files of a run into `folder`."""
    save_model(model, folder / MODEL)
    rows = [flat(record) for record in records]
    history = [csv_line(rows[0]), *(csv_line(row.values()) for row in rows)]
    with writing(folder):
        write_new(folder / CONFIG, config.encode())
        write_new(folder / HISTORY, ("\n".join(history) + "\n").encode())
        _save_summary(folder, summary)


def _save_summary(folder: Path, summary: Mapping[str, Any]) -> None:
    digests = {name: _digest(name, read_whole(folder / name)) for name in _DIGESTED}
    write_new(folder / SUMMARY, (json_text({**summary, _DIGESTS: digests}) + "\n").encode())


def replace_model(folder: Path, config: str, model: Model) -> None:
    """Replace the model and the config of the run in `folder` atomically; its history and summary stay."""
    summary = load_summary(folder)
    with staged_folder(folder) as staging:
        save_model(model, staging / MODEL)
        with writing(folder):
            write_new(staging / CONFIG, config.encode())
            for name in RUN_FILES - {CONFIG, MODEL, SUMMARY}:
                if (folder / name).is_file():
                    write_new(staging / name, read_whole(folder / name))
            _save_summary(staging, summary)
        install(staging, folder, RUN_FILES, force=True)


def _digest(name: str, content: bytes) -> str:
    """The digest of a file's content without paths and times, which differ between equal trainings."""
    if name == CONFIG:
        content = re.sub(rb"(?m)^(output|  path|  target_path|  validation|  test):.*$", b"", content)
    elif name == HISTORY:
        content = re.sub(rb"(?m),[^,\n]*$", b"", content)  # the last column, seconds
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def check_one_run(folder: Path, model: Model) -> None:
    """DataError if the files in `folder` and `model`, which was read from there, are not from one training.

    That happens if another run replaces this one while it is read. Runs of earlier versions have no digests.
    """
    if not (folder / SUMMARY).is_file():
        return
    with _reading(folder):
        digests = json.loads(read_whole(folder / SUMMARY)).get(_DIGESTS, {})
        there = [name for name in digests if name in _DIGESTED and (folder / name).is_file()]
        found = {name: _digest(name, read_whole(folder / name)) for name in there}
    expected = {MODEL: model.digest, **digests}
    others = [name for name in found if expected[name] != found[name]] or [MODEL] * (expected[MODEL] != model.digest)
    if others:
        raise DataError(
            f"{folder}: {' and '.join(others)} and {SUMMARY} are of different runs: another took its place while it "
            "was read, or a file was changed",
            "try again; a file that was changed is made anew by training",
        )


@contextmanager
def _reading(folder: Path) -> Iterator[None]:
    try:
        yield
    except (ValueError, AttributeError, RecursionError) as error:
        raise DataError(f"{folder / SUMMARY} can't be read, or is damaged") from error


def read_history(folder: Path) -> dict[str, list[float]]:
    """The columns of a run's `history.csv`, with a value for each epoch; {} without the file, DataError if damaged."""
    path = folder / HISTORY
    if not path.is_file():
        return {}
    try:
        names, *rows = (line.split(",") for line in read_whole(path).decode().splitlines())
        return {name: [float(row[k] or "nan") for row in rows] for k, name in enumerate(names)}
    except (ValueError, IndexError) as error:
        raise DataError(f"{path} is not the history of a run, or is damaged") from error


def flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with inner mappings flattened: `validation.loss` for `{"validation": {"loss": …}}`."""
    result: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, Mapping):
            result |= {f"{key}.{name}": inner for name, inner in value.items()}
        else:
            result[key] = value
    return result


def is_finished(folder: Path) -> bool:
    """Whether `folder` holds a finished run."""
    return (folder / MODEL).is_file() and (folder / SUMMARY).is_file()


def load_summary(folder: Path) -> dict[str, Any]:
    """The summary of a run, as training printed it. DataError if it can't be read."""
    with _reading(folder):
        summary = json.loads(read_whole(folder / SUMMARY))
        train, numbers = summary.get("train"), (int, float, NoneType)
        measured = [summary[name] for name in ("train", "validation", "test", "weighted") if name in summary]
        plain = [summary.get("best_constant_loss", ""), *(part.get("loss", "") for part in measured)]
        if train is None or not all(isinstance(value, numbers) for value in plain):
            raise ValueError("a part is missing, or of another type")
        if any(not train.keys() <= part.keys() for part in measured if "rows" in part):
            raise ValueError("the parts have other metrics")
        return {name: value for name, value in summary.items() if name != _DIGESTS}


def summary_rows(folder: Path, part: str) -> int | None:
    """The number of rows of a `part` (train, validation, test) of a run; None if its summary does not say."""
    try:
        return int(load_summary(folder)[part]["rows"])
    except (DataError, ValueError, KeyError, TypeError, OverflowError):
        return None


def model_path(path: Path) -> Path:
    """The path of the model file: `path` itself, or `model.npz` in a run folder. DataError if there is none."""
    if not (path / MODEL).is_file() and (saved := unfinished(path)) is not None:
        raise UnfinishedError(path, saved)
    if path.is_dir():
        if not (path / MODEL).is_file():
            best = path / BEST
            hint = f"{best} is the best run of the sweep in it" if (best / MODEL).is_file() else ""
            raise DataError(f"{path} is not a run folder: it has no {MODEL}", hint)
        return path / MODEL
    check_file(path)
    return path


def load_model(path: Path) -> Model:
    """The model in a run folder or a `model.npz`. DataError if it can't be read or is not one of bpcli's."""
    path = model_path(path)
    try:
        content = read_archive(path)
        with np.load(BytesIO(content), allow_pickle=False) as archive:
            meta = json.loads(str(archive["meta"]))
            w, b = archive["w"], archive["b"]
            known = None
            if "covariance" in archive.files:  # only of models at their optimum
                df, penalised = archive["df"].tolist()
                known = Uncertainty(archive["covariance"], df, bool(penalised))
        if meta["format"] > _FORMAT:
            raise DataError(f"{path} was written by a newer bpcli", "pip install --upgrade bpcli")
        preparation = Preparation.from_json(meta["preparation"], loss_of(meta["loss"]).labels)
        model = Model(
            meta["type"],
            meta["activation"],
            meta["loss"],
            meta["threshold"],
            w,
            b,
            preparation,
            meta["data_format"],
            dialect_of(meta.get("dialect", {})),  # models of earlier versions have neither this
            meta.get("like", ""),  # nor this
            _digest(MODEL, content),
            known,
        )
        _check(model)
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror or error}") from error
    except Exception as error:  # whatever the libraries raise for a damaged file
        if path.suffix in (".yaml", ".yml"):
            raise DataError(f"{path} is a config, not a model", "a model is the folder of its run") from error
        if path.suffix != ".npz" and is_named_as_table(path):
            raise DataError(f"{path} is a table, not a model", "the model comes first, then the data") from error
        raise DataError(f"{path} is not a model of bpcli, or is damaged") from error
    return model


def _check(model: Model) -> None:
    """ValueError if the parts of a model do not fit together."""
    if not conforms(model, Model) or not 0 < model.threshold < 1 or model.data_format not in ("auto", *READERS):
        raise ValueError("a part of another type")
    if refusal(model.type, model.activation, model.loss) or task_of(model.type, model.loss) != model.preparation.task:
        raise ValueError("layer, activation, loss and task do not go together")
    n = len(model.preparation.feature_names)
    outputs: Sequence[int] = (len(model.classes or ()),) if LAYERS[model.type].per_class else ()
    if model.w.shape != (n, *outputs) or model.b.shape != (*outputs,) or model.w.dtype.kind != "f":
        raise ValueError(f"weights of shape {model.w.shape} for {n} features")
    if model.b.dtype != model.w.dtype or not (np.isfinite(model.w).all() and np.isfinite(model.b).all()):
        raise ValueError("a weight is not finite")
    known, p = model.uncertainty, model.w.size + model.b.size
    if known is not None and not (known.covariance.shape == (p, p) and np.isfinite(known.covariance).all()):
        raise ValueError("a covariance that does not fit the weights")
