"""`exercise`, and `check --key` for a class."""

import csv
import io
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


def test_the_sheet_and_the_key_are_two_files(bpcli, tmp_path):
    same = tmp_path / "same.txt"
    failed = bpcli("exercise", "tanh", "--output", same, "--key", tmp_path / "." / same.name, "--force")
    assert (failed.code, "both name" in failed.err, list(tmp_path.iterdir())) == (2, True, [])


@pytest.mark.parametrize("name", ["sheet.pdf", "sheet.doc", "sheet.PNG", "key.csv"])
def test_a_sheet_in_no_format_of_sheets_is_refused(bpcli, tmp_path, name):
    failed = bpcli("exercise", "tanh", "--output", tmp_path / name)
    assert (failed.code, list(tmp_path.iterdir())) == (2, [])
    assert "its extension names no format" in failed.err
    assert ".txt, .tex, .md, .json, .jsonl, .xml" in failed.err
    assert bpcli("exercise", "tanh", "--output", tmp_path / name, "--format", "text").code == 0


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


# What each student writes to six tasks, with the score and the finding by hand.
CLASS = {
    "gradient": [  # of u1*v1+u2*v2 at u1 = 1, u2 = 3, v1 = v2 = -2
        ("-2,-2,1,3", 1, "right"),
        ("v1,v2,u1,u2", 1, "right"),
        ("2,2,-1,-3", 0, "sign"),
        ("-2,-2,1,4", 0.75, "value"),
        ("-4,-4,2,6", 0, "factor"),
        ("-2,-2,1", 0, "shape"),
        ("-2 -2 1 3", 1, "right"),
        ("", 0, "unreadable"),
    ],
    "softmax": [  # p = (0.5, 0.4, 0.1)
        ("0.25,-0.2,-0.05;-0.2,0.24,-0.04;-0.05,-0.04,0.09", 1, "right"),
        ("1/4,-1/5,-1/20;-1/5,6/25,-1/25;-1/20,-1/25,9/100", 1, "right"),
        ("p*(1-p)", 3 / 9, "diagonal_only"),
        ("0.25,0,0;0,0.24,0;0,0,0.09", 3 / 9, "diagonal_only"),
        ("-0.25,0.2,0.05;0.2,-0.24,0.04;0.05,0.04,-0.09", 0, "sign"),
        ("??", 0, "unreadable"),
    ],
    "sigmoid": [  # a = (3/4, 3/4)
        ("0.1875,0;0,0.1875", 1, "right"),
        ("3/16,0;0,3/16", 1, "right"),
        ("0.188,0;0,0.188", 1, "right"),
        ("0.19,0;0,0.19", 0.5, "value"),
        ("a*(1-a)", 1, "right"),
        ("a*(a-1)", 0.5, "sign"),
        ("0.1875", 0, "shape"),
    ],
    "mse": [  # yhat − y = (-1, 1.25), 2/N = 1
        ("-1,1.25", 1, "right"),
        ("yhat-y", 1, "right"),
        ("y-yhat", 0, "sign"),
        ("-2,2.5", 0, "missing_mean"),
        ("-1;1.25", 0, "transposed"),
    ],
    "update": [  # u1 = 4, u2 = v1 = v2 = -2, α = 0.2
        ("4.4,-1.6,-2.8,-1.6", 1, "right"),
        ("4.40,-1.60,-2.80,-1.60", 1, "right"),
        ("3.6,-2.4,-1.2,-2.4", 0, "sign"),
    ],
    "softmax_cce": [  # p = (0.5, 0.3125, 0.1875), the label is 1
        ("0.5,-0.6875,0.1875", 1, "right"),
        ("p-y", 1, "right"),
        ("y-p", 0, "sign"),
        ("0.5,0.3125,0.1875", 2 / 3, "value"),
    ],
}


def test_the_marks_of_a_class_of_forty_are_those_by_hand(bpcli, tmp_path):
    key = tmp_path / "key.jsonl"
    assert bpcli("exercise", *CLASS, "--level", 2, "--seed", 11, "--key", key).code == 0
    files = [tmp_path / f"{k:02}.txt" for k in range(40)]
    chosen = {}
    for k, file in enumerate(files):
        for task, options in CLASS.items():
            chosen[f"@{file}", task] = options[k % len(options)]
        file.write_text("".join(f"{chosen[f'@{file}', task][0]}\n" for task in CLASS))
    mine = [word for file in files for word in ("--mine", f"@{file}")]
    graded = bpcli("check", "--key", key, *mine, "--format", "csv")
    assert graded.code == 1
    rows = list(csv.DictReader(io.StringIO(graded.out)))
    assert len(rows) == 240
    for row in rows:
        text, score, finding = chosen[row["answer"], row["name"]]
        assert float(row["score"]) == pytest.approx(score), text
        assert row["finding"] == finding, text
    unreadable = sum(finding == "unreadable" for _, _, finding in chosen.values())
    wrong = sum(score < 1 for _, score, _ in chosen.values()) - unreadable
    assert f"{wrong} of 240 are wrong, {unreadable} unreadable" in graded.err


@pytest.mark.parametrize(
    ("name", "format_"), [("s.tex", "latex"), ("s.md", "markdown"), ("s.xml", "moodle"), ("s", "text")]
)
def test_the_extension_of_a_sheet_says_its_format(bpcli, tmp_path, name, format_):
    assert bpcli("exercise", "tanh", "--output", tmp_path / name).code == 0
    assert (tmp_path / name).read_text().rstrip() == bpcli("exercise", "tanh", "--format", format_).out.rstrip()
    other = bpcli("exercise", "tanh", "--output", tmp_path / "t.tex", "--format", "json")
    assert (other.code, "--format latex" in other.err, (tmp_path / "t.tex").exists()) == (2, True, False)
