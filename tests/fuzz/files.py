"""Damages files of every format and reads them: each ends as a table, a value, or one error of bpcli's.

`python -m tests.fuzz.files --seconds N --seed S [KIND…]` prints each finding as the name of a file that it has written
into `tests/fuzz/corpus/found`; exit 1 if there is any. Reading happens in a process of its own, so that one that dies
is a finding, too.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import io
import json
import multiprocessing
import random
import shutil
import signal
import sys
import tempfile
import time
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

CORPUS = Path(__file__).parent / "corpus"
_MOST_SECONDS = 20.0  # of the processor's time, for one file
_MOST_WAITING = 600.0  # seconds, on a machine that is busy with other work


class Kind(NamedTuple):
    """A kind of file: sound samples of it by extension, and how it is read."""

    samples: Callable[[], Iterator[tuple[str, bytes]]]
    read: Callable[[Path], Any]


def damaged(rng: random.Random, content: bytes, others: list[bytes]) -> bytes:
    """The content with a few changes: bits, bytes and numbers changed, parts cut, doubled, or taken from others."""
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
        at = rng.randrange(len(data) + 1)
        size = rng.choice([1, 1, 2, 4, 8, rng.randrange(1, 65)])
        change = rng.randrange(8)
        if change == 0 and data:
            at = min(at, len(data) - 1)
            data[at] ^= 1 << rng.randrange(8)
        elif change == 1:
            data[at : at + size] = rng.randbytes(size)
        elif change == 2:
            del data[at : at + size]
        elif change == 3:
            del data[at:]
        elif change == 4:
            data[at:at] = data[at : at + size] * rng.choice([1, 2, 50])
        elif change == 5:
            number = rng.choice([0, 1, -1, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63), 255])
            width = rng.choice([1, 2, 4, 8])
            data[at : at + width] = (number % 256**width).to_bytes(width, rng.choice(["little", "big"]))
        elif change == 6 and others:
            other = rng.choice(others)
            start = rng.randrange(len(other) + 1)
            data[at : at + size] = other[start : start + size]
        else:
            words = [
                b"nan",
                b"1e999",
                b",",
                b"\n",
                b'"',
                b"\0",
                b"\xff\xfe",
                "é".encode(),
                b"-",
                b"1e400",
                b"{",
                b"[" * 99,
            ]
            data[at:at] = rng.choice(words)
    return bytes(data)


_ODD = (None, True, 0, -1, 1e308, 2**70, "", "x", "nan", [], [None], {}, {"": 0}, [[[]]], "\ud800", "é" * 300)


def damaged_json(rng: random.Random, content: bytes) -> bytes:
    """JSON with some value changed for one of another kind, left out, or moved; still JSON."""
    root = json.loads(content)
    places: list[tuple[Any, Any]] = []

    def collect(value: Any) -> None:
        for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
            places.append((value, key))
            collect(value[key])

    collect(root)
    for _ in range(rng.choice([1, 1, 2])):
        owner, key = rng.choice(places)
        if rng.random() < 0.15 and isinstance(owner, dict):
            owner.pop(key, None)
        elif isinstance(owner, list) and rng.random() < 0.3 and owner:
            owner.append(owner[0]) if rng.random() < 0.5 else owner.pop()
        else:
            other, other_key = rng.choice(places)
            try:
                owner[key] = rng.choice(_ODD) if rng.random() < 0.7 else other[other_key]
            except (KeyError, IndexError):
                continue
    try:
        return json.dumps(root).encode()
    except (ValueError, RecursionError):  # a value was put into itself
        return content


def _tables() -> tuple[list[str], dict[str, Any]]:
    names = ["a", "b", "kind", "label"]
    return names, {
        "a": [1.5, -2.25, 3e300, 0.0, 5.0, 6.5],
        "b": [1, 2, 3, 2**53 + 1, 5, 6],
        "kind": ["x", "y, z", 'a "b"', "", "é", "x"],
        "label": [True, False, True, True, False, False],
    }


def csv_samples() -> Iterator[tuple[str, bytes]]:
    names, columns = _tables()
    rows = [names, *([str(columns[name][k]) for name in names] for k in range(6))]
    plain = "\n".join(
        ",".join(f'"{c.replace(chr(34), chr(34) * 2)}"' if "," in c or '"' in c else c for c in row) for row in rows
    )
    yield ".csv", plain.encode()
    yield ".csv", plain.replace(",", ";").replace(".", ",").encode("utf-16")
    yield ".csv", b"x,y\n" + b"\n".join(b"%d,%d" % (k, k % 2) for k in range(50))
    yield ".csv.gz", gzip.compress(plain.encode(), mtime=0)
    yield ".tsv", plain.replace(",", "\t").encode("latin-1")
    yield ".txt", b"# comment\n1.0  2.0   a\n3.0  4.0   b\n"


def npy_samples() -> Iterator[tuple[str, bytes]]:
    for array in (np.arange(12.0).reshape(4, 3), np.array([["a", "bc"], ["d", "e"]]), np.arange(6, dtype=">i2")):
        buffer = io.BytesIO()
        np.save(buffer, array)
        yield ".npy", buffer.getvalue()


def npz_samples() -> Iterator[tuple[str, bytes]]:
    for save in (np.savez, np.savez_compressed):
        buffer = io.BytesIO()
        save(buffer, X=np.arange(12.0).reshape(4, 3), y=np.array([0, 1, 1, 0]))
        yield ".npz", buffer.getvalue()


def idx_samples() -> Iterator[tuple[str, bytes]]:
    yield "-ubyte", bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (3, 2, 2)) + bytes(range(12))
    yield "-ubyte", bytes([0, 0, 0x0D, 1]) + (4).to_bytes(4, "big") + np.arange(4, dtype=">f4").tobytes()


def svm_samples() -> Iterator[tuple[str, bytes]]:
    yield ".svm", b"1 1:0.5 3:2\n-1 2:1 7:-3.5 # text\n1 4:1e-5\n"
    yield ".libsvm", b"2 qid:1 1:1 2:2\n3 qid:1 1:0\n"


def _arrow() -> Any:
    import pyarrow as pa

    _, columns = _tables()
    times = pa.array([0, 1, None, 3, 4, 5], pa.timestamp("ms"))
    decimals = pa.array([1, 2, None, 3, 4, 5], pa.int64()).cast(pa.decimal128(30, 2))
    return pa.table(
        {
            **columns,
            "when": times,
            "day": times.cast(pa.date32()),
            "price": decimals,
            "coded": pa.array(columns["kind"]).dictionary_encode(),
            "nested": [["a"], [], None, ["é", "b"], ["c"], []],
        }
    )


def parquet_samples() -> Iterator[tuple[str, bytes]]:
    import pyarrow.parquet as pq

    for compression in ("none", "snappy"):
        buffer = io.BytesIO()
        pq.write_table(_arrow(), buffer, compression=compression)
        yield ".parquet", buffer.getvalue()


def arrow_samples() -> Iterator[tuple[str, bytes]]:
    import pyarrow as pa
    from pyarrow import feather

    for make in (pa.ipc.new_file, pa.ipc.new_stream):
        buffer = io.BytesIO()
        with make(buffer, _arrow().schema) as writer:
            writer.write_table(_arrow())
        yield ".arrow", buffer.getvalue()
    buffer = io.BytesIO()
    feather.write_feather(_arrow(), buffer)
    yield ".feather", buffer.getvalue()


def config_samples() -> Iterator[tuple[str, bytes]]:
    for path in sorted((Path(__file__).parent.parent.parent / "configs").glob("*.yaml")):
        yield ".yaml", path.read_bytes()


def point_samples() -> Iterator[tuple[str, bytes]]:
    yield ".csv", b"x,y,v[0],v[1]\n1,2,3,4\n-0.5,1e300,0,1\n"
    yield ".csv", b"x,y,v[0],v[1]\r\n" + b"1e-5, 2 ,nan,inf\r\n" * 20
    for array in (np.ones((3, 2)), np.arange(4.0).reshape(2, 2).T):
        buffer = io.BytesIO()
        np.save(buffer, array)
        yield ".npy", buffer.getvalue()


def value_samples() -> Iterator[tuple[str, bytes]]:
    for text in ("1,2,3\n", "1 2; 3 4", "[[1, 2], [3, 4]]", "1/3\npi/2\n", '{"a": [1]}', "[1e400, nan]"):
        yield ".txt", text.encode()
    buffer = io.BytesIO()
    np.save(buffer, np.arange(3.0))
    yield ".npy", buffer.getvalue()


def expression_samples() -> Iterator[tuple[str, bytes]]:
    for text in (
        "x**2+3*x",
        "where(x>0, log(1+exp(x)), -|x|)",
        "softmax([x,2])[0] @ 1",
        "mse([1,0],[x,x])·2√x",
        "A.T@A",
        "x^2^x!",
        "sum(x[0:2])/σ(x₁)",
        "\\frac{1}{x} + d/dx sin^2 x",
    ):
        yield ".txt", text.encode()


def setting_samples() -> Iterator[tuple[str, bytes]]:
    for text in (
        "training.optimizer={name: adam, beta1: 0.8}",
        "data.features=[sepal_length, petal_width]",
        "training.epochs=10",
        "training.class_weight={setosa: 1e0, virginica: 0x10}",
        "data.missing_words={a: [NA, '-']}",
        "training.learning_rate=1e-1",
    ):
        yield ".txt", text.encode()


def _trained() -> Path:
    """The folder of a small run."""
    from bpcli.training.config.loading import config_from_mapping
    from bpcli.training.session import session

    folder = Path(tempfile.mkdtemp())
    table = folder / "t.csv"
    table.write_text("a,color,y\n" + "\n".join(f"{k % 7},{'rgb'[k % 3]},{['no', 'yes'][k % 2]}" for k in range(30)))
    config = config_from_mapping(
        {
            "model": {"type": "softmax"},
            "loss": "cce",
            "training": {"learning_rate": 0.1, "epochs": 2, "optimizer": "adam"},
            "data": {"path": str(table), "target": "y", "categorical": ["color"], "standardize": True},
            "output": str(folder / "run"),
        }
    )
    with session(config) as current:
        for _ in current.epochs():
            pass
        current.finish()
    return folder / "run"


def run_samples(name: str) -> Callable[[], Iterator[tuple[str, bytes]]]:
    def samples() -> Iterator[tuple[str, bytes]]:
        yield Path(name).suffix, (_trained() / name).read_bytes()

    return samples


def read_table(path: Path) -> None:
    """As one table, and in blocks; each cell as a number or as text."""
    from bpcli.datasets.reading import Files, read_blocks
    from bpcli.errors import BpcliError
    from tests.tables import read_table

    def look(table: Any) -> None:
        for name in table.names[:20]:
            table.numeric(name) if table.is_numeric(name) else table.text(name)
            table.missing(name)

    with contextlib.suppress(BpcliError):
        look(read_table(path))
    for block in read_blocks(Files((path,))):
        look(block)


def command(*words: str) -> None:
    """Run a command in this process; RuntimeError where it has no other words than that bpcli has a bug."""
    from bpcli.commands.running import run

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(words)
    if code not in (0, 1, 2, 3, 4) or "Traceback" in err.getvalue():
        raise RuntimeError(f"exit {code}: {err.getvalue()[:300]}")
    if code and not err.getvalue().strip():
        raise RuntimeError(f"exit {code} without a word")


def read_points(path: Path) -> None:
    command("grad", "x*y", "--points", str(path), "--format", "json")
    command("eval", "sum(v)/v[0]", "--points", str(path))


def read_value(path: Path) -> None:
    command("grad", "sum(x)", "--at", f"x=@{path}")
    command("check", "x*y", "--at", "1,2", "--mine", f"@{path}")


def text_of(path: Path) -> str:
    """The text of a file as the words of a command line can have it: without NUL."""
    return path.read_bytes().decode("utf-8", "surrogateescape").replace("\0", "")


def read_expression(path: Path) -> None:
    command("grad", "--at", "0.5", "--", text_of(path))
    command("grad", "--latex", "--", text_of(path))


def read_setting(path: Path) -> None:
    from bpcli.training.config.loading import load_config

    config = next((Path(__file__).parent.parent.parent / "configs").glob("iris.yaml"))
    load_config(config, [text_of(path)], "--set")


def read_config(path: Path) -> None:
    from bpcli.training.config.loading import load_config

    load_config(path)


def read_model(path: Path) -> None:
    from bpcli.errors import BpcliError
    from bpcli.training.run import load_model
    from tests.tables import read_table

    (path.parent / "t.csv").write_text("a,color\n1,r\n2,z\n")
    model = load_model(path)
    model.weights(raw=True)
    model.output(model.z(np.zeros((2, len(model.preparation.feature_names)))))
    with contextlib.suppress(BpcliError):
        model.preparation.apply(read_table(path.parent / "t.csv"), with_target=False)


def meta_samples(name: str) -> Callable[[], Iterator[tuple[str, bytes]]]:
    """What an archive says of itself, as JSON."""

    def samples() -> Iterator[tuple[str, bytes]]:
        with np.load(_trained() / name) as archive:
            meta = archive["meta"]
        yield ".json", meta.tobytes() if meta.ndim else str(meta).encode()

    return samples


def read_meta(name: str, read: Callable[[Path], Any]) -> Callable[[Path], Any]:
    """Reads an archive that is whole but for what it says of itself."""
    kept: dict[str, Any] = {}

    def with_meta(path: Path) -> None:
        from bpcli.training.checkpoint import _digest

        if not kept:
            with np.load(_trained() / name) as archive:
                kept.update(archive)
        content = path.read_bytes()
        try:
            text = str(json.loads(content) and content.decode())
        except ValueError:
            return
        meta = np.array(text) if kept["meta"].ndim == 0 else np.frombuffer(content, np.uint8)
        members = {**kept, "meta": meta}
        if "digest" in members:
            del members["digest"]
            members["digest"] = np.array(_digest(members))
        np.savez(path.with_suffix(".npz"), **members)
        read(path.with_suffix(".npz"))

    return with_meta


def read_checkpoint(path: Path) -> None:
    from bpcli.training.checkpoint import read

    read(path)


_COPIED = "a,color,y\n" + "".join(f"{k % 7 / 3},{'rgb'[k % 3]},{['no', 'yes'][k % 2]}\n" for k in range(40))


def _copied(folder: Path) -> Path:
    """The copy of a small table that a training larger than memory would keep in this folder."""
    from bpcli.datasets.reading import Files
    from bpcli.datasets.stored import stored

    source = folder / "copied.csv"
    if not source.exists():
        source.write_text(_COPIED)
    stored(Files((source,)), ["y"], folder / ".cache")
    (copy,) = (folder / ".cache").glob("copied*")
    return copy


def cache_samples() -> Iterator[tuple[str, bytes]]:
    copy = _copied(Path(tempfile.mkdtemp()))
    yield ".json", json.loads((copy / "about.json").read_text())["about"].encode()
    yield ".about", (copy / "about.json").read_bytes()
    yield ".bin", (copy / "columns.bin").read_bytes()


def read_cache(path: Path) -> None:
    from bpcli.datasets.reading import Files
    from bpcli.datasets.stored import stored

    copy, content = _copied(path.parent), path.read_bytes()
    if path.suffix == ".json":  # a description of the right sum
        text = content.decode("utf-8", "replace")
        content = json.dumps({"sum": zlib.crc32(text.encode()), "about": text}).encode()
    (copy / ("columns.bin" if path.suffix == ".bin" else "about.json")).write_bytes(content)
    try:
        table = stored(Files((path.parent / "copied.csv",)), ["y"], path.parent / ".cache")
        for whole in (table, *table.blocks()):
            for name in whole.names:
                whole.numeric(name) if whole.is_numeric(name) else whole.text(name)
                whole.missing(name)
    finally:
        shutil.rmtree(path.parent / ".cache", ignore_errors=True)


def read_summary(path: Path) -> None:
    from bpcli.training.run import load_summary, read_history, summary_rows

    (path.parent / "summary.json").write_bytes(path.read_bytes())
    summary_rows(path.parent, "train")
    (path.parent / "history.csv").write_bytes(path.read_bytes())
    try:
        read_history(path.parent)
    finally:
        load_summary(path.parent)


KINDS = {
    "csv": Kind(csv_samples, read_table),
    "npy": Kind(npy_samples, read_table),
    "npz": Kind(npz_samples, read_table),
    "idx": Kind(idx_samples, read_table),
    "svm": Kind(svm_samples, read_table),
    "parquet": Kind(parquet_samples, read_table),
    "arrow": Kind(arrow_samples, read_table),
    "config": Kind(config_samples, read_config),
    "setting": Kind(setting_samples, read_setting),
    "points": Kind(point_samples, read_points),
    "value": Kind(value_samples, read_value),
    "expression": Kind(expression_samples, read_expression),
    "model": Kind(run_samples("model.npz"), read_model),
    "checkpoint": Kind(run_samples("checkpoint.npz"), read_checkpoint),
    "model-meta": Kind(meta_samples("model.npz"), read_meta("model.npz", read_model)),
    "checkpoint-meta": Kind(meta_samples("checkpoint.npz"), read_meta("checkpoint.npz", read_checkpoint)),
    "cache": Kind(cache_samples, read_cache),
    "summary": Kind(run_samples("summary.json"), read_summary),
}
"""What is damaged, and how it is read."""


def outcome(kind: Kind, path: Path) -> str:
    """What is wrong with how the file is read; empty if nothing is."""
    from bpcli.errors import BpcliError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            kind.read(path)
    except BpcliError as error:
        return "" if error.exit_code != 70 else f"exit 70: {error}"
    except MemoryError:
        return ""  # which the commands tell
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    return ""


def drawn(name: str, seed: int) -> Iterator[tuple[str, bytes]]:
    """Damaged files of a kind, without end: the extension and the content."""
    rng, samples = random.Random(f"{name} {seed}"), [*KINDS[name].samples()]
    contents = [content for _, content in samples]
    while True:
        extension, content = rng.choice(samples)
        by_value = extension == ".json" and rng.random() < 0.8
        yield extension, damaged_json(rng, content) if by_value else damaged(rng, content, contents)


def _work(name: str, seed: int, until: float, pipe: Any) -> None:
    """Read damaged files; each is told before it is read, and what came of it. SIGPROF ends what takes too long."""
    folder = Path(tempfile.mkdtemp())
    for number, (extension, content) in enumerate(drawn(name, seed)):
        if time.time() > until:
            break
        path = folder / f"f{number % 8}{extension}"
        path.write_bytes(content)
        pipe.send((extension, content))
        signal.setitimer(signal.ITIMER_PROF, _MOST_SECONDS)
        pipe.send(outcome(KINDS[name], path))
    pipe.send(None)


def run(name: str, seconds: float, seed: int) -> tuple[int, list[str]]:
    """The number of files that were read, and the findings."""
    count, findings, until = 0, [], time.time() + seconds
    while time.time() < until:
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(target=_work, args=(name, seed, until, theirs))
        process.start()
        theirs.close()
        last: tuple[str, bytes] | None = None
        try:
            while ours.poll(_MOST_WAITING):
                said = ours.recv()
                if said is None:
                    break
                if isinstance(said, tuple):
                    last = said
                    continue
                count += 1
                if said and last is not None:
                    findings.append(keep(name, *last, said))
                last = None
            else:
                findings.append(keep(name, *(last or ("", b"")), "waits without end"))
        except EOFError:
            process.join()
            late = process.exitcode == -signal.SIGPROF
            what = "takes too long" if late else f"the process died with {process.exitcode}"
            findings.append(keep(name, *(last or ("", b"")), what))
        process.kill()
        process.join()
        seed += 1_000_003
    return count, findings


def keep(name: str, extension: str, content: bytes, what: str) -> str:
    """Write a finding into the corpus; returns it in words."""
    folder = CORPUS / "found" / name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{abs(hash((content, what))) % 10**10}{extension}"
    path.write_bytes(content)
    return f"{name}: {path}: {what}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=list(KINDS))
    parser.add_argument("--seconds", type=float, default=60.0, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    found = []
    for name in given.kinds:
        count, findings = run(name, given.seconds, given.seed)
        print(f"{name}: {count} files, {len(findings)} findings", flush=True)
        for text in sorted({f.partition(": ")[2].partition(": ")[2]: f for f in findings}.values())[:20]:
            print("  " + text, flush=True)
        found += findings
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
