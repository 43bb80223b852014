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


def finding(bpcli, *arguments):
    found = bpcli("check", *arguments, "--format", "json")
    record = json.loads(found.out)
    return record["finding"], record["message"]


TANH = ["neuron", "--x", "1,2", "--w", "0.5,-0.4", "--b", "0.1", "--activation", "tanh", "--wrt", "w"]


@pytest.mark.parametrize(
    "arguments",
    [
        [*TANH, "--mine", "a*(1-a)*x"],  # (1 − a²)·x where a is 1
        ["exp(x)", "--mine", "1+x+x^2/2+x^3/6+x^4/24"],  # near 0
        ["sin(x)", "--mine", "1-x^2/2+x^4/24-x^6/720+x^8/40320"],
    ],
)
def test_what_is_right_by_chance_is_not_right_at_some_points(bpcli, arguments):
    assert finding(bpcli, *arguments)[0] == "value"


def test_no_point_is_spoken_of_where_none_was_given(bpcli):
    assert "right at some points, but not at others: d/dx is -1" in finding(bpcli, "abs(x)", "--mine", "x/x")[1]
    assert "right at this point, but not" in finding(bpcli, "abs(x)", "--at", "2", "--mine", "x/x")[1]
    named = finding(bpcli, "relu", "--mine", "where(z>-1,1,0)")[1]
    assert "right at some points, but not at others" in named
    assert finding(bpcli, "bce", "--y", "1", "--yhat", "0.3", "--mine", "-y/yhat")[1].endswith("not 0")


@pytest.mark.parametrize(
    ("asked", "mine", "told"),
    [
        (["x^2*y"], "where(x==y,0,2*x*y),x^2", "domain"),
        (["x^2*y"], "where(x==y^2,0,2*x*y),x^2", "domain"),
        (["x^2*y"], "2*x*y*sign(x*y-7)^2,x^2", "domain"),
        (["sum(v**2)", "--at", "v=[1,2,3]"], "2*v*(v[0]!=v[2])", "domain"),
        (["softmax_cce", "--logits", "1,2,3", "--label", "2"], "(p-y)*(logits[0]!=logits[1])", "domain"),
        (["x^2*y"], "where(x==y,2*x^2,2*x*y),x^2", "right"),
        (["x^2/2+x*y"], "(x^2-y^2)/(x-y),x", "domain"),
        (["x^2/2+x*y"], "where(x==y,2*x,(x^2-y^2)/(x-y)),x", "right"),
        (["max(x,y)"], "x>=y,y>x", "right"),
        (["relu(x-y)"], "x/3>y/3,where(x/3>y/3,-1,0)", "right"),
        (["relu((x-1)**3)"], "where(x**3-3*x**2+3*x-1>0,3*(x-1)**2,0)", "right"),
        (["relu(x-0.1*y)"], "where(x>y/10,1,0),where(x>y/10,-0.1,0)", "right"),
    ],
)
def test_what_an_answer_compares_is_tried_where_it_is_equal(bpcli, asked, mine, told):
    assert finding(bpcli, *asked, "--mine", mine)[0] == told


@pytest.mark.parametrize("mine", ['"0.197', '0.197"', '" 0.197 "', '"0.197"'])
def test_a_stray_quote_keeps_the_digits_that_were_typed(bpcli, mine):
    assert finding(bpcli, "sigmoid", "--z", "1", "--mine", mine)[0] == "right"
    assert finding(bpcli, "sigmoid", "--z", "1", "--mine", mine.replace("7", "9"))[0] == "value"
    assert finding(bpcli, "sigmoid", "--z", "1", "--mine", '0".197')[0] == "unreadable"


def test_a_csv_of_semicolons_has_its_rows_by_lines(bpcli):
    asked = ["softmax", "--logits", "1,2", "--mine"]
    assert finding(bpcli, *asked, "0.197;-0.197\n-0.197;0.197")[0] == "right"
    assert finding(bpcli, *asked, "0.197;0.197\n-0.197;0.197")[0] == "sign"


UNKNOWN = "where(x==0,0,x*sin(1/x))+y**2"


@pytest.mark.parametrize("answer", ["3", "0", "nan"])
def test_of_a_slope_that_is_not_known_no_answer_is_right_or_wrong(bpcli, answer):
    found = bpcli("check", UNKNOWN, "--at", "x=0,y=1", "--mine", f"{answer},2", "--format", "json")
    assert (found.code, json.loads(found.out)["finding"]) == (1, "open")
    found = bpcli("check", UNKNOWN, "--at", "x=0,y=1", "--mine", f"{answer},3", "--score", "--format", "json")
    record = json.loads(found.out)
    assert (record["finding"], record["score"]) == ("value", 0)
    assert "right" not in record["message"]
