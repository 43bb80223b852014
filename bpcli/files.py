"""Files and folders: each appears under its name only when it is whole, and nothing is overwritten unasked."""

import contextlib
import ctypes
import errno
import os
import re
import secrets
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from glob import glob, has_magic
from pathlib import Path
from typing import BinaryIO

from bpcli.errors import DataError, UsageError, nearest
from bpcli.text.natural_order import natural_key

_ADDRESS = re.compile(r"(?:^|/)(https?|ftp|s3|gs|file):/+(.+)")


def _is_run(folder: Path) -> bool:
    return (folder / "model.npz").is_file() and (folder / "config.yaml").is_file()


def _inside(folder: Path) -> str:
    """What is to be named instead of a folder."""
    if _is_run(folder):
        return f"its config is {folder / 'config.yaml'}; where a model and data are expected, the model comes first"
    endings = Counter(Path(name).suffix for name in os.listdir(folder) if os.path.isfile(folder / name))
    endings.pop("", None)
    return f"a pattern names the files in it: {folder}/*{endings.most_common(1)[0][0]}" if endings else ""


def check_file(path: Path) -> None:
    """DataError if `path` is not a file that can be read; tells what it is, or offers the nearest name beside it."""
    if path.is_dir():
        raise DataError(f"{path} is {'a run folder' if _is_run(path) else 'a folder'}, not a file", _inside(path))
    if not path.exists():
        if path.is_symlink():
            raise DataError(f"{path} is a link to {os.readlink(path)}, where there is nothing")
        if address := _ADDRESS.search(str(path)):  # in a path the second slash is gone
            url = f"{address[1]}://{address[2]}"
            raise DataError(f"{url} is an address, and only files are read", f"download it first: curl -LO {url}")
        siblings = os.listdir(path.parent) if path.parent.is_dir() else []
        close = nearest(path.name, siblings)
        raise DataError(f"{path} does not exist", f"did you mean {path.parent / close}?" if close else "")


Paths = Path | tuple[Path, ...]
"""A path, or several; each is the name of a file or a pattern such as part-*.csv."""


def matching(paths: Paths) -> tuple[Path, ...]:
    """The files that paths and patterns name, those of a pattern in natural order.

    A file of the very name wins over a pattern. DataError for a pattern that no file matches.
    """
    found: list[Path] = []
    for path in paths if isinstance(paths, tuple) else (paths,):
        if path.exists() or not has_magic(str(path)):
            found.append(path)
            continue
        files = [Path(name) for name in glob(str(path), recursive=True) if os.path.isfile(name)]
        if not files:
            raise DataError(f"no file matches {path}")
        found += sorted(files, key=lambda file: natural_key(str(file)))
    return tuple(found)


def paths_text(paths: Paths) -> str:
    """Paths for a message."""
    return ", ".join(map(str, paths)) if isinstance(paths, tuple) else str(paths)


REPLACE = {"force": "to replace it"}
ELSEWHERE = {"output": "for another folder"}


def refuse_overwrite(path: Path) -> None:
    """Raise UsageError if something stands at `path`."""
    if os.path.lexists(path):
        raise UsageError(f"{path} exists already", ways=REPLACE)


def write_atomically(path: Path, write: Callable[[BinaryIO], object], force: bool = False) -> None:
    """Call `write` on a new file next to `path`, make it durable, and give it its name in one step.

    Without `force` an existing `path` is refused, even one that appeared meanwhile (UsageError). What can't be written
    is a DataError, and leaves the old file as it was. What a killed process left next to `path` is removed.
    """
    if not force:
        refuse_overwrite(path)
    with writing(path):
        _remove_leftovers(path)
        temporary, file = _locked_file(path)
        try:
            with file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
                if force:
                    os.replace(temporary, path)
                else:
                    _rename_new(temporary, path)
            _sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def write_new(path: Path, content: bytes) -> None:
    """Write a file in a folder of our own, in the place of whatever has its name; a link is not followed."""
    path.unlink(missing_ok=True)
    with path.open("xb") as file:
        file.write(content)


def own_folder(folder: Path) -> Path:
    """`folder`, made if it is not there; DataError if it is a link, through which one would write elsewhere."""
    if folder.is_symlink():
        raise DataError(f"{folder} is a link, and nothing is written through it", "remove it, or make it a folder")
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


_RANDOM = 8
"""Bytes of the random part of a temporary file's name, so that nobody can foresee it."""


def _locked_file(path: Path) -> tuple[Path, BinaryIO]:
    """A new file next to `path`, never through a link, locked as long as it is open."""
    import fcntl

    while True:
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(_RANDOM)}.partial")
        file = temporary.open("xb")
        with contextlib.suppress(OSError):  # not every file system has locks; then leftovers stay
            fcntl.flock(file, fcntl.LOCK_EX)
        if _is_open_at(file.fileno(), temporary):
            return temporary, file
        file.close()  # removed as a leftover before it was locked


def _remove_leftovers(path: Path) -> None:
    """Remove the temporary files of `path` that no living process holds."""
    import fcntl

    name = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{{2 * _RANDOM}}}\.partial")
    try:
        found = [path.with_name(left) for left in os.listdir(path.parent) if name.fullmatch(left)]
    except OSError:  # a folder that may not be listed may still be written to
        return
    for left in found:
        with contextlib.suppress(OSError):  # another user's, or removed meanwhile
            descriptor = os.open(left, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                left.unlink()
            finally:
                os.close(descriptor)


def _rename_new(source: Path, target: Path) -> None:
    """Rename a file; UsageError if something has the new name.

    By a link, which never replaces anything. File systems without links (exFAT, SMB) have a rename that does not
    replace, or the name is looked up just before.
    """
    try:
        os.link(source, target)
    except FileExistsError:
        refuse_overwrite(target)
    except OSError as error:
        if error.errno not in _NOT_SUPPORTED:
            raise
        try:
            _rename_with(source, target, _RENAME_NOREPLACE)
        except FileExistsError:
            refuse_overwrite(target)
        except OSError as refused:
            if refused.errno not in _NOT_SUPPORTED:
                raise
            refuse_overwrite(target)
            os.rename(source, target)


_NOT_SUPPORTED = frozenset({errno.EPERM, errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP})
"""Errors of a file system that does not have the call."""

_RENAME_NOREPLACE, _RENAME_EXCHANGE = 1, 2  # linux/fs.h


def _rename_with(source: Path, target: Path, flags: int) -> None:
    """Linux's renameat2; OSError with ENOSYS where there is none."""
    if sys.platform != "linux" or not hasattr(libc := ctypes.CDLL(None, use_errno=True), "renameat2"):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), str(target))
    at_fdcwd = -100
    if libc.renameat2(at_fdcwd, os.fsencode(source), at_fdcwd, os.fsencode(target), flags):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(target))


MARK = ".pid"
"""The file, with the pid, that marks a staging folder; one that a killed process left of a replaced run has none."""


def staging_path(target: Path) -> Path:
    """The hidden folder next to `target` in which it is made."""
    absolute = Path(os.path.realpath(target))  # `.` has no name; a link is kept, and its target is replaced
    return absolute.with_name(f".{absolute.name}.partial")


@contextlib.contextmanager
def staged_folder(target: Path, keeps: frozenset[str] = frozenset()) -> Iterator[Path]:
    """The hidden folder next to `target` to write into, held by this process; `install` then gives it its name.

    Files with a name in `keeps` survive an error and even the end of the process; all others are removed. A second
    process that stages the same target is refused (UsageError, which names the first); what can't be written is a
    DataError.
    """
    staging = staging_path(target)
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if staging.is_symlink():  # nothing is written through a link
            staging.unlink()
        descriptor = _hold(staging, target)
    try:
        with writing(target):
            _clear(staging, keeps if (staging / MARK).is_file() else frozenset())
            write_new(staging / MARK, f"{os.getpid()}\n".encode())
        yield staging
    finally:
        try:
            if _is_open_at(descriptor, staging):
                _leave(staging, keeps)
        finally:
            os.close(descriptor)


def install(
    staging: Path, target: Path, known: frozenset[str], force: bool = False, ways: Mapping[str, str] = REPLACE
) -> None:
    """Make the files in `staging` durable and let it become `target` in one step.

    With `force` an existing `target` is replaced, if it holds one of the file names `known` (or nothing); its other
    files move into the new one. On any error the old folder stays as it was.
    """
    with writing(target):
        for path in staging.iterdir():
            _sync(path)
        _sync_folder(staging)
        check_target(target, known, force, ways)
        _install(staging, Path(os.path.realpath(target)), known | {MARK})


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a system error on writing `path` into a DataError that names it."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{path} can't be written: {error.strerror or error}") from error


def check_target(target: Path, known: frozenset[str], force: bool = False, ways: Mapping[str, str] = REPLACE) -> None:
    """UsageError if `target` is there, unless it is a folder that `force` may replace, or an empty one."""
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
    """A descriptor of `staging`, made if need be, whose lock ends with this process."""
    import fcntl

    while True:
        staging.mkdir(exist_ok=True)
        try:
            descriptor = os.open(staging, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except FileNotFoundError:  # the process that held it has just ended
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if isinstance(error, BlockingIOError):
                raise UsageError(f"another process{_holder(staging)} is writing {target}", ways=ELSEWHERE) from error
            raise
        if _is_open_at(descriptor, staging):
            return descriptor
        os.close(descriptor)  # it was put in place, or removed, between the two calls


def _leave(staging: Path, keeps: frozenset[str]) -> None:
    """Remove what is not to be kept, and the folder if it is then empty."""
    with contextlib.suppress(OSError):
        _clear(staging, keeps | {MARK})
        if set(os.listdir(staging)) <= {MARK}:
            _remove(staging)


def _holder(staging: Path) -> str:
    """` (pid 12)` if the holder of `staging` says so."""
    with contextlib.suppress(OSError, ValueError):
        return f" (pid {int((staging / MARK).read_text())})"
    return ""


def _is_open_at(descriptor: int, path: Path) -> bool:
    """Whether what stands at `path` is what `descriptor` has open."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        return False


def _clear(folder: Path, keeps: frozenset[str]) -> None:
    for path in folder.iterdir():
        if path.name not in keeps:
            if path.is_dir() and not path.is_symlink():
                _remove(path)
            else:
                path.unlink()


def _install(staging: Path, target: Path, known: frozenset[str]) -> None:
    """Give `staging` the name of `target`; an existing target changes places with it and is then removed."""
    import fcntl

    if not target.exists():
        os.rename(staging, target)
    else:
        # Locked until it is removed, so that no process takes the old folder, under its new name, for a staging folder.
        old = os.open(target, os.O_RDONLY)
        try:
            fcntl.flock(old, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (target / MARK).unlink(missing_ok=True)
            for name in os.listdir(target):
                if name not in known:
                    _link_over(target / name, staging / name)
            _exchange(staging, target)
            # The old folder still holds the files that moved: only its own are dropped.
            _remove(staging)
        finally:
            os.close(old)
    with contextlib.suppress(OSError):
        (target / MARK).unlink()
    _sync_folder(target.parent)


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
            if error.errno not in _NOT_SUPPORTED:
                raise
            shutil.copy2(source, destination, follow_symlinks=False)


def _exchange(first: Path, second: Path) -> None:
    """Let two folders change names: in one step where the system can, else by way of a third name."""
    try:
        _rename_with(first, second, _RENAME_EXCHANGE)
        return
    except OSError as error:
        if error.errno not in _NOT_SUPPORTED:
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


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(path: Path) -> None:
    # Some file systems refuse to sync a folder; the rename is then as durable as they make it.
    with contextlib.suppress(OSError):
        _sync(path)
