"""The errors that a user can cause, each with its exit code, and helpers for their messages."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple


class BpcliError(Exception):
    """Base of every error that a user can cause; `str()` is the text after `bpcli: error: `.

    `message` says what was found, where, and what was expected; `hint` says what to type instead. `names` are the
    parameters that these two mention, and `ways` are parameters that help, each with its effect (`{"force": "to replace
    it"}`); a command shows both as its options.
    """

    exit_code: int = 70
    parts: Sequence[str] = ()
    """The texts of the errors that `together` joined into this one."""

    def __init__(
        self, message: str, hint: str = "", *, names: Iterable[str] = (), ways: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.names = tuple(names)
        self.ways = dict(ways or {})

    def __str__(self) -> str:
        hint = self.hint or listed([f"{name} {what}" for name, what in self.ways.items()])
        return f"{self.message}\n  {hint}" if hint else self.message


class CheckError(BpcliError):
    """A check did not hold (exit 1)."""

    exit_code = 1


class UsageError(BpcliError):
    """Wrong usage: an option, a value, a refused overwrite (exit 2)."""

    exit_code = 2


class InputError(UsageError):
    """A value that a function can't take (exit 2)."""


class KeywordError(UsageError, TypeError):
    """A keyword that a function of Python does not have (exit 2)."""


class MissingInputError(InputError):
    """An input that a function needs is missing (exit 2)."""


class MissingExtraError(UsageError):
    """An optional library is not installed; names the extra to install (exit 2)."""

    def __init__(self, extra: str, library: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs {library}, which is not installed", f"pip install 'bpcli[{extra}]'")
        self.extra = extra


class ExpressionError(UsageError):
    """An expression or value that can't be understood or evaluated, with a caret under `text[start:end]` (exit 2)."""

    def __init__(self, message: str, text: str, start: int, end: int | None = None, hint: str = "") -> None:
        super().__init__(message, hint)
        self.text = text
        self.start = start
        self.end = max(start + 1, end if end is not None else start + 1)

    def __str__(self) -> str:
        return "\n".join(
            [
                self.message,
                *(caret_lines(self.text, self.start, self.end) if self.text.strip() else []),
                *([f"  {self.hint}"] if self.hint else []),
            ]
        )


_MOST_PROBLEMS = 50


class ConfigError(UsageError):
    """All mistakes of a config, each as `file:line:column: what, and what was expected` (exit 2).

    `rest` is the config without the keys at fault, if that is possible, and `lost` are messages on data files that do
    not exist.
    """

    def __init__(self, problems: list[str], rest: Any = None, lost: Sequence[str] = ()) -> None:
        shown = problems[:_MOST_PROBLEMS]
        more = len(problems) - len(shown)
        super().__init__("\n".join([*shown, *([f"… and {more} more"] if more else [])]))
        self.problems, self.rest, self.lost = problems, rest, lost


class DataError(BpcliError):
    """Data or files that can't be read or written, or don't fit (exit 3)."""

    exit_code = 3


class NoRowsError(DataError):
    """A file is a table without a row (exit 3); among others it adds none."""


class TooLargeError(DataError):
    """A task needs more memory than there is (exit 3)."""


class OpenReadingError(DataError):
    """A table that can be read in two ways (exit 3): `way` is the key for the likely one, `note` explains it."""

    def __init__(self, message: str, hint: str, way: Mapping[str, Any], note: str) -> None:
        super().__init__(message, hint)
        self.way, self.note = dict(way), note


class UnfinishedError(DataError):
    """A `run` whose training was stopped, so that there is no model yet (exit 3); its state is saved in `folder`."""

    def __init__(self, run: Path, folder: Path) -> None:
        super().__init__(f"the training of {run} is not finished, so there is no model yet; its state is in {folder}")
        self.run, self.folder = run, folder


class NotFiniteError(BpcliError):
    """A result is not finite, or training diverged (exit 4)."""

    exit_code = 4


class Failure(NamedTuple):
    """The failure of a rank: its name, the exit code and the text of its error."""

    rank: str
    code: int
    text: str


class RankError(BpcliError):
    """One or more ranks have failed; raised on every rank."""

    def __init__(self, failures: Sequence[Failure]) -> None:
        super().__init__("\n".join(failure.text for failure in failures))
        self.failures = list(failures)
        self.exit_code = failures[0].code


class LateError(BpcliError):
    """A rank did not reach a common call within the timeout (exit 3)."""

    exit_code = 3


def together(errors: Sequence[BpcliError]) -> BpcliError:
    """Several errors as one, without repeated texts; its exit code is the first of 2, 3, 4, 1 that any of them has."""
    if len(errors) == 1:
        return errors[0]
    kinds = (UsageError, DataError, NotFiniteError, CheckError)
    found = {error.exit_code for error in errors}
    kind = next(kind for kind in kinds if kind.exit_code in found)
    texts = dict.fromkeys(text for error in errors for text in error.parts or [str(error)])
    whole = kind("\n".join(texts))
    whole.parts = [*texts]
    return whole


def caret_lines(text: str, start: int, end: int) -> list[str]:
    """The line of `text` that contains `start`, indented by two, and a line of carets under `start … end`."""
    begin = text.rfind("\n", 0, start) + 1
    stop = text.find("\n", begin)
    line = text[begin : stop if stop >= 0 else len(text)]
    # A long line is cut to a window around the place, so that the carets fit on the screen.
    left = max(0, start - begin - 60)
    shown = line[left : left + 120]
    prefix = "…" if left else ""
    width = max(1, min(end - start, len(shown) - (start - begin - left)))
    return [f"  {prefix}{shown}", "  " + " " * (len(prefix) + start - begin - left) + "^" * width]


def listed(parts: Sequence[str]) -> str:
    """`a`, `a, or b`, `a, b, or c`."""
    return ", or ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def several(names: Iterable[str], most: int = 12) -> str:
    """`a, b, c`, and ` …` where there are more than `most`."""
    shown = [*islice(names, most + 1)]
    return ", ".join(shown[:most]) + (" …" if len(shown) > most else "")


_ABBREVIATION = 3  # least letters of an abbreviation: too many names begin with fewer
_MOST_CHOICES = 10_000  # comparing a word with more choices would take too long


def nearest(word: object, choices: Iterable[str]) -> str | None:
    """The choice that `word` most likely means, or None if there is none.

    It is the one that another tool calls so, else the shortest that begins with `word`, else one spelled similarly.
    Case does not matter.
    """
    import difflib  # imported only for an error: it takes milliseconds

    from bpcli.other_names import meanings

    word = str(word)  # from Python it may be any object
    folded = {choice.casefold(): choice for choice in islice(choices, _MOST_CHOICES)}
    if word.casefold() in folded:
        return folded[word.casefold()]
    if (same := meanings(word)) is not None and (not same or any(name in folded for name in same)):
        return next((folded[name] for name in same if name in folded), None)
    longer = [choice for choice in folded if len(word) >= _ABBREVIATION and choice.startswith(word.casefold())]
    if longer:
        return folded[min(longer, key=len)]
    found = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def meant(word: object, choices: Iterable[str], otherwise: str = "") -> str:
    """The advice for a word that is none of the choices: the nearest choice, or else `otherwise`."""
    close = nearest(word, choices)
    return f"did you mean {close}?" if close else otherwise
