"""The entry of the `bpcli` command and of `python -m bpcli`."""

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        from bpcli.commands import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # while the modules load
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
