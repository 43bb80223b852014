"""Optimisers, schedules, clipping and early stopping in a training, beside autograd's gradients and by hand."""

import json

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad

from bpcli.formulas.choices import Task, settings_of
from bpcli.formulas.optimizers import OPTIMIZERS, clip
from bpcli.formulas.steps import make_step
from bpcli.training.descent.batches import Descent
from bpcli.training.descent.loop import descend_epochs
from bpcli.training.descent.state import State
from bpcli.training.descent.stopping import Stopping
from bpcli.training.descent.update_rule import PLAIN_DESCENT, update_rule_of
from bpcli.training.metrics import METRICS, is_defined, metrics_of

RNG = np.random.default_rng(4)
X = RNG.normal(size=(30, 3))
Y = (X @ [1.0, -2.0, 0.5] + RNG.normal(size=30) > 0).astype(float)


def loss(w, b, rows):
    z = anp.dot(X[rows], w) + b
    return anp.mean(anp.log1p(anp.exp(-anp.abs(z))) + anp.maximum(z, 0) - Y[rows] * z)


def trained(rule, epochs=3, l1=0.0, l2=0.0):
    state = State(np.zeros(3), np.zeros(()))
    rule.start(state)
    step = make_step("neuron", "sigmoid", "bce", 10, (), np.dtype(float))
    descent = Descent(X, Y, step, 0.1, batch_size=10, epochs=epochs, l1=l1, l2=l2, update_rule=rule)
    return state, list(descend_epochs(descent, state))


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize(
    ("schedule", "clip_norm", "l2"),
    [("constant", 0.3, 0.0), ("constant", 0.3, 0.1), ({"name": "exponential", "factor": 0.5, "warmup": 4}, None, 0.1)],
)
def test_the_steps_are_those_of_the_formulas(name, schedule, clip_norm, l2):
    state, records = trained(update_rule_of(name, schedule, clip_norm, 3), l2=l2)
    row = OPTIMIZERS[name]
    settings = settings_of(row.settings, {})
    w, b = np.zeros(3), np.zeros(())
    slots = {p: [np.zeros_like(a) for _ in row.slots] for p, a in (("w", w), ("b", b))}
    t = 0
    for epoch in range(3):
        for start in (0, 10, 20):
            t += 1
            rows = slice(start, start + 10)
            gw, gb = np.array(grad(loss, 0)(w, b, rows)), np.array(grad(loss, 1)(w, b, rows))
            if not row.decoupled:
                gw += l2 * w
            if clip_norm is not None:
                factor = clip(float(np.sqrt(gw @ gw + gb * gb)), clip_norm)
                gw, gb = gw * factor, np.array(gb * factor)
            learning_rate = 0.1 * (0.5**epoch * min(1, t / 4) if schedule != "constant" else 1)
            if row.decoupled:
                w -= learning_rate * l2 * w
            row.step(w, gw, t, learning_rate, 0.0, settings, slots["w"], np.empty(3))
            row.step(b, gb, t, learning_rate, 0.0, settings, slots["b"], np.empty(()))
    np.testing.assert_allclose(state.w, w, rtol=1e-10)
    np.testing.assert_allclose(state.b, b, rtol=1e-10)
    assert state.steps == 9
    if schedule != "constant":
        assert [r.learning_rate for r in records] == pytest.approx([0.1, 0.05, 0.025])


def test_plain_descent_has_the_same_numbers_in_both_loops():
    assert update_rule_of("sgd", "constant", None, 9) == PLAIN_DESCENT
    plain, _ = trained(PLAIN_DESCENT, l1=0.01, l2=0.1)
    other, _ = trained(update_rule_of("sgd", "constant", 1e9, 3), l1=0.01, l2=0.1)
    np.testing.assert_allclose(plain.w, other.w, rtol=1e-13)


def test_early_stopping_keeps_the_best_weights():
    state = State(np.zeros(2), np.zeros(()))
    stopping = Stopping("accuracy", 2)
    stopping.start(state)
    for epoch, accuracy in enumerate([0.5, 0.8, 0.7, 0.8, 0.9], 1):
        state.w[:] = epoch
        state.epoch = epoch
        stop = stopping.seen(state, {"epoch": epoch, "validation": {"accuracy": accuracy}})
        assert stop == (epoch >= 4 and accuracy <= 0.8)
        if stop:
            break
    assert state.best == {"epoch": 2, "value": 0.8}
    assert state.slots["best.w"].tolist() == [2, 2]


CONFIG = """
model: {{type: softmax}}
loss: cce
training: {{learning_rate: 0.05, epochs: {epochs}, {more}}}
data: {{path: {path}, target: species, standardize: true, validation: 0.2}}
output: {output}
"""


def write(tmp_path, root, more, epochs="auto", output="run"):
    (tmp_path / "c.yaml").write_text(
        CONFIG.format(path=root / "data/iris.csv", more=more, epochs=epochs, output=tmp_path / output)
    )
    return tmp_path / "c.yaml"


def test_a_run_that_stops_early(bpcli, root, tmp_path):
    config = write(tmp_path, root, "optimizer: {name: momentum, momentum: 0.95}, early_stopping: {patience: 3}")
    lines = bpcli("train", config, "--format", "json").json
    *epochs, done = lines
    losses = [record["validation"]["loss"] for record in epochs]
    best = int(np.argmin(losses)) + 1
    assert done["best_epoch"] == best
    assert len(epochs) == best + 3
    assert done["validation"]["loss"] == pytest.approx(min(losses), rel=1e-12)
    assert bpcli("evaluate", tmp_path / "run", "--split", "validation", "--format", "json").json[0][
        "loss"
    ] == pytest.approx(min(losses))
    assert bpcli("train", config, "--resume").code == 0


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_going_on_is_the_same_to_the_last_bit(bpcli, root, tmp_path, optimizer):
    more = f"optimizer: {optimizer}, schedule: {{name: exponential, warmup: 7}}, early_stopping: {{patience: 50}}"
    assert bpcli("train", write(tmp_path, root, more, 6), "--quiet").code == 0
    assert bpcli("train", write(tmp_path, root, more, 2, "short"), "--quiet").code == 0
    assert bpcli("train", write(tmp_path, root, more, 6, "short"), "--quiet", "--resume").code == 0
    with np.load(tmp_path / "run/model.npz") as a, np.load(tmp_path / "short/model.npz") as b:
        assert a["w"].tobytes() == b["w"].tobytes()
        assert a["b"].tobytes() == b["b"].tobytes()
    summaries = [json.loads((tmp_path / f"{run}/summary.json").read_text()) for run in ("run", "short")]
    assert summaries[0]["best_epoch"] == summaries[1]["best_epoch"]


@pytest.mark.parametrize(
    ("more", "epochs", "message"),
    [
        ("optimizer: adom", 3, "did you mean adam?"),
        ("optimizer: {name: adam, beta3: 1}", 3, "expected a setting of adam: beta1, beta2, epsilon"),
        ("optimizer: {beta1: 0.5}", 3, "a name among the settings"),
        ("optimizer: {name: momentum, momentum: 1}", 3, "less than 1"),
        ("schedule: {name: step, every: 0}", 3, "a whole number of at least 1"),
        ("schedule: cosine, early_stopping: {}", "auto", "epochs: auto has none to tell of"),
        ("early_stopping: {metric: rmse}", 3, f"no rmse: one of {', '.join(metrics_of(Task.TWO_CLASSES))}"),
        ("early_stopping: {patience: none}", 3, "for patience a whole number of at least 1"),
        ("early_stopping: {patients: 3}", 3, "did you mean patience?"),
        ("clip_norm: 0", 3, "greater than 0"),
    ],
)
def test_mistakes_in_a_config(bpcli, root, tmp_path, more, epochs, message):
    result = bpcli("validate", write(tmp_path, root, more, epochs))
    assert result.code == 2
    assert message in result.err
    assert "c.yaml:4:" in result.err


def test_auto_asks_for_validation_rows_and_stops_by_itself(bpcli, root, tmp_path):
    config = write(tmp_path, root, "optimizer: adam")
    refused = bpcli("validate", config, "--set", "data.validation=null")
    assert refused.code == 2
    assert "auto ends when the validation rows do" in refused.err
    *epochs, done = bpcli("train", config, "--format", "json", "--set", "training.learning_rate=0.5").json
    assert len(epochs) == done["best_epoch"] + 10


def test_a_cosine_can_not_grow_and_says_why(bpcli, root, tmp_path):
    config = write(tmp_path, root, "schedule: cosine", 3)
    assert bpcli("train", config, "--quiet").code == 0
    result = bpcli("train", config, "--resume", "--set", "training.epochs=5")
    assert result.code == 2
    assert "it was 3, now it is 5, and the schedule cosine goes by their number" in result.err


@pytest.mark.parametrize("metric", [name for name in metrics_of(Task.CLASSES) if METRICS[name].higher_is_better])
def test_any_metric_may_be_watched(bpcli, root, tmp_path, metric):
    config = write(tmp_path, root, f"early_stopping: {{metric: {metric}, patience: 4}}")
    *epochs, done = bpcli("train", config, "--format", "json").json
    values = [record["validation"][metric] for record in epochs]
    assert done["best_epoch"] == int(np.argmax(values)) + 1
    assert done["validation"][metric] == pytest.approx(max(values), rel=1e-12)
    assert len(epochs) == done["best_epoch"] + 4


ZEROS = np.zeros(7)
OF_ROWS = [
    name
    for name, row in METRICS.items()
    for task in row.tasks
    if task is not Task.CLASSES and not is_defined(name, task, ZEROS, 2, probabilities=True)
]


@pytest.mark.parametrize("metric", OF_ROWS)
@pytest.mark.parametrize("command", ["validate", "train"])
def test_a_metric_that_the_validation_rows_can_not_have_is_refused(bpcli, tmp_path, command, metric):
    regression = Task.REGRESSION in METRICS[metric].tasks
    kind, loss = ("identity", "mse") if regression else ("sigmoid", "bce")
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{k},{k % 2}\n" for k in range(30)))
    (tmp_path / "v.csv").write_text("x,y\n" + "".join(f"{k},0\n" for k in range(7)))
    (tmp_path / "c.yaml").write_text(
        f"model: {{type: neuron, activation: {kind}}}\nloss: {loss}\n"
        f"training: {{learning_rate: 0.1, epochs: auto, early_stopping: {{metric: {metric}}}}}\n"
        f"data: {{path: t.csv, target: y, standardize: true, validation: v.csv}}\noutput: {tmp_path}/run\n"
    )
    result = bpcli(command, tmp_path / "c.yaml")
    assert result.code == 3
    assert f"early_stopping: {metric} is not defined on the 7 validation rows" in result.err
    assert not (tmp_path / "run").exists()
    (tmp_path / "v.csv").write_text("x,y\n1,0\n0,1\n")
    assert bpcli("validate", tmp_path / "c.yaml").code == 0


def test_a_model_without_probabilities_has_no_metric_of_them(bpcli, root, tmp_path):
    settings = ["data.validation=0.2", "training.early_stopping={metric: brier, patience: 3}"]
    options = [word for setting in settings for word in ("--set", setting)]
    result = bpcli("train", root / "configs/hinge.yaml", "--output", tmp_path / "run", *options)
    assert result.code == 3
    assert "brier is not defined" in result.err
    assert "a model with probabilities" in result.err


@pytest.mark.parametrize(("metric", "best"), [("mae", np.argmin), ("r2", np.argmax)])
def test_any_metric_of_a_regression_may_be_watched(bpcli, root, tmp_path, metric, best):
    settings = [
        f"training.early_stopping={{metric: {metric}, patience: 3}}",
        "data.validation=0.2",
        "training.epochs=auto",
    ]
    options = [word for setting in settings for word in ("--set", setting)]
    config = root / "configs/diabetes.yaml"
    *epochs, done = bpcli("train", config, "--format", "json", "--output", tmp_path / "run", *options).json
    assert done["best_epoch"] == int(best([record["validation"][metric] for record in epochs])) + 1
