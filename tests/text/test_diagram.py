"""A diagram as text for Graphviz: what is written in it stands for itself."""

from bpcli.text.diagram import Block, Box, Diagram, Edge, dot_text


def test_boxes_edges_and_what_has_a_meaning_in_dot():
    x, y = Block('x"', "(2,)", ["1 & 2"]), Block("y", "()", [])
    diagram = Diagram([Box(x, 0), Box(y, 1, [Block("dJ_dy", "()", ["3"])])], [Edge('x"', "y", Block("J", "", ["4"]))])
    lines = dot_text(diagram).splitlines()
    assert lines[-4:] == [
        r'  "x\"" [label="x\"  (2,)\l1 &amp; 2\l"]',
        r'  "y" [label="y  ()\l────\ldJ_dy  ()\l3\l"]',
        r'  "x\"" -> "y" [label="J  \l4\l"]',
        "}",
    ]
