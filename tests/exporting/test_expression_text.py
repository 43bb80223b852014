"""A tree in another language: operators, truths as numbers, functions that are not there."""

import math
import shutil
import sqlite3
import subprocess
from contextlib import closing

import mpmath
import pytest

from bpcli.calculus.language.parser import parse
from bpcli.calculus.rules.functions import FUNCTIONS
from bpcli.errors import UsageError
from bpcli.exporting.c_code import C
from bpcli.exporting.expression_text import refuse
from bpcli.exporting.javascript_code import JAVASCRIPT
from bpcli.exporting.onnx_graph import _Graph
from bpcli.exporting.python_code import PYTHON
from bpcli.exporting.sql_code import SQL

FORMULAS = {
    "where(z>=1, 2*z-3/2, z/2)": 2.5,
    "(z>1)+(z<1)*2": 1.0,
    "where(z, 3, 4)": 3.0,
    "1/2+atan(z)/pi": 0.5 + math.atan(2) / math.pi,
    "max(z,0)-min(z,-1)**2": 1.0,
    "-z**2": -4.0,
    "where((z>=1)*(z<3), abs(-z), 0)": 2.0,
}


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_has_its_value(formula):
    value = eval(PYTHON.written(parse(formula), "z"), {"math": math, "z": 2.0})
    assert value == pytest.approx(FORMULAS[formula], rel=1e-15)


@pytest.mark.parametrize("formula", ["softmax(z)", "z[0]", "[z,z]", "nothing*z"])
def test_what_the_language_does_not_have_is_refused(formula):
    with pytest.raises(UsageError, match=r"Python has no \w+, which the model's activation is made of"):
        PYTHON.written(parse(formula), "z")


def test_a_text_that_can_not_be_written_is_refused():
    refuse("C", {"é\n": "class"}, "\0")
    for text, forbidden in (("a\0b", "\0"), ("\ud800", "")):
        with pytest.raises(UsageError, match=r"C can't write the character .* of the class"):
            refuse("C", {text: "class"}, forbidden)


def _by_python(texts, folder):
    return [float(eval(text, {"math": math, "exp": math.exp, "expm1": math.expm1})) for text in texts]


def _by_c(texts, folder):
    compiler = shutil.which("cc") or shutil.which("gcc") or pytest.skip("needs a C compiler")
    lines = "".join(f'printf("%.17g\\n", (double)({text}));' for text in texts)
    (folder / "f.c").write_text(f"#include <math.h>\n#include <stdio.h>\nint main(void) {{ {lines} return 0; }}\n")
    subprocess.run([compiler, "-std=c99", "f.c", "-lm", "-o", "f"], cwd=folder, check=True)
    return _numbers_of([folder / "f"])


def _by_javascript(texts, folder):
    node = shutil.which("node") or pytest.skip("needs Node")
    return _numbers_of([node, "-e", f"for (const y of [{', '.join(texts)}]) console.log(y)"])


def _numbers_of(command):
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(line) for line in done.stdout.split()]


def _by_sql(texts, folder):
    with closing(sqlite3.connect(":memory:")) as connection:
        return list(connection.execute(f"SELECT {', '.join(texts)}").fetchone())


LANGUAGES = [(PYTHON, _by_python), (C, _by_c), (JAVASCRIPT, _by_javascript), (SQL, _by_sql)]
_EXACT = {
    "abs": abs,
    "exp2": lambda x: mpmath.mpf(2) ** x,
    "log2": lambda x: mpmath.log(x, 2),
    "max": max,
    "min": min,
}


def _calls():
    """Calls of the functions of one number or two, each with its true value, by the name of the function."""
    for name, row in FUNCTIONS.items():
        selects = name in ("max", "min")
        truth = _EXACT.get(name) or getattr(mpmath, name, None)
        if truth is None or not (selects or row.kind == "elementwise"):
            continue
        for x in (-5.5, -0.7, -1e-9, 0.25, 0.9, 3.25):
            operands = (x, 1.5) if selects or row.arity[0] == 2 else (x,)
            true = truth(*map(mpmath.mpf, operands))
            if mpmath.isfinite(true) and mpmath.im(true) == 0:
                yield name, operands, float(mpmath.re(true))


@pytest.mark.parametrize(("language", "run"), LANGUAGES, ids=[language.name for language, _ in LANGUAGES])
def test_each_function_that_a_language_has_is_right_in_it(language, run, tmp_path):
    calls = [call for call in _calls() if call[0] in language.functions]
    texts = [language(name, *map(language.number, operands)) for name, operands, _ in calls]
    for (name, operands, true), value in zip(calls, run(texts, tmp_path), strict=True):
        assert value == pytest.approx(true, rel=1e-13), (name, operands)
    assert len({name for name, *_ in calls}) > 20


def test_each_function_of_an_onnx_graph_is_right():
    onnx, runtime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    graph = _Graph(onnx, [])
    language = graph.language()
    calls = [call for call in _calls() if call[0] in language.functions]
    names = [language(name, *map(language.number, operands)) for name, operands, _ in calls]
    helper, double = onnx.helper, onnx.TensorProto.DOUBLE
    outputs = [helper.make_tensor_value_info(name, double, None) for name in names]
    made = helper.make_graph(graph.nodes, "functions", [], outputs, graph.constants)
    opset = [helper.make_opsetid("", 17)]
    session = runtime.InferenceSession(helper.make_model(made, opset_imports=opset, ir_version=8).SerializeToString())
    for (name, operands, true), value in zip(calls, session.run(None, {}), strict=True):
        assert float(value) == pytest.approx(true, rel=1e-13), (name, operands)
