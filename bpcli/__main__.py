"""The entry of the `bpcli` command and of `python -m bpcli`."""

import gc
import os
import sys
import warnings

from bpcli.stop_signals import Listener, Terminated

_OBJECTS = 200_000  # new objects between two runs of the garbage collector; importing modules leaves no garbage


def main() -> None:
    """Run the command line and leave with its exit code."""
    gc.set_threshold(_OBJECTS)
    if not sys.warnoptions:  # Python's warnings are shown only if asked for (-W); ours are printed by the commands
        warnings.simplefilter("ignore")
    listener = Listener()
    try:
        listener.listen()
        from bpcli.commands.running import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # before the command begins, or while its error is printed
        code = 130
    except Terminated as error:
        code = 128 + int(error.args[0])
    listener.leave()
    gc.freeze()  # no last garbage collection, which would take a tenth of the time of a short command
    if "pyarrow" in sys.modules and "mpi4py" not in sys.modules:
        _end_at_once(code)
    sys.exit(code)


def _end_at_once(code: int) -> None:
    """End the process without the end of the interpreter, in which Arrow's threads sometimes abort it, although all is
    done (apache/arrow#34314). Nothing if the output can't be written: the interpreter then says so."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        return
    os._exit(code)


if __name__ == "__main__":
    main()
