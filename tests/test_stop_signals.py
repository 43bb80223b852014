"""A signal ends a command by an exception: not in the middle of an import, and wherever Python would drop it."""

import signal
import subprocess
import sys

import pytest

from bpcli.stop_signals import SIGNALS

START = """
import io, os, sys, time
from bpcli.stop_signals import Listener, Terminated
listener = Listener()
listener.listen()
def come(): os.kill(os.getpid(), int(sys.argv[1]))
"""
WAIT = """
    time.sleep(60)
except (KeyboardInterrupt, Terminated) as error:
    assert "half" not in sys.modules or sys.modules["half"].whole
    print(type(error).__name__, *error.args)
listener.leave()
"""
PLACES = {
    "at once": "try:\n    come()",
    "in an import": "try:\n    import half",
    "in a __del__": "class Freed:\n    def __del__(self): come()\ntry:\n    Freed()",
    "in a close by the interpreter": "class Freed(io.RawIOBase):\n    def close(self): come()\ntry:\n    Freed()",
}


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("place", PLACES)
def test_a_signal_is_heard_wherever_it_comes(place, number, tmp_path):
    (tmp_path / "half.py").write_text("whole = False\nfrom __main__ import come\ncome()\nwhole = True\n")
    program = tmp_path / "program.py"
    program.write_text(START + PLACES[place] + WAIT)
    ended = subprocess.run([sys.executable, program, str(int(number))], capture_output=True, text=True)
    kind = "Interrupted" if number == signal.SIGINT else f"Terminated {int(number)}"
    assert (ended.stdout.strip(), ended.stderr, ended.returncode) == (kind, "", 0)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_what_a_library_makes_of_it_is_no_error_of_the_program(number):
    program = f"""
import os
from bpcli import commands
from bpcli.__main__ import main
def invoke(context):
    try:
        os.kill(os.getpid(), {int(number)})
    except BaseException:
        raise RuntimeError("a callback failed")
commands.cli.invoke = invoke
main()
"""
    ended = subprocess.run([sys.executable, "-c", program, "eval", "1"], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (128 + number, "", "")
