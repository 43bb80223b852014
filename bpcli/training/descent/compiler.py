"""A program's text made into functions that numba compiles, kept on disk for the next start."""

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from bpcli.errors import MissingExtraError

EXTRA, LIBRARY = "compiled", "numba"

_COMPILED = """\
from numba import njit
_inner = njit(error_model="numpy")
_outer = njit(error_model="numpy", cache={keep})
"""


def is_installed() -> bool:
    """Whether numba is there, without importing it."""
    return find_spec(LIBRARY) is not None


def check_installed() -> None:
    """MissingExtraError without numba."""
    if not is_installed():
        raise MissingExtraError(EXTRA, LIBRARY, "training.engine: numba")


def cache_folder() -> Path | None:
    """Where compiled programs are kept: a folder of the user's own, that nobody else can write to; None without one.

    `$NUMBA_CACHE_DIR/bpcli`, else `$XDG_CACHE_HOME/bpcli`, else `~/.cache/bpcli`. What is loaded from it is run, so a
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
    """Whether a program was compiled before, and is kept."""
    folder = cache_folder()
    return folder is not None and any((folder / "__pycache__").glob(f"{_file(_whole(text), folder).stem}.*.nbi"))


def compiled_program(text: str) -> Mapping[str, Any]:
    """The names of a program, whose outer functions numba compiles where they are first called, once on a machine.

    In the text `_inner` and `_outer` decorate functions. MissingExtraError without numba.
    """
    check_installed()
    folder = cache_folder()
    if folder is not None:
        with contextlib.suppress(OSError):
            return vars(_imported(_whole(text), folder))
    with TemporaryDirectory() as passing:
        return vars(_imported(_whole(text, keep=False), Path(passing)))


def _whole(text: str, keep: bool = True) -> str:
    return _COMPILED.format(keep=keep) + text


def _file(text: str, folder: Path) -> Path:
    return folder / f"descent_{sha256(text.encode()).hexdigest()[:20]}.py"


def _imported(text: str, folder: Path) -> ModuleType:
    """The module of that text, from a file in the folder, next to which numba keeps what it compiles."""
    path = _file(text, folder)
    if not path.is_file() or path.read_bytes() != text.encode():
        written = path.with_suffix(f".{os.getpid()}")
        written.write_bytes(text.encode())
        written.replace(path)
    name = f"bpcli_{path.stem}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = sys.modules[name] = module_from_spec(spec)
    with _kept_next_to_it():
        spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def _kept_next_to_it() -> Iterator[None]:
    """Numba keeps what it compiles next to the file, wherever else its own setting would put it."""
    config: Any = import_module("numba").config
    before, config.CACHE_DIR = config.CACHE_DIR, ""
    try:
        yield
    finally:
        config.CACHE_DIR = before
