"""Compiles the text of a program with numba, and caches the compiled functions on disk."""

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib import import_module
from importlib.abc import InspectLoader
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import CodeType
from typing import Any

from bpcli.errors import DataError, MissingExtraError
from bpcli.files import digest_of, write_atomically

EXTRA, LIBRARY = "compiled", "numba"

_COMPILED = """\
from numba import njit
_inner = _outer = njit(error_model="numpy")
"""
_KEPT = """\
from numba import njit
from bpcli.training.descent.compiler import kept
_inner = njit(error_model="numpy")
def _outer(function):
    return kept(njit(error_model="numpy", cache=True)(function), __file__)
"""


def is_installed() -> bool:
    """Whether numba is installed; does not import it."""
    return find_spec(LIBRARY) is not None


def check_installed() -> None:
    """MissingExtraError without numba."""
    if not is_installed():
        raise MissingExtraError(EXTRA, LIBRARY, "training.engine: numba")


def cache_folder() -> Path | None:
    """The folder for compiled programs, which only the user can write to; None if there is none.

    `$NUMBA_CACHE_DIR/bpcli`, else `$XDG_CACHE_HOME/bpcli`, else `~/.cache/bpcli`. The code in it is executed, so that a
    link, or a folder that others can write to, is not used.
    """
    given = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    try:
        folder = (Path(given) if given else Path.home() / ".cache").absolute() / "bpcli"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = folder.lstat()
    except (OSError, RuntimeError):
        return None
    own = not hasattr(os, "geteuid") or (about.st_uid == os.geteuid() and not about.st_mode & 0o022)
    return folder if own and folder.is_dir() and not folder.is_symlink() and os.access(folder, os.W_OK) else None


def is_compiled(text: str) -> bool:
    """Whether the compiled form of a program is in the cache."""
    folder = cache_folder()
    return folder is not None and _is_whole(_file(_KEPT + text, folder))


def compiled_program(text: str) -> Mapping[str, Any]:
    """The names that a program defines. Its outer functions are compiled at their first call, and then cached on disk.

    In the text, `_outer` decorates the functions that are called from Python, `_inner` those that they call.
    MissingExtraError without numba.
    """
    check_installed()
    folder = cache_folder()
    if folder is not None:
        whole = _KEPT + text
        path = _file(whole, folder)
        with contextlib.suppress(OSError, DataError):
            if not path.is_file() or path.read_bytes() != whole.encode():
                write_atomically(path, lambda file: file.write(whole.encode()), force=True)
            return _run(whole, path)
    return _run(_COMPILED + text, Path("descent.py"))


def _file(text: str, folder: Path) -> Path:
    return folder / f"descent_{sha256(text.encode()).hexdigest()[:20]}.py"


class _Program(InspectLoader):
    """Loads a program; Python's own loader would cache bytecode next to the file, which has no digest."""

    def __init__(self, text: str, path: Path) -> None:
        self._text, self._path = text, path

    def get_source(self, fullname: str) -> str:
        """The text of the program."""
        return self._text

    def get_code(self, fullname: str) -> CodeType:
        """The bytecode of the program."""
        return self.source_to_code(self._text, str(self._path))


def _run(text: str, path: Path) -> Mapping[str, Any]:
    """Run a program as a module from the file `path`, next to which numba caches it; returns its names."""
    name, loader = f"bpcli_{path.stem}", _Program(text, path)
    module = sys.modules[name] = module_from_spec(ModuleSpec(name, loader))
    module.__file__ = str(path)
    with _kept_next_to_it():
        loader.exec_module(module)
    return vars(module)


def kept(function: Any, path: str) -> Any:
    """A function of a program whose compiled form is cached with a digest of the files.

    Without it, damaged files could crash the process or change results.
    """
    if hasattr(function, "_cache"):  # there is none if numba is told not to compile (NUMBA_DISABLE_JIT)
        function._cache = _Kept(function._cache, Path(path))
    return function


class _Kept:
    """Numba's cache of a function, which loads only files that match their digest, and deletes others."""

    def __init__(self, cache: Any, path: Path) -> None:
        self._cache, self._path = cache, path

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cache, name)

    def load_overload(self, signature: Any, context: Any) -> Any:
        """The compiled form for a signature; None if there is none."""
        if _is_whole(self._path):
            with contextlib.suppress(Exception):  # numba raises various errors for files of other versions
                return self._loaded(signature, context)
        self._forget()
        return None

    def _loaded(self, signature: Any, context: Any) -> Any:
        """The compiled form. Numba's own `load_overload` first initialises its compiler, which takes longer than a
        training on little data, and imports SciPy; a loaded function needs numba's runtime only.
        """
        memory = getattr(import_module("numba.core.runtime"), "rtsys", None)
        if memory is None or not hasattr(self._cache, "_load_overload"):  # in other versions of numba
            return self._cache.load_overload(signature, context)
        memory.initialize(context)
        return self._cache._load_overload(signature, context)

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Write the compiled form and its digest to the cache, if possible."""
        try:
            self._cache.save_overload(signature, compiled)
            content = digest_of(_compiled_files(self._path)).encode()
            write_atomically(_digest_file(self._path), lambda file: file.write(content), force=True)
        except (OSError, DataError):
            self._forget()

    def _forget(self) -> None:
        with contextlib.suppress(OSError):
            for path in (_digest_file(self._path), *_compiled_files(self._path)):
                path.unlink(missing_ok=True)


def _compiled_files(path: Path) -> list[Path]:
    """The files in which numba caches the program at `path`."""
    return sorted((path.parent / "__pycache__").glob(f"{path.stem}.*.nb[ic]"))


def _digest_file(path: Path) -> Path:
    return path.with_suffix(".digest")


def _is_whole(path: Path) -> bool:
    """Whether the cached files of a program match their digest."""
    try:
        return _digest_file(path).read_bytes() == digest_of(_compiled_files(path)).encode()
    except (OSError, DataError):
        return False


@contextlib.contextmanager
def _kept_next_to_it() -> Iterator[None]:
    """Make numba cache next to the program's file, whatever NUMBA_CACHE_DIR says."""
    config: Any = import_module("numba").config
    before, config.CACHE_DIR = config.CACHE_DIR, ""
    try:
        yield
    finally:
        config.CACHE_DIR = before
