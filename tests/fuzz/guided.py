"""Damages files where that reaches new code, with atheris (extra `fuzz`): one kind of file, until it is stopped.

`python -m tests.fuzz.guided KIND [--seconds N]` begins with the sound samples and the corpus of the kind; what it finds
is written into `tests/fuzz/corpus/found`, and ends it with exit 1.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind")
    parser.add_argument("--seconds", type=int, default=1800)
    given = parser.parse_args()
    try:
        import atheris
    except ImportError:
        sys.exit("tests.fuzz.guided needs atheris: pip install 'bpcli[fuzz]'")
    with atheris.instrument_imports(include=["bpcli"]):
        # All of them: what is imported later, where it is needed, is not followed.
        for module in walk_packages([str(Path(__file__).parent.parent.parent / "bpcli")], "bpcli."):
            with contextlib.suppress(ImportError):  # of an extra that is not installed
                import_module(module.name)
    from tests.fuzz.files import CORPUS, KINDS, keep, outcome

    kind = KINDS[given.kind]
    samples = [*kind.samples()]
    extensions = sorted({extension for extension, _ in samples})
    folder = Path(tempfile.mkdtemp())
    known = folder / "known"
    known.mkdir()
    # The first byte says which extension the rest has.
    for number, (extension, content) in enumerate(samples):
        (known / str(number)).write_bytes(bytes([extensions.index(extension)]) + content)
    for path in (CORPUS / given.kind).glob("*"):
        extension = next((e for e in extensions if path.name.endswith(e)), extensions[0])
        (known / path.name).write_bytes(bytes([extensions.index(extension)]) + path.read_bytes())

    def one(data: bytes) -> None:
        extension = extensions[(data[0] if data else 0) % len(extensions)]
        path = folder / f"damaged{extension}"
        path.write_bytes(data[1:])
        if found := outcome(kind, path):
            print(keep(given.kind, extension, data[1:], found), flush=True)
            os._exit(1)

    options = [sys.argv[0], str(known), f"-max_total_time={given.seconds}", "-max_len=65536", "-timeout=20"]
    atheris.Setup(options, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
