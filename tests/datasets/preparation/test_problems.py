"""Errors for tables that can't be prepared: every column is named, and the words mend it."""

import pytest
import yaml
from fits import both, fit

from bpcli.errors import DataError


def messy(rows=60):
    """A customer table as people have them: an id, a date, text, gaps, slips, a yes/no target."""
    lines = ["id,signed up,plan,age,visits,empty,churn"]
    for i in range(rows):
        age = "" if i % 7 == 3 else 20 + i % 50
        visits = "12 x" if i == 20 else i
        plan = "" if i == 5 else ("basic", "plus", "pro")[i % 3]
        lines.append(
            f"C-{i:03d},2024-01-{i % 28 + 1:02d},{plan},{age},{visits},,{'' if i == 9 else ('no', 'yes')[i % 2]}"
        )
    return "\n".join(lines) + "\n"


def test_every_unusable_column_is_named_with_what_would_help():
    rows = [f"p{i},{['red', 'blue'][i % 2]},{'' if i == 3 else i},{i}" for i in range(40)]
    with pytest.raises(DataError) as caught:
        fit("id,colour,age,y\n" + "\n".join(rows))
    text = str(caught.value)
    assert "t.csv:2: column id: 'p0' is not a number (40 different values in 40 rows)" in text
    assert "t.csv:2: column colour: 'red' is not a number (2 different values in 40 rows)" in text
    assert "t.csv:5: column age: the cell is missing (1 of 40 are)" in text
    assert "data.categorical: [colour]" in text
    assert "data.exclude: [id]" in text
    assert "data.missing: median" in text
    help_taken = {"categorical": ["colour"], "exclude": ["id"], "missing": "median"}
    fit("id,colour,age,y\n" + "\n".join(rows), **help_taken)


def test_the_words_of_the_error_are_the_config_that_works():
    """Each hint, copied as it stands, leads to a fit in one go; what was chosen before is kept in it."""
    with pytest.raises(DataError) as caught:
        fit(messy(), task="binary", target="churn", exclude=["id"], missing={"age": "mean"})
    problems, _, hint = str(caught.value).partition("to mend it, in the config:")
    for words in (
        "t.csv:2: column signed up: '2024-01-01' is not a number (28 different values in 60 rows)",
        "t.csv:2: column plan: 'basic' is not a number (3 different values in 60 rows)",
        "t.csv:22: column visits: '12 x' is not a number (1 of 60 cells is not; mend them",
        "t.csv: column empty: every cell is missing",
        "t.csv:11: column churn: the target is missing (1 of 60 are)",
    ):
        assert words in problems
    assert yaml.safe_load(hint.replace("data.", "")) == {
        "categorical": ["plan"],
        "missing_words": {"visits": ["12 x"]},
        "exclude": ["id", "signed up", "empty"],
        "missing": {"age": "mean", "plan": "most_frequent", "visits": "median", "churn": "drop"},
    }
    options = yaml.safe_load(hint.replace("data.", ""))
    (word,) = options.pop("missing_words")["visits"]
    prepared = both(messy().replace(word, ""), task="binary", target="churn", **options)
    assert prepared.X.shape == (59, 5)
    options = {**options, "exclude": yaml.safe_load(hint.partition("# or data.exclude: ")[2].splitlines()[0])}
    assert options["exclude"] == ["id", "signed up", "empty", "visits"]
    assert set(prepared.y.tolist()) == {0, 1}


def test_names_that_yaml_would_take_for_something_else_are_quoted():
    with pytest.raises(DataError) as caught:
        fit('"a: b",null,"[x]","it\'s",größe 2,y\nu,u,u,u,u,1\nv,v,v,v,v,2\n')
    _, _, hint = str(caught.value).partition("data.categorical: ")
    assert yaml.safe_load(hint) == ["a: b", "null", "[x]", "it's", "größe 2"]


def test_an_error_of_very_many_columns_ends():
    names = [f"x{j}" for j in range(500)]
    with pytest.raises(DataError) as caught:
        fit(",".join([*names, "y"]) + "\n" + ",".join(["u"] * 500 + ["1"]) + "\n")
    assert "… and 480 more columns" in str(caught.value)
    assert len(str(caught.value).splitlines()) < 30


def test_one_bad_cell_of_many_may_be_a_word_for_a_gap(bpcli, tmp_path):
    rows = [f"{'oops' if i == 777 else 'NA' if i == 3 else i % 17},{i % 5},{'ny'[i % 17 > 8]}" for i in range(2000)]
    (tmp_path / "d.csv").write_text("\n".join(["a,b,y", *rows]))
    config = tmp_path / "c.yaml"
    config.write_text(
        "model: {type: neuron, activation: sigmoid}\nloss: bce\ntraining: {optimizer: newton, l2: 0.1}\n"
        "data: {path: d.csv, target: y}\n"
    )
    told = bpcli("train", config, "--output", tmp_path / "run")
    assert told.code == 3
    lines = told.err.partition("to mend it, in the config:\n")[2].splitlines()
    assert [line.strip() for line in lines] == [
        "data.missing_words: {a: [NA, oops]}  # or data.exclude: [a]",
        "data.missing: median  (or mean, most_frequent, drop)",
    ]
    settings = ["--set", "data.missing_words={a: [NA, oops]}", "--set", "data.missing=median"]
    assert bpcli("train", config, *settings, "--output", tmp_path / "run", "--quiet").code == 0
    assert bpcli("train", config, "--set", "data.exclude=[a]", "--output", tmp_path / "b", "--quiet").code in (0, 1)
