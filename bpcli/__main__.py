"""The entry of the `bpcli` command and of `python -m bpcli`."""

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    from bpcli.commands import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
