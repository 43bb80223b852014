"""Archives and headers that would harm are refused before NumPy reads them."""

import io
import zipfile

import numpy as np
import pytest

from bpcli import archives
from bpcli.archives import is_archive, npy_start, read_archive
from bpcli.errors import TooLargeError


def test_an_archive_is_known_by_its_first_bytes(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.ones(3))
    content = (tmp_path / "a.npz").read_bytes()
    assert is_archive(content)
    assert not is_archive(b"\x93NUMPY")
    assert read_archive(tmp_path / "a.npz") == content


def test_what_is_no_archive(tmp_path):
    np.save(tmp_path / "a.npy", np.ones(3))
    with pytest.raises(ValueError, match="no zip archive"):
        read_archive(tmp_path / "a.npy")


def test_what_unpacks_to_far_more_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "SMALL", 1000)
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(1_000_000))
    with pytest.raises(TooLargeError, match="more than 200 times its size"):
        read_archive(tmp_path / "a.npz")


@pytest.mark.parametrize("array", [np.ones((2, 3)), np.array(["a", "bc"]), np.zeros(0, "i2")])
def test_the_start_of_an_array_is_all_up_to_its_numbers(array):
    file = io.BytesIO()
    np.save(file, array)
    file.seek(0)
    start = npy_start(file)
    assert start + array.tobytes() == file.getvalue()


def test_a_unit_of_time_in_a_header_is_refused(tmp_path):
    """NumPy divides by the 0 in `M8[s/0]`."""
    header = b"{'descr': '<M8[s/0]', 'fortran_order': False, 'shape': (1,), }\n"
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(8)
    with pytest.raises(ValueError, match="names a unit"):
        npy_start(io.BytesIO(content))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", content)
    with pytest.raises(ValueError, match="names a unit"):
        read_archive(tmp_path / "a.npz")
