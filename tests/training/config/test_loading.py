"""Configs: every key arrives, every mistake has its place."""

import re
from itertools import product

import numpy as np
import pytest

from bpcli.errors import ConfigError, DataError
from bpcli.formulas.layers import pairs_in_words
from bpcli.training.config.keys import KEYS
from bpcli.training.config.loading import (
    check_columns,
    config_from_mapping,
    load_config,
)

GOOD = """\
model:
  type: neuron
  activation: sigmoid
loss: bce
training:
  learning_rate: 1e-1
data:
  path: cells.csv
  target: diagnosis
"""


@pytest.fixture
def problems(load):
    def problems(text, *settings):
        with pytest.raises(ConfigError) as caught:
            load(text, *settings)
        return [p.replace(str(p.partition("c.yaml")[0]), "") if "c.yaml:" in p else p for p in caught.value.problems]

    return problems


def test_the_defaults_are_those_of_the_command_line_page(load, tmp_path):
    config = load(GOOD)
    assert (config.model.init, config.model.threshold, config.loss) == ("zeros", 0.5, "bce")
    training = config.training
    assert (training.learning_rate, training.batch_size, training.epochs, training.shuffle) == (0.1, 32, 100, True)
    assert (training.seed, training.dtype, training.l1, training.l2) == (0, "float64", 0, 0)
    data = config.data
    assert data.path == tmp_path / "cells.csv"
    assert (data.positive, data.features, data.exclude, data.categorical) == (None, None, (), ())
    assert (data.standardize, data.scale, data.missing, data.format) == (False, None, "error", "auto")
    assert (data.validation, data.test, data.target_path) == (None, None, None)
    assert str(config.output) == "runs/c"
    assert load(GOOD.replace("bce", "mse").replace("  activation: sigmoid\n", "")).model.activation == "identity"


def test_numbers_and_words_are_those_of_yaml_1_2(load):
    """The tables are in test_yaml12; here, that they arrive."""
    assert load(GOOD.replace("1e-1", "1E-3")).training.learning_rate == 0.001
    for text in ("yes", "off", "2020-01-01", "1_000", "12:30:45", "=", "'5'"):
        assert load(GOOD.replace("diagnosis", text)).data.target == text.strip("'")


@pytest.mark.parametrize("text", ["010", "1.0", "0x1F", "1e3", "2024"])
def test_a_name_or_path_that_is_a_number_is_taken_as_it_stands(load, text):
    config = load(f"{GOOD}  exclude: [{text}]\n  missing: {{{text}2: mean}}\noutput: {text}\n")
    assert (config.data.exclude, config.data.missing, str(config.output)) == ((text,), {f"{text}2": "mean"}, text)


LR = "  learning_rate: 1e-1\n"
END = "  target: diagnosis\n"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        # numbers
        ("1e-1", "-1", "c.yaml:6:18: training.learning_rate: expected a finite number greater than 0, found -1"),
        ("1e-1", '"0.1"', '6:18: training.learning_rate: expected .* found "0.1"; without the quotes it is a number'),
        ("1e-1", "0,1", 'found "0,1"; a number has a point before its decimals'),
        ("1e-1", "10%", 'found "10%"; as a fraction: 0.1$'),
        ("1e-1", "0", "greater than 0, found 0$"),
        ("1e-1", ".inf", "finite .* found .inf$"),
        ("1e-1", ".nan", "found .nan$"),
        ("1e-1", "true", "found true$"),
        ("1e-1", "fast", "found fast$"),
        ("1e-1", "[0.1, 0.2]", r"found \[0.1, 0.2\]$"),
        ("1e-1", "{a: 'b'}", r"found {a: b}$"),
        ("1e-1", "", "6:17: training.learning_rate: expected a finite number greater than 0, found nothing$"),
        ("1e-1", "1" * 5000, "found 1{59}…$"),
        (LR, f"{LR}  l2: -1e-9\n", "7:7: training.l2: expected a finite number of at least 0, found -1e-9$"),
        (
            LR,
            f"{LR}  batch_size: 0\n",
            "7:15: training.batch_size: expected a whole number of at least 1, or full, found 0$",
        ),
        (LR, f"{LR}  batch_size: fulll\n", r"found fulll; did you mean full\?$"),
        (LR, f"{LR}  epochs: 2.5\n", "expected a whole number of at least 1, or auto, found 2.5$"),
        (LR, f"{LR}  epochs: .inf\n", "expected a whole number of at least 1, or auto, found .inf$"),
        (LR, f"{LR}  seed: -1\n", "expected a whole number of at least 0, found -1$"),
        (
            "activation: sigmoid",
            "activation: sigmoid\n  threshold: 1",
            "4:14: .* greater than 0 and less than 1, found 1$",
        ),
        (END, f"{END}  scale: 0\n", "greater than 0, or null, found 0$"),
        # words
        (LR, f"{LR}  shuffle: yes\n", r'found "yes"; did you mean true\? In YAML 1.2 yes is a word$'),
        (LR, f"{LR}  shuffle: flase\n", r"did you mean false\?"),
        (LR, f"{LR}  dtype: float16\n", r"one of float64, float32, found float16; did you mean float\d\d\?$"),
        (
            "loss: bce",
            "loss: bcee",
            r"4:7: loss: expected one of mse, bce, cce.*, found bcee; did you mean bce\?$",
        ),
        ("loss: bce", "loss: BCE", r"found BCE; did you mean bce\?$"),
        ("neuron", "neurone", r"found neurone; did you mean neuron\?$"),
        ("sigmoid", "~", "the output, which has to lie between 0 and 1, and identity's does not"),
        # columns and paths
        (
            END,
            f"{END}  exclude: id\n",
            r"10:12: data.exclude: expected a list of columns, found id; as a list: \[id\]$",
        ),
        (END, f"{END}  exclude: {{id: 1}}\n", r"10:12: data.exclude: expected a list of columns, found {id: 1}$"),
        (END, f"{END}  exclude: [a, id, id]\n", "10:20: data.exclude: expected each once, found id; id stands twice$"),
        (END, f"{END}  exclude:\n  - a\n  - [id]\n", r"12:5: data.exclude: expected a column's name, found \[id\]$"),
        (END, f"{END}  exclude: [null]\n", '10:13: .* found null; the word is "null", in quotes$'),
        ("target: diagnosis", "target: true", '9:11: .* found true; the word is "true", in quotes$'),
        ("target: diagnosis", "target: ''", '9:11: data.target: expected a column\'s name, or null, found ""$'),
        ("target: diagnosis", "target: [a]", r"9:11: data.target: expected a column's name, or null, found \[a\]$"),
        (
            "target: diagnosis",
            "target: !!python/object:os.system x",
            "9:11: .* found !!python/object:os.system x; a tag means",
        ),
        ("target: diagnosis", "target: !!set {a, b}", "9:11: .* found !!set …; a tag means nothing here$"),
        ("cells.csv", '""', '8:9: data.path: expected a path, or a list of paths, found ""$'),
        ("cells.csv", "[]", r"8:9: data.path: expected a path, or a list of paths, found \[\]; the list has none$"),
        (END, f"{END}  test: []\n", r"10:9: data.test: .* found \[\]; the list has none$"),
        (END, f"{END}  target_path: []\n", r"10:16: data.target_path: .* found \[\]; the list has none$"),
        ("cells.csv", '"a\\0b"', "8:9: .*; no path holds a zero byte$"),
        (
            END,
            f"{END}  positive: [a]\n",
            r"10:13: .* a class, text or a number, or null, found \[a\]$",
        ),
        (
            END,
            f"{END}  missing: {{age: men}}\n",
            r"10:18: data.missing: expected for age one of error, .*, found men; did you mean mean\?$",
        ),
        (END, f"{END}  missing: {{age: mean, age: drop}}\n", "10:24: .* age stands twice$"),
        (
            END,
            f"{END}  missing: men\n",
            r"10:12: .* or a mapping from columns to such words, found men; did you mean mean\?$",
        ),
        (
            END,
            f"{END}  validation: 1.5\n",
            "greater than 0 and less than 1, or a file, or a list of paths, or null, found 1.5$",
        ),
        (END, f"{END}  validation: '0.2'\n", "without the quotes it is a number$"),
        (END, f"{END}  test: 20%\n", "as a fraction: 0.2$"),
        (END, f"{END}  test: {{a: b}}\n", r"found \{a: b\}$"),
        # keys
        (
            "learning_rate",
            "learing_rate",
            r"6:3: training.learing_rate: there is no such key; did you mean training.learning_rate\?$",
        ),
        (LR, f"{LR}  optimiser: adam\n", "training.optimiser: there is no such key"),
        (LR, f"{LR}  xyz: adam\n", "training.xyz: there is no such key; training has learning_rate, batch_size, "),
        (LR, f"{LR}  learning_rate: 0.2\n", "7:3: training.learning_rate: given twice, first at .*c.yaml:6:3$"),
        ("loss: bce", "loss: bce\nloss: mse", "5:1: loss: given twice, first at .*c.yaml:4:1$"),
        (
            "loss: bce",
            "loss: bce\nlearning_rate: 1",
            r"5:1: learning_rate: there is no such key; did you mean training.lear",
        ),
        (
            "loss: bce",
            "loss: bce\nqqq: 1",
            "qqq: there is no such key; a config has loss, output, model, training, data$",
        ),
        ("training:", "trainig:", r"5:1: trainig: there is no such key; did you mean training\?$"),
        ("loss: bce\n", "", "1:1: loss is missing; expected one of mse, bce, cce"),
        (LR, "", "5:1: training.learning_rate is missing; expected a finite number greater than 0: α"),
        (f"training:\n{LR}", "", "1:1: training.learning_rate is missing"),
        (f"training:\n{LR}", "training: fast\n", "5:11: training: expected a mapping, found fast$"),
        (f"training:\n{LR}", "training: []\n", r"5:11: training: expected a mapping, found \[\]$"),
        (END, f"{END}  ? [a, b]\n  : 1\n", r"10:5: expected the name of a key, found \[a, b\]$"),
    ],
)
def test_a_mistake_has_its_place_what_was_expected_and_advice(problems, old, new, expected):
    assert old in GOOD
    (found,) = problems(GOOD.replace(old, new))
    assert re.search(expected, found), found


@pytest.mark.parametrize(
    ("model", "loss", "reason"),
    [
        ("type: softmax", "bce", "4?3:7: loss: bce is for one output .* softmax has one for each class: take cce"),
        ("type: neuron", "cce", "a neuron has one output: take softmax, or bce for two"),
        ("type: neuron\n  activation: tanh", "bce", "has to lie between 0 and 1, and tanh's does not"),
        ("type: neuron\n  activation: relu", "bce", "relu's does not"),
        ("type: neuron", "bce", "identity's does not"),
        ("type: softmax\n  activation: sigmoid", "cce", "3:15: model.activation: softmax is itself the activation"),
        (
            "type: neuron\n  threshold: 0.4",
            "mse",
            "3:14: model.threshold: it goes with loss bce or cce alone, and the loss is mse",
        ),
    ],
)
def test_an_impossible_pair_is_refused_with_the_reason(problems, model, loss, reason):
    text = GOOD.replace("type: neuron\n  activation: sigmoid", model).replace("bce", loss)
    (found,) = problems(text)
    assert re.search(reason, found)
    if ": loss: " in found:
        assert found.endswith(f"; what goes together: {pairs_in_words()}")
        assert "; neuron + sigmoid + bce; " in found


def test_every_possible_pair_is_accepted_and_no_other(load):
    possible = set()
    for model, activation, loss in product(
        ["neuron", "softmax"], ["identity", "sigmoid", "tanh", "relu", "null"], ["mse", "bce", "cce"]
    ):
        text = GOOD.replace("neuron", model).replace("sigmoid", activation).replace("bce", loss)
        try:
            config = load(text)
        except ConfigError:
            continue
        possible.add((model, config.model.activation, loss))
    assert possible == {
        *[("neuron", activation, "mse") for activation in ("identity", "sigmoid", "tanh", "relu")],
        ("neuron", "sigmoid", "bce"),
        ("softmax", None, "cce"),
        ("softmax", None, "mse"),
    }


@pytest.mark.parametrize(
    ("lines", "reasons"),
    [
        ("features: [a, diagnosis]", ["10:17: data.features: diagnosis is the target"]),
        ("exclude: [diagnosis]", ["10:13: data.exclude: diagnosis is the target"]),
        ("features: [a, b]\n  exclude: [a]", ["11:13: data.exclude: a is in data.features too"]),
        ("features: [a]\n  categorical: [a, b]", ["11:20: data.categorical: b is not among the features"]),
        ("exclude: [b]\n  categorical: [b]", ["11:17: data.categorical: b is not among the features"]),
        ("features: [a]\n  missing: {a: mean, b: mean}", ["11:22: data.missing: b is not among the features"]),
        ("missing: {diagnosis: mean}", ["10:13: data.missing: diagnosis is the target, which is never filled"]),
        ("features: [a]\n  missing: {diagnosis: drop, a: error}", []),
        ("features: [a]\n  categorical: [diagnosis]", ["11:17: data.categorical: diagnosis is the target"]),
        ("categorical: [a]\n  missing: {a: median}", ["11:13: data.missing: a is categorical and has no median"]),
        ("categorical: [a]\n  missing: {a: most_frequent}", []),
        ("categorical: [a]\n  missing: median", []),
        ("standardize: true\n  scale: 255", ["11:10: data.scale: data.standardize: true scales already"]),
        ("standardize: false\n  scale: 255", []),
        ("validation: 0.5\n  test: 0.5", ["11:9: data.test: data.validation and data.test together leave nothing"]),
        ("validation: 0.5\n  test: held.csv", []),
        ("features: []", []),
    ],
)
def test_what_contradicts_itself_in_the_data(load, problems, lines, reasons):
    text = GOOD.replace(END, f"{END}  {lines}\n")
    if not reasons:
        load(text)
        return
    found = problems(text)
    assert [f.startswith(f"c.yaml:{reason}") for f, reason in zip(found, reasons, strict=True)] == [True] * len(found)


def test_positive_goes_with_bce(problems, load):
    text = GOOD.replace(END, f"{END}  positive: 1\n")
    assert load(text).data.positive == 1.0
    refused = "c.yaml:10:13: data.positive: it goes with loss bce or hinge alone"
    assert refused in problems(text.replace("bce", "mse"))[0]


def test_every_mistake_in_one_go_in_the_order_of_the_file(problems):
    found = problems(
        "modle: {type: neurone}\nloss: bec\ntraining:\n  learning_rate: fast\n  epoch: 3\ndata:\n  path: 7\n",
        "training.seed=-1",
        "data.exlude=[a]",
    )
    assert [p.partition(": ")[0] for p in found] == [
        "c.yaml:1:1",
        "c.yaml:1:15",
        "c.yaml:2:7",
        "c.yaml:4:18",
        "c.yaml:5:3",
        "c.yaml:6:1",
        "--set training.seed=-1",
        "--set data.exlude=[a]",
    ]
    assert found[5] == f"c.yaml:6:1: data.target is missing; expected a column's name: {KEYS['data.target'].text}"


def test_columns_that_are_not_there_are_told_with_the_other_mistakes(problems, tmp_path):
    (tmp_path / "cells.csv").write_text("id,radius,diagnosis\n1,2,a\n")
    text = GOOD.replace("target: diagnosis", "target: diagnosiss\n  exclude: [id, raduis]").replace("bce", "bec")
    found = problems(text)
    assert [f.split(": ")[0] for f in found] == ["c.yaml:4:7", "c.yaml:9:11", "c.yaml:10:17"]
    assert found[1].endswith("cells.csv has no column diagnosiss; did you mean diagnosis?")
    assert found[2].endswith("cells.csv has no column raduis; did you mean radius?")
    own_file = problems(f"{text}  target_path: y.csv\n")
    assert [f.split(": ")[0] for f in own_file] == ["c.yaml:4:7", "c.yaml:10:17"]
    (tmp_path / "cells.csv").write_text("")
    assert len(problems(text)) == 1  # that the table can't be read is for later


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "c.yaml:1:1: the file is empty; `bpcli init`"),
        ("# only a comment\n", "the file is empty"),
        ("--- ~\n", "the file is empty"),
        ("- a\n- b\n", r"c.yaml:1:1: expected a mapping \(model: …, loss: …\), found \[a, b\]"),
        ("just text", "expected a mapping .* found just text"),
        ("a: 1\n---\nb: 2\n", "(?s)c.yaml:2:1: a second document begins here.*\n  ---\n  \\^"),
        ("a: [1, 2\nb: 3\n", "(?s)c.yaml:2:2: this is not YAML.*\n  b: 3\n   \\^"),
        ("[" * 100000, "nested too deeply"),
        ("a: &a [*a]\n", "refers to what it stands in"),
        (b"a: 1\n\xff\xfe\x00", "c.yaml:2:1: expected UTF-8, found the byte 0xff"),
        ("a: \x00", r"c.yaml:1:4: the character U\+0000"),
        ("x" * (1 << 18) + "x", "of at most 262144 bytes, found more"),
    ],
)
def test_what_is_no_config_at_all(load, text, message):
    with pytest.raises(ConfigError, match=message):
        load(text)


def test_a_yaml_bomb_is_refused_at_once(load):
    levels = ["a: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"b{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 10)}]" for i in range(1, 12)]
    with pytest.raises(ConfigError, match=r"c.yaml:4:\d+: too many values"):  # of 12 lines
        load("\n".join(levels))


def test_an_alias_serves_several_keys(load):
    config = load(GOOD.replace(END, f"{END}  validation: &part 0.2\n  test: *part\n"))
    assert config.data.validation == config.data.test == 0.2


def test_a_byte_order_mark_and_windows_newlines_are_no_matter(load):
    assert load("\ufeff" + GOOD.replace("\n", "\r\n")).loss == "bce"


def test_files_that_are_not_there_or_can_t_be_read(tmp_path):
    (tmp_path / "cells.yaml").write_text(GOOD)
    with pytest.raises(DataError, match=r"did you mean .*cells\.yaml"):
        load_config(tmp_path / "cell.yaml")
    with pytest.raises(DataError, match="is a folder"):
        load_config(tmp_path)
    with pytest.raises(ConfigError, match="at most 262144 bytes"):
        load_config("/dev/zero")


def test_paths_are_relative_to_the_config_but_for_the_run_folder(load, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    config = load(f"{GOOD}  validation: sub/../v.csv\n  test: /t.csv\n  target_path: ~/y.csv\noutput: ~/runs\n")
    data = config.data
    assert (data.path, data.validation) == (tmp_path / "cells.csv", tmp_path / "v.csv")
    assert list(map(str, (data.test, data.target_path, config.output))) == ["/t.csv", "/home/me/y.csv", "/home/me/runs"]


def test_settings_are_typed_as_in_the_file_and_win(load, tmp_path):
    config = load(
        GOOD,
        "training.learning_rate=0.01",
        "data.exclude=[id, 'x,y']",
        "training.epochs=5",
        "training.epochs=6",
        "training.shuffle=false",
        "data.missing={age: mean}",
        "data.path= other.csv",
        "output=a=b",
        "data.positive=1",
    )
    assert (config.training.learning_rate, config.training.epochs, config.training.shuffle) == (0.01, 6, False)
    assert (config.data.exclude, config.data.missing) == (("id", "x,y"), {"age": "mean"})
    assert (config.data.path, str(config.output), config.data.positive) == (tmp_path / "other.csv", "a=b", 1.0)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "training.learing_rate=1",
            r": training.learing_rate: there is no such key; did you mean training.learning_rate\?$",
        ),
        ("trainig.learning_rate=1", r"did you mean training.learning_rate\?$"),
        ("modell.foo=1", r"did you mean model.foo\?$"),
        ("learning_rate=1", r"did you mean training.learning_rate\?$"),
        ("training.learning_rate", "expected KEY=VALUE, such as training.learning_rate=1e-1$"),
        ("data.exclude", "expected KEY=VALUE, such as data.exclude=…$"),
        ("", "--set : expected KEY=VALUE, such as training.learning_rate=1e-1$"),
        ("training.learning_rate=fast", "training.learning_rate: expected a finite number greater than 0, found fast$"),
        ("training.learning_rate=", "found nothing$"),
        (
            "training={learning_rate: 1}",
            "training is a section; set one of its keys, such as training.learning_rate=…$",
        ),
        ("data.exclude=[a", "this is not YAML: expected , or ]"),
        ("data.exclude=[a, [b]]", r"data.exclude: expected a column's name, found \[b\]$"),
        ("data.missing.age=mean", "data.missing.age: there is no such key; data.missing is given as a whole$"),
        ("data.scale=2\n---\n3", "a second document"),
        ("model.activation=tanh", "model.activation=tanh|loss: bce takes the logarithm"),
    ],
)
def test_a_setting_with_a_mistake_says_so(problems, setting, message):
    (found,) = problems(GOOD, setting)
    assert found.startswith(f"--set {setting}: ") or ": loss: " in found
    assert re.search(message, found), found


def test_a_mapping_from_python_is_checked_like_a_file(tmp_path):
    mapping = {
        "model": {"type": "softmax"},
        "loss": "cce",
        "training": {"learning_rate": np.float64(0.1), "epochs": np.int64(3)},
        "data": {
            "path": tmp_path / "a.csv",
            "target": "y",
            "exclude": np.array(["a", "1"]),
            "missing": {"b": "drop"},
            "test": 0.5,
        },
    }
    config = config_from_mapping(mapping, "here")
    assert (config.training.epochs, config.training.learning_rate, config.data.path) == (3, 0.1, tmp_path / "a.csv")
    assert (config.data.exclude, config.data.missing, str(config.output)) == (("a", "1"), {"b": "drop"}, "runs/here")
    with pytest.raises(ConfigError, match=r"config: expected a mapping, found c\.yaml"):
        config_from_mapping("c.yaml")
    with pytest.raises(ConfigError) as caught:
        config_from_mapping(
            {**mapping, "training": {"learning_rate": "fast", "epochs": object(), "sed": 1}, "data": None}
        )
    assert [re.sub("<.*>", "<…>", p) for p in caught.value.problems] == [
        "config: training.learning_rate: expected a finite number greater than 0, found fast",
        "config: training.epochs: expected a whole number of at least 1, or auto, found <…>",
        "config: training.sed: there is no such key; did you mean training.seed?",
        f"config: data.path is missing; expected a path, or a list of paths: {KEYS['data.path'].text}",
        f"config: data.target is missing; expected a column's name: {KEYS['data.target'].text}",
    ]


def test_columns_that_are_not_there_have_the_place_in_the_config(load):
    config = load(GOOD + "  exclude: [idd, age]\n  missing: {hight: mean}\n", "data.categorical=[x]")
    found = check_columns(config, ["id", "age", "height", "diagnos"])
    path = config.data.path
    assert [f.partition("c.yaml:")[2] or f for f in found] == [
        f"9:11: data.target: {path} has no column diagnosis; did you mean diagnos?",
        f"10:13: data.exclude: {path} has no column idd; did you mean id?",
        f"--set data.categorical=[x]: data.categorical: {path} has no column x; its columns are id, age, height, "
        "diagnos",
        f"11:13: data.missing: {path} has no column hight; did you mean height?",
    ]
    assert check_columns(config, ["idd", "age", "hight", "diagnosis", "x"]) == []


def test_a_solver_needs_no_learning_rate_and_passes_over_what_it_has_no_use_for(load):
    settled = load(GOOD.replace("learning_rate: 1e-1", "optimizer: newton"))
    options = settled.training
    assert (options.learning_rate, options.batch_size, options.epochs, options.tolerance) == (None, "full", 1000, 1e-8)
    assert settled.passed_over == ()
    config = load(GOOD, "training.optimizer=newton", "training.schedule=cosine", "training.batch_size=full")
    assert config.passed_over == ("training.learning_rate", "training.schedule")
    assert config.training == options


def test_without_a_solver_the_learning_rate_is_a_number(problems):
    (problem,) = problems(GOOD.replace("1e-1", "null"))
    assert "training.learning_rate: expected a finite number greater than 0, found null" in problem
