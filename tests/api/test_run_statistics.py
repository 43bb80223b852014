"""The statistics of a run: where its rows are, when they are refused, and that nothing is written."""

import numpy as np
import pytest

from bpcli.api.models import train
from bpcli.api.run_statistics import OffOptimumError, run_statistics
from bpcli.errors import CheckError, DataError


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    rng = np.random.default_rng(4)
    p, q = rng.normal(size=80), rng.normal(3, 2, size=80)
    y = p + 0.2 * q + rng.logistic(size=80) > 0.5
    path = tmp_path_factory.mktemp("data") / "t.csv"
    path.write_text("p,q,y\n" + "".join(f"{a},{b},{'yes' if c else 'no'}\n" for a, b, c in zip(p, q, y, strict=True)))
    return path


def trained(path, folder, model=None, loss="bce", data=None, **training):
    train(
        {
            "model": model or {"type": "neuron", "activation": "sigmoid"},
            "loss": loss,
            "training": training or {"optimizer": "newton"},
            "data": {"path": str(path), "target": "y", "validation": 0.2, **(data or {})},
        },
        output=folder,
    )
    return folder


def weights(found):
    return [(c["weight"], c["std_error"]) for c in found["coefficients"]]


def test_a_refit_gets_where_newton_does_and_writes_nothing(table, tmp_path):
    at = trained(table, tmp_path / "at")
    off = trained(table, tmp_path / "off", data={"standardize": True}, learning_rate=0.1, epochs=3)
    before = {path: path.read_bytes() for path in off.iterdir()}
    with pytest.raises(OffOptimumError, match="standard errors from it"):
        run_statistics(off)
    found = run_statistics(off, refit=True, raw=True)
    np.testing.assert_allclose(weights(found), weights(run_statistics(at)), rtol=1e-9)
    assert found["optimum"]["reached"]
    assert {path: path.read_bytes() for path in off.iterdir()} == before


def test_rows_that_are_gone_or_changed_are_asked_for(table, tmp_path):
    own, kept = tmp_path / "own.csv", tmp_path / "kept.csv"
    for path in (own, kept):
        path.write_text(table.read_text())
    run = trained(own, tmp_path / "run")
    expected = weights(run_statistics(run))
    own.write_text(table.read_text().replace("yes", "no", 1))
    with pytest.raises(DataError, match=r"has changed since the training[^$]*data FILE"):
        run_statistics(run)
    own.unlink()
    with pytest.raises(DataError, match="data FILE"):
        run_statistics(run)
    assert weights(run_statistics(run, data=kept)) == expected


@pytest.mark.parametrize(
    ("said", "changes"),
    [
        ("under l1", {"optimizer": "newton", "l1": 0.01}),
        ("linear, logistic and multinomial", {"optimizer": "lbfgs", "l2": 0.1}),
    ],
)
@pytest.mark.filterwarnings("ignore::bpcli.api.models.DataWarning")
def test_what_has_no_statistics_is_refused(table, tmp_path, said, changes):
    loss = {"model": {"type": "neuron"}, "loss": "hinge"} if "linear" in said else {}
    with pytest.raises(CheckError, match=said):
        run_statistics(trained(table, tmp_path / "run", **loss, **changes))


def test_separated_classes_are_refused_in_every_format(bpcli, root, tmp_path):
    run = tmp_path / "all"
    bpcli("train", root / "configs/breast_cancer.yaml", "--set", "training.l2=0", "--quiet", "--output", run)
    told = bpcli("inspect", run, "--stats", "--refit", "--format", "json")
    assert told.code == 1
    (record,) = told.json
    assert record["coefficients"] is None
    assert len(record["separated_by"]) > 5
    text = bpcli("inspect", run, "--stats")
    assert (text.code, text.out) == (1, "")
    assert record["separated_by"][0] in text.err


def test_the_table_fits_80_columns_and_csv_has_all(bpcli, root, tmp_path):
    run = tmp_path / "few"
    features = "data.features=[error_fractal_dimension,worst_concave_points,mean_texture]"
    how = ["--set", features, "--set", "training.optimizer=newton", "--set", "training.l2=0"]
    bpcli("train", root / "configs/breast_cancer.yaml", *how, "--quiet", "--output", run)
    for options in ([], ["--raw"], ["--robust"], ["--raw", "--robust"]):
        shown = bpcli("inspect", run, "--stats", *options)
        assert shown.code == 0
        assert max(map(len, shown.lines)) <= 80
    (record,) = bpcli("inspect", run, "--stats", "--raw", "--format", "json").json
    header, first, *_ = bpcli("inspect", run, "--stats", "--raw", "--format", "csv").lines
    assert header.split(",") == [*record["coefficients"][0]]
    assert float(first.split(",")[2]) == record["coefficients"][0]["weight"]
    assert bpcli("inspect", run, "--refit").code == 2
