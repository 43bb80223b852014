"""The start from another run: the same function in other units, whatever the order of columns and classes."""

import json
import shutil

import numpy as np
import pytest

from bpcli.errors import ConfigError, DataError
from bpcli.training.config.full_config import dump_config
from bpcli.training.config.loading import config_from_mapping, load_config
from bpcli.training.model import Model
from bpcli.training.run import load_model
from bpcli.training.session import session
from bpcli.training.setup import prepare


def rows(columns, target, file, order=None):
    """A table in which the columns stand in an order of their own."""
    names = order or [*columns, "y"]
    cells = {**columns, "y": target}
    file.write_text(
        "\n".join([",".join(names), *(",".join(str(cells[n][i]) for n in names) for i in range(len(target)))])
    )
    return file


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("start")
    rng = np.random.default_rng(3)
    columns = {"p": rng.integers(-9, 9, 40), "q": rng.integers(100, 300, 40), "c": rng.choice(["a", "b", "d"], 40)}
    three = [["one", "two", "three"][k] for k in rng.integers(0, 3, 40)]
    rows(columns, three, folder / "three.csv")
    rows(columns, ["no" if k < 0 else "yes" for k in columns["p"]], folder / "two.csv")
    rows(columns, rng.integers(0, 50, 40), folder / "numbers.csv")
    return folder


KINDS = {
    "three": {"model": {"type": "softmax"}, "loss": "cce"},
    "two": {"model": {"type": "neuron", "activation": "sigmoid"}, "loss": "bce"},
    "numbers": {"model": {"type": "neuron"}, "loss": "mse"},
}


def config(folder, kind, data=None, model=None, output="old", **training):
    given = KINDS[kind]
    return config_from_mapping(
        {
            "model": {**given["model"], **(model or {})},
            "loss": given["loss"],
            "training": {"learning_rate": 1e-6, "epochs": 2, **training},
            "data": {"path": str(folder / f"{kind}.csv"), "target": "y", "categorical": ["c"], **(data or {})},
            "output": str(folder / output),
        }
    )


def train(config):
    with session(config, force=True) as current:
        for _ in current.epochs():
            pass
        try:
            current.finish()
        finally:
            notes = current.notes
    return load_model(config.output), notes


def trained(folder, kind, **changes):
    """A run whose weights are drawn, not trained: they are what matters here."""
    made = config(folder, kind, output=f"{kind}-old", optimizer="newton", l2=1.0, **changes)
    return made.output, train(made)[0]


def z_of(model: Model, path):
    from bpcli.datasets.reading import read_files

    table = read_files(model.files(path))
    return model.z(model.preparation.apply(table, with_target=False).X)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("units", [{}, {"standardize": True}, {"scale": 7.0}], ids=str)
def test_other_units_are_the_same_function(folder, kind, units):
    run, old = trained(folder, kind, data={"standardize": True})
    begun = prepare(config(folder, kind, units, {"init": str(run)}))
    np.testing.assert_allclose(z_of(begun.model, folder / f"{kind}.csv"), z_of(old, folder / f"{kind}.csv"), atol=1e-12)
    if units == {"standardize": True}:
        np.testing.assert_array_equal(begun.model.w, old.w)
    assert not [note for note in begun.notes if "model.init" in note]


def test_what_is_new_starts_at_0_and_what_is_gone_is_told(folder):
    run, old = trained(folder, "three", data={"standardize": True, "exclude": ["q"]})
    begun = prepare(config(folder, "three", {"exclude": ["p"]}, {"init": str(run / "model.npz")}))
    w = dict(zip(begun.model.preparation.feature_names, begun.model.weights(raw=True)[0], strict=True))
    before = dict(zip(old.preparation.feature_names, old.weights(raw=True)[0], strict=True))
    np.testing.assert_array_equal(w["q"], 0.0)
    np.testing.assert_allclose(w["c=b"], before["c=b"], rtol=1e-14)
    np.testing.assert_allclose(begun.model.b, old.weights(raw=True)[1], rtol=1e-13)
    told = "\n".join(begun.notes)
    assert "new features start at 0: q" in told
    assert "left out: p" in told


def test_classes_are_matched_by_name(folder):
    run, old = trained(folder, "three")
    text = (folder / "three.csv").read_text().replace("three", "zebra")  # another order, one of them new
    (folder / "other.csv").write_text(text)
    begun = prepare(config(folder, "three", {"path": str(folder / "other.csv")}, {"init": str(run)}))
    assert begun.model.classes == ("one", "two", "zebra")
    assert old.classes == ("one", "three", "two")
    np.testing.assert_array_equal(begun.model.w, np.stack([old.w[:, 0], old.w[:, 2], 0 * old.w[:, 0]], axis=1))


def test_the_other_positive_class_turns_z_round(folder):
    run, old = trained(folder, "two")
    begun = prepare(config(folder, "two", {"positive": "no"}, {"init": str(run)}))
    np.testing.assert_array_equal(begun.model.w, -old.w)
    np.testing.assert_array_equal(begun.model.b, -old.b)


def test_the_first_epoch_has_the_loss_that_the_old_run_ended_with(folder):
    run, _ = trained(folder, "two")
    summary = json.loads((run / "summary.json").read_text())
    begun = prepare(config(folder, "two", model={"init": str(run)}, batch_size="full", epochs=1))
    assert next(begun.epochs())["loss"] == pytest.approx(summary["train"]["loss"], rel=1e-12)


def first(folder):
    made = config(folder, "two", {"features": ["p"], "categorical": []}, output="p-old", optimizer="newton", l2=1.0)
    train(made)
    return made.output


@pytest.mark.parametrize(
    ("kind", "start", "said"),
    [
        ("three", "two-old", "it is a neuron, and this model is a softmax"),
        ("numbers", "two-old", "it predicts the classes no, yes"),
        ("two", "gone", "gone"),
        ("two", "broken.npz", "damaged"),
        ("two", "two.csv", "is a table, not a model"),
    ],
)
def test_a_run_that_does_not_fit_is_one_error(folder, kind, start, said):
    run, _ = trained(folder, "two")
    (folder / "broken.npz").write_bytes((run / "model.npz").read_bytes()[:200])
    with pytest.raises(DataError) as caught:
        prepare(config(folder, kind, model={"init": str(folder / start)}))
    assert said in str(caught.value)
    assert "model.init" in str(caught.value)
    assert ("relative to the config's folder" in caught.value.hint) == (start == "gone")


def test_other_classes_and_features_are_errors(folder):
    run, _ = trained(folder, "two")
    (folder / "cats.csv").write_text((folder / "two.csv").read_text().replace("yes", "cat"))
    with pytest.raises(DataError, match="its classes are no and yes, here they are cat and no"):
        prepare(config(folder, "two", {"path": str(folder / "cats.csv")}, {"init": str(run)}))
    with pytest.raises(DataError, match="it has no feature of this training: its features are p"):
        prepare(config(folder, "two", {"features": ["q"], "categorical": []}, {"init": str(first(folder))}))


def test_a_path_is_relative_to_the_config_and_a_word_is_no_path(folder, tmp_path):
    run, old = trained(folder, "two")
    shutil.copytree(run, tmp_path / "zeros")
    made = dump_config(config(folder, "two"))
    for init, expected in (("zeros", 0.0 * old.w), ("./zeros", old.w)):
        (tmp_path / "c.yaml").write_text(made.replace("init: zeros", f"init: {init}"))
        loaded = load_config(tmp_path / "c.yaml")
        np.testing.assert_array_equal(prepare(loaded).model.w, expected)
        (tmp_path / "again.yaml").write_text(dump_config(loaded))
        assert load_config(tmp_path / "again.yaml") == loaded
    (tmp_path / "c.yaml").write_text(made.replace("init: zeros", "init: zeroes"))
    with pytest.raises(ConfigError, match=r"c\.yaml:.*model\.init: .*did you mean zeros"):
        load_config(tmp_path / "c.yaml")


def test_resume_asks_for_the_same_run(folder, bpcli, tmp_path):
    run, _ = trained(folder, "two")
    shutil.copytree(run, tmp_path / "a")
    shutil.copytree(run, tmp_path / "b")
    made = config(folder, "two", model={"init": str(tmp_path / "a")}, output="new")
    (tmp_path / "c.yaml").write_text(dump_config(made))
    command = ["train", tmp_path / "c.yaml", "--quiet", "--output", tmp_path / "run"]
    assert bpcli(*command).code in (0, 1)
    more = [*command, "--resume", "--set", "training.epochs=4"]
    assert bpcli(*more, "--set", f"model.init={tmp_path / 'b'}").code in (0, 1)  # the same model elsewhere
    other = bpcli(*more, "--set", "model.init=zeros")
    assert other.code == 2
    assert "model.init" in other.err
    model = load_model(tmp_path / "a")
    with np.load(tmp_path / "a/model.npz") as archive:
        np.savez(tmp_path / "a/model.npz", w=model.w + 1, b=archive["b"], meta=archive["meta"])
    changed = bpcli(*command, "--resume", "--set", "training.epochs=6")
    assert changed.code == 3
    assert "the model that it started from is another one now" in changed.err
    shutil.rmtree(tmp_path / "a")
    assert bpcli("evaluate", tmp_path / "run").code == 0
