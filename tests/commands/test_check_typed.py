"""`check --mine`: answers as people and programs write them, and how each is told of."""

import json

import pytest


@pytest.mark.parametrize("head", ["", "entry,formula,where\n", "d/dz\n"])
def test_a_very_long_line_is_unreadable_and_stops_no_other_answer(bpcli, tmp_path, head):
    (tmp_path / "a.txt").write_text(head + "a*" * 100_000 + "1")
    found = bpcli(
        "check", "sigmoid", "--z", "1", "--mine", f"@{tmp_path}/a.txt", "--mine", "a*(1-a)", "--format", "json"
    )
    assert found.code == 1
    assert [json.loads(line)["finding"] for line in found.lines] == ["unreadable", "right"]


def test_a_very_long_line_of_points_is_one_short_error(bpcli, tmp_path):
    (tmp_path / "p.csv").write_text("x" * 200_000 + ",y\n1,2")
    found = bpcli("grad", "x*y", "--points", tmp_path / "p.csv")
    assert found.code == 3
    assert "has no column for the variable x" in found.err
    assert len(found.err) < 1000
