"""Files that are no text are opened as they are, or unpacked; what is damaged is told."""

import gzip
import io

import pytest

from bpcli.datasets.readers.opening import opened, read_exactly
from bpcli.errors import DataError


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("streamed", [False, True])
def test_the_bytes_are_the_same_packed_or_not(tmp_path, packed, streamed):
    content = bytes(range(256)) * 50
    path = tmp_path / "data.npy"
    stored = gzip.compress(content) if packed else content
    path.write_bytes(b"" if streamed else stored)
    with opened(path, io.BytesIO(stored) if streamed else None) as file:
        assert read_exactly(file, 10) == content[:10]
        file.seek(0)
        assert file.read() == content


@pytest.mark.parametrize("cut", [12, -3])
def test_a_damaged_gzip_file_is_told(tmp_path, cut):
    path = tmp_path / "data.npy.gz"
    path.write_bytes(gzip.compress(bytes(range(256)) * 50)[:cut])
    with pytest.raises(DataError, match=r"data\.npy\.gz is a damaged gzip file"), opened(path, None) as file:
        file.read()


def test_fewer_bytes_than_asked_for(tmp_path):
    assert read_exactly(io.BytesIO(b"abc"), 10**15) is None  # without the memory for what is not there
    assert read_exactly(io.BytesIO(b"abc"), 0) == b""
    with pytest.raises(DataError, match="can't be read: No such file"), opened(tmp_path / "none", None):
        pass
