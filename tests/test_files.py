"""Files appear whole, and nothing is written through a link, whatever fails."""

import errno
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bpcli import files
from bpcli.errors import BpcliError, DataError, UsageError
from bpcli.files import digest_of, own_folder, write_atomically, write_new
from bpcli.folders import staged_folder
from bpcli.training.selection.saved import SavedOutcomes


def left_over(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name.startswith("."))


def test_a_file_appears_whole_and_is_not_replaced_unasked(tmp_path):
    path = tmp_path / "out.npy"
    write_atomically(path, lambda file: file.write(b"one"))
    with pytest.raises(UsageError, match="exists already"):
        write_atomically(path, lambda file: file.write(b"two"))
    assert path.read_bytes() == b"one"
    write_atomically(path, lambda file: file.write(b"two"), force=True)
    assert path.read_bytes() == b"two"
    assert left_over(tmp_path) == []


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "out.npy"
    path.write_bytes(b"old")

    def fail(file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(DataError, match="No space left"):
        write_atomically(path, fail, force=True)
    assert path.read_bytes() == b"old"
    assert left_over(tmp_path) == []


def refuse(number):
    def call(*arguments, **options):
        raise OSError(number, os.strerror(number))

    return call


@pytest.mark.parametrize("linkless", [True, False])
def test_a_file_that_appears_while_another_is_written_stays(tmp_path, monkeypatch, linkless):
    if linkless:
        monkeypatch.setattr(os, "link", refuse(errno.EPERM))
    path = tmp_path / "out.npy"

    def write(file):
        file.write(b"mine")
        path.write_bytes(b"theirs")

    with pytest.raises(UsageError, match="exists already"):
        write_atomically(path, write)
    assert path.read_bytes() == b"theirs"
    assert left_over(tmp_path) == []


def test_no_planted_link_is_written_through(tmp_path, monkeypatch):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    token = iter(["00" * 8, "11" * 8])
    monkeypatch.setattr(files.secrets, "token_hex", lambda size: next(token))
    for name in (f".out.{os.getpid()}.partial", f".out.{'00' * 8}.partial"):
        (tmp_path / name).symlink_to(victim)
    with pytest.raises(DataError, match="File exists"):  # even one whose name was foreseen
        write_atomically(tmp_path / "out", lambda file: file.write(b"new"))
    write_atomically(tmp_path / "out", lambda file: file.write(b"new"))
    assert (victim.read_text(), (tmp_path / "out").read_bytes()) == ("precious", b"new")
    (tmp_path / "inside").symlink_to(victim)
    write_new(tmp_path / "inside", b"new")
    assert (victim.read_text(), (tmp_path / "inside").read_bytes()) == ("precious", b"new")
    (tmp_path / ".cache").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="is a link"):
        own_folder(tmp_path / ".cache")
    assert not (tmp_path / "elsewhere").exists()


def test_what_a_killed_writer_left_goes_with_the_next_and_a_living_one_keeps_its_own(tmp_path):
    script = (
        "import sys; from pathlib import Path; from bpcli.files import write_atomically\n"
        "def write(file):\n    file.write(b'half'); print('ready', flush=True); sys.stdin.read()\n"
        "write_atomically(Path(sys.argv[1]), write)"
    )
    path = tmp_path / "out.npy"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout.readline() == "ready\n"
        (held,) = left_over(tmp_path)
        write_atomically(path, lambda file: file.write(b"second"))
        assert left_over(tmp_path) == [held]
        first.kill()
    write_atomically(tmp_path / "other", lambda file: file.write(b"third"))
    assert left_over(tmp_path) == [held]
    write_atomically(path, lambda file: file.write(b"fourth"), force=True)
    assert left_over(tmp_path) == []
    assert path.read_bytes() == b"fourth"


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL])
@pytest.mark.parametrize("renames", [True, False])
def test_a_file_system_without_links_takes_new_files(tmp_path, monkeypatch, number, renames):
    monkeypatch.setattr(os, "link", refuse(number))
    if not renames:
        monkeypatch.setattr(files, "rename_with", refuse(errno.EINVAL))
    path = tmp_path / "out.npy"
    write_atomically(path, lambda file: file.write(b"one"))
    with pytest.raises(UsageError, match="exists already"):
        write_atomically(path, lambda file: path.exists() or file.write(b"two"))
    assert path.read_bytes() == b"one"
    write_atomically(path, lambda file: file.write(b"two"), force=True)
    assert path.read_bytes() == b"two"
    assert left_over(tmp_path) == []


def test_a_place_below_a_file_is_an_error_that_names_it(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"can't be written"):
        write_atomically(tmp_path / "file" / "out", lambda file: None, force=True)


@pytest.mark.parametrize("place", [".", "/", "", "..", "a folder"])
def test_a_folder_is_not_written_as_a_file(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a folder").mkdir()
    with pytest.raises(DataError, match="can't be written"):
        write_atomically(Path(place), lambda file: file.write(b"x"), force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["a folder"]


@pytest.mark.parametrize("place", ["pipe", "link to a pipe", "link to a device", "like standard output"])
@pytest.mark.parametrize("force", [False, True])
def test_what_is_no_file_is_not_replaced_by_one(tmp_path, place, force):
    # Never tried with a device itself: a fault would replace it for the whole machine.
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link to a pipe").symlink_to("pipe")
    (tmp_path / "link to a device").symlink_to("/dev/zero")
    with (tmp_path / "open").open("wb") as file:
        (tmp_path / "like standard output").symlink_to(f"/proc/self/fd/{file.fileno()}")
        before = os.lstat(tmp_path / place)
        with pytest.raises(UsageError, match="is a device or a pipe"):
            write_atomically(tmp_path / place, lambda file: file.write(b"x"), force)
    assert os.path.samestat(before, os.lstat(tmp_path / place))


def test_a_digest_is_that_of_all_the_content(tmp_path):
    (tmp_path / "a").write_bytes(b"ab" * (1 << 20))
    (tmp_path / "b").write_bytes(b"c")
    expected = hashlib.blake2b(b"ab" * (1 << 20) + b"c", digest_size=16).hexdigest()
    assert digest_of([tmp_path / "a", tmp_path / "b"]) == expected
    with pytest.raises(DataError, match="can't be read"):
        digest_of([tmp_path / "none"])


def enter(context):
    with context:
        pass


PLANTED = {
    "a file": ("F", lambda place: write_atomically(place / "F", lambda file: file.write(b"new"), force=True), {"link"}),
    "on the way": ("F", lambda place: write_atomically(place / "F" / "f", lambda file: file.write(b"new")), {"link"}),
    "a run": ("F", lambda place: enter(staged_folder(place / "F")), {"link"}),
    "what a run is made in": (".F.partial", lambda place: enter(staged_folder(place / "F")), {"folder"}),
    "copies of tables": (".cache", lambda place: own_folder(place / ".cache"), {"folder"}),
    "a sweep": ("F", lambda place: SavedOutcomes(place / "F", {}), {"link", "folder"}),
    "what a sweep saved": ("F/state", lambda place: SavedOutcomes(place / "F", {}), {"folder"}),
}
"""What another user may put where everybody can, what would then write there, and what of it is refused as his.

Other links are replaced, or refused whoever made them."""


@pytest.mark.parametrize("case", PLANTED)
@pytest.mark.parametrize("kind", ["link", "folder"])
@pytest.mark.parametrize("planted", [True, False])
def test_what_another_user_put_where_everybody_can_is_not_used(tmp_path, monkeypatch, case, kind, planted):
    name, write, refused = PLANTED[case]
    there, victim, user = tmp_path / "shared" / name, tmp_path / "victim", os.geteuid()
    there.parent.mkdir(parents=True)
    victim.mkdir()
    there.symlink_to(victim) if kind == "link" else there.mkdir()
    there.parent.chmod(0o1777)
    if planted and user:
        monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    elif planted:
        os.lchown(there, 12345, -1)
    try:
        write(tmp_path / "shared")
        said = ""
    except BpcliError as error:
        said = str(error)
    assert ("another user" in said) == (planted and kind in refused), said
    assert not planted or not list(victim.iterdir())
