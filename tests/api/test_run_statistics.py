"""The statistics of a run: its rows are found again, wrong ones are refused, and nothing is written."""

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
        (r"linear .*, logistic .* and multinomial .* of loss hinge", {"optimizer": "lbfgs", "l2": 0.1, "epochs": 10}),
    ],
)
@pytest.mark.filterwarnings("ignore::bpcli.api.models.DataWarning")
def test_what_has_no_statistics_is_refused(table, tmp_path, said, changes):
    loss = {"model": {"type": "neuron"}, "loss": "hinge"} if "linear" in said else {}
    with pytest.raises(CheckError, match=said):
        run_statistics(trained(table, tmp_path / "run", **loss, **changes))


@pytest.mark.parametrize("of_x", ["5", "{x}", "{x}/3"])
@pytest.mark.parametrize("weight", [None, "w"])
@pytest.mark.filterwarnings("ignore::bpcli.api.models.DataWarning")
def test_targets_that_are_met_exactly_tell_of_no_errors(tmp_path, of_x, weight):
    path = tmp_path / "t.csv"
    path.write_text("x,w,y\n" + "".join(f"{x},{1 + x % 3},{eval(of_x.format(x=x))}\n" for x in range(-8, 9)))
    data = {"validation": None, "exclude": ["w"] * (weight is None), "weight": weight}
    run = trained(path, tmp_path / "run", {"type": "neuron"}, "mse", data)
    for refit in (False, True):
        with pytest.raises(CheckError, match="up to rounding"):
            run_statistics(run, refit=refit)


@pytest.mark.parametrize("l2", [0, 0.1])
@pytest.mark.parametrize(("model", "loss"), [(None, "bce"), ({"type": "softmax"}, "cce")])
@pytest.mark.filterwarnings("ignore::bpcli.api.models.DataWarning")
def test_a_class_whose_rows_have_no_weight_is_named(tmp_path, model, loss, l2):
    path = tmp_path / "t.csv"
    path.write_text("x,w,y\n" + "".join(f"{x % 5},{int(x > 7)},{'no' if x < 8 else 'yes'}\n" for x in range(20)))
    data = {"validation": None, "weight": "w"}
    run = trained(path, tmp_path / "run", model, loss, data, optimizer="newton", l2=l2)
    with pytest.raises(CheckError, match="no row whose weight is above 0 is of no:"):
        run_statistics(run, refit=True)


@pytest.fixture(scope="module")
def colours(tmp_path_factory):
    """Two tables: one with a column of three categories, one with a column that is the sum of two others."""
    rng = np.random.default_rng(7)
    x, z, color = rng.normal(size=120), rng.normal(50, 30, size=120), rng.choice(["blue", "green", "red"], 120)
    y = x + 0.03 * z - 1.5 + (color == "red") + rng.logistic(size=120) > 0
    rows = list(zip(x, z, color, np.where(y, "yes", "no"), strict=True))
    folder = tmp_path_factory.mktemp("colours")
    (folder / "t.csv").write_text("x,z,color,y\n" + "".join(f"{a},{b},{c},{d}\n" for a, b, c, d in rows))
    sums = "".join(f"{a},{b},{2 * a + b},{c},{d}\n" for a, b, c, d in rows)
    (folder / "sum.csv").write_text("x,z,sum,color,y\n" + sums)
    return folder, rows


@pytest.mark.parametrize("standardize", [False, True])
def test_categories_are_contrasts_to_the_first(colours, tmp_path, standardize):
    sm = pytest.importorskip("statsmodels.api")
    folder, rows = colours
    how = {"validation": None, "categorical": ["color"], "standardize": standardize}
    found = run_statistics(trained(folder / "t.csv", tmp_path / "run", data=how), raw=True)
    assert [c["name"] for c in found["coefficients"]] == ["x", "z", "color=green", "color=red", "bias"]
    X = np.array([[a, b, c == "green", c == "red", 1.0] for a, b, c, _ in rows], float)
    there = sm.Logit(np.array([d == "yes" for *_, d in rows], float), X).fit(disp=0, tol=1e-12)
    np.testing.assert_allclose(weights(found), np.column_stack([there.params, there.bse]), rtol=1e-6)
    dependent = trained(folder / "sum.csv", tmp_path / "sum", data=how)
    for raw in (False, True):
        with pytest.raises(CheckError, match="not determined: x, z, sum\n"):
            run_statistics(dependent, raw=raw)


@pytest.mark.parametrize("left_out", ["color", "z", "y"])
def test_other_data_names_its_file_and_what_it_lacks(colours, tmp_path, left_out):
    folder, rows = colours
    run = trained(folder / "t.csv", tmp_path / "run", data={"validation": None, "categorical": ["color"]})
    names = ["x", "z", "color", "y"]
    kept = [j for j, name in enumerate(names) if name != left_out]
    lines = [",".join(str(row[j]) for j in kept) for row in [names, *rows]]
    (tmp_path / "other.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=f"other.csv has no column {left_out}\n"):
        run_statistics(run, data=tmp_path / "other.csv")


@pytest.mark.parametrize(
    ("rows", "by"),
    [
        ("1,2,a 2,1,a 3,2,a 4,1,b 5,2,b 6,1,b", ["x"]),
        ("0,0,a 0,1,a 0,1,b 1,0,a 1,0,b 1,1,b 2,0,b 0,0,a 0,2,b", ["x", "z"]),  # both of x + z = 1, where both stand
    ],
)
def test_separated_classes_are_at_no_optimum_and_l2_is_named(bpcli, tmp_path, rows, by):
    path = tmp_path / "s.csv"
    path.write_text("x,z,y\n" + rows.replace(" ", "\n") + "\n")
    config = tmp_path / "s.yaml"
    config.write_text(
        "model: {type: neuron, activation: sigmoid}\nloss: bce\ntraining: {optimizer: newton}\n"
        "data: {path: s.csv, target: y}\n"
    )
    told = bpcli("train", config, "--output", tmp_path / "run")
    assert told.code == 0
    assert "they have no optimum" in told.err
    assert "at the optimum" not in told.out
    assert run_statistics(tmp_path / "run")["separated_by"] == by
    assert "training.l2" in bpcli("predict", tmp_path / "run", path, "--interval", "0.9").err
    held = bpcli("train", config, "--set", "training.l2=0.1", "--output", tmp_path / "held")
    assert "at the optimum" in held.out
    assert bpcli("predict", tmp_path / "held", path, "--interval", "0.9").code == 0


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
