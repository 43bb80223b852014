"""A thing to choose from is a row in a table, and nothing else: rows that are added here work everywhere."""

from dataclasses import replace

import numpy as np
import pytest

from bpcli.calculus.rules.function_rows import unary
from bpcli.calculus.rules.functions import FUNCTIONS
from bpcli.datasets.reading import READERS
from bpcli.formulas.activations import ACTIVATIONS, Activation
from bpcli.formulas.choices import BETWEEN_0_AND_1, FROM_0_TO_1, REALS, Interval, Kink, Setting, Task
from bpcli.formulas.losses import LOSSES, Loss
from bpcli.formulas.optimizers import OPTIMIZERS, Optimizer
from bpcli.formulas.schedules import SCHEDULES, Schedule
from bpcli.numbers.namespaces import namespace
from bpcli.training.metrics import METRICS, Metric

BENT = Activation(  # with a kink off the origin: slope 1/2 up to 1, then 2
    "bent",
    lambda z: namespace(z).where(z >= 1, 2.0 * z - 1.5, 0.5 * z),
    lambda z: namespace(z).where(z >= 1, 2.0, 0.5 + 0.0 * z),
    "where(z>=1, 2*z-3/2, z/2)",
    "where(z>=1, 2, 1/2)",
    kinks=lambda: (Kink(1.0, 0.5, 2.0),),
)
CLIPPED = (
    Activation(  # with two kinks, at both of which the slope is that of the middle: no rule of its formula says so
        "clipped",
        lambda z: namespace(z).where(z > 1.0, 1.0, namespace(z).where(z < -1.0, -1.0, z)),
        lambda z: namespace(z).where(abs(z) <= 1.0, 1.0, 0.0 * z),
        "clip(z, -1, 1)",
        "where(abs(z)<=1, 1, 0)",
        kinks=lambda: (Kink(-1.0, 0.0, 1.0), Kink(1.0, 1.0, 0.0)),
    )
)
SQUASH = Activation(  # smooth, with a setting: Cauchy's distribution function, between 0 and 1
    "squash",
    lambda z, steep=1.0: 0.5 + namespace(z, steep).arctan(steep * z) / np.pi,
    lambda z, steep=1.0: steep / (np.pi * (1.0 + (steep * z) * (steep * z))),
    "1/2+atan(steep*z)/pi",
    "steep/(pi*(1+(steep*z)**2))",
    range=BETWEEN_0_AND_1,
    settings={"steep": Setting(1.0, above=0.0)},
    by_setting={"steep": lambda z, steep=1.0: z / (np.pi * (1.0 + (steep * z) * (steep * z)))},
)
SHRUNK = Activation(  # with kinks where a setting puts them, and flat between them, where weights of 0 are
    "shrunk",
    lambda z, width=0.5: z - namespace(z, width).where(abs(z) > width, namespace(z).where(z > 0, width, -width), z),
    lambda z, width=0.5: namespace(z, width).where(abs(z) > width, 1.0, 0.0 * z),
    "where(abs(z)>width, z-width*sign(z), 0)",
    "where(abs(z)>width, 1, 0)",
    kinks=lambda width=0.5: (Kink(-width, 1.0, 0.0), Kink(width, 0.0, 1.0)),
    settings={"width": Setting(0.5, above=0.0)},
    by_setting={"width": lambda z, width=0.5: -namespace(z, width).where(abs(z) > width, np.sign(z), 0.0 * z)},
)


def _where_slopes_balance(y, weights):
    low, high = float(y.min()), float(y.max())
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if np.average(np.tanh(middle - y), weights=weights) < 0 else (low, middle)
    return low


LOGCOSH = Loss(  # of regression
    "logcosh",
    Task.REGRESSION,
    lambda y, yhat: namespace(y, yhat).log(namespace(y, yhat).cosh(y - yhat)),
    lambda y, yhat: namespace(y, yhat).tanh(yhat - y),
    lambda y, yhat: namespace(y, yhat).tanh(y - yhat),
    "log(cosh(y-yhat))",
    "tanh(yhat-y)",
    _where_slopes_balance,
)


def _best_of_many(y, weights):
    return min(np.linspace(y.min(), y.max(), 1001), key=lambda c: np.average(CAPPED.term(y, c), weights=weights))


CAPPED = Loss(  # of regression, not convex: it has several optima
    "capped",
    Task.REGRESSION,
    lambda y, yhat: namespace(y, yhat).minimum((y - yhat) * (y - yhat), 0.25),
    lambda y, yhat: namespace(y, yhat).where(abs(y - yhat) < 0.5, -2.0 * (y - yhat), 0.0 * yhat),
    lambda y, yhat: namespace(y, yhat).where(abs(y - yhat) < 0.5, 2.0 * (y - yhat), 0.0 * yhat),
    "min((y-yhat)**2, 1/4)",
    "where(abs(y-yhat)<1/2, -2*(y-yhat), 0)",
    _best_of_many,
    kinks=lambda y: (Kink(y - 0.5, 0.0, -1.0), Kink(y + 0.5, 1.0, 0.0)),
)
BRIER = Loss(  # of two classes
    "brier",
    Task.TWO_CLASSES,
    lambda y, yhat: (y - yhat) * (y - yhat),
    lambda y, yhat: -2.0 * (y - yhat),
    lambda y, yhat: 2.0 * (y - yhat),
    "(y-yhat)**2",
    "-2*(y-yhat)",
    lambda y, weights: float(np.average(y, weights=weights)),
    domain=FROM_0_TO_1,
    labels=FROM_0_TO_1,
    spans=BETWEEN_0_AND_1,
    encoding=(0.0, 1.0),
    probability=True,
)


def _no_pull(y, weights, smooth=0.5):
    low, high = -1.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        pull = np.average(MARGIN.slope(y, middle, smooth), weights=weights)
        low, high = (middle, high) if pull < 0 else (low, middle)
    return low


def _margin(y, yhat, smooth=0.5):
    xp, missed = namespace(y, yhat, smooth), 1.0 - y * yhat
    bow = xp.divide(missed * missed, 2.0 * smooth)
    return xp.where(missed <= 0, 0.0 * missed, xp.where(missed < smooth, bow, missed - 0.5 * smooth))


def _dmargin(y, yhat, smooth=0.5):
    xp, missed = namespace(y, yhat, smooth), 1.0 - y * yhat
    return -y * xp.where(missed <= 0, 0.0 * missed, xp.where(missed < smooth, xp.divide(missed, smooth), 1.0))


def _dmargin_dsmooth(y, yhat, smooth=0.5):
    xp, missed = namespace(y, yhat, smooth), 1.0 - y * yhat
    share = xp.divide(missed, smooth)
    return -0.5 * xp.where(missed <= 0, 0.0 * missed, xp.where(missed < smooth, share * share, 1.0))


MARGIN = Loss(  # of two classes, with a setting: the hinge, rounded off
    "margin",
    Task.TWO_CLASSES,
    _margin,
    _dmargin,
    lambda y, yhat, smooth=0.5: _dmargin(yhat, y, smooth),
    "where(y*yhat>=1, 0, where(1-y*yhat<smooth, (1-y*yhat)**2/(2*smooth), 1-y*yhat-smooth/2))",
    "where(y*yhat>=1, 0, where(1-y*yhat<smooth, -y*(1-y*yhat)/smooth, -y))",
    _no_pull,
    labels=Interval(-1.0, 1.0),
    spans=REALS,
    of_z=True,
    encoding=(-1.0, 1.0),
    kinks=lambda y, smooth=0.5: (Kink(1.0 / y, 0.0 * y, 0.0 * y), Kink((1.0 - smooth) / y, -y, -y)),
    settings={"smooth": Setting(0.5, above=0.0)},
    by_setting={"smooth": _dmargin_dsmooth},
)


def _sign_step(p, g, t, learning_rate, l1, settings, slots, scratch):
    np.sign(g, scratch)
    np.subtract(p, learning_rate * scratch, p)


def _rectified_step(p, g, t, learning_rate, l1, settings, slots, scratch):
    (mean,) = slots
    np.multiply(mean, settings["decay"], mean)
    np.add(mean, g, mean)
    if settings["decay"] ** t > 0.25:  # a branch on a setting: another one for other models of a sweep
        np.sign(mean, scratch)
        np.subtract(p, learning_rate * scratch, p)
    else:
        np.subtract(p, learning_rate * mean, p)


def _normed_step(p, g, t, learning_rate, l1, settings, slots, scratch):
    np.subtract(p, learning_rate * g / np.max(np.abs(g)), p)  # by all entries of a parameter


SIGN = Optimizer({}, (), _sign_step, "p := p - α·sign(g)", "Bernstein et al. 2018")
NORMED = Optimizer({}, (), _normed_step, "p := p − αg/max|g|", "made up")
RECTIFIED = Optimizer({"decay": Setting(0.5, at_least=0.0)}, ("mean",), _rectified_step, "p := …", "made up")
TRIANGLE = Schedule({"period": Setting(4, at_least=2)}, lambda e, E, s: abs(1 - 2 * (e % s["period"]) / 4), "α·…", "")
WORST = Metric("worst", (Task.REGRESSION,), False, lambda seen: float(np.abs(seen.y - seen.predicted).max()))
CASES = [
    ("bent", "logcosh", "number"),
    ("squash", "brier", "kind"),
    ("clipped", "mse", "number"),
    ("squash", "bce", "kind"),
    ("identity", "margin", "kind"),
]


@pytest.fixture(autouse=True)
def _rows(monkeypatch):
    for row in (BENT, CLIPPED, SQUASH, SHRUNK):
        monkeypatch.setitem(ACTIVATIONS, row.name, row)
    for row in (LOGCOSH, CAPPED, BRIER, MARGIN):
        monkeypatch.setitem(LOSSES, row.name, row)
    monkeypatch.setitem(OPTIMIZERS, "sign", SIGN)
    monkeypatch.setitem(OPTIMIZERS, "normed", NORMED)
    monkeypatch.setitem(OPTIMIZERS, "rectified", RECTIFIED)
    monkeypatch.setitem(METRICS, "worst", WORST)
    monkeypatch.setitem(SCHEDULES, "triangle", TRIANGLE)
    monkeypatch.setitem(READERS, "mine", replace(READERS["csv"], extensions=(".mine",)))
    monkeypatch.setitem(
        FUNCTIONS, "gauss", unary("gauss", lambda xp, out, x: -2.0 * x * out, value=lambda xp, x: xp.exp(-(x * x)))
    )


@pytest.fixture
def config(tmp_path):
    """A config for an activation, a loss and a target; and its table."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(60, 2))
    number = x @ [1.0, -0.5]
    number -= np.tile([0.25, -0.25], 30)
    rows = [f"{a},{b},{n},{'yes' if n > 0 else 'no'}" for (a, b), n in zip(x.tolist(), number.tolist(), strict=True)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,number,kind", *rows]) + "\n")

    def write(activation, loss, target, more="", init="zeros"):
        path = tmp_path / "c.yaml"
        path.write_text(
            f"model: {{type: neuron, activation: {activation}, init: {init}}}\nloss: {loss}\n"
            f"training: {{learning_rate: 0.1, epochs: 8{more}}}\n"
            f"data: {{path: t.csv, target: {target}, features: [a, b], validation: 0.2}}\n"
        )
        return path

    return write


@pytest.mark.parametrize(("activation", "loss", "target"), CASES)
def test_a_row_of_activations_and_one_of_losses_reach_everything_of_the_trainer(
    bpcli, config, tmp_path, activation, loss, target
):
    metric = "auc" if target == "kind" else "mae"
    path, run = (
        config(activation, loss, target, f", early_stopping: {{metric: {metric}, patience: 50}}"),
        tmp_path / "run",
    )
    assert bpcli("validate", path).code == 0
    trained = bpcli("train", path, "--output", run, "--format", "json")
    assert trained.code == 0, trained.err
    done = trained.json[-1]
    y, a = _predicted(run)
    assert done["best_constant_loss"] == pytest.approx(_least(LOSSES[loss], y), rel=1e-6)
    assert done["train"]["loss"] == pytest.approx(float(np.mean(LOSSES[loss].term(y, a))), rel=1e-12)
    assert metric in done["validation"]
    assert bpcli("train", path, "--output", run, "--resume").code == 0
    measured = bpcli("evaluate", run, tmp_path / "t.csv", "--format", "json").json[0]
    assert measured["rows"] == 60
    predicted = bpcli("predict", run, tmp_path / "t.csv", "--format", "json").json
    assert len(predicted) == 60
    if LOSSES[loss].probability:
        p = np.array([[v for k, v in row.items() if k != "prediction"] for row in predicted], float)
        assert p.sum(axis=1) == pytest.approx(np.ones(60))
    assert activation in bpcli("inspect", run).out
    chain = bpcli("backprop", run, "--row", "2", "--format", "json").json[0]
    assert chain["dJ_dz"]["value"]
    assert bpcli("check", path).code == 0
    assert bpcli("plot", run, "--output", tmp_path / "p.png").code == 0
    assert bpcli("report", run, "--output", tmp_path / "r.html").code == 0
    names = {"__name__": "exported"}
    exec(bpcli("export", run, "--format", "python").out, names)
    assert names["test"]() == 0
    refused = bpcli("export", run, "--format", "onnx", "--output", tmp_path / "m.onnx")
    assert refused.code == 0 or "which the model's activation is made of" in refused.err or "[onnx]" in refused.err


def _mapping(row):
    """A row with settings other than its defaults, as a config gives it."""
    return f"{{name: {row.name}, {', '.join(f'{key}: {s.default / 2:g}' for key, s in row.settings.items())}}}"


@pytest.mark.parametrize(
    ("activation", "loss"),
    [(_mapping(row), "mse") for row in (*ACTIVATIONS.values(), SQUASH, SHRUNK) if row.settings]
    + [("identity", _mapping(row)) for row in (*LOSSES.values(), MARGIN) if row.settings],
)
def test_settings_reach_everything_of_the_trainer(bpcli, config, tmp_path, activation, loss):
    run, given = tmp_path / "run", activation if "{" in activation else loss
    name, settings = given.removeprefix("{name: ").removesuffix("}").split(", ", 1)
    shown = f"{name} ({settings.replace(':', '')})"
    target = "kind" if name in LOSSES and LOSSES[name].task is Task.TWO_CLASSES else "number"
    path = config(activation, loss, target, init="normal")
    assert bpcli("train", path, "--output", run, "--quiet", "--force").code == 0
    assert shown in bpcli("inspect", run).out
    page = tmp_path / "r.html"
    assert bpcli("report", run, "--output", page).code == 0
    assert shown in page.read_text()
    for command in (("evaluate", run), ("cv", run / "config.yaml"), ("backprop", run, "--row", 1)):
        assert bpcli(*command).code == 0, command


def _predicted(run):
    """Labels as numbers, and outputs, of the rows that a run was trained on."""
    from bpcli.training.config.loading import load_config
    from bpcli.training.run import load_model
    from bpcli.training.setup import prepare

    part, model = prepare(load_config(run / "config.yaml")).parts["train"], load_model(run)
    return model.loss_row.encode(part.y).astype(float), model.output(model.z(part.X))


def _least(row, y):
    """The least mean loss of a constant, looked for among many."""
    constants = (
        np.linspace(max(y.min(), 1e-9), min(y.max(), 1 - 1e-9), 20001) if row.encoding else np.linspace(-1, 1, 20001)
    )
    return min(float(np.mean(row.term(y, c))) for c in constants)


@pytest.mark.parametrize("row", [BENT, CLIPPED, SQUASH, SHRUNK], ids=lambda row: row.name)
def test_an_activation_is_a_function_of_the_calculator(bpcli, row):
    z = 0.3
    assert float(bpcli("eval", f"{row.name}(x)", "--at", z).out) == pytest.approx(float(row.value(z)), rel=1e-15)
    assert float(bpcli("grad", f"{row.name}(x)", "--at", z).out) == pytest.approx(float(row.derivative(z)), rel=1e-15)
    assert bpcli("check", f"{row.name}(x)", "--at", z).code == 0
    assert bpcli("check", row.name, "--z", z).code == 0
    assert float(bpcli("jacobian", row.name, "--z", z).out) == pytest.approx(float(row.derivative(z)), rel=1e-15)
    shown = ("jacobian", row.name)
    for arguments in (("grad", f"{row.name}(x)"), shown, (*shown, "--latex"), (*shown, "--explain")):
        assert bpcli(*arguments).code == 0
        assert bpcli(*arguments).out.strip()
    explained = bpcli("jacobian", "neuron", "--activation", row.name, "--explain")
    assert {line.split()[0] for line in explained.lines} >= {"df/dx", "df/dw", "df/db"}
    formula = bpcli("grad", f"{row.name}(x)").out.strip()
    assert float(bpcli("eval", formula, "--at", f"x={z}").out) == pytest.approx(float(row.derivative(z)), rel=1e-14)


def test_a_kink_is_noted_and_has_two_sides(bpcli):
    for command in (("grad", "bent(x)", "--at", 1), ("jacobian", "bent", "--z", 1)):
        plain, left = bpcli(*command), bpcli(*command, "--kink", "left")
        assert (plain.out.strip(), left.out.strip()) == ("2", "0.5")
        assert "kink" in plain.err


def test_a_kink_is_where_the_settings_put_it(bpcli):
    for command in (("grad", "shrunk(x, 0.25)", "--at", -0.25), ("jacobian", "shrunk", "--z", -0.25, "--width", 0.25)):
        sides = [bpcli(*command, "--kink", side).out.strip() for side in ("left", "right")]
        assert sides == ["1", "0"]
        assert "kink" in bpcli(*command).err
    for smooth in (0.5, 0.25):  # only the second derivative jumps
        assert "kink" in bpcli("hessian", f"margin(1, p, {smooth})", "--at", 1 - smooth).err
        assert "kink" not in bpcli("grad", f"margin(1, p, {smooth})", "--at", 1 - smooth).err


def test_where_all_rows_are_flat_is_no_optimum(bpcli, config, tmp_path):
    for more in ("", ", optimizer: lbfgs"):
        stuck = bpcli("train", config("shrunk", "mse", "number", more), "--output", tmp_path / "run", "--force")
        assert (stuck.code, "at the optimum" in stuck.out) == (1, False)
        assert "try model.init: normal" in stuck.err


@pytest.mark.parametrize("row", [LOGCOSH, BRIER], ids=lambda row: row.name)
def test_a_loss_is_a_function_of_the_calculator(bpcli, row):
    value = bpcli("eval", f"{row.name}(y, p)", "--at", "y=[1,0], p=[0.25,0.5]").out
    y, yhat = np.array([1.0, 0.0]), np.array([0.25, 0.5])
    assert float(value) == pytest.approx(float(np.mean(row.term(y, yhat))), rel=1e-15)
    slopes = bpcli("jacobian", row.name, "--y", "1,0", "--yhat", "0.25,0.5").out
    assert np.array(slopes.split(), float) == pytest.approx(row.slope(y, yhat) / 2, rel=1e-15)
    assert bpcli("check", f"{row.name}(y, p)", "--at", "y=[1,0], p=[0.25,0.5]").code == 0
    assert bpcli("check", row.name, "--y", "1,0", "--yhat", "0.25,0.5").code == 0
    for form in ("--latex", "--explain"):
        assert bpcli("jacobian", row.name, form).code == 0


def test_a_pair_is_refused_by_range_and_domain(bpcli, config):
    assert "brier" in bpcli("validate", config("bent", "brier", "kind")).err
    assert bpcli("validate", config("bent", "brier", "kind")).code == 2


def test_an_optimiser_trains(bpcli, config, tmp_path):
    path = config("identity", "mse", "number", ", optimizer: sign")
    assert bpcli("validate", path).code == 0
    assert bpcli("train", path, "--output", tmp_path / "run", "--quiet").code == 0


def test_models_whose_optimiser_branches_differently_are_swept_as_alone(bpcli, config, tmp_path):
    path = config("identity", "mse", "number")
    chosen = [f"{{name: rectified, decay: {decay}}}" for decay in (0.25, 0.5, 0.75)]
    tried = ("--try", f"training.optimizer={','.join(chosen)}", "--output", tmp_path / "sweep")
    swept = bpcli("sweep", path, *tried, "--folds", 2, "--format", "json")
    assert swept.code == 0, swept.err
    losses = {row["set"]["training.optimizer"]["decay"]: row["mean"] for row in swept.json}
    for optimizer in chosen:
        alone = bpcli("cv", path, "--set", f"training.optimizer={optimizer}", "--folds", 2, "--format", "json").json
        assert losses[float(optimizer[-5:-1])] == alone[-1]["mean"]["loss"]


def test_models_whose_optimiser_goes_by_a_norm_are_swept_as_alone(bpcli, config, tmp_path):
    path, rates = config("identity", "mse", "number", ", optimizer: normed"), ("0.01", "0.02")
    tried = ("--try", f"training.learning_rate={','.join(rates)}", "--output", tmp_path / "sweep")
    swept = bpcli("sweep", path, *tried, "--folds", 2, "--format", "json")
    losses = {row["set"]["training.learning_rate"]: row["mean"] for row in swept.json}
    for rate in rates:
        alone = bpcli("cv", path, "--set", f"training.learning_rate={rate}", "--folds", 2, "--format", "json").json
        assert losses[float(rate)] == alone[-1]["mean"]["loss"], rate


def test_models_of_a_loss_with_several_optima_are_swept_as_alone(bpcli, config, tmp_path):
    path = config("identity", "capped", "number", ", optimizer: lbfgs", init="normal")
    penalties, to_the_optimum = ("0.3", "0.01"), ("--set", "training.epochs=200", "--folds", 2, "--format", "json")
    tried = ("--try", f"training.l2={','.join(penalties)}", "--output", tmp_path / "sweep")
    swept = bpcli("sweep", path, *tried, *to_the_optimum)
    losses = {row["set"]["training.l2"]: row["mean"] for row in swept.json}
    for l2 in penalties:
        alone = bpcli("cv", path, "--set", f"training.l2={l2}", *to_the_optimum).json
        assert losses[float(l2)] == alone[-1]["mean"]["loss"], l2


def test_a_metric_and_a_schedule_are_one_row(bpcli, config, tmp_path):
    path, run = (
        config("identity", "mse", "number", ", early_stopping: {metric: worst}, schedule: triangle"),
        tmp_path / "r",
    )
    assert bpcli("validate", path).code == 0
    last = bpcli("train", path, "--output", run, "--format", "json").json[-1]
    y, yhat = _predicted(run)
    assert last["train"]["worst"] == pytest.approx(float(np.abs(y - yhat).max()), rel=1e-12)
    measured = bpcli("evaluate", run, tmp_path / "t.csv", "--fail-over", "worst=0", "--format", "json")
    assert measured.json[0]["worst"] > 0
    assert (measured.code, "worst" in measured.err) == (1, True)
    assert bpcli("evaluate", run, tmp_path / "t.csv", "--fail-over", "worst=9").code == 0
    for command in (("cv", path, "--folds", 2), ("compare", run, run, "--metric", "worst")):
        done = bpcli(*command)
        assert (done.code, "worst" in done.out) == (0, True), done.err
    assert bpcli("report", run, "--output", tmp_path / "r.html").code == 0
    assert "worst" in (tmp_path / "r.html").read_text()
    swept = bpcli("sweep", path, "--try", "training.l2=0,1", "--metric", "worst", "--output", tmp_path / "s")
    assert (swept.code, "worst" in swept.out) == (0, True), swept.err


def test_a_function_of_the_calculator_is_one_row(bpcli):
    assert float(bpcli("grad", "gauss(x)", "--at", 0.5).out) == pytest.approx(-np.exp(-0.25), rel=1e-15)
    assert bpcli("check", "gauss(x)", "--at", 0.5).code == 0
    assert bpcli("grad", "gauss(x)").code == 0


def test_a_format_is_one_row(bpcli, config, tmp_path):
    path = config("identity", "mse", "number")
    (tmp_path / "t.csv").rename(tmp_path / "t.mine")
    path.write_text(path.read_text().replace("t.csv", "t.mine"))
    assert bpcli("validate", path).code == 0
    assert bpcli("train", path, "--output", tmp_path / "run", "--quiet").code == 0
    assert bpcli("evaluate", tmp_path / "run", tmp_path / "t.mine").code == 0


@pytest.mark.parametrize("name", ["bent", "squash", "shrunk", "logcosh", "margin", "sign", "triangle", "worst", "mine"])
def test_the_schema_has_every_row(bpcli, name):
    assert f'"{name}"' in bpcli("schema").out
