"""Recognises by its first bytes a file that is not a text table, for messages: what it is, and what to do about it."""

import re
from pathlib import Path
from typing import NamedTuple

from bpcli.errors import DataError

_START = 1 << 14  # bytes that are examined: an ARFF file may begin with pages of comments

_AS_CSV = "export its table as CSV"
_UNPACK = "unpack it first"


class FileKind(NamedTuple):
    """A kind of file: the bytes it begins with, what messages call it, the advice, and the formats that read it."""

    begins: re.Pattern[bytes]
    name: str
    advice: str
    formats: tuple[str, ...] = ()


def _kind(pattern: bytes, name: str, advice: str, *formats: str) -> FileKind:
    return FileKind(re.compile(pattern, re.IGNORECASE | re.DOTALL), name, advice, formats)


def _format(pattern: bytes, name: str, format_: str) -> FileKind:
    return _kind(pattern, name, f"data.format: {format_} reads it", format_)


_NAME = rb"PK\x03\x04.{22}(?:..)(?:..)"  # behind which the name of a zip archive's first member stands
_PAIR = rb"[0-9]{1,10}:[-+]?[0-9.]+(?:e[-+]?[0-9]+)?"
_LABEL = rb"[-+]?[0-9.]+(?:e[-+]?[0-9]+)?"
_BEFORE = rb"(?:\xef\xbb\xbf)?\s*"
_COMMENTS = rb"(?:\xef\xbb\xbf)?(?:[ \t]*(?:[%#][^\n]*)?\r?\n)*[ \t]*"

KINDS = (
    _format(rb"\x93NUMPY", "an array of NumPy's (.npy)", "npy"),
    _format(_NAME + rb"[^/]{1,40}\.npy", "arrays of NumPy's (.npz)", "npz"),
    _format(rb"PAR1", "a Parquet file", "parquet"),
    _format(rb"ARROW1|FEA1", "an Arrow or Feather file", "arrow"),
    _format(rb"\0\0[\x08\x09\x0b-\x0e][\x01-\x08]", "an IDX file, as MNIST's are", "idx"),
    _kind(_NAME + rb"(?:\[Content_Types\]|_rels/|docProps/|xl/|mimetype)", "a spreadsheet or a document", _AS_CSV),
    _kind(rb"PK(?:\x03\x04|\x05\x06)", "a zip archive", _UNPACK),
    _kind(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a spreadsheet or a document of old Office", _AS_CSV),
    _kind(rb"BZh[1-9]1AY&SY", "packed by bzip2", "unpack it first, with bunzip2"),
    _kind(rb"\xfd7zXZ\0", "packed by xz", "unpack it first, with unxz"),
    _kind(rb"\x28\xb5\x2f\xfd", "packed by zstd", "unpack it first, with unzstd"),
    _kind(rb"7z\xbc\xaf\x27\x1c|Rar!\x1a\x07|.{257}ustar", "an archive", _UNPACK),
    _kind(rb"\xff\xfe\0\0|\0\0\xfe\xff", "text in UTF-32", "save it as UTF-8: iconv -f UTF-32 -t UTF-8"),
    _kind(rb"%PDF-", "a PDF document", "take its table out, and save that as CSV"),
    _kind(rb"%!PS|\{\\rtf", "a document for print", _AS_CSV),
    _kind(
        rb"\x89PNG\r\n|\xff\xd8\xff|GIF8[79]a|II\*\0|MM\0\*|RIFF.{4}WEBP",
        "a picture",
        "save its pixels as numbers: numpy.save(FILE, pixels)",
    ),
    _kind(rb"\x89HDF\r\n", "an HDF5 file", "pandas.read_hdf(FILE).to_csv(…, index=False)"),
    _kind(rb"SQLite format 3\0", "a SQLite database", "sqlite3 -header -csv FILE 'SELECT …' writes a table as CSV"),
    _kind(rb"\x80[\x02-\x05][\x95}\]cK(]", "a pickle of Python's, which is never loaded", "save it as CSV or Parquet"),
    _kind(rb"MATLAB [0-9]", "a file of MATLAB's", "writetable(T, FILE), or scipy.io.loadmat"),
    _kind(rb"RD[AX][23]\n|X\n\0\0\0[\x02\x03]", "a file of R's", "write.csv(x, FILE, row.names=FALSE)"),
    _kind(rb"<stata_dta>|\$FL2@\(#\)|\0{12}\xc2\xea\x81\x60", "a file of Stata's, SPSS's or SAS's", _AS_CSV),
    _kind(rb"version https://git-lfs", "a pointer to a file in Git LFS, not the file", "git lfs pull fetches it"),
    _kind(
        _BEFORE + rb"<(?:!doctype html|!--|html|head|body|table|div|script)\b",
        "a web page (HTML), not a table",
        "download the file itself: often a link named raw or download",
    ),
    _kind(
        _BEFORE + rb"<(?:\?xml\b|[a-z][\w:.-]*(?:\s[^<>]*)?>(?=.*</))",
        "an XML file",
        "save its rows as CSV: pandas.read_xml(FILE).to_csv(…)",
    ),
    _kind(
        _BEFORE + rb'\{\s*"(?:[^"\\\n]|\\.)*"\s*:[^\n]*\}\s*\r?(?:\n|\Z)',
        "JSON lines",
        "save them as CSV: pandas.read_json(FILE, lines=True).to_csv(…, index=False)",
    ),
    _kind(
        _BEFORE + rb'(?:\{\s*"(?:[^"\\\n]|\\.)*"\s*:|\[\s*[\[{]|[\[{]\s*\n)',
        "a JSON document",
        "save its rows as CSV: pandas.read_json(FILE).to_csv(…, index=False)",
    ),
    _kind(
        _COMMENTS + rb"@relation\b",
        "an ARFF file, of Weka's",
        "scipy.io.arff.loadarff reads it; or put the names into one line in place of all down to @data",
    ),
    _kind(
        rb"(?:"
        + _LABEL
        + rb"(?:[ \t]+"
        + _PAIR
        + rb")+[ \t]*(?:#[^\n]*)?\r?\n){2}|"
        + _LABEL
        + rb"(?: "
        + _PAIR
        + rb"){50}",
        "LIBSVM's format, of rows such as 1 3:0.5 7:2",
        "data.format: svm reads it",
        "svm",
        "libsvm",
    ),
    _kind(
        _COMMENTS + rb"(?:model|loss|training|data|output):[ \t]*(?:[^\s,;|\t]+[ \t]*)?\r?\n[ \t]*[a-z_]+:",
        "a config, not a table",
        "train by it, and give its table here",
    ),
    _kind(
        _BEFORE + rb"(?:\+[-=+]{3,}\+[ \t]*\r?\n|[^\n]*\n[ \t]*[|+]?[ \t]*:?-{3,}[-+|: \t]*\r?\n)",
        "a table drawn for eyes, with a line below its names",
        "write it as CSV, as psql can, and sqlite3 -csv",
    ),
)
"""The kinds of files that are recognised; the first that matches is taken."""

_FORMATS = {name for kind in KINDS for name in kind.formats}


def kind_of(start: bytes) -> FileKind | None:
    """The kind of a file with these first bytes; None for a text table or an unknown kind."""
    start = start[:_START]
    return next((kind for kind in KINDS if kind.begins.match(start)), None)


def refuse_other(path: Path, start: bytes, format_: str = "") -> None:
    """DataError if the first bytes show a kind of file that `format_` does not read; "" is any format of text."""
    kind = kind_of(start)
    # The reader of a format whose files are no kind in the table has its own error for other files.
    own = format_ and (format_ not in _FORMATS or (kind is not None and format_ in kind.formats))
    if kind is not None and not own:
        raise DataError(f"{path} is {kind.name}", kind.advice)
