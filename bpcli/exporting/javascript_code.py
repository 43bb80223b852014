"""Exports a model as a JavaScript file, for Node and for web pages."""

from collections.abc import Iterable
from typing import Any

from bpcli import __version__
from bpcli.exporting.exported_model import Exported
from bpcli.exporting.expression_text import OPERATORS, Language, by_name, templates
from bpcli.text.notation import json_text

_MATH = "exp expm1 log log1p log2 log10 sqrt cbrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh abs"
# erf(x) = 2/√π·e^(−x²)·Σ 2ⁿx²ⁿ⁺¹/(1·3·…·(2n + 1)), whose terms don't cancel; beyond ±6 it is ±1 in doubles.
_ERF = (
    "((x) => {{ let term = x, sum = x; for (let n = 1; n < 150; n++) sum += term *= 2 * x * x / (2 * n + 1); "
    "return Math.abs(x) > 6 ? Math.sign(x) : 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum; }})({})"
)
JAVASCRIPT = Language(
    "JavaScript",
    repr,
    templates(
        OPERATORS
        | by_name(f"{_MATH} floor ceil sign", "Math.")
        | {"exp2": "Math.pow(2, {})", "erf": _ERF, "hypot": "Math.hypot({}, {})", "atan2": "Math.atan2({}, {})"}
        | {"max": "Math.max({}, {})", "min": "Math.min({}, {})", "**": "Math.pow({}, {})", "inf": "Infinity"}
    ),
)

_FILE = """\
// {kind}, exported by bpcli {version}.
//
// predict(row) takes an object of column to cell and gives the prediction and the probabilities, prepared as in
// training. `node FILE` compares with what bpcli says of the rows at its end.
"use strict";

const bpcliModel = (() => {{
  // Name, cells that are gaps, what fills them (null: a gap is an error), categories (null: a number).
  const COLUMNS = [
{columns}
  ];
  const MEAN = [{mean}];
  const SCALE = [{scale}];
  const WEIGHTS = [ // a row for each prepared feature, a column for each output
{weights}
  ];
  const BIAS = [{bias}];
  const CLASSES = {classes};
  const BOUNDARY = {boundary};
  const NAMES = [{names}]; // of what predict gives

  const text = (cell) => cell === null || cell === undefined || Number.isNaN(cell) ? "" : String(cell).trim();

  const isTruth = (cell) => ["true", "false"].includes(cell.toLowerCase());

  // The number that a text is, null if it is none.
  function number(cell) {{
    if (isTruth(cell)) return cell.toLowerCase() === "true" ? 1 : 0;
    if (!/^[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?$/.test(cell)) return null;
    const value = Number(cell);
    return Number.isFinite(value) ? value : null;
  }}

  // A number as a text that equal numbers share, also whole ones that a double can't tell apart.
  function exact(cell) {{
    const whole = /^([+-]?[0-9]+)(\\.0*)?$/.exec(cell);
    if (whole) return BigInt(whole[1].replace("+", "")).toString();
    const value = number(cell);
    return value === null ? null : Number.isInteger(value) ? BigInt(value).toString() : String(value);
  }}

  // The place of a category: of the same text, else of the same number; -1 for one that training has not seen.
  function code(cell, categories) {{
    const same = categories.indexOf(cell);
    if (same >= 0) return same;
    if (isTruth(cell) && categories.includes(cell.toLowerCase())) return categories.indexOf(cell.toLowerCase());
    const value = exact(cell);
    const found = categories.flatMap((each, k) => (!isTruth(each) && exact(each) === value ? [k] : []));
    return value !== null && found.length === 1 ? found[0] : -1;
  }}

  // The prepared features of a row; an Error for a cell that does not fit.
  function features(row) {{
    const x = [];
    for (const [name, words, fill, categories] of COLUMNS) {{
      if (!Object.hasOwn(row, name)) throw new Error(`the row has no column ${{name}}`);
      const cell = text(row[name]);
      const gap = words.includes(cell);
      if (gap && fill === null) {{
        throw new Error(`column ${{name}}: the cell is missing, and training had no filling for it`);
      }}
      if (categories !== null) {{
        const known = gap ? fill : code(cell, categories);
        categories.forEach((_, k) => x.push(k === known ? 1 : 0));
        continue;
      }}
      const value = gap ? fill : number(cell);
      if (value === null) throw new Error(`column ${{name}}: ${{JSON.stringify(cell)}} is not a number`);
      x.push(value);
    }}
    return x.map((value, k) => (value - MEAN[k]) / SCALE[k]);
  }}

  function predict(row) {{
    const x = features(row);
    const z = BIAS.map((b, k) => b + x.reduce((sum, value, i) => sum + value * WEIGHTS[i][k], 0));
{outputs}
    const found = {result};
    return Object.fromEntries(NAMES.map((name, k) => [name, found[k]]));
  }}

  const ROWS = [ // cells, and what bpcli says of them
{rows}
  ];

  // The number of rows of which predict says something else than bpcli, beyond rounding.
  function test() {{
    return ROWS.filter(([cells, expected]) => {{
      const found = predict(Object.fromEntries(COLUMNS.map(([name], k) => [name, cells[k]])));
      return !NAMES.every((name, k) => {{
        const [a, b] = [found[name], expected[k]];
        return a === b || (typeof b === "number" && Math.abs(a - b) <= 1e-12 * Math.abs(b) + 1e-322);
      }});
    }}).length;
  }}

  return {{ predict, test, rows: ROWS.length }};
}})();

if (typeof module !== "undefined") {{
  module.exports = bpcliModel;
  if (require.main === module) {{
    const wrong = bpcliModel.test();
    console.log(`${{bpcliModel.rows - wrong}} of ${{bpcliModel.rows}} rows agree with bpcli`);
    process.exitCode = wrong ? 1 : 0;
  }}
}}
"""


def javascript_code(model: Exported) -> bytes:
    """The content of the JavaScript file."""
    if model.outputs:
        p = [JAVASCRIPT.written(tree, "z[0]") for tree in model.outputs]
        outputs = f"    const p = [{', '.join(p)}];"
        chosen = "p[p.length - 1]"
        if model.classes is not None:
            chosen = f"CLASSES[{chosen} >= BOUNDARY ? 1 : 0]"
    else:
        outputs = (
            "    const largest = z.reduce((a, b) => Math.max(a, b));\n"
            "    const e = z.map((each) => Math.exp(each - largest));\n"
            "    const total = e.reduce((a, b) => a + b);\n"
            "    const p = e.map((each) => each / total);"
        )
        by_threshold = "CLASSES[p[1] >= BOUNDARY ? 1 : 0]"
        chosen = "CLASSES[z.indexOf(largest)]" if model.boundary is None else by_threshold
    text = _FILE.format(
        kind=model.in_words,
        version=__version__,
        columns=_lines([c.name, c.words, c.fill, c.categories] for c in model.inputs),
        mean=_items(model.mean),
        scale=_items(model.scale),
        weights=_lines(model.w),
        bias=_items(model.b),
        classes=literal(model.classes),
        boundary="null" if model.boundary is None else model.boundary,
        names=_items(model.names),
        outputs=outputs,
        result=f"[{chosen}, ...p]" if model.says_probabilities else f"[{chosen}]",
        rows=_lines(model.rows),
    )
    return text.encode()


def literal(value: Any) -> str:
    """A value as JSON in ASCII and without `<`, so that it can stand in a web page."""
    return json_text(value).replace("<", "\\u003c")


def _items(values: Iterable[Any]) -> str:
    return ", ".join(map(literal, values))


def _lines(values: Iterable[Any]) -> str:
    return "\n".join(f"    {literal(value)}," for value in values)
