"""Figures as files: whole, and the same bytes for the same picture; formulas that can be set, and others."""

import xml.etree.ElementTree as ElementTree

import pytest

from bpcli.plots.style import drawing, mathtext


def test_a_formula_that_can_not_be_set_is_written():
    with drawing():
        assert mathtext(r"\begin{cases} 1 \end{cases}", "where(x>0,1,0)") == "where(x>0,1,0)"
        assert mathtext("x^2", "x**2") == "$x^2$"


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_a_file_is_whole_and_the_same_twice(bpcli, tmp_path, suffix):
    files = [tmp_path / f"{k}.{suffix}" for k in range(2)]
    for file in files:
        assert bpcli("plot", "x**2*y", "--at", "1,2", "--output", file).code == 0
    content = files[0].read_bytes()
    assert content == files[1].read_bytes()
    if suffix == "svg":
        assert ElementTree.fromstring(content).tag.endswith("svg")
    else:
        assert content.startswith({"png": b"\x89PNG", "pdf": b"%PDF"}[suffix])
