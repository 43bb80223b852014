"""Some small compositions, others in each run of `python -m tests.fuzz.compositions`."""

import pytest

from tests.fuzz.compositions import compositions, explore
from tests.fuzz.expressions import Comparison


@pytest.mark.parametrize("part", range(3))
def test_some_compositions_have_right_answers(part):
    assert list(explore(compositions(7)[12 * part : 12 * part + 12], Comparison())) == []


@pytest.mark.parametrize(
    "text",
    [
        "log(sum(softmax(v)))",
        "log2(mean(softmax(v)))",
        "log(sum([0,0,0]*softmax(v)))",
        "log(1-sum(softmax(v)[0:3]))",
        "log1p(1-sum(exp(log_softmax(v))))",
        "log(1-softmax([v[0],v[0],v[1]])[1])",
        "mse([0,1,0],softmax([v[0],v[0],v[1]]))",
        "log(exp(v[0])/(exp(v[1])-exp(v[0])))",
    ],
)
def test_what_was_found_once_stays_mended(text):
    assert list(explore([text], Comparison())) == []
