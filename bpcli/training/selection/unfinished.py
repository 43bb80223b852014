"""The saved state of a running group of trials, written every few seconds so that a killed sweep can be resumed."""

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

_SHARE = 0.01  # the largest share of the time that may be spent on saving

Outcomes = dict[int, dict[str, Any]]
"""The outcomes of finished trials, by number, as plain values."""


@dataclass
class Unfinished:
    """The file for the state of a running group, written every `seconds`, the next time at `pause.at`.

    `key` identifies the sweep; a file of another one is ignored.
    """

    path: Path
    key: str
    seconds: float
    pause: Pause = field(default_factory=Pause)
    owner: int = field(default_factory=os.getpid)
    parent: int = 0

    def begin(self) -> tuple[Outcomes, dict[int, State]]:
        """Start the clock; returns the saved outcomes, and the saved states of trainings that have begun."""
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
            raise SystemExit  # the process that started this one has ended, and another may have taken over the work
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
        """Remove the file, as the group has ended."""
        with suppress(OSError):
            self.path.unlink()

    def _digest(self, content: bytes) -> bytes:
        return hashlib.blake2b(self.key.encode() + content, digest_size=16).hexdigest().encode()
