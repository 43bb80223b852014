"""Exports a model as a Python module that imports only math."""

from collections.abc import Iterable

from bpcli import __version__
from bpcli.exporting.exported_model import Exported
from bpcli.exporting.expression_text import OPERATORS, Language, by_name, templates

_MATH = "expm1 log log1p log2 log10 sqrt cbrt exp2 sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf"
PYTHON = Language(
    "Python",
    repr,
    templates(
        OPERATORS
        | by_name(_MATH, "math.")
        | {"exp": "exp({})", "expm1": "expm1({})", "abs": "abs({})", "max": "max({}, {})", "min": "min({}, {})"}
        | {"floor": "float(math.floor({}))", "ceil": "float(math.ceil({}))"}
        | {"hypot": "math.hypot({}, {})", "atan2": "math.atan2({}, {})"}
        | {"where": "({1} if {0} else {2})", "truth": "float({})", "**": "({} ** {})", "inf": "math.inf"}
    ),
)

_MODULE = '''\
"""{kind}, exported by bpcli {version}.

predict(row) takes a mapping of column to cell and gives the prediction and the probabilities, prepared as in training.
Run this file to compare with what bpcli says of the rows at its end: python FILE
"""

import math

# Name, cells that are gaps, what fills them (None: a gap is an error), categories (None: a number).
COLUMNS = (
{columns}
)
MEAN = ({mean})
SCALE = ({scale})
WEIGHTS = (  # a row for each prepared feature, a column for each output
{weights}
)
BIAS = ({bias})
CLASSES = {classes}
BOUNDARY = {boundary}
NAMES = ({names})  # of what predict gives


def exp(x):
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def expm1(x):
    try:
        return math.expm1(x)
    except OverflowError:
        return math.inf


def text(cell):
    """A cell as text, "" for None and NaN."""
    return "" if cell is None or cell != cell else str(cell).strip()


def number(cell):
    """The number that a text is, exactly if it is whole; None if it is none."""
    truth = {{"false": 0, "true": 1}}.get(cell.lower())
    if truth is not None:
        return truth
    if "_" in cell or not cell.isascii():
        return None
    whole, _, rest = cell.partition(".")
    try:
        value = float(cell)
        if math.isfinite(value) and whole.lstrip("+-").isdigit() and not rest.strip("0"):
            return int(whole)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def code(cell, categories):
    """The place of a category: of the same text, else of the same number; -1 for one that training has not seen."""
    for same in (cell, cell.lower() if cell.lower() in ("true", "false") else cell):
        if same in categories:
            return categories.index(same)
    value = number(cell)
    same = [k for k, each in enumerate(categories) if each.lower() not in ("true", "false") and number(each) == value]
    return same[0] if value is not None and len(same) == 1 else -1


def features(row):
    """The prepared features of a row; ValueError for a cell that does not fit."""
    x = []
    for name, words, fill, categories in COLUMNS:
        if name not in row:
            raise ValueError(f"the row has no column {{name}}")
        cell = text(row[name])
        gap = cell in words
        if gap and fill is None:
            raise ValueError(f"column {{name}}: the cell is missing, and training had no filling for it")
        if categories is not None:
            known = fill if gap else code(cell, categories)
            x += [float(k == known) for k in range(len(categories))]
            continue
        value = fill if gap else number(cell)
        if value is None:
            raise ValueError(f"column {{name}}: {{cell!r}} is not a number")
        x.append(float(value))
    return [(value - mean) / scale for value, mean, scale in zip(x, MEAN, SCALE)]


def predict(row):
    """The prediction and the probabilities of a row by name: {{"prediction": ..., "p(CLASS)": ...}}."""
    x = features(row)
    z = [b + sum(value * w[k] for value, w in zip(x, WEIGHTS)) for k, b in enumerate(BIAS)]
{outputs}
    return dict(zip(NAMES, {result}))


ROWS = (  # cells, and what bpcli says of them
{rows}
)


def near(a, b):
    return not isinstance(b, str) and abs(a - b) <= 1e-12 * abs(b) + 1e-322


def test():
    """The number of rows of which predict says something else than bpcli, beyond rounding."""
    wrong = 0
    for cells, expected in ROWS:
        found = predict({{column[0]: cell for column, cell in zip(COLUMNS, cells)}}).values()
        wrong += not all(a == b or near(a, b) for a, b in zip(found, expected))
    return wrong


if __name__ == "__main__":
    print(f"{{len(ROWS) - test()}} of {{len(ROWS)}} rows agree with bpcli")
    raise SystemExit(test() > 0)
'''


def python_code(model: Exported) -> bytes:
    """The content of the Python module."""
    if model.outputs:
        p = [PYTHON.written(tree, "z[0]") for tree in model.outputs]
        outputs = f"    p = [{', '.join(p)}]"
        chosen = "p[-1]" if model.classes is None else "CLASSES[p[-1] >= BOUNDARY]"
    else:
        outputs = "    e = [exp(each - max(z)) for each in z]\n    total = sum(e)\n    p = [each / total for each in e]"
        chosen = "CLASSES[z.index(max(z))]" if model.boundary is None else "CLASSES[p[-1] >= BOUNDARY]"
    text = _MODULE.format(
        kind=model.in_words,
        version=__version__,
        columns=_lines((c.name, c.words, c.fill, c.categories) for c in model.inputs),
        mean=_items(model.mean),
        scale=_items(model.scale),
        weights=_lines(map(tuple, model.w.tolist())),
        bias=_items(model.b.tolist()),
        classes=ascii(model.classes),
        boundary=model.boundary,
        names=_items(model.names),
        outputs=outputs,
        result=f"[{chosen}, *p]" if model.says_probabilities else f"[{chosen}]",
        rows=_lines(map(tuple, model.rows)),
    )
    return text.encode()


def _items(values: Iterable[object]) -> str:
    return "".join(f"{value!a}, " for value in values).rstrip()


def _lines(values: Iterable[object]) -> str:
    return "\n".join(f"    {value!a}," for value in values)
