"""A model as SQL, run by SQLite, DuckDB and PostgreSQL."""

import os
import shutil
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from bpcli.exporting.sql_code import literal, sql_code

MARK = "\n-- The test.\n"


def sqlite(query, before=""):
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(before)
        return ["|".join(map(str, row)) for row in connection.execute(query)]


def duckdb(query, before=""):
    connection = pytest.importorskip("duckdb").connect()
    connection.execute(before or "SELECT 1")
    return ["|".join(map(str, row)) for row in connection.execute(query).fetchall()]


@pytest.fixture(scope="session")
def postgresql():
    """A function that runs SQL on a PostgreSQL server of its own and gives the lines that psql prints."""
    tools = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [Path(shutil.which("initdb") or "").parent]
    if not (tools[-1] / "initdb").exists() or not shutil.which("psql"):
        pytest.skip("needs a PostgreSQL server")
    folder = Path(tempfile.mkdtemp())
    other = []
    if os.getuid() == 0:  # the server refuses to run as root
        try:
            shutil.chown(folder, "postgres")
        except LookupError:
            pytest.skip("needs a user that may run a PostgreSQL server")
        other = ["runuser", "-u", "postgres", "--"]
    run = {"check": True, "cwd": folder, "stdout": subprocess.DEVNULL}
    initdb, control = str(tools[-1] / "initdb"), str(tools[-1] / "pg_ctl")
    subprocess.run([*other, initdb, "-D", "d", "-U", "test", "-A", "trust", "-E", "UTF8", "--no-sync"], **run)
    options = f"-k {folder} -c listen_addresses="
    subprocess.run([*other, control, "-D", "d", "-w", "-l", "log", "-o", options, "start"], **run)

    def sql(query, before=""):
        text = f"BEGIN; {before} {query}; ROLLBACK;"
        command = [
            "psql",
            "-h",
            folder,
            "-U",
            "test",
            "-d",
            "postgres",
            "-v",
            "ON_ERROR_STOP=1",
            "-qAtR",
            "\x1e",
            "-f",
            "-",
        ]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.removesuffix("\n").split("\x1e")

    yield sql
    subprocess.run([*other, control, "-D", "d", "-m", "immediate", "stop"], **run)
    shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "duckdb", "postgresql"])
def database(request):
    """A function that runs a query in one of the databases and gives its rows."""
    return {"sqlite": sqlite, "duckdb": duckdb}.get(request.param) or request.getfixturevalue("postgresql")


def test_it_agrees_on_a_thousand_rows(export_of, database):
    _, test = sql_code(export_of, "data").decode().split(MARK)
    assert database(test) == [f"{len(export_of.rows)}|0"]


def test_it_finds_a_row_that_does_not_agree(tampered, database):
    _, test = sql_code(tampered, "data").decode().split(MARK)
    assert database(test) == ["50|1"]


def test_the_query_gives_the_columns_to_keep_then_the_prediction_and_the_probabilities(tampered, database):
    """From a table with the columns' own names and types."""
    names = ", ".join('"' + column.name.replace('"', '""') + '"' for column in tampered.inputs)
    kinds = ", ".join(f"{name} {kind}" for name, kind in zip(names.split(", "), _kinds(tampered), strict=True))
    values = ", ".join(f"({k}, {', '.join(map(literal, row.cells))})" for k, row in enumerate(tampered.rows[:5]))
    query, _ = sql_code(tampered, "step1", ["id"]).decode().split(MARK)
    query = query.strip().removesuffix(";")
    table = f"CREATE TABLE step1 (id INTEGER, {kinds}); INSERT INTO step1 VALUES {values};"
    rows = [row.split("|") for row in database(f"SELECT * FROM ({query}) AS found ORDER BY id", table)]
    assert [row[0] for row in rows] == list("01234")
    for (_, *found), (_, expected) in zip(rows, tampered.rows, strict=False):
        numbers = [y for y in expected if isinstance(y, float)]
        assert found[: len(expected) - len(numbers)] == [y for y in expected if isinstance(y, str)]
        assert [*map(float, found[-len(numbers) :])] == pytest.approx(numbers, rel=1e-12)


def _kinds(model):
    return ["BOOLEAN" if c.boolean else "DOUBLE PRECISION" if c.categories is None else "TEXT" for c in model.inputs]
