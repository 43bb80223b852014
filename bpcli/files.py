"""Writes files atomically and durably, never over an existing file unless asked to, and never through foreign links."""

import contextlib
import ctypes
import errno
import hashlib
import os
import re
import secrets
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from bpcli.errors import DataError, UsageError

REPLACE = {"force": "to replace it"}
ELSEWHERE = {"output": "for another folder"}


def refuse_overwrite(path: Path) -> None:
    """UsageError if `path` exists."""
    _refuse_special(path)
    if os.path.lexists(path):
        raise UsageError(f"{path} exists already", ways=REPLACE)


def _refuse_special(path: Path) -> None:
    """UsageError for a device, a pipe or a socket, which renaming a file to `path` would destroy, as `/dev/null`."""
    try:
        mode, link = os.stat(path).st_mode, os.readlink(path) if path.is_symlink() else ""
    except OSError:
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)) or link.startswith("/proc/"):  # where /dev/stdout leads
        raise UsageError(f"{path} is a device or a pipe, not a file that can be replaced")


def _is_planted(path: Path) -> bool:
    """Whether `path` was made by another user, except root, in a folder that everybody can write to, such as `/tmp`."""
    try:
        found, folder = os.lstat(path), os.stat(path.parent).st_mode
    except OSError:
        return False
    return bool(folder & stat.S_ISVTX and folder & stat.S_IWOTH) and found.st_uid not in (0, os.geteuid())


def refuse_planted_links(path: Path) -> None:
    """DataError if `path`, or a folder above it, is a link that another user made in a folder for everybody.

    Through it one would write to another place. Linux refuses such links only with fs.protected_symlinks.
    """
    absolute = path.absolute()
    for part in (absolute, *absolute.parents):
        if part.is_symlink() and _is_planted(part):
            raise DataError(f"{part} is a link of another user's, and nothing is written through it")


def refuse_planted(folder: Path) -> None:
    """DataError for a folder that another user made in a folder for everybody, as that user may put links into it."""
    if _is_planted(folder):
        raise DataError(f"{folder} was made by another user, in a folder in which everybody can", "another place")


def write_atomically(path: Path, write: Callable[[BinaryIO], object], force: bool = False) -> None:
    """Call `write` on a temporary file next to `path`, sync it to disk, and rename it to `path` in one step.

    Without `force`, UsageError if `path` exists, even if it appeared meanwhile. DataError if the file can't be written;
    the old file is then unchanged. Temporary files left by killed processes are removed.
    """
    if not force:
        refuse_overwrite(path)
    _refuse_special(path)
    refuse_planted_links(path)
    with writing(path):
        if not path.name:  # . and /
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        _remove_leftovers(path)
        with _locked_file(path) as (temporary, file):
            write(file)
            file.flush()
            os.fsync(file.fileno())
            if force:
                os.replace(temporary, path)
            else:
                _rename_new(temporary, path)
        sync_folder(path.parent)


def write_new(path: Path, content: bytes) -> None:
    """Write a file in a folder of our own, replacing any of that name; a link is not followed."""
    path.unlink(missing_ok=True)
    with path.open("xb") as file:
        file.write(content)


def own_folder(folder: Path) -> Path:
    """`folder`, which is made if it does not exist.

    DataError if it is a link, through which one would write to another place, or was made by another user, who may put
    links into it.
    """
    if folder.is_symlink():
        raise DataError(f"{folder} is a link, and nothing is written through it", "remove it, or make it a folder")
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    refuse_planted(folder)
    return folder


_RANDOM = 8
"""Bytes of the random part in the name of a temporary file, so that nobody can predict it."""


@contextlib.contextmanager
def _locked_file(path: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A new temporary file next to `path`, locked while it is open, and removed at the end unless it was renamed."""
    import fcntl

    while True:
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(_RANDOM)}.partial")
        try:
            with temporary.open("xb") as file:
                with contextlib.suppress(OSError):  # not every file system has locks; then leftovers stay
                    fcntl.flock(file, fcntl.LOCK_EX)
                if is_open_at(file.fileno(), temporary):  # else it was removed as a leftover before it was locked
                    yield temporary, file
                    return
        finally:
            with contextlib.suppress(OSError):  # usually it has been renamed
                temporary.unlink()


def _remove_leftovers(path: Path) -> None:
    """Remove the temporary files of `path` that no running process has locked."""
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
    """Rename a file; UsageError if the new name exists.

    By a hard link, which never replaces a file. On file systems without links (exFAT, SMB), by a rename that does not
    replace, or, without that, by checking the name just before.
    """
    try:
        os.link(source, target)
    except FileExistsError:
        refuse_overwrite(target)
    except OSError as error:
        if error.errno not in NOT_SUPPORTED:
            raise
        try:
            rename_with(source, target, RENAME_NOREPLACE)
        except FileExistsError:
            refuse_overwrite(target)
        except OSError as refused:
            if refused.errno not in NOT_SUPPORTED:
                raise
            refuse_overwrite(target)
            os.rename(source, target)


NOT_SUPPORTED = frozenset({errno.EPERM, errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP})
"""The errors by which a file system says that it does not support a call."""
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2  # linux/fs.h


def rename_with(source: Path, target: Path, flags: int) -> None:
    """Linux's renameat2; OSError with ENOSYS on other systems."""
    if sys.platform != "linux" or not hasattr(libc := ctypes.CDLL(None, use_errno=True), "renameat2"):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), str(target))
    at_fdcwd = -100
    if libc.renameat2(at_fdcwd, os.fsencode(source), at_fdcwd, os.fsencode(target), flags):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(target))


def digest_of(paths: Iterable[Path]) -> str:
    """A digest of the contents of several files, joined; DataError if one can't be read."""
    digest = hashlib.blake2b(digest_size=16)
    for path in paths:
        try:
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        except OSError as error:
            raise DataError(f"{path} can't be read: {error.strerror or error}") from error
    return digest.hexdigest()


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """A context that turns a system error on writing `path` into a DataError with its name."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{path} can't be written: {error.strerror or error}") from error


def is_open_at(descriptor: int, path: Path) -> bool:
    """Whether `path` is the file that `descriptor` has open."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        return False


def sync(path: Path) -> None:
    """Flush the content of a file or folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """`sync` for a folder; ignored on file systems that don't support that."""
    with contextlib.suppress(OSError):
        sync(path)
