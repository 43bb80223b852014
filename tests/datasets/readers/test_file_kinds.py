"""Files that are no tables of text are told by what they are, and by what to do, whatever their names say."""

import bz2
import io
import lzma
import pickle
import re
import sqlite3
import tarfile
import zipfile
from contextlib import closing

import numpy as np
import pytest

from bpcli.datasets.readers.file_kinds import refuse_other
from bpcli.datasets.reading import READERS
from bpcli.errors import DataError
from tests.tables import read_table


def zipped(name):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, "a,b\n1,2\n")
    return file.getvalue()


def arrays(save, *given, **named):
    file = io.BytesIO()
    save(file, *given, **named)
    return file.getvalue()


def tar():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.csv"))
    return file.getvalue()


def database():
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("create table t (a)")
        return db.serialize()


ROWS = b"a,b,y\n1,2,0\n3,4,1\n"
KINDS = {
    b'\xef\xbb\xbf<!DOCTYPE html>\n<html lang="en"><body>Not, found</body></html>': "web page",
    b"\n\n  <table>\n<tr><td>1</td></tr>\n</table>": "web page",
    b'<?xml version="1.0"?>\n<rows><row/></rows>': "XML",
    b'{"a": 1, "b": [2, 3]}\n{"a": 3, "b": 4}\n': "JSON lines",
    b'[{"a": 1, "b": 2},\n {"a": 3, "b": 4}]': "JSON document",
    b'{\n  "a": [1, 2],\n  "b": [3, 4]\n}': "JSON document",
    b"% iris\n%\n\n@RELATION iris\n@ATTRIBUTE a REAL\n@DATA\n5.1,x\n": "ARFF",
    b"1 1:0.5 3:2\n-1 2:1e-3\n": "LIBSVM.*data.format: svm",
    b"%PDF-1.7\n%\xe2\xe3\xcf\xd3": "PDF",
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR": "picture",
    b"\xff\xd8\xff\xe0\0\x10JFIF": "picture",
    b"PAR1\x15\x04": "Parquet.*data.format: parquet",
    b"\0\0\x08\x01\0\0\0\x01\x07": "IDX.*data.format: idx",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(9): "spreadsheet",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\n": "Git LFS.*git lfs pull",
    b"model:\n  type: neuron\nloss: bce\n": "config",
    b"| a | b |\n|---|:-:|\n| 1 | 2 |\n": "drawn for eyes",
    b" a | b\n---+---\n 1 | 2\n(1 row)\n": "drawn for eyes",
    zipped("cells.csv"): "zip archive.*unpack",
    zipped("xl/workbook.xml"): "spreadsheet.*CSV",
    arrays(np.save, np.eye(2)): "NumPy.*data.format: npy",
    arrays(np.savez, X=np.eye(2), y=[0, 1]): "NumPy.*data.format: npz",
    pickle.dumps(["a", {"b": 1}]): "pickle",
    bz2.compress(ROWS): "bzip2",
    lzma.compress(ROWS): "xz",
    tar(): "archive",
    database(): "SQLite",
}


@pytest.mark.parametrize(("content", "told"), KINDS.items(), ids=range(len(KINDS)))
def test_it_is_told_under_any_name(content, told, tmp_path):
    for name in ("cells.csv", "cells.txt", "cells", "cells.xlsx", "cells.parquet"):
        (tmp_path / name).write_bytes(content)
        if READERS["parquet"].extensions[0] in name and "parquet" in told:
            continue  # as parquet is what the name says
        with pytest.raises(DataError) as error:
            read_table(tmp_path / name)
        assert re.search(f"{name} is .*{told}", str(error.value), re.DOTALL)


TABLES = (
    ROWS,
    b"a,b\n-,--\n1,2\n",
    b"<a,b>\n1,2\n",
    b"[id],[name]\n1,2\n",
    b'"{""a"": 1}",b\n1,2\n',
    b"time\n10:30\n11:45\n",
    b"data,model\n1,2\n",
)


@pytest.mark.parametrize("content", TABLES)
def test_what_only_looks_like_it_is_a_table(content, tmp_path):
    (tmp_path / "cells.csv").write_bytes(content)
    assert read_table(tmp_path / "cells.csv").rows


def test_a_format_whose_files_no_kind_is_of_says_itself_what_is_wrong(tmp_path):
    lines = b'{"a": 1}\n{"a": 2}\n'
    refuse_other(tmp_path / "a.jsonl", lines, "a format of one's own")
    for format_ in ("npy", ""):
        with pytest.raises(DataError, match="JSON lines"):
            refuse_other(tmp_path / "a.npy", lines, format_)
    for format_ in ("svm", "libsvm"):
        refuse_other(tmp_path / "a.svm", b"1 1:0.5 3:2\n-1 2:1e-3\n", format_)
