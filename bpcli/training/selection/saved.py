"""The folder of a sweep: its results, and the outcomes so far, from which a stopped sweep is resumed."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bpcli.errors import DataError, UsageError
from bpcli.files import ELSEWHERE, own_folder, refuse_planted, refuse_planted_links, write_atomically, writing
from bpcli.training.selection.trials import Outcome
from bpcli.training.selection.unfinished import Unfinished

RESULTS, STATE = "results.csv", "state"
_PLAN, _ENDED, _RUNNING = "plan.json", ".outcomes", ".unfinished"
WAYS_OUT = {"resume": "to go on with it", "output": "for another"}


def check_folder(folder: Path, resume: bool) -> None:
    """UsageError if there is something else at `folder`, or a sweep although `resume` is false."""
    if not os.path.lexists(folder):
        return
    if not folder.is_dir():
        raise UsageError(f"{folder} is a file, not a folder", ways=ELSEWHERE)
    try:
        inside = sorted(os.listdir(folder))
    except OSError as error:
        raise DataError(f"{folder} can't be read: {error.strerror}") from error
    if inside and STATE not in inside:
        raise UsageError(f"{folder} is a folder with other things in it ({inside[0]} …)", ways=ELSEWHERE)
    if inside and not resume and (RESULTS in inside or _begun(folder / STATE)):
        what = "exists already" if RESULTS in inside else "holds a sweep that was stopped"
        raise UsageError(f"{folder} {what}", ways=WAYS_OUT)


def _begun(state: Path) -> bool:
    """Whether outcomes or states of a sweep are saved there."""
    return any(path.suffix in (_ENDED, _RUNNING) for path in state.iterdir())


class SavedOutcomes:
    """The outcomes of finished groups of trials, each in a file of its own that is written atomically."""

    def __init__(self, folder: Path, plan: Mapping[str, Any]) -> None:
        self._folder, self._state = folder, folder / STATE
        refuse_planted_links(folder)
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        refuse_planted(folder)
        own_folder(self._state)
        self._plan = json.dumps(plan, indent=1, sort_keys=True)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Lock the folder; UsageError if another process has locked it, or it holds a sweep with another plan."""
        import fcntl

        with writing(self._folder):
            descriptor = os.open(self._state, os.O_RDONLY | os.O_DIRECTORY)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UsageError(f"another process is writing {self._folder}", ways=ELSEWHERE) from error
            except OSError:  # not every file system has locks
                pass
            self._check_plan()
            yield
        finally:
            os.close(descriptor)

    def _check_plan(self) -> None:
        path = self._state / _PLAN
        try:
            before = path.read_text(encoding="utf-8") if path.is_file() else None
        except (OSError, ValueError):
            before = ""
        if before is None or not _begun(self._state):  # a sweep that failed before it saved anything is replaced
            self._write(path, self._plan)
        elif before != self._plan:
            changed = ""
            with contextlib.suppress(ValueError, AttributeError):  # no JSON, or no object
                old, new = json.loads(before), json.loads(self._plan)
                changed = ", ".join(key for key in new if old.get(key) != new[key])
            raise UsageError(
                f"{self._folder} holds another sweep" + (f": what has changed is {changed}" if changed else ""),
                ways={"resume": "with all as it was", "output": "for another"},
            )

    def read(self, group: int, size: int) -> list[Outcome] | None:
        """The saved outcomes of a group of `size` trials; None if there are none, or they are damaged."""
        try:
            digest, text = (self._state / f"{group}{_ENDED}").read_text(encoding="utf-8").split("\n", 1)
        except (OSError, ValueError):
            return None
        if digest != self._digest_of(text):
            return None
        found = [Outcome(**outcome) for outcome in json.loads(text)]
        return found if len(found) == size else None

    def write(self, group: int, outcomes: list[Outcome]) -> None:
        """Save the outcomes of a group."""
        text = json.dumps([asdict(outcome) for outcome in outcomes])
        self._write(self._state / f"{group}{_ENDED}", f"{self._digest_of(text)}\n{text}")

    def unfinished(self, group: int, seconds: float) -> Unfinished:
        """The file for the state of a running group, saved every `seconds`."""
        return Unfinished(self._state / f"{group}{_RUNNING}", self._plan, seconds)

    def _digest_of(self, text: str) -> str:
        """The digest of the outcomes in a file together with the plan."""
        return hashlib.blake2b((self._plan + text).encode(), digest_size=16).hexdigest()

    def write_results(self, text: str) -> None:
        """Write the table of results."""
        self._write(self._folder / RESULTS, text)

    @staticmethod
    def _write(path: Path, text: str) -> None:
        write_atomically(path, lambda file: file.write(os.fsencode(text)), force=True)
