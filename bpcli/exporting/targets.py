"""The table of formats that a model can be exported to."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from bpcli.exporting.c_code import c_code
from bpcli.exporting.exported_model import Exported
from bpcli.exporting.javascript_code import javascript_code
from bpcli.exporting.onnx_graph import onnx_graph
from bpcli.exporting.python_code import python_code
from bpcli.exporting.sql_code import sql_code
from bpcli.exporting.weight_tables import weights_csv, weights_json
from bpcli.training.model import Model

Write = Callable[[Model, Exported, str, Sequence[str]], bytes]


class Target(NamedTuple):
    """A row of `EXPORTS`: the function that returns the content of the file, the usual extension, whether it is binary.

    `queries`: the export reads a named table, and can keep columns of it.
    """

    write: Write
    extension: str
    binary: bool = False
    queries: bool = False


def _function(write: Callable[[Exported], bytes]) -> Write:
    return lambda model, exported, table, keep: write(exported)


EXPORTS: dict[str, Target] = {
    "json": Target(lambda model, exported, table, keep: weights_json(model, exported), "json"),
    "csv": Target(lambda model, exported, table, keep: weights_csv(model, exported), "csv"),
    "sql": Target(lambda model, exported, table, keep: sql_code(exported, table, keep), "sql", queries=True),
    "python": Target(_function(python_code), "py"),
    "c": Target(_function(c_code), "c"),
    "javascript": Target(_function(javascript_code), "js"),
    "onnx": Target(_function(onnx_graph), "onnx", binary=True),
}
"""The export formats by name; the command line's choices and the tests read this table."""
