"""Pictures stay as they were when they were looked at: each is compared with the one in `pictures/`, pixel by pixel.

A picture that is changed on purpose is deleted there; the test draws it anew, fails once, and it is to be looked at.
"""

from pathlib import Path

import pytest

from bpcli.api.chains import backprop
from bpcli.lecture.chain_diagram import chain_diagram

matplotlib = pytest.importorskip("matplotlib")

DRAWN_BY = "3.11."  # others set text and ticks a little differently
TOLERANCE = 0.5  # root mean square of the differences, of 255
FOLDER = Path(__file__).parent / "pictures"
PLOTS = {
    "diverging": ["x**2+y**2", "--at", "2,1", "--lr", "1.1"],
    "valley": ["(1-x)**2+100*(y-x**2)**2", "--at=-1,1", "--lr", "0.001", "--steps", "300"],
    "field": ["sin(x)*cos(y)", "--field"],
    "surface": ["x**2+y**2", "--kind", "surface", "--at", "1,1", "--lr", "0.01", "--steps", "300"],
    "curve": ["x**4-3*x**2+x", "--at", "2", "--lr", "0.01", "--steps", "300"],
    "pole": ["1/x", "--range", "x=-4:4", "--at", "1"],
}
CHAINS = {
    "chain": ("neuron", {"x": [1, 2], "w": [0.5, -0.25], "b": 0.5, "activation": "sigmoid", "loss": "bce", "y": 1}),
    "chain_of_batch": ("softmax", {"x": [[1, 2], [3, 4]], "w": [[0.1, 0.2], [0.3, 0.4]], "b": [0, 0], "label": [1, 0]}),
}

pytestmark = pytest.mark.skipif(not matplotlib.__version__.startswith(DRAWN_BY), reason="another Matplotlib")


def compare(name, drawn):
    from matplotlib.testing.compare import compare_images

    expected = FOLDER / f"{name}.png"
    if not expected.exists():
        expected.write_bytes(drawn.read_bytes())
        pytest.fail(f"{expected} is new: look at it")
    assert compare_images(str(expected), str(drawn), TOLERANCE) is None


@pytest.mark.parametrize("name", PLOTS)
def test_a_picture_of_an_expression(bpcli, tmp_path, name):
    file = tmp_path / f"{name}.png"
    assert bpcli("plot", *PLOTS[name], "--dpi", "60", "--output", file).code == 0
    compare(name, file)


@pytest.mark.parametrize("name", CHAINS)
def test_a_picture_of_a_chain(tmp_path, name):
    from bpcli.plots.diagrams import draw
    from bpcli.plots.style import drawing, write_figure

    layer, values = CHAINS[name]
    file = tmp_path / f"{name}.png"
    with drawing():
        write_figure(draw(chain_diagram(backprop(layer, **values))), file, False, 60)
    compare(name, file)
