"""The estimators pass scikit-learn's own checks, and train as the trainer does."""

import warnings

import numpy as np
import pytest
from scipy.sparse import coo_array, csc_array, csr_array, csr_matrix, dok_array

import bpcli as package
from bpcli.api.models import DataWarning
from bpcli.errors import BpcliError, ConfigError, DataError
from bpcli.formulas.solvers import SOLVERS

RNG = np.random.default_rng(7)
X = RNG.normal(size=(60, 3))
NUMBERS = X @ [1.0, -2.0, 0.5] + 3.0
TWO = np.where(X[:, 0] + RNG.normal(size=60) > 0, "yes", "no")
THREE = np.array(["a", "b", "c"])[(X[:, 1] > 0.3).astype(int) + (X[:, 2] > 0)]


@pytest.mark.parametrize(
    "estimator",
    [
        package.Neuron(),
        package.Neuron(loss="mse"),
        package.Neuron(loss="hinge", optimizer="adam", learning_rate=0.1, standardize=True),
        package.Neuron(optimizer="sgd", learning_rate=0.5, standardize=True, l2=1e-3),
        package.Softmax(),
        package.Softmax(missing="median", optimizer="newton", l2=1e-3),
    ],
    ids=repr,
)
def test_scikit_learns_own_checks(estimator):
    checks = pytest.importorskip("sklearn.utils.estimator_checks")
    equal = "check_sample_weight_equivalence_on_dense_data", "check_sample_weight_equivalence_on_sparse_data"
    known = {} if estimator.optimizer in SOLVERS else dict.fromkeys(equal, "the mini-batches are others")
    if estimator.loss == "bce" and not estimator.l2:  # scikit-learn 1.6 draws rows for them that a line separates
        known = dict.fromkeys(equal, "the loss has no least value")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = checks.check_estimator(estimator, on_skip=None, on_fail=None, expected_failed_checks=known)
    assert [(check["check_name"], check["exception"]) for check in found if check["status"] == "failed"] == []


def test_a_pipeline_and_a_grid_search_take_them():
    selection = pytest.importorskip("sklearn.model_selection")
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    pipeline = make_pipeline(StandardScaler(), package.Softmax())
    search = selection.GridSearchCV(pipeline, {"softmax__l2": [1e-3, 10.0]}, cv=3, scoring="neg_log_loss")
    search.fit(X, THREE)
    assert search.best_params_ == {"softmax__l2": 1e-3}
    assert search.score(X, THREE) > -0.8  # mean log-likelihood; without features it is below −1


def test_what_scikit_learn_makes_of_text_and_of_classifiers_takes_them():
    calibration = pytest.importorskip("sklearn.calibration")
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline

    texts = make_pipeline(TfidfVectorizer(), package.Softmax(l2=1e-3))
    texts.fit(["good film", "bad film", "so good", "so bad"], [1, 0, 1, 0])
    assert texts.predict(["good", "bad"]).tolist() == [1, 0]
    calibrated = calibration.CalibratedClassifierCV(package.Neuron(l2=0.1), cv=3)
    p = calibrated.fit(X, TWO, sample_weight=np.arange(60) % 3 + 1).predict_proba(X)
    assert np.mean(calibrated.classes_[p.argmax(axis=1)] == TWO) > 0.6


def test_the_optimum_is_that_of_scikit_learn():
    linear = pytest.importorskip("sklearn.linear_model")
    for ours, y in ((package.Neuron(l2=0.1), TWO), (package.Softmax(l2=0.1), THREE)):
        theirs = linear.LogisticRegression(C=1 / (0.1 * len(y)), tol=1e-10, max_iter=1000).fit(X, y)
        ours.fit(X, y)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-6)
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-6)
        assert ours.score(X, y) == theirs.score(X, y)
    neuron = package.Neuron(loss="mse", standardize=True).fit(X, NUMBERS)
    np.testing.assert_allclose(neuron.coef_, [1.0, -2.0, 0.5], atol=1e-7)
    assert neuron.intercept_ == pytest.approx(3.0, abs=1e-7)
    assert neuron.score(X, NUMBERS) == pytest.approx(1.0)


def test_the_weights_are_those_of_train(tmp_path):
    rows = [",".join([*map(repr, row), label]) for row, label in zip(X.tolist(), TWO, strict=True)]
    (tmp_path / "t.csv").write_text("\n".join(["x1,x2,x3,y", *rows]) + "\n")
    training = {"optimizer": "adam", "learning_rate": 0.05, "epochs": 7, "batch_size": 8, "l1": 0.01, "seed": 3}
    config = {
        "model": {"type": "neuron", "activation": "sigmoid"},
        "loss": "bce",
        "training": {**training, "class_weight": {"yes": 2, "no": 1}},
        "data": {"path": tmp_path / "t.csv", "target": "y", "standardize": True},
    }
    run = package.train(config, output=tmp_path / "run")
    mine = package.Neuron(**training, class_weight={"yes": 2, "no": 1}, standardize=True).fit(X, TWO)
    w, b = run.model.weights(raw=True)
    assert mine.coef_.tolist() == w.T.tolist()
    assert mine.intercept_.tolist() == b.tolist()
    assert mine.predict(X).tolist() == run.model.predict(X).tolist()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != ".cache") == ["run", "t.csv"]


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_frames_with_names_and_categories(library):
    frames = pytest.importorskip(library)
    colours = ["red", "blue", "red", "green"] * 15
    columns = {"size": X[:, 0].tolist(), "colour": colours}
    frame = frames.table(columns) if library == "pyarrow" else frames.DataFrame(columns)
    y = X[:, 0] + np.array([colour == "red" for colour in colours])
    neuron = package.Neuron(loss="mse", categorical=["colour"]).fit(frame, y)
    assert neuron.feature_names_in_.tolist() == ["size", "colour"]
    np.testing.assert_allclose(neuron.predict(frame), y, atol=1e-6)
    less = frames.table({"size": [1.0]}) if library == "pyarrow" else frames.DataFrame({"size": [1.0]})
    with pytest.raises(ValueError, match=r"now missing:\n- colour"):
        neuron.predict(less)


@pytest.mark.parametrize(
    ("estimator", "x", "y", "kind", "message"),
    [
        (package.Neuron(epochs=0), X, TWO, ConfigError, "^epochs: expected a whole number"),
        (package.Neuron(activation="relu"), X, TWO, ConfigError, "^loss: bce takes .* relu"),
        (package.Neuron(optimizer="sgd"), X, TWO, ConfigError, "^learning_rate is missing"),
        (package.Neuron(loss="mes"), X, NUMBERS, ConfigError, "^loss: .*did you mean mse"),
        (package.Neuron(categorical=["c"]), X, TWO, ConfigError, "^categorical: .* no column c"),
        (package.Neuron(), X, THREE, DataError, "Only binary classification"),
        (package.Softmax(), X, NUMBERS, DataError, "Unknown label type: continuous"),
        (package.Softmax(), X[:5], THREE, DataError, "X has 5 rows and y has 60"),
        (
            package.Neuron(),
            {"a": [1.0, np.nan], "b": [1, 2]},
            [0, 1],
            DataError,
            "row 2: column a: the cell is missing",
        ),
        (package.Neuron(), {"a": ["u", "v"], "b": [1, 2]}, [0, 1], DataError, "'u' is not a number"),
    ],
)
def test_errors_speak_of_parameters(estimator, x, y, kind, message):
    with pytest.raises(kind, match=message) as caught:
        estimator.fit(x, y)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, BpcliError)
    for word in ("config", "training.", "data.", "model.", "--"):
        assert word not in str(caught.value)


@pytest.mark.parametrize(
    ("estimator", "y"),
    [
        (package.Neuron(l2=0.01), TWO),
        (package.Neuron(loss="mse", optimizer="newton"), NUMBERS),
        (package.Softmax(l2=0.01), THREE),
        (package.Neuron(optimizer="adam", learning_rate=0.1, batch_size="full", l1=0.01), TWO),
    ],
    ids=repr,
)
def test_a_row_of_weight_n_is_n_rows(estimator, y):
    weights = np.arange(60) % 4
    rows = np.repeat(np.arange(60), weights)
    estimator.fit(X, y, sample_weight=weights)
    found, score = [estimator.coef_, estimator.intercept_], estimator.score(X, y, sample_weight=weights)
    estimator.fit(X[rows], y[rows])
    for mine, repeated in zip(found, [estimator.coef_, estimator.intercept_], strict=True):
        np.testing.assert_allclose(mine, repeated, rtol=1e-6, atol=1e-7)
    assert score == pytest.approx(estimator.score(X[rows], y[rows]), rel=1e-6)
    for wrong in (weights[:5], np.zeros(60), -weights, np.full(60, np.nan), ["x"] * 60):
        with pytest.raises(DataError, match=r"(?i)weight"):
            estimator.fit(X, y, sample_weight=wrong)
    with pytest.raises(DataError, match=r"^sample_weight: row 2 has -1; a weight is"):
        estimator.fit(X, y, sample_weight=-weights)


@pytest.mark.parametrize("form", [csr_array, coo_array, csc_array, csr_matrix, dok_array])
def test_sparse_rows_are_the_dense_ones(form):
    zeros = np.where(abs(X) < 0.7, 0.0, X)
    sparse, dense = (package.Softmax(l2=0.01).fit(given, THREE) for given in (form(zeros), zeros))
    np.testing.assert_allclose(sparse.coef_, dense.coef_, rtol=1e-6, atol=1e-8)
    for fitted in (sparse, dense):
        p = fitted.predict_proba(zeros)
        np.testing.assert_allclose(fitted.predict_proba(form(zeros)), p, rtol=1e-12)
    with pytest.raises(DataError, match="X is sparse"):
        package.Softmax(standardize=True).fit(form(zeros), THREE)


def test_what_is_not_there():
    neuron = package.Neuron(loss="mse")
    assert not hasattr(neuron, "predict_proba")
    assert not hasattr(package.Neuron(loss="hinge"), "predict_proba")
    with pytest.raises(ValueError, match="not fitted yet"):
        neuron.predict(X)
    with pytest.raises(ValueError, match="no parameter 'C'"):
        neuron.set_params(C=1)
    with pytest.warns(DataWarning, match="epochs were used up"):
        package.Neuron(epochs=1).fit(X, TWO)
