"""Pictures stay as they were when they were looked at: each is compared with the one in `pictures/`, pixel by pixel.

A picture that is changed on purpose is deleted there; the test draws it anew, fails once, and it is to be looked at.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from bpcli.api.chains import backprop
from bpcli.lecture.chain_diagram import chain_diagram

matplotlib = pytest.importorskip("matplotlib")

DRAWN_BY = "3.11."  # others set text and ticks a little differently
TOLERANCE = 0.5  # root mean square of the differences, of 255
CONFIGS = Path(__file__).parents[2] / "configs"
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

LONG = "a class of an especially long name of number {}"
RUNS = {
    "iris": ("iris", {}),
    "diabetes": ("diabetes", {"training.epochs": 20}),
    "optimum": ("iris", {"training.optimizer": "newton", "data.features": "[sepal_length]"}),
    "digits": ("digits", {"training.epochs": 5}),
    "tumours": ("breast_cancer", {"data.features": "[mean_radius]", "model.threshold": 0.3}),
}
VIEWS_OF_RUNS = {
    "overview": ("iris", []),
    "curves_log": ("diabetes", ["--show", "curves", "--log", "--title", "A title of so many words that it takes " * 2]),
    "fit": ("diabetes", ["--show", "boundary"]),
    "fit_of_two": ("diabetes", ["--show", "boundary", "--features", "bmi,s5"]),
    "probability": ("tumours", ["--show", "boundary"]),
    "weights_images": ("digits", ["--show", "weights"]),
    "weights_intervals": ("optimum", ["--show", "weights"]),
    "confusion_of_ten": ("digits", ["--show", "confusion"]),
    "roc": ("tumours", ["--show", "roc"]),
    "roc_of_folds": ("iris", ["--show", "roc", "--folds", "3"]),
    "pr_of_ten": ("digits", ["--show", "pr"]),
    "pr_of_folds": ("tumours", ["--show", "pr", "--folds", "4"]),
    "calibration": ("tumours", ["--show", "calibration"]),
    "calibration_of_folds": ("tumours", ["--show", "calibration", "--folds", "4"]),
    **{f"long_{view}": ("long", ["--show", view]) for view in ("boundary", "confusion", "weights", "roc")},
}

pytestmark = pytest.mark.skipif(not matplotlib.__version__.startswith(DRAWN_BY), reason="drawn by another Matplotlib")


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


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The runs that are drawn, by name; all were trained on one day."""
    from bpcli import train

    folder = tmp_path_factory.mktemp("runs")
    rng = np.random.default_rng(0)
    z = rng.normal(size=(200, 2))
    names = ["the_mean_of_a_quantity_that_has_a_long_name", "price in $ of a thing and $ of another"]
    rows = [f"{a:.3f},{b:.3f},{LONG.format(int(a > 0) + 2 * int(b > 0))}" for a, b in z]
    (folder / "long.csv").write_text("\n".join([",".join([*names, "class"]), *rows]))
    data = "data: {path: long.csv, target: class}"
    long = f"model: {{type: softmax}}\nloss: cce\ntraining: {{learning_rate: 1, epochs: 5}}\n{data}\n"
    (folder / "long.yaml").write_text(long)
    for name, (config, settings) in {**RUNS, "long": (folder / "long.yaml", {})}.items():
        path = config if isinstance(config, Path) else CONFIGS / f"{config}.yaml"
        train(path, settings=[f"{key}={value}" for key, value in settings.items()], output=folder / name)
        os.utime(folder / name / "model.npz", (1_700_000_000, 1_700_000_000))
    return folder


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", VIEWS_OF_RUNS)
def test_a_picture_of_a_run(bpcli, tmp_path, runs, name):
    of, options = VIEWS_OF_RUNS[name]
    file = tmp_path / f"{name}.png"
    assert bpcli("plot", runs / of, *options, "--dpi", "60", "--output", file).code == 0
    compare(name, file)
