"""The entry of the `bpcli` command and of `python -m bpcli`."""

import gc
import signal
import sys
import warnings

_OBJECTS = 200_000  # new objects between two runs of the garbage collector; importing modules leaves no garbage


def main() -> None:
    """Run the command line and leave with its exit code."""
    gc.set_threshold(_OBJECTS)
    if not sys.warnoptions:  # Python's warnings are for who asks for them; ours are printed by the commands
        warnings.simplefilter("ignore")
    try:
        from bpcli.commands import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # while the modules load
        code = 130
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)  # all is said and saved: nobody is left to catch an error
    gc.freeze()  # what is left goes with the process: looking through all of it takes a tenth of a short command
    sys.exit(code)


if __name__ == "__main__":
    main()
