"""Errors that are of no command: of streams, of the folder, and of ours."""


def test_a_full_disk_is_an_error_not_a_traceback(shell):
    done = shell('$B grad "x**2" --at 1 > /dev/full')
    assert done.returncode == 3
    assert done.stderr.startswith("bpcli: error: ")
    assert "standard output: No space left" in done.stderr


def test_a_bug_of_ours_exits_70_and_says_how_to_report_it(bpcli, monkeypatch):
    from bpcli.calculus.sweeps import calculation as derivative

    def broken(self, point):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(derivative.Calculation, "gradient", broken)
    result = bpcli("grad", "x", "--at", "1")
    assert result.code == 70
    assert "ZeroDivisionError: oops" in result.err
    assert "--debug" in result.err


def test_a_folder_that_was_removed_is_told(shell):
    done = shell("mkdir gone; cd gone; rmdir ../gone; $B evaluate run")
    assert done.returncode == 3
    assert "the folder you are in: No such file or directory" in done.stderr
