"""The entry of the `bpcli` command and of `python -m bpcli`."""

import gc
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
        from bpcli.commands import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # before the command begins, or while its error is printed
        code = 130
    except Terminated as error:
        code = 128 + int(error.args[0])
    listener.leave()
    gc.freeze()  # no last garbage collection, which would take a tenth of the time of a short command
    sys.exit(code)


if __name__ == "__main__":
    main()
