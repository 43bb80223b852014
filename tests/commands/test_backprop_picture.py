"""The chain as a picture: numbers worked by hand, arrows between the right boxes, no overlapping texts."""

import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from itertools import combinations

import pytest

from bpcli.api.chains import backprop
from bpcli.lecture.chain_diagram import chain_diagram
from bpcli.text.diagram import Block, Box, Diagram, Edge, dot_text

# z = 2·3 + 1 = 7, a = 7, J = (5 − 7)² = 4, ∂J/∂a = 2(a − y) = 4, ∂a/∂z = 1, and w := 3 − 0.25·8
NEURON = [
    "neuron",
    "--x",
    "2",
    "--w",
    "3",
    "--b",
    "1",
    "--activation",
    "relu",
    "--loss",
    "mse",
    "--y",
    "5",
    "--lr",
    "0.25",
]
BY_HAND = {
    "x": ["= 2", "∂J/∂x", "= 12"],
    "w": ["= 3", "∂J/∂w", "= 8", "= 1"],
    "b": ["= 1", "∂J/∂b", "= 4", "= 0"],
    "z": ["= 7", "∂J/∂z", "= 4"],
    "a": ["= 7", "∂J/∂a", "= 4"],
    "y": ["= 5"],
    "J": ["= 4", "∂J/∂J", "= 1"],
}
ON_EDGES = {"x z": "= 3", "w z": "= 2", "b z": "= 1", "z a": "= 1", "a J": "= 4", "y J": ""}
X, W = [[0.3, -1.2], [2.0, 0.7], [-0.4, 0.9]], [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]
CHAINS = {
    "neuron": {"x": X[0], "w": [0.5, -0.3], "b": 0.1, "activation": "sigmoid", "loss": "bce", "y": 1},
    "a batch": {"x": X, "w": [0.5, -0.3], "b": 0.1, "activation": "tanh", "loss": "huber", "y": [1, 2, 3]},
    "softmax": {"x": X[0], "w": W, "b": [0, 0, 0], "label": 2, "learning_rate": 0.5, "layout": "denominator"},
    "a batch of softmax": {"x": X * 3, "w": W, "b": [0, 0, 0], "label": [2, 1, 0] * 3},
}


def chain_of(name):
    return backprop("softmax" if "softmax" in name else "neuron", **CHAINS[name])


def test_the_numbers_are_in_their_boxes_and_on_their_edges(bpcli, tmp_path):
    file = tmp_path / "chain.dot"
    result = bpcli("backprop", *NEURON, "--output", file)
    assert (result.code, result.out, result.err) == (0, "", "")
    text = file.read_text(encoding="utf-8")
    boxes = dict(re.findall(r'^  "(\w)" \[label="(.*)"\]$', text, re.MULTILINE))
    assert boxes.keys() == BY_HAND.keys()
    for name, expected in BY_HAND.items():
        lines = iter(boxes[name].replace("  ", r"\l").split(r"\l"))
        assert all(line in lines for line in expected), name  # in this order
    edges = re.findall(r'^  "(\w)" -> "(\w)"(?: \[label="(.*)\\l"\])?$', text, re.MULTILINE)
    assert {f"{a} {b}": label.split(r"\l")[-1] for a, b, label in edges} == ON_EDGES


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_a_picture_is_whole_and_the_same_twice(bpcli, tmp_path, suffix):
    files = [tmp_path / f"{k}.{suffix}" for k in range(2)]
    for file in files:
        assert bpcli("backprop", *NEURON, "--output", file)[:2] == (0, "")
    content = files[0].read_bytes()
    assert content == files[1].read_bytes()
    if suffix == "svg":
        texts = [e.text for e in ElementTree.fromstring(content).iter() if e.tag.endswith("}text")]
        expected = {line for lines in (*BY_HAND.values(), ON_EDGES.values()) for line in lines} - {""}
        assert expected <= {text.replace("\xa0", " ") for text in texts}
        assert not any("  " in text for text in texts)  # of which a browser would show one


@pytest.mark.parametrize("name", CHAINS)
def test_no_text_lies_upon_another_or_outside(name):
    pytest.importorskip("matplotlib")
    from bpcli.plots.diagrams import draw
    from bpcli.plots.style import drawing

    with drawing():
        figure = draw(chain_diagram(chain_of(name)))
        figure.draw_without_rendering()
        places = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text()]
    for place in places:
        assert figure.bbox.x0 <= place.x0 <= place.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= place.y0 <= place.y1 <= figure.bbox.y1
    for a, b in combinations(places, 2):
        wide, high = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert wide <= 1 or high <= 0.25 * min(a.height, b.height)  # brackets of a column touch each other


@pytest.mark.parametrize(
    ("name", "options"), [("chain.txt", []), ("chain", []), ("chain.dot", ["--format", "text"]), ("old.dot", [])]
)
def test_what_can_not_be_drawn_is_refused_and_nothing_is_written(bpcli, tmp_path, name, options):
    (tmp_path / "old.dot").write_text("old")
    result = bpcli("backprop", *NEURON, "--output", tmp_path / name, *options)
    assert (result.code, result.out) == (2, "")
    assert [file.name for file in tmp_path.iterdir()] == ["old.dot"]
    assert (tmp_path / "old.dot").read_text() == "old"
    assert bpcli("backprop", *NEURON, "--output", tmp_path / "old.dot", "--force").code == 0
    assert (tmp_path / "old.dot").read_text(encoding="utf-8").startswith("digraph")


def test_what_is_left_out_is_said(bpcli, tmp_path):
    many = ["neuron", "--x", "1,2,3,4,5", "--w", "1,1,1,1,1", "--b", "0", "--loss", "mse", "--y", "1"]
    result = bpcli("backprop", *many, "--output", tmp_path / "chain.dot")
    assert "… stands for entries that are left out; --all shows them" in result.err
    assert "( 1  2  …  5 )" in (tmp_path / "chain.dot").read_text(encoding="utf-8")


def test_all_of_it_is_drawn(bpcli, tmp_path):
    many = ["neuron", "--x", "1,2,3,4,5", "--w", "1,1,1,1,1", "--b", "0", "--loss", "mse", "--y", "1"]
    result = bpcli("backprop", *many, "--all", "--output", tmp_path / "chain.dot")
    assert (result.code, result.err) == (0, "")
    assert "( 1  2  3  4  5 )" in (tmp_path / "chain.dot").read_text(encoding="utf-8")


@pytest.mark.skipif(not shutil.which("dot"), reason="Graphviz is not installed")
@pytest.mark.parametrize("name", ["plain", 'a "b" \\l {c|d} <e> &amp; $f$', "é→;#"])
def test_graphviz_reads_every_name_as_it_stands(name):
    box = Box(Block(name, "1×1", ["= 1"]), 0)
    other = Box(Block("J", "1×1", ["= 2"]), 1)
    text = dot_text(Diagram([box, other], [Edge(name, "J", Block(name, "", []))]))
    svg = subprocess.run(["dot", "-Tsvg"], input=text.encode(), capture_output=True, check=True).stdout
    texts = ["".join(e.itertext()).replace("\xa0", " ") for e in ElementTree.fromstring(svg).iter()]
    assert f"{name}  1×1" in texts
