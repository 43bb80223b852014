"""The statistics of models at their optimum, against statsmodels and the figures of published data."""

import numpy as np
import pytest

from bpcli.training.config.loading import config_from_mapping
from bpcli.training.inference.fit import Fit, Rows
from bpcli.training.inference.model_statistics import coefficients_of, dependent, statistics
from bpcli.training.setup import prepare

LINEAR = {"model": {"type": "neuron"}, "loss": "mse"}
LOGISTIC = {"model": {"type": "neuron", "activation": "sigmoid"}, "loss": "bce"}
MULTINOMIAL = {"model": {"type": "softmax"}, "loss": "cce"}


def fitted(kind, path, target, training=None, in_files=False, moved=0.0, **data):
    config = config_from_mapping(
        {
            **kind,
            "training": {"optimizer": "newton", **(training or {})},
            "data": {"path": str(path), "target": target, **data},
        }
    )
    training = prepare(config, in_files=in_files)
    part = training.parts["train"]
    training.model.w[...] += moved
    fit = Fit(training.model, Rows(part.X, part.y, part.weights), config.training.l2)
    assert fit.solve()
    return fit


def of(found, key):
    return [c[key] for c in found["coefficients"]]


def assert_close(found, expected, rel=1e-8):
    np.testing.assert_allclose(np.array(found, float), np.array(expected, float), rtol=rel)


@pytest.mark.parametrize("standardize", [False, True])
def test_breast_cancer(root, standardize):
    features = ["mean_radius", "mean_texture", "mean_smoothness", "mean_symmetry"]
    fit = fitted(LOGISTIC, root / "data/breast_cancer.csv", "diagnosis", features=features, standardize=standardize)
    found = statistics(fit, coefficients_of(fit, raw=True), robust=False)
    assert_close(of(found, "weight"), [1.39379229, 0.383850487, 116.739254, 27.4344754, -44.2881092])
    assert_close(of(found, "std_error"), [0.155289242, 0.0582041343, 20.8297489, 10.1272813, 4.73220888])
    assert_close([found["log_likelihood"], found["aic"]], [-89.82538946, 189.650779])
    robust = statistics(fit, coefficients_of(fit, raw=True), robust=True)
    assert_close(of(robust, "std_error"), [0.13733867, 0.05532398, 20.1368005, 12.2087951, 4.60403401], 1e-7)


def test_iris(root):
    fit = fitted(MULTINOMIAL, root / "data/iris.csv", "species", features=["sepal_length"])
    found = statistics(fit, coefficients_of(fit, raw=True), robust=False)
    slopes = [c for c in found["coefficients"] if c["name"] == "sepal_length"]
    assert (found["base"], [c["class"] for c in slopes]) == ("setosa", ["versicolor", "virginica"])
    assert_close([c["weight"] for c in slopes], [4.81569109, 6.84639860])
    assert_close([c["std_error"] for c in slopes], [0.90683797, 1.02222266])
    assert_close(found["log_likelihood"], -91.0339664)


def test_diabetes(root):
    features = ["age", "sex", "bmi", "bp"]
    fit = fitted(LINEAR, root / "data/diabetes.csv", "progression", features=features)
    found = statistics(fit, coefficients_of(fit, raw=True), robust=False)
    assert_close([found["r2"], found["f"]], [0.40026101, 72.9125777], 2e-8)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Two numbers, one of them far from 0, a category, weights, and a target of each kind."""
    rng = np.random.default_rng(11)
    N = 120
    p, q, c = rng.normal(size=N), 2000 + 5 * rng.normal(size=N), rng.integers(0, 3, N)
    z = 0.8 * p - 0.1 * (q - 2000) + np.array([0.0, 0.7, -0.5])[c] + rng.logistic(size=N)
    three = np.digitize(z + rng.logistic(size=N), [-1.0, 1.0])
    omega = np.where(rng.random(N) < 0.1, 0.0, rng.uniform(0.5, 2.0, N))
    path = tmp_path_factory.mktemp("data") / "table.csv"
    lines = ["p,q,c,w,y,two,three"]
    lines += [
        f"{p[i]!r},{q[i]!r},{'abc'[c[i]]},{omega[i]!r},{z[i]!r},{'no' if z[i] < 0 else 'yes'},{'lmh'[three[i]]}"
        for i in range(N)
    ]
    path.write_text("\n".join(lines).replace("np.float64(", "").replace(")", ""))
    design = np.column_stack([p, q, c == 1, c == 2, np.ones(N)]).astype(float)
    return path, design, z, (z > 0).astype(float), three, omega


DATA = {"categorical": ["c"]}


@pytest.mark.parametrize("units", [{}, {"standardize": True}, {"scale": 3.0}], ids=str)
@pytest.mark.parametrize("cov", ["nonrobust", "HC0", "HC1"])
def test_a_linear_model_is_that_of_statsmodels(table, units, cov):
    sm = pytest.importorskip("statsmodels.api")
    path, X, y, *_ = table
    fit = fitted(LINEAR, path, "y", features=["p", "q", "c"], **DATA, **units)
    found = statistics(fit, coefficients_of(fit, raw=True), robust=cov != "nonrobust")
    assert [c["name"] for c in found["coefficients"]] == ["p", "q", "c=b", "c=c", "bias"]
    assert found["base_categories"] == ["c=a"]
    theirs = sm.OLS(y, X).fit(cov_type=cov)
    assert_close(of(found, "weight"), theirs.params)
    assert_close(of(found, "std_error_hc1" if cov == "HC1" else "std_error"), theirs.bse)
    if cov != "HC1":
        assert_close(of(found, "t" if cov == "nonrobust" else "z"), theirs.tvalues)
        assert_close(of(found, "p_value"), theirs.pvalues, 1e-7)
        assert_close(list(zip(of(found, "low"), of(found, "high"), strict=True)), theirs.conf_int())
        assert_close([found["f"], found["f_p_value"]], [theirs.fvalue, theirs.f_pvalue], 1e-6)
    measures = ("log_likelihood", "aic", "bic", "r2", "deviance", "residual_std_error", "df_residual")
    assert_close(
        [found[key] for key in measures],
        [theirs.llf, theirs.aic, theirs.bic, theirs.rsquared, theirs.ssr, theirs.mse_resid**0.5, theirs.df_resid],
    )
    assert_close(found["condition_number"], theirs.condition_number, 1e-7)
    from statsmodels.stats.outliers_influence import variance_inflation_factor

    assert_close(list(found["vif"].values()), [variance_inflation_factor(X, j) for j in range(4)], 1e-7)


@pytest.mark.parametrize("robust", [False, True])
def test_a_logistic_model_is_that_of_statsmodels(table, robust):
    sm = pytest.importorskip("statsmodels.api")
    path, X, _, y, *_ = table
    fit = fitted(LOGISTIC, path, "two", features=["p", "q", "c"], standardize=True, **DATA)
    found = statistics(fit, coefficients_of(fit, raw=True), robust)
    theirs = sm.GLM(y, X, sm.families.Binomial()).fit(tol=1e-14, cov_type="HC0" if robust else "nonrobust")
    assert_close(of(found, "weight"), theirs.params)
    assert_close(of(found, "std_error"), theirs.bse)
    assert_close(of(found, "p_value"), theirs.pvalues, 1e-7)
    assert_close(of(found, "odds_ratio"), np.exp(theirs.params), 1e-7)
    assert_close(
        [found[key] for key in ("log_likelihood", "null_log_likelihood", "deviance", "aic")],
        [theirs.llf, theirs.llnull, theirs.deviance, theirs.aic],
    )
    logit = sm.Logit(y, X).fit(disp=0)
    assert_close([found["mcfadden_r2"], found["bic"]], [logit.prsquared, logit.bic])


def test_a_multinomial_model_is_that_of_statsmodels(table):
    sm = pytest.importorskip("statsmodels.api")
    path, X, _, _, three, _ = table
    fit = fitted(MULTINOMIAL, path, "three", features=["p", "q", "c"], **DATA)
    found = statistics(fit, coefficients_of(fit, raw=True), robust=False)
    order = {"h": 0, "l": 1, "m": 2}
    y = np.array([order["lmh"[k]] for k in three])
    X = X.copy()
    X[:, 1] -= 2000.0  # statsmodels does not get to the optimum otherwise
    theirs = sm.MNLogit(y, X).fit(method="newton", maxiter=50, tol=1e-14, disp=0)
    errors, weights = np.array(of(found, "std_error")).reshape(2, 5), np.array(of(found, "weight")).reshape(2, 5)
    assert_close(weights[:, :4], theirs.params.T[:, :4])
    assert_close(errors[:, :4], theirs.bse.T[:, :4])
    assert_close(
        [found["log_likelihood"], found["null_log_likelihood"], found["aic"]], [theirs.llf, theirs.llnull, theirs.aic]
    )


def test_weights_make_it_a_sandwich(table):
    sm = pytest.importorskip("statsmodels.api")
    path, X, y, _, _, omega = table
    fit = fitted(LINEAR, path, "y", features=["p", "q", "c"], weight="w", **DATA)
    found = statistics(fit, coefficients_of(fit, raw=True), robust=False)
    assert found["covariance"] == "sandwich"
    counted = omega > 0
    assert found["rows"] == counted.sum()
    theirs = sm.WLS(y[counted], X[counted], weights=omega[counted] / omega[counted].mean()).fit(cov_type="HC0")
    assert_close(of(found, "weight"), theirs.params)
    assert_close(of(found, "std_error"), theirs.bse)
    assert_close(of(found, "std_error_hc1"), theirs.get_robustcov_results("HC1").bse)
    assert_close(of(found, "p_value"), theirs.pvalues, 1e-7)
    assert_close([found["f"], found["f_p_value"]], [theirs.fvalue, theirs.f_pvalue], 1e-6)
    measures = ("log_likelihood", "aic", "bic", "r2", "deviance", "residual_std_error", "df_model", "df_residual")
    fit_of_theirs = [theirs.llf, theirs.aic, theirs.bic, theirs.rsquared, theirs.ssr, theirs.mse_resid**0.5]
    assert_close([found[key] for key in measures], [*fit_of_theirs, theirs.df_model, theirs.df_resid])


@pytest.mark.parametrize("weight", [None, "w"])
@pytest.mark.parametrize("in_files", [False, True])
@pytest.mark.parametrize("moved", [0.0, 0.5])
def test_a_robust_f_depends_on_no_start_and_no_place(table, weight, in_files, moved, tmp_path, monkeypatch):
    sm = pytest.importorskip("statsmodels.api")
    monkeypatch.chdir(tmp_path)
    path, X, y, _, _, omega = table
    fit = fitted(LINEAR, path, "y", None, in_files, moved, features=["p", "c"], weight=weight, **DATA)
    found = statistics(fit, coefficients_of(fit, raw=True), robust=True)
    omega = np.ones(len(y)) if weight is None else omega
    counted = omega > 0
    theirs = sm.WLS(y[counted], X[counted][:, [0, 2, 3, 4]], weights=omega[counted]).fit(cov_type="HC0")
    assert_close(of(found, "std_error"), theirs.bse)
    assert_close([found["f"], found["f_p_value"]], [theirs.fvalue, theirs.f_pvalue], 1e-7)
    if weight is None:
        assert_close(found["condition_number"], theirs.condition_number, 1e-7)


@pytest.mark.parametrize("kind", [LOGISTIC, MULTINOMIAL], ids=["sigmoid", "softmax of two"])
def test_weighted_classes_are_those_of_statsmodels(table, kind):
    sm = pytest.importorskip("statsmodels.api")
    path, X, _, y, _, omega = table
    fit = fitted(kind, path, "two", features=["p", "q", "c"], weight="w", **DATA)
    found = statistics(fit, coefficients_of(fit, raw=True), robust=False)
    counted = omega > 0
    shares = omega[counted] / omega[counted].mean()
    theirs = sm.GLM(y[counted], X[counted], sm.families.Binomial(), var_weights=shares).fit(tol=1e-14, cov_type="HC0")
    assert_close(of(found, "weight"), theirs.params)
    assert_close(of(found, "std_error"), theirs.bse)
    assert_close(of(found, "p_value"), theirs.pvalues, 1e-7)
    assert_close(list(zip(of(found, "low"), of(found, "high"), strict=True)), theirs.conf_int())
    assert_close(
        [found[key] for key in ("log_likelihood", "null_log_likelihood", "deviance", "aic", "bic", "mcfadden_r2")],
        [theirs.llf, theirs.llnull, theirs.deviance, theirs.aic, theirs.bic_llf, 1 - theirs.llf / theirs.llnull],
    )


def test_a_robust_multinomial_model_is_that_of_statsmodels(table):
    sm = pytest.importorskip("statsmodels.api")
    path, X, _, _, three, _ = table
    fit = fitted(MULTINOMIAL, path, "three", features=["p", "c"], **DATA)
    found = statistics(fit, coefficients_of(fit, raw=True), robust=True)
    y = np.array([1, 2, 0])[three]  # h, l, m
    theirs = sm.MNLogit(y, X[:, [0, 2, 3, 4]]).fit(method="newton", maxiter=50, tol=1e-14, disp=0, cov_type="HC0")
    assert_close(np.array(of(found, "weight")).reshape(2, 4), theirs.params.T)
    assert_close(np.array(of(found, "std_error")).reshape(2, 4), theirs.bse.T)


@pytest.mark.parametrize("robust", [False, True])
def test_a_logistic_model_under_l2_is_that_of_its_formulas(table, robust):
    path, X, _, y, *_ = table
    l2, N = 0.05, len(y)
    fit = fitted(LOGISTIC, path, "two", {"l2": l2}, features=["p", "q"], standardize=True)
    found = statistics(fit, coefficients_of(fit, raw=False), robust)
    Z = X[:, [0, 1, 4]]
    Z[:, :2] = (Z[:, :2] - Z[:, :2].mean(0)) / Z[:, :2].std(0)
    penalty, w = N * l2 * np.diag([1.0, 1.0, 0.0]), np.zeros(3)
    for _ in range(50):
        p = 1 / (1 + np.exp(-Z @ w))
        information = Z.T @ (Z * (p * (1 - p))[:, None])
        H = information + penalty
        w -= np.linalg.solve(H, Z.T @ (p - y) + penalty @ w)
    middle = Z.T @ (Z * ((p - y) ** 2)[:, None]) if robust else information
    inverse, edf = np.linalg.inv(H), np.trace(np.linalg.solve(H, information))
    likelihood = np.sum(np.where(y, np.log(p), np.log1p(-p)))
    assert_close(of(found, "weight"), w)
    assert_close(of(found, "std_error"), np.sqrt(np.diag(inverse @ middle @ inverse)))
    measures = ("log_likelihood", "deviance", "aic", "bic", "effective_parameters")
    expected = [likelihood, -2 * likelihood, 2 * edf - 2 * likelihood, np.log(N) * edf - 2 * likelihood, edf]
    assert_close([found[key] for key in measures], expected)


def test_l2_withholds_intervals_and_takes_the_sandwich_of_the_penalty(table):
    path, X, y, *_ = table
    fit = fitted(LINEAR, path, "y", {"l2": 0.3}, features=["p", "q"], standardize=True)
    found = statistics(fit, coefficients_of(fit, raw=False), robust=False)
    N = len(y)
    Z = X[:, [0, 1, 4]]
    Z[:, :2] = (Z[:, :2] - Z[:, :2].mean(0)) / Z[:, :2].std(0)
    information = Z.T @ Z
    H = information + np.diag([0.3 * N / 2] * 2 + [0.0])  # 2ZᵀZ/N + l2, times N/2
    w = np.linalg.solve(H, Z.T @ y)
    edf = np.trace(np.linalg.solve(H, information))
    variance = np.sum((y - Z @ w) ** 2) / (N - edf)
    inverse = np.linalg.inv(H)
    assert_close(of(found, "weight"), w)
    assert_close(of(found, "std_error"), np.sqrt(np.diag(inverse @ information @ inverse) * variance))
    assert_close(found["effective_parameters"], edf)
    assert {*of(found, "p_value"), *of(found, "low"), *of(found, "t")} == {None}
    assert "l2" in found["withheld"]


def test_a_weighted_softmax_under_l2_is_that_of_its_formulas(table):
    """All K outputs, with one bias fixed: under l2 the weights have one optimum."""
    path, X, _, _, three, omega = table
    l2, K = 0.05, 3
    fit = fitted(MULTINOMIAL, path, "three", {"l2": l2}, features=["p", "q"], standardize=True, weight="w")
    found = statistics(fit, coefficients_of(fit, raw=False), robust=False)
    Z = X[:, [0, 1, 4]]
    counted = omega > 0
    shares = omega / omega[counted].mean()
    Z[:, :2] = (Z[:, :2] - Z[:, :2].mean(0)) / Z[:, :2].std(0)
    Z, shares, Y = Z[counted], shares[counted], np.eye(K)[np.array([1, 2, 0])[three]][counted]  # h, l, m
    N, free = len(Z), np.arange(3 * K) != 2 * K  # w row by row, then b, of which the first stays 0
    penalty, theta = N * l2 * np.diag(np.arange(3 * K) < 2 * K).astype(float), np.zeros(3 * K)
    for _ in range(50):
        p = np.exp(Z @ theta.reshape(3, K))
        p /= p.sum(axis=1, keepdims=True)
        slopes = (Z[:, :, None] * ((p - Y) * shares[:, None])[:, None, :]).reshape(N, -1)
        of_z = (np.eye(K) * p[:, :, None] - p[:, :, None] * p[:, None, :]) * shares[:, None, None]
        information = np.einsum("ni,nj,nkl->ikjl", Z, Z, of_z).reshape(3 * K, 3 * K)[np.ix_(free, free)]
        H = information + penalty[np.ix_(free, free)]
        theta[free] -= np.linalg.solve(H, (slopes.sum(axis=0) + penalty @ theta)[free])
    inverse = np.zeros((3 * K, 3 * K))
    inverse[np.ix_(free, free)] = np.linalg.inv(H)
    against = np.kron(np.eye(3), [[-1, 1, 0], [-1, 0, 1]])
    V = against @ inverse @ (slopes.T @ slopes) @ inverse @ against.T
    edf, likelihood = np.trace(np.linalg.solve(H, information)), shares @ np.log((p * Y).sum(axis=1))
    assert_close(np.array(of(found, "weight")).reshape(2, 3).T.reshape(-1), against @ theta)
    assert_close(np.array(of(found, "std_error")).reshape(2, 3).T.reshape(-1), np.sqrt(np.diag(V)))
    measures = ("log_likelihood", "deviance", "aic", "bic", "effective_parameters")
    expected = [likelihood, -2 * likelihood, 2 * edf - 2 * likelihood, np.log(N) * edf - 2 * likelihood, edf]
    assert_close([found[key] for key in measures], expected)


def test_columns_that_depend_on_each_other_are_named(table, tmp_path):
    path, *_ = table
    lines = path.read_text().splitlines()
    (tmp_path / "more.csv").write_text(
        "\n".join([f"{lines[0]},d,k"] + [f"{line},{2 * float(line.split(',')[0]) + 1},7" for line in lines[1:]])
    )
    for features, expected in ((["p", "q", "d"], ["p", "d"]), (["p", "k"], ["k"]), (["p", "q"], [])):
        fit = fitted(LINEAR, tmp_path / "more.csv", "y", features=features)
        assert dependent(fit, coefficients_of(fit, raw=True)) == expected
