"""The answers to an unknown option, and to a value of the wrong kind."""

import shlex

import numpy as np
import pytest

from bpcli.commands import cli
from bpcli.commands import option_mistakes as mistakes
from bpcli.commands.typed_words import line_of


@pytest.mark.parametrize(
    ("of", "typed", "message", "instead"),
    [
        (
            mistakes.decimal_comma,
            "descend x --at 1 --lr 0,5",
            "--lr takes one number",
            "bpcli descend x --at 1 --lr 0.5",
        ),
        (mistakes.named_argument, "train --config a.yaml", "", "bpcli train a.yaml"),
        (mistakes.other_name, "descend x --at 1 --alpha 0.5", "", "bpcli descend x --at 1 --lr 0.5"),
        (mistakes.output_option, "train a.yaml --out runs/a", "", "bpcli train a.yaml --output runs/a"),
        (mistakes.rule_of_threshold, "predict runs/a b.csv --threshold f1", "", "bpcli evaluate runs/a --threshold f1"),
    ],
)
def test_what_is_answered(of, typed, message, instead):
    assert of(line_of(shlex.split(typed), message, cli)).instead.startswith(instead)


def test_an_option_that_takes_several_numbers_is_left_alone():
    assert mistakes.decimal_comma(line_of(["grad", "x*y", "--at", "1,2"], "--at has 2 values", cli)) is None


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with values and an answer in files."""
    monkeypatch.chdir(tmp_path)
    np.save("v.npy", np.array([3.0, 4.0]))
    (tmp_path / "answers").mkdir()
    for name, content in {"v.txt": "3,4", "k.txt": "2", "1,2": "3,4", "ada.txt": "2*x", "answers/ada": "2*x"}.items():
        (tmp_path / name).write_text(content)
    return tmp_path


FORGOTTEN = [
    "eval sum(x) --at v.npy",
    "eval sum(x) --at x=v.txt",
    'eval "k*sum(x)" --at "x=v.txt, k=2"',
    'grad "k*sum(x)" --at "x=v.npy,k=k.txt"',
    'grad "k*x" --at 1 --let k=k.txt',
    "jacobian softmax --logits v.npy",
    "jacobian sigmoid --z ./v.txt",
    "jacobian softmax --logits 1,2 --vjp v.txt",
    'jacobian "[x*y,y]" --at 1,2 --jvp v.npy',
    "backprop neuron --x v.npy --w 1,2 --b k.txt --activation relu --loss mse --y 1",
    "descend sum(x**2) --at v.txt --lr 0.1 --steps 1",
]


@pytest.mark.parametrize("typed", FORGOTTEN)
def test_a_file_as_a_value_begins_with_at(bpcli, folder, typed):
    words = shlex.split(typed)
    found = bpcli(*words)
    for _ in range(2):  # files of two options are told one after the other
        assert "is a file, and a value is read from it as @" in found.err
        instead = shlex.split(found.err.splitlines()[-1].partition("; or for a point")[0])
        assert "@" in found.err.splitlines()[-1]
        found = bpcli(*instead[1:])
        if found.code == 0:
            break
    assert found.code == 0, instead
    assert [word.replace("@", "") for word in instead[1:]] == words


def test_an_answer_in_a_file_begins_with_at(bpcli, folder):
    for name in ("ada.txt", "answers/ada", "./ada.txt"):
        found = bpcli("check", "x**2", "--mine", name, "--mine", "2*x")
        assert found.code == 1
        assert f"    write --mine @{name}" in found.lines
        assert bpcli("check", "x**2", "--mine", f"@{name}").code == 0
    bpcli("exercise", "update", "--count", "1", "--key", "k.jsonl")
    assert "write --mine @ada.txt" in bpcli(
        "check", "--key", "k.jsonl", "--mine", "ada.txt", "--format", "json"
    ).out.replace("\\n", "\n")


def test_what_can_be_read_is_no_file(bpcli, folder):
    assert bpcli("eval", "x*y", "--at", "1,2").lines == ["2"]
    assert "is a file" not in bpcli("eval", "x*y*z", "--at", "1,2").err
    assert "is a file" not in bpcli("eval", "x*y", "--at", "@v.txt,", "--let", "z=1").err
