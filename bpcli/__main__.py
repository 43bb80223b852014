"""The entry of the `bpcli` command and of `python -m bpcli`."""

import sys
import warnings


def main() -> None:
    """Run the command line and leave with its exit code."""
    if not sys.warnoptions:  # Python's warnings are for who asks for them; ours are printed by the commands
        warnings.simplefilter("ignore")
    try:
        from bpcli.commands import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # while the modules load
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
