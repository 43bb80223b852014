"""Exports a model as a C file that needs only the standard library."""

import re
from collections.abc import Iterable, Sequence

from bpcli import __version__
from bpcli.exporting.exported_model import Cell, Exported, Input
from bpcli.exporting.expression_text import OPERATORS, Language, by_name, refuse, templates

_MATH = "exp expm1 log log1p log2 log10 sqrt cbrt exp2 sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf"
C = Language(
    "C",
    repr,
    templates(
        OPERATORS
        | by_name(f"{_MATH} floor ceil")
        | {"hypot": "hypot({}, {})", "atan2": "atan2({}, {})"}
        | {"abs": "fabs({})", "max": "fmax({}, {})", "min": "fmin({}, {})", "**": "pow({}, {})", "inf": "INFINITY"}
    ),
)

_FILE = """\
/* {kind}, exported by bpcli {version}.

   predict(&row, &out) prepares a row as in training and gives the prediction and the probabilities. It returns 0, or
   the number of the first column whose cell does not fit: a gap that training had no filling for, or no finite number.
   A gap is NAN, or NULL or "" of text. Texts are UTF-8.

   cc -DTEST FILE -lm -o test && ./test     compares with what bpcli says of the rows at its end
   cc -c FILE                               to link it with a program, which declares the two structs and predict */

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct row {{
{fields}
}};

struct prediction {{
    {prediction_type}prediction;{probabilities}
}};

int predict(const struct row *row, struct prediction *out);

static const double MEAN[] = {{{mean}}};
static const double SCALE[] = {{{scale}}};
static const double WEIGHTS[][{outputs_count}] = {{ /* a row for each prepared feature, a column for each output */
{weights}
}};
static const double BIAS[] = {{{bias}}};
{tables}
static int is_number(const char *cell, double *value)
{{
    char *end;
    if (!*cell || cell[strspn(cell, "0123456789+-.eE")])
        return 0;
    *value = strtod(cell, &end);
    return !*end && isfinite(*value);
}}

/* The digits of a whole number that a double may not hold exactly, without its sign; NULL of others. */
static const char *digits(const char *cell)
{{
    const char *first = cell + strspn(cell, "+-0"), *end = first + strspn(first, "0123456789");
    if (*end == '.')
        end += 1 + strspn(end + 1, "0");
    return *end ? NULL : first;
}}

static int same_number(const char *a, const char *b)
{{
    double x, y;
    const char *p, *q;
    if (!is_number(a, &x) || !is_number(b, &y) || x != y)
        return 0;
    p = digits(a);
    q = digits(b);
    if (!p || !q || fabs(x) < 9007199254740992.0)
        return 1;
    return strspn(p, "0123456789") == strspn(q, "0123456789") && !strncmp(p, q, strspn(p, "0123456789"));
}}

/* The number of the text among others, -1 if it is none of them. */
static int place(const char *cell, const char *const *texts, int count)
{{
    for (int k = 0; k < count; k++)
        if (!strcmp(cell, texts[k]))
            return k;
    return -1;
}}

/* The number of a category: of the same text, else of the same number; -1 for one that training has not seen. */
static int code(const char *cell, const char *const *categories, int count)
{{
    int found = place(cell, categories, count), matches = 0;
    if (found >= 0)
        return found;
    for (int truth = 0; truth < 2; truth++) {{
        static const char *const WRITTEN[2][3] = {{{{"false", "False", "FALSE"}}, {{"true", "True", "TRUE"}}}};
        if (place(cell, WRITTEN[truth], 3) >= 0) {{
            found = place(WRITTEN[truth][0], categories, count);
            if (found >= 0)
                return found;
            cell = truth ? "1" : "0";
        }}
    }}
    for (int k = 0; k < count; k++)
        if (same_number(cell, categories[k])) {{
            found = k;
            matches++;
        }}
    return matches == 1 ? found : -1;
}}

/* The features of a category; 0 for a gap without a filling. */
static int one_hot(const char *cell, const char *const *words, int words_count, const char *const *categories,
                   int count, int fill, double *x)
{{
    int known;
    if (!cell || place(cell, words, words_count) >= 0) {{
        if (fill < 0)
            return 0;
        known = fill;
    }} else
        known = code(cell, categories, count);
    for (int k = 0; k < count; k++)
        x[k] = k == known;
    return 1;
}}

/* A number; 0 for a gap without a filling, which is NAN. */
static int filled(double cell, double fill, double *x)
{{
    *x = isnan(cell) ? fill : cell;
    return isfinite(*x);
}}

int predict(const struct row *row, struct prediction *out)
{{
    enum {{ FEATURES = sizeof MEAN / sizeof *MEAN, OUTPUTS = sizeof BIAS / sizeof *BIAS }};
    double x[FEATURES], z[OUTPUTS];
    (void)one_hot, (void)filled; /* a model may have no use for one */
{preparation}
    for (int k = 0; k < OUTPUTS; k++) {{
        z[k] = 0;
        for (int i = 0; i < FEATURES; i++)
            z[k] += (x[i] - MEAN[i]) / SCALE[i] * WEIGHTS[i][k];
        z[k] += BIAS[k];
    }}
{outputs}
    return 0;
}}

#ifdef TEST
#include <stdio.h>

static inline int differ(double a, double b)
{{
    return !(a == b || fabs(a - b) <= 1e-12 * fabs(b) + 1e-322);
}}

int main(void)
{{
    static const struct row ROWS[] = {{
{rows}
    }};
    static const struct prediction EXPECTED[] = {{ /* what bpcli says of them */
{expected}
    }};
    int count = sizeof ROWS / sizeof *ROWS, wrong = 0;
    for (int i = 0; i < count; i++) {{
        struct prediction found;
        wrong += predict(&ROWS[i], &found) || {differences};
    }}
    printf("%d of %d rows agree with bpcli\\n", count - wrong, count);
    return wrong > 0;
}}
#endif
"""


def c_code(model: Exported) -> bytes:
    """The content of the C file. UsageError for a category or class with a character that C can't write."""
    texts = {text: "category" for c in model.inputs for text in (*(c.categories or ()), *c.words)}
    refuse("C", texts | dict.fromkeys(model.classes or (), "class"), "\0")
    fields = _fields(model.inputs)
    k = len(model.classes or ())
    numeric = model.classes is None
    text = _FILE.format(
        kind=model.in_words,
        version=__version__,
        fields="\n".join(
            f"    {'double ' if column.categories is None else 'const char *'}{field}; // {_string(column.name)}"
            for field, column in zip(fields, model.inputs, strict=True)
        ),
        prediction_type="double " if numeric else "const char *",
        probabilities=f"\n    double p[{k}]; // of {', '.join(map(_string, model.classes or ()))}"
        if model.says_probabilities
        else "",
        mean=_numbers(model.mean),
        scale=_numbers(model.scale),
        outputs_count=len(model.b),
        weights="\n".join(f"    {{{_numbers(row)}}}," for row in model.w.tolist()),
        bias=_numbers(model.b.tolist()),
        tables=_tables(model),
        preparation=_preparation(model, fields),
        outputs=_outputs(model),
        rows=_lines([_row(row.cells, model.inputs) for row in model.rows]),
        expected=_lines([_expected(row.expected) for row in model.rows]),
        differences=" || ".join(
            ["differ(found.prediction, EXPECTED[i].prediction)"]
            if numeric
            else ["strcmp(found.prediction, EXPECTED[i].prediction)"]
            + [f"differ(found.p[{j}], EXPECTED[i].p[{j}])" for j in range(k) if model.says_probabilities]
        ),
    )
    return text.encode()


def _fields(inputs: Sequence[Input]) -> list[str]:
    """A different field name for each column: `x_`, then its letters and digits."""
    taken: dict[str, str] = {}
    for column in inputs:
        plain = base = "x_" + re.sub("[^0-9A-Za-z]+", "_", column.name)[:50]
        number = 2
        while plain in taken:
            plain, number = f"{base}_{number}", number + 1
        taken[plain] = column.name
    return list(taken)


def _string(text: str) -> str:
    """A C string literal of the UTF-8 bytes of a text; bytes that could end the literal, a comment or the line are
    written as octal escapes."""
    plain = set(range(0x20, 0x7F)) - {*b'"\\?*/'}
    return '"' + "".join(chr(b) if b in plain else f"\\{b:03o}" for b in text.encode("utf-8", "surrogatepass")) + '"'


def _numbers(values: Iterable[float]) -> str:
    return ", ".join(map(repr, values))


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(f"        {{{line}}}," for line in lines)


def _tables(model: Exported) -> str:
    tables = [("CLASSES", model.classes or ())]
    for number, column in enumerate(model.inputs):
        if column.categories is not None:
            tables += [(f"WORDS_{number}", column.words), (f"CATEGORIES_{number}", column.categories)]
    return "".join(
        f"static const char *const {name}[] = {{{', '.join(map(_string, texts))}}};\n"
        for name, texts in tables
        if texts
    )


def _preparation(model: Exported, fields: Sequence[str]) -> str:
    lines = []
    first = 0
    for number, (field, column) in enumerate(zip(fields, model.inputs, strict=True)):
        if column.categories is None:
            fill = "NAN" if column.fill is None else repr(float(column.fill))
            call = f"filled(row->{field}, {fill}, x + {first})"
        else:
            fill = "-1" if column.fill is None else str(column.fill)
            words, count = f"WORDS_{number}, {len(column.words)}", len(column.categories)
            call = f"one_hot(row->{field}, {words}, CATEGORIES_{number}, {count}, {fill}, x + {first})"
        lines.append(f"    if (!{call})\n        return {number + 1};")
        first += column.size
    return "\n".join(lines)


_SOFTMAX = """\
    int largest = 0;
    double total = 0;
    for (int k = 1; k < OUTPUTS; k++)
        if (z[k] > z[largest])
            largest = k;
    for (int k = 0; k < OUTPUTS; k++)
        total += out->p[k] = exp(z[k] - z[largest]);
    for (int k = 0; k < OUTPUTS; k++)
        out->p[k] /= total;
    out->prediction = CLASSES[largest];"""


def _outputs(model: Exported) -> str:
    if not model.outputs:
        by_threshold = f"CLASSES[out->p[1] >= {model.boundary!r}]"
        return _SOFTMAX if model.boundary is None else _SOFTMAX.replace("CLASSES[largest]", by_threshold)
    formulas = [C.written(tree, "z[0]") for tree in model.outputs]
    if model.classes is None:
        return f"    out->prediction = {formulas[-1]};"
    chosen = f"    out->prediction = CLASSES[{formulas[-1]} >= {model.boundary!r}];"
    p = [f"    out->p[{k}] = {formula};" for k, formula in enumerate(formulas) if model.says_probabilities]
    return "\n".join([*p, chosen])


def _row(cells: Sequence[Cell], inputs: Sequence[Input]) -> str:
    def written(cell: Cell, column: Input) -> str:
        if column.categories is None:
            return "NAN" if cell is None else repr(float(cell))
        return "NULL" if cell is None else _string(str(cell))

    return ", ".join(map(written, cells, inputs))


def _expected(values: Sequence[float | str]) -> str:
    first = _string(values[0]) if isinstance(values[0], str) else repr(values[0])
    return f"{first}, {{{', '.join(map(repr, values[1:]))}}}" if len(values) > 1 else first
