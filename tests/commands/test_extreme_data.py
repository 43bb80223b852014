"""Data at the ends of the doubles: no warning of NumPy's, no bug, and exit code 4 for what is not finite."""

import json
import subprocess
import sys

import numpy as np
import pytest

ROWS = 30
LEAST, MOST = 5e-324, 1.797e308
ENDS = [LEAST, 1e-320, 2.2250738585072014e-308, 1e-160, 0.0, 1.0, 1e160, MOST, -MOST, -1e-320]
FEATURES = {
    "tiny": [1e-320 * (k % 7) for k in range(ROWS)],
    "both ends": [MOST * (1 if k % 2 else -1) for k in range(ROWS)],
    "one end": [MOST - (k % 3) * 1e300 for k in range(ROWS)],
    "constant": [MOST] * ROWS,
    "squares overflow": [(k % 5) * 1e160 for k in range(ROWS)],
    "all": [ENDS[k % len(ENDS)] for k in range(ROWS)],
}
TARGETS = {
    "two": [k % 2 for k in range(ROWS)],
    "three": ["abc"[k % 3] for k in range(ROWS)],
    "number": [k * 1.5 + 0.25 for k in range(ROWS)],
    "huge": [MOST * (1 if k % 2 else -1) for k in range(ROWS)],
    "tiny": [1e-320 * (k % 5) for k in range(ROWS)],
    "constant": [3] * ROWS,
}
MODELS = {
    "two": ("{type: neuron, activation: sigmoid}", "bce"),
    "three": ("{type: softmax}", "cce"),
}


@pytest.fixture
def finite(bpcli):
    """A command whose exit code is 4 if, and only if, a number in its JSON is not finite."""

    def call(*arguments):
        result = bpcli(*arguments)
        assert result.code in (0, 1, 2, 3, 4), result.err
        assert "Warning:" not in result.err
        not_finite = any(word in result.out for word in ('"NaN"', '"Infinity"', '"-Infinity"'))
        assert not not_finite or result.code == 4, (arguments, result.out)
        return result

    return call


@pytest.mark.parametrize("target", TARGETS)
def test_every_command_on_extreme_data(finite, tmp_path, monkeypatch, target):
    monkeypatch.chdir(tmp_path)
    trained = 0
    for name, values in FEATURES.items():
        data, row = tmp_path / "t.csv", tmp_path / "row.csv"
        lines = [f"{x!r},{k % 4},{y}" for k, (x, y) in enumerate(zip(values, TARGETS[target], strict=True))]
        data.write_text("\n".join(["x,z,y", *lines]) + "\n")
        row.write_text("\n".join(["x,z,y", lines[1]]) + "\n")
        drafted = finite("init", "--data", "t.csv", "--target", "y")
        model, loss = MODELS.get(target, ("{type: neuron}", "mse"))
        plain = f"model: {model}\nloss: {loss}\ntraining: {{learning_rate: 0.01}}\ndata: {{path: t.csv, target: y}}\n"
        for k, config in enumerate([plain, *([drafted.out] if drafted.code == 0 else [])]):
            (tmp_path / "c.yaml").write_text(config)
            run = tmp_path / f"{name}{k}"
            finite("validate", "c.yaml")
            finite("check", "c.yaml", "--format", "json")
            finite("train", "c.yaml", "--set", "training.epochs=2", "--output", run, "--format", "json")
            if not run.exists():
                continue
            trained += 1
            for command in (("predict", data), ("predict", row), ("evaluate", data), ("evaluate",), ("inspect",)):
                finite(command[0], run, *command[1:], "--format", "json")
            finite("inspect", run, "--raw", "--format", "json")
            finite("backprop", run, "--row", "1", "--format", "json")
    assert trained, "nothing was trained, so that nothing was tried"


def test_a_raw_weight_beyond_the_doubles_is_exit_4_and_its_bias_is_right(bpcli, tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{1e-320 * (k % 7 + 100)!r},{k % 7 > 3}\n" for k in range(ROWS)))
    (tmp_path / "c.yaml").write_text(
        "model: {type: neuron, activation: sigmoid}\nloss: bce\ntraining: {learning_rate: 0.5, epochs: 9}\n"
        f"data: {{path: t.csv, target: y, standardize: true}}\noutput: {tmp_path}/run\n"
    )
    assert bpcli("train", tmp_path / "c.yaml").code == 0
    prepared = bpcli("inspect", tmp_path / "run", "--format", "json").json[0]
    raw = bpcli("inspect", tmp_path / "run", "--raw", "--format", "json")
    assert raw.code == 4
    assert "the weight of x in its own units is beyond the doubles" in raw.err
    w, b = prepared["weights"][0][0], prepared["bias"][0]
    units = np.array([prepared["standardize"][key][0] for key in ("mean", "scale")], np.longdouble)
    assert raw.json[0]["weights"] == [["Infinity"]]
    assert raw.json[0]["bias"][0] == pytest.approx(float(b - w * (units[0] / units[1])), rel=1e-12)


@pytest.mark.slow
def test_with_warnings_as_errors_in_the_process(tmp_path, root):
    lines = [f"{x!r},{k % 2}" for k, x in enumerate(FEATURES["both ends"])]
    (tmp_path / "t.csv").write_text("\n".join(["x,y", *lines]) + "\n")

    def call(*arguments):
        words = [sys.executable, "-W", "error", "-m", "bpcli", *arguments]
        return subprocess.run(
            words, cwd=tmp_path, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(root)}
        )

    drafted = call("init", "--data", "t.csv", "--target", "y")
    (tmp_path / "c.yaml").write_text(drafted.stdout)
    done = call("train", "c.yaml", "--format", "json")
    shown = call("inspect", "runs/c", "--raw")
    assert (drafted.returncode, drafted.stderr) == (0, "bpcli: note: data.positive: 1 (or 0)\n")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert "the classes are separated" in done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["train"]["accuracy"] == 1
