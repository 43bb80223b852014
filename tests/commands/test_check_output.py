"""What `check` prints: the reason of what is open, answers that are none, and rows that fit a terminal."""

import pytest

from bpcli.commands import output


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (["relu(x)", "--at", "0"], "at a kink, where a quotient mixes the slopes on both sides"),
        (["hinge", "--y", "1", "--yhat", "1"], "at a kink, where"),
        (["hinge", "--y", "-1,1", "--yhat", "-1,0.5"], "at a kink, where"),
        (["relu", "--z", "0,1"], "at a kink, where"),
        (["huber", "--y", "0", "--yhat", "1"], ""),
        (["neuron", "--x", "1,1", "--w", "1,-1", "--b", "0", "--activation", "relu"], "at a kink, where"),
        (["(1-cos(x))/x**2", "--at", "1e-8"], "doubles can't tell"),
    ],
)
def test_what_is_open_has_its_reason(bpcli, asked, reason):
    found = bpcli("check", *asked)
    assert found.code == int(bool(reason))
    assert reason in found.err
    assert "next to" not in found.out + found.err


@pytest.mark.parametrize("mine", ["", " ", "\n"])
def test_no_answer_has_no_place_in_it(bpcli, mine):
    found = bpcli("check", "x", "--mine", mine)
    assert found.lines[:2] == [f"{mine!r}: unreadable", "  there is no answer here"]
    assert not any("^" in line for line in found.lines)


def test_long_rows_fit_a_terminal(bpcli, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    bpcli("exercise", "gradient", "neuron", "--count", "3", "--key", "k.jsonl")
    (tmp_path / "a-student-with-a-long-name-and-more.txt").write_text("1,2,3,4,5\np_i(d-p_j)\n")
    words = ["check", "--key", "k.jsonl", "--mine", "@a-student-with-a-long-name-and-more.txt"]
    wide = bpcli(*words).lines
    checked = bpcli("check", "(1-cos(x))/x**2", "--at", "1e-8").lines
    monkeypatch.setattr(output, "terminal_width", lambda: 80)
    for full, lines in (
        (wide, bpcli(*words).lines),
        (checked, bpcli("check", "(1-cos(x))/x**2", "--at", "1e-8").lines),
    ):
        assert max(map(len, full)) > 80 >= max(map(len, lines))
        assert full[-1].split("  ")[-1].strip() in " ".join(" ".join(lines).split())
