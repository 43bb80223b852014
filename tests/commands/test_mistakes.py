"""Common mistakes are answered with the words to type, and these words do what was meant."""

import io
import shlex
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.commands import COMMANDS, cli
from bpcli.commands.mistakes import answer
from bpcli.commands.running import run


@pytest.fixture
def folder(tmp_path, monkeypatch, bpcli):
    """A table, a config and a run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "table.csv").write_text(
        "x,y,kind\n" + "".join(f"{k * 7 % 20 / 10},{k % 5},{'ab'[k * 7 % 20 > 9]}\n" for k in range(20))
    )
    (tmp_path / "table.yaml").write_text(bpcli("init", "--data", "table.csv", "--target", "kind").out)
    assert bpcli("train", "table.yaml", "--quiet", "--output", "runs/one").code == 0
    return tmp_path


class Mistake(NamedTuple):
    """A command line, and the beginning of the last line of its error: the words to type instead."""

    typed: str
    instead: str
    runs: bool = False
    """Whether the words can be run without a change."""
    meaning: str = ""
    """A part of the first line of the error, if a test gives it."""
    code: int = 2


MISTAKES = [
    Mistake("train table.yaml --epochs 10", "bpcli train table.yaml --set training.epochs=10", runs=True),
    Mistake("train table.yaml --lr 0.1", "bpcli train table.yaml --set training.learning_rate=0.1", runs=True),
    Mistake("train table.yaml --batch-size 4", "bpcli train table.yaml --set training.batch_size=4", runs=True),
    Mistake("train table.yaml --seed=3", "bpcli train table.yaml --set training.seed=3", runs=True),
    Mistake("train table.yaml training.epochs=2", "bpcli train table.yaml --set training.epochs=2", runs=True),
    Mistake("train table.yaml epochs=2", "bpcli train table.yaml --set training.epochs=2", runs=True),
    Mistake("train table.yaml --set training.epochs 2", "bpcli train table.yaml --set training.epochs=2", runs=True),
    Mistake("train table.yaml --weight-decay 0.1", "bpcli train table.yaml --set training.l2=0.1", runs=True),
    Mistake(
        "train table.yaml --momentum 0.9",
        "bpcli train table.yaml --set 'training.optimizer={name: momentum, momentum: 0.9}'",
        runs=True,
        meaning="there is no option --momentum: momentum is a setting of training.optimizer",
    ),
    Mistake(
        "train table.yaml --beta1 0.8", "bpcli train table.yaml --set 'training.optimizer={name: adam, beta1: 0.8}'"
    ),
    Mistake("train table.yaml runs/two", "bpcli train table.yaml --output runs/two", runs=True),
    Mistake("sweep table.yaml --lr 0.1,0.2", "bpcli sweep table.yaml --try training.learning_rate=0.1,0.2"),
    Mistake("sweep table.yaml --l2 log:1e-3:1:3", "bpcli sweep table.yaml --try training.l2=log:1e-3:1:3"),
    Mistake("sweep table.yaml --epochs 3", "bpcli sweep table.yaml --set training.epochs=3"),
    Mistake("evaluate runs/one --json", "bpcli evaluate runs/one --format json", runs=True),
    Mistake("predict runs/one --csv table.csv", "bpcli predict runs/one table.csv --format csv", runs=True),
    Mistake("plot runs/one --confusion", "bpcli plot runs/one --show confusion"),
    Mistake("grad x^2 --json", "bpcli grad 'x^2' --format json", runs=True),
    Mistake("export runs/one js", "bpcli export runs/one --format javascript", runs=True),
    Mistake("export runs/one --py", "bpcli export runs/one --format python", runs=True),
    Mistake("init --csv table.csv", "bpcli init --data table.csv", runs=True),
    Mistake("inspect table.csv", "bpcli init --data table.csv", meaning="table.csv is a table, not a model", code=3),
    Mistake("sweep table.yaml lr=0.1,0.2", "bpcli sweep table.yaml --try training.learning_rate=0.1,0.2"),
    Mistake("predict runs/one table.csv out.csv", "bpcli predict runs/one table.csv --output out.csv", True, code=3),
    Mistake("init table.csv kind", "bpcli init --data table.csv --target kind", runs=True),
    Mistake("export runs/one --format js", "bpcli export runs/one --format javascript", runs=True),
    Mistake("score runs/one table.csv", "did you mean bpcli evaluate?", meaning="there is no command 'score'"),
    Mistake("check x**2 --at 3 --answer 6", "bpcli check 'x**2' --at 3 --mine 6", runs=True),
    Mistake("plot x**2 --xlim 0,1 --output q.png", "bpcli plot 'x**2' --output q.png --range 0:1", runs=True),
    Mistake("exercise sigmoid --n 2", "bpcli exercise sigmoid --count 2", runs=True),
    Mistake(
        "train -c table.yaml",
        "bpcli train table.yaml",
        runs=True,
        meaning="there is no option -c: options are words with two dashes",
    ),
    Mistake("predict -m runs/one table.csv", "bpcli predict runs/one table.csv", runs=True),
    Mistake("sweep table.yaml --try training.l2 0.1 0.2", "bpcli sweep table.yaml --try training.l2=0.1,0.2"),
    Mistake("descend x**2 1 0.1 10", "bpcli descend 'x**2' --at 1 --lr 0.1 --steps 10", runs=True),
    Mistake("descend x*y 1 2 0.1", "bpcli descend 'x*y' --at 1,2 --lr 0.1", runs=True),
    Mistake("descend x**2 --at 1 --lr 0,25", "bpcli descend 'x**2' --at 1 --lr 0.25", runs=True),
    Mistake(
        "predict runs/one table.csv --threshold 0,5", "bpcli predict runs/one table.csv --threshold 0.5", runs=True
    ),
    Mistake("evaluate runs/one --threshold 0,5", "bpcli evaluate runs/one --threshold 0.5", runs=True),
    Mistake("hessian x**2 y**2 --at 1,2", "one at a time: bpcli hessian 'x**2' --at 1,2"),
    Mistake(
        "evaluate runs/one --fail-under rmse=3", "it has loss, accuracy", meaning="rmse: this model has no such metric"
    ),
    Mistake(
        "evaluate runs/one --fail-under loss=9",
        "--fail-over loss=9",
        meaning="--fail-under loss=9: of loss less is better",
    ),
    Mistake("grad x**2 y**2 --at 1,2", "bpcli jacobian 'x**2' 'y**2' --at 1,2", runs=True),
    Mistake("train table.csv", "bpcli init --data table.csv > table.yaml"),
    Mistake("validate table.csv", "bpcli init --data table.csv > table.yaml"),
    Mistake("train runs/one", "bpcli train runs/one/config.yaml", meaning="runs/one is a run, not a config", code=3),
    Mistake("predict table.csv runs/one", "bpcli predict runs/one table.csv", runs=True, code=3),
    Mistake(
        "evaluate table.csv runs/one",
        "bpcli evaluate runs/one table.csv",
        runs=True,
        meaning="table.csv is a table, not a model",
        code=3,
    ),
    Mistake("predict table.csv", "bpcli predict RUN table.csv"),
    Mistake(
        "plot table.csv --output p.png",
        "bpcli init --data table.csv > table.yaml",
        meaning="table.csv is a table, not an expression",
    ),
    Mistake("check runs/one", "bpcli check runs/one/config.yaml", runs=True, meaning="runs/one is a run, not a config"),
    Mistake("eval runs/one", "a run has weights of its own: bpcli evaluate runs/one"),
    Mistake(
        "init table.csv", "bpcli init --data table.csv", runs=True, meaning="table.csv is data, which --data gives"
    ),
    Mistake("backprop mlp", "there is one layer"),
    Mistake("backprop relu", "bpcli backprop neuron --activation relu --x 1,2 --w 0.5,-0.3 --b 0.1 --y 1"),
    Mistake("backprop neuron 1,2 0.5,1 0.1 1", "bpcli backprop neuron --x 1,2 --w 0.5,1 --b 0.1 --y 1"),
    Mistake(
        "train table.yaml --set training.l2=0.5 --epochs 3",
        "bpcli train table.yaml --set training.l2=0.5 --set training.epochs=3",
        runs=True,
    ),
    Mistake("train --epochs 3", "bpcli train CONFIG --set training.epochs=3"),
    Mistake("train table.yaml -o runs/o", "bpcli train table.yaml --output runs/o", runs=True),
    Mistake("train table.yaml --save runs/s", "bpcli train table.yaml --output runs/s", runs=True),
    Mistake("train --config table.yaml", "bpcli train table.yaml", runs=True),
    Mistake("train --data table.csv", "bpcli init --data table.csv > table.yaml"),
    Mistake("train table.yaml table.csv", "bpcli train table.yaml --set data.path=table.csv", runs=True),
    Mistake("train", "for example bpcli train"),
    Mistake("sweep table.yaml training.l2=0,1", "bpcli sweep table.yaml --try training.l2=0,1"),
    Mistake("predict runs/one --data table.csv", "bpcli predict runs/one table.csv", runs=True),
    Mistake("predict --model runs/one table.csv", "bpcli predict runs/one table.csv", runs=True),
    Mistake("predict runs/one table.csv --out p.csv", "bpcli predict runs/one table.csv --output p.csv", runs=True),
    Mistake("predict runs/one", "bpcli predict runs/one DATA"),
    Mistake(
        "predict runs/one table.csv --threshold cost=5:1",
        "bpcli evaluate runs/one --threshold cost=5:1 --set-threshold",
        runs=True,
    ),
    Mistake(
        "predict runs/one table.csv --threshold best",
        "bpcli evaluate runs/one --threshold f1 --set-threshold",
        runs=True,
    ),
    Mistake("evaluate table.yaml", "bpcli train table.yaml; then bpcli evaluate runs/table", code=3),
    Mistake("evaluate runs/one --out p", "bpcli evaluate runs/one > p"),
    Mistake(
        "plot table.yaml --output p.png",
        "bpcli train table.yaml; then bpcli plot runs/table --output p.png",
        meaning="table.yaml is a config, not a model",
    ),
    Mistake("plot runs/one p.png", "bpcli plot runs/one --output p.png", runs=True),
    Mistake("export runs/one model.onnx", "bpcli export runs/one --format onnx --output model.onnx"),
    Mistake("export runs/one", "for example bpcli export runs/one --format json"),
    Mistake("backprop runs/one 3", "bpcli backprop runs/one --row 3", runs=True),
    Mistake("exercise softmax 2", "bpcli exercise softmax --count 2", runs=True),
    Mistake("init softmax", "bpcli init --model softmax", runs=True),
    Mistake("jacobian affine 1 2 3", "bpcli jacobian affine --x 1 --w 2 --b 3", runs=True),
    Mistake("jacobian sigmoid 0.5", "bpcli jacobian sigmoid --z 0.5", runs=True),
    Mistake("grad table.yaml", "bpcli train table.yaml, or bpcli check table.yaml"),
    Mistake("grad x**2 at 3", "bpcli grad 'x**2' --at 3", runs=True),
    Mistake("descend x**2 3", "bpcli descend 'x**2' --at 3 --lr 0.1", runs=True),
    Mistake("table.yaml", "bpcli train table.yaml", runs=True),
    Mistake("train table.yaml --epoch 3", "bpcli train table.yaml --set training.epochs=3", runs=True),
    Mistake("cv table.yaml --k 3", "bpcli cv table.yaml --folds 3", runs=True),
    Mistake("cv table.yaml 3", "bpcli cv table.yaml --folds 3", runs=True),
    Mistake("sweep table.yaml --grid training.l2=0,1", "bpcli sweep table.yaml --try training.l2=0,1"),
    Mistake("descend x**2 --at 3 --alpha 0.1", "bpcli descend 'x**2' --at 3 --lr 0.1", runs=True),
    Mistake("descend x**2 --at 3 --lr 0.1 --epochs 3", "bpcli descend 'x**2' --at 3 --lr 0.1 --steps 3", runs=True),
    Mistake("grad x**2 --point 3", "bpcli grad 'x**2' --at 3", runs=True),
    Mistake("jacobian softmax --logits 1 2 3", "bpcli jacobian softmax --logits 1,2,3", runs=True),
    Mistake("runs/one", "bpcli evaluate runs/one, or bpcli inspect runs/one"),
    Mistake("-v", "did you mean bpcli --version?"),
    Mistake("predict runs/one https://x.org/a.csv", "curl -s https://x.org/a.csv | bpcli predict runs/one -", code=3),
    Mistake("train https://x.org/a.yaml", "curl -sO https://x.org/a.yaml fetches a.yaml", code=3),
    Mistake(
        "predict https://x.org/run table.csv", "curl -sO https://x.org/run fetches run; then give that file", code=3
    ),
    Mistake("jacobian softmax 1,2,3", "bpcli jacobian softmax --logits 1,2,3", runs=True),
    Mistake("jacobian 'x*y, x+y' --at 1,2", "bpcli jacobian 'x*y' x+y --at 1,2", runs=True),
    Mistake("grad 'x*y, x+y' --at 1,2", "bpcli jacobian 'x*y' x+y --at 1,2", runs=True),
    Mistake(
        "grad x**2+y**2 1,2", "bpcli grad 'x**2+y**2' --at 1,2", runs=True, meaning="1,2 is a point, which --at gives"
    ),
    Mistake(
        "grad x**2+y**2 --at 1 2",
        "bpcli grad 'x**2+y**2' --at 1,2",
        runs=True,
        meaning="a point is one word: its numbers stand between commas",
    ),
    Mistake(
        "grad x**2+y**2 --at (1,2)",
        "bpcli grad 'x**2+y**2' --at 1,2",
        runs=True,
        meaning="a point is written without parentheses around it",
    ),
    Mistake("grad x**2+y**2 --at {x:1,y:2}", "bpcli grad 'x**2+y**2' --at x=1,y=2", runs=True),
    Mistake(
        "descend x**2 --at 3 --lr 0.1 --steps 0.5",
        "see: bpcli descend --help",
        meaning="--steps: expected a whole number, found '0.5'",
    ),
    Mistake("grad x**2 x=3", "bpcli grad 'x**2' --at x=3", runs=True),
    Mistake("grad x**2 --x 3", "bpcli grad 'x**2' --at x=3", runs=True),
    Mistake("grad x**2 + y --at 1,2", "bpcli grad 'x**2 + y' --at 1,2", runs=True),
    Mistake("descend x**2 1 --lr 0.1", "bpcli descend 'x**2' --lr 0.1 --at 1", runs=True),
    Mistake("jacobian x*y 1,2", "bpcli jacobian 'x*y' --at 1,2", runs=True),
    Mistake("check x**2 --at 1 --mine", 'for example --mine "2*x"'),
    Mistake("descend x**2 --at 1", "for example --lr 0.1"),
    Mistake("-h", "the help is bpcli --help"),
    Mistake("train -h", "the help is bpcli train --help", meaning="there is no option -h"),
    Mistake("version", "did you mean bpcli --version?"),
    Mistake("visualize x", "did you mean bpcli plot?"),
    Mistake("x**2 --at 1", "bpcli grad 'x**2' --at 1", runs=True),
    Mistake(
        "train --epochs 10",
        "bpcli train CONFIG --set training.epochs=10",
        meaning="there is no option --epochs; training.epochs is a key of the config, which --set changes",
    ),
    Mistake(
        "check table.csv", "bpcli init --data table.csv > table.yaml", meaning="table.csv is a table, not an expression"
    ),
    Mistake(
        "predict runs/one https://x.org/a//b.csv",
        "curl -s https://x.org/a//b.csv | bpcli predict runs/one -",
        meaning="https://x.org/a//b.csv is an address, and only files are read",
        code=3,
    ),
    Mistake("table.csv", "bpcli init --data table.csv > table.yaml", meaning="table.csv is a table, and no command"),
]


def test_each_mistake_is_answered(bpcli, folder):
    for typed, instead, runs, meaning, code in MISTAKES:
        failed = bpcli(*shlex.split(typed))
        first, *_, last = map(str.strip, failed.err.rstrip().splitlines())
        assert failed.code == code, typed
        assert first == f"bpcli: error: {meaning}" if meaning else first.startswith("bpcli: error: "), failed.err
        assert last.startswith(instead), (typed, failed.err)
        assert "https:/x" not in failed.err
        if runs:
            done = bpcli(
                *shlex.split(last)[1:], *(["--output", f"runs/{len(typed)}-{typed[-1]}"] * typed.startswith("train"))
            )
            assert done.code in (0, 1), (last, done.err)


@pytest.mark.parametrize(
    "typed",
    [
        "grad 3,5*x --at 1",
        "train table.yaml --bogus 1",
        "train table.yaml --verbose",
        "grad sni(x) --at 1",
        "predict",
    ],
)
def test_other_errors_keep_their_own_words(bpcli, folder, typed):
    arguments = shlex.split(typed)
    failed = bpcli(*arguments)
    assert failed.code == 2
    assert answer(arguments, failed.err, cli) is None


@pytest.mark.parametrize(
    ("typed", "own"),
    [
        ("backprop neurn", "did you mean neuron?"),
        ("train table.yaml --outpt runs/o", "did you mean --output?"),  # not the config's key of that name
        ("plot runs/one --features z --output q.png", "no such feature"),
        ("plot runs/one --features kin --output q.png", "no such feature"),
    ],
)
def test_what_an_error_knows_itself_stays(bpcli, folder, typed, own):
    assert own in bpcli(*shlex.split(typed)).err
    assert "weights of its own" not in bpcli(*shlex.split(typed)).err


def test_an_expression_h_is_told_of(bpcli):
    found = bpcli("grad", "-h")
    assert (found.code, found.out) == (0, "-1\n")
    assert "--help" in found.err


@given(
    st.sampled_from([*COMMANDS, "foo", ""]),
    st.lists(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
        | st.sampled_from(["--at", "--set", "-h", "x*y", "https://a", "a.csv"]),
        max_size=5,
    ),
)
def test_no_line_breaks_it(command, words):
    found = answer([command, *words], "", cli)
    assert found is None or (found.instead.strip() and found.code in (None, 2, 3))
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()), redirect_stderr(said):
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
        code = run([command, *words])
    assert code in (0, 1, 2, 3, 4), said.getvalue()
    assert code == 0 or said.getvalue().startswith("bpcli: "), said.getvalue()
    assert "Traceback" not in said.getvalue()


ABSENT = [  # files that do not exist, as the first line of the error says
    "check --key nope --mine 1",
    "check x --at 1 --mine @nope",
]


@pytest.mark.parametrize("typed", ABSENT)
def test_a_file_that_is_not_there(bpcli, folder, typed):
    failed = bpcli(*shlex.split(typed))
    assert (failed.code, failed.err.splitlines()[0]) == (3, "bpcli: error: nope does not exist")


@pytest.mark.parametrize(
    ("typed", "option"),
    [
        ("check sigmoid --z 1 --mine --format json", "--mine"),
        ("check x --mine --at 1", "--mine"),
        ("train table.yaml --output --force", "--output"),
    ],
)
def test_an_option_is_no_value_of_the_one_before_it(bpcli, folder, typed, option):
    failed = bpcli(*shlex.split(typed))
    assert (failed.code, failed.err.splitlines()[0]) == (2, f"bpcli: error: option '{option}' requires an argument")


def test_an_address_that_curl_cannot_fetch(bpcli, folder):
    failed = bpcli("evaluate", "runs/one", "s3://bucket/a.csv")
    assert failed.err.startswith("bpcli: error: s3://bucket/a.csv is an address, and only files are read")
    assert (failed.code, "curl" in failed.err) == (3, False)
