"""`jacobian NAME`: blocks worked by hand, products without the matrix, and JSON in numerator layout."""

import pytest


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["softmax", "--logits", "0,0"], ["0.25 -0.25", "-0.25 0.25"]),
        (["sigmoid", "--z", "0"], ["0.25"]),
        (["relu", "--z", "-1,2"], ["0 0", "0 1"]),
        (["dot", "--u", "1,2", "--v", "3,4"], ["d/du:", "3 4", "d/dv:", "1 2"]),
        (["dot", "--u", "1,2", "--v", "3,4", "--wrt", "v"], ["1 2"]),
        (["mse", "--y", "1,2", "--yhat", "3,4"], ["2 2"]),
        (["cce", "--yhat", "0.25,0.75", "--label", "0"], ["-4 0"]),
        (["sigmoid", "--z", "0", "--vjp", "8"], ["2"]),
        (["softmax", "--logits", "0,0", "--jvp", "4,0"], ["1 -1"]),
    ],
)
def test_by_hand(bpcli, arguments, lines):
    result = bpcli("jacobian", *arguments)
    assert result.code == 0
    assert [line for line in result.lines if line] == lines


def test_json(bpcli):
    (found,) = bpcli(
        "jacobian", "affine", "--x", "1,2", "--w", "3,4;5,6", "--b", "0,0", "--wrt", "w", "--format", "json"
    ).json
    assert found["value"] == [13, 16]
    assert found["jacobian"] == {"w": [[1, 0, 2, 0], [0, 1, 0, 2]]}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sigmoid", "--z", "0", "--logits", "1"], "--logits"),
        (["dot", "--u", "1,2", "--v", "1,2,3"], "3"),
        (["dot", "--u", "1,2", "--v", "3,4", "--wrt", "q"], "q"),
    ],
)
def test_what_goes_wrong(bpcli, arguments, words):
    result = bpcli("jacobian", *arguments)
    assert (result.code, result.out) == (2, "")
    assert words in result.err


def test_without_inputs_it_is_the_formula(bpcli):
    assert "p[i]*(1-p[i])" in bpcli("jacobian", "softmax").out
