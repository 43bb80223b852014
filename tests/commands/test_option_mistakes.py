"""The answers to an unknown option, and to a value of the wrong kind."""

import shlex

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
