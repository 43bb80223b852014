"""Folders appear whole and are replaced in one step, whatever fails."""

import contextlib
import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bpcli import files, folders
from bpcli.errors import DataError, UsageError
from bpcli.folders import install, staged_folder

KNOWN = frozenset({"model.npz"})


def left_over(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name.startswith("."))


def write_run(target: Path, text: str, **options) -> None:
    with staged_folder(target) as staging:
        (staging / "model.npz").write_text(text)
        install(staging, target, KNOWN, **options)


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
        "import os, sys; from pathlib import Path; from bpcli.folders import staged_folder\n"
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


@contextlib.contextmanager
def as_nobody():
    """For a while without the rights of root, who may write anywhere, where the tests run as root."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_read_only_place_is_an_error_that_names_it():
    with tempfile.TemporaryDirectory() as name:  # which anyone may enter, unlike tmp_path
        folder = Path(name)
        folder.chmod(0o555)
        with as_nobody(), pytest.raises(DataError, match=rf"{folder}.* can't be written"):
            write_run(folder / "run", "new")
        folder.chmod(0o700)
        assert list(folder.iterdir()) == []


def refuse(number):
    def call(*arguments, **options):
        raise OSError(number, os.strerror(number))

    return call


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL])
@pytest.mark.parametrize("renames", [True, False])
def test_a_file_system_without_links_replaces_folders(tmp_path, monkeypatch, number, renames):
    monkeypatch.setattr(os, "link", refuse(number))
    if not renames:
        monkeypatch.setattr(folders, "rename_with", refuse(errno.EINVAL))
    run = tmp_path / "run"
    write_run(run, "old")
    (run / "notes.txt").write_text("mine")
    write_run(run, "new", force=True)
    assert ((run / "model.npz").read_text(), (run / "notes.txt").read_text()) == ("new", "mine")
    assert left_over(tmp_path) == []


def test_a_place_below_a_file_is_an_error_that_names_it(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"can't be written"):
        write_run(tmp_path / "file" / "run", "new")
