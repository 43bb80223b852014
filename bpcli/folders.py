"""Writes folders atomically: files are written to a hidden staging folder, which then gets its name in one step."""

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from bpcli.errors import DataError, UsageError
from bpcli.files import (
    ELSEWHERE,
    NOT_SUPPORTED,
    RENAME_EXCHANGE,
    REPLACE,
    is_open_at,
    refuse_planted,
    refuse_planted_links,
    rename_with,
    sync,
    sync_folder,
    write_new,
    writing,
)

MARK = ".pid"
"""The file with the pid that marks a staging folder; the rest of a replaced run, left by a killed process, has none."""


def staging_path(target: Path) -> Path:
    """The staging folder of `target`, hidden next to it."""
    absolute = Path(os.path.realpath(target))  # `.` has no name; of a link the target is replaced
    return absolute.parent / f".{absolute.name}.partial"  # `/` has no name to change


@contextlib.contextmanager
def staged_folder(target: Path, keeps: frozenset[str] = frozenset()) -> Iterator[Path]:
    """A context with the staging folder of `target`, locked by this process; `install` then gives it its name.

    Files with a name in `keeps` survive an error, and even the end of the process; all others are removed. UsageError
    if another process, which is named, has locked the folder; DataError if it can't be written.
    """
    staging = staging_path(target)
    refuse_planted_links(target)
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if staging.is_symlink():  # or one would write to another place
            staging.unlink()
        descriptor = _hold(staging, target)
    try:
        with writing(target):
            _clear(staging, keeps if (staging / MARK).is_file() else frozenset())
            write_new(staging / MARK, f"{os.getpid()}\n".encode())
        yield staging
    finally:
        try:
            if is_open_at(descriptor, staging):
                _leave(staging, keeps)
        finally:
            os.close(descriptor)


def install(
    staging: Path, target: Path, known: frozenset[str], force: bool = False, ways: Mapping[str, str] = REPLACE
) -> None:
    """Sync the files in `staging` to disk and rename it to `target` in one step.

    With `force` an existing `target` is replaced if it is empty or has a file with a name in `known`; its other files
    move into the new folder. On any error the old folder is unchanged.
    """
    with writing(target):
        for path in staging.iterdir():
            sync(path)
        sync_folder(staging)
        check_target(target, known, force, ways)
        _install(staging, Path(os.path.realpath(target)), known | {MARK})


def check_target(target: Path, known: frozenset[str], force: bool = False, ways: Mapping[str, str] = REPLACE) -> None:
    """UsageError if `target` exists, unless it is empty, or a folder with `known` files and `force` is given."""
    if not os.path.lexists(target):
        return
    if not target.is_dir():
        what = "a file" if target.exists() else f"a link to {os.readlink(target)}, where there is nothing"
        raise UsageError(f"{target} is {what}, not a folder that can be replaced", ways=ELSEWHERE)
    inside = os.listdir(target)
    if inside and not known & set(inside):
        raise UsageError(f"{target} is a folder with other things in it ({sorted(inside)[0]} …)", ways=ELSEWHERE)
    if inside and not force:
        raise UsageError(f"{target} exists already", ways=ways)


def _hold(staging: Path, target: Path) -> int:
    """A descriptor of `staging`, which is made if necessary, with a lock that ends with this process."""
    import fcntl

    while True:
        staging.mkdir(exist_ok=True)
        try:
            descriptor = os.open(staging, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except FileNotFoundError:  # the process that had it has just put it in place or removed it
            continue
        try:
            refuse_planted(staging)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (OSError, DataError) as error:
            os.close(descriptor)
            if isinstance(error, BlockingIOError):
                raise UsageError(f"another process{_holder(staging)} is writing {target}", ways=ELSEWHERE) from error
            raise
        if is_open_at(descriptor, staging):
            return descriptor
        os.close(descriptor)  # it was put in place, or removed, between the two calls


def _leave(staging: Path, keeps: frozenset[str]) -> None:
    """Remove all files but those in `keeps`, and the folder if it is then empty."""
    with contextlib.suppress(OSError):
        _clear(staging, keeps | {MARK})
        if set(os.listdir(staging)) <= {MARK}:
            _remove(staging)


def _holder(staging: Path) -> str:
    """` (pid 12)` of the process that has locked `staging`; empty if not known."""
    with contextlib.suppress(OSError, ValueError):
        return f" (pid {int((staging / MARK).read_text())})"
    return ""


def _clear(folder: Path, keeps: frozenset[str]) -> None:
    for path in folder.iterdir():
        if path.name not in keeps:
            if path.is_dir() and not path.is_symlink():
                _remove(path)
            else:
                path.unlink()


def _install(staging: Path, target: Path, known: frozenset[str]) -> None:
    """Rename `staging` to `target`; an existing target is exchanged with it and then removed."""
    import fcntl

    if not target.exists():
        os.rename(staging, target)
    else:
        # Locked until it is removed, so that no process uses the old folder, which gets the name of the staging folder.
        old = os.open(target, os.O_RDONLY)
        try:
            fcntl.flock(old, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (target / MARK).unlink(missing_ok=True)
            for name in os.listdir(target):
                if name not in known:
                    _link_over(target / name, staging / name)
            _exchange(staging, target)
            # The other files are hard links in both folders, so that removing the old one does not lose them.
            _remove(staging)
        finally:
            os.close(old)
    with contextlib.suppress(OSError):
        (target / MARK).unlink()
    sync_folder(target.parent)


def _remove(folder: Path) -> None:
    """Remove a folder, also a read-only one."""
    with contextlib.suppress(OSError):
        folder.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _link_over(source: Path, destination: Path) -> None:
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, destination, symlinks=True)
    else:
        try:
            os.link(source, destination, follow_symlinks=False)
        except OSError as error:
            if error.errno not in NOT_SUPPORTED:
                raise
            shutil.copy2(source, destination, follow_symlinks=False)


def _exchange(first: Path, second: Path) -> None:
    """Exchange the names of two folders: in one step if the system can, else by a third name."""
    try:
        rename_with(first, second, RENAME_EXCHANGE)
        return
    except OSError as error:
        if error.errno not in NOT_SUPPORTED:
            raise
    aside = second.with_name(f".{second.name}.old")
    shutil.rmtree(aside, ignore_errors=True)
    os.rename(second, aside)
    try:
        os.rename(first, second)
    except OSError:
        os.rename(aside, second)
        raise
    os.rename(aside, first)
