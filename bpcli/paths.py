"""The paths that a user gives: patterns, and errors for paths that are not files."""

import os
import re
from collections import Counter
from glob import glob, has_magic
from pathlib import Path

from bpcli.errors import DataError, nearest
from bpcli.text.natural_order import natural_key

_FETCHED_BY_CURL = ("http", "https", "ftp")
_ADDRESS = re.compile(r"(?:^|/)(https?|ftp|s3|gs|file):/+(.+)")


def _is_run(folder: Path) -> bool:
    return (folder / "model.npz").is_file() and (folder / "config.yaml").is_file()


def _inside(folder: Path) -> str:
    """The advice on what to give instead of a folder; empty if there is none."""
    if _is_run(folder):
        return f"its config is {folder / 'config.yaml'}; where a model and data are expected, the model comes first"
    endings = Counter(Path(name).suffix for name in os.listdir(folder) if os.path.isfile(folder / name))
    endings.pop("", None)
    return f"a pattern names the files in it: {folder / '*'}{endings.most_common(1)[0][0]}" if endings else ""


def check_file(path: Path) -> None:
    """DataError if `path` is not a file: it says what it is instead, or suggests the nearest name in its folder."""
    if path.is_dir():
        raise DataError(f"{path} is {'a run folder' if _is_run(path) else 'a folder'}, not a file", _inside(path))
    if not path.exists():
        if path.is_symlink():
            raise DataError(f"{path} is a link to {os.readlink(path)}, where there is nothing")
        if address := _ADDRESS.search(str(path)):  # in a path the second slash is gone
            url = f"{address[1]}://{address[2]}"
            way = f": curl -LO {url}" if address[1] in _FETCHED_BY_CURL else ""
            raise DataError(f"{url} is an address, and only files are read", f"download it first{way}")
        close = nearest_file(path)
        raise DataError(f"{path} does not exist", f"did you mean {close}?" if close else "")


def nearest_file(path: Path) -> Path | None:
    """The file or folder next to `path` whose name is like its own; endings that are the same make no names alike."""
    if not path.parent.is_dir():
        return None
    siblings = sorted(path.parent.iterdir(), key=lambda sibling: (sibling.suffix == path.suffix, sibling.name))
    by_stem = {sibling.stem: sibling for sibling in siblings}  # of the same stem the one with the same ending
    close = nearest(path.stem, by_stem)
    return by_stem[close] if close else None


Paths = Path | tuple[Path, ...]
"""A path, or several; each is the name of a file or a pattern such as part-*.csv."""


def matching(paths: Paths) -> tuple[Path, ...]:
    """The files that paths and patterns name, those of a pattern in natural order.

    A path that exists is not taken for a pattern. DataError for a pattern that no file matches.
    """
    found: list[Path] = []
    for path in paths if isinstance(paths, tuple) else (paths,):
        if os.path.exists(path) or not has_magic(
            str(path)
        ):  # os.path, as Path.exists raises an error for too long names
            found.append(path)
            continue
        files = [Path(name) for name in glob(str(path), recursive=True) if os.path.isfile(name)]
        if not files:
            raise DataError(f"no file matches {path}")
        found += sorted(files, key=lambda file: natural_key(str(file)))
    return tuple(found)


def paths_text(paths: Paths) -> str:
    """Paths as text for a message."""
    return ", ".join(map(str, paths)) if isinstance(paths, tuple) else str(paths)


def with_ending(path: Path, ending: str, name: str) -> Path:
    """A path with another ending; `name` with it for one that has no name, as `/` or `..`."""
    return path.with_suffix(ending) if path.name.strip("-.") else Path(name).with_suffix(ending)
