"""Exports a model as an SQL query that runs in SQLite, PostgreSQL and DuckDB, and a second query that tests it.

Columns of the table are qualified (`t."name"`) and then renamed, because SQLite takes an unknown quoted name for a
text. Numbers are written with an exponent to be doubles: in PostgreSQL and DuckDB 0.1 is a decimal.
"""

from collections.abc import Callable, Iterable, Sequence

from bpcli import __version__
from bpcli.errors import UsageError
from bpcli.exporting.exported_model import Cell, Exported, Input, same_cells
from bpcli.exporting.expression_text import OPERATORS, Language, by_name, refuse, templates


def _number(value: float) -> str:
    text = repr(float(value))
    text = text if "e" in text else f"{text}e0"
    return f"({text})" if text.startswith("-") else text  # in brackets, because two minus signs begin a comment


# PostgreSQL's EXP raises an error for results that round to 0, and below -708 for those that lose digits.
_EXP = (
    "(CASE WHEN {0} < -745e0 THEN 0e0 WHEN {0} < -700e0 THEN EXP({0} + 50e0) * 1.9287498479639178e-22 "
    "ELSE EXP({0}) END)"
)
_LOG1P = "(CASE WHEN 1e0 + {0} = 1e0 THEN {0} ELSE LN(1e0 + {0}) * ({0} / ((1e0 + {0}) - 1e0)) END)"
# (u - 1)·(x/log u) with u = e^x (Kahan): not every database has a tanh, which would be shorter.
_EXPM1 = (
    "(CASE WHEN {0} < -40e0 THEN -1e0 WHEN {0} > 40e0 THEN EXP({0}) WHEN EXP({0}) = 1e0 THEN {0} "
    "ELSE (EXP({0}) - 1e0) * ({0} / LN(EXP({0}))) END)"
)
_FUNCTIONS = by_name("sqrt sin cos tan asin acos atan abs floor ceil")


def _tanh(x: str) -> str:
    """±t/(t + 2) with t = e^(−2|x|) − 1."""
    t = _EXPM1.format(f"(-2e0 * ABS({x}))")
    return f"(CASE WHEN {x} < 0e0 THEN {t} ELSE -{t} END / ({t} + 2e0))"


def _hypot(x: str, y: str) -> str:
    """l·√(1 + (s/l)²) with l = max(|x|, |y|), s = min(|x|, |y|), so that no square overflows."""
    larger, smaller = (f"(CASE WHEN ABS({x}) {op} ABS({y}) THEN ABS({x}) ELSE ABS({y}) END)" for op in (">", "<="))
    share = f"({smaller} / (CASE WHEN {larger} = 0e0 THEN 1e0 ELSE {larger} END))"
    return f"({larger} * SQRT(1e0 + {share} * {share}))"


_COMPUTED: dict[str, Callable[..., str]] = {"tanh": _tanh, "hypot": _hypot}
SQL = Language(
    "SQL",
    _number,
    _COMPUTED
    | templates(
        OPERATORS
        | _FUNCTIONS
        | {"exp": _EXP, "expm1": _EXPM1, "log1p": _LOG1P, "log": "LN({})", "**": "POWER({}, {})"}
        | {"log2": "(LN({}) / LN(2e0))", "log10": "(LN({}) / LN(10e0))"}
        | {"sign": "(CASE WHEN {0} > 0e0 THEN 1e0 WHEN {0} < 0e0 THEN -1e0 ELSE 0e0 END)"}
        | {"==": "({} = {})", "!=": "({} <> {})", "where": "(CASE WHEN {} THEN {} ELSE {} END)"}
        | {"truth": "(CASE WHEN {} THEN 1e0 ELSE 0e0 END)"}
        | {"max": "(CASE WHEN {0} > {1} THEN {0} ELSE {1} END)", "min": "(CASE WHEN {0} < {1} THEN {0} ELSE {1} END)"}
    ),
)

_FILE = """\
-- {kind}, exported by bpcli {version}.
--
-- The first statement gives the prediction and the probabilities for each row of a table, prepared as in training.
-- The second one compares with what bpcli says of the rows in it: 0 of them should differ.
-- Both run in SQLite (3.35 or later, with its mathematical functions), PostgreSQL (12 or later) and DuckDB.

{query};

-- The test.

{test};
"""


def sql_code(model: Exported, table: str, keep: Sequence[str] = ()) -> bytes:
    """The content of the SQL file: a query for the columns `keep` of `table` and the outputs, and its test.

    UsageError for a table without a name, or a column to keep that has the name of an output.
    """
    columns = [column.name for column in model.inputs]
    texts = {text: "category" for c in model.inputs for text in (*(c.categories or ()), *c.words)}
    texts |= dict.fromkeys(model.classes or (), "class")
    refuse("SQL", texts | dict.fromkeys([*columns, *keep, table], "name"), "\0")
    if both := [name for name in keep if name in model.names]:
        raise UsageError(f"keep {both[0]}: the prediction has a column of this name itself", names=("keep",))
    kept = [f"k{place} AS {_name(name)}" for place, name in enumerate(keep)]
    outputs = [f"{text} AS {_name(name)}" for text, name in zip(_results(model), model.names, strict=True)]
    more = [f"t.{_name(name)} AS k{place}" for place, name in enumerate(keep)]
    parts = table.split(".")
    if not all(parts):
        raise UsageError(f"table {table!r}: expected NAME or SCHEMA.NAME", names=("table",))
    source = ".".join(map(_name, parts))
    prefix = "step"
    while table.casefold().startswith(prefix):  # the name of a step must not be that of the table
        prefix += "_"
    query = _query(model, [f"t.{_name(name)}" for name in columns], source, more, [*kept, *outputs], prefix)
    text = _FILE.format(kind=model.in_words, version=__version__, query=query, test=_test(model))
    return text.encode()


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _query(
    model: Exported,
    cells: Sequence[str],
    source: str,
    more: Sequence[str],
    results: Sequence[str],
    prefix: str = "step",
    before: Sequence[str] = (),
) -> str:
    """A query in steps: the text of each cell, x of each column, z of each output, the outputs, the results.

    `more` are columns that each step passes on. Each step is a materialized subquery, whose results later steps refer
    to by name, so that they are computed once.
    """
    carried = [text.rpartition(" ")[2] for text in more]
    texts = [f"{cell} AS c{k}, TRIM(CAST({cell} AS VARCHAR)) AS s{k}" for k, cell in enumerate(cells)]
    x = [f"{_cell(column, f'c{k}', f's{k}')} AS x{k}" for k, column in enumerate(model.inputs)]
    steps = [[*more, *texts], [*carried, *x], [*carried, *(f"{text} AS z{k}" for k, text in enumerate(_scores(model)))]]
    if model.outputs:
        formulas = enumerate(SQL.written(tree, "z0") for tree in model.outputs)
        steps.append([*carried, *(f"{text} AS p{k}" for k, text in formulas)])
    else:
        steps += _softmax_steps(len(model.b), carried)
    tables = list(before)
    for number, step in enumerate(steps, 1):
        name = f"{prefix}{number}"
        tables.append(f"{name} AS MATERIALIZED (\n  SELECT {_list(step)}\n  FROM {source} AS t\n)")
        source = name
    return f"WITH {', '.join(tables)}\nSELECT {_list(results)}\nFROM {source}"


def _list(texts: Iterable[str]) -> str:
    return ",\n    ".join(texts)


def _cell(column: Input, cell: str, text: str) -> str:
    """The number or the category of a cell; NULL for a missing cell without a fill, or a cell that does not fit."""
    gap = f"{cell} IS NULL OR {text} IN ({', '.join(map(_text, column.words))})"
    if column.categories is not None:
        fill = "NULL" if column.filling is None else _text(str(column.filling))
        return f"CASE WHEN {gap} THEN {fill} ELSE {text} END"
    fill = "NULL" if column.fill is None else _number(column.fill)
    if column.boolean:
        truths = " ".join(
            f"WHEN LOWER({text}) IN ('{word}', '{k}', '{k}.0') THEN {k}e0" for k, word in enumerate(("false", "true"))
        )
        return f"CAST(CASE WHEN {gap} THEN {fill} {truths} END AS DOUBLE PRECISION)"
    # NaN, infinities and words are not numbers; SQLite's CAST would make some of them 0.
    digits = f"TRIM({text}, '0123456789+-.eE') = '' AND TRIM({text}, '+-.eE') <> ''"
    return f"CASE WHEN {gap} THEN {fill} WHEN {digits} THEN CAST({cell} AS DOUBLE PRECISION) END"


def _scores(model: Exported) -> list[str]:
    """The expression for z of each output."""
    scores = []
    for k, b in enumerate(model.b):
        terms = [_number(b)]
        first = 0
        for place, column in enumerate(model.inputs):
            own = range(first, first + column.size)
            if column.categories is None:
                scaled = f"((x{place} - {_number(model.mean[first])}) / {_number(model.scale[first])})"
                terms.append(f"{_number(model.w[first, k])} * {scaled}")
            else:
                terms.append(_one_hot(column, place, [_products(model, own, code, k) for code in range(-1, len(own))]))
            first += column.size
        scores.append(f"CAST({_sum(terms)} AS DOUBLE PRECISION)")
    return scores


def _products(model: Exported, own: range, code: int, k: int) -> float:
    """The sum that the features of a category add to z_k; the code −1 is a category not seen in training."""
    return sum((float(j == code) - model.mean[i]) / model.scale[i] * float(model.w[i, k]) for j, i in enumerate(own))


def _one_hot(column: Input, place: int, values: Sequence[float]) -> str:
    cells: dict[int, list[str]] = {}
    for cell, code in same_cells(column).items():
        cells.setdefault(code, []).append(_text(cell))
    cases = " ".join(
        f"WHEN x{place} IN ({', '.join(texts)}) THEN {_number(values[code + 1])}"
        for code, texts in sorted(cells.items())
    )
    return f"CASE WHEN x{place} IS NULL THEN NULL {cases} ELSE {_number(values[0])} END"


def _sum(terms: Sequence[str]) -> str:
    """The sum of the terms as a balanced tree, because SQLite limits the depth of an expression."""
    if len(terms) == 1:
        return terms[0]
    middle = len(terms) // 2
    return f"({_sum(terms[:middle])} + {_sum(terms[middle:])})"


def _softmax_steps(count: int, carried: Sequence[str]) -> list[list[str]]:
    """The steps for softmax: the largest z by comparing pairs, e^(z − largest), their sum, the probabilities."""
    z = [f"z{k}" for k in range(count)]
    steps = []
    level, names = 0, z
    while len(names) > 1:
        pairs = [names[k : k + 2] for k in range(0, len(names), 2)]
        larger = (f"CASE WHEN {p[0]} >= {p[-1]} THEN {p[0]} ELSE {p[-1]} END" for p in pairs)
        steps.append([*carried, *z, *(f"{text} AS m{level}_{k}" for k, text in enumerate(larger))])
        names, level = [f"m{level}_{k}" for k in range(len(pairs))], level + 1
    e = [f"e{k}" for k in range(count)]
    powers = (SQL("exp", f"({each} - {names[0]})") for each in z)
    steps.append(
        [*carried, *z, f"{names[0]} AS m", *(f"{text} AS {name}" for text, name in zip(powers, e, strict=True))]
    )
    steps.append([*carried, *z, "m", *e, f"{_sum(e)} AS s"])
    # A quotient that rounds to 0 is an error in PostgreSQL.
    p = [f"CASE WHEN e{k} < s * 5e-324 THEN 0e0 ELSE e{k} / s END AS p{k}" for k in range(count)]
    steps.append([*carried, *z, "m", *p])
    return steps


def _results(model: Exported) -> list[str]:
    """The expressions for the prediction and the probabilities."""
    if model.classes is None:
        return ["p0"]
    classes = [*map(_text, model.classes)]
    last = f"p{(len(model.outputs) or len(classes)) - 1}"
    if model.boundary is not None:
        boundary = _number(model.boundary)
        chosen = f"CASE WHEN {last} >= {boundary} THEN {classes[1]} WHEN {last} < {boundary} THEN {classes[0]} END"
    else:
        cases = " ".join(f"WHEN z{k} = m THEN {name}" for k, name in enumerate(classes))
        chosen = f"CASE {cases} END"
    return [chosen, *(f"p{k}" for k in range(len(classes)) if model.says_probabilities)]


def _test(model: Exported) -> str:
    """The test: a query that counts the test rows, and those whose outputs differ."""
    count, outputs = len(model.inputs), len(model.names)
    columns = [f"c{k}" for k in range(count)] + [f"y{k}" for k in range(outputs)]
    rows = (f"({', '.join(map(literal, (*row.cells, *row.expected)))})" for row in model.rows)
    same = []
    for k, text in enumerate(_results(model)):
        one = f"{text} = y{k}"
        if k or model.classes is None:
            one = f"(ABS({text} - y{k}) <= 1e-322 OR ABS({text} - y{k}) * 1e12 <= ABS(y{k}))"
        same.append(one)
    expected = [f"t.y{k} AS y{k}" for k in range(outputs)]
    counts = ["COUNT(*) AS test_rows", f"SUM(CASE WHEN {' AND '.join(same)} THEN 0 ELSE 1 END) AS differ"]
    table = f"test_rows ({', '.join(columns)}) AS (VALUES\n  {_list(rows)}\n)"
    return _query(model, [f"t.c{k}" for k in range(count)], "test_rows", expected, counts, before=[table])


def literal(value: Cell) -> str:
    """A cell as an SQL literal."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return _text(value) if isinstance(value, str) else _number(value)
