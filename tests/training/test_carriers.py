"""The same rows give the same model, bit for bit, whatever file they come in."""

import gzip
import math
from datetime import date
from itertools import count
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bpcli
from bpcli.training import setup

CONFIG = {
    "model": {"type": "softmax"},
    "loss": "cce",
    "training": {"learning_rate": 0.1, "epochs": 3, "batch_size": 4},
    "data": {
        "target": "y",
        "categorical": ["c"],
        "standardize": True,
        "missing": {"a": "median", "c": "most_frequent"},
    },
}
NAMES = ["a", "b", "c", "y"]
NUMBERS = st.one_of(st.integers(-999, 999), st.floats(-1e6, 1e6), st.floats(-1e-3, 1e-3))
ROWS = st.lists(
    st.tuples(
        st.one_of(st.none(), NUMBERS),
        NUMBERS,
        st.sampled_from(["red", "größer", "x", "EU"]),
        st.sampled_from(["u", "v w", "z"]),
    ),
    min_size=6,
    max_size=14,
)
NUMBER_OF_RUN = count()


def with_enough(rows):
    """Rows in which each column has more than one value, and a gap is not all there is."""
    return [(1, 0.5, "red", "u"), (2.5, 1.5, "x", "z"), *rows]


def text(rows, delimiter, decimal=".", newline="\n", quoted=False, gap="", names=NAMES, ends=""):
    """Rows as text; a cell is put in quotes where it has to be."""

    def cell(value):
        found = gap if value is None else str(value).replace(".", decimal) if not isinstance(value, str) else value
        needed = quoted or not found or delimiter.strip() != delimiter or (delimiter in found)
        return f'"{found}"' if needed and (quoted or delimiter in found or " " in found) else found

    lines = [delimiter.join(map(cell, row)) + ends for row in ([names] if names else []) + [list(row) for row in rows]]
    return newline.join(lines) + newline


def weights(folder, **data):
    return fitted(folder, CONFIG, **data)


def fitted(folder, config, memory=None, **data):
    """What a run says: weights, classes and features; of data in `memory`, where there is some."""
    config = {**config, "data": {key: value for key, value in {**config["data"], **data}.items() if value is not None}}
    run = bpcli.train(config, output=folder / f"run{next(NUMBER_OF_RUN)}", force=True, **(memory or {}))
    w, b = run.model.weights()
    return w.tobytes(), b.tobytes(), run.model.classes, [name.partition("=")[2] for name in run.model.features]


def carriers(folder, rows):
    """Ways to write the same rows: what the config says of each."""

    def file(name, content, encoding="utf-8", pack=bytes):
        (folder / name).write_bytes(pack(content.encode(encoding)))
        return {"path": str(folder / name)}

    yield file("semicolons.csv", text(rows, ";", ",", "\r\n", ends=";"))
    yield file("tabs.txt", text(rows, "\t", ",", gap="NA"), "utf-16")
    yield file("bars.csv", text(rows, "|", gap="?", newline="\r"), "cp1252")
    yield file("blanks.dat", text(rows, "   ", gap="-"), "utf-16-be")
    yield file("quoted.csv.gz", text(rows, ",", quoted=True, gap="NaN"), "utf-8-sig", gzip.compress)
    yield {**file("decimals.csv", text(rows, ",", ",", quoted=True)), "decimal": ","}
    yield {**file("commented.csv", "# by hand\n" + text(rows, ",").replace("\n", "\n# more\n", 1)), "comment": "#"}
    yield {**file("words.csv", text(rows, ",", gap="unknown")), "missing_words": ["unknown"]}
    money = [(None if a is None else f"$ {a}" if a >= 0 else f"-${-a}", *rest) for a, *rest in rows]
    plain = all(a is None or "e" not in a for a, *_ in money)
    if plain:
        yield {**file("formatted.csv", text(money, ";")), "numbers": {"a": {"decimal": ".", "unit": "$"}}}
    columns = {"categorical": ["x3"], "missing": {"x1": "median", "x3": "most_frequent"}, "target": "x4"}
    yield {**file("unnamed.csv", text(rows, ";", names=[])), "header": "no", **columns}
    file("part-2.csv", text(rows[:3], ";"))
    file("part-10.csv", text([row[::-1] for row in rows[3:]], ",", names=NAMES[::-1]))
    yield {"path": str(folder / "part-*.csv")}
    shuffled = [rows[k] for k in range(len(rows))]
    file("features.csv", text([row[:3] for row in shuffled], ",", names=NAMES[:3]))
    file("labels.csv", text([row[3:] for row in shuffled], ",", names=["label"]))
    yield {"path": str(folder / "features.csv"), "target_path": str(folder / "labels.csv")}
    cells = np.array([["" if cell is None else str(cell) for cell in row] for row in rows])
    np.savez(folder / "t.npz", X=cells[:, :3], y=cells[:, 3])
    yield {"path": str(folder / "t.npz"), **columns, "target": None}  # it names its own
    for name, some in (("p-2.npz", slice(3)), ("p-10.npz", slice(3, None))):
        np.savez(folder / name, X=cells[some, :3], y=cells[some, 3])
    yield {"path": str(folder / "p-*.npz"), **columns, "target": None}
    np.save(folder / "t.npy", cells)
    yield {"path": str(folder / "t.npy"), **columns}
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    a, b, c, y = zip(*rows, strict=True)
    table = pa.table({"a": [None if x is None else float(x) for x in a], "b": [*map(float, b)], "c": c, "y": y})
    parquet.write_table(table, folder / "t.parquet")
    yield {"path": str(folder / "t.parquet")}


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(ROWS)
@pytest.mark.filterwarnings("ignore::bpcli.api.models.DataWarning")
@pytest.mark.slow
def test_the_same_rows_give_the_same_model_whatever_they_come_in(tmp_path, rows):
    rows = with_enough(rows)
    (tmp_path / "plain.csv").write_text(text(rows, ","), encoding="utf-8")
    plain = weights(tmp_path, path=str(tmp_path / "plain.csv"))
    assert all(map(math.isfinite, np.frombuffer(plain[0])))
    for data in carriers(tmp_path, rows):
        assert weights(tmp_path, **data) == plain, data
        if "target_path" not in data:
            with patch.object(setup, "is_large", lambda tables: True):
                assert weights(tmp_path, **data) == plain, ("larger than memory", data)


TYPED = {
    **CONFIG,
    "data": {"target": "y", "categorical": ["day", "id"], "standardize": True, "missing": {"x": "median"}},
}
WHOLE = [2**53, 2**53 + 1, 2**62, -(2**60) - 1, 7]
LABELS = [WHOLE[:3], [True, False], ["1", "a", "1.50", "02"], [0.1, 0.2, 0.30000000000000004], ["u", "v w", "ä"]]
DAYS = [date(2020, 1, 2), date(1999, 12, 31)]


@st.composite
def typed_rows(draw):
    """x with gaps, a boolean, a whole number that no double may hold, a day, and a label of one kind or of two."""
    labels = draw(st.sampled_from(LABELS))
    x = st.one_of(st.none(), st.floats(-9, 9), st.just(1e-300))
    row = st.tuples(x, st.booleans(), st.sampled_from(WHOLE), st.sampled_from(DAYS), st.sampled_from(labels))
    return [
        (1.5, True, WHOLE[0], DAYS[0], labels[0]),
        (2.25, False, WHOLE[1], DAYS[1], labels[1]),
        *draw(st.lists(row, min_size=6, max_size=12)),
    ]


def typed_carriers(folder, rows):
    """Files of columns that have a type of their own, and a data frame."""
    pa, pandas = pytest.importorskip("pyarrow"), pytest.importorskip("pandas")
    x, flag, whole, day, y = zip(*rows, strict=True)
    columns = {"x": x, "flag": flag, "id": pa.array(whole, pa.int64()), "day": day, "y": y}
    table = pa.table({**columns, "x": pa.array(x, pa.float64())})
    other = table.set_column(3, "day", pa.array(map(str, day)).dictionary_encode())
    other = other.set_column(2, "id", pa.array(whole).cast(pa.decimal128(25, 0)))
    import pyarrow.feather
    import pyarrow.parquet

    for number, found in enumerate((table, other)):
        pyarrow.parquet.write_table(found, folder / f"t{number}.parquet", row_group_size=3)
        yield {"path": str(folder / f"t{number}.parquet")}, {}
    pyarrow.feather.write_feather(table, str(folder / "t.feather"))
    yield {"path": str(folder / "t.feather")}, {}
    with pa.OSFile(str(folder / "t.arrow"), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table, max_chunksize=5)
    yield {"path": str(folder / "t.arrow")}, {}
    plain = {"x": [math.nan if v is None else v for v in x], "flag": flag, "id": whole, "day": [*map(str, day)], "y": y}
    frame = pandas.DataFrame(plain)
    yield {"target": None}, {"X": frame, "y": "y"}
    yield {"target": None}, {"X": frame.astype({"flag": "boolean", "id": "Int64", "day": "category"}), "y": "y"}


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(typed_rows(), st.sampled_from(["true", "True", "TRUE"]))
@pytest.mark.filterwarnings("ignore::bpcli.api.models.DataWarning")
@pytest.mark.slow
def test_a_column_of_a_type_is_what_its_text_is(tmp_path, rows, true):
    words = {None: "", True: true, False: "False"}
    rows_of_text = [[words[v] if v is None or isinstance(v, bool) else str(v) for v in row] for row in rows]
    lines = [["x", "flag", "id", "day", "y"], *rows_of_text]
    (tmp_path / "plain.csv").write_text("".join(",".join(line) + "\n" for line in lines), encoding="utf-8")
    plain = fitted(tmp_path, TYPED, path=str(tmp_path / "plain.csv"))
    for data, memory in typed_carriers(tmp_path, rows):
        assert fitted(tmp_path, TYPED, memory, **data) == plain, data
