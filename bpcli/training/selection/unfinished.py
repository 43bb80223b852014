"""What a group of trials has come to while it runs, saved every few seconds: a kill loses no more than these."""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from bpcli.files import write_atomically
from bpcli.training.descent.state import Pause, State

_SHARE = 0.01  # of the time that saving may take

Outcomes = dict[int, dict[str, Any]]
"""The outcomes of the trials that have ended, by number, as plain values."""


@dataclass
class Unfinished:
    """The file of a group that is running; `key` names the group, and the file is written every `seconds`.

    `pause.at` is when it is to be written next.
    """

    path: Path
    key: str
    seconds: float
    pause: Pause = field(default_factory=Pause)
    owner: int = field(default_factory=os.getpid)
    parent: int = 0

    def begin(self) -> tuple[Outcomes, dict[int, State]]:
        """Start the clock; what is saved: the outcomes so far, and the states of trainings that have begun."""
        self.pause.at, self.parent = perf_counter() + self.seconds, os.getppid()
        try:
            digest, content = self.path.read_bytes().split(b"\n", 1)
            if digest != self._digest(content):
                return {}, {}
            with np.load(BytesIO(content), allow_pickle=False) as archive:
                meta = json.loads(archive["meta"].tobytes())
                arrays: dict[int, dict[str, Any]] = {}
                for name in archive.files:
                    number, dot, rest = name.partition(".")
                    if dot:
                        arrays.setdefault(int(number), {})[rest] = archive[name]
            states = {int(k): State.of(arrays[int(k)], plain) for k, plain in meta["states"].items()}
            return {int(k): outcome for k, outcome in meta["outcomes"].items()}, states
        except (OSError, ValueError, KeyError, TypeError):  # not there, or damaged
            return {}, {}

    def due(self) -> bool:
        """Whether it is time to save."""
        return perf_counter() >= self.pause.at

    def keep(self, outcomes: Mapping[int, Mapping[str, Any]], states: Mapping[int, State]) -> None:
        """Write the outcomes of the trials that have ended, and the states of those that have begun."""
        if self.owner != os.getpid() and self.parent != os.getppid():
            raise SystemExit  # who started this process is gone, and another one may go on with the work
        began = perf_counter()
        meta = {"outcomes": outcomes, "states": {k: state.plain() for k, state in states.items()}}
        arrays = {f"{k}.{name}": array for k, state in states.items() for name, array in state.arrays().items()}
        buffer = BytesIO()
        members: dict[str, Any] = {**arrays, "meta": np.frombuffer(json.dumps(meta).encode(), np.uint8)}
        np.savez(buffer, **members)
        content = buffer.getvalue()
        write_atomically(self.path, lambda file: file.write(self._digest(content) + b"\n" + content), force=True)
        now = perf_counter()
        self.pause.at = now + max(self.seconds, (now - began) / _SHARE)

    def remove(self) -> None:
        """Forget what is saved: the group has ended."""
        with suppress(OSError):
            self.path.unlink()

    def _digest(self, content: bytes) -> bytes:
        return hashlib.blake2b(self.key.encode() + content, digest_size=16).hexdigest().encode()
