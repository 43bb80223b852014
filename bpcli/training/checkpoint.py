"""Checkpoints: the state of a training on disk, of which there is a complete one at every instant; without pickle."""

import contextlib
import hashlib
import json
import os
import platform
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.archives import read_archive
from bpcli.datasets.preparation.fitted import Preparation
from bpcli.datasets.sparse import is_sparse, pieces
from bpcli.datasets.spread import SpreadRows, SpreadSparse
from bpcli.errors import DataError
from bpcli.files import write_atomically, writing
from bpcli.folders import MARK, staging_path
from bpcli.memory import product_threads
from bpcli.text.json_types import conforms
from bpcli.training.descent.state import State

Array = NDArray[Any]

CHECKPOINT, PREVIOUS = "checkpoint.npz", "checkpoint.previous.npz"
GENERATIONS = (CHECKPOINT, PREVIOUS)

_FORMAT = 1  # increases when an older version could misread a newer file
_ROWS = 1 << 12  # rows of an array that are hashed at a time
_LEARNED, _START = "preparation", "start"
_QUICK = "crc32:"
_IN_WORDS = {
    "columns": "columns, categories or fillings",
    "mean": "means",
    "scale": "scales",
    "numbered": "features",
}


@dataclass(frozen=True)
class Checkpoint:
    """A state, with the resolved config by key and the fingerprint of the data, which identify its training.

    `replaces`: the training is to replace an existing run. `processor`: the kind of processor that it ran on.
    `block`: larger batches were summed in blocks of this many rows; 0: a version that did not use blocks. `words`: the
    command that started it, up to its folder, with the config as seen from the folder of the run; () if none did.
    """

    state: State
    config: Mapping[str, str]
    data: Mapping[str, Mapping[str, Any]]
    replaces: bool = False
    processor: str = ""
    block: int = 0
    words: Sequence[str] = ()

    def where(self) -> str:
        """How far the training had come, in words: `after 3 epochs, 5 steps into the next`."""
        epochs = "1 epoch" if self.state.epoch == 1 else f"{self.state.epoch} epochs"
        steps = "1 step" if self.state.batch == 1 else f"{self.state.batch} steps"
        return f"after {epochs}" + (f", {steps} into the next" if self.state.batch else "")


_INSTRUCTIONS = ("avx2", "avx512f", "fma", "asimd", "sve", "vsx", "vx")
"""The instruction sets by which libraries choose their code, so that sums may be rounded in another order."""


def processor() -> str:
    """The kind of this machine's processor: architecture, vendor, instruction sets, and `one-thread` if a single thread
    computes matrix products, which several threads would divide, and so round, differently."""
    said = {"vendor_id": "", "flags": "", "Features": ""}
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            name, _, value = line.partition(":")
            said[name.strip()] = said.get(name.strip()) or value.strip()
    sets = [name for name in _INSTRUCTIONS if name in f"{said['flags']} {said['Features']}".split()]
    alone = "" if product_threads() > 1 else "one-thread"
    return " ".join(filter(None, [platform.machine(), said["vendor_id"], *sets, alone]))


def write(folder: Path, checkpoint: Checkpoint) -> None:
    """Write `checkpoint` into `folder`, and keep the one before it as the previous generation. DataError if it fails.

    At every instant there is a complete checkpoint in the folder, the old or the new one.
    """
    arrays = checkpoint.state.arrays()
    meta = json.dumps(
        {
            "format": _FORMAT,
            "config": checkpoint.config,
            "data": checkpoint.data,
            "replaces": checkpoint.replaces,
            "processor": checkpoint.processor,
            "block": checkpoint.block,
            "words": checkpoint.words,
            "state": checkpoint.state.plain(),
        }
    )
    buffer = BytesIO()
    members: dict[str, Any] = {
        **{f"state.{name}": array for name, array in arrays.items()},
        "meta": np.frombuffer(meta.encode(), np.uint8),
    }
    np.savez(buffer, **members, digest=np.array(_digest(members)))

    def put(file: Any) -> None:
        file.write(buffer.getbuffer())
        file.flush()
        os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            os.replace(folder / CHECKPOINT, folder / PREVIOUS)

    write_atomically(folder / CHECKPOINT, put, force=True)


def read(path: Path) -> Checkpoint:
    """The checkpoint in the file `path`; DataError if it can't be read, is damaged or was changed."""
    try:
        with np.load(BytesIO(read_archive(path)), allow_pickle=False) as archive:
            members = {name: archive[name] for name in archive.files}
        if str(members.pop("digest")) != _digest(members):
            raise ValueError("the digest does not fit")
        meta = json.loads(members.pop("meta").tobytes())
        if meta["format"] > _FORMAT:
            raise DataError(f"{path} was written by a newer bpcli", "pip install --upgrade bpcli")
        state = State.of({name.removeprefix("state."): array for name, array in members.items()}, meta["state"])
        later = {key: meta[key] for key in ("processor", "block", "words") if key in meta}  # older versions have none
        found = Checkpoint(state, meta["config"], meta["data"], meta["replaces"], **later)
        if not conforms(found, Checkpoint) or min(state.epoch, state.batch, state.steps) < 0:
            raise ValueError("a part of another type")
        if state.generator is not None:
            as_saved: Any = state.generator  # assigning it raises an error if it is not a valid state
            np.random.PCG64().state = as_saved
        return found
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror or error}") from error
    except Exception as error:  # whatever the libraries raise for a damaged file
        raise DataError(f"{path} is damaged: it is cut short, or was changed") from error


def latest(folder: Path) -> tuple[Checkpoint | None, str]:
    """The newest undamaged checkpoint in `folder`, or None if there are no checkpoints; and a warning, or "".

    DataError if there are checkpoints, and all of them are damaged.
    """
    damage = None
    for path in (folder / name for name in GENERATIONS):
        if not path.is_file():
            continue
        try:
            found = read(path)
        except DataError as error:
            damage = damage or error
        else:
            return found, f"{damage.message}; going on from the one before it, {found.where()}" if damage else ""
    if damage is not None:
        raise DataError(damage.message, ways={"force": "to start afresh", "output": "to leave it as it is"})
    return None, ""


def unfinished(target: Path) -> Path | None:
    """The folder with the checkpoints of a stopped training of the run `target`, or None."""
    staging = staging_path(target)
    if (as_given := target.parent / staging.name).is_dir():
        staging = as_given
    is_staging = (staging / MARK).is_file()  # else a process was killed while it replaced a run, and left this folder
    return staging if is_staging and any((staging / name).is_file() for name in GENERATIONS) else None


def discard(folder: Path) -> None:
    """Remove the checkpoints in `folder`; DataError if they can't be removed."""
    with writing(folder):
        for name in GENERATIONS:
            (folder / name).unlink(missing_ok=True)


def fingerprint(
    parts: Mapping[str, Mapping[str, Array]],
    preparation: Preparation,
    started_from: str = "",
    like: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, dict[str, Any]]:
    """The fingerprint of a training's data, by which a change of the data is detected.

    It has the number of rows and a digest of the arrays of each part, a digest of each field of the `preparation`, such
    as the classes, and the digest of the model that the training `started_from`, if there is one. The prepared numbers
    are hashed, not the files, which may be moved or compressed. `like` is a fingerprint to compare with, whose kind of
    digest is then used: versions up to 0.1.0 had a slower one.
    """
    slow = like is not None and not str(like["train"]["digest"]).startswith(_QUICK)
    names = np.array(list(preparation.feature_names))
    learned = {key: _digest({key: np.array(json.dumps(value))}) for key, value in preparation.to_json().items()}
    return {
        **{
            part: {"rows": len(arrays["y"]), "digest": (_digest if slow else _quick_digest)({"names": names, **arrays})}
            for part, arrays in parts.items()
        },
        _LEARNED: learned,
        **({_START: {"digest": started_from}} if started_from else {}),
    }


def changed_data(then: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]) -> str:
    """The difference between two fingerprints of the data, in words; empty if they are equal."""
    learned = then.get(_LEARNED, {})  # older checkpoints do not have it
    changed = [key for key in learned if learned[key] != now[_LEARNED].get(key)]
    words = f"it has other {' and '.join(_IN_WORDS.get(key, key) for key in changed)} now"
    parts = [part for part in ("train", "validation", "test") if then.get(part) != now.get(part)]
    if then.get(_START) != now.get(_START):
        return "the model that it started from is another one now"
    for part in parts:
        rows = [data[part]["rows"] if part in data else 0 for data in (then, now)]
        if rows[0] != rows[1]:
            return f"its {part} rows were {rows[0]}, now they are {rows[1]}"
    if parts and {*changed} <= {"mean", "scale"}:  # these follow from the values
        return f"its {parts[0]} rows are still {now[parts[0]]['rows']}, but do not hold the same values"
    return words if changed or parts else ""


def _digest(arrays: Mapping[str, Array]) -> str:
    """A digest of arrays with their names, shapes and types."""
    digest = hashlib.blake2b(digest_size=16)
    for name, array in _plain(arrays):
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        for part in pieces(array, _ROWS):
            digest.update(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _quick_digest(arrays: Mapping[str, Array]) -> str:
    """`_digest` of the CRC-32 of each block, about four times as fast: for accidental changes, not for forged ones."""
    sums = {}
    for name, array in _plain(arrays):
        if isinstance(array, SpreadRows):
            sums[_described(name, array)] = np.array(array.checksums(), np.uint32)
            continue
        blocks = (np.ascontiguousarray(part).reshape(-1).view(np.uint8).data for part in pieces(array, _ROWS))
        sums[_described(name, array)] = np.array([zlib.crc32(block) for block in blocks], np.uint32)
    return _QUICK + _digest(sums)


def _described(name: str, array: Array | SpreadRows) -> str:
    return f"{name} {array.dtype.str} {array.shape}"


def _plain(arrays: Mapping[str, Any]) -> Iterator[tuple[str, Array | SpreadRows]]:
    """The arrays by name; a sparse matrix as its three arrays."""
    for name, array in arrays.items():
        if isinstance(array, SpreadSparse):
            yield from ((f"{name}.{part}", of_part) for part, of_part in array.arrays().items())
        elif is_sparse(array):
            yield from ((f"{name}.{part}", getattr(array, part)) for part in ("data", "indices", "indptr"))
        else:
            yield name, array
