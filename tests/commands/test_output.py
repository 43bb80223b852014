"""Results on stdout, all else on stderr; tables in columns."""

import json
import os
import select
import subprocess
import sys

import pytest

from bpcli import train
from bpcli.commands import output
from bpcli.commands.output import aligned, emit, emit_data, note, warning
from bpcli.text.visible import width


def test_results_and_remarks_go_apart(capsys):
    emit("12 9")
    note("a kink")
    warning("it is slow")
    printed = capsys.readouterr()
    assert printed.out == "12 9\n"
    assert printed.err.splitlines() == ["bpcli: note: a kink", "bpcli: warning: it is slow"]


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        ([["name", "loss"], ["a", "0.5"], ["long", "12"]], ["name  loss", "a      0.5", "long    12"]),
        ([["a", "b"], ["x", "y"]], ["a  b", "x  y"]),
        ([["n", "v"], ["1", ""], ["22", "nan"]], [" n    v", " 1", "22  nan"]),
    ],
)
def test_columns(rows, lines):
    assert aligned(rows) == lines


def test_results_for_eyes_do_not_steer_the_terminal_and_those_for_programs_carry_what_is_there(capsys):
    name = "\x1b]0;owned\a\u202e"
    emit(name)
    emit_data(name)
    note(name)
    printed = capsys.readouterr()
    assert printed.out == f"\\x1b]0;owned\\x07\\u202e\n{name}\n"
    assert printed.err == "bpcli: note: \\x1b]0;owned\\x07\\u202e\n"


def test_a_cell_of_a_table_is_one_line():
    assert aligned([["name", "n"], ["a\nb\x1b", "1"]]) == ["name      n", "a\\nb\\x1b  1"]


FOLDER = """größe,b,Ω
1,2,ä
2,1,日本
3,2,ä
1,1,日本
2,2,ä
4,1,日本
"""
CONFIG = """model: {type: neuron, activation: sigmoid}
loss: bce
training: {learning_rate: 0.1, epochs: 2}
data: {path: t.csv, target: Ω, positive: ä}
output: RUN
"""
COMMANDS = {  # with the exit code; results for which there is no place are code 3
    "train t.yaml --force": 0,
    "predict RUN t.csv --keep b": 0,
    "inspect RUN": 0,
    "init --data t.csv": 0,
    "grad x**2 --at 3": 0,
    "grad x**/2 --at 3": 2,
    "validate nowhere.yaml": 3,
    "help": 0,
    "--version": 0,
    "--help": 0,
    "": 2,
}
STREAMS = ["2>&-", ">&-", ">&- 2>&-", ">/dev/full", "2>/dev/full", ">/dev/full 2>/dev/full", "<&-", "<&- >&- 2>&-"]
ENCODINGS = ["PYTHONIOENCODING=ascii", "PYTHONIOENCODING=latin-1", "LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    here = tmp_path_factory.mktemp("streams")
    (here / "t.csv").write_text(FOLDER)
    (here / "t.yaml").write_text(CONFIG)
    subprocess.run([sys.executable, "-m", "bpcli", "train", "t.yaml", "--quiet"], cwd=here, check=False)
    return here


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_ends_as_it_should_whatever_its_streams_are(folder, command):
    for streams in ["", *STREAMS]:
        result = shell(folder, f"{PROGRAM} {command} {streams}")
        no_place = ">&-" in streams.replace("2>&-", "") or " >/dev/full" in f" {streams}"
        expected = {COMMANDS[command], 3} if no_place else {COMMANDS[command]}
        assert result.returncode in expected, (streams, result.stderr)
        assert "Traceback" not in result.stderr
        assert "internal error" not in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_every_encoding_of_the_output_has_every_result(folder, command):
    plain = shell(folder, f"{PROGRAM} {command}")
    for encoding in ENCODINGS:
        result = shell(folder, f"env {encoding} {PROGRAM} {command}")
        assert result.returncode == plain.returncode, result.stderr
        assert "internal error" not in result.stderr
        if "LC_ALL" in encoding or plain.stdout.isascii():  # no encoding is asked for, so it is UTF-8
            assert results(result.stdout) == results(plain.stdout)
        else:
            assert "\\u" in result.stdout


def shell(folder, words):
    return subprocess.run(["bash", "-c", words], cwd=folder, capture_output=True, text=True, errors="replace")


PROGRAM = f"{sys.executable} -m bpcli"


def results(text):
    """The text that is printed, without times."""
    return [line for line in text.splitlines() if "seconds" not in line and not line.lstrip()[:1].isdigit()]


def test_json_in_another_encoding_is_json(folder):
    words = f"env PYTHONIOENCODING=ascii {PROGRAM} predict RUN t.csv --format json"
    (first, *_) = shell(folder, words).stdout.splitlines()
    assert json.loads(first)["prediction"] in ("ä", "日本")


@pytest.mark.parametrize("room", [40, 60, 80, 120])
def test_names_that_would_look_alike_keep_what_tells_them_apart(monkeypatch, room):
    monkeypatch.setattr(output, "terminal_width", lambda: room)
    names = [f"a class of an especially long name, number {k} of ten" for k in range(10)]
    lines = output.table([["true \\ predicted", *names], *([name, *range(10)] for name in names)])
    assert max(map(len, lines)) <= room
    assert len({line.split("  ")[0] for line in lines[1:11]}) == 10
    assert all(f"{k} of" in lines[k + 1] for k in range(10))


def test_wide_letters_are_aligned(monkeypatch):
    monkeypatch.setattr(output, "terminal_width", lambda: 30)
    lines = output.table([["", "rows"], ["温度の平均値です" * 3, 1], ["größe", 2]])
    (found,) = {width(line) for line in lines}
    assert 29 <= found <= 30  # a wide letter takes two columns


def test_a_sentence_is_broken_on_a_terminal_alone(monkeypatch, capsys):
    text = "the words of a sentence " * 8
    output.sentence(text)
    assert capsys.readouterr().out == f"{text}\n"
    monkeypatch.setattr(output, "terminal_width", lambda: 50)
    output.sentence(text)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 50
    assert " ".join(line.strip() for line in lines) == text.strip()


WAITS = """
import sys
from bpcli.commands.output import wait_for_readers
sys.stderr.write("a message\\n")
wait_for_readers(600)
print("read")
"""


def test_a_message_is_read_before_the_job_ends():
    with subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        select.select([process.stderr], [], [])
        assert select.select([process.stdout], [], [], 0.2)[0] == []
        assert process.stderr.readline() == b"a message\n"
        assert process.stdout.read() == b"read\n"


def test_nobody_waits_for_a_reader_for_ever(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", WAITS.replace("600", "0.1")], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout.read() == b"read\n"


@pytest.fixture(scope="module")
def run(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "iris"
    train(root / "configs/iris.yaml", output=folder)
    return folder


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["check", "x**2", "--mine", "3*x"], 1, "1 of 1 is wrong"),
        (["check", "x**2", "--mine", "2*x"], 0, ""),
        (["evaluate", "RUN", "--fail-under", "accuracy=1.1"], 1, "under 1.1"),
        (["evaluate", "RUN", "--fail-under", "accuracy=0.1"], 0, ""),
        (["train", "CONFIG", "--set", "training.learning_rate=1e-300", "--output", "NEW"], 1, "no better than"),
        (["train", "CONFIG", "--output", "NEW"], 0, ""),
        (["grad", "x*y", "--points", "-"], 0, ""),  # its results are for the reader alone
    ],
)
@pytest.mark.parametrize("buffered", [False, True])
def test_an_exit_code_does_not_depend_on_the_reader(root, run, tmp_path, words, code, said, buffered):
    named = {"RUN": run, "CONFIG": root / "configs/iris.yaml", "NEW": tmp_path / "new"}
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, *([] if buffered else ["-u"]), "-m", "bpcli", *(str(named.get(w, w)) for w in words)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    streams = {"stdout": writing, "stderr": subprocess.PIPE, "input": "x,y\n1,2\n1,0\n", "text": True}
    done = subprocess.run(command, **streams, check=False, env=environment)
    os.close(writing)
    assert (done.returncode, said in done.stderr) == (code, True)
    assert code or "bpcli: error" not in done.stderr
    assert (tmp_path / "new").is_dir() == (words[0] == "train")


def test_short_names_of_columns_are_taken_before_any_is_cut(monkeypatch):
    names = ["training.optimizer", "training.learning_rate", "training.batch_size"]
    short = [name.rpartition(".")[2] for name in names]
    rows = [[*names, "loss", "std", ""], ["momentum", 0.1, 32, 0.2511, 0.01, "best"], ["sgd", 0.01, 64, 0.3, 0.02, ""]]
    for room, shown in ((None, names), (100, names), (60, short)):
        monkeypatch.setattr(output, "terminal_width", lambda room=room: room)
        lines = output.table(rows, 4, short)
        assert all(name in lines[0].split() for name in shown)
        assert len(lines) == len(rows)
        assert room is None or max(map(len, lines)) <= room
