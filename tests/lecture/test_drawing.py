"""A chain as text, LaTeX and Markdown: brackets that fit the numbers, and the numbers of the chain."""

import re

import numpy as np
import pytest

from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.layers import activation_of, loss_of
from bpcli.lecture.drawing import latex_lines, markdown_lines, shortens, text_lines
from bpcli.lecture.neuron_chain import neuron_chain

CHAIN = neuron_chain(
    np.array([[1.0, 2.0]]), np.array([0.5, 0.25]), -1.0, np.ones(1), activation_of("identity"), loss_of("mse")
)  # z = 0, so that J = 1, ∂J/∂z = −2 and ∂J/∂w = (−2 −4)


def numbers(lines):
    return {float(v.replace("−", "-")) for v in re.findall(r"[-−]?\d+(?:\.\d+)?", "\n".join(lines))}


@pytest.mark.parametrize("draw", [text_lines, latex_lines, markdown_lines])
def test_each_form_has_the_numbers_of_the_chain(draw):
    assert not shortens(CHAIN)
    lines = draw(CHAIN, None)
    assert {0.0, 1.0, -2.0, -4.0, 0.25, 0.5} <= numbers(lines)


def test_latex_is_balanced():
    text = "\n".join(latex_lines(CHAIN, None))
    assert text.count("{") == text.count("}")
    assert text.count(r"\begin") == text.count(r"\end") > 0
    assert text.isascii()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", ["mse", "huber"])
def test_the_last_case_of_a_formula_does_not_seem_to_equal_its_value(activation, loss):
    one = np.array([[1.0]])
    chain = neuron_chain(one, np.array([0.5]), 0.25, np.ones(1), activation_of(activation), loss_of(loss))
    last_cases = re.findall(r", else (.*) = [^= ]+(?:   .*)?$", "\n".join(text_lines(chain, None)), re.MULTILINE)
    assert last_cases or loss == "mse"
    assert all(case.endswith(")") and case.count(")") == case.count("(") + 1 for case in last_cases), last_cases
