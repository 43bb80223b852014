"""A chain as a diagram: each value has a box, and each edge leads from one box to another, further right."""

import pytest

import bpcli
from bpcli.lecture.chain_diagram import chain_diagram


@pytest.mark.parametrize(("activation", "loss"), [("sigmoid", "bce"), ("identity", "mse")])
def test_every_edge_leads_from_a_box_to_one_further_right(activation, loss):
    chain = bpcli.backprop("neuron", x=[1, 2], w=[0.5, -0.25], b=0, activation=activation, loss=loss, y=1)
    diagram = chain_diagram(chain)
    columns = {box.value.name: box.column for box in diagram.boxes}
    assert {"x", "w", "b", "z", "a", "J"} <= {*columns}
    assert diagram.edges
    assert all(columns[edge.source] < columns[edge.target] for edge in diagram.edges)
