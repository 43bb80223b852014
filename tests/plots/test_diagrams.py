"""A diagram as a picture: every text of it is drawn."""

import pytest

from bpcli.text.diagram import Block, Box, Diagram, Edge


def test_all_texts_are_in_the_picture():
    pytest.importorskip("matplotlib")
    from bpcli.plots.diagrams import draw

    below = [Block("dJ_dx", "(1,)", ["-7"])]
    boxes = [Box(Block("x", "(1,)", ["5"]), 0, below), Box(Block("J", "()", ["25"]), 1)]
    figure = draw(Diagram(boxes, [Edge("x", "J", Block("dJ/dx", "(1,)", ["10"]))], "a caption"))
    written = "\n".join(text.get_text() for text in figure.findobj(match=lambda artist: hasattr(artist, "get_text")))
    for word in ("x", "J", "dJ_dx", "-7", "25", "10", "a caption"):
        assert word in written
