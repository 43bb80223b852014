import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bpcli import files
from bpcli.errors import DataError, UsageError
from bpcli.files import check_file, check_target, install, own_folder, staged_folder, write_atomically, write_new

KNOWN = frozenset({"model.npz"})


def left_over(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name.startswith("."))


def write_run(target: Path, text: str, **options) -> None:
    with staged_folder(target) as staging:
        (staging / "model.npz").write_text(text)
        install(staging, target, KNOWN, **options)


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


def test_a_folder_appears_whole(tmp_path):
    target = tmp_path / "deep" / "run"
    with staged_folder(target) as staging:
        (staging / "model.npz").write_text("new")
        assert not target.exists()
        install(staging, target, KNOWN)
    assert (target / "model.npz").read_text() == "new"
    assert left_over(target.parent) == []


def test_a_folder_is_not_replaced_unasked(tmp_path):
    write_run(tmp_path / "run", "old")
    with pytest.raises(UsageError, match="exists already"):
        write_run(tmp_path / "run", "new")
    assert (tmp_path / "run" / "model.npz").read_text() == "old"


@pytest.mark.parametrize("error", [RuntimeError("no"), KeyboardInterrupt(), OSError(28, "No space left on device")])
@pytest.mark.parametrize("force", [False, True])
def test_a_failed_block_leaves_the_old_folder(tmp_path, error, force):
    target = tmp_path / "run"
    if force:
        write_run(target, "old")

    def fail():
        with staged_folder(target) as staging:
            (staging / "model.npz").write_text("half")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert target.exists() == force
    if force:
        assert (target / "model.npz").read_text() == "old"
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("atomic", [True, False])
def test_force_replaces_a_run_and_keeps_what_is_not_its_own(tmp_path, monkeypatch, atomic):
    if not atomic:
        monkeypatch.setattr(files.sys, "platform", "other")
    target = tmp_path / "run"
    write_run(target, "old")
    (target / "notes.txt").write_text("mine")
    (target / "plots").mkdir()
    (target / "plots" / "a.png").write_text("picture")
    write_run(target, "new", force=True)
    assert (target / "model.npz").read_text() == "new"
    assert (target / "notes.txt").read_text() == "mine"
    assert (target / "plots" / "a.png").read_text() == "picture"
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_of_other_things_and_a_file_are_never_replaced(tmp_path, force):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("years of work")
    (tmp_path / "file").write_text("text")
    for name in ("home", "file"):
        with pytest.raises(UsageError):
            write_run(tmp_path / name, "new", force=force)
    assert (tmp_path / "home" / "thesis.tex").read_text() == "years of work"
    assert (tmp_path / "file").read_text() == "text"


def test_a_link_stays_and_what_it_means_is_replaced(tmp_path):
    write_run(tmp_path / "v1", "old")
    (tmp_path / "latest").symlink_to("v1")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "model.npz").write_text("precious")
    (tmp_path / ".v1.partial").symlink_to("other")
    for text in ("new", "newer"):
        write_run(tmp_path / "latest", text, force=True)
        assert (tmp_path / "latest").is_symlink()
        assert (tmp_path / "v1" / "model.npz").read_text() == text
    assert (tmp_path / "other" / "model.npz").read_text() == "precious"
    assert left_over(tmp_path) == []


def test_a_read_only_run_is_replaced_without_leaving_anything(tmp_path):
    write_run(tmp_path / "run", "old")
    (tmp_path / "run").chmod(0o500)
    write_run(tmp_path / "run", "new", force=True)
    assert left_over(tmp_path) == []


def test_a_second_writer_is_refused_and_what_a_dead_one_left_is_cleared(tmp_path):
    target = tmp_path / "run"
    script = (
        "import os, sys; from pathlib import Path; from bpcli.files import staged_folder\n"
        "with staged_folder(Path(sys.argv[1])) as s:\n"
        "    (s / 'model.npz').write_text('half'); print('ready', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(target)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout.readline() == "ready\n"
        with pytest.raises(UsageError, match=rf"another process \(pid {first.pid}\)"):
            write_run(target, "second")
        first.kill()
    assert not target.exists()
    assert left_over(tmp_path) == [".run.partial"]
    write_run(target, "third")
    assert (target / "model.npz").read_text() == "third"
    assert left_over(tmp_path) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_place_is_an_error_that_names_it(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(DataError, match=r"can't be written"):
        write_run(tmp_path / "run", "new")


def test_a_place_below_a_file_is_an_error_that_names_it(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"can't be written"):
        write_run(tmp_path / "file" / "run", "new")
    with pytest.raises(DataError, match=r"can't be written"):
        write_atomically(tmp_path / "file" / "out", lambda file: None, force=True)


def refuse(number):
    def call(*arguments, **options):
        raise OSError(number, os.strerror(number))

    return call


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL])
@pytest.mark.parametrize("renames", [True, False])
def test_a_file_system_without_links_takes_new_files_and_replaces_old_ones(tmp_path, monkeypatch, number, renames):
    monkeypatch.setattr(os, "link", refuse(number))
    if not renames:
        monkeypatch.setattr(files, "_rename_with", refuse(errno.EINVAL))
    path, run = tmp_path / "out.npy", tmp_path / "run"
    write_atomically(path, lambda file: file.write(b"one"))
    with pytest.raises(UsageError, match="exists already"):
        write_atomically(path, lambda file: path.exists() or file.write(b"two"))
    assert path.read_bytes() == b"one"
    write_atomically(path, lambda file: file.write(b"two"), force=True)
    assert path.read_bytes() == b"two"
    write_run(run, "old")
    (run / "notes.txt").write_text("mine")
    write_run(run, "new", force=True)
    assert ((run / "model.npz").read_text(), (run / "notes.txt").read_text()) == ("new", "mine")
    assert left_over(tmp_path) == []


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


def test_a_link_to_nothing_is_no_file(tmp_path):
    link = tmp_path / "link"
    link.symlink_to("nowhere")
    with pytest.raises(DataError, match="link is a link to nowhere, where there is nothing"):
        check_file(link)
    with pytest.raises(UsageError, match="link is a link to nowhere, where there is nothing, not a folder"):
        check_target(link, frozenset(), force=True)
