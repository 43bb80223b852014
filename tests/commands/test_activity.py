"""A progress bar for long work, drawn by a thread of its own, and none for short work."""

import io
import sys
from threading import Event

import pytest

from bpcli.commands import activity as module
from bpcli.commands.activity import Progress, activity, reading, reading_any


class Terminal(io.StringIO):
    def isatty(self):
        return True


def a_terminal(monkeypatch):
    """Not a fixture, as pytest replaces stderr between the phases of a test."""
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    return shown


def test_what_takes_longer_than_the_delay_has_a_bar_that_goes_away(monkeypatch):
    terminal = a_terminal(monkeypatch)
    monkeypatch.setattr(module, "_DELAY", 0)
    monkeypatch.setattr(module, "_TICK", 0)
    steps, seen = iter(range(1, 1000)), Event()

    def measure():
        step = next(steps, 1000)
        if step > 5:
            seen.set()
        return None if step == 3 else Progress("reading" if step < 3 else "predicting", step, 1000, "B")

    with activity(measure):
        assert seen.wait(60)
    assert "reading" in terminal.getvalue()
    assert "predicting" in terminal.getvalue()
    assert terminal.getvalue().rsplit("\r", 2)[1].strip() == ""  # wiped out


def test_what_is_done_at_once_or_is_quiet_shows_nothing(monkeypatch):
    terminal = a_terminal(monkeypatch)
    with activity(lambda: Progress("reading", 1, 2, "B")):
        pass
    with activity(lambda: pytest.fail("asked"), quiet=True):
        pass
    assert terminal.getvalue() == ""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux where a file is read")
def test_how_far_files_are_read(tmp_path):
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path in paths:
        path.write_bytes(b"x" * 100)
    measure = reading([*paths, tmp_path / "none.csv"])
    assert measure() == Progress("reading", 0, 200, "B")
    with paths[1].open("rb", buffering=0) as file:
        file.read(40)
        assert measure() == Progress("reading", 140, 200, "B")
    assert measure() == Progress("reading", 140, 200, "B")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux where a file is read")
def test_the_largest_file_that_is_open_is_the_one_that_is_read(tmp_path):
    small, large = tmp_path / "small.csv", tmp_path / "large.csv"
    small.write_bytes(b"x" * 100)
    large.write_bytes(b"x" * (1 << 21))
    with small.open("rb", buffering=0) as file:
        file.read(50)
        assert reading_any() is None
        with large.open("rb", buffering=0) as other:
            other.read(1 << 20)
            assert reading_any() == Progress("reading", 1 << 20, 1 << 21, "B")
