"""Exports a model as an ONNX graph in double precision, with an input (N, 1) for each column.

The activation is built from basic operators by bpcli's formula, because onnxruntime's own Sigmoid loses small results
and its Softplus exists only in single precision.
"""

import math
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from bpcli import __version__
from bpcli.errors import MissingExtraError, UsageError
from bpcli.exporting.exported_model import Exported, Input, same_cells
from bpcli.exporting.expression_text import Language, refuse
from bpcli.text.notation import json_text

_OPSET, _ML_OPSET, _IR = 17, 2, 8  # versions of early 2022, which all later runtimes support

_OPERATORS = {"+": "Add", "-": "Sub", "*": "Mul", "/": "Div", "**": "Pow", "negative": "Neg", "where": "Where"}
_OPERATORS |= {"<": "Less", "<=": "LessOrEqual", ">": "Greater", ">=": "GreaterOrEqual", "==": "Equal"}
_OPERATORS |= {"log": "Log", "sqrt": "Sqrt", "abs": "Abs", "max": "Max", "min": "Min"}
_OPERATORS |= {"sin": "Sin", "floor": "Floor", "ceil": "Ceil", "sign": "Sign"}
"""The operators that onnxruntime has in double precision, by their names in bpcli."""

_UNSEEN, _NO_FILLING = -1, -2

_TEST = """import json
import numpy
rows = json.loads(session.get_modelmeta().custom_metadata_map["test_rows"])
columns = zip(session.get_inputs(), zip(*(row["inputs"] for row in rows)))
cells = {
    column.name: numpy.array([[cell] for cell in of_column], object if column.type == "tensor(string)" else float)
    for column, of_column in columns
}
found = [[first, *(p for row in others for p in row)] for first, *others in zip(*session.run(None, cells))]
same = lambda a, b: a == b or not isinstance(b, str) and abs(a - b) <= 1e-12 * abs(b) + 1e-322
agree = sum(all(map(same, a, row["outputs"])) for a, row in zip(found, rows))
print(f"{agree} of {len(rows)} rows agree with bpcli")
if agree < len(rows):
    raise SystemExit(1)
"""
"""The test that is saved in the file: Python code that compares a `session` of onnxruntime with the test rows."""


class _Graph:
    """The nodes and constants of a graph; each tensor has a unique name."""

    def __init__(self, onnx: Any, taken: Sequence[str]) -> None:
        self.onnx = onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._taken = {*taken}

    def name(self, base: str) -> str:
        """A unique name that begins with `base`."""
        while base in self._taken:
            base += "_"
        self._taken.add(base)
        return base

    def constant(self, value: Any) -> str:
        """The name of a new constant tensor of numbers or texts."""
        name = self.name(f"c{len(self.constants)}")
        array = np.asarray(value)
        if array.dtype.kind == "U":
            kind, shape = self.onnx.TensorProto.STRING, array.shape
            made = self.onnx.helper.make_tensor(name, kind, shape, [text.encode() for text in value])
        else:
            made = self.onnx.numpy_helper.from_array(array, name)
        self.constants.append(made)
        return name

    def __call__(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """The name of the output of a new node."""
        output = output or self.name(f"t{len(self.nodes)}")
        self.nodes.append(self.onnx.helper.make_node(operator, inputs, [output], **attributes))
        return output

    def exp(self, x: str) -> str:
        """(e^(x/2))², as older versions of onnxruntime give 0 below e^−709."""
        root = self("Exp", self("Mul", x, self.constant(np.float64(0.5))))
        return self("Mul", root, root)

    def language(self) -> Language:
        """ONNX as a `Language`, in which the text of an expression is the name of a tensor."""

        def operator(name: str) -> Callable[..., str]:
            return lambda *operands: self(name, *operands)

        def number(value: float) -> str:
            return self.constant(np.float64(value))

        def log1p(x: str) -> str:
            """Log u·(x/(u − 1)) with u = 1 + x, and x where u is 1 (Kahan)."""
            one = number(1.0)
            u = self("Add", one, x)
            lost = self("Equal", u, one)
            ratio = self("Div", x, self("Where", lost, one, self("Sub", u, one)))
            return self("Where", lost, x, self("Mul", self("Log", u), ratio))

        def expm1(x: str) -> str:
            """(u − 1)·(x/log u) with u = e^x (Kahan); x where u is 1, and u − 1 where it is −1 or u is large."""
            u = self("Exp", x)
            less = self("Sub", u, number(1.0))
            near = self("Equal", less, number(0.0))
            far = self("Greater", self("Abs", x), number(40.0))
            logarithm = self("Log", self("Where", self("Or", near, far), number(2.0), u))
            return self("Where", near, x, self("Where", far, less, self("Mul", less, self("Div", x, logarithm))))

        def tanh(x: str) -> str:
            """±t/(t + 2) with t = e^(−2|x|) − 1, as the Tanh of older versions of onnxruntime loses digits."""
            t = expm1(self("Mul", self("Abs", x), number(-2.0)))
            return self("Mul", self("Neg", self("Sign", x)), self("Div", t, self("Add", t, number(2.0))))

        def hypot(x: str, y: str) -> str:
            """l·√(1 + (s/l)²) with l = max(|x|, |y|), s = min(|x|, |y|), so that no square overflows."""
            larger, smaller = (self(op, self("Abs", x), self("Abs", y)) for op in ("Max", "Min"))
            zero = self("Equal", larger, number(0.0))
            share = self("Div", smaller, self("Where", zero, number(1.0), larger))
            return self("Mul", larger, self("Sqrt", self("Add", number(1.0), self("Mul", share, share))))

        functions = {name: operator(onnx_name) for name, onnx_name in _OPERATORS.items()}
        functions |= {
            "exp": self.exp,
            "log1p": log1p,
            "expm1": expm1,
            "tanh": tanh,
            "hypot": hypot,
            "exp2": lambda x: self("Pow", number(2.0), x),
            "log2": lambda x: self("Div", self("Log", x), number(math.log(2.0))),
            "log10": lambda x: self("Div", self("Log", x), number(math.log(10.0))),
            "!=": lambda a, b: self("Not", self("Equal", a, b)),
            "truth": lambda x: self("Cast", x, to=self.onnx.TensorProto.DOUBLE),
            "inf": lambda: number(np.inf),
        }
        return Language("onnxruntime (in double precision)", number, functions)


def onnx_graph(model: Exported) -> bytes:
    """The content of the ONNX file; inputs have the names of the columns, outputs are `prediction` and `probabilities`.

    MissingExtraError without onnx, UsageError for a text that ONNX can't write.
    """
    try:
        onnx: Any = import_module("onnx")
    except ImportError as error:
        raise MissingExtraError("onnx", "onnx", "exporting to ONNX") from error
    texts = {text: "category" for column in model.inputs for text in (*(column.categories or ()), *column.words)}
    texts |= dict.fromkeys(model.classes or (), "class")
    names = [column.name for column in model.inputs]
    refuse("ONNX", texts | dict.fromkeys(names, "column"))
    if "" in names:
        raise UsageError("ONNX can't write a column without a name", "rename it")
    graph = _Graph(onnx, names)
    outputs = [graph.name("prediction"), *([graph.name("probabilities")] if model.says_probabilities else [])]
    features = graph("Concat", *(_features(graph, column) for column in model.inputs), axis=1)
    scaled = graph("Div", graph("Sub", features, graph.constant(model.mean)), graph.constant(model.scale))
    z = graph("Add", graph("MatMul", scaled, graph.constant(model.w)), graph.constant(model.b))
    _outputs(graph, model, z, outputs)
    return _file(graph, model, outputs)


def _features(graph: _Graph, column: Input) -> str:
    """The features of a column, (N, size); NaN for a missing cell without a fill."""
    if column.categories is None:
        if column.fill is None:
            return column.name
        fill = graph.constant(np.float64(column.fill))
        return graph("Where", graph("IsNaN", column.name), fill, column.name)
    gap = _NO_FILLING if column.fill is None else int(column.fill)
    codes = {**same_cells(column), **dict.fromkeys(column.words, gap)}
    code = graph(
        "LabelEncoder",
        column.name,
        domain="ai.onnx.ml",
        keys_strings=list(codes),
        values_int64s=list(codes.values()),
        default_int64=_UNSEEN,
    )
    same = graph("Equal", code, graph.constant(np.arange(column.size)))
    one_hot = graph("Cast", same, to=graph.onnx.TensorProto.DOUBLE)
    if column.fill is not None:
        return one_hot
    return graph("Where", graph("Equal", code, graph.constant(np.int64(_NO_FILLING))), graph.constant(np.nan), one_hot)


def _outputs(graph: _Graph, model: Exported, z: str, names: Sequence[str]) -> None:
    """Add the nodes for the outputs `names` from z (N, outputs)."""
    last = graph.constant(np.array([1]))
    if model.outputs:
        language = graph.language()
        p = [language.written(tree, z) for tree in model.outputs]
        if model.classes is None:
            graph("Squeeze", p[-1], last, output=names[0])
            return
        chosen = graph("GreaterOrEqual", graph("Squeeze", p[-1], last), graph.constant(model.boundary))
        chosen = graph("Cast", chosen, to=graph.onnx.TensorProto.INT64)
        if model.says_probabilities:
            graph("Concat", *p, axis=1, output=names[1])
    else:
        e = graph.exp(graph("Sub", z, graph("ReduceMax", z, axes=[1])))
        graph("Div", e, graph("ReduceSum", e, last), output=names[1])
        if model.boundary is None:
            chosen = graph("ArgMax", z, axis=1, keepdims=0)
        else:
            of_second = graph("Gather", names[1], graph.constant(np.array(1)), axis=1)
            chosen = graph("GreaterOrEqual", of_second, graph.constant(model.boundary))
            chosen = graph("Cast", chosen, to=graph.onnx.TensorProto.INT64)
    # A row with a missing cell without a fill has no prediction, which is the empty text.
    score = graph("ReduceSum", z, last, keepdims=0)
    classes = graph.constant([*(model.classes or ()), ""])
    none = graph.constant(np.int64(len(model.classes or ())))
    graph("Gather", classes, graph("Where", graph("IsNaN", score), none, chosen), output=names[0])


def _file(graph: _Graph, model: Exported, outputs: Sequence[str]) -> bytes:
    helper, proto = graph.onnx.helper, graph.onnx.TensorProto
    kinds = [proto.DOUBLE if column.categories is None else proto.STRING for column in model.inputs]
    inputs = [
        helper.make_tensor_value_info(column.name, kind, [None, 1])
        for column, kind in zip(model.inputs, kinds, strict=True)
    ]
    prediction = proto.DOUBLE if model.classes is None else proto.STRING
    results = [helper.make_tensor_value_info(outputs[0], prediction, [None])]
    shape = [None, len(model.classes or ())]
    results += [helper.make_tensor_value_info(name, proto.DOUBLE, shape) for name in outputs[1:]]
    made = helper.make_model(
        helper.make_graph(graph.nodes, "bpcli", inputs, results, graph.constants),
        opset_imports=[helper.make_opsetid("", _OPSET), helper.make_opsetid("ai.onnx.ml", _ML_OPSET)],
        ir_version=_IR,
        producer_name="bpcli",
        producer_version=__version__,
        doc_string=model.in_words,
    )
    rows = [{"inputs": list(map(_cell, row.cells, model.inputs)), "outputs": row.expected} for row in model.rows]
    helper.set_model_props(made, {"classes": json_text(model.classes), "test_rows": json_text(rows), "test": _TEST})
    return bytes(made.SerializeToString())


def _cell(cell: Any, column: Input) -> Any:
    if column.categories is not None:
        return "" if cell is None else str(cell)
    return None if cell is None else float(cell)
