"""Reading: a format by name, by extension or by a file beside it; what is no file is told."""

import gzip
import io
import os
import threading

import numpy as np
import pytest

from bpcli.datasets.reading import READERS, Files, read_files
from bpcli.errors import DataError
from tests.tables import read_table


def test_files_that_are_not_there(tmp_path):
    (tmp_path / "cells.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match=r"(?s)does not exist.*did you mean .*cells\.csv"):
        read_table(tmp_path / "cell.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path)
    (tmp_path / "cells.xyz").write_text("a\n1\n")
    with pytest.raises(DataError, match=r"(?s)named \*\.xyz is not known.*\.csv, \.tsv, \.tab, \.txt.*csv or tsv or"):
        read_table(tmp_path / "cells.xyz")
    (tmp_path / "cells").write_text("a\n1\n")
    with pytest.raises(DataError, match="without an extension"):
        read_table(tmp_path / "cells")


@pytest.mark.parametrize(("name", "reader"), [(name, READERS[name]) for name in ("csv", "tsv")])
def test_every_extension_of_a_format_means_it(tmp_path, name, reader):
    for extension in reader.extensions:
        for ending in (extension, extension.upper(), f"{extension}.gz"):
            path = tmp_path / f"t{ending}"
            delimiter = {"csv": ",", "tsv": "\t"}[name]
            path.write_bytes(f"a{delimiter}b\n1{delimiter}2\n".encode())
            assert read_table(path).names == ["a", "b"]


def test_a_pipe_is_read_once_and_still_knows_its_lines(tmp_path):
    pipe = tmp_path / "63"  # as the shell's <(zcat cells.csv.gz) would be
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(gzip.compress(b"a,b\n1,x\n2,y\n")))
    writer.start()
    table = read_table(pipe)
    writer.join()
    assert table.text("a") == ["1", "2"]
    assert table.where(1, "a") == f"{pipe}:3: column a"


@pytest.mark.parametrize("name", [key for key, row in READERS.items() if not row.text and key != "idx"])
def test_a_pipe_that_is_no_such_file_is_told_before_it_is_read_on(tmp_path, name):
    """By its first bytes: it may have no end."""
    stream = io.BufferedReader(io.BytesIO(bytes(3_000_000)))
    with pytest.raises(DataError):
        read_table(tmp_path / "pipe", name, stream)
    assert stream.tell() <= 1 << 18 or name in ("svm", "libsvm")


@pytest.mark.parametrize("extension", [".csv", ".npy", ".svm", ".parquet"])
def test_a_file_without_rows_adds_none_to_the_others(tmp_path, extension):
    rng, paths = np.random.default_rng(0), []
    for number, rows in enumerate([3, 0, 2, 0]):
        path, X = tmp_path / f"part-{number}{extension}", rng.normal(size=(rows, 2)).round(3)
        if extension == ".csv":
            path.write_text("a,b\n" + "".join(f"{a},{b}\n" for a, b in X.tolist()))
        elif extension == ".npy":
            np.save(path, X)
        elif extension == ".svm":
            path.write_text("".join(f"1 1:{a} 2:{b}\n" for a, b in X.tolist()))
        else:
            pa = pytest.importorskip("pyarrow")
            pytest.importorskip("pyarrow.parquet").write_table(pa.table({"a": X[:, 0], "b": X[:, 1]}), path)
        paths.append(path)
    read = [Files(tuple(paths)), Files((paths[0], paths[2]))]
    every, some = map(read_files, read)
    assert every.rows == some.rows == 5
    assert [every.numeric(name).tolist() for name in every.names] == [
        some.numeric(name).tolist() for name in some.names
    ]
    with pytest.raises(DataError):
        read_files(Files((paths[1], paths[3])))
