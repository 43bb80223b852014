"""`exercise`, and `check --key` for a class."""

import csv
import json
import xml.etree.ElementTree as ET

import pytest


@pytest.fixture
def key(bpcli, tmp_path):
    """The key of three tasks, and their answers."""
    made = bpcli(
        "exercise",
        "softmax",
        "softmax_cce",
        "gradient",
        "--level",
        2,
        "--key",
        tmp_path / "key.jsonl",
        "--format",
        "json",
    )
    assert made.code == 0
    lines = [";".join(",".join(map(str, row)) for row in task["answer"]) for task in made.json]
    return tmp_path / "key.jsonl", lines


def test_formats(bpcli):
    asked = ["exercise", "sigmoid", "update", "--count", 3, "--seed", 2]
    text = bpcli(*asked)
    assert text.code == 0
    assert text.out == bpcli(*asked).out
    assert text.out.count("\nSolution ") == 3
    assert bpcli(*asked, "--format", "markdown").out.startswith("## Task 1")
    assert bpcli(*asked, "--format", "latex").out.startswith("\\documentclass")
    assert len(ET.fromstring(bpcli(*asked, "--format", "moodle").out.encode())) == 3
    records = bpcli(*asked, "--format", "json").json
    assert [record["task"] for record in records] == [1, 2, 3]
    assert all(record["solution"] for record in records)


def test_files_are_not_overwritten(bpcli, tmp_path):
    sheet, key = tmp_path / "sheet.txt", tmp_path / "key"
    done = bpcli("exercise", "tanh", "--output", sheet, "--key", key)
    assert (done.code, done.out) == (0, "")
    assert sheet.read_text() == bpcli("exercise", "tanh").out
    assert bpcli("exercise", "tanh", "--key", key).code == 2
    assert bpcli("exercise", "tanh", "--key", key, "--force").code == 0


@pytest.mark.parametrize("arguments", [[], ["sofmax"], ["softmax", "--level", "4"], ["softmax", "--count", "0"]])
def test_wrong_usage(bpcli, arguments):
    assert bpcli("exercise", *arguments).code == 2


def test_a_class(bpcli, tmp_path, key):
    path, lines = key
    for k in range(40):
        wrong = [lines[0], "y-p", ""] if k % 2 else lines
        (tmp_path / f"{k}.txt").write_text("\n".join(wrong) + "\n")
    answers = [part for k in range(40) for part in ("--mine", f"@{tmp_path / f'{k}.txt'}")]
    found = bpcli("check", "--key", path, *answers, "--format", "csv")
    assert found.code == 1
    rows = list(csv.DictReader(found.lines))
    assert len(rows) == 120
    assert [(row["score"], row["finding"]) for row in rows[:6]] == [
        *[("1", "right")] * 3,
        ("1", "right"),
        ("0", "sign"),
        ("0", "unreadable"),
    ]
    right = bpcli("check", "--key", path, *answers[:2])
    assert right.code == 0
    assert "right" in right.out


def test_a_record_has_score_and_finding(bpcli, key):
    path, lines = key
    (first, second, third) = bpcli("check", "--key", path, "--mine", f"{lines[0]}\np-y", "--format", "json").json
    assert (first["task"], first["score"], first["finding"]) == (1, 1, "right")
    assert (second["name"], second["finding"]) == ("softmax_cce", "right")
    assert (third["score"], third["finding"], third["message"]) == (0, "unreadable", "unanswered")
    assert json.dumps(first)


def test_a_file_that_is_missing_ends_itself_alone(bpcli, tmp_path, key):
    path, lines = key
    (tmp_path / "a.txt").write_text("\n".join(lines))
    found = bpcli(
        "check", "--key", path, "--mine", "@nowhere.txt", "--mine", f"@{tmp_path / 'a.txt'}", "--format", "json"
    )
    assert found.code == 1
    assert [record["score"] for record in found.json] == [0, 0, 0, 1, 1, 1]
    assert bpcli("check", "--key", path, "--mine", "@nowhere.txt").code == 3


def test_what_goes_with_a_key(bpcli, key):
    path, _ = key
    assert bpcli("check", "--key", path).code == 2
    assert bpcli("check", "x**2", "--key", path, "--mine", "1").code == 2
    assert bpcli("check", "--key", "nowhere", "--mine", "1").code == 3
    assert bpcli("check").code == 2
